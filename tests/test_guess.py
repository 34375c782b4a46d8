"""Bets, and numbers that stand for about themselves."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lesson5_utils.errors import ArgumentError, Lesson5Error
from lesson5_utils.exercises import About, about, bet
from lesson5_utils.exercises.engine.judge import Record


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        (0.9, 2, "≈ 0.90"),
        (0.904, 2, "≈ 0.90"),
        (1285, 0, "≈ 1,285"),
        (1234567.891, 1, "≈ 1,234,567.9"),
        (-0.5, 1, "≈ −0.5"),
        (-0.001, 2, "≈ 0.00"),
        (np.float32(0.5), 1, "≈ 0.5"),
        (np.int64(3), 0, "≈ 3"),
        (torch.tensor(0.25), 2, "≈ 0.25"),
        (torch.tensor([0.25]), 2, "≈ 0.25"),
    ],
)
def test_about_shows_a_number_with_its_digits(number: Any, digits: int, text: str) -> None:
    made = about(number, digits)
    assert made == text and str(made) == text and f"{made}" == text
    assert made.number == pytest.approx(float(number))


def test_a_share_as_percent() -> None:
    assert about(0.904, 0, percent=True) == "≈ 90 %"
    assert about(0.904, 1, percent=True) == "≈ 90.4 %"
    assert about(0.904, 1, percent=True).number == 0.904


@pytest.mark.parametrize(
    "number", [float("nan"), float("inf"), -float("inf"), "0.9", True, None, torch.ones(2)]
)
def test_only_one_finite_number_is_about_anything(number: Any) -> None:
    with pytest.raises(ArgumentError, match="number must be a number"):
        about(number, 2)


@pytest.mark.parametrize("digits", [-1, 2.0, None, 16])
def test_digits_are_a_whole_number(digits: Any) -> None:
    with pytest.raises(ArgumentError, match="digits must be a whole number"):
        about(0.5, digits)


def test_on_the_bundled_data_a_number_outside_its_range_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert about(0.9, 2, bundled=(0.85, 0.95)) == "≈ 0.90"
    assert about(0.85, 2, bundled=(0.85, 0.95)) == "≈ 0.85"
    for outside in (0.8499, 0.951):
        with pytest.raises(Lesson5Error, match=r"lies between 0\.85 and 0\.95"):
            about(outside, 2, bundled=(0.85, 0.95))
    monkeypatch.setenv("LESSON5_RATINGS", "sample")
    monkeypatch.setenv("LESSON5_DIGITS", "")
    with pytest.raises(Lesson5Error):
        about(0.5, 2, bundled=(0.85, 0.95))


@pytest.mark.parametrize("name", ["LESSON5_RATINGS", "LESSON5_DIGITS"])
def test_on_other_data_the_range_is_not_looked_at(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "mnist")
    assert about(0.5, 2, bundled=(0.85, 0.95)) == "≈ 0.50"


@given(st.floats(-1e12, 1e12), st.integers(0, 6))
def test_about_reads_back_as_its_number(number: float, digits: int) -> None:
    text = about(number, digits).removeprefix("≈ ").replace(",", "").replace("−", "-")
    assert float(text) == pytest.approx(number, abs=0.5 * 10**-digits + 1e-9 * abs(number))


@pytest.mark.parametrize(
    ("bundled", "said"),
    [
        ((0.95, 0.85), "the upper end of bundled must be a number of at least 0.95, not 0.85"),
        ((None, 0.6), "the lower end of bundled must be a number, not None"),
        ((0.1, float("nan")), "the upper end of bundled must be a number"),
        (0.95, "bundled must be two numbers"),
        ((0.9,), "bundled must be two numbers"),
    ],
)
def test_a_range_has_a_lower_and_an_upper_end(bundled: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        about(0.9, 2, bundled=bundled)


# --- bets ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guess", "outcome", "lines"),
    [
        (
            ...,
            about(0.9, 2),
            [
                "your bet  none yet: write it in place of the ... and run this again",
                "it came   ≈ 0.90",
            ],
        ),
        (
            0.75,
            about(0.9, 2),
            ["your bet  0.75", "it came   ≈ 0.90", "apart     ≈ 0.15: you bet lower"],
        ),
        (12, 10, ["your bet  12", "it came   10", "apart     2: you bet higher"]),
        (1000, 1000.0, ["your bet  1,000", "it came   1,000", "the same"]),
        (torch.tensor(3.0), 3, ["your bet  3", "it came   3", "the same"]),
        ("the body", "The body ", ["your bet  the body", "it came   The body ", "the same"]),
        ("head", "body", ["your bet  head", "it came   body"]),
        ("a lot", about(0.9, 2), ["your bet  a lot", "it came   ≈ 0.90"]),
        (True, False, ["your bet  True", "it came   False"]),
        (0.9, about(0.9004, 2), ["your bet  0.9", "it came   ≈ 0.90", "the same"]),
        (3, float("inf"), ["your bet  3", "it came   inf"]),
        (float("nan"), about(0.9, 2), ["your bet  nan", "it came   ≈ 0.90"]),
        (np.float32(0.3), torch.tensor(0.3), ["your bet  0.3", "it came   0.3", "the same"]),
        (
            75,
            about(0.9, 0, percent=True),
            ["your bet  75 %", "it came   ≈ 90 %", "apart     ≈ 15 points: you bet lower"],
        ),
        (90, about(0.904, 0, percent=True), ["your bet  90 %", "it came   ≈ 90 %", "the same"]),
        ("all", about(0.9, 0, percent=True), ["your bet  all", "it came   ≈ 90 %"]),
    ],
)
def test_a_bet_shows_guess_and_outcome_side_by_side(
    guess: Any, outcome: Any, lines: list[str]
) -> None:
    made = bet("key", "How good?", guess, outcome)
    assert repr(made).splitlines() == ["How good?", *(f"  {line}" for line in lines)]


def test_a_choice_is_one_of_those_offered() -> None:
    assert bet("key", "Which?", "b", "a", choices=["a", "b"]).placed
    assert not bet("key", "Which?", ..., "a", choices=["a", "b"]).placed
    assert bet("key", "Which?", " B", "b", choices=["a", "b"]).placed, "as it compares them"
    with pytest.raises(ArgumentError, match="unknown bet 'c': choose from 'a', 'b'"):
        bet("key", "Which?", "c", "a", choices=["a", "b"])


def test_a_bet_is_told_to_the_listeners(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Record] = []
    monkeypatch.setattr("lesson5_utils.exercises.engine.judge.listeners", [heard.append])
    bet("body", "How good?", 0.5, 0.9)
    bet("head", "How good?", ..., 0.9)
    assert heard == [Record("bet", "body", "placed"), Record("bet", "head", "unanswered")]


def test_about_is_text_everywhere() -> None:
    made = about(0.9, 2)
    assert isinstance(made, str) and isinstance(made, About)
    assert re.fullmatch("frozen body: ≈ 0.90", f"frozen body: {made}")

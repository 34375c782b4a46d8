"""arguments.py: what passes comes back as a plain number, what does not is told in one form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), np.float64(2), np.int64(3)])
def test_a_number_comes_back_as_a_float(value: Any) -> None:
    passed = arguments.number("lr", value, above=0)
    assert type(passed) is float and passed == value


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        math.nan,
        math.inf,
        "fast",
        None,
        True,
        [1],
        torch.tensor(1.0),
        1j,
        np.float32("nan"),
        10**400,
    ],
)
def test_what_is_no_positive_number_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^lr must be a number above 0, not "):
        arguments.number("lr", value, above=0)


def test_bounds_are_open_or_closed_as_named() -> None:
    assert arguments.number("p", 0, least=0, below=1) == 0
    assert arguments.number("p", 1, above=0, most=1) == 1
    with pytest.raises(
        ArgumentError, match=r"p must be a number of at least 0 and below 1, not 1"
    ):
        arguments.number("p", 1, least=0, below=1)
    with pytest.raises(ArgumentError, match=r"p must be a number above 0 and at most 1, not 0"):
        arguments.number("p", 0, above=0, most=1)
    with pytest.raises(ArgumentError, match=r"x must be a number, not 'a'"):
        arguments.number("x", "a")


def test_numpys_numbers_are_told_without_their_type() -> None:
    with pytest.raises(ArgumentError, match=r"not -1\.0$"):
        arguments.number("lr", np.float64(-1), above=0)
    with pytest.raises(ArgumentError, match=r"not 0$"):
        arguments.whole("n", np.int64(0))


@pytest.mark.parametrize("value", [1, 7, np.int32(7)])
def test_a_whole_number_comes_back_as_an_int(value: Any) -> None:
    assert type(arguments.whole("n", value)) is int and arguments.whole("n", value) == value


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, "3", None, True, np.float64(3)])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^n must be a whole number of at least 1, not "):
        arguments.whole("n", value)


def test_whole_numbers_have_bounds() -> None:
    assert arguments.whole("n", 0, least=0) == 0 and arguments.whole("n", 4, most=4) == 4
    with pytest.raises(ArgumentError, match=r"n must be a whole number from 1 to 4, not 5"):
        arguments.whole("n", 5, most=4)


def test_a_choice_is_one_of_those_known() -> None:
    assert arguments.choice("schedule", "one_cycle", ["one_cycle", None]) == "one_cycle"
    with pytest.raises(ArgumentError, match=r"unknown schedule 'one_cyle'.*mean 'one_cycle'"):
        arguments.choice("schedule", "one_cyle", ["one_cycle"])


def test_a_setting_is_a_whole_number_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LESSON5_TEST", raising=False)
    assert arguments.setting("LESSON5_TEST", 3) == 3
    for text, value in (("", 3), ("1", 1), ("12", 12)):
        monkeypatch.setenv("LESSON5_TEST", text)
        assert arguments.setting("LESSON5_TEST", 3) == value
    for text in ("two", "0", "-1", "1.5", "1025", "9" * 30):
        monkeypatch.setenv("LESSON5_TEST", text)
        with pytest.raises(ArgumentError, match=f"LESSON5_TEST must be .* not '{text}'"):
            arguments.setting("LESSON5_TEST", 3)

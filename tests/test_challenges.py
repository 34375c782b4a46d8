"""Challenges: scored by running, told with a place, kept in work/, measured by the course."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lesson5_utils import entries
from lesson5_utils.entries import Entry
from lesson5_utils.errors import DataError
from lesson5_utils.exercises import Challenge, WrongForm, challenge
from lesson5_utils.exercises.engine import challenge as engine

HELD_OUT = torch.tensor([1.0, 2.0])
OURS = {"as it is": lambda x: x, "a half more": lambda x: 1.5 * x}


def score(answer: Any) -> float:
    return float(answer(HELD_OUT).sum())


def toy(**changed: Any) -> Challenge:
    """Multiply, so that the sum is large: the course reaches 3, 4.5 and, in the notebook, 6."""
    settings = {"score": score, "mark": 5.5, "why": "because", "title": "a large sum"}

    @challenge(**{**settings, "course": OURS, "digits": 1, **changed})
    def large(x: Tensor) -> Tensor:
        return 2 * x

    large.slip("that is the plain sum.", lambda x: x)
    return large


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A course whose table has the toy's entries; returns the table."""
    one, path = toy(), tmp_path / "course" / "benchmarks" / entries.TABLE
    rows = [
        (one.goal, Entry(one.full_name, name, one.measure(f))) for name, f in one.own.items()
    ]
    path.parent.mkdir(parents=True)
    path.write_text(entries.table(rows), encoding="utf-8")
    monkeypatch.setattr(entries.registry, "bundled", lambda: path.parents[1] / "data")
    return path


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a learner's entries, not made yet."""
    monkeypatch.setenv("LESSON5_WORK_DIR", str(tmp_path / "work"))
    return tmp_path / "work" / entries.FOLDER


# --- scored by running --------------------------------------------------------------------


class Layer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def breaks_the_rules(answer: Any) -> float:
    raise WrongForm("it has seen the held-out rows")


@pytest.mark.parametrize(
    ("answer", "status", "phrase"),
    [
        (lambda x: 2 * x, "right", "6.0 on rows that it had not seen; the mark is 5.5, beaten"),
        (lambda x: 5.5 * x / 3, "right", "the mark is 5.5, reached exactly."),
        (Layer(), "right", "beaten by 0.5."),
        (
            lambda x: 1.8 * x,
            "wrong",
            "5.4 on rows that it had not seen; the mark is 5.5, 0.1 away",
        ),
        (lambda x: 1.833 * x, "wrong", "the mark is 5.5, 0.001 away."),
        (lambda x: x, "wrong", "That is the plain sum.\n  3.0 on rows"),
        (lambda x: x / 0, "wrong", "The score is inf, not a finite number."),
        (lambda x: x * torch.nan, "wrong", "The score is nan, not a finite number."),
        (lambda x: 1 / "a", "wrong", "It raised TypeError: unsupported"),
        (lambda: 1, "wrong", "It raised TypeError: "),
        (
            lambda x: "seven",
            "wrong",
            "It returned 'seven', which has no score (AttributeError: ",
        ),
        (lambda x: None, "wrong", "is a `return` missing?"),
        (lambda x: ..., "unanswered", "not answered yet"),
        (3, "wrong", "Give the function itself"),
        (None, "unanswered", "not answered yet"),
        (..., "unanswered", "not answered yet"),
    ],
)
def test_the_report_says_the_score_and_how_far_from_the_mark(
    answer: Any, status: str, phrase: str
) -> None:
    report = toy()(answer)
    assert report.status == status and phrase in report.text, report.text


@pytest.mark.parametrize(
    ("scored", "phrase"),
    [
        (breaks_the_rules, "✗ large: not yet.\n  It has seen the held-out rows."),
        (
            lambda answer: answer(HELD_OUT),
            "which has no score: that would be one number, not ten",
        ),
        (lambda answer: 1 / 0, "It could not be scored (ZeroDivisionError: division by zero)."),
        (
            lambda answer: "high",
            "It could not be scored: that would be one number, not 'high'.",
        ),
    ],
)
def test_a_score_that_is_none_is_told_in_a_sentence(scored: Any, phrase: str) -> None:
    report = toy(score=scored)(lambda x: 2 * x)
    assert report.status == "wrong" and phrase in report.text, report.text


def test_lower_may_be_better_and_shares_are_told_in_percent() -> None:
    one = toy(
        score=lambda answer: answer(0.5), mark=0.25, lower=True, percent=True, digits=None
    )
    right = one(lambda x: x / 4)
    assert right.status == "right"
    assert "12.5 % on rows that it had not seen; the mark is 25.0 %, beaten by 12.5 points" in (
        right.text
    )
    assert one(lambda x: x).status == "wrong" and one(lambda x: x / 2).status == "right"
    loaves = toy(unit="loaves", digits=0, score=lambda answer: 1200 * answer(1))
    assert "1,200 loaves on rows" in loaves(lambda x: x).text


def test_random_numbers_are_the_same_each_time_and_the_global_state_stays() -> None:
    one = toy(score=lambda answer: answer(torch.rand(3)).sum())
    torch.manual_seed(3)
    first = one(lambda x: x + torch.rand(3)).text
    drawn = torch.rand(1)
    assert one(lambda x: x + torch.rand(3)).text == first
    torch.manual_seed(3)
    assert torch.rand(1) == drawn


def test_what_was_just_checked_is_used_without_scoring_it_again() -> None:
    calls = []

    def counted(answer: Any) -> float:
        calls.append(answer)
        return score(answer)

    one = toy(score=counted)
    right, wrong = (lambda x: 3 * x), (lambda x: 1.1 * x)
    one(right)
    assert one.use(right) is right and len(calls) == 1
    assert one.use(wrong) is one.reference and len(calls) == 3, "and the slip"
    one(wrong)
    assert one.use(wrong) is one.reference and len(calls) == 4, "a slip is scored once"


def test_an_answer_that_stops_the_kernel_says_that_nothing_is_lost(work: Path) -> None:
    one = toy()
    one(lambda x: 2 * x)

    def endless(x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt, match="stopped before it had a score"):
        one(endless)
    assert torch.equal(torch.get_rng_state(), state) and len(os.listdir(work)) == 1
    assert one(lambda x: 2 * x).status == "right"


def test_what_takes_long_counts_its_seconds_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine, "PATIENCE", 0.05)

    def slow(x: Tensor) -> Tensor:
        time.sleep(0.2)
        return 2 * x

    assert toy()(slow).status == "right" and capsys.readouterr().out == "", "in tests"
    monkeypatch.setenv("LESSON5_PROGRESS", "1")
    assert toy()(slow).status == "right"
    shown = capsys.readouterr().out.split("\r")
    assert shown[1] == "large: it runs on held-out rows, 0 s"
    assert shown[2:] == [" " * len(shown[1]), ""]
    toy()(lambda x: 2 * x)
    assert capsys.readouterr().out == ""


# --- its place ----------------------------------------------------------------------------


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    ("factor", "place"),
    [
        (3, "1 of 4 with the course's own entries: before “the notebook's solution” (6.0)."),
        (1.9, "behind “the notebook's solution” (6.0) and before “a half more” (4.5)."),
        (0.5, "4 of 4 with the course's own entries: behind “as it is” (3.0)."),
    ],
)
def test_the_place_among_the_courses_own(factor: float, place: str) -> None:
    assert place in toy()(lambda x: factor * x).text


def test_a_table_that_is_damaged_takes_only_the_place_away(measured: Path) -> None:
    for text in ("challenge,title\nx,y\n", "<<<<<<< HEAD\n", b"\xff\xfe", ""):
        measured.write_bytes(text if isinstance(text, bytes) else text.encode())
        report = toy()(lambda x: 2 * x)
        assert report.status == "right" and "place" not in report.text
    measured.write_text("challenge,title\nx,y\n")
    with pytest.raises(DataError, match=r"challenges\.csv cannot be read .*: take it from git"):
        entries.goals()


def test_the_table_holds_goals_and_entries_as_they_were(measured: Path) -> None:
    one = toy()
    assert entries.goals() == {
        one.goal: [
            Entry(one.full_name, "as it is", 3.0),
            Entry(one.full_name, "a half more", 4.5),
            Entry(one.full_name, "the notebook's solution", 6.0),
        ]
    }
    assert one.goal.module == "test_challenges" and measured.read_text().count("\n") == 4

"""Challenges: scored by running, told with a place, kept in work/, measured by the course."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import scripts
import torch
from small_course import ROOT
from torch import Tensor, nn

from lesson5_utils import entries, exercises
from lesson5_utils.entries import Entry, Goal
from lesson5_utils.errors import DataError, Lesson5Error
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
    many = toy(digits=0, score=lambda answer: 1200 * answer(1))
    assert "1,200 on rows" in many(lambda x: x).text


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
    stub = lambda x: ...  # noqa: E731
    one(stub)
    assert one.use(stub) is one.reference and len(calls) == 5


def test_an_answer_that_stops_the_kernel_says_that_nothing_is_lost(work: Path) -> None:
    one = toy()
    one(lambda x: 2 * x)

    def endless(x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt, match=r"large: stopped\. What was kept before"):
        one(endless)
    assert torch.equal(torch.get_rng_state(), state) and len(os.listdir(work)) == 1
    assert one(lambda x: 2 * x).status == "right"


def test_an_interrupt_while_a_slip_is_scored_loses_no_score(work: Path) -> None:
    one = toy()

    @one.slip("that is slow.")
    def slow(x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"large: stopped\. Kept in work/challenges/"):
        one(lambda x: 1.25 * x)
    assert [kept.score for kept in entries.kept()[0]] == [3.75]


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
        (1.5, "behind “the notebook's solution” (6.0) and level with “a half more” (4.5)."),
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


# --- kept ---------------------------------------------------------------------------------


def trebled(x: Tensor) -> Tensor:
    """Three times as much.

    And more text.
    """
    return 3 * x


def test_a_result_is_kept_once_with_its_code_and_found_again(work: Path) -> None:
    one = toy()
    told = one(trebled).text.splitlines()[-1]
    (path,) = work.iterdir()
    place = f"work/challenges/{path.name}"
    assert told == f"  Kept in {place}; `lesson5 challenge` lists all entries."
    assert path.name.startswith("test_challenges.large_9_") and path.suffix == ".py"
    assert one(trebled).text.splitlines()[-1] == told and list(work.iterdir()) == [path]
    one.use(trebled)
    one(lambda x: x / 0)
    one(lambda x: ...)
    assert list(work.iterdir()) == [path], "nothing else had a score"
    (found,), damaged = entries.kept()
    assert (found.challenge, found.title, found.score, found.file) == (
        "test_challenges.large",
        "Three times as much.",
        9.0,
        path,
    )
    assert not found.ours and found.source.startswith("def trebled(") and damaged == []
    assert found.source.endswith("return 3 * x")
    assert time.strptime(found.when, "%Y-%m-%d %H:%M")
    one(lambda x: x)
    assert len(entries.kept()[0]) == 2, "one that misses the mark is kept, too"


def test_the_same_code_that_reaches_something_else_is_another_entry(work: Path) -> None:
    factor = 3.0

    def by_factor(x: Tensor) -> Tensor:
        return factor * x

    toy()(by_factor)
    factor = 4.0
    toy()(by_factor)
    assert sorted(one.score for one in entries.kept()[0]) == [9, 12]
    assert {one.title for one in entries.kept()[0]} == {"by_factor"}


@pytest.mark.parametrize(
    ("answer", "title", "begins"),
    [
        (partial(lambda x, by: by * x, by=3), "<lambda>", "(partial(lambda x, by:"),
        (Layer(), "Layer", ""),
        (eval("lambda x: 3 * x"), "<lambda>", ""),
    ],
)
def test_what_has_no_name_or_text_is_kept_all_the_same(
    answer: Any, title: str, begins: str, work: Path
) -> None:
    assert toy()(answer).status == "right"
    ((found,), _) = entries.kept()
    assert found.title == title and found.source.startswith(begins)


def test_a_long_title_is_cut(work: Path) -> None:
    def wordy(x: Tensor) -> Tensor:
        return 2 * x

    wordy.__doc__ = "word " * 30
    toy()(wordy)
    assert len(entries.kept()[0][0].title) == 60 and entries.kept()[0][0].title[-1] == "…"


def test_where_nothing_is_kept_nothing_is_said_of_it(tmp_path: Path) -> None:
    assert "Kept" not in toy()(trebled).text and entries.kept() == ([], [])


def test_a_result_that_cannot_be_kept_is_still_told(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.parent.write_text("a file in its place")
    report = toy()(trebled)
    assert report.status == "right"
    assert "\n  Not kept: " in report.text and "where a folder is needed" in report.text
    assert entries.kept() == ([], [])
    monkeypatch.setenv("LESSON5_WORK_DIR", "mine")
    assert "Not kept: LESSON5_WORK_DIR must be a full path" in toy()(trebled).text


KEEPS = """
import sys
from lesson5_utils.entries import Entry, keep
for i in range(20):
    keep(Entry("a.b", sys.argv[1], i, "now", f"{sys.argv[1]} {i}"))
    keep(Entry("a.b", "both", i, "now", "the same"))
"""


def test_two_kernels_at_once_lose_nothing(work: Path) -> None:
    settings = os.environ | {"PYTHONPATH": str(ROOT)}
    both = [subprocess.Popen([sys.executable, "-c", KEEPS, n], env=settings) for n in "12"]
    assert [one.wait(60) for one in both] == [0, 0]
    found, damaged = entries.kept()
    assert len(found) == 60 and damaged == []
    assert not [path for path in work.iterdir() if path.suffix != ".py"]


GOOD = '# lesson5 challenge: {"challenge": "a.b", "title": "t", "score": 1, "when": "now"}\n'
DAMAGED = {
    "empty": b"",
    "another": b"def f(): ...\n",
    "half": GOOD.encode()[:50],
    "no score": GOOD.replace("score", "scores").encode(),
    "a text": GOOD.replace("1", '"high"').encode(),
    "nan": GOOD.replace("1", "NaN").encode(),
    "a list": b"# lesson5 challenge: [1]\n",
    "no title": GOOD.replace('"t"', "3").encode(),
    "latin": GOOD.encode() + b"# \xe7\n",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_told_in_a_sentence_and_left_and_takes_no_other_with_it(
    name: str, work: Path
) -> None:
    work.mkdir(parents=True)
    (work / "a.b_1_x.py").write_bytes(DAMAGED[name])
    (work / "a.b_1_y.py").write_text("\ufeff" + GOOD.replace("\n", "\r\n") + "\r\ncode\r\n")
    assert toy()(trebled).status == "right", "a check does not mind"
    found, (told,) = entries.kept()
    assert [one.title for one in found] == ["t", "Three times as much."]
    assert found[0].source == "code"
    assert f"{work / 'a.b_1_x.py'} is not read as an entry (" in told and "\n" not in told
    assert (work / "a.b_1_x.py").read_bytes() == DAMAGED[name]


def test_where_an_entry_is_damaged_it_is_set_aside_and_kept_anew(work: Path) -> None:
    toy()(trebled)
    (path,) = work.iterdir()
    good = path.read_text()
    for odd in ("odd", "odder"):
        path.write_text(odd)
        assert f"Kept in work/challenges/{path.name}" in toy()(trebled).text
    assert sorted(one.suffix for one in work.iterdir()) == [".damaged1", ".damaged2", ".py"]
    assert path.with_suffix(".damaged1").read_text() == "odd"
    assert path.read_text().splitlines()[1:] == good.splitlines()[1:]
    path.write_text(good + "# my own note\n")
    toy()(trebled)
    assert path.read_text().endswith("note\n"), "what can be read stays as it is"


# --- listed -------------------------------------------------------------------------------


def test_a_board_ranks_all_and_says_whose_each_is() -> None:
    goal = toy().goal
    ours = [Entry("a.b", "plain", 3.0), Entry("a.b", "double", 6.0), Entry("a.b", "more", 5.5)]
    mine = Entry("a.b", "mine", 1234.0, "2026-11-30 20:41", "", Path("work/x.py"))
    assert entries.board(goal, [*ours, mine]) == [
        "     1  1,234.0  yours   mine, 2026-11-30 20:41, x.py",
        "     2      6.0  course  double",
        "     3      5.5  course  more",
        "  mark      5.5  ------  the score to reach",
        "     4      3.0  course  plain",
    ]
    lower = toy(lower=True).goal
    assert [line.split()[0] for line in entries.board(lower, ours)] == ["1", "2", "mark", "3"]


# --- measured -----------------------------------------------------------------------------


def challenges() -> dict[str, Challenge]:
    return {name: one for name, one in exercises.every().items() if isinstance(one, Challenge)}


def unlike(one: Challenge, goals: dict[Goal, list[Entry]]) -> str:
    """What is wrong with a challenge's rows in benchmarks/challenges.csv; "" if nothing is."""
    here = goals.get(one.goal)
    if here is None:
        return "its title, mark or form of scores is not in the table"
    titles = [entry.title for entry in here]
    if titles != list(one.own):
        return f"the table has the entries {titles}, the module {list(one.own)}"
    return "" if one.goal.reached(here[-1].score) else "the solution does not reach the mark"


def test_a_challenge_that_was_not_measured_is_noticed(measured: Path) -> None:
    goals = entries.goals()
    assert unlike(toy(), goals) == ""
    assert "not in the table" in unlike(toy(mark=6.0), goals)
    assert "the module" in unlike(toy(course={}), goals)
    low = [*goals[toy().goal][:2], Entry("", "the notebook's solution", 1.0)]
    assert "does not reach" in unlike(toy(), {toy().goal: low})


@pytest.mark.parametrize("name", challenges())
def test_every_challenge_is_measured_as_it_is_now(name: str) -> None:
    one = challenges()[name]
    told = unlike(one, entries.goals())
    assert not told, f"{name}: {told}: run benchmarks/challenges.py {one.goal.module}"
    assert one.course, "a learner wants somebody to beat"


def test_the_table_has_no_challenge_that_is_gone_and_its_notebook_is_there() -> None:
    named = {goal.challenge for goal in entries.goals()}
    assert named == set(challenges())
    notebooks = {path.stem[3:] for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert {goal.module for goal in entries.goals()} <= notebooks


@pytest.mark.slow
@pytest.mark.parametrize("name", challenges())
def test_one_entry_measured_again_is_as_in_the_table(name: str) -> None:
    one = challenges()[name]
    first, answer = next(iter(one.own.items()))
    (kept,) = [entry for entry in entries.goals()[one.goal] if entry.title == first]
    assert one.measure(answer) == pytest.approx(kept.score, rel=0.02)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, measured: Path) -> ModuleType:
    """benchmarks/challenges.py for a course of the toy, and of another in a second module."""
    module = scripts.script("benchmarks/challenges.py")
    other = toy(course={})
    other.reference.__module__ = "second"
    made = {one.full_name: one for one in (toy(), other)}
    monkeypatch.setattr(exercises, "every", lambda: {**made, "c.d": exercises.exercise})
    monkeypatch.setattr(module, "HERE", measured.parent)
    return module


def test_the_script_measures_all_or_those_of_one_module(
    script: ModuleType, measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = measured.read_text()
    script.main([])
    assert [goal.challenge for goal in entries.goals()] == [
        "test_challenges.large",
        "second.large",
    ]
    assert measured.read_text().startswith(before)
    assert "4.5  a half more" in capsys.readouterr().out
    changed = measured.read_text().replace("as it is,3", "as it is,2.5")
    measured.write_text(changed)
    script.main(["second"])
    assert measured.read_text() == changed
    script.main(["test_challenges"])
    assert "as it is,3\n" in measured.read_text()


def test_an_entry_of_the_courses_without_a_score_ends_the_script_with_a_sentence() -> None:
    with pytest.raises(Lesson5Error, match="has no score for this answer: it raised KeyError"):
        toy().measure(lambda x: {}["a"])

"""Entries to the course's challenges: the course's own, measured once, and the learner's, kept.

A learner's entry is a small Python file in `work/challenges/`: one line about it, and below
that the code that reached the score, to be read and used again. Each has a file of its own, so
two notebooks that keep one at the same moment do not meet, a damaged one damages no other, and
whoever wants to forget one deletes it.

Nothing here needs torch: a list of entries is there at once.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lesson5_utils import saving
from lesson5_utils.datasets import registry
from lesson5_utils.errors import DataError

__all__ = ["Entry", "Goal", "board", "goals", "keep", "kept", "ranked", "table"]

FOLDER = "challenges"  # in work/
TABLE = "challenges.csv"  # in benchmarks/
FIRST = "# lesson5 challenge: "  # begins an entry's file


@dataclass(frozen=True)
class Goal:
    """What a challenge asks for, and how its scores are read.

    Attributes:
        challenge: its full name, such as "fine_tuning.few"; the module is the notebook's.
        title: what it is about, in a few words.
        mark: the score to beat.
        lower: a lower score is better.
        percent: scores are shares, shown in percent.
        digits: how many are shown after the point.
    """

    challenge: str
    title: str
    mark: float
    lower: bool
    percent: bool
    digits: int

    @property
    def module(self) -> str:
        """The module of its check, called as the notebook is."""
        return self.challenge.partition(".")[0]

    def said(self, score: float) -> str:
        """A score as text: "93.4 %"."""
        return self._said(score, " %")

    def apart(self, one: float, other: float) -> str:
        """How far two scores are apart, with digits enough to see it: "1.2 points"."""
        return self._said(abs(one - other), " points", seen=True)

    def better(self, one: float, other: float) -> bool:
        """Whether one score is better than another."""
        return one < other if self.lower else one > other

    def reached(self, score: float) -> bool:
        """Whether a score reaches the mark; exactly the mark is enough."""
        return not self.better(self.mark, score)

    def _said(self, value: float, percent: str, seen: bool = False) -> str:
        value = 100 * value if self.percent else value
        text = f"{value:,.{self.digits}f}"
        if seen and not any(c in "123456789" for c in text):
            text = f"{value:.1g}"
        return (text + percent if self.percent else text).replace("-", "−")


@dataclass(frozen=True)
class Entry:
    """One answer to a challenge and what it reached.

    Attributes:
        challenge: the full name of the challenge.
        title: what the answer is called.
        score: what it reached on rows that it had not seen.
        when: day and time, "2026-11-30 20:22"; "" for one of the course's own.
        source: the learner's code, as far as it could be found.
        file: where it is kept.
    """

    challenge: str
    title: str
    score: float
    when: str = ""
    source: str = ""
    file: Path | None = None

    @property
    def ours(self) -> bool:
        """Whether it is one of the course's own."""
        return not self.when


# --- the course's own ----------------------------------------------------------------------


def goals() -> dict[Goal, list[Entry]]:
    """Every challenge that is measured, with the course's own entries, in the table's order.

    Raises:
        DataError: the table is damaged.
    """
    path = registry.bundled().parent / "benchmarks" / TABLE
    found: dict[Goal, list[Entry]] = {}
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            entry = Entry(row["challenge"], row["entry"], float(row["score"]))
            found.setdefault(_goal(row), []).append(entry)
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as problem:
        raise DataError(
            f"{path} cannot be read ({problem}): take it from git again, or measure it by "
            "benchmarks/challenges.py"
        ) from None
    return found


def _goal(row: dict[str, str]) -> Goal:
    return Goal(
        row["challenge"],
        row["title"],
        float(row["mark"]),
        row["lower"] == "True",
        row["percent"] == "True",
        int(row["digits"]),
    )


def table(measured: Iterable[tuple[Goal, Entry]]) -> str:
    """The content of the table that `goals` reads."""
    columns = [*(field.name for field in fields(Goal)), "entry", "score"]
    lines = [[*asdict(goal).values(), one.title, f"{one.score:.6g}"] for goal, one in measured]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([columns, *lines])
    return text.getvalue()


# --- the learner's -------------------------------------------------------------------------


def keep(entry: Entry) -> Path | None:
    """Keep an entry; the same code with the same score is kept once, and a damaged file in its
    place is set aside. None: nothing is kept here (`LESSON5_WORK_DIR` is set to nothing, or
    there is no course).

    Raises:
        Lesson5Error: it cannot be written.
    """
    work = saving.work_folder()
    if work is None:
        return None
    told = {"score": entry.score, "title": entry.title, "when": entry.when}
    line = json.dumps({"challenge": entry.challenge, **told}, ensure_ascii=False)
    same = json.dumps([entry.challenge, entry.score, entry.title, entry.source])
    digest = hashlib.sha256(same.encode()).hexdigest()[:8]
    path = work / FOLDER / f"{entry.challenge}_{entry.score:.4g}_{digest}.py"
    try:
        if path.exists():
            _entry(path)
            return path
    except DataError:
        _set_aside(path)
    saving.write(path, f"{FIRST}{line}\n\n{entry.source.strip()}\n")
    return path


def _set_aside(path: Path) -> None:
    names = (path.with_suffix(f".damaged{n}") for n in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    with suppress(OSError):  # then it cannot be written either, which is told
        path.rename(aside)


def kept() -> tuple[list[Entry], list[str]]:
    """The entries of this machine, and a sentence on each file that is none; all files are
    left as they are.

    Raises:
        DataError: `LESSON5_WORK_DIR` is no full path.
    """
    work = saving.work_folder()
    found, damaged = [], []
    for path in sorted((work / FOLDER).glob("*.py")) if work else ():
        try:
            found.append(_entry(path))
        except DataError as problem:
            damaged.append(str(problem))
    return found, damaged


def _entry(path: Path) -> Entry:
    try:
        first, _, source = path.read_text(encoding="utf-8-sig").partition("\n")
        if not first.startswith(FIRST):
            raise ValueError(f"its first line does not begin with {FIRST.strip()!r}")
        told: dict[str, Any] = json.loads(first.removeprefix(FIRST))
        texts = [told["challenge"], told["title"], told["when"]]
        if not all(isinstance(one, str) and one for one in texts):
            raise ValueError("challenge, title and when must be texts")
        score = float(told["score"])
        if not math.isfinite(score):
            raise ValueError("its score is no finite number")
        return Entry(texts[0], texts[1], score, texts[2], source.strip(), path)
    except (OSError, ValueError, LookupError, TypeError) as problem:
        raise DataError(
            f"{path} is not read as an entry ({problem or type(problem).__name__}): mend its "
            "first line, or run the check in the notebook again"
        ) from None


# --- told ----------------------------------------------------------------------------------


def ranked(goal: Goal, entries: Sequence[Entry]) -> list[Entry]:
    """The best first; of equal ones, the course's own and the earlier come first."""
    return sorted(entries, key=lambda one: one.score if goal.lower else -one.score)


def board(goal: Goal, entries: Sequence[Entry]) -> list[str]:
    """Lines of a ranked list: the best first, the mark among them, and whose each entry is."""
    best_first = ranked(goal, entries)
    lines = [
        (str(place), goal.said(one.score), "course" if one.ours else "yours", _named(one))
        for place, one in enumerate(best_first, start=1)
    ]
    above = sum(goal.reached(one.score) for one in best_first)
    lines.insert(above, ("mark", goal.said(goal.mark), "------", "the score to reach"))
    wide = max(len(score) for _, score, *_ in lines)
    return [
        f"{place:>6}  {score:>{wide}}  {whose:6}  {name}" for place, score, whose, name in lines
    ]


def _named(one: Entry) -> str:
    return ", ".join([one.title, one.when, one.file.name] if one.file else [one.title])

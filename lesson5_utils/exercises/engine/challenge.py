"""Open challenges: an answer is run on held-out rows and gets a score, a place, and is kept.

Nothing but the score of the learner's own function counts: it is computed here, each time.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from lesson5_utils import entries
from lesson5_utils.entries import Entry, Goal
from lesson5_utils.errors import Lesson5Error
from lesson5_utils.exercises.engine.compare import Rules, WrongForm, alike, numbers
from lesson5_utils.exercises.engine.judge import Exercise, Report, Slip
from lesson5_utils.exercises.engine.show import shown
from lesson5_utils.exercises.engine.trial import guarded, try_on, untouched
from lesson5_utils.exercises.engine.written import source_of, titled

__all__ = ["Challenge"]

PATIENCE = 3.0  # seconds of scoring before anything is shown


@dataclass(eq=False, repr=False, kw_only=True)
class Challenge(Exercise):
    """An exercise whose answers have a score; it is written by `decorate.challenge`, where the
    attributes are explained."""

    score: Callable[[Any], float]
    mark: float
    title: str
    course: Mapping[str, Callable[..., Any]]
    lower: bool
    percent: bool
    digits: int
    _scores: dict[Slip, Any] = field(default_factory=dict)
    _last: tuple[Any, Report] | None = None  # the answer that was judged last
    _score: float | None = None  # of the answer at hand

    @property
    def is_value(self) -> bool:
        return False

    @property
    def goal(self) -> Goal:
        """What is asked for, as lists of entries show it."""
        shown_as = self.lower, self.percent, self.digits
        return Goal(self.full_name, self.title, self.mark, *shown_as)

    @property
    def own(self) -> dict[str, Callable[..., Any]]:
        """The course's own entries by their names, the notebook's solution among them."""
        said = self.reference.__doc__
        name = titled(self.reference) if said else "the notebook's solution"
        return {**self.course, name: self.reference}

    def measure(self, answer: Callable[..., Any]) -> float:
        """The score of an answer.

        Raises:
            Lesson5Error: it has none; says why.
        """
        with untouched():
            value = self._score_of(answer)
        if isinstance(value, float):
            return value
        raise Lesson5Error(f"{self.full_name} has no score for this answer: {value}")

    def __call__(self, answer: Any) -> Report:
        """Score an answer, and keep it in `work/` if it has a score."""
        self._last = self._score = None
        try:
            report = super().__call__(answer)
        except KeyboardInterrupt:  # also while slips are scored: the answer's own is known then
            told = self._keep(answer) or ["What was kept before stays."]
            raise KeyboardInterrupt(f"{self.name}: stopped. {told[0]}") from None
        return replace(report, text="\n  ".join([report.text, *self._keep(answer)]))

    def use(self, answer: Any) -> Any:
        """As for every exercise; an answer that was just checked is not scored again."""
        if self._last is None or self._last[0] is not answer:
            return super().use(answer)
        return answer if self._last[1].status == "right" else self.reference

    # --- judging ---------------------------------------------------------------------------

    def _judge_function(self, answer: Any) -> Report:
        value = self._score_of(answer)
        self._score = value if isinstance(value, float) else None
        report = self._told(value)
        self._last = answer, report
        return report

    def _told(self, value: Any) -> Report:
        if value is ...:
            return self._unanswered()
        if not isinstance(value, float):
            return self._wrong(value)
        goal, told = self.goal, [self._reached(value), *self._place(value)]
        if goal.reached(value):
            first = f"✓ {self.name}: {told[0]}"
            return Report("right", "\n  ".join([first, *told[1:], self.why]))
        slip = next((s for s in self.slips if self._scores_alike(s, value)), None)
        said = [slip.says, *told] if slip else told
        return self._wrong(said[0], said[1:])

    def _score_of(self, answer: Any) -> Any:
        """The score as a float; ... for an answer that is not written yet, or one sentence."""
        returned: deque[Any] = deque(maxlen=1)
        watched = guarded(answer, returned.append, False)
        with _patience(self.name):
            score = try_on(self.score, ["answer"], (watched,), ()).result
        if score is ...:
            return ...
        if score is None:
            return "it returned nothing: is a `return` missing?"
        if isinstance(score, WrongForm):
            return str(score)
        if isinstance(score, Exception) and _went_through(score, watched):
            return f"it raised {type(score).__name__}: {score}"
        came = f"it returned {shown(returned[0])}, which has no score" if returned else ""
        came = came or "it could not be scored"
        if isinstance(score, Exception):
            return f"{came} ({type(score).__name__}: {score})"
        with suppress(Exception):  # whatever it is, it is no number
            value = float(f"{numbers(score).item():.6g}")  # as the course's table keeps it
            finite = math.isfinite(value)
            return value if finite else f"the score is {shown(value)}, not a finite number"
        return f"{came}: that would be one number, not {shown(score)}"

    def _scores_alike(self, slip: Slip, value: float) -> bool:
        if slip not in self._scores:
            self._scores[slip] = self._score_of(slip.answer)
        return alike(self._scores[slip], value, Rules(self.tolerance))

    # --- saying ----------------------------------------------------------------------------

    def _reached(self, value: float) -> str:
        goal = self.goal
        gap = goal.apart(value, self.mark)
        told = f"beaten by {gap}" if goal.better(value, self.mark) else f"{gap} away"
        told = "reached exactly" if value == self.mark else told
        return (
            f"{goal.said(value)} on rows that it had not seen; the mark is "
            f"{goal.said(self.mark)}, {told}."
        )

    def _place(self, value: float) -> list[str]:
        """A sentence on the place among the course's own entries; none while there are none."""
        goal = self.goal
        try:
            measured = {one.challenge: own for one, own in entries.goals().items()}
        except Lesson5Error:  # a damaged table is no affair of the learner's
            return []
        own = entries.ranked(goal, measured.get(self.full_name, []))
        if not own:
            return []
        above = sum(goal.better(one.score, value) for one in own)
        beside = [("behind", one) for one in own[:above][-1:]]
        for one in own[above:][:1]:
            beside.append(("before" if goal.better(value, one.score) else "level with", one))
        named = [f"{word} “{one.title}” ({goal.said(one.score)})" for word, one in beside]
        place = f"place {above + 1} of {len(own) + 1} with the course's own entries"
        return [f"That is {place}: {' and '.join(named)}."]

    def _keep(self, answer: Any) -> list[str]:
        """Keep an answer that has a score; a sentence on where it is, or why it is not."""
        if self._score is None:
            return []
        when = time.strftime("%Y-%m-%d %H:%M")
        entry = Entry(self.full_name, titled(answer), self._score, when, source_of(answer))
        try:
            path = entries.keep(entry)
        except Lesson5Error as problem:
            return [f"Not kept: {problem}."]
        if path is None:
            return []
        place = "/".join(path.parts[-3:])
        return [f"Kept in {place}; `lesson5 challenge` lists all entries."]


def _went_through(error: BaseException, watched: Any) -> bool:
    """Whether an error came out of the learner's function, not of what scores it."""
    step = error.__traceback__
    code = getattr(watched, "__code__", None)
    while step is not None:
        if step.tb_frame.f_code is code:
            return True
        step = step.tb_next
    return code is None  # a class or a layer: nobody can tell


@contextmanager
def _patience(what: str) -> Iterator[None]:
    """Count the seconds of what takes more than a few; afterwards nothing of it is left."""
    if os.environ.get("LESSON5_PROGRESS") == "0":
        yield
        return
    started, done = time.monotonic(), threading.Event()

    def count() -> None:
        told = ""
        while not done.wait(1 if told else PATIENCE):
            told = f"{what}: it runs on held-out rows, {time.monotonic() - started:.0f} s"
            sys.stdout.write(f"\r{told}")
            sys.stdout.flush()
        if told:
            sys.stdout.write(f"\r{'':{len(told)}}\r")
            sys.stdout.flush()

    counting = threading.Thread(target=count, daemon=True)
    counting.start()
    try:
        yield
    finally:
        done.set()
        counting.join()

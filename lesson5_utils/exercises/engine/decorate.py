"""How exercises are written: `@exercise(…)` or `@challenge(…)` on a right answer.

@exercise(cases=lambda: [(2.0,), (0.3,)], why="You now know how checks work.")
def double(x: float) -> float:
    return 2 * x

double.slip("you added 2. That is doubling for x = 2 only.", lambda x: x + 2)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lesson5_utils.exercises.engine.challenge import Challenge
from lesson5_utils.exercises.engine.judge import Cases, Exercise, Kind

__all__ = ["challenge", "exercise"]


def exercise(
    *,
    why: str,
    cases: Cases | None = None,
    kind: Kind = "build",
    through: Callable[..., Any] | None = None,
    tolerance: float = 1e-4,
    gradients: bool | Sequence[str] = False,
    may_change: bool = False,
    choices: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Exercise]:
    """Make the decorated right answer, a function or a class, the exercise of its name.

    Args:
        why: what to read when the answer is right.
        cases: makes the inputs to try, as a list of argument tuples: typical ones, real
            numbers beside whole ones, the extreme ones. Without cases the answer is a value
            (a prediction, a diagnosis), and the decorated function returns the right one.
        kind: "build", "predict", "diagnose" or "design".
        through: called as `through(answer, *case)` where an answer is not simply called: a
            class, or several steps in a row. Raises `WrongForm` with one sentence.
        tolerance: largest difference that counts as rounding, relative to what is expected.
        gradients: the result must carry the right gradients to all real-valued inputs (True)
            or to those named.
        may_change: the answer may change its inputs, and return nothing.
        choices: the texts to choose from, where the value consists of them.
    """

    def make(reference: Callable[..., Any]) -> Exercise:
        return Exercise(
            name=reference.__name__,
            reference=reference,
            cases=cases,
            why=why,
            kind=kind,
            through=through,
            tolerance=tolerance,
            gradients=gradients,
            may_change=may_change,
            choices=choices,
        )

    return make


def challenge(
    *,
    score: Callable[[Any], float],
    mark: float,
    why: str,
    title: str,
    course: Mapping[str, Callable[..., Any]] | None = None,
    lower: bool = False,
    percent: bool = False,
    digits: int | None = None,
) -> Callable[[Callable[..., Any]], Challenge]:
    """Make the decorated function an answer to an open challenge that reaches the mark.

    `python benchmarks/challenges.py` then measures the course's own entries: those in `course`
    and the decorated function, called by the first line of its docstring.

    Args:
        score: called as `score(answer)`: runs an answer on held-out rows that the notebook does
            not show and returns how well it does. It reads its data by name, such as
            `load_digits("sample")`, so that scores can be compared whatever data the learner
            has chosen, takes a few seconds at most, and raises `WrongForm` with one sentence
            where an answer breaks the rules of the challenge.
        mark: the score to reach.
        why: what to read when it is reached.
        title: what the challenge is about, in a few words.
        course: the course's own entries, functions of the same form as an answer, by the name
            that is shown; the quickest first, since the tests measure that one again.
        lower: a lower score is better, as for an error.
        percent: scores are shares, shown in percent.
        digits: how many to show after the point; default: 1 in percent, else 3.
    """

    def make(reference: Callable[..., Any]) -> Challenge:
        return Challenge(
            name=reference.__name__,
            reference=reference,
            cases=None,
            why=why,
            kind="challenge",
            score=score,
            mark=mark,
            title=title,
            course=course or {},
            lower=lower,
            percent=percent,
            digits=(1 if percent else 3) if digits is None else digits,
        )

    return make

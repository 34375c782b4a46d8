"""A bet before a result, and a number that stands for about itself."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lesson5_utils import arguments
from lesson5_utils.errors import Lesson5Error
from lesson5_utils.exercises.engine.judge import Record, tell

__all__ = ["About", "Bet", "about", "bet"]


class About(str):
    """Text such as "≈ 0.90", and the number behind it as `number`."""

    number: float


def about(
    number: Any,
    digits: int,
    bundled: tuple[float, float] | None = None,
    *,
    percent: bool = False,
) -> About:
    """A number that differs a little from machine to machine: "≈ 0.90", "≈ 1,285".

    The tests leave out exactly this number when they compare outputs, so say beside it, in
    words, what must hold everywhere.

    Args:
        number: a finite number, or a tensor or array of one.
        digits: how many to show after the point.
        bundled: the lowest and highest value that the bundled data may give. Data of the
            learner's own choice (`LESSON5_RATINGS`, `LESSON5_DIGITS`) may give any.
        percent: show a share as "≈ 90 %".

    Raises:
        ArgumentError: the number is not finite, or `digits` not a whole number from 0.
        Lesson5Error: on the bundled data the number is outside `bundled`.
    """
    value = number.item() if hasattr(number, "item") and _is_one(number) else number
    value = arguments.number("number", value)
    digits = arguments.whole("digits", digits, least=0, most=15)
    if bundled is not None and _on_bundled_data() and not bundled[0] <= value <= bundled[1]:
        raise Lesson5Error(
            f"this number is {value:.6g}; on the bundled data it lies between {bundled[0]:g} "
            f"and {bundled[1]:g}. If you changed something above, leave `bundled` out"
        )
    text = _written(100 * value if percent else value, digits)
    made = About(f"≈ {text} %" if percent else f"≈ {text}")
    made.number = value
    return made


@dataclass(frozen=True)
class Bet:
    """A guess beside what came; its text is what a notebook shows."""

    key: str
    question: str
    guess: Any
    outcome: Any

    @property
    def placed(self) -> bool:
        return self.guess is not ... and self.guess is not None

    def __repr__(self) -> str:
        lines = [self.question]
        if self.placed:
            lines.append(f"  your bet  {_said(self.guess)}")
        else:
            lines.append(
                "  your bet  none yet: write it in place of the ... and run this again"
            )
        lines.append(f"  it came   {_said(self.outcome)}")
        return "\n".join([*lines, *([f"  {told}"] if (told := self._apart()) else [])])

    def _apart(self) -> str | None:
        """How far apart the two are, without a judgement."""
        if not self.placed:
            return None
        guess, outcome = _value(self.guess), _value(self.outcome)
        if not (isinstance(guess, float) and isinstance(outcome, float)):
            return "the same" if _plain(guess) == _plain(outcome) else None
        if guess == outcome:
            return "the same"
        size = f"{abs(guess - outcome):.2g}"
        near = "≈ " if isinstance(self.outcome, About) else ""
        return f"apart     {near}{size}: you bet {'higher' if guess > outcome else 'lower'}"


def bet(key: str, question: str, guess: Any, outcome: Any, choices: Sequence[str] = ()) -> Bet:
    """Show a guess and the outcome side by side; the guess is written before the run.

    Args:
        key: what the bet is called, such as "body-accuracy"; records hang on it.
        question: what was asked.
        guess: a number, a text or one of `choices`; `...` while no bet is placed.
        outcome: what came: a number, an `about(…)` or a text.
        choices: the texts to choose from; the guess may be another one only if empty.

    Raises:
        ArgumentError: the guess is none of the choices.
    """
    made = Bet(key, question, guess, outcome)
    if choices and made.placed:
        arguments.choice("bet", guess, choices)
    tell(Record("bet", key, "placed" if made.placed else "unanswered"))
    return made


def _is_one(number: Any) -> bool:
    size = getattr(number, "numel", None)
    return (size() if callable(size) else getattr(number, "size", 1)) == 1


def _on_bundled_data() -> bool:
    names = ("LESSON5_RATINGS", "LESSON5_DIGITS")
    return all(os.environ.get(name) in (None, "", "sample") for name in names)


def _written(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    if not any(c in "123456789" for c in text):
        text = text.lstrip("-")  # no -0.00
    return text.replace("-", "−")


def _value(one: Any) -> Any:
    """The number behind a guess or an outcome as a float, else what it is."""
    if isinstance(one, About):
        return one.number
    if hasattr(one, "item") and _is_one(one):
        one = one.item()
    return float(one) if isinstance(one, int | float) and not isinstance(one, bool) else one


def _plain(one: Any) -> str:
    return str(one).strip().casefold()


def _said(one: Any) -> str:
    value = _value(one)
    if isinstance(one, About) or not isinstance(value, float):
        return str(one)
    return f"{value:,.10g}" if value != int(value) or abs(value) >= 1e16 else f"{int(value):,}"

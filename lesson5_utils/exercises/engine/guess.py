"""A bet before a result, and a number that stands for about itself."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError, Lesson5Error
from lesson5_utils.exercises.engine.judge import Record, tell

__all__ = ["About", "Bet", "about", "bet"]


class About(str):
    """Text such as "≈ 0.90"; the number behind it is `number`, and it is shown with `digits`,
    as a share or in percent."""

    number: float
    digits: int
    percent: bool


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
        bundled: the lowest and highest value of `number` that the bundled data may give. Data
            of the learner's own choice (`LESSON5_RATINGS`, `LESSON5_DIGITS`) may give any.
        percent: show a share as "≈ 90 %".

    Raises:
        ArgumentError: the number is not finite, `digits` not a whole number from 0, or
            `bundled` not two numbers that rise.
        Lesson5Error: on the bundled data the number is outside `bundled`.
    """
    value = number.item() if hasattr(number, "item") and _is_one(number) else number
    value = arguments.number("number", value)
    digits = arguments.whole("digits", digits, least=0, most=15)
    if bundled is not None:
        low, high = _range(bundled)
        if _on_bundled_data() and not low <= value <= high:
            raise Lesson5Error(
                f"this number is {value:.6g}; on the bundled data it lies between {low:g} and "
                f"{high:g}. If you changed something above, leave `bundled` out"
            )
    text = _written(100 * value if percent else value, digits)
    made = About(f"≈ {text} %" if percent else f"≈ {text}")
    made.number, made.digits, made.percent = value, digits, percent
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
            unit = " %" if self._in_percent and isinstance(_value(self.guess), float) else ""
            lines.append(f"  your bet  {_said(self.guess)}{unit}")
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
        if guess == outcome or self._looks_the_same(guess):
            return "the same"
        if not math.isfinite(guess - outcome):
            return None
        size = f"{abs(guess - outcome):.2g}{' points' if self._in_percent else ''}"
        near = "≈ " if isinstance(self.outcome, About) else ""
        return f"apart     {near}{size}: you bet {'higher' if guess > outcome else 'lower'}"

    @property
    def _in_percent(self) -> bool:
        return isinstance(self.outcome, About) and self.outcome.percent

    def _looks_the_same(self, guess: float) -> bool:
        """With the digits that are shown of the outcome."""
        if not isinstance(self.outcome, About) or not math.isfinite(guess):
            return False
        digits = self.outcome.digits
        return _written(guess, digits) == _written(_value(self.outcome), digits)


def bet(key: str, question: str, guess: Any, outcome: Any, choices: Sequence[str] = ()) -> Bet:
    """Show a guess and the outcome side by side; the guess is written before the run.

    Args:
        key: what the bet is called, such as "body-accuracy"; records hang on it.
        question: what was asked.
        guess: a number, a text or one of `choices`; `...` while no bet is placed. Where the
            outcome is shown in percent, so is the guess: 90, not 0.9. Say so in the question.
        outcome: what came: a number, an `about(…)` or a text.
        choices: the texts to choose from; the guess may be another one only if empty.

    Raises:
        ArgumentError: the guess is none of the choices.
    """
    made = Bet(key, question, guess, outcome)
    if choices and made.placed and _plain(guess) not in map(_plain, choices):
        arguments.choice("bet", guess, choices)
    tell(Record("bet", key, "placed" if made.placed else "unanswered"))
    return made


def _is_one(number: Any) -> bool:
    size = getattr(number, "numel", None)
    return (size() if callable(size) else getattr(number, "size", 1)) == 1


def _range(bundled: Any) -> tuple[float, float]:
    if not isinstance(bundled, tuple | list) or len(bundled) != 2:
        raise ArgumentError(
            f"bundled must be two numbers, such as (0.85, 0.95), not {bundled!r}"
        )
    low = arguments.number("the lower end of bundled", bundled[0])
    return low, arguments.number("the upper end of bundled", bundled[1], least=low)


def _on_bundled_data() -> bool:
    names = ("LESSON5_RATINGS", "LESSON5_DIGITS")
    return all(os.environ.get(name) in (None, "", "sample") for name in names)


def _written(value: float, digits: int) -> str:
    text = f"{value:,.{digits}f}"
    if not any(c in "123456789" for c in text):
        text = text.lstrip("-")  # no -0.00
    return text.replace("-", "−")


def _value(one: Any) -> Any:
    """The number that is shown of a guess or an outcome, as a float; else what it is."""
    if isinstance(one, About):
        return 100 * one.number if one.percent else one.number
    if hasattr(one, "item") and _is_one(one):
        one = one.item()
    return float(one) if isinstance(one, int | float) and not isinstance(one, bool) else one


def _plain(one: Any) -> str:
    return str(one).strip().casefold()


def _said(one: Any) -> str:
    value = _value(one)
    if isinstance(one, About) or not isinstance(value, float):
        return str(one)
    if math.isfinite(value) and value == int(value) and abs(value) < 1e16:
        return f"{int(value):,}"
    return f"{value:,.7g}"  # of float32 there are no more

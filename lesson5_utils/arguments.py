"""One way to check an argument: `name must be …, not …`, raised before any work is done.

Each function returns the value, as a plain Python number where it is one, so that a check and
its use stand in one line:

    lr = arguments.number("lr", lr, above=0)
    batch_size = arguments.whole("batch_size", batch_size)
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from contextlib import suppress
from numbers import Integral, Real
from typing import Any, TypeVar

from lesson5_utils.errors import ArgumentError, unknown

__all__ = ["choice", "number", "setting", "whole"]

T = TypeVar("T")

LARGEST_SETTING = 1024  # of anything that is counted in the environment: threads, so far


def number(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> float:
    """`value` as a float, if it is a finite number within the bounds.

    NumPy's numbers count; a bool, text or a tensor does not.

    Args:
        name: what the caller calls it; the sentence begins with it.
        above, below: bounds that the value may not reach.
        least, most: bounds that it may.

    Raises:
        ArgumentError: `lr must be a number above 0, not -1`.
    """
    fits = False
    if isinstance(value, Real) and not isinstance(value, bool):
        with suppress(OverflowError):  # a whole number too large for a float
            size = float(value)
            fits = math.isfinite(size) and above < size < below and least <= size <= most
    if not fits:
        raise ArgumentError(
            f"{name} must be a number{_between(above, least, most, below)}, not {_told(value)}"
        )
    return float(value)


def whole(name: str, value: Any, *, least: int = 1, most: int | None = None) -> int:
    """`value` as an int, if it is a whole number from `least` to `most`.

    Raises:
        ArgumentError: `epochs must be a whole number of at least 1, not 0`.
    """
    counts = isinstance(value, Integral) and not isinstance(value, bool)
    if not (counts and least <= value and (most is None or value <= most)):
        bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ArgumentError(f"{name} must be a whole number {bounds}, not {_told(value)}")
    return int(value)


def choice(what: str, value: T, known: Iterable[T]) -> T:
    """`value`, if it is one of the `known` ones.

    Raises:
        ArgumentError: the known ones, and the nearest of them.
    """
    known = list(known)
    if value not in known:
        raise ArgumentError(unknown(what, value, known))
    return value


def setting(name: str, default: int) -> int:
    """The whole number in the environment variable `name`; `default` where it is not set.

    Raises:
        ArgumentError: `LESSON5_THREADS must be a whole number, such as 2, not 'two'`.
    """
    text = os.environ.get(name) or str(default)
    if not (text.isdecimal() and 0 < int(text) <= LARGEST_SETTING):
        raise ArgumentError(f"{name} must be a whole number, such as 2, not {text!r}")
    return int(text)


def _between(above: float, least: float, most: float, below: float) -> str:
    """The bounds in words, such as ` above 0 and at most 1`; empty without any."""
    bounds = {"above": above, "of at least": least, "at most": most, "below": below}
    said = [f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound)]
    return " " + " and ".join(said) if said else ""


def _told(value: Any) -> str:
    """As the caller would write it: NumPy's numbers without their type."""
    return repr(value.item() if isinstance(value, Real) and hasattr(value, "item") else value)

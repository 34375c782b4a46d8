"""The exceptions of the course: each carries one clear sentence that says what to do next.

`except Lesson5Error` catches them all. The kinds that stand for a wrong value or a numeric
failure are also Python's own `ValueError` and `ArithmeticError`, so code that knows nothing
of this package still handles them.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["ArgumentError", "DataError", "Lesson5Error", "TrainingDiverged", "unknown"]

SHOWN = 20  # of the known names; all notebooks and data sets fit, 600 user ids do not


class Lesson5Error(Exception):
    """Anything that this package refuses to do, said in one sentence."""


class DataError(Lesson5Error):
    """A data file is missing, damaged, incomplete or could not be downloaded."""


class ArgumentError(Lesson5Error, ValueError):
    """An argument has a value that cannot work; raised before any work is done."""


class TrainingDiverged(Lesson5Error, ArithmeticError):  # noqa: N818
    """The loss stopped being a finite number.

    `history` holds what was recorded up to then (`training.History`, or None).
    """

    def __init__(self, message: str, history: object = None) -> None:
        super().__init__(message)
        self.history = history


def unknown(what: str, given: object, known: Iterable[object]) -> str:
    """The sentence for a name or id that does not exist: what is known, and the nearest one.

    >>> unknown("data set", "ml100k", ["sample", "ml-100k"])
    "unknown data set 'ml100k': choose from 'sample', 'ml-100k' (did you mean 'ml-100k'?)"
    """
    names = list(known)
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    if len(names) > SHOWN:
        shown += f", … ({len(names)} in all)"
    near = get_close_matches(str(given), [str(name) for name in names], n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"unknown {what} {given!r}: choose from {shown}{hint}"

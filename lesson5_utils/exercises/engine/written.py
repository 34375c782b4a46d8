"""What a learner has written: its title, and its text as far as it can be found."""

from __future__ import annotations

import inspect
import linecache
from contextlib import suppress
from functools import partial
from typing import Any

__all__ = ["source_of", "text_of", "titled"]

LONG = 60  # characters of a title


def titled(answer: Any) -> str:
    """What an answer is called: the first line of its docstring, else its name."""
    answer = _plain(answer)
    said = str(getattr(answer, "__doc__", None) or "").strip().splitlines()
    text = said[0].strip() if said else getattr(answer, "__name__", type(answer).__name__)
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


def source_of(answer: Any) -> str:
    """The whole cell in which an answer was written, else its own text; "" if unknown."""
    answer = _plain(answer)
    if getattr(answer, "__module__", None) == "__main__" and (cell := text_of(answer)):
        return cell
    with suppress(OSError, TypeError):
        return inspect.getsource(answer)
    return ""


def text_of(answer: Any) -> str:
    """The cell or file in which a function, or a class with methods, stands; "" if unknown."""
    made = [answer, *vars(answer).values()] if isinstance(answer, type) else [answer]
    codes = (getattr(one, "__code__", None) for one in made)
    file = next((code.co_filename for code in codes if code), None)
    return "".join(linecache.getlines(file)) if file else ""


def _plain(answer: Any) -> Any:
    """The function that was written, without what is wrapped around it."""
    while isinstance(answer, partial):
        answer = answer.func
    return inspect.unwrap(answer)

"""Whether the cell above a check failed: then a name means an older thing, or is not there."""

from __future__ import annotations

import re
import sys
from typing import Any

from lesson5_utils.exercises.engine.written import text_of

__all__ = ["listen", "stopped"]

CHECK = re.compile(r"\bcheck\.[\w.]+\(")


def stopped(answer: Any, name: str) -> str | None:
    """A sentence, if the last cell failed and was to define the answer; None otherwise.

    Args:
        answer: what is to be checked.
        name: what the exercise is called; `my_lookup` contains `lookup`.
    """
    shell = _shell()
    last = shell.last_execution_result if shell is not None else None
    if last is None or last.success or last.info is None:
        return None
    error = last.error_before_exec or last.error_in_exec
    cell = str(last.info.raw_cell)
    named = any(one and one in cell for one in (getattr(answer, "__name__", None), name))
    if not named or CHECK.search(cell):  # a check that was interrupted defines nothing
        return None
    if text_of(answer).strip() == cell.strip():  # defined before the cell failed
        return None
    return (
        f"The cell above stopped with {_in_words(error)}. What could be judged is "
        "an older definition. Mend that cell, run it, then run this cell again."
    )


class Missing:
    """Called after each cell: where one failed for want of a name that a cell above it was to
    define, say so below its traceback."""

    def __init__(self) -> None:
        self.failed: Any = None  # the last cell that failed for another reason

    def __call__(self, result: Any) -> None:
        if result is None or result.success or result.info is None:
            return
        error = result.error_in_exec
        told = self._told(error.name, result) if isinstance(error, NameError) else None
        if told:
            print(told)
        else:
            self.failed = result

    def _told(self, name: str | None, result: Any) -> str | None:
        defines = rf"^(?:(?:async\s+)?def|class)\s+{name}\b|^{name}\s*="
        above = self.failed
        if above and re.search(defines, str(above.info.raw_cell), re.MULTILINE):
            error = above.error_before_exec or above.error_in_exec
            return (
                f"{name} is not there: the cell that was to define it stopped with "
                f"{_in_words(error)}. Mend that cell, run it, then run this cell again."
            )
        if re.search(rf"{CHECK.pattern}.*\b{name}\b", str(result.info.raw_cell)):
            return f"{name} is not there yet: run the cell above, then run this cell again."
        return None


def listen() -> None:
    """In a notebook: from now on say more of a name that is not there."""
    shell = _shell()
    if shell is not None:
        heard = shell.events.callbacks["post_run_cell"]
        if not any(isinstance(one, Missing) for one in heard):
            shell.events.register("post_run_cell", Missing())


def _in_words(error: BaseException) -> str:
    if isinstance(error, SyntaxError):  # without the cell's file, a number that says nothing
        first = f"{error.msg}, in its line {error.lineno}"
    else:
        first = (str(error).splitlines() or [""])[0].rstrip(".")
    return f"{type(error).__name__}: {first}"


def _shell() -> Any:
    """The notebook's own shell, if this runs in one; nothing is imported for it."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module else None

"""Whether the cell above a check failed: then the name that is checked means an older thing."""

from __future__ import annotations

import sys
from typing import Any

from lesson5_utils.exercises.engine.written import text_of

__all__ = ["stopped"]


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
    if not named or text_of(answer).strip() == cell.strip():  # defined before the cell failed
        return None
    if isinstance(error, SyntaxError):  # without the cell's file, a number that says nothing
        first = f"{error.msg}, in its line {error.lineno}"
    else:
        first = (str(error).splitlines() or [""])[0]
    return (
        f"The cell above stopped with {type(error).__name__}: {first}. What could be judged is "
        "an older definition. Mend that cell, run it, then run this cell again."
    )


def _shell() -> Any:
    """The notebook's own shell, if this runs in one; nothing is imported for it."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module else None

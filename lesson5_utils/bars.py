"""A progress bar that leaves nothing behind: not in a terminal, and not in a saved notebook.

In a notebook, tqdm's own bar is a widget. A widget that has gone leaves a line in the saved
file for each fit, and "Error displaying widget" when it is opened again. So all bars of a cell
are one output of text, which is empty at the end.
"""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm

__all__ = ["bar"]


def bar(total: int, shown: bool) -> Any:
    """A bar that counts to `total`, at the place where this program tells its progress."""
    cell = _cell()
    file = None if cell is None else _Place(cell)
    return tqdm(total=total, disable=not shown, leave=False, file=file)


def _cell() -> str | None:
    """What tells the run of one cell from all others; None outside a notebook."""
    module = sys.modules.get("IPython")
    shell = module.get_ipython() if module else None
    asked = shell.get_parent() if shell and hasattr(shell, "get_parent") else None
    return str(asked["header"]["msg_id"]) if asked else None


class _Place:
    """An output of a cell, as the file to which a bar is written: its last line is shown."""

    encoding = "utf-8"  # for smooth bars
    cell: str | None = None  # the last that had a bar, and
    display: Any = None  # where that stands: the next one of this cell stands there, too

    def __init__(self, cell: str) -> None:
        if _Place.cell != cell:
            _Place.cell, _Place.display = cell, None

    def write(self, text: str) -> None:
        from IPython.display import display

        line = text.strip()
        data = {"text/plain": line} if line else {"text/html": "", "text/plain": ""}
        if self.display:
            self.display.update(data, raw=True)
        elif line:
            _Place.display = display(data, raw=True, display_id=True)

    def flush(self) -> None:
        """Nothing waits."""

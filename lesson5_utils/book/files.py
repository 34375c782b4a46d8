"""Notebook files: what is taken out of them before they are saved, and how they are written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lesson5_utils import saving
from lesson5_utils.errors import Lesson5Error

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["read", "runs", "save", "tidy", "write_notebook"]

WIDGET = "application/vnd.jupyter.widget-view+json"


def tidy(notebook: NotebookNode) -> None:
    """Take out what differs from run to run: times, versions, screen state, random ids."""
    notebook.metadata = type(notebook)(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata}
        cell.metadata = type(notebook)(kept)
        for output in cell.get("outputs", []):
            if view := output.get("data", {}).get(WIDGET):
                view["model_id"] = cell.id


def runs(cell: NotebookNode) -> bool:
    """Whether a kernel executes this cell: code that is not empty."""
    return bool(cell.cell_type == "code" and cell.source.strip())


def read(path: Path) -> NotebookNode:
    """The notebook in a file, in the format of today.

    Raises:
        Lesson5Error: the file holds something else.
    """
    import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        return notebook
    except Exception as problem:  # nbformat raises what it stumbles on
        raise Lesson5Error(
            f"{os.path.relpath(path)} is not a readable notebook: in build/ delete it, else "
            "take it from git again"
        ) from problem


def save(notebook: NotebookNode, path: Path) -> bool:
    """Write an executed notebook in place, unless that would change nothing that counts.

    Outputs that are not compared (timings, tagged `nbval-ignore-output`) differ each time; if
    nothing else does, the file stays as it is. Returns whether it was written.
    """
    if path.is_file() and _what_counts(read(path)) == _what_counts(notebook):
        return False
    write_notebook(notebook, path)
    return True


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as Jupyter would, in one move."""
    import nbformat

    saving.write(path, nbformat.writes(notebook) + "\n")


def _what_counts(notebook: NotebookNode) -> str:
    import nbformat

    counted = json.loads(nbformat.writes(notebook))
    for cell in counted["cells"]:
        if "nbval-ignore-output" in cell["metadata"].get("tags", []):
            cell["outputs"] = []
    return json.dumps(counted, sort_keys=True)

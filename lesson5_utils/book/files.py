"""Notebook files: what is taken out of them before they are saved, and how they are written.

Everything goes beside its place first and is then moved there, so a half-written file is
never seen, and two runs at once do not break each other.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lesson5_utils.errors import Lesson5Error

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["folder", "read", "runs", "save", "tidy", "write", "write_notebook"]

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

    write(path, nbformat.writes(notebook) + "\n")


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text in UTF-8.

    Raises:
        Lesson5Error: its folder cannot be made, or the disk refuses.
    """
    folder(path.parent)
    beside = None
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with open(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(beside, 0o644)  # mkstemp makes it readable for the owner alone
        os.replace(beside, path)
    except BaseException as problem:
        if beside:
            Path(beside).unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise Lesson5Error(f"{path} cannot be written ({problem.strerror})") from problem
        raise


def folder(path: Path) -> Path:
    """Make a folder, if it is not there; it is one that can be written.

    Raises:
        Lesson5Error: a file stands in its place, or the system refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        blocks = next((p for p in (path, *path.parents) if os.path.isfile(p)), None)
        if blocks:
            told = f"{blocks} is a file, where a folder is needed: rename it or move it away"
        else:
            told = f"the folder {path} cannot be made ({problem.strerror})"
        raise Lesson5Error(told) from problem
    if not os.access(path, os.W_OK):
        raise Lesson5Error(
            f"nothing can be written in {path}: copy the course to a folder of yours"
        )
    return path


def _what_counts(notebook: NotebookNode) -> str:
    import nbformat

    counted = json.loads(nbformat.writes(notebook))
    for cell in counted["cells"]:
        if "nbval-ignore-output" in cell["metadata"].get("tags", []):
            cell["outputs"] = []
    return json.dumps(counted, sort_keys=True)

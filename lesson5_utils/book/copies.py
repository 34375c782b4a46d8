"""The learner's own copies of the notebooks, in `work/`, and JupyterLab's settings for both.

A copy has no outputs, so that there is something to find out. The notebooks of the course
stay as they are: opening one in JupyterLab changes nothing in its file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesson5_utils.book import files, keys
from lesson5_utils.book.index import Course, Lesson

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["jupyter_settings", "make", "tidy_original", "version"]

SETTINGS = Path(__file__).resolve().parent / "lab"


def make(course: Course) -> None:
    """Make a copy of each notebook that has none yet; one that is there is never touched."""
    for lesson in course.choose():
        copy = course.work / lesson.path.name
        if not copy.exists():
            notebook = files.read(lesson.path)
            made_from = version(notebook)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            files.tidy(notebook)
            keys.sign(notebook, made_from)
            files.write_notebook(notebook, copy)


def version(notebook: NotebookNode) -> str:
    """A checksum of text and code. While a copy's own is the one that it was signed with
    (`keys.saved`), nobody has worked in it."""
    said = [[cell.id, cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def jupyter_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The variable that has Jupyter read the settings in `lab/`, before anybody else's."""
    name = "JUPYTER_CONFIG_PATH"
    return {name: os.pathsep.join(filter(None, [str(SETTINGS), environment.get(name)]))}


def tidy_original(model: dict[str, Any], path: str, **_: object) -> None:
    """Before JupyterLab saves a notebook of the course: tidy it, as `make notebooks` does.

    So a notebook that was only opened is saved as it was, and git sees no change. Named in
    `lab/jupyter_server_config.json`, and called with what Jupyter is about to save.

    Args:
        path: below the folder that JupyterLab shows, which is the course's.
    """
    import nbformat

    if model["type"] == "notebook" and path.strip("/").startswith("notebooks/"):
        notebook = nbformat.from_dict(model["content"])
        files.tidy(notebook)
        model["content"] = notebook


def start_page(course: Course, lesson: Lesson) -> str:
    """Where JupyterLab opens a lesson's copy, below its own address."""
    return f"/lab/tree/{(course.work / lesson.path.name).relative_to(course.root).as_posix()}"

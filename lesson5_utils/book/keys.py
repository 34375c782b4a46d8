"""What an executed notebook was made from, as one checksum: its key.

A result whose key is still the same would come out the same, so it is not made again.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from lesson5_utils.book import files
from lesson5_utils.book.index import Course, Lesson
from lesson5_utils.errors import Lesson5Error
from lesson5_utils.saving import PACKAGE

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["key", "saved", "sign", "take_over_text"]

# What outputs are made with, beside our own code. A test compares this with what is imported.
MADE_WITH = (
    *("anywidget", "ipykernel", "ipython", "ipywidgets", "matplotlib", "matplotlib-inline"),
    *("numpy", "pandas", "pillow", "scikit-learn", "scipy", "seaborn", "torch", "traitlets"),
)
SETTINGS = ("LESSON5_RATINGS", "LESSON5_DIGITS", "LESSON5_DEVICE", "LESSON5_THREADS")


def key(course: Course, lesson: Lesson, variables: Mapping[str, str]) -> str:
    """A checksum of everything that a lesson's outputs depend on, and of nothing else.

    Not in it: the text between the cells, and the place of real data, whose contents the
    catalogue's checksums fix.

    Args:
        variables: the kernel's environment.

    Raises:
        Lesson5Error: something that notebooks need is not installed.
    """
    code = [
        [cell.id, cell.source, cell.metadata.get("tags")]
        for cell in files.read(lesson.path).cells
        if files.runs(cell)
    ]
    settings = [variables[name] for name in SETTINGS]
    versions = [platform.python_version(), *map(_installed, MADE_WITH)]
    digest = hashlib.sha256(json.dumps([code, settings, versions]).encode())
    for name, path in sorted((_package() | _bundled(course)).items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _installed(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        raise Lesson5Error(
            f"{package} is not installed in this Python ({sys.executable}): run `make setup`, "
            "then .venv/bin/lesson5"
        ) from None


def sign(notebook: NotebookNode, made_from: str) -> None:
    """Note in a result, or in a copy, what it was made from."""
    notebook.metadata["lesson5"] = {"made_from": made_from}


def saved(path: Path) -> str | None:
    """The key that a result was signed with; None for a partial one, or for none."""
    try:
        return str(
            json.loads(path.read_text(encoding="utf-8"))["metadata"]["lesson5"]["made_from"]
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None


def take_over_text(source: Path, result: Path) -> None:
    """Bring the text of a result up to date, whose outputs are."""
    now, before = files.read(source), files.read(result)
    made = {cell.id: cell for cell in before.cells}
    for cell in filter(files.runs, now.cells):
        cell.outputs = made[cell.id].outputs
        cell.execution_count = made[cell.id].execution_count
    files.tidy(now)
    sign(now, before.metadata["lesson5"]["made_from"])
    if now != before:
        files.write_notebook(now, result)


def _package() -> dict[str, Path]:
    """The package without the book, of which notebooks use `show_source` only."""
    found = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.*")}
    return {
        name: path
        for name, path in found.items()
        if path.suffix in {".py", ".js", ".css"}
        and (name == "book/source.py" or not name.startswith(("book/", "cli.py")))
    }


def _bundled(course: Course) -> dict[str, Path]:
    """The bundled data and measured tables, without what made and describes them."""
    found = [*(course.root / "data").glob("*.*"), *(course.root / "benchmarks").glob("*.csv")]
    return {
        path.relative_to(course.root).as_posix(): path
        for path in found
        if path.suffix not in {".py", ".md"}
    }

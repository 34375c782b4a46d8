"""A course of a few small notebooks, for the tests of the book and of the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lesson5_utils.book import index

ROOT = Path(__file__).resolve().parent.parent

YAML = """
title: A small course
video: https://youtu.be/x
themes: [embeddings]
notebooks:
  - {name: 00_first, videos: {"1:00:43": a place, "3:32": another}, themes: [embeddings]}
  - {name: 01_second, videos: {}, themes: []}
  - {name: 02_third, videos: {}, themes: []}
"""

HEADER = """# 00 · A title: with a colon

> After this you can add.
> And more.

| | |
|---|---|
| Time | 45 min |
| Data | numbers |
"""


def cell(name: str, source: str, tags: list[str] | None = None) -> nbformat.NotebookNode:
    made = new_code_cell(source, metadata={"tags": tags} if tags else {})
    made.id = name
    return made


def small_course(root: Path, *cells: nbformat.NotebookNode, **more: str) -> index.Course:
    """A course in `root`: 00_first holds these cells, 01_second nothing, 02_third is to come.

    `more` is the code of one cell, `only`, for these two: `second="1 + 1", third="2"`.
    """
    (root / "notebooks").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "notebooks" / "course.yaml").write_text(YAML)
    write(root / "notebooks" / "00_first.ipynb", new_markdown_cell(HEADER), *cells)
    for name, title in {"second": "01 · Second", "third": "02 · Third"}.items():
        if name in more or name == "second":
            code = [cell("only", more[name])] if name in more else []
            path = root / "notebooks" / f"{title[:2]}_{name}.ipynb"
            write(path, new_markdown_cell(f"# {title}"), *code)
    return index.load(root)


def write(path: Path, *cells: nbformat.NotebookNode) -> None:
    for at, one in enumerate(cells):
        if one.cell_type == "markdown":
            one.id = f"text-{at}"
    nbformat.write(new_notebook(cells=list(cells)), path)


def kernels_of(temporary: Path) -> list[str]:
    """The command lines of the kernels whose connection file lies in this folder."""
    asked = ["ps", "-axww", "-o", "args="]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    return [
        line for line in listed.splitlines() if f"ipykernel_launcher -f {temporary}" in line
    ]

"""book/files.py: what is saved of a notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import nbformat
import pytest
from nbformat.v4 import new_notebook, new_output
from small_course import ROOT, cell

from lesson5_utils.book import files, index
from lesson5_utils.errors import Lesson5Error


def executed(text: str, timing: str = "1 s") -> nbformat.NotebookNode:
    """A notebook as Jupyter leaves it: with times, versions and the state of the screen."""
    shown = cell("shown", "x", ["keep-me"])
    shown.outputs = [new_output("stream", name="stdout", text=text)]
    shown.metadata |= {"execution": {"shell.execute_reply": "2026-11-20"}, "collapsed": True}
    shown.outputs += [new_output("display_data", {files.WIDGET: {"model_id": uuid4().hex}})]
    timed = cell("timed", "y", ["nbval-ignore-output"])
    timed.outputs = [new_output("stream", name="stdout", text=timing)]
    made = new_notebook(cells=[shown, timed])
    made.metadata = nbformat.from_dict({"language_info": {"version": "3.11.7"}, "widgets": {}})
    files.tidy(made)
    return made


def test_saving_strips_what_belongs_to_one_machine(tmp_path: Path) -> None:
    files.save(executed("a"), tmp_path / "a.ipynb")
    text = (tmp_path / "a.ipynb").read_text()
    assert "keep-me" in text and '"id": "shown"' in text
    for gone in ("2026-11-20", "3.11.7", "collapsed", "widgets"):
        assert gone not in text


def test_a_file_is_rewritten_only_when_something_that_counts_has_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.ipynb"
    assert files.save(executed("a"), path)
    before = path.read_bytes()
    assert not files.save(executed("a", timing="2 s"), path)
    assert path.read_bytes() == before
    assert files.save(executed("b", timing="3 s"), path)
    assert "3 s" in path.read_text()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: "{",
        lambda told: "[]",
        lambda told: json.dumps(told | {"cells": [{"cell_type": "cod", "source": "1"}]}),
        lambda told: json.dumps(told | {"cells": [{"cell_type": "code"}]}),
    ],
)
def test_what_is_no_notebook_is_told_with_its_place(tmp_path: Path, spoil: Any) -> None:
    path = tmp_path / "a.ipynb"
    files.save(executed("a"), path)
    path.write_text(spoil(json.loads(path.read_text())))
    with pytest.raises(Lesson5Error, match=r"a\.ipynb is not a readable notebook: in build/"):
        files.read(path)


def test_the_notebooks_kept_on_disk_are_tidy() -> None:
    for lesson in index.load(ROOT).choose():
        saved = nbformat.read(lesson.path, as_version=4)
        before = json.dumps(saved, sort_keys=True)
        files.tidy(saved)
        assert json.dumps(saved, sort_keys=True) == before, f"{lesson.name}: make notebooks"

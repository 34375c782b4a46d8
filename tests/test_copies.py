"""book/copies.py: the learner's copies, and the course's notebooks left alone by JupyterLab."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output
from small_course import ROOT, cell, small_course
from small_lab import Lab, running_lab

from lesson5_utils.book import copies, files, index, keys


def executed_course(root: Path) -> index.Course:
    """A small course whose first notebook is saved with an output, as `make notebooks` does."""
    shown = cell("one", "1 + 1", ["keep-me"])
    shown.outputs = [new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    shown.execution_count = 1
    small = small_course(root, shown)
    path = small.notebooks / "00_first.ipynb"
    notebook = files.read(path)
    files.tidy(notebook)
    files.write_notebook(notebook, path)
    return small


def test_copies_have_the_same_cells_and_no_outputs(tmp_path: Path) -> None:
    small = executed_course(tmp_path)
    copies.make(small)
    assert sorted(path.name for path in small.work.iterdir()) == [
        "00_first.ipynb",
        "01_second.ipynb",
    ]
    original = files.read(small.notebooks / "00_first.ipynb")
    copy = files.read(small.work / "00_first.ipynb")
    assert [(c.id, c.source) for c in copy.cells] == [(c.id, c.source) for c in original.cells]
    assert copy.cells[1].outputs == [] and copy.cells[1].execution_count is None
    assert copy.cells[1].metadata.tags == ["keep-me"]
    nbformat.validate(copy)


def test_a_copy_that_is_there_is_never_touched(tmp_path: Path) -> None:
    small = executed_course(tmp_path)
    small.work.mkdir()
    (small.work / "00_first.ipynb").write_text("mine")
    copies.make(small)
    assert (small.work / "00_first.ipynb").read_text() == "mine"
    assert (small.work / "01_second.ipynb").is_file()


def test_a_copy_tells_its_version_and_whether_somebody_worked_in_it(tmp_path: Path) -> None:
    small = executed_course(tmp_path)
    copies.make(small)
    path = small.work / "00_first.ipynb"
    copy = files.read(path)
    assert keys.saved(path) == copies.version(copy)
    assert keys.saved(path) == copies.version(files.read(small.notebooks / "00_first.ipynb"))
    copy.cells[1].outputs = [new_output("stream", text="2")]
    copy.cells[1].execution_count = 1
    assert copies.version(copy) == keys.saved(path), "to run it is not to change it"
    copy.cells[1].source = "1 + 2"
    assert copies.version(copy) != keys.saved(path)


def test_git_ignores_the_learners_folder() -> None:
    assert "/work/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_clean_leaves_it_there(tmp_path: Path) -> None:
    small = executed_course(tmp_path)
    copies.make(small)
    (tmp_path / "build").mkdir()
    make = ["make", "-f", str(ROOT / "Makefile"), "clean"]
    subprocess.run(make, cwd=tmp_path, capture_output=True, check=True)
    assert (small.work / "00_first.ipynb").is_file() and not (tmp_path / "build").exists()


# --- JupyterLab, for real -----------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> index.Course:
    return executed_course(tmp_path_factory.mktemp("a course"))


@pytest.fixture(scope="module")
def lab(course: index.Course, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    own = tmp_path_factory.mktemp("jupyter")
    with running_lab(course, own) as lab:
        yield lab
    said = (own / "log").read_text()
    assert "/lab/tree/work/00_first.ipynb?token=" in said
    assert "[I " not in said, "40 lines of Jupyter's own would hide the address"


def test_lab_runs_on_this_machine_only_behind_its_token(lab: Lab) -> None:
    assert lab.address.startswith("http://127.0.0.1:") and len(lab.token) > 20
    assert lab.ask("api/status")["kernels"] == 0


def test_lab_shows_no_news_and_asks_nobody_for_updates(lab: Lab) -> None:
    settings = lab.ask("lab/api/settings/@jupyterlab/apputils-extension:notification")
    properties = settings["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False


def test_a_notebook_of_the_course_that_was_only_opened_is_saved_as_it_was(
    lab: Lab, course: index.Course
) -> None:
    path = course.notebooks / "00_first.ipynb"
    before = path.read_bytes()
    lab.open_and_save("notebooks/00_first.ipynb")
    assert path.read_bytes() == before


def test_a_copy_keeps_what_jupyterlab_notes_in_it_and_its_version(
    lab: Lab, course: index.Course
) -> None:
    path = course.work / "00_first.ipynb"
    before = keys.saved(path)
    lab.open_and_save("work/00_first.ipynb")
    assert files.read(path).cells[0].metadata.collapsed is True
    assert keys.saved(path) == before and before is not None

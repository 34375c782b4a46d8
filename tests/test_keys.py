"""book/keys.py: a result is made again when its outputs could differ, and only then."""

from __future__ import annotations

import ast
import json
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_output
from packaging.utils import canonicalize_name
from small_course import ROOT, cell, small_course, write

from lesson5_utils.book import files, index, keys
from lesson5_utils.errors import Lesson5Error

SETTINGS = dict.fromkeys(keys.SETTINGS, "same")
PACKAGE = ROOT / "lesson5_utils"
Made = tuple[index.Course, Path]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """A small course with data, and a small package."""
    package = tmp_path / "package"
    for name in ("models.py", "widgets/pad.js", "book/source.py", "book/runner.py", "cli.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("old")
    monkeypatch.setattr(keys, "PACKAGE", package)
    small = small_course(tmp_path / "course", cell("one", "1"))
    for name in ("films.csv", "README.md", "make_films.py"):
        (small.root / "data" / name).write_text("old")
    return small, package


def key(made: Made, **settings: str) -> str:
    return keys.key(made[0], made[0].choose(["00"])[0], SETTINGS | settings)


def rewrite(made: Made, *cells: nbformat.NotebookNode) -> None:
    write(made[0].notebooks / "00_first.ipynb", *cells)


@pytest.mark.parametrize("name", ["models.py", "widgets/pad.js", "book/source.py"])
def test_code_that_notebooks_use_changes_the_key(made: Made, name: str) -> None:
    before = key(made)
    (made[1] / name).write_text("new")
    assert key(made) != before


def test_a_file_under_another_name_changes_the_key(made: Made) -> None:
    before = key(made)
    (made[1] / "models.py").rename(made[1] / "nets.py")
    assert key(made) != before


@pytest.mark.parametrize("name", ["book/runner.py", "cli.py", "notes.txt"])
def test_code_that_they_do_not_use_leaves_it(made: Made, name: str) -> None:
    before = key(made)
    (made[1] / name).write_text("new")
    assert key(made) == before


def test_bundled_data_change_it_but_not_their_makers_and_readme(made: Made) -> None:
    before = key(made)
    for name in ("README.md", "make_films.py"):
        (made[0].root / "data" / name).write_text("new")
    assert key(made) == before
    (made[0].root / "data" / "films.csv").write_text("new")
    assert key(made) != before


@pytest.mark.parametrize("name", keys.SETTINGS)
def test_each_setting_changes_it(made: Made, name: str) -> None:
    assert key(made, **{name: "other"}) != key(made)


def test_the_folder_of_local_copies_does_not(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = key(made)
    monkeypatch.setenv("LESSON5_DATA_DIR", "/elsewhere")
    assert key(made, LESSON5_DATA_DIR="/elsewhere") == before


@pytest.mark.parametrize("package", keys.MADE_WITH)
def test_each_version_changes_it(
    made: Made, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    before, version = key(made), metadata.version
    monkeypatch.setattr(metadata, "version", lambda n: "0" if n == package else version(n))
    assert key(made) != before


def test_code_and_its_tags_change_it_but_not_text_and_outputs(made: Made) -> None:
    before = key(made)
    shown = cell("one", "1")
    shown.outputs, shown.execution_count = [new_output("stream", text="1")], 7
    rewrite(made, new_markdown_cell("# 00 · Other words"), shown, cell("empty", " "))
    assert key(made) == before
    text = new_markdown_cell("# 00")
    for changed in (cell("one", "2"), cell("uno", "1"), cell("one", "1", ["raises-exception"])):
        rewrite(made, text, changed)
        assert key(made) != before


def test_what_is_imported_is_in_the_list_of_what_outputs_are_made_with() -> None:
    package = [
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if path.name != "cli.py" and PACKAGE / "book" not in path.parents
    ]
    notebooks = [
        "".join(one["source"])
        for lesson in index.load(ROOT).choose()
        for one in json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
        if one["cell_type"] == "code"
    ]
    used: set[str] = set()
    for source in package + notebooks:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                used |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                used.add(str(node.module).split(".")[0])
    made_by = metadata.packages_distributions()
    others = used - set(sys.stdlib_module_names) - {"lesson5_utils"}
    found = {canonicalize_name(made_by[name][0]) for name in others}
    assert {"torch", "scikit-learn", "ipython"} <= found
    only_fetch_or_show_progress = {"pooch", "tqdm"}
    assert found - only_fetch_or_show_progress <= set(map(canonicalize_name, keys.MADE_WITH))


def test_what_outputs_are_made_with_is_installed_by_a_set_up() -> None:
    """Not only here, where something may be left from an earlier version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(line.split("==")[0]) for line in lines if "==" in line}
    assert set(map(canonicalize_name, keys.MADE_WITH)) <= pinned


def test_what_is_not_installed_is_told_in_one_sentence(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "MADE_WITH", ("numpy", "no-such-package"))
    with pytest.raises(
        Lesson5Error, match=r"^no-such-package is not installed .* `make setup`"
    ):
        key(made)


# --- results that stay --------------------------------------------------------------------


def test_a_result_tells_its_key_and_anything_else_has_none(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook()
    files.write_notebook(notebook, tmp_path / "part.ipynb")
    keys.sign(notebook, "abc")
    files.write_notebook(notebook, tmp_path / "whole.ipynb")
    (tmp_path / "torn.ipynb").write_text("{")
    (tmp_path / "list.ipynb").write_text("[]")
    assert keys.saved(tmp_path / "whole.ipynb") == "abc"
    for name in ("part", "torn", "list", "missing"):
        assert keys.saved(tmp_path / f"{name}.ipynb") is None


def test_a_result_takes_over_new_text_and_keeps_its_outputs(tmp_path: Path) -> None:
    shown = cell("one", "1")
    shown.outputs = [new_output("execute_result", {"text/plain": "1"}, execution_count=3)]
    shown.execution_count = 3
    result = nbformat.v4.new_notebook(cells=[new_markdown_cell("old"), shown])
    files.tidy(result)
    keys.sign(result, "abc")
    files.write_notebook(result, tmp_path / "result.ipynb")
    write(tmp_path / "source.ipynb", new_markdown_cell("new"), cell("one", "1"))
    keys.take_over_text(tmp_path / "source.ipynb", tmp_path / "result.ipynb")
    text, code = files.read(tmp_path / "result.ipynb").cells
    assert text.source == "new"
    assert (code.outputs, code.execution_count) == (shown.outputs, 3)
    assert keys.saved(tmp_path / "result.ipynb") == "abc"
    written = (tmp_path / "result.ipynb").stat().st_mtime_ns
    keys.take_over_text(tmp_path / "source.ipynb", tmp_path / "result.ipynb")
    assert (tmp_path / "result.ipynb").stat().st_mtime_ns == written

"""course.py on a small course made here; course.yaml against the notebooks that there are."""

from __future__ import annotations

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lesson5_utils import course
from lesson5_utils.errors import ArgumentError, Lesson5Error

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

HIDDEN = """On to [the next](01_second.ipynb#there): $x^2$

<details>
<summary>Hint</summary>

**bold**

</details>
"""

PICTURE = {
    "image/png": "iVBORw0KGgo=",
    "text/plain": "<Figure>",
}


def cell(name: str, source: str, tags: list[str] | None = None) -> nbformat.NotebookNode:
    made = new_code_cell(source, metadata={"tags": tags} if tags else {})
    made.id = name
    return made


def small_course(root: Path, *cells: nbformat.NotebookNode) -> course.Course:
    (root / "notebooks").mkdir()
    (root / "data").mkdir()
    (root / "notebooks" / "course.yaml").write_text(YAML)
    first = new_notebook(cells=[new_markdown_cell(HEADER), *cells])
    nbformat.write(first, root / "notebooks" / "00_first.ipynb")
    second = new_notebook(cells=[new_markdown_cell("# 01 · Second")])
    nbformat.write(second, root / "notebooks" / "01_second.ipynb")
    return course.load(root)


# --- the list of lessons ------------------------------------------------------------------


def test_a_lesson_is_read_from_the_list_and_from_its_own_header(tmp_path: Path) -> None:
    first, second, third = small_course(tmp_path).lessons
    assert first.title == "A title: with a colon"
    assert first.promise == "After this you can add. And more."
    assert (first.minutes, first.facts["Data"]) == (45, "numbers")
    assert [video.url for video in first.videos] == [
        "https://youtu.be/x?t=3643",
        "https://youtu.be/x?t=212",
    ]
    assert (second.minutes, second.promise, second.exists) == (None, "", True)
    assert (third.title, third.exists) == ("02_third", False)


def test_lessons_are_chosen_by_number_name_or_file(tmp_path: Path) -> None:
    small = small_course(tmp_path)
    assert [lesson.name for lesson in small.choose()] == ["00_first", "01_second"]
    for name in ("01", "01_second", "notebooks/01_second.ipynb"):
        assert [lesson.name for lesson in small.choose([name])] == ["01_second"]
    with pytest.raises(ArgumentError, match=r"unknown notebook '01_secnd'.*mean '01_second'"):
        small.choose(["01_secnd"])
    with pytest.raises(ArgumentError, match="unknown notebook '02_third'"):
        small.choose(["02_third"])


def test_the_course_is_found_from_any_folder_inside_it(tmp_path: Path) -> None:
    small_course(tmp_path)
    assert course.load(tmp_path / "data").root == tmp_path


def test_without_notebooks_one_sentence_says_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(Lesson5Error, match="get the whole course"):
        course.load(tmp_path)


def test_a_damaged_notebook_is_named(tmp_path: Path) -> None:
    small = small_course(tmp_path)
    (small.notebooks / "01_second.ipynb").write_text('{"cells": [')
    with pytest.raises(Lesson5Error, match=r"01_second\.ipynb is not a readable notebook"):
        course.load(tmp_path)


def test_the_real_course_has_ten_lessons_in_order_with_known_themes() -> None:
    real = course.load(ROOT)
    assert [int(lesson.name[:2]) for lesson in real.lessons] == list(range(10))
    named = {theme for lesson in real.lessons for theme in lesson.themes}
    assert named == set(real.themes) and len(real.themes) == 6
    assert all(lesson.videos for lesson in real.lessons)


@pytest.mark.parametrize("lesson", course.load(ROOT).choose(), ids=lambda lesson: lesson.name)
def test_header_and_course_yaml_name_the_same_places_in_the_video(
    lesson: course.Lesson,
) -> None:
    links = re.findall(r"\]\((https://youtu\.be[^)]+)\)", lesson.facts["Video"])
    linked = {parse_qs(urlsplit(link).query)["t"][0] for link in links}
    assert linked == {parse_qs(urlsplit(video.url).query)["t"][0] for video in lesson.videos}
    assert lesson.minutes and lesson.promise and lesson.facts["Data"]


# --- running ------------------------------------------------------------------------------


def test_a_run_executes_skips_what_is_done_and_leaves_the_sources_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = "import os\nprint(os.environ['LESSON5_RATINGS'], os.path.basename(os.getcwd()))"
    monkeypatch.setenv("MPLBACKEND", "Agg")
    kernel = "print(os.environ.get('MPLBACKEND', '').startswith('module://'))"
    small = small_course(tmp_path, cell("asks", asks), cell("kernel", kernel))
    before = {path: path.read_bytes() for path in small.notebooks.iterdir()}

    course.run(small, small.choose(["00"]), "ml-100k", "sample")

    result = nbformat.read(small.executed("ml-100k", "sample") / "00_first.ipynb", as_version=4)
    _, first, second = result.cells
    assert first.outputs[0].text == "ml-100k notebooks\n"
    assert second.outputs[0].text == "True\n"
    assert [first.execution_count, second.execution_count] == [1, 2]
    assert before == {path: path.read_bytes() for path in small.notebooks.iterdir()}

    executed: list[str] = []

    def count(_: course.Course, lesson: course.Lesson, *data: Any) -> nbformat.NotebookNode:
        executed.append(" ".join(data[:2]))
        return nbformat.read(lesson.path, as_version=4)

    monkeypatch.setattr(course, "execute", count)
    course.run(small, small.choose(["00"]), "ml-100k", "sample")
    assert executed == [], "nothing changed"
    course.run(small, small.choose(["00"]), "sample", "sample")
    assert executed == ["sample sample"], "other data"
    course.run(small, small.choose(["00"]), "ml-100k", "sample")
    assert executed == ["sample sample"], "one setting does not overwrite the other"
    (tmp_path / "data" / "films.csv").write_text("new")
    course.run(small, small.choose(["00"]), "sample", "sample")
    assert executed == ["sample sample"] * 2, "the data changed"


def test_a_failing_cell_is_named_and_what_ran_is_kept(tmp_path: Path) -> None:
    fails = "raise ValueError('nine is not ten')"
    small = small_course(tmp_path, cell("fine", "1 + 1"), cell("bad-one", fails))
    lesson = small.choose(["00"])
    with pytest.raises(
        Lesson5Error, match="00_first: cell 'bad-one' raised ValueError: nine is"
    ):
        course.run(small, lesson, "sample", "sample")
    kept = small.executed("sample", "sample") / "00_first.ipynb"
    assert nbformat.read(kept, as_version=4).cells[1].outputs[0].data["text/plain"] == "2"
    assert course._made_from(kept) is None, "a partial result does not count as done"


# --- saving -------------------------------------------------------------------------------


def executed(text: str, timing: str = "1 s") -> nbformat.NotebookNode:
    """A notebook as Jupyter leaves it: with times, versions and the state of the screen."""
    shown = cell("shown", "x", ["keep-me"])
    shown.outputs = [new_output("stream", name="stdout", text=text)]
    shown.metadata |= {"execution": {"shell.execute_reply": "2026-11-20"}, "collapsed": True}
    shown.outputs += [new_output("display_data", {course.WIDGET: {"model_id": uuid4().hex}})]
    timed = cell("timed", "y", ["nbval-ignore-output"])
    timed.outputs = [new_output("stream", name="stdout", text=timing)]
    made = new_notebook(cells=[shown, timed])
    made.metadata = nbformat.from_dict({"language_info": {"version": "3.11.7"}, "widgets": {}})
    course.tidy(made)
    return made


def test_saving_strips_what_belongs_to_one_machine(tmp_path: Path) -> None:
    course.save(executed("a"), tmp_path / "a.ipynb")
    text = (tmp_path / "a.ipynb").read_text()
    assert "keep-me" in text and '"id": "shown"' in text
    for gone in ("2026-11-20", "3.11.7", "collapsed", "widgets"):
        assert gone not in text


def test_a_file_is_rewritten_only_when_something_that_counts_has_changed(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.ipynb"
    assert course.save(executed("a"), path)
    before = path.read_bytes()
    assert not course.save(executed("a", timing="2 s"), path)
    assert path.read_bytes() == before
    assert course.save(executed("b", timing="3 s"), path)
    assert "3 s" in path.read_text()


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    course._write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        course._write(path, "new \udcff")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


# --- pages --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a course whose first notebook has one output of each kind."""
    root = tmp_path_factory.mktemp("course")
    picture = cell("picture", "figure()")
    alt = {"image/png": {"alt": 'A line <rises> to "9"'}}
    widget = {
        course.WIDGET: {"model_id": "1"},
        "text/plain": "Slider()",
    }
    picture.outputs = [
        new_output("display_data", PICTURE, metadata=alt),
        new_output("display_data", widget),
        new_output(
            "display_data", {"application/javascript": "alert(1)", "text/plain": "<JS>"}
        ),
    ]
    small = small_course(root, new_markdown_cell(HIDDEN), picture)
    shutil.copytree(small.notebooks, small.executed("sample", "sample"))
    index = course.render(small, small.executed("sample", "sample"))
    assert index == root / "build" / "html" / "index.html"
    return index.parent


def test_a_page_asks_no_other_host_for_anything(pages: Path) -> None:
    for page in pages.glob("*.html"):
        html = page.read_text(encoding="utf-8")
        loaded = re.findall(
            r"<(?:script|img|link|iframe)[^>]*?(?:src|href)=[\"']([^\"']+)", html
        )
        for address in loaded:
            local = address.startswith("data:") or (pages / address.split("?")[0]).is_file()
            assert local, f"{page.name} loads {address[:80]}"
        assert not re.search(r"@import|url\(|unpkg|cdn|alert\(1\)", html), page.name


def test_pictures_formulas_hints_and_sliders_are_there(pages: Path) -> None:
    html = (pages / "00_first.html").read_text(encoding="utf-8")
    assert "A line &lt;rises&gt; to" in html
    assert "A slider is here in JupyterLab" in html and "Slider()" not in html
    assert re.search(
        r"<details>\s*<summary>Hint</summary>.*<strong>bold</strong>.*</details>", html, re.S
    )
    assert 'src="mathjax/MathJax.js' in html and "$x^2$" in html
    assert '<html lang="en">' in html and "<title>A title: with a colon · A small" in html
    assert 'id="A-title:-with' in html or re.search(r'<h1 id="[^"]*title', html)


def test_pages_link_to_their_neighbours_and_the_index_lists_all(pages: Path) -> None:
    first = (pages / "00_first.html").read_text(encoding="utf-8")
    assert 'rel="next"' in first and 'rel="prev"' not in first
    assert 'href="01_second.html#there"' in first and ".ipynb" not in first
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert 'href="00_first.html"' in index and "After this you can add." in index
    assert "02_third" in index and "02_third.html" not in index and "to come" in index


def test_two_runs_at_once_leave_one_whole_copy_of_mathjax(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(course._copy_mathjax, [tmp_path / "mathjax"] * 2))
    assert [path.name for path in tmp_path.iterdir()] == ["mathjax"]
    assert (tmp_path / "mathjax" / "jax" / "input" / "TeX" / "jax.js").is_file()


# --- in a notebook ------------------------------------------------------------------------


def documented(x: int) -> int:
    """Gone.

    All of it.
    """

    return x + 1  # """stays"""


class Documented:
    """Gone."""

    size = 3

    def method(self) -> None:
        """Only this."""

    def other(self) -> str:
        return """not a docstring"""


def test_source_leaves_out_docstrings_and_nothing_else() -> None:
    assert course.source(documented) == (
        'def documented(x: int) -> int:\n    return x + 1  # """stays"""'
    )
    assert course.source(Documented) == (
        "class Documented:\n    size = 3\n\n    def method(self) -> None:\n        ...\n\n"
        '    def other(self) -> str:\n        return """not a docstring"""'
    )
    assert "All of it." in course.source(documented, docstring=True)


def test_show_source_gives_readers_markdown_and_nbval_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    course.show_source(documented, documented)
    code = course.source(documented)
    twice = f"{code}\n\n\n{code}"
    assert shown == [{"text/plain": twice, "text/markdown": f"```python\n{twice}\n```"}]


def test_the_notebooks_kept_on_disk_are_tidy() -> None:
    for lesson in course.load(ROOT).choose():
        saved = nbformat.read(lesson.path, as_version=4)
        before = json.dumps(saved, sort_keys=True)
        course.tidy(saved)
        assert json.dumps(saved, sort_keys=True) == before, f"{lesson.name}: make notebooks"

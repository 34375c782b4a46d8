"""book/pages.py: pages that need no network, with everything that a notebook shows."""

from __future__ import annotations

import dataclasses
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_markdown_cell, new_output
from small_course import cell, small_course

from lesson5_utils.book import files
from lesson5_utils.book.pages import _copy_mathjax, render
from lesson5_utils.errors import Lesson5Error

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


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of a course whose first notebook has one output of each kind."""
    root = tmp_path_factory.mktemp("course")
    picture = cell("picture", "figure()")
    alt = {"image/png": {"alt": 'A line <rises> to "9"', "width": 614, "height": 346}}
    picture.metadata["jupyter"] = {"source_hidden": True}
    widget = {
        files.WIDGET: {"model_id": "1"},
        "text/plain": "Slider()",
    }
    picture.outputs = [
        new_output("display_data", PICTURE, metadata=alt),
        new_output("display_data", widget),
        new_output(
            "display_data", {"application/javascript": "alert(1)", "text/plain": "<JS>"}
        ),
    ]
    plain = cell("plain", "plain_code = 1")
    small = small_course(root, new_markdown_cell(HIDDEN), picture, plain)
    shutil.copytree(small.notebooks, small.executed("sample", "sample"))
    index = render(small, small.executed("sample", "sample"))
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


def test_code_that_only_draws_is_folded_and_other_code_is_not(pages: Path) -> None:
    html = (pages / "00_first.html").read_text(encoding="utf-8")
    folded = re.findall(r"<details class=\"folded\">.*?</details>", html, re.S)
    assert len(folded) == 1 and "figure" in folded[0]
    assert "<img" not in folded[0], "the picture itself is seen"
    assert "plain_code" in html and "plain_code" not in folded[0]


def test_a_picture_is_shown_in_its_own_size(pages: Path) -> None:
    html = (pages / "00_first.html").read_text(encoding="utf-8")
    (shown,) = re.findall(r"<img [^>]*>", html)
    assert 'width="614"' in shown and 'height="346"' in shown and "A line" in shown


def test_links_to_other_places_appear_with_the_address(pages: Path, tmp_path: Path) -> None:
    assert "mybinder" not in (pages / "00_first.html").read_text(encoding="utf-8")
    small = small_course(tmp_path)
    known = dataclasses.replace(small, repository="https://github.com/some/course")
    html = (
        render(known, small.notebooks, tmp_path / "html").parent / "00_first.html"
    ).read_text()
    for address in (
        "https://github.com/some/course/blob/HEAD/notebooks/00_first.ipynb",
        "https://mybinder.org/v2/gh/some/course/HEAD?labpath=notebooks%2F00_first.ipynb",
        "https://colab.research.google.com/github/some/course/blob/HEAD/notebooks/00_first.ipynb",
    ):
        assert f'href="{address}"' in html
    other = dataclasses.replace(small, repository="https://git.example.org/some/course/")
    html = (
        render(other, small.notebooks, tmp_path / "html").parent / "00_first.html"
    ).read_text()
    assert "git.example.org/some/course/blob/HEAD/notebooks/" in html and "mybinder" not in html


def test_pages_link_to_their_neighbours_and_the_index_lists_all(pages: Path) -> None:
    first = (pages / "00_first.html").read_text(encoding="utf-8")
    assert 'rel="next"' in first and 'rel="prev"' not in first
    assert 'href="01_second.html#there"' in first and ".ipynb" not in first
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert 'href="00_first.html"' in index and "After this you can add." in index
    assert "02_third" in index and "02_third.html" not in index and "to come" in index


def test_a_damaged_result_has_no_page_and_stops_no_other(tmp_path: Path) -> None:
    small = small_course(tmp_path)
    shutil.copytree(small.notebooks, small.executed("sample", "sample"))
    (small.executed("sample", "sample") / "01_second.ipynb").write_text("{")
    index = render(small, small.executed("sample", "sample"))
    assert (index.parent / "00_first.html").is_file()
    assert not (index.parent / "01_second.html").exists()
    assert 'href="01_second.html"' not in index.read_text(encoding="utf-8")


def test_an_interrupted_copy_of_mathjax_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copytree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _copy_mathjax(tmp_path / "mathjax")
    assert list(tmp_path.iterdir()) == []


def test_two_runs_at_once_leave_one_whole_copy_of_mathjax(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_copy_mathjax, [tmp_path / "mathjax"] * 2))
    assert [path.name for path in tmp_path.iterdir()] == ["mathjax"]
    assert (tmp_path / "mathjax" / "jax" / "input" / "TeX" / "jax.js").is_file()


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    small = small_course(tmp_path)
    (tmp_path / "build").write_text("")
    with pytest.raises(Lesson5Error, match="build is a file, where a folder is needed"):
        render(small, small.executed("sample", "sample"))


def test_only_a_page_that_would_differ_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = small_course(tmp_path)
    executed = small.executed("sample", "sample")
    shutil.copytree(small.notebooks, executed)
    folder = render(small, executed).parent
    first, second = folder / "00_first.html", folder / "01_second.html"
    complete = second.read_bytes()
    first.write_text("changed by hand", encoding="utf-8")
    made: list[str] = []

    def noted(course: object, notebook: object, lesson: Any = None, *more: object) -> str:
        made.append(lesson.name if lesson else "index")
        return "made again"

    monkeypatch.setattr("lesson5_utils.book.pages._page", noted)
    render(small, executed)
    assert made == ["00_first", "index"]
    assert first.read_text(encoding="utf-8").startswith("made again")
    assert second.read_bytes() == complete

    notebook = files.read(executed / "01_second.ipynb")
    notebook.cells[0].source += " One more word."
    files.write_notebook(notebook, executed / "01_second.ipynb")
    render(small, executed)
    assert made == ["00_first", "index", "01_second", "index"]

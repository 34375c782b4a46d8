"""book/index.py on a small course made here; course.yaml against the notebooks there are."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from small_course import ROOT, cell, small_course

from lesson5_utils.book import index
from lesson5_utils.errors import ArgumentError, Lesson5Error


def test_a_lesson_is_read_from_the_list_and_from_its_own_header(tmp_path: Path) -> None:
    first, second, third = small_course(tmp_path).lessons
    assert first.title == "A title: with a colon"
    assert first.promise == "After this you can add. And more."
    assert (first.number, first.minutes, first.facts["Data"]) == ("00", 45, "numbers")
    assert [video.url for video in first.videos] == [
        "https://youtu.be/x?t=3643",
        "https://youtu.be/x?t=212",
    ]
    assert (second.minutes, second.promise, second.exists) == (None, "", True)
    assert (third.title, third.exists) == ("02_third", False)


def test_lessons_are_chosen_by_number_name_or_file(tmp_path: Path) -> None:
    small = small_course(tmp_path)
    assert [lesson.name for lesson in small.choose()] == ["00_first", "01_second"]
    for name in ("01", "1", "01_second", "notebooks/01_second.ipynb"):
        assert [lesson.name for lesson in small.choose([name])] == ["01_second"]
    with pytest.raises(ArgumentError, match=r"unknown notebook '01_secnd'.*mean '01_second'"):
        small.choose(["01_secnd"])
    with pytest.raises(ArgumentError, match="unknown notebook '02_third'"):
        small.choose(["02_third"])


@pytest.mark.parametrize("text", ["a: [", "title: x", "[]", "", "notebooks: [1]\nvideo: x"])
def test_a_damaged_list_of_notebooks_is_told(tmp_path: Path, text: str) -> None:
    small = small_course(tmp_path)
    (small.notebooks / "course.yaml").write_text(text)
    with pytest.raises(Lesson5Error, match=r"^notebooks/course\.yaml cannot be read \([^\n]+$"):
        index.load(tmp_path)


def test_the_course_is_found_from_any_folder_inside_it(tmp_path: Path) -> None:
    small_course(tmp_path)
    assert index.load(tmp_path / "data").root == tmp_path


def test_without_notebooks_one_sentence_says_where_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(Lesson5Error, match="get the whole course"):
        index.load(tmp_path)


@pytest.mark.parametrize("text", ['{"cells": [', '{"cells": []}', "[]", '{"cells": [1]}'])
def test_a_damaged_notebook_is_named(tmp_path: Path, text: str) -> None:
    small = small_course(tmp_path)
    (small.notebooks / "01_second.ipynb").write_text(text)
    with pytest.raises(Lesson5Error, match=r"01_second\.ipynb is not a readable notebook"):
        index.load(tmp_path)


def test_two_lessons_of_one_number_are_refused(tmp_path: Path) -> None:
    small = small_course(tmp_path)
    listed = small.notebooks / "course.yaml"
    listed.write_text(listed.read_text() + "  - {name: 01_again, videos: {}, themes: []}\n")
    with pytest.raises(
        Lesson5Error, match="number 01 to two notebooks, 01_second and 01_again"
    ):
        index.load(tmp_path)


# --- what cells define --------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cells = [cell("one", "x = 1"), cell("two", "x += 1\ndef f(a: int): return y + a")]
    small_course(tmp_path, *cells, cell("bad", "1 / 0"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("here")
def test_cells_are_executed_in_the_order_asked_for() -> None:
    assert index.namespace("00", "one", "two", "two")["x"] == 3
    assert index.namespace("00", "two", "one", into={"x": 0})["x"] == 1


@pytest.mark.usefixtures("here")
def test_an_earlier_namespace_is_gone_on_with() -> None:
    names = index.namespace("00_first", "one", "two")
    assert index.namespace("00_first", "one", into=names) is names
    names["y"] = 10
    assert names["f"](1) == 11, "a function sees what was set beside it"
    assert names["f"].__annotations__ == {"a": int}, "executed as a kernel would"


@pytest.mark.usefixtures("here")
def test_an_unknown_cell_is_refused_before_anything_runs() -> None:
    names: dict[str, object] = {}
    with pytest.raises(ArgumentError, match=r"unknown cell of 00_first 'ones'.*mean 'one'"):
        index.namespace("00", "one", "ones", into=names)
    assert names == {}


@pytest.mark.usefixtures("here")
def test_the_traceback_says_which_cell_it_was() -> None:
    with pytest.raises(ZeroDivisionError) as failed:
        index.namespace("00", "bad")
    assert str(failed.traceback[-1].path).endswith("00_first.ipynb, cell bad")


# --- the course itself --------------------------------------------------------------------


def test_the_real_course_has_eleven_lessons_in_order_with_known_themes() -> None:
    real = index.load(ROOT)
    assert [int(lesson.number) for lesson in real.lessons] == list(range(11))
    named = {theme for lesson in real.lessons for theme in lesson.themes}
    assert named == set(real.themes) and len(real.themes) == 6
    assert all(lesson.videos for lesson in real.lessons)


@pytest.mark.parametrize("lesson", index.load(ROOT).choose(), ids=lambda lesson: lesson.name)
def test_header_and_course_yaml_name_the_same_places_in_the_video(
    lesson: index.Lesson,
) -> None:
    links = re.findall(r"\]\((https://youtu\.be[^)]+)\)", lesson.facts["Video"])
    linked = {parse_qs(urlsplit(link).query)["t"][0] for link in links}
    assert linked == {parse_qs(urlsplit(video.url).query)["t"][0] for video in lesson.videos}
    assert lesson.minutes and lesson.promise and lesson.facts["Data"]

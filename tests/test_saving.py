"""saving.py: where things are kept, and that nothing is written by halves."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_course import ROOT, small_course

from lesson5_utils import saving
from lesson5_utils.errors import DataError, Lesson5Error

# --- writing ------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    saving.write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        saving.write(path, "new \udcff")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("")
    with pytest.raises(
        Lesson5Error, match=r"build is a file, where a folder is needed: rename"
    ):
        saving.write(tmp_path / "build" / "html" / "page.html", "new")


def test_what_the_system_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(Lesson5Error, match=r"page\.html cannot be written \(Is a directory\)"):
        saving.write(tmp_path / "page.html", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(Lesson5Error, match=r"cannot be made \(File name too long\)"):
        saving.folder(tmp_path / ("x" * 300))


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(Lesson5Error, match=r"nothing can be written in .*: copy the course"):
        saving.folder(tmp_path / "build")


def test_pictures_are_written_as_they_are_and_text_with_one_kind_of_line_end(
    tmp_path: Path,
) -> None:
    saving.write(tmp_path / "a.png", b"\x89PNG\r\n")
    saving.write(tmp_path / "a.html", "é\n")
    assert (tmp_path / "a.png").read_bytes() == b"\x89PNG\r\n"
    assert (tmp_path / "a.html").read_bytes() == b"\xc3\xa9\n"


# --- where ----------------------------------------------------------------------------------


def test_nothing_is_kept_where_the_folder_is_set_to_nothing() -> None:
    assert saving.work_folder() is None, "as conftest.py sets it"


def test_a_folder_of_the_learners_own_is_named_by_its_full_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LESSON5_WORK_DIR", str(tmp_path))
    assert saving.work_folder() == tmp_path
    monkeypatch.setenv("LESSON5_WORK_DIR", "mine")
    with pytest.raises(DataError, match="LESSON5_WORK_DIR must be a full path"):
        saving.work_folder()


@pytest.mark.parametrize("inside", ["work", "notebooks", "."])
def test_it_is_the_work_folder_of_the_course_that_we_are_in(
    inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = small_course(tmp_path)
    course.work.mkdir()
    monkeypatch.delenv("LESSON5_WORK_DIR")
    monkeypatch.chdir(tmp_path / inside)
    assert saving.work_folder() == course.work


def test_elsewhere_it_is_that_of_the_packages_own_course(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LESSON5_WORK_DIR")
    monkeypatch.chdir(tmp_path)
    assert saving.work_folder() == ROOT / "work"
    monkeypatch.setattr(saving, "PACKAGE", tmp_path / "site-packages" / "lesson5_utils")
    assert saving.work_folder() is None, "a wheel far from any course"

"""Where the course keeps things, and how a file is written: whole, or not at all.

`work/` in the course's folder is the learner's own: git ignores it, and nothing there is ever
overwritten or removed by an update. `LESSON5_WORK_DIR` names another folder for what the
learner makes; set to nothing, nothing is read or kept. That is how saved outputs are made.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lesson5_utils.errors import DataError, Lesson5Error

__all__ = ["course_folder", "folder", "folder_named_by", "work_folder", "write"]

PACKAGE = Path(__file__).resolve().parent


def course_folder(start: Path | None = None) -> Path | None:
    """The folder of the course that holds `start` (default: where we are, else this package);
    None far from any course."""
    here = [start.resolve()] if start else [Path.cwd(), PACKAGE]
    folders = [above for one in here for above in (one, *one.parents)]
    return next((one for one in folders if (one / "notebooks/course.yaml").is_file()), None)


def work_folder() -> Path | None:
    """The folder for what the learner makes; it may not exist yet. None where nothing is kept.

    Raises:
        DataError: `LESSON5_WORK_DIR` is no full path.
    """
    if "LESSON5_WORK_DIR" in os.environ:
        return folder_named_by("LESSON5_WORK_DIR")
    course = course_folder()
    return course / "work" if course else None


def folder_named_by(variable: str) -> Path | None:
    """The absolute path that an environment variable holds; None where it is not set.

    Raises:
        DataError: the path is not absolute.
    """
    given = os.environ.get(variable)
    if not given:
        return None
    named = Path(given).expanduser()
    if not named.is_absolute():  # a notebook's kernel and the command start in two folders
        raise DataError(
            f"{variable} must be a full path, not {given!r}, which means another folder in a "
            f"notebook: set it to {named.absolute()} if that is the one"
        )
    return named


def folder(path: Path) -> Path:
    """Make a folder, if it is not there; it is one that can be written.

    Raises:
        Lesson5Error: a file stands in its place, or the system refuses.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        blocks = next((p for p in (path, *path.parents) if os.path.isfile(p)), None)
        if blocks:
            told = f"{blocks} is a file, where a folder is needed: rename it or move it away"
        else:
            told = f"the folder {path} cannot be made ({problem.strerror})"
        raise Lesson5Error(told) from problem
    if not os.access(path, os.W_OK):
        raise Lesson5Error(
            f"nothing can be written in {path}: copy the course to a folder of yours"
        )
    return path


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, and make its folder; text in UTF-8.

    It is written beside its place and then moved there, so nobody ever reads half of it, and
    two who write at once do not break each other: the later one stays.

    Raises:
        Lesson5Error: its folder cannot be made, or the disk refuses.
    """
    folder(path.parent)
    beside = None
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with open(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(beside, 0o644)  # mkstemp makes it readable for the owner alone
        os.replace(beside, path)
    except BaseException as problem:
        if beside:
            Path(beside).unlink(missing_ok=True)
        if isinstance(problem, OSError):
            raise Lesson5Error(f"{path} cannot be written ({problem.strerror})") from problem
        raise

"""The list of lessons, and what stands in their notebooks.

`notebooks/course.yaml` holds what the notebooks cannot say (order, video times, themes);
title, promise, minutes and data are read from each notebook's first cell, where the learner
reads them too.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesson5_utils import saving
from lesson5_utils.errors import ArgumentError, Lesson5Error, unknown

__all__ = ["Course", "Lesson", "Video", "load", "namespace", "saved_picture"]


@dataclass(frozen=True)
class Video:
    """A place in the recorded lecture: what it is about, when ("1:00:43"), and its link."""

    about: str
    at: str
    url: str


@dataclass(frozen=True)
class Lesson:
    """One notebook; of one that is still to come, only name, videos and themes are known."""

    name: str
    path: Path
    videos: tuple[Video, ...] = ()
    themes: tuple[str, ...] = ()
    title: str = ""
    promise: str = ""
    minutes: int | None = None
    facts: dict[str, str] = field(default_factory=dict)  # the header's table, as written

    @property
    def exists(self) -> bool:
        return self.path.is_file()

    @property
    def number(self) -> str:
        return self.name[:2]


@dataclass(frozen=True)
class Course:
    """The lessons in their order, and the folder that holds everything."""

    title: str
    root: Path
    themes: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    pictures: dict[str, tuple[str, str]] = field(default_factory=dict)  # file: notebook, cell
    repository: str | None = None  # its public address, once there is one

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def work(self) -> Path:
        """The learner's own folder, with copies of the notebooks; git ignores it."""
        return self.root / "work"

    @property
    def pages(self) -> Path:
        return self.root / "build" / "html"

    def executed(self, ratings: str, digits: str) -> Path:
        """Where results are kept; those of other data sets have a folder of their own."""
        return self.root / "build" / "executed" / f"{ratings}-{digits}"

    def choose(self, names: Iterable[str] = ()) -> list[Lesson]:
        """The named lessons (`02`, `2`, `02_bias` or `02_bias.ipynb`); all without names.

        Raises:
            ArgumentError: there is no such notebook; the sentence names those that there are.
        """
        there = {lesson.name: lesson for lesson in self.lessons if lesson.exists}
        short = {lesson.number: name for name, lesson in there.items()}
        wanted = [Path(name).name.removesuffix(".ipynb") for name in names]
        wanted = [short.get(name.zfill(2), name) for name in wanted]
        for name in wanted:
            if name not in there:
                raise ArgumentError(unknown("notebook", name, there))
        return [lesson for name, lesson in there.items() if not wanted or name in wanted]


def load(start: Path | None = None) -> Course:
    """The course whose folder holds `start` (default: where we are, else this package).

    Raises:
        Lesson5Error: there are no notebooks, one or the list of them is damaged, or two have
            the same number.
    """
    import yaml

    root = saving.course_folder(start)
    if root is None:
        raise Lesson5Error(
            "no notebooks here: only the helper package is installed, so get the whole course "
            "(a git clone, or the folder of `make bundle`) and run lesson5 inside that folder"
        )
    try:
        course = _read(root, yaml)
    except (yaml.YAMLError, LookupError, TypeError, AttributeError, ValueError) as problem:
        why = " ".join(str(problem).split())
        raise Lesson5Error(
            f"notebooks/course.yaml cannot be read ({why}): mend it, or take it from git again"
        ) from problem
    _refuse_one_number_for_two(course.lessons)
    return course


def namespace(
    notebook: str, *cell_ids: str, into: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The names that these cells of a notebook define, executed in the given order.

    Tests and benchmarks take from here what stands in a notebook only.

    Args:
        notebook: `02`, or `02_bias`.
        into: names that the cells find and add to, such as those of an earlier call; it is
            what is returned. Default: none.

    Raises:
        ArgumentError: there is no such notebook or cell; nothing was executed.
    """
    names: dict[str, Any] = {} if into is None else into
    (lesson,) = load().choose([notebook])
    sources = {cell["id"]: "".join(cell["source"]) for cell in _cells(lesson.path)}
    for cell_id in cell_ids:
        if cell_id not in sources:
            raise ArgumentError(unknown(f"cell of {lesson.name}", cell_id, sources))
    for cell_id in cell_ids:
        place = f"{lesson.path}, cell {cell_id}"
        exec(compile(sources[cell_id], place, "exec", dont_inherit=True), names)
    return names


def saved_picture(course: Course, file: str) -> bytes:
    """The PNG of a picture in the README, as the notebook that draws it has saved it."""
    name, cell_id = course.pictures[file]
    (lesson,) = course.choose([name])
    outputs = next(cell["outputs"] for cell in _cells(lesson.path) if cell["id"] == cell_id)
    found = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    return base64.b64decode("".join(found[0]))


def _read(root: Path, yaml: Any) -> Course:
    listed = yaml.safe_load((root / "notebooks" / "course.yaml").read_text(encoding="utf-8"))
    lessons = tuple(_lesson(root, listed["video"], entry) for entry in listed["notebooks"])
    pictures = {file: (name, cell) for file, (name, cell) in listed.get("pictures", {}).items()}
    themes, repository = tuple(listed["themes"]), listed.get("repository")
    return Course(listed["title"], root, themes, lessons, pictures, repository)


def _lesson(root: Path, video: str, entry: dict[str, Any]) -> Lesson:
    """One entry of course.yaml, joined with the header of its notebook."""
    name = entry["name"]
    path = root / "notebooks" / f"{name}.ipynb"
    videos = tuple(
        Video(about, at, f"{video}?t={_seconds(at)}") for at, about in entry["videos"].items()
    )
    header = _header(path) if path.is_file() else {"title": name}
    return Lesson(name, path, videos, tuple(entry["themes"]), **header)


def _refuse_one_number_for_two(lessons: Sequence[Lesson]) -> None:
    """Since `lesson5 run 02` means one notebook."""
    first: dict[str, str] = {}
    for lesson in lessons:
        if lesson.number in first:
            raise Lesson5Error(
                f"course.yaml gives the number {lesson.number} to two notebooks, "
                f"{first[lesson.number]} and {lesson.name}: rename one of them"
            )
        first[lesson.number] = lesson.name


def _seconds(at: str) -> int:
    """
    >>> _seconds("1:00:43"), _seconds("3:32")
    (3643, 212)
    """
    total = 0
    for part in at.split(":"):
        total = 60 * total + int(part)
    return total


def _cells(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, read without nbformat, which takes a second to import."""
    try:
        cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
        cells[0]["source"]
    except (ValueError, LookupError, TypeError) as problem:
        raise Lesson5Error(
            f"{path.name} is not a readable notebook (half saved, or a merge left marks in it)"
        ) from problem
    return cells


def _header(path: Path) -> dict[str, Any]:
    """Title, promise, minutes and the table of a notebook's first cell."""
    lines = "".join(_cells(path)[0]["source"]).splitlines()
    rows = [re.match(r"\|\s*([^|]+?)\s*\|\s*(.+?)\s*\|$", line) for line in lines]
    facts = {row[1]: row[2] for row in rows if row and not row[1].startswith("-")}
    minutes = re.search(r"\d+", facts.get("Time", ""))
    titles = [line[2:] for line in lines if line.startswith("# ")]
    return {
        "title": titles[0].split("· ", 1)[-1] if titles else path.stem,
        "promise": " ".join(line[1:].strip() for line in lines if line.startswith(">")),
        "minutes": int(minutes[0]) if minutes else None,
        "facts": facts,
    }

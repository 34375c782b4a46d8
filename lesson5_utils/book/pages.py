"""Executed notebooks as pages that need no network, through our own template (`page/`)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from lesson5_utils import saving
from lesson5_utils.book import files
from lesson5_utils.book.index import Course, Lesson
from lesson5_utils.errors import Lesson5Error

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["render"]

TEMPLATE = Path(__file__).parent / "page"


def render(course: Course, executed: Path, to: Path | None = None) -> Path:
    """Turn the notebooks in the folder `executed` into pages; returns the index page.

    A damaged result has none, since the next run makes it anew.

    Raises:
        Lesson5Error: the pages cannot be written.
    """
    import nbformat

    to = saving.folder(to or course.pages)
    _copy_mathjax(to / "mathjax")
    results = {}
    for lesson in course.lessons:
        if (executed / lesson.path.name).is_file():
            with suppress(Lesson5Error):
                results[lesson.name] = files.read(executed / lesson.path.name)
    shown = [lesson for lesson in course.lessons if lesson.name in results]
    around: list[Lesson | None] = [None, *shown, None]
    for lesson, before, after in zip(shown, around, around[2:], strict=False):
        mark = _mark(course, results[lesson.name], lesson, before, after)
        path = to / f"{lesson.name}.html"
        if not _ends_with(path, mark):  # else it would come out the same, half a second later
            page = _page(course, results[lesson.name], lesson, before, after)
            saving.write(path, page + mark)
    contents = nbformat.v4.new_markdown_cell(_contents(course, shown, executed.name))
    saving.write(to / "index.html", _page(course, nbformat.v4.new_notebook(cells=[contents])))
    return to / "index.html"


def _mark(course: Course, notebook: NotebookNode, *lessons: Lesson | None) -> str:
    """The last line of a page: a checksum of all that it is made from."""
    names = [(one.name, one.title) if one else None for one in lessons]
    made_from = [course.title, course.repository, names, notebook, version("nbconvert")]
    digest = hashlib.sha256(json.dumps(made_from).encode())
    for part in (Path(__file__), *sorted(TEMPLATE.iterdir())):
        digest.update(part.read_bytes())
    return f"\n<!-- made from {digest.hexdigest()} -->\n"


def _ends_with(path: Path, mark: str) -> bool:
    try:
        return path.read_bytes().endswith(mark.encode())
    except OSError:
        return False


def _page(
    course: Course,
    notebook: NotebookNode,
    lesson: Lesson | None = None,
    before: Lesson | None = None,
    after: Lesson | None = None,
) -> str:
    """One page through our template (`page/`), which builds on nbconvert's "lab"."""
    from nbconvert import HTMLExporter

    for cell in notebook.cells:
        if cell.cell_type == "markdown":  # from one notebook to another: from page to page
            cell.source = re.sub(r"(\]\(\d\d_\w+)\.ipynb", r"\1.html", cell.source)
    exporter = HTMLExporter(
        template_name="page", extra_template_basedirs=[str(Path(__file__).parent)]
    )
    resources = {
        "page": {
            "course": course.title,
            "title": lesson.title if lesson else "",
            "elsewhere": _elsewhere(course.repository, lesson) if lesson else [],
            "before": before,
            "after": after,
            "has_maths": any("$" in cell.source for cell in notebook.cells),
        },
    }
    return str(exporter.from_notebook_node(notebook, resources=resources)[0])


def _elsewhere(repository: str | None, lesson: Lesson) -> list[tuple[str, str]]:
    """Where else a lesson can be opened, as (name, address); nowhere without a repository."""
    if not repository:
        return []
    host, _, project = repository.rstrip("/").removeprefix("https://").partition("/")
    notebook = f"notebooks/{lesson.path.name}"
    found = [("Source", f"{repository.rstrip('/')}/blob/HEAD/{notebook}")]
    if host == "github.com":
        binder = f"https://mybinder.org/v2/gh/{project}/HEAD?labpath={quote(notebook, safe='')}"
        colab = f"https://colab.research.google.com/github/{project}/blob/HEAD/{notebook}"
        found += [("Binder", binder), ("Colab", colab)]
    return found


def _contents(course: Course, shown: Sequence[Lesson], data: str) -> str:
    """The index page's markdown: one line per notebook."""
    rows = [
        f"# {course.title}",
        "",
        f"Executed with the data **{data}** (ratings-digits).",
        "",
        "| | Notebook | Time | Data |",
        "|---|---|---|---|",
    ]
    for lesson in course.lessons:
        number, ready = lesson.name[:2], lesson in shown
        title = f"[{lesson.title}]({lesson.name}.html)" if ready else lesson.title
        about = lesson.promise if lesson.exists else "to come"
        time = f"{lesson.minutes}&nbsp;min" if lesson.minutes else ""
        rows.append(
            f"| {number} | **{title}** <br> {about} | {time} | {lesson.facts.get('Data', '')} |"
        )
    return "\n".join(rows)


# What pages with formulas load, each from the folder beside them: the TeX reader, the HTML
# writer and its fonts. Left out: 40 languages, SVG, spoken maths, other input formats.
MATHJAX = (
    *("MathJax.js", "LICENSE", "config", "extensions/TeX", "extensions/*.js", "fonts"),
    *("jax/element", "jax/input/TeX", "jax/output/HTML-CSS"),
)


def _copy_mathjax(to: Path) -> None:
    """Copy MathJax from the package that brings it, in one move; a copy there is kept."""
    import jupyter_server_mathjax

    source = Path(jupyter_server_mathjax.__file__).parent / "static"
    if to.is_dir():
        return
    beside = Path(tempfile.mkdtemp(dir=to.parent, prefix=".mathjax."))
    try:
        for pattern in MATHJAX:
            for found in source.glob(pattern):
                copy = beside / found.relative_to(source)
                copy.parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if found.is_dir() else shutil.copy)(found, copy)
        os.chmod(beside, 0o755)
        with suppress(OSError):  # another run was quicker, and its copy is as good
            beside.rename(to)
    finally:  # nothing is left after Ctrl-C either
        shutil.rmtree(beside, ignore_errors=True)

"""The course as a whole: its list of lessons, running them, and turning them into pages.

`notebooks/course.yaml` holds what the notebooks cannot say (order, video times, themes);
title, promise, minutes and data are read from each notebook's first cell, where the learner
reads them too. Everything written goes beside its place first and is then moved there, so
two runs at once do not break each other.
"""

from __future__ import annotations

import ast
import asyncio
import base64
import hashlib
import inspect
import json
import multiprocessing
import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesson5_utils.errors import ArgumentError, Lesson5Error, unknown

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Course", "Lesson", "Video", "load", "render", "run", "save", "show_source"]

PACKAGE = Path(__file__).resolve().parent
AT_ONCE = min(2, os.cpu_count() or 1)  # notebooks; more would crowd a small laptop
WIDGET = "application/vnd.jupyter.widget-view+json"


# --- the list of lessons ------------------------------------------------------------------


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


@dataclass(frozen=True)
class Course:
    """The lessons in their order, and the folder that holds everything."""

    title: str
    root: Path
    themes: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    pictures: dict[str, tuple[str, str]] = field(default_factory=dict)  # file: notebook, cell

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    def executed(self, ratings: str, digits: str) -> Path:
        """Where results are kept; those of other data sets have a folder of their own."""
        return self.root / "build" / "executed" / f"{ratings}-{digits}"

    def choose(self, names: Iterable[str] = ()) -> list[Lesson]:
        """The named lessons (`02`, `02_bias` or `02_bias.ipynb`); all without names."""
        there = {lesson.name: lesson for lesson in self.lessons if lesson.exists}
        short = {name[:2]: name for name in there}
        wanted = [Path(name).name.removesuffix(".ipynb") for name in names]
        wanted = [short.get(name, name) for name in wanted]
        for name in wanted:
            if name not in there:
                raise ArgumentError(unknown("notebook", name, there))
        return [lesson for name, lesson in there.items() if not wanted or name in wanted]


def load(start: Path | None = None) -> Course:
    """The course whose folder holds `start` (default: where we are, else this package)."""
    import yaml

    here = [(start or Path.cwd()).resolve()] if start else [Path.cwd(), PACKAGE]
    root = next((f for h in here for f in (h, *h.parents) if _is_course(f)), None)
    if root is None:
        raise Lesson5Error(
            "no notebooks here: only the helper package is installed, so get the whole course "
            "(a git clone, or the folder of `make bundle`) and run lesson5 inside that folder"
        )
    listed = yaml.safe_load((root / "notebooks" / "course.yaml").read_text(encoding="utf-8"))
    lessons = tuple(_lesson(root, listed["video"], entry) for entry in listed["notebooks"])
    pictures = {file: (name, cell) for file, (name, cell) in listed.get("pictures", {}).items()}
    return Course(listed["title"], root, tuple(listed["themes"]), lessons, pictures)


def cell_source(name: str, cell_id: str) -> str:
    """The code of one cell, so that a script can use what stands in a notebook only."""
    (lesson,) = load().choose([name])
    cells = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
    found = {cell["id"]: "".join(cell["source"]) for cell in cells}
    if cell_id not in found:
        raise ArgumentError(unknown("cell", cell_id, found))
    return found[cell_id]


def _is_course(folder: Path) -> bool:
    return (folder / "notebooks" / "course.yaml").is_file()


def _lesson(root: Path, video: str, entry: dict[str, Any]) -> Lesson:
    """One entry of course.yaml, joined with the header of its notebook."""
    name = entry["name"]
    path = root / "notebooks" / f"{name}.ipynb"
    videos = tuple(
        Video(about, at, f"{video}?t={_seconds(at)}") for at, about in entry["videos"].items()
    )
    header = _header(path) if path.is_file() else {"title": name}
    return Lesson(name, path, videos, tuple(entry["themes"]), **header)


def _seconds(at: str) -> int:
    """
    >>> _seconds("1:00:43"), _seconds("3:32")
    (3643, 212)
    """
    total = 0
    for part in at.split(":"):
        total = 60 * total + int(part)
    return total


def _header(path: Path) -> dict[str, Any]:
    """Title, promise, minutes and the table of a notebook's first cell."""
    try:
        cell = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    except (ValueError, LookupError) as problem:
        raise Lesson5Error(
            f"{path.name} is not a readable notebook (half saved, or a merge left marks in it)"
        ) from problem
    lines = "".join(cell["source"]).splitlines()
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


# --- running ------------------------------------------------------------------------------


def run(course: Course, lessons: Sequence[Lesson], ratings: str, digits: str) -> None:
    """Execute each lesson in a kernel of its own, into `course.executed(...)`.

    They start in order, `AT_ONCE` at a time. A lesson whose result is there, from the same
    cells, package, data and settings, is skipped. If one fails, or at Ctrl-C, all stop; what
    was finished is kept.
    """
    to_do = []
    for lesson in lessons:
        made_from = _fingerprint(course, lesson, ratings, digits)
        if _made_from(course.executed(ratings, digits) / lesson.path.name) == made_from:
            print(f"{lesson.name}: nothing changed since its last run")
        else:
            to_do.append((course, lesson, ratings, digits, made_from))
    if len(to_do) < 2:
        for task in to_do:
            _run_one(*task)
        return
    bars = multiprocessing.RLock()  # they share one terminal
    with multiprocessing.Pool(AT_ONCE, _start_worker, (bars,)) as pool:  # its end stops all
        tasks = [(*task, row) for row, task in enumerate(to_do)]
        for one in [pool.apply_async(_run_one, task) for task in tasks]:
            one.get()


def _start_worker(bars: Any) -> None:
    """Leave Ctrl-C to the process that waits; a kernel ends by itself with its worker."""
    from tqdm import tqdm

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tqdm.set_lock(bars)


def _run_one(
    course: Course, lesson: Lesson, ratings: str, digits: str, made_from: str, row: int = 0
) -> None:
    notebook = execute(course, lesson, ratings, digits, row)
    notebook.metadata["lesson5"] = {"made_from": made_from}
    write_notebook(notebook, course.executed(ratings, digits) / lesson.path.name)


def execute(
    course: Course, lesson: Lesson, ratings: str, digits: str, row: int = 0
) -> NotebookNode:
    """The lesson as a clean kernel leaves it, tidied; a bar on stderr counts the cells.

    When a cell fails, what ran is kept under build/ and one sentence says which cell it was.
    """
    import nbformat
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError
    from tqdm import tqdm

    notebook = nbformat.read(lesson.path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    silent = os.environ.get("LESSON5_PROGRESS") == "0"
    bar = tqdm(
        total=len(code), desc=f"{lesson.name:16}", unit="cell", disable=silent, position=row
    )
    at = {"cell": "the first"}
    client = NotebookClient(
        notebook,
        # no folder to look in: the kernel is then this very Python, whatever else is installed
        km=AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[])),
        timeout=None,
        coalesce_streams=True,
        resources={"metadata": {"path": str(course.notebooks)}},
        on_notebook_start=_leave_interrupts_to_python,
        on_cell_execute=lambda cell, cell_index: at.update(cell=cell.id),
        on_cell_executed=lambda cell, cell_index, execute_reply: bar.update(),
    )
    problem = ""
    try:
        environment = _environment(ratings, digits)
        # the kernel's own log is left out: what a cell says or raises comes as a message
        client.execute(env=environment, stderr=subprocess.DEVNULL, cleanup_kc=True)
    except CellExecutionError as error:
        problem = f"raised {error.ename}: {error.evalue}"
    except DeadKernelError:
        problem = "ended the kernel: the memory may not suffice"
    finally:
        bar.close()
    tidy(notebook)
    if problem:
        copy = course.executed(ratings, digits) / lesson.path.name
        write_notebook(notebook, copy)
        kept = f"what ran is in {os.path.relpath(copy)}"
        raise Lesson5Error(f"{lesson.name}: cell {at['cell']!r} {problem} ({kept})")
    return notebook


def _leave_interrupts_to_python(notebook: NotebookNode) -> None:
    """Ctrl-C is then a KeyboardInterrupt; nbclient's own handler ends in an AssertionError.

    In a worker it goes to the waiting process, whose SIGTERM then ends the worker at once.
    """
    with suppress(NotImplementedError):  # Windows, where nbclient could not set them
        for one in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(one)
    if multiprocessing.parent_process():
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _environment(ratings: str, digits: str) -> dict[str, str]:
    """The kernel's: no progress bars in what is saved, and the kernel's own way to draw."""
    inherited = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    chosen = {"LESSON5_RATINGS": ratings, "LESSON5_DIGITS": digits, "LESSON5_PROGRESS": "0"}
    return inherited | chosen


def _fingerprint(course: Course, lesson: Lesson, ratings: str, digits: str) -> str:
    """A checksum of everything that a lesson's outputs come from."""
    cells = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
    sources = [[cell["cell_type"], "".join(cell["source"])] for cell in cells]
    versions = [metadata.version(name) for name in ("torch", "numpy", "pandas", "matplotlib")]
    device = os.environ.get("LESSON5_DEVICE")
    digest = hashlib.sha256(json.dumps([sources, versions, ratings, digits, device]).encode())
    files = [*PACKAGE.rglob("*.py"), *(course.root / "data").glob("*")]
    for path in sorted(files):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _made_from(copy: Path) -> str | None:
    """The fingerprint that a result was saved with; None for a partial one, or for none."""
    try:
        found = json.loads(copy.read_text(encoding="utf-8"))["metadata"]["lesson5"]["made_from"]
        return str(found)
    except (OSError, ValueError, LookupError):
        return None


# --- saving -------------------------------------------------------------------------------


def tidy(notebook: NotebookNode) -> None:
    """Take out what differs from run to run: times, versions, screen state, random ids."""
    notebook.metadata = type(notebook)(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    for cell in notebook.cells:
        kept = {key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata}
        cell.metadata = type(notebook)(kept)
        for output in cell.get("outputs", []):
            if view := output.get("data", {}).get(WIDGET):
                view["model_id"] = cell.id


def save(notebook: NotebookNode, path: Path) -> bool:
    """Write an executed notebook in place, unless that would change nothing that counts.

    Outputs that are not compared (timings, tagged `nbval-ignore-output`) differ each time; if
    nothing else does, the file stays as it is. Returns whether it was written.
    """
    import nbformat

    if path.is_file():
        saved = nbformat.read(path, as_version=4)
        if _what_counts(saved) == _what_counts(notebook):
            return False
    write_notebook(notebook, path)
    return True


def saved_picture(course: Course, file: str) -> bytes:
    """The PNG of a picture in the README, as the notebook that draws it has saved it."""
    name, cell_id = course.pictures[file]
    (lesson,) = course.choose([name])
    cells = json.loads(lesson.path.read_text(encoding="utf-8"))["cells"]
    outputs = next(cell["outputs"] for cell in cells if cell["id"] == cell_id)
    found = [o["data"]["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    return base64.b64decode("".join(found[0]))


def _what_counts(notebook: NotebookNode) -> str:
    import nbformat

    counted = json.loads(nbformat.writes(notebook))
    for cell in counted["cells"]:
        if "nbval-ignore-output" in cell["metadata"].get("tags", []):
            cell["outputs"] = []
    return json.dumps(counted, sort_keys=True)


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    import nbformat

    _write(path, nbformat.writes(notebook) + "\n")


def _write(path: Path, text: str) -> None:
    """Beside its place first, then moved there, so that a half-written file is never seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(beside, 0o644)  # mkstemp makes it readable for the owner alone
        os.replace(beside, path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


# --- pages --------------------------------------------------------------------------------


def render(course: Course, executed: Path, to: Path | None = None) -> Path:
    """Turn the executed notebooks into pages that need no network; returns the index page."""
    import nbformat

    to = to or course.root / "build" / "html"
    to.mkdir(parents=True, exist_ok=True)
    _copy_mathjax(to / "mathjax")
    shown = [lesson for lesson in course.lessons if (executed / lesson.path.name).is_file()]
    around: list[Lesson | None] = [None, *shown, None]
    for lesson, before, after in zip(shown, around, around[2:], strict=False):
        notebook = nbformat.read(executed / lesson.path.name, as_version=4)
        page = _page(course, notebook, lesson.title, before, after)
        _write(to / f"{lesson.name}.html", page)
    contents = nbformat.v4.new_markdown_cell(_contents(course, shown, executed.name))
    _write(to / "index.html", _page(course, nbformat.v4.new_notebook(cells=[contents]), ""))
    return to / "index.html"


def _page(
    course: Course,
    notebook: NotebookNode,
    title: str,
    before: Lesson | None = None,
    after: Lesson | None = None,
) -> str:
    """One page through our template (`page/`), which builds on nbconvert's "lab"."""
    from nbconvert import HTMLExporter

    for cell in notebook.cells:
        if cell.cell_type == "markdown":  # from one notebook to another: from page to page
            cell.source = re.sub(r"(\]\(\d\d_\w+)\.ipynb", r"\1.html", cell.source)
    exporter = HTMLExporter(template_name="page", extra_template_basedirs=[str(PACKAGE)])
    resources = {
        "page": {
            "course": course.title,
            "title": title,
            "before": before,
            "after": after,
            "has_maths": any("$" in cell.source for cell in notebook.cells),
        },
    }
    return str(exporter.from_notebook_node(notebook, resources=resources)[0])


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
    for pattern in MATHJAX:
        for found in source.glob(pattern):
            copy = beside / found.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if found.is_dir() else shutil.copy)(found, copy)
    os.chmod(beside, 0o755)
    with suppress(OSError):  # another run was quicker, and its copy is as good
        beside.rename(to)
    shutil.rmtree(beside, ignore_errors=True)


# --- in a notebook ------------------------------------------------------------------------


def show_source(*objects: Any, docstring: bool = False) -> None:
    """Show the source of functions or classes of the package, highlighted, as a cell's output.

    Docstrings are left out, since the notebook around it has just explained the code.
    """
    from IPython.display import display

    code = "\n\n\n".join(source(thing, docstring) for thing in objects)
    bundle = {"text/markdown": f"```python\n{code}\n```", "text/plain": code}
    display(bundle, raw=True)


def source(thing: Any, docstring: bool = False) -> str:
    """The source of a function or class, without its docstrings unless asked for."""
    code = textwrap.dedent(inspect.getsource(thing)).rstrip()
    if docstring:
        return code
    lines = code.splitlines()
    documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, documented)]
    for node in sorted(nodes, key=lambda node: node.lineno, reverse=True):
        first = node.body[0]
        has_one = ast.get_docstring(node, clean=False) is not None
        if not has_one or first.lineno == node.lineno or first.end_lineno is None:
            continue
        if len(node.body) == 1:
            lines[first.lineno - 1 : first.end_lineno] = [" " * first.col_offset + "..."]
        else:  # with the blank line below it, where there is one
            end = first.end_lineno
            end += end < len(lines) and not lines[end].strip()
            del lines[first.lineno - 1 : end]
    return "\n".join(lines)

"""Executing notebooks: two at once, each in a kernel and an environment of its own.

One event loop waits for all of them. A notebook that fails, or Ctrl-C, ends the others; what
was finished before is kept. Nothing is executed again whose outputs would be the same.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesson5_utils import arguments, saving
from lesson5_utils.book import files, keys
from lesson5_utils.book.index import Course, Lesson
from lesson5_utils.errors import Lesson5Error

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["NotebookError", "environment", "in_words", "run", "save_in_place"]

AT_ONCE = 2  # notebooks; more would crowd a small laptop
# No bars, and the default viewer: the text of a notebook tells that viewer's run, and pages are
# passed on, while what a learner has rated is the learner's own. JupyterLab shows that.
FOR_ALL = {"LESSON5_PROGRESS": "0", "LESSON5_WORK_DIR": ""}


class NotebookError(Lesson5Error):
    """A cell of a notebook failed; what ran before it is kept beside the other results."""


def run(course: Course, lessons: Sequence[Lesson], ratings: str, digits: str) -> None:
    """Execute lessons into `course.executed(...)`, except those that would come out the same.

    Raises:
        NotebookError: names notebook, cell and error. The other notebook that was running is
            stopped.
        KeyboardInterrupt: after Ctrl-C, with every kernel ended.
    """
    results = saving.folder(course.executed(ratings, digits))
    variables = environment(ratings, digits) | FOR_ALL
    made_from = {lesson.name: keys.key(course, lesson, variables) for lesson in lessons}
    to_do = []
    for lesson in lessons:
        result = results / lesson.path.name
        if keys.saved(result) == made_from[lesson.name]:
            keys.take_over_text(lesson.path, result)
            print(f"{lesson.name:16} nothing changed since its last run", flush=True)
        else:
            to_do.append(lesson)

    def keep(lesson: Lesson, notebook: NotebookNode) -> str:
        keys.sign(notebook, made_from[lesson.name])
        files.write_notebook(notebook, results / lesson.path.name)
        return "done"

    _execute_all(to_do, variables, results, keep)


def save_in_place(course: Course, lessons: Sequence[Lesson]) -> None:
    """Execute lessons on the bundled data and save their outputs in `notebooks/` itself.

    On the CPU and by one thread, whatever the shell has set: those results repeat.
    Raises what `run` raises.
    """
    results = saving.folder(course.executed("sample", "sample"))
    variables = environment("sample", "sample", device="cpu", threads="1")

    def keep(lesson: Lesson, notebook: NotebookNode) -> str:
        return "saved" if files.save(notebook, lesson.path) else "unchanged"

    _execute_all(lessons, variables | FOR_ALL, results, keep)


def environment(
    ratings: str, digits: str, device: str | None = None, threads: str | None = None
) -> dict[str, str]:
    """The variables of a kernel: this process's own, and the course's settings.

    Threads are set for the libraries too, since notebooks also compute outside of `fit`; the
    drawing backend is left for the kernel to choose.
    """
    device = device or os.environ.get("LESSON5_DEVICE") or "cpu"
    threads = threads or str(arguments.setting("LESSON5_THREADS", 1))
    inherited = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    libraries = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **inherited,
        **dict.fromkeys(libraries, threads),
        "LESSON5_RATINGS": ratings,
        "LESSON5_DIGITS": digits,
        "LESSON5_DEVICE": device,
        "LESSON5_THREADS": threads,
    }


def in_words(seconds: float) -> str:
    """
    >>> in_words(9.6), in_words(192)
    ('10 s', '3 min 12 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


# --- many at once -------------------------------------------------------------------------

Keep = Callable[[Lesson, "NotebookNode"], str]  # saves a finished notebook; returns one word


class _Loop(asyncio.SelectorEventLoop):
    """A loop that leaves SIGINT to asyncio's runner; nbclient would take it for itself."""

    def add_signal_handler(self, *_: Any) -> None:  # type: ignore[override]
        raise NotImplementedError


def _execute_all(
    lessons: Sequence[Lesson], variables: dict[str, str], results: Path, keep: Keep
) -> None:
    """Start lessons in order, `AT_ONCE` at a time, under one bar; print one line for each."""
    if not lessons:
        return
    import nbclient  # noqa: F401  (now, so that it is not in the first notebook's seconds)

    to_do = [(lesson, files.read(lesson.path)) for lesson in lessons]
    cells = sum(files.runs(cell) for _, notebook in to_do for cell in notebook.cells)

    async def all_of_them() -> None:
        turn = asyncio.Semaphore(AT_ONCE)
        with closing(_Bar(cells)) as bar:
            clock = asyncio.create_task(bar.tick())
            try:
                async with asyncio.TaskGroup() as group:
                    for lesson, notebook in to_do:
                        group.create_task(one(lesson, notebook, turn, bar))
            finally:
                clock.cancel()

    async def one(
        lesson: Lesson, notebook: NotebookNode, turn: asyncio.Semaphore, bar: _Bar
    ) -> None:
        async with turn:
            started = time.monotonic()
            with bar.running(lesson):
                await _execute(lesson, notebook, variables, results, bar.step)
            done = keep(lesson, notebook)
            bar.say(f"{lesson.name:16} {done} in {in_words(time.monotonic() - started)}")

    with asyncio.Runner(loop_factory=_Loop) as runner:
        try:
            runner.run(all_of_them())
        except BaseExceptionGroup as several:  # all that failed at the same moment: say one
            raise several.exceptions[0] from None


async def _execute(
    lesson: Lesson,
    notebook: NotebookNode,
    variables: dict[str, str],
    results: Path,
    step: Callable[[], object],
) -> None:
    """Execute one notebook where it stands, and tidy it; its kernel ends in any case.

    When a cell fails, what ran is kept in `results`, without a key.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from lesson5_utils.book.output import Client

    at = {"cell": ""}
    # no folder to look in: the kernel is then this very Python, whatever else is installed
    kernel = AsyncKernelManager(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    client = Client(
        notebook,
        km=kernel,
        timeout=None,
        coalesce_streams=True,
        resources={"metadata": {"path": str(lesson.path.parent)}},
        on_cell_execute=lambda cell, cell_index: at.update(cell=cell.id),
        on_cell_executed=lambda cell, cell_index, execute_reply: step(),
    )
    try:
        # the kernel's own log is left out: what a cell says or raises comes as a message
        await client.async_execute(env=variables, stderr=subprocess.DEVNULL)
    except Exception as error:
        if _cancelled():  # whatever nbclient makes of it
            raise asyncio.CancelledError from error
        if isinstance(error, CellExecutionError):
            first = next(iter(str(error.evalue).splitlines()), "")
            problem = f"cell {at['cell']!r} raised {error.ename}: {first}".removesuffix(": ")
        elif isinstance(error, DeadKernelError):
            problem = f"cell {at['cell']!r} ended the kernel: the memory may not suffice"
        elif not at["cell"]:
            problem = f"its kernel did not start ({error})"
        else:
            raise
        _keep_part(lesson, notebook, results, problem)
    finally:
        await _end(client, kernel)
    files.tidy(notebook)


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _end(client: Any, kernel: Any) -> None:
    """Leave no kernel behind, also one that was still starting when it was cancelled."""
    if client.kc is not None:
        client.kc.stop_channels()
    if kernel.has_kernel:
        await kernel.shutdown_kernel(now=True)
    atexit.unregister(client._cleanup_kernel)  # nbclient's own, which comes too late


def _keep_part(lesson: Lesson, notebook: NotebookNode, results: Path, problem: str) -> None:
    files.tidy(notebook)
    copy = results / lesson.path.name
    files.write_notebook(notebook, copy)
    raise NotebookError(
        f"{lesson.name}: {problem} (what ran is in {os.path.relpath(copy)})"
    ) from None


# --- what is seen meanwhile ---------------------------------------------------------------


class _Bar:
    """One line at the foot of the terminal, and lines above it; only the lines elsewhere."""

    def __init__(self, cells: int) -> None:
        from tqdm import tqdm

        silent = os.environ.get("LESSON5_PROGRESS") == "0"
        self.names: list[str] = []
        self.tqdm = tqdm(
            total=cells,
            bar_format="{desc} {bar} {n_fmt} of {total_fmt} cells, {elapsed}",
            leave=False,
            disable=silent or None,  # None: where stderr is no terminal
            ncols=_columns(),
        )
        self.step = self.tqdm.update

    def say(self, line: str) -> None:
        self.tqdm.write(line)
        sys.stdout.flush()

    @contextmanager
    def running(self, lesson: Lesson) -> Iterator[None]:
        self.names.append(lesson.number)
        self.redraw()
        try:
            yield
        finally:
            self.names.remove(lesson.number)

    async def tick(self) -> None:
        """Time goes on while a long cell runs, and a window may change its width."""
        while True:
            await asyncio.sleep(1)
            self.redraw()

    def close(self) -> None:
        shown = not self.tqdm.disable
        self.tqdm.close()
        if shown:  # wipe the ^C that a terminal writes behind the bar
            print(f"\r{'':{_columns() + 2}}\r", end="", file=sys.stderr, flush=True)

    def redraw(self) -> None:
        self.tqdm.ncols = _columns()
        self.tqdm.set_description_str(" and ".join(self.names))


def _columns() -> int:
    """The width for the bar: that of the terminal, less one place, since a full line wraps in
    some, and less two for the ^C of an interrupt."""
    asked = os.environ.get("COLUMNS", "")
    columns = int(asked) if asked.isdecimal() else 0
    with suppress(OSError, ValueError):  # stderr is no terminal
        columns = columns or os.get_terminal_size(sys.stderr.fileno()).columns
    return max(20, (columns or 80) - 3)

"""The command `lesson5`: everything that `make` does with the notebooks, without make.

Imports stand inside the commands, so that `lesson5 --help` answers at once.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from lesson5_utils import __version__
from lesson5_utils.errors import ArgumentError, Lesson5Error, unknown


class Commands(TyperGroup):
    """Ctrl-C ends any command with a sentence and the exit code that shells expect."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            over = "\r" if sys.stderr.isatty() else ""  # the ^C that a terminal shows
            typer.echo(f"{over}lesson5: stopped; what was finished is kept", err=True)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run the notebooks of the course, open them, and fetch their data.",
    epilog="Example: lesson5 lab 02",
)
data = typer.Typer(
    no_args_is_help=True,
    help="List the data sets, or fetch one.",
    epilog="Example: lesson5 data fetch ml-100k",
)
app.add_typer(data, name="data")

Notebooks = Annotated[
    list[str] | None,
    typer.Argument(help="Such as 02 or 02_bias; without a name, all.", show_default=False),
]
Ratings = Annotated[
    str, typer.Option(envvar="LESSON5_RATINGS", help="A name from `lesson5 data list`.")
]
Digits = Annotated[
    str, typer.Option(envvar="LESSON5_DIGITS", help="A name from `lesson5 data list`.")
]


def main() -> None:
    """Run the command line: an error of our own ends it with one sentence, no traceback."""
    try:
        app(prog_name="lesson5")
    except Lesson5Error as error:
        sys.exit(f"lesson5: {error}")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"lesson5 {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """What is asked of `lesson5` itself."""


@app.command(epilog="Example: lesson5 run 02 03 --ratings ml-100k")
def run(
    notebooks: Notebooks = None, ratings: Ratings = "sample", digits: Digits = "sample"
) -> None:
    """Execute notebooks in order and make their pages, build/html/index.html.

    What was executed before, and would come out the same, is not executed again.
    """
    from lesson5_utils import saving
    from lesson5_utils.book import index, pages, runner

    started = time.monotonic()
    course = index.load()
    lessons = course.choose(notebooks or ())
    _fetch_data(ratings, digits)
    _check_device()
    executed = course.executed(ratings, digits)
    saving.folder(course.pages)  # refused now, not after the notebooks
    try:
        runner.run(course, lessons, ratings, digits)
    except runner.NotebookError:  # what ran before it is worth reading
        with _said_meanwhile("Making the pages ..."):
            pages.render(course, executed)
        raise
    with _said_meanwhile("Making the pages ..."):
        page = pages.render(course, executed)
    count = "1 notebook" if len(lessons) == 1 else f"{len(lessons)} notebooks"
    typer.echo(f"{count} in {runner.in_words(time.monotonic() - started)}")
    typer.echo(f"To read: {_link(page)}")
    typer.echo("To work in your own copies: make lab (or lesson5 lab)")


def _fetch_data(ratings: str, digits: str) -> None:
    """Refuse an unknown name, and download real data now, where the progress can be seen."""
    for kind, name in (("ratings", ratings), ("digits", digits)):
        if name == "sample":
            continue
        from lesson5_utils import datasets

        known = [source.name for source in datasets.catalogue() if source.kind == kind]
        if name not in known:
            raise ArgumentError(unknown(f"{kind} data set", name, known))
        datasets.fetch(name)


def _check_device() -> None:
    """Refuse a device that is not here now, not at the first training of some notebook."""
    if os.environ.get("LESSON5_DEVICE") not in (None, "", "cpu"):
        from lesson5_utils import batching

        batching.chosen_device()


@contextmanager
def _said_meanwhile(what: str) -> Iterator[None]:
    """Say in a terminal what takes some seconds; afterwards nothing of it is left."""
    shown = sys.stderr.isatty() and os.environ.get("LESSON5_PROGRESS") != "0"
    if shown:
        print(what, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if shown:  # with room for the ^C of an interrupt
            print(f"\r{'':{len(what) + 2}}\r", end="", file=sys.stderr, flush=True)


def _link(page: Path) -> str:
    """In a terminal an address to click on, elsewhere a path."""
    if not sys.stdout.isatty():
        return os.path.relpath(page)
    address = page.resolve().as_uri()
    if os.environ.get("TERM", "") in {"dumb", "linux"}:  # these print the marks around it
        return address
    return f"\033]8;;{address}\033\\{address}\033]8;;\033\\"


@app.command(epilog="Example: lesson5 notebooks 02")
def notebooks(names: Notebooks = None) -> None:
    """Execute notebooks on the bundled data and save their outputs in place (for authors)."""
    from lesson5_utils import saving
    from lesson5_utils.book import index, runner

    course = index.load()
    runner.save_in_place(course, course.choose(names or ()))
    for file in course.pictures:
        saving.write(course.root / file, index.saved_picture(course, file))


@app.command(
    context_settings={"allow_extra_args": True},
    epilog="Example: lesson5 lab 02 --ratings ml-100k -- --no-browser --ServerApp.port=9000",
)
def lab(
    context: typer.Context,
    notebook: Annotated[
        str | None, typer.Argument(help="The one to open, such as 02; without it, 00.")
    ] = None,
    ratings: Ratings = "sample",
    digits: Digits = "sample",
    allow_root: Annotated[
        bool, typer.Option("--allow-root", help="Also as root, in a container.")
    ] = False,
) -> None:
    """Open your own copies of the notebooks, in work/, in JupyterLab.

    They are made when they are missing, and never overwritten.

    JupyterLab listens on this machine only, behind its usual token.
    Further options for it follow after --.
    """
    from lesson5_utils.book import copies, index, runner

    named, options = _split([notebook or "", *context.args])
    course = index.load()
    lesson = course.choose(named)[0]
    _fetch_data(ratings, digits)
    _check_device()
    if allow_root:
        options.append("--allow-root")
    if _is_root() and "--allow-root" not in options:
        raise Lesson5Error(
            "JupyterLab does not start for root unless asked to: use another account, or, in a "
            "container, `lesson5 lab --allow-root` (.venv/bin/lesson5 after `make setup`)"
        )
    copies.make(course)
    typer.echo(f"Your own copies of the notebooks are in {os.path.relpath(course.work)}")
    typer.echo("JupyterLab starts, which takes some seconds; Ctrl-C twice ends it")
    os.environ.update(runner.environment(ratings, digits))
    os.environ.update(copies.jupyter_settings(os.environ))
    os.environ.pop("MPLBACKEND", None)  # each kernel has its own way to draw
    _start_jupyter(
        [
            f"--ServerApp.root_dir={course.root}",
            f"--LabApp.default_url={copies.start_page(course, lesson)}",
            *options,
        ]
    )


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The notebook's name, if any, and the options for Jupyter."""
    named = [one for one in arguments if one and not one.startswith("-")]
    options = [one for one in arguments if one.startswith("-")]
    if len(named) > 1:
        raise ArgumentError(
            f"lab opens one notebook, not {' and '.join(named)}; options for Jupyter follow "
            "after -- and have an =, such as `lesson5 lab 02 -- --ServerApp.port=9000`"
        )
    return named, options


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _start_jupyter(options: list[str]) -> None:
    from jupyterlab.labapp import main

    main(options)


@app.command(epilog="Example: lesson5 challenge 09")
def challenge(
    notebook: Annotated[
        str | None, typer.Argument(help="Such as 09; without it, all.", show_default=False)
    ] = None,
) -> None:
    """List the challenges: the course's own entries and yours, the best first.

    An entry of yours is kept when its check in the notebook has run it on held-out rows.
    """
    from lesson5_utils import entries, saving
    from lesson5_utils.book import index

    course = index.load()
    chosen = course.choose([notebook] if notebook else ())
    lessons = {lesson.name[3:]: lesson for lesson in course.choose()}
    goals = {goal: own for goal, own in entries.goals().items() if goal.module in lessons}
    have = dict.fromkeys(lessons[goal.module].name for goal in goals)
    if notebook and chosen[0].name not in have:
        which = f"these have one: {', '.join(have)}" if have else "nor has any other yet"
        raise ArgumentError(f"{chosen[0].name} has no challenge; {which}")
    yours, damaged = entries.kept()
    for goal, own in goals.items():
        lesson = lessons[goal.module]
        if lesson in chosen:
            mine = [one for one in yours if one.challenge == goal.challenge]
            lower = " (lower is better)" if goal.lower else ""
            typer.echo(f"{lesson.name} · {goal.title}{lower}")
            typer.echo("\n".join(entries.board(goal, [*own, *mine])))
            if not mine:
                typer.echo(f"        none of yours yet: {_how_to_enter(lesson.number)}")
            typer.echo()
    work = saving.work_folder()
    if not goals:
        typer.echo("There is no challenge yet.")
    elif yours and work:
        place = os.path.relpath(work / entries.FOLDER)
        typer.echo(f"Yours are in {place}, with the code; delete what you want to forget.")
    known = {goal.challenge for goal in goals}
    for one in yours:
        if one.challenge not in known:
            typer.echo(f"{one.file} is for {one.challenge}, no challenge of this course")
    for told in damaged:
        typer.echo(told)


def _how_to_enter(number: str) -> str:
    if os.environ.get("LESSON5_WORK_DIR") == "":
        return "nothing is kept while LESSON5_WORK_DIR is set to nothing, so unset it"
    return f"`lesson5 lab {number}`, write your function, run its check"


@data.command("list", epilog="Example: lesson5 data list")
def data_list() -> None:
    """Show each data set: what it is, whether it is here, and its licence."""
    from lesson5_utils import datasets

    for source in datasets.catalogue():
        typer.echo(f"{source.kind:8} {source.name:16} {source.where}")
        typer.echo(f"{'':9}{source.about}")
        typer.echo(f"{'':9}licence: {source.licence}")


@data.command("fetch", epilog="Example: lesson5 data fetch mnist")
def data_fetch(
    name: Annotated[str, typer.Argument(help="A name from `lesson5 data list`.")],
) -> None:
    """Download a data set (or check the copy that is here)."""
    from lesson5_utils import datasets

    datasets.fetch(name)
    where = next(source.where for source in datasets.catalogue() if source.name == name)
    typer.echo(f"{name}: {where}")


if __name__ == "__main__":
    main()

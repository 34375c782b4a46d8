"""The command `lesson5`: everything that `make` does with the notebooks, without make.

Imports stand inside the commands, so that `lesson5 --help` answers at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Annotated

import typer

from lesson5_utils.errors import ArgumentError, Lesson5Error, unknown

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Run the notebooks of the course, open them, and fetch their data.",
)
data = typer.Typer(no_args_is_help=True, help="List the data sets, or fetch one.")
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
        app()
    except Lesson5Error as error:
        sys.exit(f"lesson5: {error}")


@app.command()
def run(
    notebooks: Notebooks = None, ratings: Ratings = "sample", digits: Digits = "sample"
) -> None:
    """Execute notebooks in order and make their pages, build/html/index.html.

    What was executed before, and has not changed since, is not executed again.
    """
    from lesson5_utils import course

    whole = course.load()
    chosen = whole.choose(notebooks or ())
    for kind, name in (("ratings", ratings), ("digits", digits)):
        _at_hand(kind, name)
    try:
        course.run(whole, chosen, ratings, digits)
    finally:  # also when a cell failed: what ran before it is worth reading
        index = course.render(whole, whole.executed(ratings, digits))
    typer.echo(f"Open {os.path.relpath(index)} in a browser.")


def _at_hand(kind: str, name: str) -> None:
    """Refuse an unknown name, and download real data now, where the progress can be seen."""
    if name == "sample":
        return
    from lesson5_utils import datasets

    known = [source.name for source in datasets.catalogue() if source.kind == kind]
    if name not in known:
        raise ArgumentError(unknown(f"{kind} data set", name, known))
    datasets.fetch(name)


@app.command()
def notebooks(names: Notebooks = None) -> None:
    """Execute notebooks on the bundled data and save their outputs in place (for authors)."""
    from lesson5_utils import course

    os.environ.pop("LESSON5_DEVICE", None)  # saved outputs are the CPU's, which repeat
    whole = course.load()
    for lesson in whole.choose(names or ()):
        changed = course.save(course.execute(whole, lesson, "sample", "sample"), lesson.path)
        typer.echo(f"{lesson.name}: {'saved' if changed else 'unchanged'}")
    for file in whole.pictures:
        (whole.root / file).write_bytes(course.saved_picture(whole, file))


@app.command()
def lab(ratings: Ratings = "sample", digits: Digits = "sample") -> None:
    """Open the notebooks in JupyterLab: on this machine only, behind its usual token."""
    from lesson5_utils import course

    folder = course.load().notebooks
    environment = {**os.environ, "LESSON5_RATINGS": ratings, "LESSON5_DIGITS": digits}
    command = [sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1"]
    raise typer.Exit(subprocess.call(command, cwd=folder, env=environment))


@data.command("list")
def data_list() -> None:
    """Show each data set: what it is, whether it is here, and its licence."""
    from lesson5_utils import datasets

    for source in datasets.catalogue():
        typer.echo(f"{source.kind:8} {source.name:16} {source.where:13} {source.about}")
        typer.echo(f"{'':39}licence: {source.licence}")


@data.command("fetch")
def data_fetch(name: str) -> None:
    """Download a data set (or check the copy that is here)."""
    from lesson5_utils import datasets

    datasets.fetch(name)
    where = next(source.where for source in datasets.catalogue() if source.name == name)
    typer.echo(f"{name}: {where}")


if __name__ == "__main__":
    main()

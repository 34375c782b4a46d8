"""`figure`: one picture in the house style, with alt text and a caption."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from PIL import Image

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.labels import settle
from lesson5_utils.plotting.style import HOUSE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure", "make", "show", "show_caption"]

CSS = 96  # pixels of a page in an inch
DPI = 160  # of the picture itself, so that it is sharp on a dense screen
WIDEST = 8.8  # inches; a page shows this at its full size, and text as large as it says


@contextmanager
def figure(
    alt: str,
    caption: str | None = None,
    *,
    width: float | None = None,
    height: float | None = None,
    rows: int = 1,
    cols: int = 1,
    sharex: bool = False,
    sharey: bool = False,
) -> Iterator[Any]:
    """Make a figure in the house style; show it, with its caption, when the block ends.

    Args:
        alt: says what is drawn (axes, series, shape), for those who do not see it.
        caption: tells or asks what to look at; plain text, set below the figure.
        width, height: inches, at most 8.8 wide; without them 6.4 × 3.6 for one column of
            axes, 8.8 × 3 for several.
        rows, cols: of axes.
        sharex, sharey: the same scale for all axes, labelled once.

    Yields:
        The axes: one, or an array of them if there are several.

    Raises:
        ArgumentError: no alt text, or a size that cannot be drawn.
    """
    check_words(alt, caption)
    several = arguments.whole("cols", cols) > 1
    width = (WIDEST if several else 6.4) if width is None else width
    height = (3.0 if several else 3.6) if height is None else height
    with make(width, height, rows, cols, sharex=sharex, sharey=sharey) as (made, axes):
        yield axes
        grid = np.asarray(axes, dtype=object).reshape(rows, cols)
        for ax in grid[:, 1:].flat if sharey else ():
            ax.set_ylabel("")
        for ax in grid[:-1].flat if sharex else ():
            ax.set_xlabel("")
        settle(made)
        show(made, alt, caption)


@contextmanager
def make(
    width: float,
    height: float,
    rows: int = 1,
    cols: int = 1,
    *,
    sharex: bool = False,
    sharey: bool = False,
) -> Iterator[tuple[Figure, Any]]:
    """A figure and its axes in the house style, closed when the block ends."""
    size = (
        arguments.number("width", width, above=0, most=WIDEST),
        arguments.number("height", height, above=0, most=20),
    )
    rows, cols = arguments.whole("rows", rows), arguments.whole("cols", cols)
    with plt.rc_context(HOUSE):
        made = plt.figure(figsize=size, layout="constrained")
        axes = made.subplots(rows, cols, sharex=sharex, sharey=sharey)
        try:
            yield made, axes
        finally:
            plt.close(made)


def check_words(alt: str, caption: str | None) -> None:
    """Refuse a figure without alt text, or with an empty caption."""
    if not isinstance(alt, str) or not alt.strip():
        raise ArgumentError(
            f"alt must say what the figure draws, as in figure('Loss against step: a line "
            f"that falls.'), not {alt!r}"
        )
    if caption is not None and (not isinstance(caption, str) or not caption.strip()):
        raise ArgumentError(f"caption must be a sentence, or left out, not {caption!r}")


def show(made: Figure, alt: str, caption: str | None = None) -> None:
    """Display a figure as PNG with its alt text, and below it the caption."""
    width, height = (round(inches * CSS) for inches in made.get_size_inches())
    display(
        {"image/png": png(made, DPI, 256), "text/plain": "<figure>"},
        raw=True,
        metadata={"image/png": {"alt": alt, "width": width, "height": height}},
    )
    if caption is not None:
        show_caption(caption)


def show_caption(caption: str) -> None:
    """Display text as a caption: a line of its own in italics, where there is Markdown."""
    plain = " ".join(caption.split())
    # What Markdown, HTML or MathJax would take for something else than text.
    written = plain.replace("&", "&amp;").replace("<", "&lt;").replace("$", "&#36;")
    written = re.sub(r"([\\`*_\[\]~|])", r"\\\1", written)
    display({"text/markdown": f"*{written}*", "text/plain": plain}, raw=True)


def png(made: Figure, dpi: int, colours: int) -> bytes:
    """The figure as PNG in a palette of so many colours, which halves its size."""
    drawn, packed = io.BytesIO(), io.BytesIO()
    made.savefig(drawn, format="png", dpi=dpi)
    Image.open(drawn).convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(
        packed, format="png", optimize=True, dpi=(dpi, dpi)
    )
    return packed.getvalue()

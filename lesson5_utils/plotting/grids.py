"""Tables of numbers in colour, and pictures in rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.style import COLOURS, SMALL, ink

__all__ = ["counts", "cross_tab", "heatmaps", "images", "matrix"]

# White where nothing is wrong, and never so dark that it shouts.
_MISTAKES = LinearSegmentedColormap.from_list("mistakes", ["white", "#fdd0a2", "#f16913"])


def cross_tab(
    ax: Axes,
    values: np.ndarray,
    rows: Sequence[str] = (),
    cols: Sequence[str] = (),
    *,
    filled: np.ndarray | None = None,
    written: str = "all",
    own: int | None = None,
    limits: tuple[float | None, float | None] = (None, None),
) -> None:
    """A table as a heatmap; missing cells (NaN) are left blank, with a dot.

    Args:
        filled: bool, as large as the table: cells that a model has filled in. They have a
            frame, and one place after the point.
        written: which numbers are written: "all", "filled" or "none".
        own: a row with a frame round it.
        limits: the numbers with the darkest and the lightest colour, so that several tables
            share one scale; None: the smallest and the largest.

    Raises:
        ArgumentError: the names, or `filled`, do not fit the table, or another `written`.
    """
    values = np.asarray(values, dtype=float)
    _fits(values, rows, cols)
    made = np.zeros(values.shape, bool) if filled is None else np.asarray(filled, bool)
    if made.shape != values.shape:
        raise ArgumentError(
            f"filled must be as large as the table, {list(values.shape)}, "
            f"not {list(made.shape)}"
        )
    arguments.choice("written", written, ("all", "filled", "none"))
    text = np.where(made, _written(values, ".1f"), _written(values, ".0f"))
    text[(written == "none") | ~made & (written == "filled")] = ""
    _table(ax, values, text=text, cmap="viridis", vmin=limits[0], vmax=limits[1])
    for row, col in np.argwhere(np.isnan(values)):
        ax.text(col + 0.5, row + 0.5, "·", ha="center", va="center", color="grey")
    for row, col in np.argwhere(made):
        _frame(ax, (col + 0.05, row + 0.05), 0.9, 0.9, ec=COLOURS[1], lw=1.5)
    if own is not None:
        _frame(ax, (0, own), values.shape[1], 1, ec="black", lw=2, clip_on=False)
    _name_cells(ax, rows, cols)
    ax.set(xlabel="film", ylabel="user")
    for name in ax.get_xticklabels():
        name.set(rotation=60, ha="right", rotation_mode="anchor")


def _frame(
    ax: Axes, corner: tuple[float, float], wide: float, high: float, **style: Any
) -> None:
    ax.add_patch(mpl.patches.Rectangle(corner, wide, high, fc="none", **style))


def matrix(
    ax: Axes,
    values: np.ndarray,
    title: str = "",
    *,
    xlabel: str = "",
    ylabel: str = "",
    rows: Sequence[Any] = (),
    cols: Sequence[Any] = (),
    fmt: str = ".1f",
    limit: float | None = None,
    blocks: Sequence[int] = (),
    bar: bool = False,
) -> None:
    """A small matrix in colours, zero white in their middle; up to 60 numbers are written.

    Args:
        rows, cols: names of the rows and columns.
        fmt: how a number is written, such as ".0%".
        limit: the number with the darkest colour (None: the largest in size), so that
            several matrices can share one scale.
        blocks: rows and columns before which a line is drawn.
        bar: draw the colour scale beside the matrix.

    Raises:
        ArgumentError: names do not fit the matrix.
    """
    _fits(values, rows, cols)
    limit = limit or float(np.abs(values).max()) or 1.0
    text = _written(values, fmt) if np.size(values) <= 60 else None
    mesh = _table(ax, values, text=text, cmap="vlag", vmin=-limit, vmax=limit)
    _name_cells(ax, rows, cols)
    for place in blocks:
        ax.axhline(place, color="0.3", lw=1)
        ax.axvline(place, color="0.3", lw=1)
    if bar:
        ax.figure.colorbar(mesh, ax=ax, shrink=0.8, pad=0.02).outline.set_visible(False)
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel)


def counts(ax: Axes, table: np.ndarray, *, xlabel: str = "", ylabel: str = "") -> None:
    """A square table of counts; what is off the diagonal sets the colours, 0 is left out.

    Raises:
        ArgumentError: the table is not square, or holds something else than counts.
    """
    given = np.asarray(table, dtype=float)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or not given.size:
        raise ArgumentError(f"counts needs a square table [n, n], not {list(given.shape)}")
    if not (np.isfinite(given) & (given >= 0) & (given == given.round())).all():
        raise ArgumentError("counts needs whole numbers from 0, not shares or missing ones")
    table = given.astype(int)
    diagonal = np.eye(len(table), dtype=bool)
    off = np.where(diagonal, 0, table)
    text = np.where(table > 0, table.astype(str), "")
    _table(ax, off, text=text, cmap=_MISTAKES, vmin=0, vmax=max(int(off.max()), 1))
    for place in range(len(table)):
        ax.add_patch(mpl.patches.Rectangle((place, place), 1, 1, fc="0.92", ec="white"))
    names = [str(place) for place in range(len(table))]
    _name_cells(ax, names, names)
    ax.set(xlabel=xlabel, ylabel=ylabel)


def images(
    axes: Any, pictures: np.ndarray, titles: Sequence[Any] = (), signed: bool = False
) -> None:
    """One picture per axis, from `pictures` [n, height, width]; spare axes stay empty.

    A thin frame shows where a picture is, also one in which all is 0.

    Args:
        axes: one axis, or an array of them.
        signed: zero is white, negative and positive numbers have different colours.

    Raises:
        ArgumentError: `pictures` has another form, or there are fewer axes than pictures,
            or fewer pictures than titles.
    """
    each = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    pictures = np.asarray(pictures)
    if pictures.ndim != 3:
        raise ArgumentError(
            f"pictures must have the shape [n, height, width], not {list(pictures.shape)}"
        )
    if not len(titles) <= len(pictures) <= len(each):
        raise ArgumentError(
            f"{len(pictures)} pictures do not fit {len(each)} axes and {len(titles)} titles"
        )
    limit = float(np.abs(pictures).max(initial=0)) or 1.0
    colours = {"cmap": "vlag", "vmin": -limit, "vmax": limit} if signed else {"cmap": "gray_r"}
    for ax in each[len(pictures) :]:
        ax.set_axis_off()
    for ax, picture in zip(each, pictures, strict=False):
        ax.imshow(picture, **colours)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="0.8", linewidth=0.8)
    for ax, title in zip(each, titles, strict=False):
        ax.set_title(title, fontsize=SMALL)


def heatmaps(
    axes: Any, pictures: np.ndarray, heat: np.ndarray, titles: Sequence[Any] = ()
) -> None:
    """`images` with a map, from `heat` [n, rows, cols], laid over each, in its own grain; a
    line runs round the cells with at least half of its highest value. A map without anything
    above 0 is left out.

    Raises:
        ArgumentError: there is not one map for each picture, and as for `images`.
    """
    if len(heat) != len(pictures):
        raise ArgumentError(f"{len(pictures)} pictures need as many maps, not {len(heat)}")
    images(axes, pictures, titles)
    height, width = np.shape(pictures)[1:]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    each = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    for ax, one in zip(each, np.asarray(heat), strict=False):
        if one.max() > 0:
            ax.imshow(one, cmap="Oranges", alpha=0.6, extent=extent, interpolation="nearest")
            edges = _outline(one >= one.max() / 2)
            size = np.array([width / one.shape[1], height / one.shape[0]])
            ax.add_collection(
                LineCollection(edges * size - 0.5, colors=[COLOURS[0]], linewidths=1.6)
            )


def _outline(inside: np.ndarray) -> np.ndarray:
    """The edges [n, 2 ends, (x, y)] between cells of which one is inside, the other not; the
    rim of the table has none."""
    across = np.argwhere(inside[1:] != inside[:-1])[:, ::-1]  # (col, row) above the edge
    upright = np.argwhere(inside[:, 1:] != inside[:, :-1])[:, ::-1]
    flat = [[(col, row + 1), (col + 1, row + 1)] for col, row in across]
    steep = [[(col + 1, row), (col + 1, row + 1)] for col, row in upright]
    return np.array(flat + steep, dtype=float).reshape(-1, 2, 2)


def _written(values: np.ndarray, fmt: str) -> np.ndarray:
    """Each number as text, without a minus before a 0."""
    texts = [format(float(value), fmt) for value in np.ravel(values)]
    zeros = {format(-0.0, fmt): format(0.0, fmt)}
    return np.array([zeros.get(text, text) for text in texts]).reshape(np.shape(values))


def _table(ax: Axes, values: np.ndarray, text: np.ndarray | None, **colours: Any) -> Any:
    """seaborn's heatmap, with every number in the ink that is easier to read on its cell."""
    sns.heatmap(
        values,
        ax=ax,
        annot=text if text is not None else False,
        fmt="",
        cbar=False,
        linewidths=0.6 if np.size(values) <= 400 else 0,
        xticklabels=False,
        yticklabels=False,
        annot_kws={"size": SMALL},
        **colours,
    )
    mesh: Any = ax.collections[0]
    mesh.update_scalarmappable()
    papers = mesh.get_facecolors().reshape(*np.shape(values), 4)
    for one in ax.texts:
        col, row = (int(place) for place in one.get_position())
        one.set_color(ink(papers[row, col, :3]))
    return mesh


def _name_cells(ax: Axes, rows: Sequence[Any], cols: Sequence[Any]) -> None:
    ax.set_xticks(np.arange(len(cols)) + 0.5, [str(name) for name in cols], rotation=0)
    ax.set_yticks(np.arange(len(rows)) + 0.5, [str(name) for name in rows], rotation=0)
    ax.tick_params(length=0)


def _fits(values: np.ndarray, rows: Sequence[Any], cols: Sequence[Any]) -> None:
    """Refuse names that are neither left out nor one for each row and column."""
    if np.ndim(values) != 2:
        raise ArgumentError(f"a table has rows and columns, not {np.ndim(values)} dimensions")
    for what, names, size in zip(
        ("row", "column"), (rows, cols), np.shape(values), strict=True
    ):
        if len(names) not in (0, size):
            raise ArgumentError(f"{size} {what}s need as many names, not {len(names)}")

"""One function per picture. Each takes plain arrays and an axis, draws, and trains nothing.

`figure` shows a picture with its caption, which is also the alt text. Line style or marker
always varies with colour, so no picture needs colour to be read.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from IPython.display import display
from matplotlib.axes import Axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "cross_tab",
    "curves",
    "figure",
    "joint",
    "labelled_points",
    "matched_maps",
    "matrix",
    "range_test",
    "scatter",
    "spread",
]

COLOURS = sns.color_palette("colorblind")
LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 3))]
MARKERS = ["o", "s", "^", "D", "v", "P"]
DPI = 96

Values = Sequence[float] | np.ndarray


@contextmanager
def figure(
    alt: str, *, width: float = 6.4, height: float = 3.6, rows: int = 1, cols: int = 1
) -> Iterator[Any]:
    """Make a figure, show it when the block ends, and print `alt` as its caption.

    Args:
        alt: one sentence that says what the picture shows; also its alt text.
        width, height: inches.
        rows, cols: of axes.

    Yields:
        The axes: one, or an array of them if there are several.
    """
    made, axes = plt.subplots(rows, cols, figsize=(width, height), layout="constrained")
    try:
        yield axes
        show(made, alt)
    finally:
        plt.close(made)


def show(made: Figure, alt: str) -> None:
    """Display a figure as PNG with `alt` as alt text, and print `alt` below it."""
    png = io.BytesIO()
    made.savefig(png, format="png", dpi=DPI, bbox_inches="tight")
    display(
        {"image/png": png.getvalue(), "text/plain": "<figure>"},
        raw=True,
        metadata={"image/png": {"alt": alt}},
    )
    print(f"Figure: {alt}")


def cross_tab(ax: Axes, values: np.ndarray, rows: Sequence[str], cols: Sequence[str]) -> None:
    """A table as a heatmap; missing cells (NaN) are left blank, with a dot."""
    sns.heatmap(
        values,
        ax=ax,
        annot=True,
        fmt=".0f",
        cmap="viridis",
        cbar=False,
        linewidths=0.5,
        xticklabels=list(cols),
        yticklabels=list(rows),
        annot_kws={"size": 8},
    )
    for row, col in np.argwhere(np.isnan(values)):
        ax.text(col + 0.5, row + 0.5, "·", ha="center", va="center", color="grey")
    ax.set(xlabel="film", ylabel="user")
    ax.tick_params(labelsize=8, rotation=0)
    plt.setp(ax.get_xticklabels(), rotation=60, ha="right", rotation_mode="anchor")


def matrix(ax: Axes, values: np.ndarray, title: str = "") -> None:
    """A small matrix with its numbers, zero in the middle of the colour scale."""
    limit = float(np.abs(values).max()) or 1.0
    sns.heatmap(
        values,
        ax=ax,
        annot=values.size <= 60,
        fmt=".1f",
        cmap="vlag",
        vmin=-limit,
        vmax=limit,
        cbar=False,
        linewidths=0.5,
        xticklabels=False,
        yticklabels=False,
    )
    ax.set_title(title, fontsize=10)


def curves(
    ax: Axes,
    x: Values | None,
    lines: Mapping[str, Values],
    *,
    xlabel: str = "",
    ylabel: str = "",
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = False,
) -> None:
    """Lines over a common x (None: 1, 2, 3 …), each with its own colour and style."""
    styles = zip(cycle(COLOURS), cycle(LINES), cycle(MARKERS), strict=False)
    for (label, y), (colour, line, marker) in zip(lines.items(), styles, strict=False):
        places = range(1, len(y) + 1) if x is None else x
        ax.plot(
            places, y, color=colour, ls=line, marker=marker if markers else None, label=label
        )
    if log_x:
        ax.set_xscale("log")
    if log_x and markers and x is not None:  # few points: name each
        ax.set_xticks(list(x), [f"{value:g}" for value in x])
        ax.minorticks_off()
    if log_y:
        ax.set_yscale("log")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if len(lines) > 1:
        ax.legend(frameon=False)


def spread(
    ax: Axes, groups: Mapping[str, Values], *, xlabel: str = "", reference: float | None = None
) -> None:
    """One row per group: every value as a dot, the mean as a bar; an optional dashed line."""
    for row, values in enumerate(groups.values()):
        ax.plot(values, [row] * len(values), "o", color=COLOURS[0], alpha=0.6)
        ax.plot([np.mean(values)], [row], "|", color="black", ms=18, mew=2)
    if reference is not None:
        ax.axvline(reference, color="grey", ls="--", lw=1)
    ax.set_yticks(range(len(groups)), list(groups))
    ax.set_ylim(len(groups) - 0.5, -0.5)
    ax.set_xlabel(xlabel)


def scatter(
    ax: Axes,
    x: Values,
    y: Values,
    *,
    xlabel: str = "",
    ylabel: str = "",
    diagonal: bool = False,
) -> None:
    """Points; with `diagonal`, also the line where x equals y."""
    ax.plot(x, y, "o", color=COLOURS[0], ms=4, alpha=0.6)
    if diagonal:
        ends = [min(np.min(x), np.min(y)), max(np.max(x), np.max(y))]
        ax.plot(ends, ends, color="grey", ls="--", lw=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)


def labelled_points(
    ax: Axes, x: Values, y: Values, labels: Sequence[str], *, xlabel: str = "", ylabel: str = ""
) -> None:
    """Points with their names, moved apart until no two names overlap."""
    from adjustText import adjust_text

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    ax.plot(x, y, "o", color=COLOURS[0], ms=3)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(0.12)
    texts = [ax.text(a, b, name, fontsize=7) for a, b, name in zip(x, y, labels, strict=True)]
    arrow = {"arrowstyle": "-", "color": "grey", "lw": 0.5}
    adjust_text(texts, x=x, y=y, ax=ax, arrowprops=arrow, iter_lim=200)


def joint(predicted: Values, actual: Values, alt: str) -> None:
    """Predictions against actual ratings, with both distributions (seaborn's joint plot)."""
    grid = sns.JointGrid(x=np.asarray(actual), y=np.asarray(predicted), height=4.4)
    grid.plot_joint(sns.boxplot, color=COLOURS[0], fliersize=1, width=0.6, native_scale=True)
    grid.plot_marginals(sns.histplot, color=COLOURS[0], binwidth=0.25)
    grid.set_axis_labels("actual rating", "predicted rating")
    try:
        show(grid.figure, alt)
    finally:
        plt.close(grid.figure)


def range_test(ax: Axes, lr: Values, loss: Values, suggestions: Mapping[str, float]) -> None:
    """The loss while the learning rate grows, with each suggestion marked."""
    ax.plot(lr, loss, color=COLOURS[0])
    marks = zip(suggestions.items(), cycle(MARKERS), COLOURS[1:], strict=False)
    for (name, rate), marker, colour in marks:
        height = np.interp(np.log(rate), np.log(lr), loss)
        ax.plot(
            [rate], [height], marker, color=colour, ms=9, ls="", label=f"{name}: {rate:.0e}"
        )
    ax.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss")
    ax.legend(frameon=False)


def matched_maps(ax: Axes, true: np.ndarray, found: np.ndarray, labels: Sequence[str]) -> None:
    """Places [n, 2] as dots with names, and where a model put them as crosses."""
    for start, end in zip(true, found, strict=True):
        ax.plot(*np.stack([start, end]).T, color="grey", lw=0.8)
    ax.plot(*true.T, "o", color=COLOURS[0], ms=5, label="true place")
    ax.plot(*found.T, "x", color=COLOURS[1], ms=6, mew=1.5, label="learned place")
    for (x, y), name in zip(true, labels, strict=True):
        ax.annotate(name, (x, y), (6, 5), textcoords="offset points", fontsize=8)
    ax.set_aspect("equal")
    ax.set(xlabel="thousand km east", ylabel="thousand km north")
    ax.legend(frameon=False, loc="lower left")

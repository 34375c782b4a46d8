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
    "bands",
    "counts",
    "cross_tab",
    "curves",
    "figure",
    "fitted",
    "heatmaps",
    "histograms",
    "images",
    "joint",
    "labelled_points",
    "matched_maps",
    "matrix",
    "paths",
    "range_test",
    "reliability",
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


def bands(
    ax: Axes,
    x: Values,
    groups: Mapping[str, np.ndarray],
    *,
    xlabel: str = "",
    ylabel: str = "",
    log_x: bool = False,
) -> None:
    """The mean of several runs over x as a line with markers, and lowest to highest as a band.

    Each group is an array [runs, len(x)].
    """
    means = {label: np.mean(runs, axis=0) for label, runs in groups.items()}
    curves(ax, x, means, xlabel=xlabel, ylabel=ylabel, log_x=log_x, markers=True)
    for runs, colour in zip(groups.values(), cycle(COLOURS), strict=False):
        low, high = np.min(runs, axis=0), np.max(runs, axis=0)
        ax.fill_between(x, low, high, color=colour, alpha=0.15, lw=0)


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


def images(
    axes: np.ndarray, pictures: np.ndarray, titles: Sequence[str] = (), signed: bool = False
) -> None:
    """One picture per axis, from `pictures` [n, height, width]; spare axes stay empty.

    `signed`: zero is white, negative and positive numbers have different colours.
    """
    limit = float(np.abs(pictures).max()) or 1.0
    colours = {"cmap": "vlag", "vmin": -limit, "vmax": limit} if signed else {"cmap": "gray_r"}
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, picture in zip(axes.flat, pictures, strict=False):
        ax.imshow(picture, **colours)
    for ax, title in zip(axes.flat, titles, strict=False):
        ax.set_title(title, fontsize=9)


def heatmaps(
    axes: np.ndarray, pictures: np.ndarray, heat: np.ndarray, titles: Sequence[str] = ()
) -> None:
    """`images` with a map, from `heat` [n, rows, cols], laid over each; a line runs where the
    map has half of its highest value. A map without anything above 0 is left out."""
    images(axes, pictures, titles)
    height, width = pictures.shape[1:]
    for ax, one in zip(axes.flat, heat, strict=False):
        half = float(one.max()) / 2
        if half <= 0:
            continue
        extent = (-0.5, width - 0.5, height - 0.5, -0.5)
        ax.imshow(one, cmap="Oranges", alpha=0.6, extent=extent, interpolation="bilinear")
        if one.min() < half:
            y, x = (
                (np.arange(n) + 0.5) * side / n - 0.5
                for n, side in zip(one.shape, (height, width), strict=True)
            )
            ax.contour(x, y, one, levels=[half], colors=[COLOURS[0]], linewidths=1.2)


def counts(ax: Axes, table: np.ndarray, *, xlabel: str = "", ylabel: str = "") -> None:
    """A square table of counts; what is off the diagonal sets the colours, 0 is left out."""
    off = np.where(np.eye(len(table), dtype=bool), 0, table)
    text = np.where(table > 0, table.astype(str), "")
    sns.heatmap(off, ax=ax, annot=text, fmt="", cmap="rocket_r", cbar=False, linewidths=0.5)
    ax.tick_params(rotation=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)


def reliability(ax: Axes, groups: Mapping[str, tuple[Values, Values]]) -> None:
    """The share of right answers over the confidence of each bin; calibrated is the diagonal.

    Each group is (mean confidence, share right), both [bins].
    """
    ax.plot([0, 1], [0, 1], color="grey", ls="--", lw=1)
    styles = zip(COLOURS, LINES, MARKERS, strict=False)
    for (label, (x, y)), (colour, line, marker) in zip(groups.items(), styles, strict=False):
        ax.plot(x, y, color=colour, ls=line, marker=marker, label=label)
    ax.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    ax.legend(frameon=False)


def histograms(
    ax: Axes, groups: Mapping[str, Values], bins: Values, *, xlabel: str = ""
) -> None:
    """The share of each group's values in each bin, as outlines."""
    styles = zip(cycle(COLOURS), cycle(LINES), strict=False)
    for (label, values), (colour, line) in zip(groups.items(), styles, strict=False):
        share, edges = np.histogram(values, bins)
        ax.stairs(share / max(len(values), 1), edges, color=colour, ls=line, label=label)
    ax.set(xlabel=xlabel, ylabel="share")
    ax.legend(frameon=False)


def paths(
    ax: Axes,
    x: Values,
    y: Values,
    height: np.ndarray,
    lines: Mapping[str, np.ndarray],
    *,
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """Ways [n, 2] over a landscape, `height` [len(y), len(x)], shown as contours of its log.

    A star marks the lowest point of the landscape.
    """
    ax.contour(x, y, np.log10(height), levels=12, colors="grey", linewidths=0.5)
    row, col = (int(place) for place in np.unravel_index(np.argmin(height), height.shape))
    ax.plot([x[col]], [y[row]], "*", color="black", ms=12, zorder=3)
    styles = zip(COLOURS, cycle(LINES), cycle(MARKERS), strict=False)
    for (label, way), (colour, line, marker) in zip(lines.items(), styles, strict=False):
        ax.plot(*way.T, color=colour, ls=line, marker=marker, ms=3, lw=1, label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.legend(frameon=False)


def fitted(
    ax: Axes,
    points: tuple[Values, Values],
    x: Values,
    lines: Mapping[str, Values],
    *,
    title: str = "",
    ylim: tuple[float, float] | None = None,
) -> None:
    """Points (x, y) and the curves that a model draws through them; `ylim` cuts them off."""
    ax.plot(*points, "o", color="black", ms=4, alpha=0.7, label="points")
    curves(ax, x, lines, xlabel="x", ylabel="y")
    ax.set_title(title, fontsize=10)
    ax.set_ylim(ylim)
    ax.legend(frameon=False, fontsize=8)

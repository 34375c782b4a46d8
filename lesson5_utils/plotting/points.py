"""Points: seeds in rows, one number against another, names on a plane or a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.labels import label_axis
from lesson5_utils.plotting.names import name_points
from lesson5_utils.plotting.style import COLOURS, MEANING, Values, looks, meaning, same_length

__all__ = ["joint", "labelled_points", "matched_maps", "scatter", "spread"]


def spread(
    ax: Axes,
    groups: Mapping[str, Values],
    *,
    xlabel: str = "",
    reference: float | None = None,
    named: bool = True,
    zoom: bool | None = None,
) -> None:
    """One row per group: every value as a dot, the mean as a bar; an optional dashed line.

    Equal values stand one above another, so that each can be counted.

    Args:
        named: write the names of the rows; False where the axes beside these do.
        zoom: True: the x-axis is cut, and its label says so; False: zero is in sight.
    """
    for row, (label, values) in enumerate(groups.items()):
        if len(values) == 0:
            raise ArgumentError(f"spread: the group {label!r} has no values; leave it out")
        ax.axhline(row, color="0.92", lw=1, zorder=0)
        ax.plot(values, _stacked(values, row), "o", color=_row_colour(label), alpha=0.65)
        if len(values) > 1:
            ax.plot([np.mean(values)], [row], "|", color="black", ms=17, mew=2)
    if reference is not None:
        ax.axvline(reference, color="0.45", ls=(0, (4, 2)), lw=1)
    ax.set_yticks(range(len(groups)), list(groups) if named else [""] * len(groups))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_ylim(len(groups) - 0.5, -0.5)
    label_axis(ax, "x", xlabel, zoom)


def _row_colour(label: str) -> tuple[float, float, float]:
    """The colour of the row's name, or of its part before a comma, if that means something."""
    name = label if label in MEANING else label.split(",")[0]
    return looks([name])[name].colour if meaning(name) else COLOURS[0]


def _stacked(values: Values, row: int) -> list[float]:
    """The height of each dot: that of its row; equal values are moved apart, within the row."""
    rounded = np.round(np.asarray(values, dtype=float), 6).tolist()
    heights = []
    for at, value in enumerate(rounded):
        equal = rounded.count(value)
        place = rounded[:at].count(value) - (equal - 1) / 2
        heights.append(row + min(0.16, 0.8 / equal) * place)
    return heights


def scatter(
    ax: Axes,
    x: Values,
    y: Values,
    *,
    xlabel: str = "",
    ylabel: str = "",
    diagonal: bool = False,
) -> None:
    """Points; with `diagonal`, also the line where x equals y.

    Raises:
        ArgumentError: x and y have different lengths.
    """
    same_length(x=x, y=y)
    ax.plot(x, y, "o", color=COLOURS[0], ms=4, alpha=0.6)
    if diagonal:
        ends = [min(np.min(x), np.min(y)), max(np.max(x), np.max(y))]
        ax.plot(ends, ends, color="0.45", ls="--", lw=1)
    ax.set(xlabel=xlabel, ylabel=ylabel)


def labelled_points(
    ax: Axes, x: Values, y: Values, labels: Sequence[str], *, xlabel: str = "", ylabel: str = ""
) -> None:
    """Points with their names, moved until no name lies on another or on a point.

    Raises:
        ArgumentError: there is not one name for each point.
    """
    same_length(x=x, y=y, labels=labels)
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    ax.plot(x, y, "o", color=COLOURS[0], ms=4)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(0.12)
    name_points(ax, np.stack([x, y], axis=1), labels)


def joint(ax: Axes, predicted: Values, actual: Values) -> None:
    """Predictions [n] against actual ratings [n]: a box for each rating, and how many of
    each there are, above and beside it. A box is the middle half, its line the median; on
    the dashed line both are equal.

    Raises:
        ArgumentError: there is not one prediction for each rating.
    """
    same_length(predicted=predicted, actual=actual)
    predicted, actual = np.asarray(predicted, dtype=float), np.asarray(actual, dtype=float)
    stars, many = np.unique(actual, return_counts=True)
    wide = 0.6 * float(np.diff(stars).min(initial=1))
    soft = (*COLOURS[0], 0.45)
    ax.boxplot(
        [predicted[actual == star] for star in stars],
        positions=stars,
        widths=wide,
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": soft, "edgecolor": COLOURS[0]},
        medianprops={"color": "black", "lw": 2},
        flierprops={"marker": ".", "ms": 3, "mec": "0.5"},
    )
    ax.plot(stars[[0, -1]], stars[[0, -1]], color="0.45", ls="--", lw=1, zorder=3)
    ax.set(xlabel="actual rating", ylabel="predicted rating", xticks=stars)
    above = ax.inset_axes((0, 1.04, 1, 0.22), sharex=ax)
    above.bar(stars, many, width=wide, color=soft)
    beside = ax.inset_axes((1.04, 0, 0.22, 1), sharey=ax)
    bins = np.arange(np.floor(predicted.min() * 4) / 4, predicted.max() + 0.25, 0.25)
    beside.hist(predicted, bins.tolist(), orientation="horizontal", color=soft)
    above.tick_params(labelbottom=False)
    beside.tick_params(labelleft=False)
    above.set_ylabel("ratings")
    beside.set_xlabel("ratings")


def matched_maps(
    ax: Axes,
    true: np.ndarray,
    found: np.ndarray,
    labels: Sequence[str],
    outline: np.ndarray | None = None,
) -> None:
    """Places [n, 2] as dots with names, and where a model put them as crosses; behind them the
    country's outline [m, 2], if there is one.

    Raises:
        ArgumentError: the three have different lengths.
    """
    same_length(true=true, found=found, labels=labels)
    if outline is not None:
        ax.fill(*np.transpose(outline), facecolor="0.95", edgecolor="0.75", lw=1, zorder=0)
    for start, end in zip(true, found, strict=True):
        ax.plot(*np.stack([start, end]).T, color="0.5", lw=0.8)
    ax.plot(*np.transpose(true), "o", color=COLOURS[0], ms=5, label="true place")
    ax.plot(*np.transpose(found), "x", color=COLOURS[3], ms=6, mew=1.5, label="learned place")
    ax.set_aspect("equal")
    ax.set(xlabel="thousand km east", ylabel="thousand km north")
    ax.margins(0.08)
    ax.legend(loc="lower left")
    name_points(ax, np.asarray(true), labels, [np.asarray(found)])

"""Points: seeds in rows, one number against another, names on a plane or a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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


def joint(ax: Axes, predicted: Values, actual: Values, inside: tuple[float, float]) -> None:
    """Predictions [n] against actual ratings [n]: for each rating a row, and in it a hill that
    shows how often which prediction came, its mean, and a dashed line where all should be.

    Args:
        inside: the lowest and the highest rating that there can be; what lies outside is grey.

    Raises:
        ArgumentError: there is not one prediction for each rating.
    """
    same_length(predicted=predicted, actual=actual)
    predicted, actual = np.asarray(predicted, dtype=float), np.asarray(actual, dtype=float)
    low = min(np.floor(predicted.min()), inside[0])
    high = max(np.ceil(predicted.max()), inside[1])
    stars, many = np.unique(actual, return_counts=True)
    bins = np.arange(low, high + 0.1, 0.2)
    for row, star in enumerate(stars):
        mine = predicted[actual == star]
        hill, _ = np.histogram(mine, bins)
        top = 0.85 * hill / max(hill.max(), 1)
        ax.stairs(row + top, bins, baseline=row, fill=True, color=(*COLOURS[0], 0.45))
        ax.stairs(row + top, bins, baseline=row, color=COLOURS[0], lw=1)
        should: dict[str, Any] = {"color": "0.2", "ls": (0, (3, 2)), "lw": 1.4}
        ax.vlines(star, row, row + 0.85, label="where all should be", **should)
        ax.plot(mine.mean(), row, "^", color="black", ms=6, label="mean", clip_on=False)
    for end, limit in zip((low, high), inside, strict=True):
        ax.axvspan(end, limit, color="0.93", zorder=0)
    words = [f"{star:g} star" if star == 1 else f"{star:g} stars" for star in stars]
    names = [f"{word}\n{n:,} rows" for word, n in zip(words, many, strict=True)]
    ax.set_yticks(np.arange(len(stars)) + 0.4, names)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(low, high), ylim=(-0.15, len(stars)), xlabel="predicted rating")
    ax.set_ylabel("actual rating")
    ax.legend(handles=[*ax.collections[-1:], *ax.lines[-1:]], loc="upper left")


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

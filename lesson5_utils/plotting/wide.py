"""A fit with many weights: its curve, the weights below it, and how much of each is in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lesson5_utils.plotting.lines import fitted
from lesson5_utils.plotting.style import MEANING, Values, same_length

__all__ = ["wide_fit"]

WEIGHTS = (-1000, 1000)  # what the bars can show
FEW = 60  # with more bars than this, only their outline
ALONE = 1.13  # where the bar of the constant stands, left of all places


def wide_fit(
    ax: Axes,
    points: tuple[Values, Values],
    x: Values,
    lines: Mapping[str, Values],
    weights: Values,
    *,
    title: str = "",
    shares: Values | None = None,
    named: bool = False,
) -> None:
    """Points and curves; below, on the same x-axis, a bar for each weight at its place.

    The first weight is a constant and has no place: its bar is hollow and stands on the left.
    The others belong to places from -1 towards 1, evenly spaced. The bars have a logarithmic
    scale on both sides of 0, so that a weight of 100 and one of 0.2 can both be seen.

    Args:
        points: (x, y).
        x, lines: as for `curves`; the weights are drawn in the colour of "fit".
        weights: the constant, then the bends [n].
        shares: how much of each direction is kept, 0 to 1: a row of bars of its own, below.
        named: name the lines where they end.

    Raises:
        ArgumentError: the points' x and y have different lengths.
    """
    same_length(**{"points' x": points[0], "points' y": points[1]})
    first, rows = rows_below(ax, (1.0, 0.6) if shares is None else (1.0, 0.6, 0.3))
    fitted(ax, points, x, lines, title=title, ylim=(-3, 3), named=named)
    ax.set(xlim=(-ALONE - 0.06, 1.06), xlabel="", ylabel="y" if first else "")
    ax.set(xticks=[-1, 0, 1], yticks=[-2, 0, 2])
    ax.tick_params(labelbottom=False, labelleft=first)
    rows[0].sharex(ax)
    _bars(rows[0], np.asarray(weights, dtype=float))
    rows[0].set(xlabel="x", ylabel="weight" if first else "")
    rows[0].tick_params(labelleft=first)
    if shares is not None:
        kept = np.asarray(shares, dtype=float)
        rows[1].bar(np.arange(1, len(kept) + 1), kept, color="0.55", width=0.8)
        rows[1].set(xlim=(0.2, 20.8), ylim=(0, 1.25), yticks=[0, 1], xticks=[1, 10, 20])
        rows[1].set(xlabel="direction", ylabel="share" if first else "")
        rows[1].tick_params(labelleft=first)


def rows_below(ax: Axes, heights: Sequence[float]) -> tuple[bool, list[Axes]]:
    """Whether `ax` is the first of its row, and new axes below it, in the room that it had."""
    figure, place = ax.get_figure(root=True), ax.get_subplotspec()
    assert figure and place
    first = place.is_first_col()
    grid = place.subgridspec(len(heights), 1, height_ratios=heights)
    ax.set_subplotspec(grid[0])
    return first, [figure.add_subplot(grid[row]) for row in range(1, len(heights))]


def _bars(ax: Axes, weights: np.ndarray) -> None:
    colour = MEANING["fit"].colour
    places = np.linspace(-1, 1, len(weights))[:-1]
    alone: Any = {"width": 0.07, "fc": "white", "ec": colour, "lw": 1.3}
    ax.bar([-ALONE], weights[:1], **alone)
    if len(weights) <= FEW:
        ax.bar(places, weights[1:], width=min(0.08, 1.2 / len(weights)), color=colour)
    else:
        ax.fill_between(places, 0, weights[1:], step="mid", color=colour, lw=0.5)
    ax.axhline(0, color="0.45", lw=0.8)
    ax.set_yscale("symlog", linthresh=0.1, linscale=0.5)
    ax.set(ylim=WEIGHTS)
    ticks = [-100, -1, 1, 100]  # 0 is the line itself
    ax.set_yticks(ticks, [f"{tick}".replace("-", "−") for tick in ticks])
    ax.minorticks_off()

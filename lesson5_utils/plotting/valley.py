"""The valley: a landscape of the loss, balls that roll on it, and each weight's own rate."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.labels import reference
from lesson5_utils.plotting.style import COLOURS, Values, dark, looks

__all__ = ["ditch", "rates_above", "valley"]


def valley(
    ax: Axes,
    x: Values,
    y: Values,
    height: np.ndarray,
    ways: Mapping[str, np.ndarray],
    *,
    goal: tuple[float, float],
    xlabel: str = "",
    ylabel: str = "",
    named: bool = True,
) -> None:
    """Balls on a landscape: the way [n, 2] of each as a line with dots, where it began as a
    ring, where it is now as a ball; darker is lower, and a star marks the goal.

    Args:
        height: [len(y), len(x)]; equal steps of its logarithm have equal steps of grey.
        ways: name → places; the names stand in a legend, unless there is only one.
        named: write the names; False where the axes beside these do.

    Raises:
        ArgumentError: the landscape has another shape.
    """
    if np.shape(height) != (len(y), len(x)):
        raise ArgumentError(
            f"height must have the shape (len(y), len(x)) = ({len(y)}, {len(x)}), "
            f"not {np.shape(height)}"
        )
    depth = np.log10(height)
    levels = np.linspace(depth.min(), depth.max(), 13)
    greys = [str(grey) for grey in np.linspace(0.55, 1.0, 12)]
    ax.contourf(x, y, depth, levels=levels, colors=greys)
    ax.contour(x, y, depth, levels=levels, colors="0.6", linewidths=0.5, linestyles="-")
    ax.plot(*([place] for place in goal), "*", mec="black", mfc="white", ms=14, zorder=5)
    for place, (label, look) in enumerate(looks(ways).items()):
        way = np.asarray(ways[label], dtype=float)
        thick = len(ways) - 1 - place  # one that lies on another is thinner: both are seen
        style: dict[str, Any] = {"color": look.colour, "marker": look.marker}
        ax.plot(*way.T, **style, ls=look.line, lw=1.2 + 0.6 * thick, ms=3, label=label)
        ax.plot(*way[-1:].T, **style, ms=9, mec="white", ls="", zorder=4)
        ax.plot(*way[:1].T, "o", mfc="white", mec="0.2", ms=6, zorder=3)
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    if named and len(ways) > 1:
        ax.legend(loc="upper right", frameon=True, framealpha=0.8, edgecolor="none")


def rates_above(
    ax: Axes,
    x: Values,
    lines: Mapping[str, Values],
    *,
    ends: tuple[float, float],
    ylim: tuple[float, float],
    limit: float,
    xlabel: str = "",
    ylabel: str = "",
) -> Axes:
    """A second picture above `ax`, in its upper third: positive numbers on a log axis, and a
    limit. What is drawn so far may be short of `ends`, the first and last x of all.

    Returns:
        its axes.
    """
    place = ax.get_subplotspec()
    if place is None or ax.figure is None:
        raise ArgumentError("the axes must be those of plotting.figure or plotting.moving")
    halves = place.subgridspec(2, 1, height_ratios=(1, 2))
    ax.set_subplotspec(halves[1])
    above: Axes = ax.figure.add_subplot(halves[0])
    x = np.asarray(x, dtype=float)
    for label, look in looks(lines).items():
        above.plot(x, lines[label], color=look.colour, ls=look.line)
        # named by hand: `name_lines` would lay out each frame of a moving picture four times
        end, colour = (x[-1], float(lines[label][-1])), dark(look.colour)
        above.annotate(
            label, end, (6, 0), textcoords="offset points", va="center", color=colour
        )
    above.set(xlim=ends, ylim=ylim, yscale="log", xlabel=xlabel, ylabel=ylabel)
    above.yaxis.set_minor_locator(NullLocator())
    reference(above, y=limit)
    return above


def ditch(ax: Axes, places: Values, *, title: str = "", wide: float = 2.5) -> None:
    """A cut across a ditch, a parabola with its bottom at 0, and a ball that begins at the
    ring and jumps from each of `places` to the next, as far as `wide`."""
    across = np.linspace(-wide, wide, 61)
    ax.plot(across, across**2, color="0.6", lw=1.2)
    at = np.asarray(places, dtype=float)
    for here, there in pairwise(at[np.abs(at) <= wide]):
        ax.annotate(
            "",
            (there, there**2),
            (here, here**2),
            arrowprops={"arrowstyle": "-|>", "color": "0.2", "lw": 1.2, "shrinkA": 3},
        )
    ax.plot(at[1:], at[1:] ** 2, "o", color=COLOURS[0], ms=6)
    ax.plot(at[:1], at[:1] ** 2, "o", mfc="white", mec="0.2", ms=7, zorder=3)
    ax.set(title=title, xlim=(-wide, wide), ylim=(-0.05 * wide**2, wide**2), yticks=[])
    ax.set_xlabel("distance from the bottom")

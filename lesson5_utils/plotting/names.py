"""Names beside points, each as near to its point as the others let it be.

adjustText, tried on five crowds of 26 names, left names on points in most settings, and moved
names far that had room nearby; this takes the nearest free spot around each point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text

from lesson5_utils.plotting.style import SMALL

__all__ = ["name_points"]

DISTANCES = [5, 9, 14, 20, 28, 38, 50, 65, 85, 110, 140]  # pixels from a point to its name
# Where the middle of a name lies, in halves of its size: beside, above, below, at a corner.
SIDES: list[tuple[float, float]] = [(1, 0), (-1, 0), (0, 1), (0, -1)]
SIDES += [(x, y) for x in (1, -1, 0.5, -0.5, 0.9, -0.9) for y in (1, -1)]
DOT = 5.0  # pixels round a point that stay free


def name_points(
    ax: Axes, places: np.ndarray, names: Sequence[str], others: Sequence[np.ndarray] = ()
) -> None:
    """Write names beside `places` [n, 2], on no other name, and on none of those or other
    places; a thin line leads from a name that is not close to its point."""
    made: Any = ax.figure
    texts = [
        ax.annotate(
            name,
            (x, y),
            (0, 0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=SMALL,
            arrowprops={"arrowstyle": "-", "color": "0.5", "lw": 0.7, "shrinkB": 3},
        )
        for (x, y), name in zip(places, names, strict=True)
    ]
    for text in texts:
        text.set_in_layout(False)  # or the axes would make room for where they stand now
    made.draw_without_rendering()  # only then is it known how large everything is
    dots = ax.transData.transform(np.concatenate([places, *others]))
    points = dots[: len(names)]
    halves = np.array([_half(text) for text in texts])
    room = np.array(ax.get_window_extent().get_points())
    crowded = np.argsort([np.sort(np.hypot(*(dots - at).T))[:4].sum() for at in points])
    taken = np.empty((0, 2, 2))  # boxes: lower left and upper right corner
    for at in crowded.tolist():
        offset, distance = _spot(points[at], halves[at], dots, taken, room)
        box = np.stack([points[at] + offset - halves[at], points[at] + offset + halves[at]])
        taken = np.concatenate([taken, box[None]])
        texts[at].set_position(tuple((offset * 72 / made.dpi).tolist()))
        arrow: Any = texts[at].arrow_patch
        arrow.set_visible(distance > 9)


def _half(text: Any) -> np.ndarray:
    """Half the width and height of a text, in pixels."""
    box = Text.get_window_extent(text)
    return np.array([box.width, box.height]) / 2 + 1


def _spot(
    point: np.ndarray, half: np.ndarray, dots: np.ndarray, taken: np.ndarray, room: np.ndarray
) -> tuple[np.ndarray, float]:
    """The offset of the nearest free place for a name, and its distance from the point; if
    there is none, one to which a line leads over other names, or the right of the point."""
    second = np.array([DISTANCES[0] + half[0], 0.0]), float(DISTANCES[0])
    found = False
    for distance in DISTANCES:
        for side in SIDES:
            way = np.trunc(side) / np.hypot(*np.trunc(side))
            offset = way * distance + side * half
            low, high = point + offset - half, point + offset + half
            inside = (low >= room[0]).all() and (high <= room[1]).all()
            on_dot = ((dots > low - DOT / 2) & (dots < high + DOT / 2)).all(axis=1).any()
            on_name = ((taken[:, 0] < high) & (taken[:, 1] > low)).all(axis=1).any()
            if not inside or on_dot or on_name:
                continue
            steps = (point + np.linspace(0, 1, 12)[:, None] * way * distance)[:, None]
            crossed = ((steps > taken[:, 0]) & (steps < taken[:, 1])).all(axis=2).any()
            if not crossed:
                return offset, distance
            second, found = second if found else (offset, distance), True
    return second

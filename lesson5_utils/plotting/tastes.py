"""`taste_map`: where states lie on a map that has nothing to do with geography."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.style import SMALL, ink, same_length

__all__ = ["taste_map"]

PALE = "0.93"


def taste_map(
    ax: Axes,
    places: np.ndarray,
    names: Sequence[str],
    planted: np.ndarray | None = None,
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    lines: bool = False,
    limit: float = 2.3,
) -> None:
    """Names as tiles at their places [n, 2].

    Args:
        planted: where each really lies, [n, 2]. A tile then looks like that place: the farther
            to the right, the redder, to the left, the bluer; round in the upper half, square
            in the lower one. None: all tiles are alike.
        lines: draw a line from each tile to where it really lies.
        limit: both axes run from −limit to limit.

    Raises:
        ArgumentError: not one name, or not one real place, for each place; lines to nowhere.
    """
    places = np.asarray(places, dtype=float)
    real = places if planted is None else np.asarray(planted, dtype=float)
    same_length(places=places, planted=real, names=names)
    limit = arguments.number("limit", limit, above=0)
    if planted is None and lines:
        raise ArgumentError("lines lead to where things really lie: give planted as well")
    for start, end in zip(places, real, strict=True) if lines else ():
        ax.plot(*np.stack([start, end]).T, color="0.55", lw=0.9, zorder=1)
    colours = mpl.colormaps["vlag"](0.5 + real[:, 0] / (2 * limit))
    for place, (x, y), name in zip(range(len(names)), places, names, strict=True):
        paper = PALE if planted is None else colours[place]
        shape = "round" if planted is None or real[place, 1] > 0 else "square"
        tile = {"boxstyle": f"{shape},pad=0.25", "fc": paper, "ec": "0.35", "lw": 0.7}
        style: Any = {"ha": "center", "va": "center", "fontsize": SMALL, "clip_on": True}
        ax.text(x, y, name, color=ink(paper), bbox=tile, **style)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", title=title)
    ax.set(xlabel=xlabel, ylabel=ylabel, xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="0.8")

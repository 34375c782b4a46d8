"""What a net sees in pictures: maps of them, patches that excite it, what it finds alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    SMALL,
    dark,
    same_length,
)

__all__ = ["kind_map", "picture_rows"]

_KINDS = [BLUE, ORANGE, GREEN, PINK, dark(GREY)]  # five of them, each also has its own sign
GAP = 1  # pixels of paper between two patches


def kind_map(ax: Axes, places: np.ndarray, kinds: Sequence[Any], title: str = "") -> None:
    """Things as points on a plane, each drawn as the sign of its kind.

    Args:
        places: [n, 2].
        kinds: one for each point, up to five different ones, such as digits. Each is written
            at its point, in a colour of its own.

    Raises:
        ArgumentError: there is not one kind for each point, or there are more than five.
    """
    places, kinds = np.asarray(places, dtype=float), list(map(str, kinds))
    same_length(places=places, kinds=kinds)
    names = sorted(set(kinds))
    if len(names) > len(_KINDS):
        raise ArgumentError(f"{len(names)} kinds cannot be told apart, {len(_KINDS)} can")
    which = np.array([names.index(kind) for kind in kinds])
    for number, name in enumerate(names):
        here = places[which == number]
        style: dict[str, Any] = {"marker": f"${name}$", "s": 26, "linewidths": 0.3}
        ax.scatter(*here.T, color=dark(_KINDS[number]), **style)
    ax.set(xticks=[], yticks=[], title=title)
    ax.spines[:].set(visible=True, color="0.8", linewidth=0.8)
    ax.set_box_aspect(1)


def picture_rows(
    ax: Axes,
    blocks: Mapping[str, np.ndarray],
    rows: Sequence[Any] = (),
    *,
    contrast: bool = False,
) -> None:
    """Small pictures in rows, in blocks that stand side by side with their names above.

    Args:
        blocks: name → grey values [rows, columns, height, width], equally many rows in each.
        rows: a name for each row.
        contrast: every picture has a grey scale of its own, from its lightest to its darkest.

    Raises:
        ArgumentError: the blocks do not fit beside each other, or the names the rows.
    """
    parts = [np.asarray(block, dtype=float) for block in blocks.values()]
    shapes = {part.shape[:1] + part.shape[2:] for part in parts}
    fit = len(shapes) == 1 and all(part.ndim == 4 for part in parts)
    if not fit or len(rows) not in (0, len(parts[0])):
        given = ", ".join(str(list(part.shape)) for part in parts) or "nothing"
        raise ArgumentError(
            "picture_rows needs blocks [rows, columns, height, width] with the same rows, "
            f"height and width, and a name for each row or none, not {given} and {len(rows)} "
            "names"
        )
    n, _, height, width = parts[0].shape
    tall, wide, between = height + GAP, width + GAP, 1.2 * width
    left = 0.0
    for name, part in zip(blocks, parts, strict=True):
        for row, col in np.ndindex(*part.shape[:2]):
            x, y = left + col * wide, row * tall
            low, high = (part[row, col].min(), part[row, col].max()) if contrast else (0, 1)
            extent = (x, x + width, y + height, y)
            norm = Normalize(low, max(high, low + 1e-6))
            ax.imshow(part[row, col], cmap="gray_r", extent=extent, norm=norm)
            ax.add_patch(Rectangle((x, y), width, height, fc="none", ec="0.75", lw=0.6))
        middle = left + (part.shape[1] * wide - GAP) / 2
        ax.text(middle, -0.25 * height, name, ha="center", va="bottom", fontsize=10)
        left += part.shape[1] * wide + between
    for row, said in enumerate(rows):
        y = row * tall + height / 2
        ax.text(-0.3 * width, y, str(said), ha="right", va="center", fontsize=SMALL)
    ax.set(xlim=(-0.5, left - between), ylim=(n * tall, -0.5), aspect="equal")
    ax.set_axis_off()

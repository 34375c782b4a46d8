"""Digits drawn with a pen: strokes turned into pictures like MNIST's, and some saved ones.

A stroke is a list of points (x, y) where the pen went without being lifted; x runs to the
right and y down, both from 0 to 28. Pixels are computed here and nowhere else: the drawing
pad sends its strokes to these functions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lesson5_utils.datasets import registry
from lesson5_utils.errors import ArgumentError

__all__ = ["Drawings", "as_digit", "centred", "draw_strokes", "load_drawings", "ways_of"]

SIZE, BOX = 28, 20  # of the picture, and of what MNIST's makers scaled each digit to
RADIUS = 1.5  # of the pen, in pixels, to where the ink is half as dark
EDGE = 1.3  # pixels over which the ink fades
LARGEST = 3.0  # times that a small drawing is enlarged; a dot stays a dot

Stroke = Sequence[Sequence[float]]


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Drawings:
    """A few drawings, in the form of the digits.

    Two of them are equal only if they are one object.

    Attributes:
        names: what each shows, such as "a seven with a bar".
        strokes: what the pen did, for a drawing pad.
        x: float32 [n, 784], grey values in [0, 1], centred and scaled as MNIST's are.
        y: int64 [n], the digit; −1 for what is none.
    """

    names: list[str]
    strokes: list[list[Stroke]]
    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"Drawings: {len(self)}, {int((self.y >= 0).sum())} of them digits"


def load_drawings() -> Drawings:
    """The saved drawings, made for this course: most digits, a few odd ones, and no digit."""
    path = registry.bundled() / "drawings.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    strokes = [one["strokes"] for one in saved]
    return Drawings(
        [one["name"] for one in saved],
        strokes,
        torch.stack([as_digit(one) for one in strokes]),
        torch.tensor([-1 if one["digit"] is None else one["digit"] for one in saved]),
    )


def draw_strokes(strokes: Sequence[Stroke]) -> Tensor:
    """A picture, float32 [784] in [0, 1], of strokes where they were drawn.

    The ink of a pixel depends on how far its middle is from the nearest point of the pen's way.

    Raises:
        ArgumentError: something that is no list of strokes.
    """
    return _ink(ways_of(strokes))


def as_digit(strokes: Sequence[Stroke]) -> Tensor:
    """A picture, float32 [784] in [0, 1], of strokes as MNIST's makers would have it: scaled
    to a box of 20 × 20, with the middle of the ink in the middle.

    The way of the pen is scaled, not its width, so small and large drawings come out alike.

    Raises:
        ArgumentError: something that is no list of strokes.
    """
    ways = ways_of(strokes)
    if not ways:
        return torch.zeros(SIZE * SIZE)
    every = np.concatenate(ways)
    low, high = every.min(axis=0), every.max(axis=0)
    scale = min((BOX - 2 * RADIUS - EDGE) / max(float((high - low).max()), 1e-6), LARGEST)
    middle = (low + high) / 2
    return _to_middle(_ink([(way - middle) * scale + SIZE / 2 for way in ways]))


def centred(pixels: Tensor) -> Tensor:
    """The same for a picture [784] without strokes; a digit of MNIST stays as it is."""
    picture = pixels.reshape(SIZE, SIZE)
    rows, cols = picture.nonzero(as_tuple=True)
    if not len(rows):
        return torch.zeros(SIZE * SIZE)
    part = picture[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    scale = min(BOX / max(part.shape), LARGEST)
    if scale != 1:
        size = [max(1, round(side * scale)) for side in part.shape]
        part = F.interpolate(part[None, None], size, mode="bilinear", antialias=True)[0, 0]
    height, width = part.shape
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    whole = torch.zeros(SIZE, SIZE)
    whole[top : top + height, left : left + width] = part.clamp(0, 1)
    return _to_middle(whole.ravel())


def _ink(ways: list[np.ndarray]) -> Tensor:
    """The picture [784] of the pen's ways, each [n, 2]."""
    if not ways:
        return torch.zeros(SIZE * SIZE)
    start = np.concatenate([way[:-1] if len(way) > 1 else way for way in ways])
    end = np.concatenate([way[1:] if len(way) > 1 else way for way in ways])
    y, x = np.mgrid[:SIZE, :SIZE].reshape(2, -1, 1) + 0.5  # each [784, 1]
    (from_x, from_y), (along_x, along_y) = start.T, (end - start).T  # each [pieces]
    length = np.maximum(along_x**2 + along_y**2, 1e-12)
    share = (((x - from_x) * along_x + (y - from_y) * along_y) / length).clip(0, 1)
    squared = (x - from_x - share * along_x) ** 2 + (y - from_y - share * along_y) ** 2
    distance = np.sqrt(squared.min(axis=1))
    ink = ((RADIUS - distance) / EDGE + 0.5).clip(0, 1)
    return torch.from_numpy(ink.astype(np.float32))


def _to_middle(pixels: Tensor) -> Tensor:
    """Moved by whole pixels until the middle of the ink lies from 14 to 15, where MNIST's
    lies, or until the ink meets the edge."""
    picture = pixels.reshape(SIZE, SIZE)
    inked = picture > 0
    for dim in (0, 1):
        weight = picture.sum(dim=1 - dim)
        if float(weight.sum()) == 0:
            continue
        middle = float((weight * (torch.arange(SIZE) + 0.5)).sum() / weight.sum())
        used = inked.any(dim=1 - dim).nonzero()
        least, most = -int(used.min()), SIZE - 1 - int(used.max())
        shift = min(max(SIZE // 2 - int(middle), least), most)
        picture = picture.roll(shift, dims=dim)
    return picture.ravel()


def ways_of(strokes: Any) -> list[np.ndarray]:
    """The points of each stroke, float64 [n, 2].

    Raises:
        ArgumentError: something that is no list of strokes.
    """
    if isinstance(strokes, str) or not isinstance(strokes, Sequence):
        raise ArgumentError("strokes is a list of strokes, each a list of points [x, y]")
    return [_points(stroke) for stroke in strokes]


def _points(stroke: Any) -> np.ndarray:
    try:
        points = np.asarray(stroke, dtype=float)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ArgumentError("a stroke is a list of one or more points [x, y]")
    if not np.isfinite(points).all():
        raise ArgumentError("a point of a stroke must have finite numbers")
    return points

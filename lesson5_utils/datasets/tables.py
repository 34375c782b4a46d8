"""Tables that are neither ratings nor pictures: Brazil's capitals, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from lesson5_utils.datasets import registry
from lesson5_utils.errors import ArgumentError, unknown

__all__ = ["Capitals", "load_capitals", "measured"]


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Capitals:
    """The capitals of Brazil's 26 states, and Brasília.

    Two of them are equal only if they are one object.

    Attributes:
        frame: DataFrame with state, capital, region, latitude, longitude (degrees).
        distance: float32 [27, 27], great-circle distances in thousands of kilometres.
        position: float32 [27, 2], kilometres (thousands) east and north of their middle.
        outline: float32 [n, 2], corners of a coarse outline of the country, to draw behind
            them; it says nothing about where a border runs.
    """

    frame: pd.DataFrame
    distance: Tensor
    position: Tensor
    outline: Tensor


def load_capitals() -> Capitals:
    """The 27 capitals with their distances. The Earth is taken as a sphere."""
    radius = 6.371  # thousand kilometres
    frame = pd.read_csv(registry.bundled() / "capitals.csv")
    places = _radians(frame)
    middle = places.mean(dim=0)
    corners = _radians(pd.read_csv(registry.bundled() / "outline.csv"))
    position, outline = (radius * _flat(part, middle) for part in (places, corners))
    latitude, longitude = places.T
    on_sphere = torch.stack(
        [
            latitude.cos() * longitude.cos(),
            latitude.cos() * longitude.sin(),
            latitude.sin(),
        ],
        dim=1,
    )
    chord = (on_sphere[:, None] - on_sphere[None]).norm(dim=2)
    distance = 2 * radius * torch.asin(chord / 2)
    return Capitals(frame, distance.float(), position.float(), outline.float())


def _radians(frame: pd.DataFrame) -> Tensor:
    """Latitude and longitude [n, 2]."""
    return torch.tensor(frame[["latitude", "longitude"]].to_numpy()).deg2rad()


def _flat(places: Tensor, middle: Tensor) -> Tensor:
    """East and north of a middle [n, 2], in radii of the Earth."""
    north, east = (places - middle).T
    return torch.stack([east * middle[0].cos(), north], dim=1)


def measured(name: str) -> pd.DataFrame:
    """A table that a script of `benchmarks/` measured and wrote beside itself.

    What takes longer than some seconds is measured once, by `python benchmarks/<script>.py`;
    a notebook reads the table and runs one arm again, to see that it agrees.

    Args:
        name: of the file, without `.csv`.

    Raises:
        ArgumentError: there is no table of that name.
    """
    folder = registry.bundled().parent / "benchmarks"
    known = sorted(path.stem for path in folder.glob("*.csv"))
    if name not in known:
        raise ArgumentError(unknown("measured table", name, known))
    return pd.read_csv(folder / f"{name}.csv")

"""Tables that are neither ratings nor pictures: the capitals of Brazil and their map."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from lesson5_utils.datasets import registry

__all__ = ["Capitals", "load_capitals"]


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Capitals:
    """The capitals of Brazil's 26 states, and Brasília.

    Two of them are equal only if they are one object.

    Attributes:
        frame: DataFrame with state, capital, region, latitude, longitude (degrees).
        distance: float32 [27, 27], great-circle distances in thousands of kilometres.
        position: float32 [27, 2], kilometres (thousands) east and north of their middle.
    """

    frame: pd.DataFrame
    distance: Tensor
    position: Tensor


def load_capitals() -> Capitals:
    """The 27 capitals with their distances. The Earth is taken as a sphere."""
    radius = 6.371  # thousand kilometres
    frame = pd.read_csv(registry.bundled() / "capitals.csv")
    latitude, longitude = torch.tensor(frame[["latitude", "longitude"]].to_numpy()).T.deg2rad()
    east = (longitude - longitude.mean()) * latitude.mean().cos()
    position = radius * torch.stack([east, latitude - latitude.mean()], dim=1)
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
    return Capitals(frame, distance.float(), position.float())

"""What a learning-rate range test saw, and three ways to choose a rate from it.

Source: Smith (2017), arXiv:1506.01186; "valley" follows fastai.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lesson5_utils.errors import TrainingDiverged

__all__ = ["RangeTest", "smooth", "suggestions"]


@dataclass
class RangeTest:
    """What `lr_find` saw: learning rates, smoothed losses, and three ways to choose.

    `suggestions` maps a way to a rate: "steepest" (the loss falls fastest), "minimum / 10"
    (a tenth of where it is lowest), "valley" (the middle of the longest way down).
    """

    lr: list[float]
    loss: list[float]
    suggestions: dict[str, float]

    def __repr__(self) -> str:
        """The suggestions, to two digits."""
        return ", ".join(f"{name}: {rate:.1e}" for name, rate in self.suggestions.items())


def smooth(values: Sequence[float], beta: float = 0.9) -> list[float]:
    """Exponentially weighted average of what came so far, corrected for its empty start."""
    average, smoothed = 0.0, []
    for count, value in enumerate(values, start=1):
        average = beta * average + (1 - beta) * value
        smoothed.append(average / (1 - beta**count))
    return smoothed


def suggestions(rates: Sequence[float], losses: Sequence[float]) -> dict[str, float]:
    """Three rates to try, from the rates of a test and its smoothed losses.

    Raises:
        TrainingDiverged: fewer than five batches before the loss exploded.
    """
    if len(rates) < 5:
        raise TrainingDiverged(
            "the loss exploded within five batches of the range test: lower start_lr"
        )
    skip = len(losses) // 10  # the first losses are noise: the average has nothing to go by
    lowest = skip + int(np.argmin(losses[skip:]))
    slopes = np.gradient(losses, np.log(rates))
    steepest = skip + int(np.argmin(slopes[skip : lowest + 1]))
    return {
        "steepest": rates[steepest],
        "minimum / 10": rates[lowest] / 10,
        "valley": rates[_valley(losses)],
    }


def _valley(losses: Sequence[float]) -> int:
    """The middle of the longest falling subsequence of losses."""
    length, came_from = [1] * len(losses), [-1] * len(losses)
    for i, value in enumerate(losses):
        for j in range(i):
            if losses[j] > value and length[j] + 1 > length[i]:
                length[i], came_from[i] = length[j] + 1, j
    path = [int(np.argmax(length))]
    while came_from[path[-1]] >= 0:
        path.append(came_from[path[-1]])
    return path[len(path) // 2]

"""What one row of scores says and costs: probabilities, two losses, and how they push.

Plain NumPy in float64; the tests compare it with autograd. `pushes` draws it, and so does the
widget `ScoreSliders`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.placing import written
from lesson5_utils.plotting.style import same_length

__all__ = ["LOSSES", "Forecast", "forecast", "signed", "tiny"]

LOSSES = ("cross-entropy", "MSE")  # MSE: of the softmax, the sum over the classes
LARGEST = 1e6  # of a score
MOST = 20  # classes


@dataclass(frozen=True, eq=False)
class Forecast:
    """Scores, and the class that is the true one. `forecast` checks and makes it.

    Attributes:
        scores: any numbers, float64 [n].
        truth: the place of the true class.
        names: of the classes.
    """

    scores: np.ndarray
    truth: int
    names: tuple[str, ...]

    @property
    def p(self) -> np.ndarray:
        """The softmax of the scores, [n]."""
        powers = np.exp(self.scores - self.scores.max())
        return np.asarray(powers / powers.sum())

    @property
    def y(self) -> np.ndarray:
        """1 for the true class, else 0, [n]."""
        return np.eye(len(self.scores))[self.truth]

    @property
    def true(self) -> str:
        """The name of the true class."""
        return self.names[self.truth]

    @property
    def largest(self) -> tuple[float, float]:
        """The size of the largest push of each loss."""
        first, second = (float(np.abs(push).max()) for push in self.pushes)
        return first, second

    @property
    def losses(self) -> tuple[float, float]:
        """Cross-entropy, −log p of the true class; and the MSE, Σ (p − y)²."""
        top = self.scores.max()
        log_sum = float(top + np.log(np.exp(self.scores - top).sum()))
        return log_sum - float(self.scores[self.truth]), float(((self.p - self.y) ** 2).sum())

    @property
    def pushes(self) -> tuple[np.ndarray, np.ndarray]:
        """−∂loss/∂score of each class, for both losses, [n] each: above 0 the score goes up.

        For cross-entropy it is −(p − y). The MSE's slope by p goes through the softmax, which
        multiplies it with p, and takes its mean under p away.
        """
        p, wrong_by = self.p, self.p - self.y
        slope = 2 * wrong_by
        return -wrong_by, -p * (slope - p @ slope)

    def rows(self) -> str:
        """Each class with its score and its probability: `cat 0.00 → 0.08, dog 2.00 → 0.56`."""
        both = zip(self.names, self.scores, self.p, strict=True)
        return ", ".join(f"{name} {written(z)} → {written(p)}" for name, z, p in both)

    def sentence(self) -> str:
        """Scores, probabilities and losses in words."""
        losses = zip(LOSSES, self.losses, strict=True)
        told = ", ".join(f"{name} {written(loss)}" for name, loss in losses)
        return f"Score → probability: {self.rows()}. The truth is {self.true}: {told}."

    def summary(self) -> str:
        """The truth, both losses and how hard they push, for those who do not see it."""
        told = [
            f"{name} {written(loss)}, largest push {tiny(largest)}"
            for name, loss, largest in zip(LOSSES, self.losses, self.largest, strict=True)
        ]
        return f"the truth is {self.true}, p {written(self.p[self.truth])}: {'; '.join(told)}"


def forecast(scores: Any, truth: Any, names: Sequence[str]) -> Forecast:
    """A forecast from a list, array or tensor of scores.

    Raises:
        ArgumentError: not a finite number for each name, names that are no text or not
            different, or a truth that is none of the classes.
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"names must be texts, one for each class, not {names!r}")
    values = as_scores(scores)
    names = tuple(names)
    same_length(scores=values, names=names)
    arguments.whole("the number of classes", len(names), least=2, most=MOST)
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise ArgumentError(f"each class needs a name of its own, not {', '.join(names)}")
    truth = arguments.whole("truth", truth, least=0, most=len(names) - 1)
    return Forecast(values, truth, names)


def as_scores(scores: Any) -> np.ndarray:
    """A copy as float64 [n], from numbers that are finite and not beyond ±1,000,000.

    Raises:
        ArgumentError: anything else.
    """
    try:
        found = np.asarray(scores.detach() if hasattr(scores, "detach") else scores)
    except ValueError:  # rows of different lengths
        found = np.empty(0, dtype=object)
    if found.ndim != 1 or found.dtype.kind not in "iuf":
        raise ArgumentError(f"scores must be a row of numbers, not {scores!r}")
    made = found.astype(np.float64)
    if not (np.abs(made) <= LARGEST).all():
        raise ArgumentError(
            f"scores must be finite and from −1,000,000 to 1,000,000, not {made.tolist()}"
        )
    return made


def signed(value: float) -> str:
    """A push with its sign, `+0.44` or `−0.21`; `0.00` where none is left."""
    text = written(value)
    return f"+{text}" if value > 0 and text.strip("0.,") else text


def tiny(size: float) -> str:
    """A size with two decimals, a small one with as many as it needs, down to 0.0001."""
    if size and size < 0.00005:
        return "under 0.0001"
    return written(size, 2 if size >= 0.0995 or not size else 3 if size >= 0.00995 else 4)

"""How a learning rate or a momentum changes during training: annealing curves, one-cycle.

A curve maps `(start, end, progress)` to a number, with progress from 0 to 1. `OneCycle` is
made of two cosine pieces, after Smith (2018), arXiv:1803.09820, in PyTorch's form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError

__all__ = ["PCT_START", "OneCycle", "cosine", "exponential", "linear", "one_cycle"]

PCT_START = 0.25  # fastai's share of the steps with a rising rate; torch's default is 0.3

Curve = Callable[[float, float, float], float]


def linear(start: float, end: float, progress: float) -> float:
    """A straight line: `start` at progress 0, `end` at progress 1."""
    return start + (end - start) * progress


def cosine(start: float, end: float, progress: float) -> float:
    """Half a cosine wave: flat at both ends, steepest in the middle."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * progress))


def exponential(start: float, end: float, progress: float) -> float:
    """The same factor at every step. Both ends must have the same sign and not be 0."""
    if not start * end > 0:
        raise ArgumentError(
            f"exponential({start}, {end}) cannot multiply its way across or to zero: "
            "give two numbers of the same sign"
        )
    return start * (end / start) ** progress


@dataclass(frozen=True)
class OneCycle:
    """Learning rate up then down, momentum down then up, each in two cosine pieces.

    The rate climbs from `max_lr / div_factor` to `max_lr` over the first `pct_start` of the
    steps, then falls to `max_lr / div_factor / final_div_factor`. `momentum` mirrors it.
    Names, defaults and values are those of `torch.optim.lr_scheduler.OneCycleLR` wherever
    torch has a value; where it has none (a warm-up shorter than one step, a single step),
    the missing piece is left out.

    Raises:
        ArgumentError: `max_lr` or `total_steps` not positive, `pct_start` outside [0, 1],
            a divisor not positive, a momentum outside [0, 1), or a step outside the schedule.
    """

    max_lr: float
    total_steps: int
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    base_momentum: float = 0.85
    max_momentum: float = 0.95

    def __post_init__(self) -> None:
        arguments.number("max_lr", self.max_lr, above=0)
        arguments.whole("total_steps", self.total_steps)
        arguments.number("pct_start", self.pct_start, least=0, most=1)
        for name in ("div_factor", "final_div_factor"):
            arguments.number(name, getattr(self, name), above=0)
        for name in ("base_momentum", "max_momentum"):
            arguments.number(name, getattr(self, name), least=0, below=1)

    def lr(self, step: int) -> float:
        """The learning rate at `step`, counted from 0."""
        start = self.max_lr / self.div_factor
        return self._piecewise(step, start, self.max_lr, start / self.final_div_factor)

    def momentum(self, step: int) -> float:
        """The momentum (or Adam's first beta) at `step`: low while the rate is high."""
        high, low = self.max_momentum, self.base_momentum
        return self._piecewise(step, high, low, high)

    def _piecewise(self, step: int, start: float, top: float, end: float) -> float:
        arguments.whole("step", step, least=0, most=self.total_steps - 1)
        last = self.total_steps - 1
        peak = self.pct_start * self.total_steps - 1  # torch's count; may fall between steps
        if peak <= 0:  # no room to warm up: start at the top
            return cosine(top, end, step / last) if last else top
        if step <= peak:
            return cosine(start, top, step / peak)
        return cosine(top, end, (step - peak) / (last - peak))


def one_cycle(step: int, steps: int) -> tuple[float, float]:
    """The plan of `training.fit`: share of the highest rate, and momentum, at `step`."""
    plan = _share_of_one(steps)
    return plan.lr(step), plan.momentum(step)


@lru_cache(maxsize=8)
def _share_of_one(steps: int) -> OneCycle:
    """Kept, since it is asked for at every step."""
    return OneCycle(1.0, steps, pct_start=PCT_START)

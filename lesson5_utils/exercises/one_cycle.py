"""Checks for notebook 06: the ramp, what to pick, the cosine, one cycle, a fair direction."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lesson5_utils.exercises import exercise, real_numbers

__all__ = ["cosine", "direction", "one_cycle", "pick", "ramp"]

# --- ramp --------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (1.0, 16.0, 2, 5),
        (2.0, 200.0, 1, 3),
        (1e-7, 10.0, 0, 100),
        (1e-7, 10.0, 37, 100),
        (1e-7, 10.0, 99, 100),
        (0.5, 0.03, 1, 2),
    ],
    why="Each step multiplies by the same factor, so every power of ten gets the same number "
    "of batches. That is fair, because nobody knows beforehand which power is the right one.",
)
def ramp(start: float, end: float, step: int, steps: int) -> float:
    return start * (end / start) ** (step / (steps - 1))


ramp.slip(
    "you add the same amount each time. Then nearly all batches go to the largest rates; "
    "multiply by the same factor instead.",
    lambda start, end, step, steps: start + (end - start) * step / (steps - 1),
)
ramp.slip(
    "the last step does not arrive at `end`. Steps count from 0, so the last one is number "
    "steps - 1.",
    lambda start, end, step, steps: start * (end / start) ** (step / steps),
)
ramp.slip(
    "you count from 1; the first step is number 0.",
    lambda start, end, step, steps: start * (end / start) ** ((step - 1) / (steps - 1)),
)
ramp.slip(
    "`start` is missing: this is only the factor by which the rate has grown.",
    lambda start, end, step, steps: (end / start) ** (step / (steps - 1)),
)
ramp.slip(
    "the power stands on `end` alone. What grows is the factor end / start.",
    lambda start, end, step, steps: start * end ** (step / (steps - 1)),
)
ramp.slip(
    "it is rounded, and the first rate is 0 then. Rates are small; give them as they are.",
    lambda start, end, step, steps: round(start * (end / start) ** (step / (steps - 1)), 2),
)
ramp.slip(
    "a rate below 1 was raised to 1. Nearly all rates of use are below 1.",
    lambda start, end, step, steps: ramp.reference(max(start, 1), end, step, steps),
)
ramp.slip(
    "that is the whole ramp; only its value at number `step` is asked for.",
    lambda start, end, step, steps: [
        ramp.reference(start, end, i, steps) for i in range(steps)
    ],
)

# --- pick --------------------------------------------------------------------------------

Pair = tuple[Tensor, Tensor]


@exercise(
    cases=lambda: [
        (torch.tensor([1.0, 10, 100, 1000, 10000]), torch.tensor([9.0, 8, 4, 3, 7])),
        (torch.tensor([1.0, 2, 4, 8, 16, 32]), torch.tensor([7.0, 7, 6, 5, 1, 9])),
        (torch.tensor([1.0, 2, 4, 8, 16, 32]), torch.tensor([10.0, 9, 4, 2, 0.5, 8])),
        (
            torch.logspace(-5, 0, 7),
            torch.tensor([2.31, 2.303, 2.27, 1.42, 0.713, 0.7129, torch.inf]),
        ),
        (torch.tensor([0.003, 0.02]), torch.tensor([0.71, 0.7])),
    ],
    why="Where the loss is lowest, the rate is already nearly too high: the loss stops falling "
    "there. So one takes less: a tenth of it, or the place where learning was fastest.",
)
def pick(lrs: Tensor, losses: Tensor) -> Pair:
    return lrs[losses.diff().argmin()], lrs[losses.argmin()] / 10


pick.slip(
    "you returned the lowest place itself. There the loss is about to rise: divide by 10.",
    lambda lrs, losses: (lrs[losses.diff().argmin()], lrs[losses.argmin()]),
)
pick.slip(
    "your first rate is where the loss *rises* fastest. Falling is a negative difference, so "
    "look for the smallest one.",
    lambda lrs, losses: (lrs[losses.diff().argmax()], lrs[losses.argmin()] / 10),
)
pick.slip(
    "you returned the two the other way round: the steepest comes first.",
    lambda lrs, losses: (lrs[losses.argmin()] / 10, lrs[losses.diff().argmin()]),
)
pick.slip(
    "you returned places in the list, not rates: put them into `lrs[...]`.",
    lambda lrs, losses: (losses.diff().argmin(), losses.argmin() / 10),
)
pick.slip(
    "you returned two places in the list. Put them into `lrs[...]`, and divide the second rate "
    "by 10.",
    lambda lrs, losses: (losses.diff().argmin(), losses.argmin()),
)
pick.slip(
    "you returned losses. `argmin()` gives the place of the smallest one; put that place into "
    "`lrs[...]`.",
    lambda lrs, losses: (losses.diff().min(), losses.min() / 10),
)
pick.slip(
    "you took the largest change, and a rise counts too then. Look for the most negative "
    "difference.",
    lambda lrs, losses: (lrs[losses.diff().abs().argmax()], lrs[losses.argmin()] / 10),
)
pick.slip(
    "the steepest fall has the right size, but you took the rate at its end. The difference "
    "number i lies between the rates i and i + 1: take the first.",
    lambda lrs, losses: (lrs[losses.diff().argmin() + 1], lrs[losses.argmin()] / 10),
)

# --- cosine ------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (2.0, 10.0, 0.0),
        (2.0, 10.0, 1.0),
        (2.0, 10.0, 0.5),
        (8.0, 0.0, 1 / 3),
        (4e-4, 0.01, 0.1),
        (0.95, 0.85, 0.73),
    ],
    why="It leaves its start slowly, is quickest in the middle and arrives slowly. So two "
    "pieces can be joined without a corner.",
)
def cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


cosine.slip(
    "you swapped the ends: at progress 0 the value must be `start`.",
    lambda start, end, progress: cosine.reference(end, start, progress),
)
cosine.slip(
    "the wave is not halved. 1 + cos runs from 2 to 0, so divide it by 2.",
    lambda start, end, progress: end + (start - end) * (1 + math.cos(math.pi * progress)),
)
cosine.slip(
    "π is missing: half a wave takes the cosine from 0 to π.",
    lambda start, end, progress: end + (start - end) * (1 + math.cos(progress)) / 2,
)
cosine.slip(
    "that is a whole wave, from 0 to 2π: at progress 1 it is back at the start.",
    lambda start, end, progress: cosine.reference(start, end, 2 * progress),
)
cosine.slip(
    "`end` is missing: add it, or the curve goes to 0.",
    lambda start, end, progress: cosine.reference(start, end, progress) - end,
)
cosine.slip(
    "that is a straight line: right at both ends and in the middle, wrong between.",
    lambda start, end, progress: start + (end - start) * progress,
)

# --- one_cycle ---------------------------------------------------------------------------

Ends = tuple[float, float, float]


def _joined(
    step: int,
    ends: Ends,
    peak: float,
    last: float,
    curve: Callable[[float, float, float], float] = cosine.reference,
) -> float:
    """Up to the peak, then down to the last step."""
    start, top, end = ends
    if step <= peak:
        return curve(start, top, step / peak)
    return curve(top, end, (step - peak) / (last - peak))


@exercise(
    cases=lambda: [
        (0, 8, (1.0, 9.0, 0.0), 0.5),
        (3, 8, (1.0, 9.0, 0.0), 0.5),
        (5, 8, (1.0, 9.0, 0.0), 0.5),
        (7, 8, (1.0, 9.0, 0.0), 0.5),
        (1, 20, (4.0, 100.0, 2.0), 0.25),
        (12, 20, (0.95, 0.85, 0.95), 0.25),
        (1, 10, (1.0, 9.0, 0.0), 0.25),
        (199, 315, (4e-4, 0.01, 4e-8), 0.3),
        (314, 315, (4e-4, 0.01, 4e-8), 0.3),
    ],
    why="With three rates as `ends` it is the learning rate, with (high, low, high) it is the "
    "momentum. The same few lines make both.",
)
def one_cycle(step: int, steps: int, ends: Ends, pct_start: float) -> float:
    return _joined(step, ends, pct_start * steps - 1, steps - 1)


@one_cycle.slip(
    "the way down starts at the beginning: its progress counts from the peak, (step - peak) / "
    "(last - peak)."
)
def _(step: int, steps: int, ends: Ends, pct_start: float) -> float:
    _, top, end = ends
    climbs = step <= pct_start * steps - 1
    return (
        one_cycle.reference(step, steps, ends, pct_start)
        if climbs
        else cosine.reference(top, end, step / (steps - 1))
    )


one_cycle.slip(
    "the peak is one step late. Steps count from 0, so `pct_start * steps` of them end at "
    "number pct_start * steps - 1.",
    lambda step, steps, ends, pct_start: _joined(step, ends, pct_start * steps, steps - 1),
)
one_cycle.slip(
    "the top is at the wrong place: it is at pct_start * steps - 1, not at a share of the last "
    "step's number.",
    lambda step, steps, ends, pct_start: _joined(
        step, ends, pct_start * (steps - 1), steps - 1
    ),
)
one_cycle.slip(
    "the way down does not arrive: the last step is number steps - 1.",
    lambda step, steps, ends, pct_start: _joined(step, ends, pct_start * steps - 1, steps),
)
one_cycle.slip(
    "the top may lie between two steps: do not round its place.",
    lambda step, steps, ends, pct_start: _joined(
        step, ends, int(pct_start * steps) - 1, steps - 1
    ),
)
one_cycle.slip(
    "you joined straight lines; use `cosine` for both pieces.",
    lambda step, steps, ends, pct_start: _joined(
        step, ends, pct_start * steps - 1, steps - 1, lambda a, b, t: a + (b - a) * t
    ),
)
one_cycle.slip(
    "it comes back to its start. The last value is the third of `ends`.",
    lambda step, steps, ends, pct_start: one_cycle.reference(
        step, steps, (*ends[:2], ends[0]), pct_start
    ),
)

# --- direction ---------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([[6.0, 8.0], [0.0, 1.0]]), torch.tensor([[3.0, -4.0], [0.0, 5.0]])),
        (real_numbers(2, 3), real_numbers(2, 3, seed=1) / 1000),
        (real_numbers(4, 3, seed=2) / 1000, real_numbers(4, 3, seed=3)),
        (torch.tensor([[0.0, 0.0], [0.3, -0.4]]), torch.tensor([[0.5, 2.0], [-1.5, 0.1]])),
        (torch.tensor([[-2.5]]), torch.tensor([[0.1]])),
    ],
    why="A neuron with weights twice as large now gets a push twice as large. So a net whose "
    "weights are merely larger does not look flatter.",
)
def direction(weight: Tensor, noise: Tensor) -> Tensor:
    return noise * weight.norm(dim=1, keepdim=True) / noise.norm(dim=1, keepdim=True)


direction.slip(
    "`keepdim=True` is missing: lengths of shape [neurons] stretch the columns, not the rows.",
    lambda weight, noise: noise * weight.norm(dim=1) / noise.norm(dim=1),
)
direction.slip(
    "you scaled the whole matrix at once. Each neuron, which is a row, has its own length: use "
    "dim=1 and keepdim=True.",
    lambda weight, noise: noise * weight.norm() / noise.norm(),
)
direction.slip(
    "you scaled columns. The weights of one neuron stand in one row: dim=1.",
    lambda weight, noise: (
        noise * weight.norm(dim=0, keepdim=True) / noise.norm(dim=0, keepdim=True)
    ),
)
direction.slip(
    "the noise keeps its own length: divide by the length of each row of it.",
    lambda weight, noise: noise * weight.norm(dim=1, keepdim=True),
)
direction.slip(
    "every row has length 1 now; it needs the length of the same row of `weight`.",
    lambda weight, noise: noise / noise.norm(dim=1, keepdim=True),
)
direction.slip(
    "those are squared lengths; the root is missing.",
    lambda weight, noise: (
        noise
        * weight.square().sum(dim=1, keepdim=True)
        / noise.square().sum(dim=1, keepdim=True)
    ),
)
direction.slip(
    "`abs().sum()` goes along the axes; the length is the root of the sum of squares.",
    lambda weight, noise: (
        noise * weight.abs().sum(dim=1, keepdim=True) / noise.abs().sum(dim=1, keepdim=True)
    ),
)

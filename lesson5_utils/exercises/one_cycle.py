"""Checks for notebook 06: the ramp, what to pick, the cosine, one cycle, a fair direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lesson5_utils.exercises import Exercise, Slip, whole_numbers

__all__ = ["cosine", "direction", "one_cycle", "pick", "ramp"]

# --- ramp --------------------------------------------------------------------------------

ramp = Exercise(
    name="ramp",
    reference=lambda start, end, step, steps: start * (end / start) ** (step / (steps - 1)),
    cases=lambda: [
        (1.0, 16.0, 2, 5),
        (2.0, 200.0, 1, 3),
        (1.0, 1000.0, 0, 4),
        (1.0, 1000.0, 3, 4),
    ],
    why="Each step multiplies by the same factor, so every power of ten gets the same number "
    "of batches. That is fair, because nobody knows beforehand which power is the right one.",
    slips=[
        Slip(
            "you add the same amount each time. Then nearly all batches go to the largest "
            "rates; multiply by the same factor instead.",
            lambda start, end, step, steps: start + (end - start) * step / (steps - 1),
        ),
        Slip(
            "the last step does not arrive at `end`. Steps count from 0, so the last one is "
            "number steps - 1.",
            lambda start, end, step, steps: start * (end / start) ** (step / steps),
        ),
        Slip(
            "you count from 1; the first step is number 0.",
            lambda start, end, step, steps: start * (end / start) ** ((step - 1) / (steps - 1)),
        ),
        Slip(
            "`start` is missing: this is only the factor by which the rate has grown.",
            lambda start, end, step, steps: (end / start) ** (step / (steps - 1)),
        ),
        Slip(
            "the power stands on `end` alone. What grows is the factor end / start.",
            lambda start, end, step, steps: start * end ** (step / (steps - 1)),
        ),
    ],
)

# --- pick --------------------------------------------------------------------------------


def _pick(lrs: Tensor, losses: Tensor) -> tuple[Tensor, Tensor]:
    return lrs[losses.diff().argmin()], lrs[losses.argmin()] / 10


pick = Exercise(
    name="pick",
    reference=_pick,
    cases=lambda: [
        (torch.tensor([1.0, 10, 100, 1000, 10000]), torch.tensor([9.0, 8, 4, 3, 7])),
        (torch.tensor([1.0, 2, 4, 8, 16, 32]), torch.tensor([7.0, 7, 6, 5, 1, 9])),
        (torch.tensor([1.0, 10, 100, 1000]), torch.tensor([9.0, 3, 2, 30])),
        (torch.tensor([1.0, 2, 4, 8, 16, 32]), torch.tensor([10.0, 9, 4, 2, 0.5, 8])),
    ],
    why="Where the loss is lowest, the rate is already nearly too high: the loss stops falling "
    "there. So one takes less: a tenth of it, or the place where learning was fastest.",
    slips=[
        Slip(
            "you returned the lowest place itself. There the loss is about to rise: divide by "
            "10.",
            lambda lrs, losses: (lrs[losses.diff().argmin()], lrs[losses.argmin()]),
        ),
        Slip(
            "your first rate is where the loss *rises* fastest. Falling is a negative "
            "difference, so look for the smallest one.",
            lambda lrs, losses: (lrs[losses.diff().argmax()], lrs[losses.argmin()] / 10),
        ),
        Slip(
            "you returned the two the other way round: the steepest comes first.",
            lambda lrs, losses: _pick(lrs, losses)[::-1],
        ),
        Slip(
            "you returned places in the list, not rates: put them into `lrs[...]`.",
            lambda lrs, losses: (losses.diff().argmin(), losses.argmin() / 10),
        ),
        Slip(
            "you returned two places in the list. Put them into `lrs[...]`, and divide the "
            "second rate by 10.",
            lambda lrs, losses: (losses.diff().argmin(), losses.argmin()),
        ),
        Slip(
            "you returned losses. `argmin()` gives the place of the smallest one; put that "
            "place into `lrs[...]`.",
            lambda lrs, losses: (losses.diff().min(), losses.min() / 10),
        ),
        Slip(
            "you took the largest change, and a rise counts too then. Look for the most "
            "negative difference.",
            lambda lrs, losses: (lrs[losses.diff().abs().argmax()], lrs[losses.argmin()] / 10),
        ),
        Slip(
            "the steepest fall has the right size, but you took the rate at its end. The "
            "difference number i lies between the rates i and i + 1: take the first.",
            lambda lrs, losses: (lrs[losses.diff().argmin() + 1], lrs[losses.argmin()] / 10),
        ),
    ],
)

# --- cosine ------------------------------------------------------------------------------

Curve = Callable[[float, float, float], float]


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


cosine = Exercise(
    name="cosine",
    reference=_cosine,
    cases=lambda: [(2.0, 10.0, 0.0), (2.0, 10.0, 1.0), (2.0, 10.0, 0.5), (8.0, 0.0, 1 / 3)],
    why="It leaves its start slowly, is quickest in the middle and arrives slowly. So two "
    "pieces can be joined without a corner.",
    slips=[
        Slip(
            "you swapped the ends: at progress 0 the value must be `start`.",
            lambda start, end, progress: _cosine(end, start, progress),
        ),
        Slip(
            "the wave is not halved. 1 + cos runs from 2 to 0, so divide it by 2.",
            lambda start, end, progress: (
                end + (start - end) * (1 + math.cos(math.pi * progress))
            ),
        ),
        Slip(
            "π is missing: half a wave takes the cosine from 0 to π.",
            lambda start, end, progress: end + (start - end) * (1 + math.cos(progress)) / 2,
        ),
        Slip(
            "that is a whole wave, from 0 to 2π: at progress 1 it is back at the start.",
            lambda start, end, progress: (
                end + (start - end) * (1 + math.cos(2 * math.pi * progress)) / 2
            ),
        ),
        Slip(
            "`end` is missing: add it, or the curve goes to 0.",
            lambda start, end, progress: (start - end) * (1 + math.cos(math.pi * progress)) / 2,
        ),
        Slip(
            "that is a straight line: right at both ends and in the middle, wrong between.",
            lambda start, end, progress: start + (end - start) * progress,
        ),
    ],
)

# --- one_cycle ---------------------------------------------------------------------------

Ends = tuple[float, float, float]


def _one_cycle(
    step: int,
    steps: int,
    ends: Ends,
    pct_start: float,
    curve: Curve = _cosine,
    count: float = 1,
) -> float:
    start, top, end = ends
    peak = pct_start * steps - count
    if step <= peak:
        return curve(start, top, step / peak)
    return curve(top, end, (step - peak) / (steps - 1 - peak))


def _not_shifted(step: int, steps: int, ends: Ends, pct_start: float) -> float:
    start, top, end = ends
    peak = pct_start * steps - 1
    if step <= peak:
        return _cosine(start, top, step / peak)
    return _cosine(top, end, step / (steps - 1))


def _never_there(step: int, steps: int, ends: Ends, pct_start: float) -> float:
    start, top, end = ends
    peak = pct_start * steps - 1
    if step <= peak:
        return _cosine(start, top, step / peak)
    return _cosine(top, end, (step - peak) / (steps - peak))


one_cycle = Exercise(
    name="one_cycle",
    reference=lambda step, steps, ends, pct_start: _one_cycle(step, steps, ends, pct_start),
    cases=lambda: [
        (0, 8, (1.0, 9.0, 0.0), 0.5),
        (3, 8, (1.0, 9.0, 0.0), 0.5),
        (5, 8, (1.0, 9.0, 0.0), 0.5),
        (7, 8, (1.0, 9.0, 0.0), 0.5),
        (1, 20, (4.0, 100.0, 2.0), 0.25),
        (12, 20, (0.5, -1.0, 0.5), 0.25),
        (1, 10, (1.0, 9.0, 0.0), 0.25),
    ],
    why="With three rates as `ends` it is the learning rate, with (high, low, high) it is the "
    "momentum. The same few lines make both.",
    slips=[
        Slip(
            "the way down starts at the beginning: its progress counts from the peak, "
            "(step - peak) / (last - peak).",
            _not_shifted,
        ),
        Slip(
            "the peak is one step late. Steps count from 0, so `pct_start * steps` of them end "
            "at number pct_start * steps - 1.",
            lambda step, steps, ends, pct_start: _one_cycle(
                step, steps, ends, pct_start, count=0
            ),
        ),
        Slip(
            "the top is at the wrong place: it is at pct_start * steps - 1, not at a share of "
            "the last step's number.",
            lambda step, steps, ends, pct_start: _one_cycle(
                step, steps, ends, pct_start, count=pct_start
            ),
        ),
        Slip(
            "the way down does not arrive: the last step is number steps - 1.",
            _never_there,
        ),
        Slip(
            "the top may lie between two steps: do not round its place.",
            lambda step, steps, ends, pct_start: _one_cycle(
                step, steps, ends, int(pct_start * steps) / steps
            ),
        ),
        Slip(
            "you joined straight lines; use `cosine` for both pieces.",
            lambda step, steps, ends, pct_start: _one_cycle(
                step, steps, ends, pct_start, lambda a, b, t: a + (b - a) * t
            ),
        ),
        Slip(
            "it comes back to its start. The last value is the third of `ends`.",
            lambda step, steps, ends, pct_start: _one_cycle(
                step, steps, (ends[0], ends[1], ends[0]), pct_start
            ),
        ),
    ],
)

# --- direction ---------------------------------------------------------------------------


def _direction(weight: Tensor, noise: Tensor) -> Tensor:
    return noise * weight.norm(dim=1, keepdim=True) / noise.norm(dim=1, keepdim=True)


def _rows(*rows: Sequence[float]) -> Tensor:
    return torch.tensor(rows)


direction = Exercise(
    name="direction",
    reference=_direction,
    cases=lambda: [
        (_rows([6.0, 8.0], [0.0, 1.0]), _rows([3.0, -4.0], [0.0, 5.0])),
        (_rows([5.0, 12.0, 0.0], [1.0, 2.0, 2.0]), _rows([0.0, 3.0, 4.0], [6.0, 0.0, 0.0])),
        (whole_numbers(4, 3, seed=1) + 0.5, whole_numbers(4, 3, seed=2) + 0.5),
    ],
    why="A neuron with weights twice as large now gets a push twice as large. So a net whose "
    "weights are merely larger does not look flatter.",
    slips=[
        Slip(
            "`keepdim=True` is missing: lengths of shape [neurons] stretch the columns, not "
            "the rows.",
            lambda weight, noise: noise * weight.norm(dim=1) / noise.norm(dim=1),
        ),
        Slip(
            "you scaled the whole matrix at once. Each neuron, which is a row, has its own "
            "length: use dim=1 and keepdim=True.",
            lambda weight, noise: noise * weight.norm() / noise.norm(),
        ),
        Slip(
            "you scaled columns. The weights of one neuron stand in one row: dim=1.",
            lambda weight, noise: (
                noise * weight.norm(dim=0, keepdim=True) / noise.norm(dim=0, keepdim=True)
            ),
        ),
        Slip(
            "the noise keeps its own length: divide by the length of each row of it.",
            lambda weight, noise: noise * weight.norm(dim=1, keepdim=True),
        ),
        Slip(
            "every row has length 1 now; it needs the length of the same row of `weight`.",
            lambda weight, noise: noise / noise.norm(dim=1, keepdim=True),
        ),
    ],
)

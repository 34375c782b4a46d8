"""Checks for notebook 06: a range test, what a cycle's divisors set, one cycle, a fair race, a
fair direction, and which rate to pick."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from lesson5_utils import lr_range, schedules
from lesson5_utils.exercises import WrongForm, exercise, real_numbers

__all__ = ["direction", "ends", "epochs_needed", "one_cycle", "pick", "range_test"]

# --- range_test --------------------------------------------------------------------------

Losses = Sequence[float]
TrainStep = Callable[[float], float]
Tested = tuple[list[float], list[float]]
Ramp = Callable[[float, float, int, int], float]


def _tested(answer: Any, losses: Losses, start: float, end: float, steps: int) -> Any:
    """The rates at which the answer trains, and the two lists that it returns, where the loss
    of each training step is given: `losses`, whatever the rate."""
    asked: list[float] = []

    def train_step(rate: Any) -> float:
        asked.append(float(rate))
        if len(asked) > 10 * steps:
            raise WrongForm(f"your test has no end: there are {steps} steps, one batch each")
        return losses[min(len(asked), len(losses)) - 1]

    returned = answer(train_step, start, end, steps)
    if returned is ...:
        return ...
    if not asked:
        raise WrongForm("nothing was trained: call train_step(rate), and keep what it returns")
    try:
        rates, smoothed = returned
        lengths = len(rates), len(smoothed)
    except (TypeError, ValueError):
        raise WrongForm("return two lists: the rates, and the smoothed losses") from None
    if lengths[0] != lengths[1]:
        raise WrongForm(
            "there must be one smoothed loss for each rate, but you return "
            f"{lengths[0]} rates and {lengths[1]} losses"
        )
    return {"trained at": asked, "rates": rates, "smoothed losses": smoothed}


def _factor(start: float, end: float, step: int, steps: int) -> float:
    return start * (end / start) ** (step / (steps - 1))


def _noisy(steps: int) -> list[float]:
    """A loss that falls, with one batch far above the others, which must not end the test."""
    trembling = real_numbers(steps, seed=6).tolist()
    losses = [2.3 * 0.97**i + 0.05 * one for i, one in enumerate(trembling)]
    losses[steps // 2] *= 4.5
    return losses


@exercise(
    cases=lambda: [
        # it explodes at the eighth batch
        ([4.0, 4.0, 3.0, 2.0, 2.0, 2.0, 3.0, 50.0, 90.0, 90.0], 1.0, 512.0, 10),
        # it never does
        ([2.3, 2.2, 2.0, 1.5, 1.25], 0.001, 0.1, 5),
        # it rises to four times the lowest loss, but not to four times the first
        ([5.0, *[0.5] * 20, *[9.5] * 9], 1e-5, 10.0, 30),
        (_noisy(40), 1e-5, 10.0, 40),
        ([2.31, 2.29, 2.25, 2.4, math.inf, math.inf], 0.003, 3.0, 6),
    ],
    through=_tested,
    why="It costs a hundred batches and says where the loss falls and where it explodes. That "
    "is a range; which rate in it is the right one, only a whole training can tell.",
)
def range_test(train_step: TrainStep, start: float, end: float, steps: int) -> Tested:
    rates: list[float] = []
    losses: list[float] = []
    smoothed: list[float] = []
    for step in range(steps):
        rates.append(start * (end / start) ** (step / (steps - 1)))
        losses.append(train_step(rates[-1]))
        smoothed = lr_range.smooth(losses)
        if smoothed[-1] > 4 * min(smoothed):
            break
    return rates, smoothed


def _exploded(raw: Losses, smoothed: Losses) -> bool:
    return smoothed[-1] > 4 * min(smoothed)


def _another_test(
    ramp: Ramp = _factor,
    stops: Callable[[Losses, Losses], bool] = _exploded,
    keeps: Callable[[list[float]], list[float]] = lr_range.smooth,
) -> Callable[..., Tested]:
    """A range test with another ramp, another end, or another list to return."""

    def answer(train_step: TrainStep, start: float, end: float, steps: int) -> Tested:
        rates: list[float] = []
        losses: list[float] = []
        for step in range(steps):
            rates.append(ramp(start, end, step, steps))
            losses.append(train_step(rates[-1]))
            if stops(losses, lr_range.smooth(losses)):
                break
        return rates, keeps(losses)

    return answer


def _uncorrected(losses: list[float]) -> list[float]:
    average, out = 0.0, []
    for loss in losses:
        average = 0.9 * average + 0.1 * loss
        out.append(average)
    return out


range_test.slip(
    "you add the same amount each time. Then nearly all batches go to the largest rates; "
    "multiply by the same factor instead.",
    _another_test(lambda start, end, i, n: start + (end - start) * i / (n - 1)),
)
range_test.slip(
    "the last step does not arrive at `end`. Steps count from 0, so the last one is number "
    "steps - 1.",
    _another_test(lambda start, end, i, n: start * (end / start) ** (i / n)),
)
range_test.slip(
    "you count from 1; the first step is number 0, and its rate is `start`.",
    _another_test(lambda start, end, i, n: start * (end / start) ** ((i + 1) / (n - 1))),
)
range_test.slip(
    "your steps count from 1 to `steps`, so the first rate is above `start`.",
    _another_test(lambda start, end, i, n: start * (end / start) ** ((i + 1) / n)),
)
range_test.slip(
    "`start` is missing: this is only the factor by which the rate has grown.",
    _another_test(lambda start, end, i, n: (end / start) ** (i / (n - 1))),
)
range_test.slip(
    "the power stands on `end` alone. What grows is the factor end / start.",
    _another_test(lambda start, end, i, n: start * end ** (i / (n - 1))),
)
range_test.slip(
    "the rates are rounded, and the first one is 0 then. Rates are small; take them as they "
    "are.",
    _another_test(lambda start, end, i, n: round(_factor(start, end, i, n), 2)),
)
range_test.slip(
    "a rate below 1 was raised to 1. Nearly all rates of use are below 1.",
    _another_test(lambda start, end, i, n: _factor(max(start, 1), end, i, n)),
)
range_test.slip(
    "the losses that you return are not smoothed.", _another_test(keeps=lambda losses: losses)
)
range_test.slip(
    "you stop at a single batch with a high loss. One batch may be hard by chance: compare "
    "smoothed losses.",
    _another_test(stops=lambda raw, _: raw[-1] > 4 * min(raw)),
)
range_test.slip(
    "you compare one batch with the smoothed losses. Compare the last smoothed loss with the "
    "lowest one.",
    _another_test(stops=lambda raw, smoothed: raw[-1] > 4 * min(smoothed)),
)
range_test.slip(
    "it goes on after the explosion. Leave the loop when the last smoothed loss is over four "
    "times the lowest.",
    _another_test(stops=lambda *_: False),
)
range_test.slip(
    "you compare with the first loss. The test should stop when the loss is over four times "
    "its *lowest* value.",
    _another_test(stops=lambda _, smoothed: smoothed[-1] > 4 * smoothed[0]),
)
range_test.slip(
    "you stop as soon as the loss rises at all. It trembles from batch to batch; only four "
    "times its lowest value counts as an explosion.",
    _another_test(stops=lambda _, smoothed: smoothed[-1] > min(smoothed)),
)
range_test.slip(
    "the average starts at 0 and is not corrected for that, so the first losses seem low. "
    "`smooth` from above does it.",
    _another_test(
        stops=lambda raw, _: _uncorrected([*raw])[-1] > 4 * min(_uncorrected([*raw])),
        keeps=_uncorrected,
    ),
)
range_test.slip(
    "the two are in the other order: return the rates first, then the smoothed losses.",
    lambda *given: range_test.reference(*given)[::-1],
)


@range_test.slip(
    "you train at every rate, and cut the list afterwards. Stop training when it explodes: "
    "that is what saves the time."
)
def _(train_step: TrainStep, start: float, end: float, steps: int) -> Tested:
    rates = [_factor(start, end, step, steps) for step in range(steps)]
    losses = [train_step(rate) for rate in rates]
    for many in range(1, steps + 1):
        smoothed = lr_range.smooth(losses[:many])
        if _exploded(losses, smoothed):
            break
    return rates[:many], smoothed


@range_test.slip(
    "the place where it exploded is missing from your lists. Keep the rate and the loss first, "
    "then decide whether to stop."
)
def _(*given: Any) -> Tested:
    rates, smoothed = range_test.reference(*given)
    end = -1 if smoothed[-1] > 4 * min(smoothed) else None
    return rates[:end], smoothed[:end]


@range_test.slip(
    "you train twice at each rate. One call of train_step is one step; keep what it returns."
)
def _(train_step: TrainStep, *given: Any) -> Tested:
    def twice(rate: float) -> float:
        train_step(rate)
        return train_step(rate)

    return range_test.reference(twice, *given)


# --- ends --------------------------------------------------------------------------------


@exercise(
    kind="predict",
    why="div_factor says how far below the top it starts, final_div_factor how far below its "
    '*start* it ends. Read the name as "final, from the start", and you will not mistake it.',
)
def ends() -> list[float]:
    return [0.002, 0.02, 0.00002]


ends.slip(
    "the last rate is too high: final_div_factor divides the rate at the start, not the "
    "highest one.",
    lambda: [0.002, 0.02, 0.0002],
)
ends.slip(
    "the two divisors are exchanged: div_factor belongs to the start.",
    lambda: [0.0002, 0.02, 0.00002],
)
ends.slip(
    "it does not fall to 0, but to the start divided by final_div_factor.",
    lambda: [0.002, 0.02, 0.0],
)
ends.slip(
    "it does not come back to its start; it ends far below.", lambda: [0.002, 0.02, 0.002]
)
ends.slip(
    "25 and 10,000 are what PyTorch takes if you say nothing. Here both are given.",
    lambda: [0.0008, 0.02, 8e-8],
)
ends.slip(
    "max_lr is the highest rate, so it stands in the middle.", lambda: [0.02, 0.2, 0.0002]
)
ends.slip("these are in another order: first, highest, last.", lambda: [0.00002, 0.002, 0.02])

# --- one_cycle ---------------------------------------------------------------------------

Ends = tuple[float, float, float]


def _joined(
    step: int,
    ends: Ends,
    peak: float,
    last: float,
    curve: Callable[[float, float, float], float] = schedules.cosine,
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
        else schedules.cosine(top, end, step / (steps - 1))
    )


one_cycle.slip(
    "the peak is one step late. Steps count from 0, so `pct_start * steps` of them end at "
    "number pct_start * steps - 1.",
    lambda step, steps, ends, pct_start: _joined(step, ends, pct_start * steps, steps - 1),
)
one_cycle.slip(
    "the top and the end are one step late. Steps count from 0: the top is at "
    "pct_start * steps - 1, the last step is number steps - 1.",
    lambda step, steps, ends, pct_start: _joined(step, ends, pct_start * steps, steps),
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

# --- epochs_needed -----------------------------------------------------------------------

Shares = list[float]
Runs = Mapping[int, Mapping[float, tuple[Shares, Shares]]]


def _mean(shares: Shares) -> float:
    return sum(shares) / len(shares)


def _a_number(answer: Any, runs: Runs, target: float) -> float:
    """What the answer returns, as a real number, since "never" is `math.inf`."""
    returned = answer(runs, target)
    try:
        return float(returned)
    except (TypeError, ValueError):
        raise WrongForm(
            "return a number of epochs, or math.inf where the target is out of reach"
        ) from None


@exercise(
    cases=lambda: [
        # only one rate at each budget
        (
            {
                1: {0.01: ([0.5, 0.75], [0.5, 0.75])},
                2: {0.01: ([1.0, 0.75], [1.0, 0.5])},
                4: {0.01: ([1.0, 1.0], [0.75, 1.0])},
            },
            0.75,
        ),
        # the validation pictures choose the rate, and each budget has its own
        (
            {
                2: {
                    0.01: ([0.953, 0.955, 0.957], [0.951, 0.956, 0.952]),
                    0.02: ([0.949, 0.951, 0.953], [0.973, 0.974, 0.972]),
                },
                3: {
                    0.01: ([0.961, 0.961, 0.962], [0.964, 0.963, 0.966]),
                    0.02: ([0.955, 0.975, 0.951], [0.975, 0.976, 0.974]),
                },
                5: {
                    0.01: ([0.969, 0.970, 0.968], [0.969, 0.968, 0.970]),
                    0.02: ([0.974, 0.975, 0.972], [0.974, 0.969, 0.975]),
                },
                8: {
                    0.01: ([0.976, 0.977, 0.975], [0.974, 0.976, 0.975]),
                    0.02: ([0.973, 0.974, 0.972], [0.966, 0.967, 0.963]),
                },
            },
            0.97,
        ),
        # the target is touched, lost, and reached for good
        (
            {
                epochs: {0.005: ([share - 0.001] * 2, [share, share + 0.0004])}
                for epochs, share in {1: 0.941, 2: 0.962, 3: 0.957, 4: 0.964, 6: 0.963}.items()
            },
            0.96,
        ),
        # never; and from the first on
        ({3: {0.01: ([0.99], [0.94])}, 9: {0.02: ([0.96], [0.97])}}, 0.975),
        ({9: {0.01: ([0.9], [0.985])}, 3: {0.02: ([0.96], [0.975])}}, 0.9725),
    ],
    kind="design",
    through=_a_number,
    why="Each schedule gets the rate that suits it, for each budget; pictures that choose do "
    "not judge; one lucky seed or epoch wins nothing. Now the number says something.",
)
def epochs_needed(runs: Runs, target: float) -> float:
    needed = math.inf
    for epochs in sorted(runs, reverse=True):
        _, test = max(runs[epochs].values(), key=lambda shares: _mean(shares[0]))
        if _mean(test) < target:
            break
        needed = epochs
    return needed


def _judged(
    choose: Callable[[Shares, Shares], float] = lambda valid, _: _mean(valid),
    judge: Callable[[Shares, Shares], float] = lambda _, test: _mean(test),
    stays: bool = True,
) -> Callable[[Runs, float], float]:
    """A referee who chooses the rate, or judges the runs, in another way."""

    def answer(runs: Runs, target: float) -> float:
        held = []
        for epochs in sorted(runs):
            best = max(runs[epochs].values(), key=lambda shares: choose(*shares))
            held.append((epochs, judge(*best) >= target))
        if not stays:
            return next((epochs for epochs, holds in held if holds), math.inf)
        lost = [at for at, (_, holds) in enumerate(held) if not holds]
        first = lost[-1] + 1 if lost else 0
        return held[first][0] if first < len(held) else math.inf

    return answer


epochs_needed.slip(
    "the test pictures choose the rate. They must only judge; let the validation pictures "
    "choose.",
    _judged(choose=lambda _, test: _mean(test)),
)
epochs_needed.slip(
    "you judge on the validation pictures, which have chosen the rate. Let them choose, and "
    "judge on the test pictures.",
    _judged(judge=lambda valid, _: _mean(valid)),
)
epochs_needed.slip(
    "the first budget that touches the target is not enough: a longer one may fall below it "
    "again. Ask that all longer budgets reach it too.",
    _judged(stays=False),
)
epochs_needed.slip(
    "you take the first budget at which any rate reaches the target. The validation pictures "
    "must choose the rate, and all longer budgets must reach the target too.",
    _judged(choose=lambda _, test: _mean(test), stays=False),
)
epochs_needed.slip(
    "one lucky seed is enough for you. Take the mean over the seeds.",
    _judged(judge=lambda _, test: max(test)),
)
epochs_needed.slip(
    "the rate is chosen by its luckiest seed. Take the mean over the seeds there, too.",
    _judged(choose=lambda valid, _: max(valid)),
)
epochs_needed.slip(
    "you ask for more than the target; to reach it is enough.",
    _judged(judge=lambda _, test: _mean(test) - 1e-9),
)
epochs_needed.slip(
    "the rate with the *lowest* validation accuracy was chosen.",
    _judged(choose=lambda valid, _: -_mean(valid)),
)


@epochs_needed.slip(
    "you take one rate for all budgets. A short training needs another rate than a long one: "
    "choose anew for each."
)
def _(runs: Runs, target: float) -> float:
    rates = {rate for by_rate in runs.values() for rate in by_rate}
    common = {
        rate: [_mean(by_rate[rate][0]) for by_rate in runs.values() if rate in by_rate]
        for rate in rates
    }
    best = max(common, key=lambda rate: _mean(common[rate]))
    only = {
        epochs: {best: by_rate[best]} if best in by_rate else by_rate
        for epochs, by_rate in runs.items()
    }
    return _judged()(only, target)


epochs_needed.slip(
    "you returned the longest budget where the target is never reached; return math.inf.",
    lambda runs, target: min(epochs_needed.reference(runs, target), max(runs)),
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

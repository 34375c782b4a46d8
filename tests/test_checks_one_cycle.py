"""Notebook 06's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses

from lesson5_utils import schedules
from lesson5_utils.exercises import one_cycle as check
from lesson5_utils.lr_range import smooth

# --- range_test --------------------------------------------------------------------------

right_test = check.range_test.reference


def a_test(ramp: Callable[..., float]) -> Callable[..., Any]:
    """A right range test, but for its rates."""

    def answer(train_step: Any, start: float, end: float, steps: int) -> Any:
        rates: list[Any] = []
        losses: list[Any] = []
        smoothed: list[Any] = []
        for step in range(steps):
            rates.append(ramp(start, end, step, steps))
            losses.append(train_step(rates[-1]))
            smoothed = smooth(losses)
            if smoothed[-1] > 4 * min(smoothed):
                break
        return rates, smoothed

    return answer


def ramp(start: float, end: float, step: int, steps: int) -> float:
    return start * (end / start) ** (step / (steps - 1))


def all_at_once(train_step: Any, start: float, end: float, steps: int) -> Any:
    """Even amounts, as an array, and never an end."""
    rates = np.linspace(start, end, steps)
    return rates, smooth([train_step(rate) for rate in rates])


def without_training(train_step: Any, start: float, end: float, steps: int) -> Any:
    return [ramp(start, end, step, steps) for step in range(steps)], [1.0] * steps


def without_end(train_step: Any, *_: Any) -> Any:
    while True:
        train_step(0.1)


def losses_only(*given: Any) -> Any:
    return right_test(*given)[1]


def one_rate_more(*given: Any) -> Any:
    rates, smoothed = right_test(*given)
    return [*rates, 2 * rates[-1]], smoothed


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (a_test(lambda a, b, i, n: round(ramp(a, b, i, n), 2)), "the first one is 0 then"),
        (a_test(lambda a, b, i, n: round(ramp(a, b, i, n), 6)), "trained at"),
        (a_test(lambda a, b, i, n: ramp(max(a, 1), b, i, n)), "a rate below 1 was raised to 1"),
        (a_test(lambda a, b, i, n: ramp(max(a, 1e-4), b, i, n)), "trained at"),
        (a_test(lambda a, b, i, n: max(ramp(a, b, i, n), 1e-4)), "trained at"),
        (a_test(lambda a, b, i, n: int(ramp(a, b, i, n))), "trained at"),
        (a_test(lambda a, b, i, n: np.linspace(a, b, n)[i]), "you add the same amount"),
        (all_at_once, "trained at"),
        (without_training, "Nothing was trained"),
        (without_end, "Your test has no end"),
        (losses_only, "Return two lists"),
        (one_rate_more, "one smoothed loss for each rate"),
        (lambda step, *_: step(0.1), "Return two lists"),
    ],
)
def test_range_test_refuses(answer: Any, phrase: str) -> None:
    refuses(check.range_test, answer, phrase)


def as_arrays_or_tensors(train_step: Any, start: float, end: float, steps: int) -> Any:
    rates = torch.logspace(math.log10(start), math.log10(end), steps, dtype=torch.float64)
    losses: list[float] = []
    for rate in rates:
        losses.append(train_step(rate))
        if smooth(losses)[-1] > 4 * min(smooth(losses)):
            break
    return rates[: len(losses)], np.array(smooth(losses))


def running_average(train_step: Any, start: float, end: float, steps: int) -> Any:
    """No list of losses: the average is carried on, and the lowest one kept."""
    rates, smoothed, average, rate = [], [], 0.0, start
    for step in range(1, steps + 1):
        rates.append(rate)
        average = 0.9 * average + 0.1 * train_step(rate)
        smoothed.append(average / (1 - 0.9**step))
        if not smoothed[-1] <= 4 * min(smoothed):
            break
        rate *= (end / start) ** (1 / (steps - 1))
    return rates, smoothed


@pytest.mark.parametrize(
    "answer",
    [
        a_test(lambda a, b, i, n: np.geomspace(a, b, n)[i]),
        a_test(lambda a, b, i, n: b * (a / b) ** (1 - i / (n - 1))),
        a_test(lambda a, b, i, n: math.exp(math.log(a) + math.log(b / a) * i / (n - 1))),
        as_arrays_or_tensors,
        running_average,
        lambda *given: list(right_test(*given)),
    ],
)
def test_range_test_accepts(answer: Any) -> None:
    accepts(check.range_test, answer)
    losses = iter([4.0, 3.0, 2.0])
    rates, smoothed = check.range_test.use(answer)(lambda _: next(losses), 0.01, 1.0, 3)
    assert [float(one) for one in rates] == pytest.approx([0.01, 0.1, 1.0])
    assert [float(one) for one in smoothed] == pytest.approx(smooth([4.0, 3.0, 2.0]))


# --- ends --------------------------------------------------------------------------------


def test_ends_are_those_of_torch() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    plan = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.02, total_steps=100, div_factor=10, final_div_factor=100
    )
    rates = [plan.get_last_lr()[0]]
    for _ in range(99):
        optimizer.step()
        plan.step()
        rates.append(plan.get_last_lr()[0])
    accepts(check.ends, [rates[0], max(rates), rates[-1]])
    accepts(check.ends, torch.tensor([0.002, 0.02, 2e-5]))
    refuses(check.ends, [0.002, 0.02, 2e-4], "divides the rate at the start")
    refuses(check.ends, np.array([0.002, 0.02, 2e-4]), "divides the rate at the start")


# --- epochs_needed -----------------------------------------------------------------------


def by_pandas(runs: Any, target: float) -> float:
    rows = [
        (epochs, rate, np.mean(valid), np.mean(test))
        for epochs, by_rate in runs.items()
        for rate, (valid, test) in by_rate.items()
    ]
    table = pd.DataFrame(rows, columns=["epochs", "rate", "valid", "test"])
    best = table.loc[table.groupby("epochs").valid.idxmax()].sort_values("epochs")
    lost = best[best.test < target].epochs.max()
    held = best[best.epochs > lost].epochs if lost == lost else best.epochs
    return int(held.min()) if len(held) else math.inf


def forward(runs: Any, target: float) -> float:
    answer = math.inf
    for epochs in sorted(runs):
        _, test = max(runs[epochs].values(), key=lambda pair: sum(pair[0]))
        reaches = sum(test) / len(test) >= target
        answer = min(answer, epochs) if reaches else math.inf
    return answer


@pytest.mark.parametrize("answer", [by_pandas, forward, lambda *g: float(forward(*g))])
def test_epochs_needed_accepts(answer: Any) -> None:
    accepts(check.epochs_needed, answer)


def sorts_in_place(runs: Any, target: float) -> float:
    answer = forward(runs, target)
    for by_rate in runs.values():
        for valid, _ in by_rate.values():
            valid.sort(reverse=True)
    return answer


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (sorts_in_place, "in place"),
        (lambda runs, target: forward(runs, target + 0.001), "expected"),
        (lambda runs, target: max(runs), "expected"),
        (lambda runs, target: 4, "expected"),
        (
            lambda runs, target: forward(
                {e: {0: [b, b]} for e in runs for _, b in runs[e].values()}, target
            ),
            "expected",
        ),
    ],
)
def test_epochs_needed_refuses(answer: Any, phrase: str) -> None:
    refuses(check.epochs_needed, answer, phrase)


# --- pick --------------------------------------------------------------------------------

right_pick = check.pick.reference


def a_tenth_in_place(lrs: Any, losses: Any) -> Any:
    steepest = lrs[losses.diff().argmin()].clone()
    lrs /= 10
    return steepest, lrs[losses.argmin()]


def sorted_in_place(lrs: Any, losses: Any) -> Any:
    result = right_pick(lrs, losses)
    losses.copy_(losses.sort().values)
    return result


@pytest.mark.parametrize(
    ("answer", "name"), [(a_tenth_in_place, "lrs"), (sorted_in_place, "losses")]
)
def test_pick_leaves_its_inputs_alone(answer: Any, name: str) -> None:
    report = check.pick(answer)
    assert report.status == "wrong"
    assert f"It changes its input `{name}` in place" in report.text, report.text


def by_walking(lrs: Any, losses: Any) -> list[float]:
    lr, loss = lrs.tolist(), losses.tolist()
    steepest = min(range(len(loss) - 1), key=lambda i: loss[i + 1] - loss[i])
    return [lr[steepest], min(zip(loss, lr, strict=True))[1] / 10]


@pytest.mark.parametrize(
    "answer",
    [
        lambda lrs, losses: torch.stack(right_pick(lrs, losses)),
        lambda lrs, losses: [float(one) for one in right_pick(lrs, losses)],
        lambda lrs, losses: np.array([float(one) for one in right_pick(lrs, losses)]),
        lambda lrs, losses: (
            lrs[(losses[:-1] - losses[1:]).argmax()],
            0.1 * lrs[losses.topk(1, largest=False).indices],
        ),
        by_walking,
    ],
)
def test_pick_accepts(answer: Any) -> None:
    report = check.pick(answer)
    assert report.status == "right", report.text
    steepest, tenth = check.pick.use(answer)(torch.tensor([1.0, 2.0]), torch.tensor([5.0, 4.0]))
    assert float(steepest) == 1.0 and float(tenth) == pytest.approx(0.2)


@pytest.mark.parametrize("form", [list, torch.stack, lambda pair: [float(p) for p in pair]])
def test_pick_names_a_slip_in_any_form(form: Callable[[Any], Any]) -> None:
    swapped = check.pick(lambda lrs, losses: form(right_pick(lrs, losses)[::-1]))
    assert "the other way round" in swapped.text
    late = check.pick(
        lambda lrs, losses: form((lrs[losses.diff().argmin() + 1], right_pick(lrs, losses)[1]))
    )
    assert "you took the rate at its end" in late.text


# --- one_cycle ---------------------------------------------------------------------------


def test_one_cycle_refuses_a_floor_under_the_last_rate() -> None:
    report = check.one_cycle(lambda *case: max(check.one_cycle.reference(*case), 1e-6))
    assert report.status == "wrong"


def as_arrays(step: int, steps: int, ends: Any, pct_start: float) -> Any:
    peak = pct_start * steps - 1
    up = np.array([schedules.cosine(*ends[:2], i / peak) for i in range(steps)])
    down = np.array(
        [schedules.cosine(*ends[1:], (i - peak) / (steps - 1 - peak)) for i in range(steps)]
    )
    return np.where(np.arange(steps) > peak, down, up)[step]


@pytest.mark.parametrize(
    "answer", [as_arrays, lambda *case: torch.tensor(as_arrays(*case), dtype=torch.float64)]
)
def test_one_cycle_accepts(answer: Any) -> None:
    report = check.one_cycle(answer)
    assert report.status == "right", report.text


# --- direction ---------------------------------------------------------------------------


def scaled_in_place(weight: Any, noise: Any) -> Any:
    noise /= noise.norm(dim=1, keepdim=True)
    return noise * weight.norm(dim=1, keepdim=True)


def scaled_with_a_method(weight: Any, noise: Any) -> Any:
    return noise.mul_(weight.norm(dim=1, keepdim=True) / noise.norm(dim=1, keepdim=True))


@pytest.mark.parametrize("answer", [scaled_in_place, scaled_with_a_method])
def test_direction_leaves_the_noise_alone(answer: Any) -> None:
    report = check.direction(answer)
    assert "It changes its input `noise` in place" in report.text, report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda weight, noise: F.normalize(noise, dim=1) * weight.norm(dim=1)[:, None],
        lambda weight, noise: (noise.T / noise.norm(dim=1) * weight.norm(dim=1)).T,
        lambda weight, noise: torch.stack(
            [n / n.norm() * w.norm() for w, n in zip(weight, noise, strict=True)]
        ),
        lambda weight, noise: [
            n / n.norm() * w.norm() for w, n in zip(weight, noise, strict=True)
        ],
        lambda weight, noise: (
            noise.numpy()
            * np.linalg.norm(weight, axis=1, keepdims=True)
            / np.linalg.norm(noise, axis=1, keepdims=True)
        ),
    ],
)
def test_direction_accepts(answer: Any) -> None:
    report = check.direction(answer)
    assert report.status == "right", report.text
    made = check.direction.use(answer)(torch.ones(2, 4), torch.full((2, 4), 0.5))
    assert made.dtype == torch.float32 and made.tolist() == [[1.0] * 4] * 2


def test_a_small_epsilon_in_the_division_is_seen_on_small_noise() -> None:
    padded = check.direction(
        lambda weight, noise: (
            noise * weight.norm(dim=1, keepdim=True) / (noise.norm(dim=1, keepdim=True) + 1e-5)
        )
    )
    assert padded.status == "wrong"

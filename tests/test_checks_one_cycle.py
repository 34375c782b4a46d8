"""Notebook 06's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lesson5_utils.exercises import one_cycle as check

# --- ramp --------------------------------------------------------------------------------

right_ramp = check.ramp.reference


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda a, b, i, n: round(right_ramp(a, b, i, n), 2), "the first rate is 0 then"),
        (lambda a, b, i, n: round(right_ramp(a, b, i, n), 6), "difference"),
        (lambda a, b, i, n: right_ramp(max(a, 1), b, i, n), "a rate below 1 was raised to 1"),
        (lambda a, b, i, n: right_ramp(max(a, 1e-6), b, i, n), "difference"),
        (lambda a, b, i, n: int(right_ramp(a, b, i, n)), "difference"),
        (lambda a, b, i, n: max(right_ramp(a, b, i, n), 1e-6), "difference"),
        (lambda a, b, i, n: np.geomspace(a, b, n), "the whole ramp"),
    ],
)
def test_ramp_refuses(answer: Any, phrase: str) -> None:
    report = check.ramp(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda a, b, i, n: np.geomspace(a, b, n)[i],
        lambda a, b, i, n: torch.logspace(math.log10(a), math.log10(b), n, dtype=torch.float64)[
            i
        ],
        lambda a, b, i, n: math.exp(math.log(a) + (math.log(b) - math.log(a)) * i / (n - 1)),
        lambda a, b, i, n: b * (a / b) ** (1 - i / (n - 1)),
    ],
)
def test_ramp_accepts(answer: Any) -> None:
    report = check.ramp(answer)
    assert report.status == "right", report.text
    assert type(check.ramp.use(answer)(1.0, 4.0, 1, 3)) is float


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


# --- cosine and one_cycle ----------------------------------------------------------------


def as_torch(start: float, end: float, progress: float) -> Any:
    wave = torch.cos(torch.tensor(math.pi * progress, dtype=torch.float64))
    return start + (end - start) / 2 * (1 - wave)


@pytest.mark.parametrize("answer", [as_torch, lambda *case: np.float64(as_torch(*case))])
def test_cosine_accepts(answer: Any) -> None:
    assert check.cosine(answer).status == "right"


def test_small_rates_count_in_relation_to_their_size() -> None:
    rounded = check.cosine(lambda a, b, t: round(check.cosine.reference(a, b, t), 4))
    assert rounded.status == "wrong"


def test_one_cycle_refuses_a_floor_under_the_last_rate() -> None:
    report = check.one_cycle(lambda *case: max(check.one_cycle.reference(*case), 1e-6))
    assert report.status == "wrong"


def as_arrays(step: int, steps: int, ends: Any, pct_start: float) -> Any:
    peak = pct_start * steps - 1
    up = np.array([check.cosine.reference(*ends[:2], i / peak) for i in range(steps)])
    down = np.array(
        [
            check.cosine.reference(*ends[1:], (i - peak) / (steps - 1 - peak))
            for i in range(steps)
        ]
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

"""Annealing curves, and one-cycle: torch's values wherever torch has them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from lesson5_utils.errors import ArgumentError
from lesson5_utils.schedules import OneCycle, cosine, exponential, linear, one_cycle

CURVES = [linear, cosine, exponential]
Curve = Callable[[float, float, float], float]

rates = st.floats(1e-6, 10)
divisors = st.floats(1.5, 1e5)
momenta = st.tuples(st.floats(0.1, 0.99), st.floats(0.1, 0.99)).map(sorted)


# --- curves -------------------------------------------------------------------------------


@pytest.mark.parametrize("curve", CURVES)
@given(start=rates, end=rates)
def test_a_curve_runs_from_start_to_end_and_never_turns(
    curve: Curve, start: float, end: float
) -> None:
    values = [curve(start, end, i / 20) for i in range(21)]
    assert values[0] == pytest.approx(start, rel=1e-9)
    assert values[-1] == pytest.approx(end, rel=1e-9)
    assert sorted(values, reverse=start > end) == pytest.approx(values, rel=1e-9)


def test_halfway_each_curve_has_its_own_mean() -> None:
    assert linear(1, 100, 0.5) == pytest.approx(50.5)
    assert cosine(1, 100, 0.5) == pytest.approx(50.5)
    assert exponential(1, 100, 0.5) == pytest.approx(10)


def test_cosine_is_flat_at_both_ends_and_steepest_in_the_middle() -> None:
    steps = [abs(cosine(0, 1, (i + 1) / 10) - cosine(0, 1, i / 10)) for i in range(10)]
    assert steps == pytest.approx(steps[::-1])
    assert steps[:5] == sorted(steps[:5]) and steps[0] < 0.2 * steps[4]


def test_exponential_multiplies_by_the_same_factor_each_time() -> None:
    values = [exponential(1e-5, 10, i / 6) for i in range(7)]
    assert [b / a for a, b in pairwise(values)] == pytest.approx([10] * 6)
    assert exponential(-1, -4, 0.5) == pytest.approx(-2)


@pytest.mark.parametrize("ends", [(0, 1), (1, 0), (-1, 1), (0, 0), (math.nan, 1)])
def test_exponential_refuses_to_cross_zero(ends: tuple[float, float]) -> None:
    with pytest.raises(ArgumentError, match="same sign"):
        exponential(*ends, 0.5)


# --- one-cycle against torch --------------------------------------------------------------


def torchs(plan: OneCycle, optimizer: torch.optim.Optimizer) -> tuple[list[float], list[float]]:
    """Every rate and momentum that torch's own scheduler sets."""
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        plan.max_lr,
        total_steps=plan.total_steps,
        pct_start=plan.pct_start,
        div_factor=plan.div_factor,
        final_div_factor=plan.final_div_factor,
        base_momentum=plan.base_momentum,
        max_momentum=plan.max_momentum,
    )
    lr, momentum = [], []
    for step in range(plan.total_steps):
        group = optimizer.param_groups[0]
        lr.append(group["lr"])
        momentum.append(group["betas"][0] if "betas" in group else group["momentum"])
        if step < plan.total_steps - 1:
            optimizer.step()
            scheduler.step()
    return lr, momentum


@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
@given(
    max_lr=rates,
    total_steps=st.integers(2, 60),
    pct_start=st.floats(0.02, 1),
    div_factor=divisors,
    final_div_factor=divisors,
    ends=momenta,
)
def test_one_cycle_is_torchs_at_every_step(
    kind: str,
    max_lr: float,
    total_steps: int,
    pct_start: float,
    div_factor: float,
    final_div_factor: float,
    ends: list[float],
) -> None:
    assume(pct_start * total_steps >= 2)
    plan = OneCycle(max_lr, total_steps, pct_start, div_factor, final_div_factor, *ends)
    weight = [torch.zeros(1, requires_grad=True)]
    optimizer = (
        torch.optim.SGD(weight, lr=1.0, momentum=0.9)
        if kind == "SGD"
        else torch.optim.AdamW(weight, lr=1.0)
    )
    lr, momentum = torchs(plan, optimizer)
    steps = range(total_steps)
    assert [plan.lr(step) for step in steps] == pytest.approx(lr, rel=1e-12)
    assert [plan.momentum(step) for step in steps] == pytest.approx(momentum, rel=1e-12)


def test_defaults_are_torchs() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=10)
    group, plan = optimizer.param_groups[0], OneCycle(0.1, 10)
    assert plan.lr(0) == pytest.approx(group["initial_lr"])
    assert plan.lr(9) == pytest.approx(group["min_lr"])
    assert (plan.base_momentum, plan.max_momentum) == (
        group["base_momentum"],
        group["max_momentum"],
    )
    assert max(range(10), key=plan.lr) == 2  # 0.3 of the way


# --- one-cycle where torch has nothing to say ---------------------------------------------


@given(
    max_lr=rates,
    total_steps=st.integers(1, 40),
    pct_start=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
)
def test_every_schedule_is_finite_and_stays_below_its_top(
    max_lr: float, total_steps: int, pct_start: float
) -> None:
    plan = OneCycle(max_lr, total_steps, pct_start)
    lr = [plan.lr(step) for step in range(total_steps)]
    momentum = [plan.momentum(step) for step in range(total_steps)]
    assert all(math.isfinite(value) and 0 < value <= max_lr * (1 + 1e-12) for value in lr)
    assert all(0.85 - 1e-12 <= value <= 0.95 + 1e-12 for value in momentum)


def test_a_single_step_is_made_at_the_top() -> None:
    assert OneCycle(0.1, 1).lr(0) == 0.1
    assert OneCycle(0.1, 1).momentum(0) == 0.85


def test_without_warm_up_the_rate_only_falls() -> None:
    lr = [OneCycle(0.1, 10, pct_start=0).lr(step) for step in range(10)]
    assert lr[0] == 0.1 and lr == sorted(lr, reverse=True)
    assert lr[-1] == pytest.approx(0.1 / 25 / 1e4)


def test_without_warm_up_the_way_down_is_half_a_cosine() -> None:
    plan = OneCycle(0.1, 11, pct_start=0)
    end = 0.1 / 25 / 1e4
    for step in range(11):
        expected = end + (0.1 - end) / 2 * (1 + math.cos(math.pi * step / 10))
        assert plan.lr(step) == pytest.approx(expected)
        momentum = 0.95 + (0.85 - 0.95) / 2 * (1 + math.cos(math.pi * step / 10))
        assert plan.momentum(step) == pytest.approx(momentum)


def test_a_peak_between_the_first_two_steps_is_torchs_too() -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    plan = OneCycle(0.1, 6, pct_start=0.25)
    lr, momentum = torchs(plan, optimizer)
    assert [plan.lr(step) for step in range(6)] == pytest.approx(lr, rel=1e-12)
    assert [plan.momentum(step) for step in range(6)] == pytest.approx(momentum, rel=1e-12)


def test_a_divisor_may_be_below_1() -> None:
    assert OneCycle(0.1, 10, div_factor=0.5, final_div_factor=0.5).lr(0) == pytest.approx(0.2)


def test_the_plan_of_fit_is_a_one_cycle_with_fastais_share_of_rise() -> None:
    plan = OneCycle(1.0, 40, pct_start=0.25)
    for step in range(40):
        assert one_cycle(step, 40) == (plan.lr(step), plan.momentum(step))


def test_with_nothing_but_warm_up_the_rate_only_rises() -> None:
    lr = [OneCycle(0.1, 10, pct_start=1).lr(step) for step in range(10)]
    assert lr == sorted(lr) and lr[-1] == pytest.approx(0.1)


def test_momentum_is_lowest_where_the_rate_is_highest() -> None:
    plan = OneCycle(0.1, 20, pct_start=0.25)
    assert max(range(20), key=plan.lr) == min(range(20), key=plan.momentum) == 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"max_lr": 0}, "max_lr"),
        ({"max_lr": -1}, "max_lr"),
        ({"max_lr": float("nan")}, "max_lr"),
        ({"max_lr": float("inf")}, "max_lr"),
        ({"total_steps": 0}, "total_steps"),
        ({"pct_start": -0.1}, "pct_start"),
        ({"pct_start": 1.1}, "pct_start"),
        ({"pct_start": float("nan")}, "pct_start"),
        ({"div_factor": 0}, "div_factor"),
        ({"final_div_factor": -1}, "div_factor"),
        ({"total_steps": 2.5}, "total_steps"),
        ({"base_momentum": 5}, "base_momentum"),
        ({"base_momentum": -0.1}, "base_momentum"),
        ({"max_momentum": 1}, "max_momentum"),
        ({"max_momentum": float("nan")}, "max_momentum"),
    ],
)
def test_schedules_that_cannot_work_are_refused(
    arguments: dict[str, float], sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        OneCycle(**({"max_lr": 0.1, "total_steps": 10} | arguments))


@pytest.mark.parametrize("step", [-1, 10])
def test_a_step_outside_the_schedule_is_refused(step: int) -> None:
    with pytest.raises(
        ArgumentError, match=f"step must be a whole number from 0 to 9, not {step}"
    ):
        OneCycle(0.1, 10).lr(step)

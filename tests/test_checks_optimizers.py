"""Notebook 05's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lesson5_utils.exercises import optimizers as check

# --- the right answers against PyTorch ----------------------------------------------------


def by_torch(make: Callable[..., torch.optim.Optimizer], gradients: Tensor) -> Tensor:
    p = torch.ones(3, dtype=torch.float64)
    optimizer = make([p])
    for g in gradients:
        p.grad = g
        optimizer.step()
    return p


def test_the_references_are_pytorchs_rules() -> None:
    gradients = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)).double()
    gradients[:3, 0] = 0  # blank pixels
    zero, one = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)

    p, m = one, zero
    for g in gradients:
        p, m = check.momentum.reference(p, m, g, 0.1, 0.9)

    # torch's first step takes the gradient undamped, so its buffer is started at 0
    def damped(params: list[Tensor]) -> torch.optim.SGD:
        optimizer = torch.optim.SGD(params, lr=0.1, momentum=0.9, dampening=0.9)
        optimizer.state[params[0]]["momentum_buffer"] = zero.clone()
        return optimizer

    assert torch.allclose(p, by_torch(damped, gradients), rtol=1e-12)

    p, s = one, zero
    for g in gradients:
        p, s = check.rmsprop.reference(p, s, g, 0.1, 0.9, 1e-8)
    theirs = by_torch(lambda ps: torch.optim.RMSprop(ps, lr=0.1, alpha=0.9), gradients)
    assert torch.allclose(p, theirs, rtol=1e-12)

    p, m, s = one, zero, zero
    for t, g in enumerate(gradients, start=1):
        p, m, s = check.adam.reference(p, m, s, t, g, 0.1, 0.9, 0.99)
    theirs = by_torch(lambda ps: torch.optim.Adam(ps, lr=0.1, betas=(0.9, 0.99)), gradients)
    assert torch.allclose(p, theirs, rtol=1e-12)


# --- two numbers --------------------------------------------------------------------------


def loss(b: float, a: float, x: float, y: float) -> float:
    return (a * x + b - y) ** 2


def nudged(h: float, both_sides: bool) -> Any:
    def answer(b: float, a: float, x: float, y: float) -> list[float]:
        back = h if both_sides else 0.0
        db = loss(b + h, a, x, y) - loss(b - back, a, x, y)
        da = loss(b, a + h, x, y) - loss(b, a - back, x, y)
        return [db / (h + back), da / (h + back)]

    return answer


@pytest.mark.parametrize("both_sides", [False, True])
@pytest.mark.parametrize("h", [0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7])
def test_a_nudge_is_not_the_exact_derivative(h: float, both_sides: bool) -> None:
    mine = nudged(h, both_sides)
    for form in (mine, lambda *row: torch.tensor(mine(*row), dtype=torch.float64)):
        report = check.row_gradient(form)
        assert report.status == "wrong", report.text
        assert "as with the nudge of section 1" in report.text, report.text


def test_a_rounded_derivative_is_told_so() -> None:
    report = check.row_gradient(
        lambda *row: [round(one, 2) for one in check.row_gradient.reference(*row)]
    )
    assert "not rounded" in report.text


def by_autograd(*row: float) -> Any:
    b, a, x, y = (torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in row)
    return torch.autograd.grad((a * x + b - y) ** 2, (b, a))


@pytest.mark.parametrize(
    "answer",
    [
        lambda b, a, x, y: [2 * a * x + 2 * b - 2 * y, 2 * x * (a * x + b - y)],
        lambda b, a, x, y: torch.tensor([1.0, x]) * 2 * (a * x + b - y),
        lambda b, a, x, y: 2 * (a * x + b - y) * np.array([1, x]),
        lambda b, a, x, y: torch.stack(
            [torch.tensor(2 * (a * x + b - y)), torch.tensor(2 * (a * x + b - y) * x)]
        ),
        by_autograd,
    ],
)
def test_row_gradient_accepts(answer: Any) -> None:
    report = check.row_gradient(answer)
    assert report.status == "right", report.text
    assert check.row_gradient.use(answer)(1.0, 1.0, 14.0, 58.0) == (-86, -1204)


@pytest.mark.parametrize("form", [list, torch.tensor, np.array])
def test_swapped_numbers_are_named_in_any_form(form: Any) -> None:
    for exercise in (check.row_gradient, check.unscale):
        swapped = lambda *row, one=exercise: form(one.reference(*row)[::-1])  # noqa: E731
        assert "in the other order" in exercise(swapped).text
        right = lambda *row, one=exercise: form(one.reference(*row))  # noqa: E731
        assert exercise(right).status == "right"


def test_unscale_refuses_whole_division() -> None:
    report = check.unscale(lambda b, a, mean, std: (b - a * mean // std, a // std))
    assert "//" in report.text


# --- steps of an optimizer ----------------------------------------------------------------

STEPS = [check.momentum, check.rmsprop, check.adam]
every_step = pytest.mark.parametrize("one", STEPS, ids=lambda one: one.name)


@every_step
@pytest.mark.parametrize("form", [list, torch.stack, lambda made: [v.tolist() for v in made]])
def test_steps_are_taken_in_any_form_and_handed_on_as_tensors(one: Any, form: Any) -> None:
    report = one(lambda *given: form(one.reference(*given)))
    assert report.status == "right", report.text
    used = one.use(lambda *given: form(one.reference(*given)))(*one.cases()[0])
    assert isinstance(used, tuple) and all(part.dtype == torch.float32 for part in used)


@every_step
def test_a_step_in_whole_numbers_or_less_exact_is_refused(one: Any) -> None:
    for spoil in (torch.Tensor.long, torch.Tensor.float, torch.Tensor.round):
        report = one(lambda *given, spoil=spoil: [spoil(v) for v in one.reference(*given)])
        assert report.status == "wrong", report.text


@every_step
def test_averages_and_weights_are_left_alone(one: Any) -> None:
    names = list(one.reference.__annotations__)
    for place, name in enumerate(names):
        if one.reference.__annotations__[name] != "Tensor":
            continue

        def mine(*given: Any, place: int = place) -> Any:
            result = one.reference(*given)
            given[place].mul_(0.5)
            return result

        report = one(mine)
        assert f"changes its input `{name}`" in report.text, report.text


def adam_with(divisor: Callable[[Tensor], Tensor]) -> Any:
    def answer(
        p: Tensor, m: Tensor, s: Tensor, t: int, g: Tensor, lr: float, b1: float, b2: float
    ) -> Any:
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
        return p - lr * m / (1 - b1**t) / divisor(s / (1 - b2**t)), m, s

    return answer


@pytest.mark.parametrize(
    ("divisor", "phrase"),
    [
        (lambda s: s.sqrt(), "Epsilon is missing"),
        (lambda s: (s + 1e-8).sqrt(), "Epsilon is inside the root"),
        (lambda s: (s + 1e-8) ** 0.5, "Epsilon is inside the root"),
        (lambda s: s.sqrt() + 1e-5, "Epsilon is 1e-5"),
        (lambda s: s.sqrt() + 1e-3, "difference"),
        (lambda s: s.sqrt() + 1e-6, "difference"),
        (lambda s: s.sqrt() + 1e-7, "difference"),
        (lambda s: s.sqrt() + 1e-9, "difference"),
        (lambda s: s.sqrt().clamp(min=1e-8), "difference"),
    ],
)
def test_adam_refuses_another_epsilon(divisor: Any, phrase: str) -> None:
    report = check.adam(adam_with(divisor))
    says = report.text.splitlines()[1]
    assert report.status == "wrong", report.text
    assert phrase.lower() in says.lower(), report.text


def test_adam_may_be_written_with_a_power_or_eps_first() -> None:
    for divisor in (lambda s: s**0.5 + 1e-8, lambda s: 1e-8 + torch.sqrt(s)):
        report = check.adam(adam_with(divisor))
        assert report.status == "right", report.text


def test_adam_without_its_averages_is_told() -> None:
    assert "3 values" in check.adam(lambda *given: check.adam.reference(*given)[:2]).text
    report = check.adam(lambda *given: check.adam.reference(*given)[0])
    assert "expected" in report.text.lower()


def test_rmsprop_takes_the_epsilon_that_it_is_given() -> None:
    def mine(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Any:
        return check.rmsprop.reference(p, s, g, lr, alpha, 1e-8)

    assert "a small number of your own" in check.rmsprop(mine).text

"""Notebook 03's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lesson5_utils.exercises import weight_decay as check


def squares(params: list[Tensor], wd: float) -> Any:
    return wd * sum((p**2).sum() for p in params)


def squared_in_place(params: list[Tensor], wd: float) -> Any:
    return wd * sum(p.pow_(2).sum() for p in params)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda ps, wd: wd * sum((p**2).sum().item() for p in ps), "no gradient flows"),
        (lambda ps, wd: wd * sum((p.detach() ** 2).sum() for p in ps), "no gradient flows"),
        (lambda ps, wd: wd * sum((p.data**2).sum() for p in ps), "no gradient flows"),
        (lambda ps, wd: torch.tensor(squares(ps, wd).item()), "no gradient flows"),
        (
            lambda ps, wd: wd * sum((p.detach().numpy() ** 2).sum() for p in ps),
            "no gradient flows",
        ),
        (torch.no_grad()(squares), "no gradient flows"),
        (squared_in_place, "changes its input `params`"),
        (
            lambda ps, wd: torch.no_grad()(squared_in_place)(ps, wd),
            "changes its input `params`",
        ),
        (
            lambda ps, wd: wd * sum((p.detach() * p).sum() for p in ps),
            "the gradient of `params`",
        ),
        (lambda ps, wd: wd * sum(p.abs().sum() for p in ps), "the sum of the sizes"),
        (lambda ps, wd: squares(ps[-1:], wd), "only the last tensor"),
        (lambda ps, wd: 3.0, "difference"),
    ],
)
def test_penalty_refuses(answer: Any, phrase: str) -> None:
    report = check.penalty(answer)
    assert report.status == "wrong" and phrase in report.text.lower(), report.text


def by_loop(params: list[Tensor], wd: float) -> Any:
    total = torch.tensor(0.0)
    for p in params:
        total += p.square().sum()
    return wd * total


@pytest.mark.parametrize(
    "answer",
    [
        squares,
        by_loop,
        lambda ps, wd: sum(wd * p.norm() ** 2 for p in ps),
        lambda ps, wd: wd * torch.cat([p.flatten() for p in ps]).square().sum(),
        lambda ps, wd: wd * sum(torch.einsum("i,i->", p.flatten(), p.flatten()) for p in ps),
        lambda ps, wd: wd * sum(one * one for p in ps for one in p.flatten()),
        lambda ps, wd: squares(ps, wd)[None],
    ],
)
def test_penalty_accepts(answer: Any) -> None:
    report = check.penalty(answer)
    assert report.status == "right", report.text
    layer = nn.Linear(3, 2)
    check.penalty.use(answer)(list(layer.parameters()), 0.1).backward()
    assert layer.weight.grad is not None
    assert torch.allclose(layer.weight.grad, 0.2 * layer.weight)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("gradient", lambda g, w, wd: g.add_(2 * wd * w)),
        ("gradient", lambda g, w, wd: g + w.mul_(2 * wd)),
        ("decay_step", lambda w, g, lr, wd: w.mul_(1 - lr * wd).sub_(lr * g)),
        ("decay_step", lambda w, g, lr, wd: w * (1 - lr * wd) - g.mul_(lr)),
        (
            "first_adam",
            lambda w, g, lr, wd: (
                w - lr * (g + wd * w).sign(),
                w * (1 - lr * wd) - g.sign_() * lr,
            ),
        ),
        ("kept", lambda lrs, wd: lrs.mul_(-wd).add_(1).prod()),
    ],
)
def test_inputs_are_left_alone(name: str, answer: Any) -> None:
    report = getattr(check, name)(answer)
    assert report.status == "wrong" and "changes its input" in report.text, report.text


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("gradient", lambda g, w, wd: (g + 2 * wd * w).tolist()),
        ("gradient", lambda g, w, wd: np.add(g.numpy(), 2 * wd * w.numpy())),
        (
            "gradient",
            lambda g, w, wd: torch.stack([a + 2 * wd * b for a, b in zip(g, w, strict=True)]),
        ),
        ("decay_step", lambda w, g, lr, wd: w - lr * (g + wd * w)),
        ("decay_step", lambda w, g, lr, wd: list(w - lr * wd * w - lr * g)),
        ("first_adam", lambda *given: torch.stack(check.first_adam.reference(*given))),
        ("first_adam", lambda *given: np.stack(check.first_adam.reference(*given))),
        ("first_adam", lambda *given: [r.tolist() for r in check.first_adam.reference(*given)]),
        ("kept", lambda lrs, wd: math.prod(1 - lr * wd for lr in lrs.tolist())),
        ("kept", lambda lrs, wd: torch.cumprod(1 - lrs * wd, 0)[-1:]),
        ("kept", lambda lrs, wd: (1 - lrs * wd).log().sum().exp()),
        ("kept", lambda lrs, wd: np.prod(1 - lrs.numpy() * wd)),
    ],
)
def test_other_ways_to_write_it_are_right(name: str, answer: Any) -> None:
    report = getattr(check, name)(answer)
    assert report.status == "right", report.text


def test_a_stacked_answer_is_handed_on_as_two_tensors() -> None:
    used = check.first_adam.use(lambda *given: np.stack(check.first_adam.reference(*given)))
    penalty, decay = used(torch.tensor([2.0]), torch.tensor([0.0]), 0.1, 0.5)
    assert penalty.dtype == decay.dtype == torch.float32
    assert torch.allclose(torch.cat([penalty, decay]), torch.tensor([1.9, 1.9]))


@pytest.mark.parametrize(
    ("name", "answer", "phrase"),
    [
        ("gradient", lambda g, w, wd: (g + 2 * wd * w).float(), "torch.float32"),
        ("gradient", lambda g, w, wd: g + wd * (w**2).sum(), "one number"),
        ("decay_step", lambda w, g, lr, wd: w * (1 - lr * wd) - g, "lr is missing in the step"),
        ("decay_step", lambda w, g, lr, wd: (w - lr * wd * w - lr * g).round(), "difference"),
        ("decay_step", lambda w, g, lr, wd: (w - lr * g).mul(1 - lr * wd), "after the step"),
        (
            "first_adam",
            lambda *given: torch.stack(check.first_adam.reference(*given)[::-1]),
            "the other way round",
        ),
        ("kept", lambda lrs, wd: (-lrs * wd).sum().exp().item(), "the exponential is near"),
        ("kept", lambda lrs, wd: 1 - wd * float(lrs.sum()), "you added up"),
        ("kept", lambda lrs, wd: round(float((1 - lrs * wd).prod()), 2), "difference"),
    ],
)
def test_wrong_answers_are_refused_with_a_sentence(name: str, answer: Any, phrase: str) -> None:
    report = getattr(check, name)(answer)
    assert report.status == "wrong" and phrase in report.text, report.text

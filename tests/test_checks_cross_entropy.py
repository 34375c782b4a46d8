"""Notebook 07's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses

from lesson5_utils.exercises import cross_entropy as check

# --- nll ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda p, y: p[torch.arange(len(y)), y].abs().mean(), "abs has no slope at 0"),
        (lambda p, y: -p[range(len(y)), y].log().mean(), "log_p holds logarithms already"),
        (lambda p, y: float("nan"), "not a number"),
        (lambda p, y: F.cross_entropy(p, y), "F.cross_entropy expects raw scores"),
        (lambda p, y: F.nll_loss(p.log_softmax(1), y), "F.cross_entropy expects raw scores"),
        (lambda p, y: [F.cross_entropy(p, y)], "F.cross_entropy expects raw scores"),
        (lambda p, y: F.nll_loss(p, y).round(decimals=2), "difference"),
        (lambda p, y: F.nll_loss(p, y).item(), "no gradient flows back to `log_p`"),
        (lambda p, y: F.nll_loss(p.detach(), y), "no gradient flows back to `log_p`"),
        (lambda p, y: F.nll_loss(p.mul_(1.5), y), "changes its input `log_p`"),
    ],
)
def test_nll_refuses(answer: Any, phrase: str) -> None:
    refuses(check.nll, answer, phrase)


@pytest.mark.parametrize(
    "answer",
    [
        lambda p, y: F.nll_loss(p, y),
        lambda p, y: -p.gather(1, y[:, None]).mean(),
        lambda p, y: -(F.one_hot(y, p.shape[1]) * p).sum() / len(p),
        lambda p, y: -sum(row[one] for row, one in zip(p, y, strict=True)) / len(y),
        lambda p, y: [-p[range(len(y)), y].mean()],
    ],
)
def test_nll_accepts(answer: Any) -> None:
    accepts(check.nll, answer)
    log_p = torch.tensor([[-0.5, -1.0]], requires_grad=True)
    check.nll.use(answer)(log_p, torch.tensor([1])).backward()
    assert log_p.grad is not None and log_p.grad.tolist() == [[0.0, -1.0]]


# --- log_softmax -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda z: z.log_softmax(dim=1), "build log_softmax yourself"),
        (lambda z: F.log_softmax(z.double(), dim=1).float(), "build log_softmax yourself"),
        (lambda z: torch.nn.LogSoftmax(dim=1)(z), "build log_softmax yourself"),
        (lambda z: torch.special.log_softmax(z, dim=1), "build log_softmax yourself"),
        (lambda z: z - z.logsumexp(dim=1, keepdim=True), "build logsumexp yourself"),
        (lambda z: (z.softmax(1) + 1e-8).log(), "difference"),
        (lambda z: [row.softmax(0).log() for row in z], "a small share became 0"),
        (lambda z: check.log_softmax.reference(z).detach(), "no gradient flows back"),
        (lambda z: check.log_softmax.reference(z).round(decimals=3), "difference"),
        (lambda z: check.log_softmax.reference(z.sub_(1)), "changes its input `scores`"),
    ],
)
def test_log_softmax_refuses(answer: Any, phrase: str) -> None:
    refuses(check.log_softmax, answer, phrase)


def row_by_row(scores: Any) -> Any:
    made = []
    for row in scores:
        shifted = row - max(row)
        made.append(shifted - sum(one.exp() for one in shifted).log())
    return made


@pytest.mark.parametrize(
    "answer",
    [
        row_by_row,
        lambda z: torch.stack(row_by_row(z)),
        lambda z: torch.einsum("ck->kc", check.log_softmax.reference(z).T),
        lambda z: (z.T - z.T.amax(0) - (z.T - z.T.amax(0)).exp().sum(0).log()).T,
    ],
)
def test_log_softmax_accepts(answer: Any) -> None:
    accepts(check.log_softmax, answer)


def test_log_softmax_is_switched_on_again_after_the_check() -> None:
    check.log_softmax(lambda z: z.log_softmax(dim=1))
    assert torch.zeros(1, 2).log_softmax(dim=1).exp().tolist() == [[0.5, 0.5]]


# --- gradient ----------------------------------------------------------------------------


def by_grad(z: Any, y: Any) -> Any:
    leaf = z.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(leaf, y), leaf)[0]


@torch.enable_grad()
def by_backward(z: Any, y: Any) -> Any:
    leaf = z.clone().requires_grad_()
    loss = -leaf.log_softmax(1)[range(len(y)), y].mean()
    loss.backward()
    return leaf.grad.tolist()


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (by_grad, "you left it to autograd"),
        (by_backward, "you left it to autograd"),
        (
            lambda z, y: (
                (z.exp() / z.exp().sum(1)[:, None] - F.one_hot(y, z.shape[1])) / len(y)
            ),
            "infinity divided by infinity is nan",
        ),
        (lambda z, y: check.gradient.reference(z, y).round(decimals=2), "difference"),
        (lambda z, y: check.gradient.reference(z, y).double(), "torch.float64"),
        (lambda z, y: [list(row) for row in z.softmax(1) / len(y)], "probabilities alone"),
    ],
)
def test_gradient_refuses(answer: Any, phrase: str) -> None:
    refuses(check.gradient, answer, phrase)


def in_place(z: Any, y: Any) -> Any:
    p = z.softmax(1)
    p[torch.arange(len(y)), y] -= 1
    return p.div_(len(y))


def in_numpy(z: Any, y: Any) -> Any:
    power = np.exp(z.numpy() - z.numpy().max(axis=1, keepdims=True))
    return (power / power.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[y]) / len(y)


@pytest.mark.parametrize(
    "answer",
    [in_place, in_numpy, lambda z, y: in_numpy(z, y).tolist(), lambda z, y: [*in_place(z, y)]],
)
def test_gradient_accepts(answer: Any) -> None:
    accepts(check.gradient, answer)
    used = check.gradient.use(answer)(torch.zeros(1, 2), torch.tensor([0]))
    assert used.tolist() == [[-0.5, 0.5]] and used.dtype == torch.float32


# --- calibration_error -------------------------------------------------------------------


def binned(lower: Any, upper: Any, divide: Any = lambda total, p, n: total / len(p)) -> Any:
    """An answer that asks of each bin whether a confidence is in it, by its two edges."""

    def answer(p: Any, right: Any, n: int) -> Any:
        total = 0.0
        for i in range(n):
            inside = lower(p, i / n) & (upper(p, (i + 1) / n) | ((i == n - 1) & (p == 1)))
            total += float((p[inside] - right[inside]).sum().abs())
        return divide(total, p, n)

    return answer


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (binned(torch.gt, torch.le), "a confidence of exactly 0 fell out"),
        (
            binned(lambda p, edge: (p > edge) | ((p == edge) & (edge == 0)), torch.le),
            "on an edge between two bins belongs to the one above",
        ),
        (binned(torch.ge, torch.lt, lambda total, p, n: total / n), "by the number of bins"),
        (binned(torch.ge, torch.lt, lambda total, p, n: [total / n]), "by the number of bins"),
        (lambda p, right, n: binned(torch.ge, torch.lt)(p[p < 1], right[p < 1], n), "diff"),
        (lambda p, right, n: (p - right).abs().mean().item(), "the gap of every single answer"),
    ],
)
def test_calibration_error_refuses(answer: Any, phrase: str) -> None:
    refuses(check.calibration_error, answer, phrase)


def with_bucketize(p: Any, right: Any, n: int) -> Any:
    place = torch.bucketize(p, torch.linspace(0, 1, n + 1)[1:-1], right=True)
    gaps = torch.zeros(n).index_add_(0, place, p - right)
    return gaps.abs().sum() / len(p)


def with_numpy(p: Any, right: Any, n: int) -> Any:
    p, right = p.numpy(), right.numpy()
    place = np.minimum(np.digitize(p, np.linspace(0, 1, n + 1)), n) - 1
    inside = [place == i for i in range(n) if (place == i).any()]
    return sum(abs(p[one].mean() - right[one].mean()) * one.mean() for one in inside)


@pytest.mark.parametrize("answer", [binned(torch.ge, torch.lt), with_bucketize, with_numpy])
def test_calibration_error_accepts(answer: Any) -> None:
    accepts(check.calibration_error, answer)
    used = check.calibration_error.use(answer)(torch.tensor([0.75]), torch.tensor([1.0]), 3)
    assert used.shape == () and used.item() == pytest.approx(0.25)

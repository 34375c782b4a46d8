"""Notebook 07's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses
from torch import nn

from lesson5_utils.exercises import cross_entropy as check
from lesson5_utils.exercises.cross_entropy import Sound

# --- reports and diseases ------------------------------------------------------------------


def test_reports_refuses_a_word_that_is_no_choice_and_knows_the_usual_guesses() -> None:
    right = check.reports.reference()
    refuses(check.reports, right | {"1/p": "honest"}, "honest")
    refuses(check.reports, right | {"(1 - p)²": "more"}, "squares are not like")
    refuses(check.reports, right | {"1 - √p": "less", "1/p": "more"}, "the wrong way round")
    accepts(check.reports, {name: word.upper() for name, word in right.items()})


def test_diseases_tells_which_two_were_exchanged() -> None:
    right = check.diseases.reference()
    for one, other, told in (
        ("Ana", "Carla", "Ana's moves, and then cannot go on"),
        ("Ana", "Davi", "cannot say more than 23 %"),
        ("Bruno", "Davi", "stopped being a number"),
        ("Bruno", "Carla", "until one batch"),
    ):
        refuses(check.diseases, right | {one: right[other], other: right[one]}, told)
    refuses(check.diseases, dict.fromkeys(right, "dead start"), "Carla")
    refuses(check.diseases, right | {"Ana": "double softmax"}, "softmax twice")


# --- forecaster ----------------------------------------------------------------------------


class Sequential(nn.Module):
    """A right answer in another form: layers in a box, a loss by hand, shares by exp."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))

    def forward(self, x: Any) -> Any:
        return self.body(x)

    def loss(self, scores: Any, y: Any) -> Any:
        return -check.log_softmax.reference(scores)[range(len(y)), y].mean()

    def probabilities(self, x: Any) -> Any:
        return F.log_softmax(self(x), dim=1).exp()


class He(Sound):
    """A start of one's own."""

    def __init__(self) -> None:
        super().__init__()
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight)


class InferenceOnly(Sound):
    def probabilities(self, x: Any) -> Any:
        with torch.no_grad():
            return super().probabilities(x)


@pytest.mark.parametrize("answer", [Sound, Sequential, He, InferenceOnly])
def test_forecaster_accepts(answer: Any) -> None:
    accepts(check.forecaster, answer)
    assert check.forecaster.use(answer) is answer


class Overflowing(Sound):
    def loss(self, scores: Any, y: Any) -> Any:
        return (scores.exp().sum(dim=1).log() - scores[range(len(y)), y]).mean()


class DeadRelu(Sound):
    def __init__(self) -> None:
        super().__init__()
        nn.init.constant_(self.first.bias, -1000)


class ZeroWeights(Sound):
    def __init__(self) -> None:
        super().__init__()
        nn.init.zeros_(self.second.weight)


class Clipped(Sound):
    def loss(self, scores: Any, y: Any) -> Any:
        return F.nll_loss((scores.softmax(dim=1) + 1e-9).log(), y)


class Detached(Sound):
    def loss(self, scores: Any, y: Any) -> Any:
        return torch.tensor(F.cross_entropy(scores, y).item())


class Summed(Sound):
    def loss(self, scores: Any, y: Any) -> Any:
        return F.cross_entropy(scores, y, reduction="sum")


class Squared(Sound):
    def loss(self, scores: Any, y: Any) -> Any:
        return (scores.softmax(dim=1) - F.one_hot(y, 10)).square().sum(dim=1).mean()


class Narrow(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(784, 20), nn.Linear(20, 10)


class TwoDiseases(Sound):
    def loss(self, scores: Any, y: Any) -> Any:
        return F.nll_loss(scores.softmax(dim=1).log(), y)

    def probabilities(self, x: Any) -> Any:
        return self(x).clamp(0, 1)


class NoLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(784, 50), nn.Linear(50, 10)

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x).relu())


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (Overflowing, "the log-sum-exp itself overflows"),
        (DeadRelu, "this is the dead start"),
        (ZeroWeights, "this is the dead start"),
        (Clipped, "difference"),
        (Detached, "o gradient flows from the loss"),
        (Summed, "difference"),
        (Squared, "difference"),
        (Narrow, "[10] and [10, 20] and [20] and [20, 784]"),
        (TwoDiseases, "✗ forecaster"),
        (NoLoss, "has no attribute 'loss'"),
        (Sound(), "Give the class itself"),
    ],
)
def test_forecaster_refuses(answer: Any, phrase: str) -> None:
    refuses(check.forecaster, answer, phrase)


def test_a_forecaster_of_which_a_method_is_missing_is_unanswered() -> None:
    class Begun(Sound):
        def probabilities(self, x: Any) -> Any:
            return ...

    assert check.forecaster(Begun).status == "unanswered"


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

"""Notebook 04's checks: answers that later cells could not use are refused, others taken.

Those of the whole loop are in `test_whole_loop`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lesson5_utils.exercises import mnist_sgd as check

# --- batches -----------------------------------------------------------------------------

right_batches = check.batches.reference


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x, y, n: right_batches(x, y.float(), n), "your classes are real numbers"),
        (lambda x, y, n: right_batches(x, y.double(), n), "got real numbers (float64)"),
        (lambda x, y, n: right_batches(x, y.int(), n), "torch.int32"),
        (lambda x, y, n: right_batches(x.double(), y, n), "torch.float64"),
        (lambda x, y, n: right_batches(x.round(), y, n), "difference"),
        (lambda x, y, n: right_batches(x.mul_(2).div_(1), y, n), "changes its input `x`"),
        (lambda x, y, n: right_batches(x, y, n)[::-1], "expected shape"),
        (lambda x, y, n: [(b, a) for a, b in right_batches(x, y, n)], "expected"),
        (lambda x, y, n: zip(x.split(n), y.split(n), strict=True), "expected 3 values"),
    ],
)
def test_batches_refuses(answer: Any, phrase: str) -> None:
    report = check.batches(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, y, n: list(zip(x.split(n), y.split(n), strict=True)),
        lambda x, y, n: [[a, b] for a, b in right_batches(x, y, n)],
        lambda x, y, n: tuple(DataLoader(TensorDataset(x, y), batch_size=n)),
        lambda x, y, n: [(x[rows], y[rows]) for rows in torch.arange(len(x)).split(n)],
        lambda x, y, n: [(a.tolist(), b.tolist()) for a, b in right_batches(x, y, n)],
    ],
)
def test_batches_accepts(answer: Any) -> None:
    report = check.batches(answer)
    assert report.status == "right", report.text
    used = check.batches.use(answer)(torch.rand(5, 784), torch.arange(5), 2)
    assert [len(x) for x, _ in used] == [2, 2, 1]
    assert all(x.dtype == torch.float32 and y.dtype == torch.int64 for x, y in used)


# --- accuracy ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda s, y: (s.argmax(1) == y).sum() // len(y), "// drops everything"),
        (lambda s, y: int((s.argmax(1) == y).sum()) // len(y), "// drops everything"),
        (lambda s, y: float((s.max(1).values == y).sum() / len(y)), "max gives the largest"),
        (lambda s, y: 100 * float((s.argmax(1) == y).sum() / len(y)), "it is in percent"),
        (lambda s, y: [(s.argmax(1) != y).float().mean()], "share of mistakes"),
        (lambda s, y: (s.exp().argmax(1) == y).float().mean(), "e to the power of a large"),
        (lambda s, y: round(float((s.argmax(1) == y).float().mean()), 1), "difference"),
        (lambda s, y: (s.abs().argmax(1) == y).float().mean(), "difference"),
        (lambda s, y: (s.argmax(1) == y).float(), "expected shape"),
    ],
)
def test_accuracy_refuses(answer: Any, phrase: str) -> None:
    report = check.accuracy(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda s, y: (s.argmax(1) == y).sum() / len(y),
        lambda s, y: (
            sum(int(row.argmax()) == one for row, one in zip(s, y.tolist(), strict=True))
            / len(y)
        ),
        lambda s, y: np.mean(s.numpy().argmax(1) == y.numpy()),
        lambda s, y: (s.softmax(1).argmax(1) == y).double().mean(),
        lambda s, y: (s.topk(1).indices == y[:, None]).float().mean(dim=0),
        lambda s, y: 1 - (s.argmax(1) - y).count_nonzero() / len(y),
    ],
)
def test_accuracy_accepts(answer: Any) -> None:
    report = check.accuracy(answer)
    assert report.status == "right", report.text
    used = check.accuracy.use(answer)(torch.eye(4), torch.tensor([0, 1, 2, 0]))
    assert used.shape == () and used.item() == 0.75


# --- one update, and momentum ------------------------------------------------------------


def update(
    model: Any,
    x: Tensor,
    y: Tensor,
    lr: float,
    wd: float,
    *,
    params: Callable[[Any], Any] = lambda model: list(model.parameters()),
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    penalty: Callable[[Any], Any] = lambda p: p.square().sum(),
    zero: Callable[[], bool] = lambda: True,
    give: Callable[[Tensor], Any] = lambda loss: loss.item(),
) -> Any:
    total = loss(model(x), y) + wd * sum(penalty(p) for p in params(model))
    total.backward()
    with torch.no_grad():
        for p in params(model):
            p -= lr * p.grad
            if zero():
                p.grad.zero_()
    return give(total)


def momentum(
    model: Any, x: Tensor, y: Tensor, lr: float, beta: float, buffers: Any, **more: Any
) -> Any:
    params = more.pop("params", lambda model: list(model.parameters()))
    zero = more.pop("zero", lambda: True)
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p, buffer in zip(params(model), buffers, strict=False):
            buffer.mul_(beta).add_(p.grad)
            p -= lr * buffer
            if zero():
                p.grad.zero_()
    return loss.item()


def named(model: Any) -> list[Any]:
    return [model.weight, model.bias]


def every(n: int) -> Callable[[], bool]:
    """True at every n-th call, whatever the parameter."""
    calls = iter(range(10**6))
    return lambda: next(calls) % n == 0


def each_second_step(step: Any) -> Any:
    """The gradients are set to zero in every second call of the step."""
    calls = iter(range(10**6))

    def wrong(*case: Any) -> Any:
        now = next(calls) % 2
        return step(*case, zero=lambda: now)

    return wrong


def log_of_softmax(scores: Tensor, y: Tensor) -> Tensor:
    return F.nll_loss(scores.softmax(1).log(), y)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda *case: update(*case, params=named), "there if the model is a single layer"),
        (each_second_step(update), "difference"),
        (lambda *case: update(*case, zero=every(3)), "difference"),
        (lambda *case: update(*case, zero=lambda: False), "not set to zero"),
        (lambda *case: update(*case, penalty=lambda p: p.square().sum().item()), "no gradient"),
        (lambda *case: update(*case, penalty=lambda p: (p.detach() ** 2).sum()), "no gradient"),
        (lambda *case: update(*case, penalty=lambda p: (p.data**2).sum()), "no gradient"),
        (lambda *case: update(*case, penalty=lambda p: p.square().mean()), "difference"),
        (lambda *case: update(*case, penalty=lambda p: p.abs().sum()), "difference"),
        (lambda *case: update(*case, penalty=lambda p: 0), "the penalty is missing"),
        (lambda *case: update(*case, penalty=lambda p: p.square().sum() / 2), "half of the"),
        (lambda *case: update(*case, loss=log_of_softmax), "nan"),
        (lambda *case: update(*case, give=lambda loss: loss), "returned the loss as a tensor"),
        (lambda *case: update(*case, give=lambda loss: round(loss.item(), 2)), "difference"),
    ],
)
def test_update_refuses(answer: Any, phrase: str) -> None:
    report = check.update(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text


def by_optimizer(model: Any, x: Tensor, y: Tensor, lr: float, wd: float) -> float:
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    loss = nn.CrossEntropyLoss()(model(x), y)
    for p in model.parameters():
        loss = loss + wd * p.pow(2).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def by_data(model: Any, x: Tensor, y: Tensor, lr: float, wd: float) -> float:
    model.zero_grad()
    loss = F.cross_entropy(model(x), y) + wd * sum((p**2).sum() for p in model.parameters())
    loss.backward()
    for p in model.parameters():
        p.data = p.data - lr * p.grad
    return loss.item()


def by_autograd(model: Any, x: Tensor, y: Tensor, lr: float, wd: float) -> float:
    params = list(model.parameters())
    scores = model(x)
    loss = (scores.logsumexp(1) - scores[range(len(y)), y]).mean()
    loss = loss + wd * torch.cat([p.flatten() for p in params]).square().sum()
    with torch.no_grad():
        for p, slope in zip(params, torch.autograd.grad(loss, params), strict=True):
            p.sub_(lr * slope)
    return loss.item()


@pytest.mark.parametrize(
    "answer",
    [
        by_optimizer,
        by_data,
        by_autograd,
        lambda *case: update(*case, give=lambda loss: loss.detach()),
        lambda *case: update(*case, give=lambda loss: loss.detach().numpy()),
    ],
)
def test_update_accepts(answer: Any) -> None:
    report = check.update(answer)
    assert report.status == "right", report.text
    used = check.update.use(answer)
    loss = used(nn.Linear(2, 2), torch.rand(3, 2), torch.tensor([0, 1, 1]), 0.1, 0.0)
    assert type(loss) is float


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda *case: momentum(*case, params=named), "there if the model is a single layer"),
        (each_second_step(momentum), "difference"),
        (lambda *case: momentum(*case, zero=lambda: False), "add up twice"),
        (lambda *case: momentum(*case[:4], 0.9, case[5]), "difference"),
        (lambda *case: momentum(*case[:5], [b.clone() for b in case[5]]), "buffers stay at 0"),
        (lambda *case: torch.tensor(momentum(*case), requires_grad=True), "as a tensor"),
    ],
)
def test_momentum_refuses(answer: Any, phrase: str) -> None:
    report = check.momentum(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text


def in_a_list(
    model: Any, x: Tensor, y: Tensor, lr: float, beta: float, buffers: list[Tensor]
) -> Tensor:
    """New tensors, put into the list that the next call is given."""
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    for i, p in enumerate(model.parameters()):
        buffers[i] = beta * buffers[i] + p.grad
        p.data -= lr * buffers[i]
    return loss.detach()


def by_slices(
    model: Any, x: Tensor, y: Tensor, lr: float, beta: float, buffers: list[Tensor]
) -> float:
    params = list(model.parameters())
    loss = F.cross_entropy(model(x), y)
    with torch.no_grad():
        for p, b, slope in zip(params, buffers, torch.autograd.grad(loss, params), strict=True):
            b[:] = beta * b + slope
            p.add_(b, alpha=-lr)
    return float(loss.detach())


@pytest.mark.parametrize("answer", [momentum, in_a_list, by_slices])
def test_momentum_accepts(answer: Any) -> None:
    report = check.momentum(answer)
    assert report.status == "right", report.text


# --- values: a diagnosis, a design ---------------------------------------------------------

RIGHT_BUGS = {"Ana": "in place", "Bruno": "no_grad", "Carla": "zeroing", "Davi": "backward"}


def all_turned_round() -> dict[str, str]:
    return {"Ana": "zeroing", "Bruno": "backward", "Carla": "in place", "Davi": "no_grad"}


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ({**RIGHT_BUGS, "Bruno": "backward", "Davi": "no_grad"}, "the wrong way round"),
        ({**RIGHT_BUGS, "Ana": "zeroing", "Carla": "in place"}, "at all"),
        (all_turned_round(), "both pairs are the wrong way round"),
        ({**RIGHT_BUGS, "Ana": "backward", "Davi": "in place"}, "is not 0 but None"),
        ({**RIGHT_BUGS, "Ana": "softmax"}, "Unknown choice 'softmax'"),
        (dict.fromkeys(RIGHT_BUGS, "zeroing"), "right: Carla. Not yet: Ana, Bruno, Davi."),
        ({"Ana": "in place"}, ""),
        (["in place", "no_grad", "zeroing", "backward"], ""),
    ],
)
def test_bugs_refuses(answer: Any, phrase: str) -> None:
    report = check.bugs(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text
    assert "'Carla': 'zeroing', 'Davi': 'backward'" not in report.text.split("got")[0]


def test_bugs_takes_them_in_any_order_and_hands_them_on() -> None:
    answer = dict(reversed(RIGHT_BUGS.items()))
    assert check.bugs(answer).status == "right"
    assert check.bugs.use(dict.fromkeys(RIGHT_BUGS, ...)) == RIGHT_BUGS


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ([1.0, 1.0, 1.0, 1.0, 0.1, 0.1], "the run that we have"),
        ([0.1] * 6, "two things have changed"),
        ([1.0] * 4, "ends after four epochs"),
        ([0.1, 0.1, 1.0, 1.0, 1.0, 1.0], "turned round"),
        ([1.0] * 12, "expected"),
        ([0.5] * 6, "something else"),
        (1.0, ""),
        ("1.0", ""),
    ],
)
def test_control_refuses(answer: Any, phrase: str) -> None:
    report = check.control(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text


@pytest.mark.parametrize("answer", [[1.0] * 6, [1] * 6, (1.0,) * 6, torch.ones(6), np.ones(6)])
def test_control_accepts(answer: Any) -> None:
    assert check.control(answer).status == "right"
    assert [float(rate) for rate in check.control.use(answer)] == [1.0] * 6


# --- the worst mistakes ------------------------------------------------------------------

right_worst = check.worst.reference


def of_truth(scores: Tensor, y: Tensor) -> Tensor:
    return scores.softmax(1)[range(len(y)), y]


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda s, y, k: (-of_truth(s, y).log()).topk(k).indices, "rounded to 0"),
        (lambda s, y, k: of_truth(s, y).argsort()[:k], "difference"),
        (lambda s, y, k: (s.exp().sum(1).log() - s[range(len(y)), y]).topk(k).indices, ""),
        (lambda s, y, k: right_worst(s, y, k).float(), "whole numbers"),
        (lambda s, y, k: right_worst(s, y, k).sort().values, "difference"),
        (lambda s, y, k: right_worst(s, y, k).flip(0).tolist(), "largest loss comes first"),
        (lambda s, y, k: (s.argmax(1) != y).nonzero().flatten()[:k], ""),
        (lambda s, y, k: (s.max(1).values - s[range(len(y)), y]).topk(k).indices, "difference"),
        (lambda s, y, k: F.cross_entropy(s, y, reduction="none").topk(k), "two things"),
    ],
)
def test_worst_refuses(answer: Any, phrase: str) -> None:
    report = check.worst(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text


def by_walking(scores: Tensor, y: Tensor, k: int) -> list[int]:
    losses = [
        float(F.cross_entropy(s[None], one[None])) for s, one in zip(scores, y, strict=True)
    ]
    return sorted(range(len(y)), key=lambda i: -losses[i])[:k]


@pytest.mark.parametrize(
    "answer",
    [
        by_walking,
        lambda s, y, k: (-s.log_softmax(1)[range(len(y)), y]).argsort(descending=True)[:k],
        lambda s, y, k: np.argsort(F.cross_entropy(s, y, reduction="none").numpy())[::-1][:k],
        lambda s, y, k: list(right_worst(s, y, k)),
    ],
)
def test_worst_accepts(answer: Any) -> None:
    report = check.worst(answer)
    assert report.status == "right", report.text
    used = check.worst.use(answer)(torch.eye(3), torch.tensor([1, 1, 2]), 1)
    assert torch.arange(3)[used].tolist() == [0]

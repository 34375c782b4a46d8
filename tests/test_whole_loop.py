"""The check of a whole training loop: it refuses by what the loop does, and takes any way to
write it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lesson5_utils import models
from lesson5_utils.exercises.mnist_sgd import training_loop as check

adam = partial(torch.optim.Adam, lr=0.02)


def net(n_in: int, n_out: int) -> nn.Module:
    return models.TwoLayerNet(n_in, 50, n_out)


def shuffled(x: Tensor, size: int = 32) -> list[Any]:
    return list(torch.randperm(len(x)).split(size))


def loop(
    x: Tensor,
    y: Tensor,
    valid_x: Tensor,
    valid_y: Tensor,
    epochs: int,
    *,
    make: Callable[[int, int], Any] = net,
    optimizer: Callable[[Any], Any] = adam,
    rows: Callable[[Tensor], list[Any]] = shuffled,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    step: Callable[[int, Any, Any], bool] = lambda i, model, optimizer: True,
    zero: Callable[[int], bool] = lambda i: True,
    rebuild: Callable[[int], bool] = lambda i: False,
    more: Callable[[Any], Tensor | float] = lambda model: 0.0,
) -> tuple[Any, list[float]]:
    """The right loop, part by part to be replaced; `i` counts the batches of an epoch."""
    model = make(x.shape[1], int(y.max()) + 1)
    made = optimizer(model.parameters())
    accuracies = []
    for _ in range(epochs):
        model.train()
        for i, some in enumerate(rows(x)):
            if rebuild(i):
                made = optimizer(model.parameters())
            if zero(i):
                made.zero_grad()
            (loss(model(x[some]), y[some]) + more(model)).backward()
            if step(i, model, made):
                made.step()
        model.eval()
        with torch.no_grad():
            right = model(valid_x).argmax(dim=1) == valid_y
        accuracies.append(right.float().mean().item())
    return model, accuracies


def mixed(x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int) -> Any:
    everything = torch.cat([x, valid_x]), torch.cat([y, valid_y])
    return loop(*everything, valid_x, valid_y, epochs)


def swapped(x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int) -> Any:
    return loop(valid_x, valid_y, valid_x, valid_y, epochs)


def with_last_of(reported: Callable[[list[float]], Any]) -> Any:
    def train(*case: Any) -> Any:
        model, accuracies = loop(*case)
        return model, reported(accuracies)

    return train


def ends_in_softmax(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(net(n_in, n_out), nn.Softmax(dim=1))


def as_one_hot(scores: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(scores, F.one_hot(y, scores.shape[1]).float())


ON_VALID = "learns from the validation rows"
REMADE = "A new optimizer is made again and again"
STALE = "Old gradients are added to new ones"
LOSS = "not the cross-entropy of the scores"
SOME_ROWS = "must go over all rows"
ONE_BATCH = "All rows are in one batch"
ONE_STEP = "only one batch an epoch"
TOO_LITTLE = "The model learns too little"
INVENTED = "but the others are not those that the model had"


def nearest(x: Tensor, y: Tensor) -> Any:
    """The class of the nearest training row: a good model that is not trained."""
    return lambda rows: F.one_hot(y)[torch.cdist(rows, x.detach()).argmin(1)].float()


def never_trained(x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int) -> Any:
    model = nearest(x, y)
    return model, [(model(valid_x).argmax(1) == valid_y).float().mean().item()] * epochs


def another_is_trained(x: Tensor, y: Tensor, *rest: Any) -> Any:
    loop(x, y, *rest, optimizer=partial(torch.optim.SGD, lr=1e-6))
    return never_trained(x, y, *rest)


def full_batch_of_copies(x: Tensor, y: Tensor, *rest: Any) -> Any:
    return loop(x.detach().clone(), y, *rest, rows=lambda x: [range(len(x))])


def unbent(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n_in, 50), nn.Linear(50, n_out))


def narrow(n_in: int, n_out: int) -> nn.Module:
    return models.TwoLayerNet(n_in, 2, n_out)


WRONG = {
    "nearest row, no training": (never_trained, "Nothing is trained"),
    "a show of training": (another_is_trained, "does not fall"),
    "a rate that is far too small": (
        partial(loop, optimizer=partial(torch.optim.SGD, lr=1e-6)),
        "does not fall",
    ),
    "uphill": (
        partial(loop, optimizer=partial(torch.optim.SGD, lr=0.02, maximize=True)),
        "does not fall",
    ),
    "Adam made for each batch": (partial(loop, rebuild=lambda i: True), REMADE),
    "Adam made for each epoch": (partial(loop, rebuild=lambda i: i == 0), REMADE),
    "validation rows mixed in": (mixed, ON_VALID),
    "trained on validation rows": (swapped, ON_VALID),
    "zeroed once an epoch": (partial(loop, zero=lambda i: i == 0), STALE),
    "zeroed every second time": (partial(loop, zero=lambda i: i % 2 == 0), STALE),
    "never zeroed": (partial(loop, zero=lambda i: False), STALE),
    "softmax before": (
        partial(loop, loss=lambda scores, y: F.cross_entropy(scores.softmax(1), y)),
        LOSS,
    ),
    "softmax in the model": (partial(loop, make=ends_in_softmax), LOSS),
    "softmax, a small rate": (
        partial(loop, make=ends_in_softmax, optimizer=partial(torch.optim.Adam, lr=2e-3)),
        LOSS,
    ),
    "squared error": (partial(loop, loss=as_one_hot), LOSS),
    "label smoothing": (
        partial(loop, loss=partial(F.cross_entropy, label_smoothing=0.2)),
        LOSS,
    ),
    "minus the score": (partial(loop, loss=F.nll_loss), LOSS),
    "one batch an epoch": (partial(loop, rows=lambda x: shuffled(x)[:1]), SOME_ROWS),
    "one large batch an epoch": (partial(loop, rows=lambda x: shuffled(x, 400)[:1]), ONE_STEP),
    "half of the batches": (partial(loop, rows=lambda x: shuffled(x)[::2]), SOME_ROWS),
    "always the first rows": (partial(loop, rows=lambda x: [range(32)] * 3), SOME_ROWS),
    "overlapping windows": (
        partial(
            loop, rows=lambda x: [range(i, min(i + 32, len(x))) for i in range(0, len(x), 16)]
        ),
        "Do the batches overlap?",
    ),
    "full batch": (partial(loop, rows=lambda x: [torch.arange(len(x))]), ONE_BATCH),
    "SGD with momentum, made for each batch": (
        partial(
            loop,
            rebuild=lambda i: True,
            optimizer=partial(torch.optim.SGD, lr=0.1, momentum=0.9),
        ),
        REMADE,
    ),
    "full batch, many times": (
        partial(loop, rows=lambda x: [torch.arange(len(x))] * 10),
        ONE_BATCH,
    ),
    "full batch, copied": (full_batch_of_copies, ONE_STEP),
    "one layer": (partial(loop, make=nn.Linear), TOO_LITTLE),
    "two layers without a bend": (partial(loop, make=unbent), TOO_LITTLE),
    "few hidden units, so rows without a gradient": (partial(loop, make=narrow), TOO_LITTLE),
    "no step": (partial(loop, step=lambda *_: False), "weights never move"),
    "parameters of another model": (
        partial(loop, optimizer=lambda _: adam(net(2, 2).parameters())),
        "weights never move",
    ),
    "infinite loss": (
        partial(
            loop,
            loss=lambda scores, y: F.nll_loss(scores.softmax(1).log(), y),
            optimizer=partial(torch.optim.SGD, lr=3000.0),
        ),
        "infinite or nan",
    ),
    "the last accuracy everywhere": (with_last_of(lambda a: [a[-1]] * len(a)), INVENTED),
    "a history that rises": (
        with_last_of(lambda a: np.linspace(0.5, a[-1], len(a)).tolist()),
        INVENTED,
    ),
    "one epoch late": (with_last_of(lambda a: [*a[1:], a[-1]]), INVENTED),
    "percent": (with_last_of(lambda a: [100 * one for one in a]), "a share from 0 to 1"),
    "too few": (with_last_of(lambda a: a[:-1]), "got '19 for 20 epochs'"),
    "no accuracies": (with_last_of(lambda a: []), "got '0 for 20 epochs'"),
    "a number": (with_last_of(lambda a: a[-1]), "then a list with one accuracy"),
    "texts": (with_last_of(lambda a: [f"{one:.2f}" for one in a]), "then a list with one"),
    "only the model": (lambda *case: loop(*case)[0], "the model first"),
    "the other way round": (lambda *case: loop(*case)[::-1], "Return the model first"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_loop_is_refused_for_what_it_does(name: str) -> None:
    answer, phrase = WRONG[name]
    report = check(answer)
    assert report.status == "wrong" and phrase in report.text.splitlines()[1], report.text


# --- right answers -----------------------------------------------------------------------


def by_hand(x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int) -> Any:
    """No module, no optimizer, no F: raw tensors, the loss written out."""
    shapes = (x.shape[1], 50), (50,), (50, int(y.max()) + 1), (int(y.max()) + 1,)
    w1, b1, w2, b2 = weights = [(0.3 * torch.randn(s)).requires_grad_() for s in shapes]

    def model(rows: Tensor) -> Tensor:
        return (rows @ w1 + b1).clamp(min=0) @ w2 + b2

    accuracies = []
    for _ in range(epochs):
        for i in range(0, len(x), 24):
            scores, some = model(x[i : i + 24]), y[i : i + 24]
            loss = (scores.logsumexp(1) - scores[range(len(some)), some]).mean()
            loss.backward()
            for p in weights:
                assert p.grad is not None
                p.data -= 0.1 * p.grad
                p.grad = None
        accuracies.append((model(valid_x).argmax(1) == valid_y).float().mean())
    return model, accuracies


def by_autograd(x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int) -> Any:
    model = net(x.shape[1], int(y.max()) + 1)
    accuracies = torch.zeros(epochs)
    for epoch in range(epochs):
        for some in shuffled(x, 24):
            params = list(model.parameters())
            slopes = torch.autograd.grad(F.cross_entropy(model(x[some]), y[some]), params)
            with torch.no_grad():
                for p, slope in zip(params, slopes, strict=True):
                    p -= 0.1 * slope
        accuracies[epoch] = (model(valid_x).argmax(1) == valid_y).float().mean()
    return model, accuracies


def by_loader(x: Tensor, y: Tensor, valid_x: Tensor, valid_y: Tensor, epochs: int) -> Any:
    model = net(x.shape[1], int(y.max()) + 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    train = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True, drop_last=True)
    valid = DataLoader(TensorDataset(valid_x, valid_y), batch_size=50)
    loss_of, accuracies = nn.CrossEntropyLoss(), []
    for _ in range(epochs):
        for xb, yb in train:
            loss_of(model(xb), yb).backward()
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            right = sum(int((model(xb).argmax(1) == yb).sum()) for xb, yb in valid)
        accuracies.append(right / len(valid_x))
    return model, np.array(accuracies)


def of_copies(copy_of: Callable[[Tensor], Tensor]) -> Any:
    return lambda x, y, valid_x, *rest: loop(copy_of(x), y, copy_of(valid_x), *rest)


def clipped(i: int, model: Any, optimizer: Any) -> bool:
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    return True


class TwoOptimizers:
    """One for each layer, each made once."""

    def __init__(self, params: Any) -> None:
        params = list(params)
        self.both = adam(params[:2]), torch.optim.SGD(params[2:], lr=0.1)

    def zero_grad(self) -> None:
        for one in self.both:
            one.zero_grad()

    def step(self) -> None:
        for one in self.both:
            one.step()


def squares(model: Any) -> Tensor:
    return 1e-3 * torch.stack([p.square().sum() for p in model.parameters()]).sum()


def dropped(p: float, n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(nn.Linear(n_in, 50), nn.ReLU(), nn.Dropout(p), nn.Linear(50, n_out))


def normed(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(n_in, 50), nn.BatchNorm1d(50), nn.ReLU(), nn.Linear(50, n_out)
    )


def ends_in_log_softmax(n_in: int, n_out: int) -> nn.Module:
    return nn.Sequential(net(n_in, n_out), nn.LogSoftmax(dim=1))


def returned_as_a_copy(*case: Any) -> Any:
    model, accuracies = loop(*case)
    return copy.deepcopy(model), accuracies


RIGHT = {
    "as written here": loop,
    "Adam, its own rate": partial(loop, optimizer=torch.optim.Adam),
    "SGD": partial(loop, optimizer=partial(torch.optim.SGD, lr=0.2)),
    "momentum": partial(loop, optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9)),
    "RMSprop": partial(loop, optimizer=partial(torch.optim.RMSprop, lr=5e-3)),
    "fused": partial(loop, optimizer=partial(adam, fused=True)),
    "two optimizers": partial(loop, optimizer=TwoOptimizers),
    "by hand": by_hand,
    "by autograd": by_autograd,
    "a loader": by_loader,
    "rows taken twice": partial(
        loop, rows=lambda x: [torch.randint(len(x), (48,)) for _ in range(10)]
    ),
    "rows by NumPy": of_copies(lambda x: torch.from_numpy(x.numpy())),
    "rows copied": of_copies(lambda x: x.detach().clone()),
    "large batches": partial(loop, rows=partial(shuffled, size=200)),
    "small batches": partial(loop, rows=partial(shuffled, size=12)),
    "two batches a step": partial(
        loop,
        rows=partial(shuffled, size=16),
        zero=lambda i: i % 2 == 0,
        step=lambda i, *_: i % 2,
    ),
    "summed loss": partial(
        loop,
        loss=partial(F.cross_entropy, reduction="sum"),
        optimizer=partial(adam, lr=0.01),
    ),
    "a penalty": partial(loop, more=squares),
    "gradients clipped": partial(loop, step=clipped),
    "a little dropout": partial(loop, make=partial(dropped, 0.2)),
    "dropout": partial(loop, make=partial(dropped, 0.5)),
    "batch norm": partial(loop, make=normed),
    "log-softmax at the end": partial(loop, make=ends_in_log_softmax, loss=F.nll_loss),
    "softmax, then log": partial(
        loop, make=ends_in_softmax, loss=lambda made, y: F.nll_loss(made.log(), y)
    ),
    "a copy returned": returned_as_a_copy,
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_loop_is_accepted_however_it_is_written(name: str) -> None:
    report = check(RIGHT[name])
    assert report.status == "right", report.text


def test_a_right_loop_is_used_and_gives_plain_accuracies() -> None:
    used = check.use(by_loader)
    model, accuracies = used(*check.cases()[0])  # type: ignore[misc]
    assert isinstance(model, nn.Module) and all(type(one) is float for one in accuracies)


# --- what the learner is not to notice ----------------------------------------------------


def test_rows_changed_in_place_are_told_in_words() -> None:
    def standardised(x: Tensor, *rest: Any) -> Any:
        x -= 0.01
        return loop(x, *rest)

    assert "It changes its input `x` in place" in check(standardised).text


def test_the_learners_own_error_is_told_once_and_as_it_is() -> None:
    def recorded(*case: Any) -> Any:
        p = torch.ones(1, requires_grad=True)
        p -= 1

    assert "It raised RuntimeError: a leaf Variable that requires grad" in check(recorded).text


def test_it_runs_on_one_thread_and_leaves_as_many_as_there_were() -> None:
    threads = torch.get_num_threads()
    seen: list[int] = []

    def counts(*case: Any) -> Any:
        seen.append(torch.get_num_threads())
        return loop(*case)

    torch.set_num_threads(2)
    try:
        assert check(counts).status == "right"
        assert set(seen) == {1} and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)

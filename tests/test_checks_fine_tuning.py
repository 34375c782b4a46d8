"""Notebook 09's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses
from torch import nn

from lesson5_utils.exercises import fine_tuning as check
from lesson5_utils.models import ConvNet

# --- shift -------------------------------------------------------------------------------

shifted = check.shift.reference


def into_zeros(pictures: Any, down: int, right: int, dtype: Any = None) -> Any:
    moved = torch.zeros(pictures.shape, dtype=dtype)
    for row in range(pictures.shape[1]):
        for col in range(pictures.shape[2]):
            if 0 <= row - down < pictures.shape[1] and 0 <= col - right < pictures.shape[2]:
                moved[:, row, col] = pictures[:, row - down, col - right]
    return moved


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x, d, r: into_zeros(x, d, r, torch.long), "the pixels were made whole"),
        (lambda x, d, r: shifted(x, d, r).int().float(), "the pixels were made whole"),
        (lambda x, d, r: shifted(x, d, r).int().tolist(), "the pixels were made whole"),
        (lambda x, d, r: into_zeros(x, d, r, torch.float64), "torch.float64"),
        (lambda x, d, r: np.roll(x.numpy(), (d, r), (1, 2)), "comes back on the other"),
        (lambda x, d, r: shifted(x, d, r).mul_(100).round() / 10, "difference"),
        (lambda x, d, r: x.copy_(shifted(x, d, r)), "changes its input `pictures`"),
        (lambda x, d, r: shifted(x, d, r)[0], "shape"),
    ],
)
def test_shift_refuses(answer: Any, phrase: str) -> None:
    refuses(check.shift, answer, phrase)


def rolled(pictures: Any, down: int, right: int) -> Any:
    return F.pad(pictures, (2, 2, 2, 2)).roll((down, right), (1, 2))[:, 2:-2, 2:-2]


@pytest.mark.parametrize(
    "answer",
    [
        into_zeros,
        rolled,
        lambda x, d, r: F.pad(x, (r, -r, d, -d)),
        lambda x, d, r: [*rolled(x, d, r)],
        lambda x, d, r: rolled(x, d, r).numpy(),
        lambda x, d, r: rolled(x, d, r).tolist(),
    ],
)
def test_shift_accepts(answer: Any) -> None:
    accepts(check.shift, answer)
    moved = check.shift.use(answer)(torch.eye(3)[None] / 2, 1, 0)
    assert moved.dtype == torch.float32
    assert moved.tolist() == [[[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]]


# --- class_map ---------------------------------------------------------------------------

mapped = check.class_map.reference


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda a, g: mapped(a, g) / mapped(a, g).max(), "0 divided by 0"),
        (lambda a, g: (mapped(a, g) / mapped(a, g).max()).tolist(), "0 divided by 0"),
        (lambda a, g: mapped(a, g) / (mapped(a, g).max() + 1e-8), "difference"),
        (lambda a, g: mapped(a, g).round(decimals=2), "difference"),
        (lambda a, g: mapped(a, g).long(), "real numbers (float32), got whole"),
        (lambda a, g: mapped(a, g).double(), "torch.float64"),
        (lambda a, g: (g.mean((1, 2), True) * a.clamp(min=0)).sum(0).clamp(0, 1), "difference"),
        (lambda a, g: mapped(a.mul_(2), g.div_(2)), "changes its input `activations`"),
        (lambda a, g: mapped(a, g)[None], "shape"),
    ],
)
def test_class_map_refuses(answer: Any, phrase: str) -> None:
    refuses(check.class_map, answer, phrase)


def channel_by_channel(activations: Any, gradients: Any) -> Any:
    total = sum(g.mean() * a for a, g in zip(activations, gradients, strict=True))
    return torch.where(total > 0, total, 0)


@pytest.mark.parametrize(
    "answer",
    [
        channel_by_channel,
        lambda a, g: torch.einsum("c,chw->hw", g.mean((1, 2)), a).clamp(min=0),
        lambda a, g: np.maximum(np.tensordot(g.numpy().mean((1, 2)), a.numpy(), 1), 0),
        lambda a, g: [*channel_by_channel(a, g)],
    ],
)
def test_class_map_accepts(answer: Any) -> None:
    accepts(check.class_map, answer)


# --- new_task ----------------------------------------------------------------------------


def with_head(*last: Any, keep: int = 2, frozen: bool = True) -> Any:
    """An answer that puts layers in the place of the last one; they are made by functions of
    its inputs and the classes."""

    def answer(model: Any, n_out: int) -> Any:
        width = model.head[-1].in_features
        model.requires_grad_(not frozen)
        layers = [make(width, n_out) for make in last]
        model.head = nn.Sequential(*list(model.head)[:keep], *layers)
        return model

    return answer


def half_frozen(model: Any, n_out: int) -> Any:
    check.new_task.reference(model, n_out).head[-1].bias.requires_grad_(False)
    return model


def changed_body(model: Any, n_out: int) -> Any:
    with torch.no_grad():
        model.late[0].weight.mul_(1.01)
    return check.new_task.reference(model, n_out)


def old_numbers(model: Any, n_out: int) -> Any:
    weight = model.head[-1].weight.detach().clone()
    check.new_task.reference(model, n_out)
    if weight.shape == model.head[-1].weight.shape:
        model.head[-1].weight = nn.Parameter(weight)
    return model


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (with_head(lambda k, n: nn.Linear(k, n, dtype=torch.float64)), "of the kind float64"),
        (with_head(lambda k, n: nn.Linear(k, n, dtype=torch.float16)), "fails on pictures now"),
        (with_head(lambda k, n: nn.Linear(k, n).double()), "of the kind float64"),
        (with_head(lambda k, n: nn.Linear(k - 1, n)), "fails on pictures now"),
        (with_head(lambda k, n: nn.Linear(256, n)), "the new layer has 256 inputs"),
        (with_head(lambda k, n: nn.Linear(k, n + 1)), "shape of the scores of 2 pictures"),
        (
            with_head(lambda k, n: nn.Linear(k, 9), lambda k, n: nn.Linear(9, n)),
            "expected 'the last layer'",
        ),
        (with_head(lambda k, n: nn.LazyLinear(n), keep=3), "stands behind the old one"),
        (with_head(lambda k, n: nn.Linear(k, n), frozen=False), "the body is not frozen"),
        (half_frozen, "expected 'the last layer', got 'head.2.weight'"),
        (changed_body, "the body is the old one"),
        (old_numbers, "the head is new"),
        (lambda model, n: model.head, "Return the model itself"),
        (lambda model, n: nn.Linear(784, n), "Return the model itself"),
        (with_head(lambda k, n: nn.Conv2d(4, n, 2), keep=0), "Return the model itself"),
    ],
)
def test_new_task_refuses(answer: Any, phrase: str) -> None:
    refuses(check.new_task, answer, phrase)


@pytest.mark.parametrize(
    "answer",
    [
        with_head(lambda k, n: nn.LazyLinear(n)),
        with_head(lambda k, n: nn.Dropout(0.2), lambda k, n: nn.Linear(k, n)),
        with_head(lambda k, n: nn.Sequential(nn.Dropout(0.2), nn.Linear(k, n))),
        with_head(lambda k, n: nn.Dropout(0.2), lambda k, n: nn.LazyLinear(n)),
        with_head(lambda k, n: nn.Linear(k, n, bias=False)),
    ],
)
def test_new_task_accepts(answer: Any) -> None:
    accepts(check.new_task, answer)
    model = check.new_task.use(answer)(ConvNet(5), 3)
    assert model(torch.zeros(2, 784)).shape == (2, 3)


# --- few ---------------------------------------------------------------------------------

chosen = check.few.reference


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda y, n: chosen(y, n).float(), "your row numbers are real numbers"),
        (lambda y, n: chosen(y, n).numpy().astype(float), "your row numbers are real numbers"),
        (lambda y, n: chosen(y, n).float().tolist(), "your row numbers are real numbers"),
        (lambda y, n: chosen(y, n).int(), "torch.int32"),
        (lambda y, n: torch.isin(torch.arange(len(y)), chosen(y, n)), "shape"),
        (lambda y, n: chosen(y.clamp_(max=4), n), "changes its input `y`"),
        (lambda y, n: y.argsort(stable=True)[: n * (int(y.max()) + 1)], "difference"),
    ],
)
def test_few_refuses(answer: Any, phrase: str) -> None:
    refuses(check.few, answer, phrase)


def counted(y: Any, n: int) -> list[int]:
    labels = y.tolist()
    return [
        row
        for label in range(max(labels) + 1)
        for row in [i for i, one in enumerate(labels) if one == label][:n]
    ]


@pytest.mark.parametrize(
    "answer",
    [
        counted,
        lambda y, n: torch.tensor(counted(y, n)),
        lambda y, n: np.array(counted(y, n)),
        lambda y, n: torch.cat([torch.where(y == one)[0][:n] for one in y.unique()]),
        lambda y, n: [torch.tensor(row) for row in counted(y, n)],
    ],
)
def test_few_accepts(answer: Any) -> None:
    accepts(check.few, answer)
    rows = check.few.use(answer)(torch.tensor([1, 0, 1]), 1)
    assert torch.tensor([7.0, 8.0, 9.0])[rows].tolist() == [8.0, 7.0]


# --- rates -------------------------------------------------------------------------------

given = check.rates.reference


def sums(lr: Any, n: int) -> Any:
    if isinstance(lr, slice) and lr.start is not None:
        return np.linspace(lr.start, lr.stop, n)
    return given(lr, n)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (
            lambda lr, n: (
                [lr.stop // 3] * (n - 1) + [lr.stop]
                if isinstance(lr, slice) and lr.start is None
                else given(lr, n)
            ),
            "// drops everything after the point",
        ),
        (sums, "your steps are equal sums"),
        (lambda lr, n: list(sums(lr, n)), "your steps are equal sums"),
        (lambda lr, n: np.array(given(lr, n)).round(4), "difference"),
        (lambda lr, n: [int(one) for one in given(lr, n)], "difference"),
        (lambda lr, n: torch.tensor(given(lr, n)).flip(0), "the wrong way round"),
        (lambda lr, n: [given(lr, n)], "3 values, got 1"),
    ],
)
def test_rates_refuses(answer: Any, phrase: str) -> None:
    refuses(check.rates, answer, phrase)


def spaced(space: Any) -> Any:
    """An answer that makes even factors by a ready-made function of (first, last, n)."""

    def answer(lr: Any, n: int) -> Any:
        if not isinstance(lr, slice):
            return np.full(n, lr)
        if lr.start is None:
            return np.r_[[lr.stop / 3] * (n - 1), lr.stop]
        return space(lr.start, lr.stop, n)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        spaced(np.geomspace),
        spaced(lambda a, b, n: list(np.geomspace(a, b, n))),
        spaced(lambda a, b, n: torch.logspace(math.log10(a), math.log10(b), n)),
        spaced(lambda a, b, n: torch.linspace(math.log(a), math.log(b), n).exp().tolist()),
        spaced(lambda a, b, n: tuple(a * (b / a) ** (i / (n - 1)) for i in range(n))),
    ],
)
def test_rates_accepts(answer: Any) -> None:
    accepts(check.rates, answer)
    used = check.rates.use(answer)(slice(1e-4, 1e-2), 3)
    assert used == pytest.approx([1e-4, 1e-3, 1e-2]) and type(used) is list

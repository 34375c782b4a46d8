"""Notebook 03's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lesson5_utils.exercises import weight_decay as check

Errors = dict[float, list[float]]


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
        (lambda ps, wd: wd * sum(p.norm() for p in ps), "the root of its sum"),
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
        ("widen", lambda errors: (errors.pop(max(errors)), "enough")[1]),
        ("widen", lambda errors: ([each.sort() for each in errors.values()], "enough")[1]),
    ],
)
def test_inputs_are_left_alone(name: str, answer: Any) -> None:
    report = getattr(check, name)(answer)
    assert report.status == "wrong" and "changes its input" in report.text, report.text


def by_sorting(errors: Errors) -> str:
    ranked = sorted(errors, key=lambda wd: np.mean(errors[wd]))
    edges = {min(errors): "smaller", max(errors): "larger"}
    return edges.get(ranked[0], "enough")


def in_order(errors: Errors) -> str:
    wds = sorted(errors)
    at = int(np.argmin([sum(errors[wd]) for wd in wds]))
    return ("smaller" if at == 0 else "Larger" if at == len(wds) - 1 else "ENOUGH").strip()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("gradient", lambda g, w, wd: (g + 2 * wd * w).tolist()),
        ("gradient", lambda g, w, wd: np.add(g.numpy(), 2 * wd * w.numpy())),
        (
            "gradient",
            lambda g, w, wd: torch.stack([a + 2 * wd * b for a, b in zip(g, w, strict=True)]),
        ),
        ("widen", by_sorting),
        ("widen", in_order),
    ],
)
def test_other_ways_to_write_it_are_right(name: str, answer: Any) -> None:
    report = getattr(check, name)(answer)
    assert report.status == "right", report.text


@pytest.mark.parametrize(
    ("name", "answer", "phrase"),
    [
        ("gradient", lambda g, w, wd: (g + 2 * wd * w).float(), "torch.float32"),
        ("gradient", lambda g, w, wd: g + wd * (w**2).sum(), "one number"),
        ("gradient", lambda g, w, wd: g + wd * w, "the 2 is missing"),
        ("gradient", lambda g, w, wd: g - 2 * wd * w, "the sign is wrong"),
        ("gradient", lambda g, w, wd: g - wd * w, "as she wrote it"),
        ("gradient", lambda g, w, wd: (g + 2 * wd * w).round(), "difference"),
        ("widen", lambda errors: "enough", "expected"),
        ("widen", lambda errors: "smaller", "expected"),
        ("widen", lambda errors: by_sorting(errors) != "enough", "expected"),
        ("widen", lambda errors: min(errors, key=lambda wd: sum(errors[wd])), "expected"),
        (
            "widen",
            lambda errors: by_sorting({k: [max(e)] for k, e in errors.items()}),
            "unluckiest",
        ),
    ],
)
def test_wrong_answers_are_refused_with_a_sentence(name: str, answer: Any, phrase: str) -> None:
    report = getattr(check, name)(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


def test_a_prediction_is_lenient_about_capitals_and_strict_about_the_choices() -> None:
    right = check.trends.reference()
    assert check.trends({key: way.upper() for key, way in right.items()}).status == "right"
    odd = check.trends(right | {"training error": "grows"})
    assert odd.status == "wrong" and "grows" in odd.text and "rises" in odd.text, odd.text
    half = check.trends(right | {"training error": ...})
    assert half.status == "unanswered"
    none = check.trends({"training error": "rises"})
    assert none.status == "wrong" and "keys" in none.text, none.text

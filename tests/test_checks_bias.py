"""Notebook 02's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lesson5_utils.exercises import bias as check


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x, a, b: a + (b - a) * x.exp() / (1 + x.exp()), "infinity divided by infinity"),
        (lambda x, a, b: (a + (b - a) * x.exp() / (1 + x.exp())).tolist(), "infinity divided"),
        (lambda x, a, b: a + (b - a) / (1 + (-x).exp()), "its gradient is not a number"),
        (lambda x, a, b: (a + (b - a) * x.sigmoid()).detach(), "no gradient flows back to `x`"),
        (lambda x, a, b: a + (b - a) * x.sigmoid().round(), "difference"),
        (lambda x, a, b: x.clamp_(a, b), "you cut off at the ends"),
    ],
)
def test_to_range_refuses(answer: Any, phrase: str) -> None:
    report = check.to_range(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, a, b: x.sigmoid() * (b - a) + a,
        lambda x, a, b: a + (b - a) * (1 + (x / 2).tanh()) / 2,
        lambda x, a, b: b - (b - a) * torch.sigmoid(-x),
        lambda x, a, b: [a + (b - a) * one.sigmoid() for one in x],
    ],
)
def test_to_range_accepts(answer: Any) -> None:
    report = check.to_range(answer)
    assert report.status == "right", report.text


def test_ones_may_stand_in_any_order_and_form() -> None:
    def mine(u: Any, m: Any, a: Any, b: Any) -> Any:
        one = torch.ones_like(a)
        return [torch.cat([a, one, u], 1), torch.cat([one, b, m], 1)]

    assert check.ones(mine).status == "right"
    assert check.ones(lambda *case: torch.stack(mine(*case))).status == "right"
    users, films = check.ones.use(mine)(*(torch.ones(2, k) for k in (3, 3, 1, 1)))
    assert users.shape == films.shape == (2, 5)


def test_ones_with_numbers_typed_in_carry_no_gradient() -> None:
    report = check.ones(lambda *case: [part.detach() for part in check.ones.reference(*case)])
    assert "no gradient flows back to" in report.text


def test_biases_of_squared_distance_may_be_columns() -> None:
    report = check.squared_distance(
        lambda x, y: (
            x.square().sum(1, keepdim=True),
            y.square().sum(1, keepdim=True),
            x * -2,
            y,
        )
    )
    assert report.status == "right", report.text


def test_squared_distance_told_what_is_missing() -> None:
    assert "Return four things" in check.squared_distance(lambda x, y: (x, y)).text
    swapped = check.squared_distance(lambda x, y: [-2 * x, y, (x**2).sum(1), (y**2).sum(1)])
    assert "The two biases come first" in swapped.text and "not [2, 2]" in swapped.text


def test_shrink_refuses_whole_division() -> None:
    assert "//" in check.shrink(lambda total, count, strength: total // (count + strength)).text

"""Notebook 09: what its own functions promise."""

from __future__ import annotations

from functools import cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lesson5_utils import layers, models
from lesson5_utils.book.index import namespace

ONE = np.array([[0.0, 1.0], [0.0, 4.0]])


@cache
def cells(*names: str) -> dict[str, Any]:
    """What these cells of the notebook define."""
    return namespace("09", "imports", *names)


# --- the notebook's functions -------------------------------------------------------------


@given(st.integers(-2, 2), st.integers(-2, 2), st.integers(0, 27), st.integers(0, 27))
def test_shifted_moves_every_pixel_and_forgets_what_leaves(
    down: int, right: int, row: int, col: int
) -> None:
    x = torch.zeros(1, 784)
    x[0, 28 * row + col] = 1
    moved = cells("answer-shift", "shifted")["shifted"](x, down, right).view(28, 28)
    inside = 0 <= row + down < 28 and 0 <= col + right < 28
    assert moved.sum() == inside and (not inside or moved[row + down, col + right] == 1)


def test_jittered_gives_each_picture_one_of_the_25_shifts_and_uses_all() -> None:
    names = cells("tasks", "answer-shift", "shifted", "jittered")
    x = torch.zeros(50, 28, 28)
    x[:, 14, 14] = 1
    before = x.clone()
    moved = names["jittered"](x.flatten(1), seed=0).view(50, 28, 28)
    places = {tuple((picture == 1).nonzero()[0].tolist()) for picture in moved}
    assert places == set(product(range(12, 17), repeat=2))
    assert torch.equal(x, before) and moved.sum() == 50
    again = names["jittered"](x.flatten(1), seed=0)
    assert torch.equal(again.view(50, 28, 28), moved)


@given(st.integers(1, 12), st.integers(0, 50))
def test_the_labelled_set_has_n_of_each_new_digit_and_depends_on_the_seed(
    n: int, seed: int
) -> None:
    names = cells("tasks", "answer-few", "few")
    x, y = names["labelled"](n, seed)
    assert x.shape == (5 * n, 784) and y.bincount().tolist() == [n] * 5
    assert torch.equal(names["labelled"](n, seed)[0], x)
    assert not torch.equal(names["labelled"](n, seed + 1)[0], x)


def test_class_maps_are_the_gradient_weighted_channels_of_one_picture() -> None:
    torch.manual_seed(0)
    model, x = models.ConvNet(5, n_channels=(3, 4, 5)), torch.rand(3, 784)
    class_maps = cells("answer-class-map", "class-map-function")["class_maps"]
    maps, chosen = class_maps(model, x)
    assert maps.shape == (3, 7, 7) and (maps >= 0).all()
    assert torch.equal(chosen, model(x).argmax(1))
    alone, _ = class_maps(model, x[1:2])
    np.testing.assert_allclose(alone[0], maps[1], atol=1e-6)
    seen = model.late[:2](model.early(x[1].view(1, 1, 28, 28))).detach()
    base = model.head(model.late[2:](seen))[0, chosen[1]]
    weights = torch.zeros(4)
    for channel in range(4):  # nudge and divide: the mean gradient of a channel
        nudged = seen.clone()
        nudged[0, channel] += 1e-3
        score = model.head(model.late[2:](nudged))[0, chosen[1]]
        weights[channel] = (score - base) / 1e-3 / 49
    expected = (weights[:, None, None] * seen[0]).sum(0).relu()
    np.testing.assert_allclose(maps[1], expected.detach(), atol=2e-3)


@given(st.floats(1e-4, 1.0), st.integers(2, 8))
def test_dividing_by_2_6_to_the_steps_gives_2_6_from_group_to_group(
    lr: float, n_groups: int
) -> None:
    rates = layers.discriminative_lrs(slice(lr / 2.6 ** (n_groups - 1), lr), n_groups)
    ratios = [high / low for low, high in pairwise(rates)]
    assert ratios == pytest.approx([2.6] * (n_groups - 1))

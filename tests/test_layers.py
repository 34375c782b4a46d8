"""Layer groups: freezing, unfreezing, and one learning rate for each."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from toys import normed, pictures

from lesson5_utils import models, optimizers, training
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError
from lesson5_utils.layers import (
    discriminative_lrs,
    freeze_to,
    frozen_norms,
    layer_groups,
    unfreeze,
)
from lesson5_utils.schedules import PCT_START, OneCycle
from lesson5_utils.training import fit

RATES = st.floats(1e-6, 1.0)


def net() -> models.ConvNet:
    torch.manual_seed(0)
    return models.ConvNet(n_out=3, n_channels=(2, 3, 4))


def train(model: nn.Module, lr: Any = 0.1, epochs: int = 2, **settings: Any) -> Any:
    data = pictures()
    settings = {"batch_size": 10, "loss": F.cross_entropy, "seed": 0} | settings
    return fit(model, data, data, epochs, lr, progress=False, **settings)


def state(part: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in part.state_dict().items()}


def moved(part: nn.Module, before: dict[str, Tensor]) -> list[str]:
    return [name for name, v in part.state_dict().items() if not torch.equal(v, before[name])]


# --- groups -------------------------------------------------------------------------------


def test_a_convolutional_net_has_three_groups_from_input_to_output() -> None:
    model = net()
    expected = [list(part.parameters()) for part in (model.early, model.late, model.head)]
    groups = layer_groups(model)
    assert [[id(p) for p in g] for g in groups] == [[id(p) for p in g] for g in expected]


def test_layers_without_parameters_are_no_groups_and_a_single_layer_is_one() -> None:
    assert len(layer_groups(nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)))) == 2
    assert [len(group) for group in layer_groups(nn.Linear(2, 1))] == [2]


def test_a_shared_parameter_belongs_to_the_first_group_only() -> None:
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    first, second = layer_groups(model)
    assert first == [model[0].weight] and second == [model[1].bias]


def test_a_parameter_outside_of_every_layer_is_refused_by_name() -> None:
    model = nn.Sequential(nn.Linear(2, 2))
    model.register_parameter("scale", nn.Parameter(torch.ones(1)))
    with pytest.raises(ArgumentError, match="belong to no layer group: scale"):
        layer_groups(model)


def test_a_model_may_say_itself_what_its_groups_are() -> None:
    users, films = 5, 4
    for kind in (models.DotProduct, models.DotProductBias):
        (group,) = layer_groups(kind(users, films, 3))
        assert len(group) == len(list(kind(users, films, 3).parameters()))
    tables, net_above = layer_groups(models.EmbeddingNet(users, films, 3))
    assert [tuple(p.shape) for p in tables] == [(5, 3), (4, 3)] and len(net_above) == 6
    tabular = models.TabularNet([3, 4], 2, batch_norm=True)
    embeddings, rest = layer_groups(tabular)
    assert len(embeddings) == 2 and len(rest) == len(list(tabular.parameters())) - 2


def test_a_slice_gives_the_dot_products_tables_one_rate(sample: Ratings) -> None:
    few = sample.rows(torch.arange(100))
    model = models.DotProductBias(len(sample.users), len(sample.movies), 3)
    before = state(model)
    history = fit(model, few, few, 1, slice(3e-2), schedule=None, progress=False)
    assert history.lr == [3e-2] * 2 and moved(model, before) == list(before)


def test_a_layer_called_groups_is_a_layer() -> None:
    model = nn.Sequential()
    model.add_module("groups", nn.Linear(2, 1))
    assert [len(group) for group in layer_groups(model)] == [2]


# --- freezing -----------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "learns"), [(0, 0), (1, 1), (2, 2), (-1, 2), (-2, 1), (-3, 0)])
def test_groups_before_n_are_frozen(n: int, learns: int) -> None:
    model = net()
    freeze_to(model, n)
    wanted = [all(p.requires_grad for p in group) for group in layer_groups(model)]
    assert wanted == [number >= learns for number in range(3)]


@pytest.mark.parametrize("n", [3, -4, 99, 1.0, True, "1"])
def test_a_group_that_is_not_there_is_refused(n: Any) -> None:
    with pytest.raises(
        ArgumentError, match=f"3 layer groups, must be .* from -3 to 2, not {n!r}"
    ):
        freeze_to(net(), n)


@pytest.mark.parametrize("lr", [0.1, slice(0.1), slice(0.01, 0.1)])
@pytest.mark.parametrize("maker", [torch.optim.SGD, optimizers.SGD, optimizers.AdamW, None])
def test_a_frozen_body_stays_bit_identical_and_the_head_learns(lr: Any, maker: Any) -> None:
    model = net()
    train(model)  # leaves gradients and, with them, a temptation
    freeze_to(model, -1)
    early, late, head = state(model.early), state(model.late), state(model.head)
    train(model, lr, **({"optimizer": maker} if maker else {}))
    assert moved(model.early, early) == moved(model.late, late) == []
    assert moved(model.head, head) == list(head)


def test_unfrozen_everything_learns() -> None:
    model = net()
    freeze_to(model, -1)
    unfreeze(model)
    before = state(model)
    train(model)
    assert moved(model, before) == list(before)


def test_frozen_batch_norm_keeps_its_averages_and_the_others_learn() -> None:
    model = normed()
    freeze_to(model, -1)
    before = state(model[:2])
    train(model)
    assert moved(model[:2], before) == []
    freeze_to(model, 1)
    train(model)
    assert moved(model[0], {k: before[f"0.{k}"] for k in state(model[0])}) == []
    assert "1.running_mean" in moved(model[1], {k: before[f"1.{k}"] for k in state(model[1])})
    unfreeze(model)
    train(model)
    assert "0.1.running_mean" in moved(model[:2], before)


def test_a_norm_without_weights_goes_with_the_layer_before_it() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 6), nn.BatchNorm1d(6, affine=False), nn.ReLU(), nn.Linear(6, 3)
    )
    freeze_to(model, -1)
    before = state(model)
    train(model)
    assert moved(model, before) == ["3.weight", "3.bias"]
    unfreeze(model)
    train(model)
    assert "1.running_mean" in moved(model, before)


def test_the_first_norm_of_a_model_goes_with_nothing_and_is_not_frozen() -> None:
    model = nn.Sequential(nn.BatchNorm1d(64, affine=False), nn.Linear(64, 3))
    assert list(frozen_norms(model)) == []


def test_the_layer_before_a_norm_may_stand_in_another_part() -> None:
    norm = nn.BatchNorm1d(6, affine=False)
    model = nn.Sequential(
        nn.Sequential(nn.Linear(64, 6)), nn.Sequential(norm, nn.Linear(6, 6)), nn.Linear(6, 3)
    )
    freeze_to(model, 1)
    assert list(frozen_norms(model)) == [norm]


def test_prediction_leaves_a_frozen_part_in_evaluation_mode() -> None:
    model = normed()
    model.train()
    model[0].eval()
    training.predict(model, pictures())
    assert model.training and not model[0].training and not model[0][1].training


@pytest.mark.parametrize(
    ("rows", "batch_size", "advice"),
    [
        (40, 13, "use batch_size=14"),
        (41, 10, "use batch_size=11"),
        (40, 1, "use batch_size=2"),
        (1, 10, "give it more rows"),
    ],
)
def test_a_batch_of_one_row_is_refused_where_batch_norm_would_fail(
    rows: int, batch_size: int, advice: str
) -> None:
    data = pictures(rows)
    settings: dict[str, Any] = {"batch_size": batch_size, "loss": F.cross_entropy}
    model = normed()
    before = state(model)
    with pytest.raises(ArgumentError, match=f"single row: {advice}"):
        fit(model, data, data, 1, 0.1, progress=False, **settings)
    with pytest.raises(ArgumentError, match=f"single row: {advice}"):
        training.lr_find(model, data, **settings)
    assert moved(model, before) == []
    freeze_to(model, -1)  # frozen batch norm uses its averages: one row will do
    fit(model, data, data, 1, 0.1, progress=False, **settings)


def test_the_range_test_leaves_frozen_layers_and_their_averages_alone() -> None:
    model = normed()
    freeze_to(model, -1)
    before = state(model)
    training.lr_find(model, pictures(), loss=F.cross_entropy, batch_size=10, seed=0)
    assert moved(model, before) == []


def test_a_model_frozen_altogether_is_refused_before_any_work() -> None:
    model = net()
    for p in model.parameters():
        p.requires_grad_(False)
    for lr in (0.1, slice(0.1)):
        with pytest.raises(ArgumentError, match="unfreeze first"):
            train(model, lr)


# --- one rate per group -------------------------------------------------------------------


def test_the_three_forms_of_the_lecture() -> None:
    assert discriminative_lrs(1e-3, 3) == [1e-3] * 3
    assert discriminative_lrs(slice(1e-3), 3) == [1e-3 / 3, 1e-3 / 3, 1e-3]
    assert discriminative_lrs(slice(1e-5, 1e-3), 3) == pytest.approx([1e-5, 1e-4, 1e-3])


@given(RATES, RATES, st.integers(2, 8))
def test_a_slice_is_multiplicatively_even(first: float, last: float, n: int) -> None:
    rates = discriminative_lrs(slice(first, last), n)
    assert len(rates) == n and math.isclose(rates[0], first)
    assert math.isclose(rates[-1], last, rel_tol=1e-9)
    for before, after in pairwise(rates):
        assert math.isclose(after / before, (last / first) ** (1 / (n - 1)), rel_tol=1e-6)


@given(RATES, RATES)
def test_a_single_group_takes_the_last_rate(first: float, last: float) -> None:
    for lr in (last, slice(last), slice(first, last)):
        assert discriminative_lrs(lr, 1) == [last]


@pytest.mark.parametrize(
    "lr",
    [0, -1, math.nan, "fast", None, slice(None), slice(0, 1), slice(1, -1), slice(1, 2, 3)],
)
def test_what_is_no_rate_is_refused(lr: Any) -> None:
    with pytest.raises(ArgumentError, match="lr"):
        discriminative_lrs(lr, 3)
    with pytest.raises(ArgumentError, match="lr"):
        train(net(), lr)


def test_each_group_follows_a_one_cycle_to_its_own_top() -> None:
    seen: list[list[float]] = []

    class Noting(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    history = train(net(), slice(0.01, 0.1), optimizer=Noting)
    plans = [OneCycle(top, 8, pct_start=PCT_START) for top in (0.01, 0.1**1.5, 0.1)]
    expected = [[plan.lr(step) for plan in plans] for step in range(8)]
    for rates, wanted in zip(seen, expected, strict=True):
        assert rates == pytest.approx(wanted)
    assert history.lr == pytest.approx([rates[-1] for rates in expected])


def test_the_rates_act_on_the_groups_they_belong_to() -> None:
    model, by_hand = net(), net()
    train(model, slice(0.02), 1, optimizer=torch.optim.SGD, schedule=None, wd=0, batch_size=40)
    x, y = pictures()
    F.cross_entropy(by_hand(x), y).backward()
    with torch.no_grad():
        parts = [(by_hand.early, 0.02 / 3), (by_hand.late, 0.02 / 3), (by_hand.head, 0.02)]
        for part, lr in parts:
            for p in part.parameters():
                p -= lr * p.grad
    for own, other in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(own, other)


def test_after_freezing_the_remaining_groups_keep_their_rates() -> None:
    model = net()
    freeze_to(model, -2)
    history = train(model, slice(0.01, 0.1), schedule=None)
    assert set(history.lr) == {0.1}

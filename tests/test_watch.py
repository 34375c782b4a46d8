"""What is seen of a training loop from outside: rows, gradients, steps, and the loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim import optimizer as hooks

from lesson5_utils.exercises.engine.watch import Watch

X, VALID_X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)), torch.ones(4, 3)
Y = torch.arange(12) % 2


def step(watch: Watch, model: Any, rows: Any, optimizer: Any, zero: bool = True) -> None:
    if zero:
        optimizer.zero_grad()
    F.cross_entropy(model(watch.given_x[rows]), Y[rows]).backward()
    optimizer.step()


def made() -> tuple[Watch, nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    return Watch(X, VALID_X), model, torch.optim.SGD(model.parameters(), lr=0.1)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.sets(st.integers(0, 11), min_size=1), min_size=1, max_size=5))
def test_the_rows_of_every_batch_are_seen(batches: list[set[int]]) -> None:
    watch, model, optimizer = made()
    with watch:
        for rows in batches:
            step(watch, model, sorted(rows), optimizer)
    assert [one.rows.tolist() for one in watch.backwards] == [sorted(r) for r in batches]
    assert watch.largest_share == max(map(len, batches)) / 12
    assert watch.passes(epochs=1) == pytest.approx(sum(map(len, batches)) / 12)
    assert not watch.learned_from_valid and not watch.stale and not watch.remade
    assert watch.is_cross_entropy(model, Y)


def test_nothing_is_seen_outside_and_nothing_stays_behind() -> None:
    watch, model, optimizer = made()
    with pytest.raises(KeyError), watch:
        step(watch, model, [0], optimizer)
        raise KeyError
    step(watch, model, [1], optimizer)
    assert len(watch.backwards) == 1 and not hooks._global_optimizer_pre_hooks
    assert torch.equal(watch.given_x, X)


def test_validation_rows_count_only_where_they_were_learned_from() -> None:
    watch, model, _ = made()
    with watch:
        model(watch.given_valid_x).argmax(dim=1)
        F.cross_entropy(model(watch.given_x), Y).backward()
        assert not watch.learned_from_valid
        F.cross_entropy(model(watch.given_valid_x), Y[:4]).backward()
    assert watch.learned_from_valid


def test_an_old_gradient_counts_only_after_a_step() -> None:
    watch, model, optimizer = made()
    with watch:
        for rows in ([0, 1], [2, 3]):
            F.cross_entropy(model(watch.given_x[rows]), Y[rows]).backward()
        assert not watch.stale  # two small batches make one step
        optimizer.step()
        step(watch, model, [4, 5], optimizer, zero=False)
    assert watch.stale


def test_a_parameter_moved_by_two_optimizers_is_noticed() -> None:
    watch, model, optimizer = made()
    with watch:
        step(watch, model, [0, 1], optimizer)
        step(watch, model, [2, 3], optimizer)
        assert not watch.remade
        step(watch, model, [4, 5], torch.optim.SGD(model.parameters(), lr=0.1))
    assert watch.remade


def test_standing_still_and_losses_that_are_not_finite() -> None:
    watch, model, _ = made()
    with watch:
        F.cross_entropy(model(watch.given_x), Y).backward()
    assert watch.stands_still and watch.finite
    with watch, torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
        with torch.enable_grad():
            F.cross_entropy(model(watch.given_x), Y).backward()
    assert not watch.stands_still and not watch.finite


def test_again_brings_the_weights_back_and_takes_them_away() -> None:
    watch, model, optimizer = made()
    before = [p.detach().clone() for p in model.parameters()]
    with watch:
        step(watch, model, [0, 1], optimizer)
    after = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(KeyError), watch.backwards[0].again():
        assert all(map(torch.equal, model.parameters(), before))
        raise KeyError
    assert all(map(torch.equal, model.parameters(), after))


def test_what_was_measured_after_each_epoch_is_found_again() -> None:
    watch, model, optimizer = made()
    measured = []

    def measure() -> float:
        with torch.no_grad():
            return F.cross_entropy(model(X), Y).item()

    with watch:
        for _ in range(3):
            for rows in torch.arange(12).split(4):
                step(watch, model, rows, optimizer)
            measured.append(measure())
    assert watch.after_each_epoch(model, 3, measure) == measured
    assert watch.after_each_epoch(model, 4, measure) is None  # 9 steps are no 4 epochs
    assert watch.after_each_epoch(nn.Linear(3, 2), 3, measure) is None  # another model
    with_means = nn.Sequential(model, nn.BatchNorm1d(2, affine=False))
    assert watch.after_each_epoch(with_means, 3, measure) is None


def losses(scores: Tensor, y: Tensor, model: nn.Module) -> dict[str, tuple[Tensor, bool]]:
    plain = F.cross_entropy(scores, y)
    penalty = torch.stack([p.square().sum() for p in model.parameters()]).sum()
    return {
        "plain": (plain, True),
        "summed": (F.cross_entropy(scores, y, reduction="sum"), True),
        "written out": (-scores.softmax(1)[range(len(y)), y].log().mean(), True),
        "with a penalty": (plain + penalty, True),
        "softmax twice": (F.cross_entropy(scores.softmax(1), y), False),
        "other classes": (F.cross_entropy(scores, 1 - y), False),
        "a square": (F.mse_loss(scores, F.one_hot(y, 2).float()), False),
    }


@pytest.mark.parametrize("name", losses(torch.zeros(1, 2), Y[:1], nn.Linear(1, 1)))
def test_the_loss_is_known_by_what_it_does_to_the_rows(name: str) -> None:
    watch, model, _ = made()
    with torch.no_grad():
        next(model.parameters()).mul_(6)  # a model that is sure of some rows
    with watch:
        loss, right = losses(model(watch.given_x), Y, model)[name]
        loss.backward()
    assert watch.is_cross_entropy(model, Y) is right


def test_the_models_mode_stays() -> None:
    watch, model, _ = made()
    model.eval()
    with watch:
        F.cross_entropy(model(watch.given_x), Y).backward()
    assert watch.is_cross_entropy(model, Y) and not model.training

"""The training loop against a plain one, its promises when things go wrong, the range test."""

from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils import training
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError, TrainingDiverged
from lesson5_utils.models import DotProductBias
from lesson5_utils.schedules import OneCycle

Data = tuple[Tensor, ...]
SGD = torch.optim.SGD


def points(n: int = 50, seed: int = 0) -> Data:
    """x [n, 3] and a noisy linear function of it [n]."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 3, generator=generator)
    y = x @ torch.tensor([1.0, -2.0, 0.5]) + 0.1 * torch.randn(n, generator=generator)
    return x, y


class Line(nn.Module):
    """A linear layer, and a note of the mode in which each batch met it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.dropout = nn.Linear(3, 1), nn.Dropout(0.5)
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append((self.training, torch.is_grad_enabled()))
        return self.layer(x).squeeze(1)


class Noisy(Line):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.dropout(x))


def weights(model: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(model.state_dict())


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)


# --- batches, predict, evaluate -----------------------------------------------------------


def test_every_row_comes_once_and_the_last_batch_is_smaller() -> None:
    data = torch.arange(10), torch.arange(10) * 2
    cut = list(training.batches(data, 4))
    assert [len(x) for x, _ in cut] == [4, 4, 2]
    assert torch.cat([x for x, _ in cut]).sort().values.tolist() == list(range(10))
    assert all(torch.equal(y, 2 * x) for x, y in cut)


def test_the_order_comes_from_the_generator() -> None:
    data = torch.arange(10), torch.arange(10)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(3))
    cut = training.batches(data, 3, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.cat([x for x, _ in cut]), order)


def test_without_a_generator_the_order_is_the_global_seeds_and_changes_each_time() -> None:
    data = torch.arange(30), torch.arange(30)

    def order() -> list[int]:
        return torch.cat([x for x, _ in training.batches(data, 7)]).tolist()

    training.set_seed(1)
    first, second = order(), order()
    training.set_seed(1)
    assert order() == first != second


def test_without_shuffle_the_order_stays() -> None:
    data = torch.arange(10), torch.arange(10)
    cut = list(training.batches(data, 4, shuffle=False))
    assert [x.tolist() for x, _ in cut] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_ratings_are_cut_into_users_films_and_ratings(sample: Ratings) -> None:
    user, movie, rating = next(training.batches(sample, 64, shuffle=False))
    assert torch.equal(user, sample.user[:64]) and torch.equal(movie, sample.movie[:64])
    assert torch.equal(rating, sample.rating[:64])


def test_set_seed_fixes_all_three_sources_of_chance() -> None:
    import random

    drawn = []
    for _ in range(2):
        training.set_seed(5)
        drawn.append((random.random(), np.random.random(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]


def test_evaluate_is_the_loss_over_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "ROWS_AT_ONCE", 7)  # 50 rows: the last batch is smaller
    model, (x, y) = Line(), points()
    plain = np.mean((model(x).detach().numpy() - y.numpy()) ** 2)
    assert training.evaluate(model, (x, y)) == pytest.approx(plain, rel=1e-6)
    plain = np.mean(np.abs(model(x).detach().numpy() - y.numpy()))
    assert training.evaluate(model, (x, y), F.l1_loss) == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("mode", [True, False])
def test_predict_leaves_the_mode_and_wants_no_gradient(mode: bool) -> None:
    model, (x, y) = Noisy().train(mode), points()
    predicted = training.predict(model, (x, y))
    assert model.training is mode and not predicted.requires_grad
    assert torch.equal(predicted, training.predict(model, (x, y)))  # no dropout
    assert set(model.seen) == {(False, False)}


def test_predict_leaves_the_mode_also_after_an_error() -> None:
    model = Line().train()
    with pytest.raises(RuntimeError):
        training.predict(model, (torch.ones(4, 9), torch.ones(4)))
    assert model.training


# --- fit ----------------------------------------------------------------------------------


def by_hand(
    model: nn.Module, data: Data, epochs: int, rate: Callable[[int], float], wd: float
) -> tuple[list[float], list[float]]:
    """The loop that everybody writes; returns loss and learning rate of each batch."""
    *inputs, target = data
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.99), weight_decay=wd)
    generator = torch.Generator().manual_seed(7)
    losses: list[float] = []
    rates: list[float] = []
    for _ in range(epochs):
        for rows in torch.randperm(len(target), generator=generator).split(16):
            optimizer.param_groups[0]["lr"] = rate(len(losses))
            loss = ((model(*(part[rows] for part in inputs)) - target[rows]) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            rates.append(rate(len(rates)))
    return losses, rates


def test_fit_at_a_constant_rate_is_the_plain_loop() -> None:
    mine, theirs, data = Line(), Line(), points()
    losses, _ = by_hand(theirs, data, 3, lambda _: 0.05, wd=0.1)
    history = training.fit(
        mine, data, data, 3, 0.05, batch_size=16, wd=0.1, schedule=None, seed=7
    )
    assert history.loss == pytest.approx(losses, rel=1e-6, abs=1e-6)
    assert history.lr == [0.05] * 12 and history.momentum == [0.9] * 12
    for one, other in zip(mine.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)


def test_fit_on_ratings_is_the_plain_loop(sample: Ratings) -> None:
    few = sample.rows(torch.arange(200))
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(DotProductBias(len(sample.users), len(sample.movies), 4))
    losses, _ = by_hand(models[0], (few.user, few.movie, few.rating), 2, lambda _: 0.05, 0.1)
    history = training.fit(
        models[1], few, few, 2, 0.05, batch_size=16, wd=0.1, schedule=None, seed=7
    )
    assert history.loss == pytest.approx(losses, rel=1e-5)


def test_one_cycle_rates_and_momenta_are_those_of_schedules() -> None:
    history = training.fit(Line(), points(), points(), 3, 0.05, batch_size=16, seed=0)
    plan = OneCycle(0.05, 12, pct_start=0.25)
    assert history.lr == [plan.lr(step) for step in range(12)]
    assert history.momentum == [plan.momentum(step) for step in range(12)]


def test_one_cycle_reaches_the_optimizer_before_each_step() -> None:
    used: list[tuple[float, float]] = []

    class Spy(SGD):
        def step(self, closure: Any = None) -> None:
            used.append((self.param_groups[0]["lr"], self.param_groups[0]["momentum"]))
            super().step(closure)

    optimizer = partial(Spy, momentum=0.9)
    history = training.fit(Line(), points(), points(), 2, 0.05, optimizer=optimizer)
    assert used == list(zip(history.lr, history.momentum, strict=True))
    assert len(set(history.momentum)) > 1


def test_momentum_is_not_cycled_where_there_is_none() -> None:
    history = training.fit(Line(), points(), points(), 2, 0.05, optimizer=SGD)
    assert history.momentum == [] and len(history.lr) == 2


def test_wd_is_a_penalty_with_sgd() -> None:
    model, (x, y) = Line(), points()
    w, b = model.layer.weight.detach().clone(), model.layer.bias.detach().clone()
    error = x @ w[0] + b - y
    gradient_w, gradient_b = 2 * (error[:, None] * x).mean(dim=0), 2 * error.mean()
    settings = {"batch_size": 50, "schedule": None, "optimizer": SGD}
    training.fit(model, (x, y), (x, y), 1, 0.1, wd=0.3, **settings)
    torch.testing.assert_close(model.layer.weight[0], w[0] - 0.1 * (gradient_w + 0.3 * w[0]))
    torch.testing.assert_close(model.layer.bias, b - 0.1 * (gradient_b + 0.3 * b))


def test_wd_is_a_decay_with_the_default_optimizer() -> None:
    x, y = torch.zeros(8, 3), torch.zeros(8)  # no gradient for the weights
    model = Line()
    before = model.layer.weight.detach().clone()
    training.fit(model, (x, y), (x, y), 1, 0.1, wd=0.3, schedule=None)
    torch.testing.assert_close(model.layer.weight, before * (1 - 0.1 * 0.3))


def test_the_same_seeds_give_the_same_model() -> None:
    fits = []
    for _ in range(2):
        training.set_seed(0)
        model = Noisy()
        history = training.fit(model, points(), points(), 2, 0.05, batch_size=16, seed=3)
        fits.append((history.loss, history.valid, weights(model)))
    assert fits[0][:2] == fits[1][:2] and same(fits[0][2], fits[1][2])


def test_fits_seed_orders_the_batches_and_touches_nothing_else() -> None:
    torch.manual_seed(11)
    before = torch.get_rng_state()
    training.fit(Line_built(), points(), points(), 2, 0.05, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    losses = [
        training.fit(Line(), points(), points(), 1, 0.05, batch_size=16, seed=seed).loss
        for seed in (3, 4)
    ]
    assert losses[0] != losses[1]


def Line_built() -> Line:  # noqa: N802
    """A model built without moving the global random numbers."""
    with torch.random.fork_rng():
        return Line()


@pytest.mark.parametrize("mode", [True, False])
def test_dropout_acts_in_training_and_not_in_validation(mode: bool) -> None:
    model = Noisy().train(mode)
    history = training.fit(model, points(), points(), 2, 0.05, batch_size=25)
    assert model.seen == [(True, True), (True, True), (False, False)] * 2
    assert not model.training
    assert history.valid[-1] == training.evaluate(model, points())


def test_learning_lowers_the_validation_error() -> None:
    model = Line()
    before = training.evaluate(model, points(seed=1))
    history = training.fit(model, points(), points(seed=1), 20, 0.1, wd=0, batch_size=16)
    assert history.valid[-1] < 0.05 * before


def test_metrics_are_computed_over_all_of_valid() -> None:
    def bias(pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).mean()

    def rows(pred: Tensor, target: Tensor) -> int:
        return len(pred)

    model, valid = Line(), points(33, seed=1)
    history = training.fit(model, points(), valid, 2, 0.05, metrics=[bias, rows])
    assert [epoch["rows"] for epoch in history.metrics] == [33, 33]
    last = (training.predict(model, valid) - valid[1]).mean().item()
    assert history.metrics[-1]["bias"] == pytest.approx(last, rel=1e-5)


def test_history_has_one_entry_per_batch_and_per_epoch() -> None:
    history = training.fit(Line(), points(), points(), 3, 0.05, batch_size=20)
    assert [len(history.loss), len(history.lr), len(history.momentum)] == [9, 9, 9]
    per_epoch = [history.train, history.valid, history.metrics, history.seconds]
    assert [len(values) for values in per_epoch] == [3, 3, 3, 3]
    assert history.train[1] == pytest.approx(np.mean(history.loss[3:6]))
    assert all(seconds > 0 for seconds in history.seconds)


def test_history_shows_a_table_without_seconds() -> None:
    history = training.History(
        train=[1.25, 0.5], valid=[1.5, 0.75], metrics=[{"mae": 1.0}, {"mae": 0.5}]
    )
    history.seconds = [1.0, 12345.0]
    assert repr(history).splitlines() == [
        "epoch     train     valid       mae",
        "    1     1.250     1.500     1.000",
        "    2     0.500     0.750     0.500",
    ]


# --- what fit refuses ---------------------------------------------------------------------

EMPTY = (torch.ones(0, 3), torch.ones(0))
UNEQUAL = (torch.ones(5, 3), torch.ones(4))

WRONG = [
    ({"epochs": 0}, "epochs"),
    ({"epochs": -1}, "epochs"),
    ({"epochs": 1.5}, "epochs"),
    ({"epochs": True}, "epochs"),
    ({"lr": 0}, "lr"),
    ({"lr": -0.1}, "lr"),
    ({"lr": math.nan}, "lr"),
    ({"lr": math.inf}, "lr"),
    ({"lr": "fast"}, "lr"),
    ({"batch_size": 0}, "batch_size"),
    ({"batch_size": 2.5}, "batch_size"),
    ({"wd": -0.1}, "wd"),
    ({"wd": math.nan}, "wd"),
    ({"schedule": "x"}, "one_cycle"),
    ({"train": EMPTY}, "empty"),
    ({"valid": EMPTY}, "empty"),
    ({"train": UNEQUAL}, "one length"),
    ({"valid": UNEQUAL}, "one length"),
    ({"train": (torch.ones(5),)}, "at least two tensors"),
    ({"device": "abacus"}, "device 'abacus'"),
]


@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
def test_a_wrong_argument_is_refused_before_any_work(
    wrong: dict[str, Any], sentence: str
) -> None:
    model = Line()
    before = weights(model)
    right = {"train": points(), "valid": points(), "epochs": 1, "lr": 0.1}
    with pytest.raises(ArgumentError, match=sentence):
        training.fit(model, **(right | wrong))
    assert same(weights(model), before) and model.training and not model.seen


def test_the_device_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESSON5_DEVICE", "abacus")
    with pytest.raises(ArgumentError, match="abacus"):
        training.fit(Line(), points(), points(), 1, 0.1)
    training.fit(Line(), points(), points(), 1, 0.1, device="cpu")


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_batches_refuses_a_wrong_size(size: Any) -> None:
    with pytest.raises(ArgumentError, match="batch_size"):
        next(training.batches(points(), size))


# --- what fit does when it cannot go on ---------------------------------------------------


def nan_at(call: int) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss that is not a number from its `call`-th training batch on."""
    count = 0

    def loss(pred: Tensor, target: Tensor) -> Tensor:
        nonlocal count
        count += pred.requires_grad
        return F.mse_loss(pred, target) * (math.nan if count >= call else 1)

    return loss


def test_a_nan_loss_stops_and_puts_back_the_weights_of_the_epochs_start() -> None:
    model, reference = Line(), Line()
    settings: dict[str, Any] = {"batch_size": 25, "seed": 0, "schedule": None}
    training.fit(reference, points(), points(), 1, 0.05, **settings)
    with pytest.raises(TrainingDiverged, match=r"nan at batch 4 \(epoch 2\).*lr=5e-03") as told:
        training.fit(model, points(), points(), 3, 0.05, loss=nan_at(4), **settings)
    assert same(weights(model), weights(reference))
    history = told.value.history
    assert isinstance(history, training.History)
    assert len(history.valid) == 1 and len(history.loss) == 4 and math.isnan(history.loss[3])
    assert not model.training


@pytest.mark.parametrize("rows_per_batch", [10, 50])  # 50: one step per epoch
def test_a_rate_far_too_high_leaves_finite_weights(rows_per_batch: int) -> None:
    model = Line()
    with pytest.raises(TrainingDiverged, match="lower learning rate"):
        training.fit(
            model, points(), points(), 60, 1e9, batch_size=rows_per_batch, optimizer=SGD
        )
    assert all(value.isfinite().all() for value in weights(model).values())


def test_weights_lost_in_the_very_last_step_are_not_returned_in_silence() -> None:
    model = Line()
    before = weights(model)
    with pytest.raises(TrainingDiverged, match=r"validation loss became inf \(epoch 1\)"):
        training.fit(model, points(), points(), 1, 1e20, schedule=None, optimizer=SGD)
    assert same(weights(model), before)


def test_ctrl_c_passes_on_with_the_history_and_a_usable_model() -> None:
    count = 0

    def loss(pred: Tensor, target: Tensor) -> Tensor:
        nonlocal count
        count += pred.requires_grad
        if count == 4:
            raise KeyboardInterrupt
        return F.mse_loss(pred, target)

    model = Line()
    with pytest.raises(KeyboardInterrupt) as stopped:
        training.fit(model, points(), points(), 3, 0.05, batch_size=25, loss=loss)
    history = stopped.value.history
    assert len(history.loss) == 3 and len(history.valid) == 1
    assert "    1 " in repr(history)
    assert not model.training and training.predict(model, points()).isfinite().all()
    training.fit(model, points(), points(), 1, 0.05)


# --- progress -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "progress", "shown"),
    [("0", None, False), ("1", None, True), ("0", True, True), ("1", False, False)],
)
def test_the_bar_is_shown_as_asked(
    setting: str,
    progress: bool | None,
    shown: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LESSON5_PROGRESS", setting)
    training.fit(Line(), points(), points(), 1, 0.05, progress=progress)
    told = capsys.readouterr()
    assert (told.err != "") is shown and told.out == ""


# --- the range test -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("seed", [None, 3])
def test_the_range_test_leaves_model_mode_and_chance_as_they_were(
    mode: bool, seed: int | None
) -> None:
    model = Noisy().train(mode)
    before, chance = weights(model), torch.get_rng_state()
    training.lr_find(model, points(), batch_size=8, seed=seed)
    assert same(weights(model), before) and model.training is mode
    assert torch.equal(torch.get_rng_state(), chance)
    assert [p.grad for p in model.parameters()] == [None, None]


def test_the_range_test_stops_when_the_loss_explodes() -> None:
    test = training.lr_find(Line(), points(), end_lr=1e6, optimizer=SGD, steps=200, seed=0)
    assert 5 < len(test.lr) == len(test.loss) < 200
    assert test.loss[-1] > 4 * min(test.loss)
    assert all(math.isfinite(value) for value in test.loss)


def test_rates_rise_by_one_factor_from_start_to_end() -> None:
    test = training.lr_find(Line(), points(), start_lr=1e-6, end_lr=1e-3, steps=31, seed=0)
    assert test.lr[0] == pytest.approx(1e-6) and test.lr[-1] == pytest.approx(1e-3)
    assert np.diff(np.log(test.lr)) == pytest.approx([math.log(1e3) / 30] * 30)


def test_suggestions_lie_inside_the_range_and_below_the_explosion() -> None:
    test = training.lr_find(Line(), points(), batch_size=16, seed=0)
    assert set(test.suggestions) == {"steepest", "minimum / 10", "valley"}
    lowest = test.lr[int(np.argmin(test.loss))]
    assert all(1e-5 <= rate <= lowest for rate in test.suggestions.values())
    assert repr(test).startswith("steepest: ") and "valley: " in repr(test)


def test_the_range_test_repeats_with_its_seed() -> None:
    tests = [training.lr_find(Line(), points(), batch_size=8, seed=s) for s in (1, 1, 2)]
    assert tests[0].loss == tests[1].loss != tests[2].loss


def test_suggestions_on_a_curve_made_by_hand() -> None:
    rates = [10.0**k for k in range(-7, 3)]
    losses = [5.0, 5.0, 4.9, 4.5, 3.0, 2.5, 2.2, 2.1, 4.0, 9.0]
    found = training._suggestions(rates, losses)
    assert found["minimum / 10"] == pytest.approx(rates[7] / 10)
    assert found["steepest"] == rates[4]  # central differences: 4.5 → 2.5


def test_the_valley_is_the_middle_of_the_longest_fall() -> None:
    # the longest fall: 9 8 7 6 5 4 3 (a bump of 20 and a dip to 1 do not belong to it)
    assert training._valley([9, 8, 20, 7, 6, 1, 5, 4, 3, 30]) == 4
    assert training._valley([3, 2, 1]) == 1
    assert training._valley([1, 2, 3]) == 0


def test_smoothing_starts_without_a_delay() -> None:
    assert training.smooth([3, 3, 3]) == pytest.approx([3, 3, 3])
    assert training.smooth([0, 1], beta=0.5) == pytest.approx([0, 2 / 3])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"start_lr": 0}, "lr"),
        ({"start_lr": 1, "end_lr": 1}, "end_lr"),
        ({"end_lr": math.nan}, "end_lr"),
        ({"end_lr": math.inf}, "end_lr"),
        ({"steps": 9}, "10 steps"),
        ({"batch_size": 0}, "batch_size"),
        ({"wd": -1}, "wd"),
        ({"train": EMPTY}, "empty"),
    ],
)
def test_a_range_test_that_cannot_work_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    model = Line()
    with pytest.raises(ArgumentError, match=sentence):
        training.lr_find(model, **({"train": points()} | wrong))
    assert not model.seen


def test_a_range_test_that_explodes_at_once_says_so_and_restores() -> None:
    model = Line()
    before = weights(model)
    with pytest.raises(TrainingDiverged, match="lower start_lr"):
        training.lr_find(model, points(), start_lr=1e9, end_lr=1e20, optimizer=SGD)
    assert same(weights(model), before)


# --- threads ------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", ["two", "0"])
def test_a_wrong_number_of_threads_is_told_in_one_sentence(threads: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import lesson5_utils.training"],
        env={**os.environ, "LESSON5_THREADS": threads},
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert f"LESSON5_THREADS must be a whole number, such as 2, not {threads!r}" in run.stderr

"""The loop, `fit` against a plain loop and when things go wrong, and `lr_find`."""

from __future__ import annotations

import inspect
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
from toys import Data, Line, Noisy, normed, pictures, points, same, weights

from lesson5_utils import layers, training
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError, TrainingDiverged
from lesson5_utils.hooks import Hook, Run, Stop
from lesson5_utils.models import DotProductBias
from lesson5_utils.schedules import OneCycle, one_cycle

SGD = torch.optim.SGD


def test_set_seed_fixes_all_three_sources_of_chance() -> None:
    import random

    drawn = []
    for _ in range(2):
        training.set_seed(5)
        drawn.append((random.random(), np.random.random(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]


# --- the loop -----------------------------------------------------------------------------


class Diary(Hook):
    """Writes down each moment, and what the run says then."""

    def __init__(self, ends_at: str = "") -> None:
        self.told: list[str] = []
        self.ends_at = ends_at

    def __getattribute__(self, name: str) -> Any:
        if name not in MOMENTS:
            return super().__getattribute__(name)

        def note(run: Run) -> None:
            self.told.append(f"{name} {run.epoch}.{run.step}")
            if self.told[-1] == self.ends_at:
                raise Stop

        return note


MOMENTS = {"start", "before_epoch", "before_step", "after_step", "after_epoch", "end"}


def test_the_hooks_are_told_of_every_moment_in_order() -> None:
    diary, other = Diary(), Diary()
    training.fit(Line(), points(), points(), 2, 0.1, batch_size=25, hooks=[diary, other])
    assert diary.told == other.told
    assert diary.told == [
        "start 0.0",
        *("before_epoch 0.0", "before_step 0.0", "after_step 0.0"),
        *("before_step 0.1", "after_step 0.1", "after_epoch 0.2"),
        *("before_epoch 1.2", "before_step 1.2", "after_step 1.2"),
        *("before_step 1.3", "after_step 1.3", "after_epoch 1.4"),
        "end 1.4",
    ]


@pytest.mark.parametrize("moment", ["after_step 0.1", "after_epoch 0.2", "before_epoch 1.2"])
def test_a_hook_may_stop_the_training_in_good_order(moment: str) -> None:
    diary, model = Diary(ends_at=moment), Line()
    history = training.fit(model, points(), points(), 3, 0.1, batch_size=25, hooks=[diary])
    assert diary.told[-1].startswith("end") and diary.told[-2] == moment
    assert len(history.loss) == 2 and not model.training
    assert len(history.valid) == ("epoch" in moment)


@pytest.mark.parametrize("moment", sorted(MOMENTS))
@pytest.mark.parametrize("what", [Stop, KeyboardInterrupt, ZeroDivisionError])
def test_whatever_a_hook_raises_the_others_are_told_of_the_end(
    moment: str, what: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(run: Run) -> None:
        raise what

    first, last, model = Diary(), Hook(), Line()
    setattr(last, moment, fail)
    arguments = (model, points(), points(), 2, 0.1)
    if what is Stop:
        history = training.fit(*arguments, hooks=[first, last], progress=True)
    else:
        with pytest.raises(what) as told:
            training.fit(*arguments, hooks=[first, last], progress=True)
        history = getattr(told.value, "history", training.History())
    assert [one.split()[0] for one in first.told].count("end") == 1
    assert first.told[-1].startswith("end") and not model.training
    assert len(repr(history).splitlines()) == len(history.valid) + 1
    assert capsys.readouterr().err.endswith("\r"), "the bar is taken away"


def test_the_loop_alone_is_predict_loss_gradient_step() -> None:
    mine, theirs, (x, y) = Line(), Line(), points()
    run = Run(mine, SGD(mine.parameters(), lr=0.1), F.mse_loss, epochs=3, steps=3)
    training.loop(run, lambda: [(x, y)], [])
    optimizer = SGD(theirs.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = F.mse_loss(theirs(x), y)
        loss.backward()
        optimizer.step()
    assert same(weights(mine), weights(theirs)) and run.step == 3
    assert run.loss is not None and run.loss.item() == loss.item() and mine.training


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
    assert history.lr == pytest.approx([plan.lr(step) for step in range(12)], rel=1e-12)
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


def test_a_schedule_may_be_a_function_of_the_step() -> None:
    asked: list[tuple[int, int]] = []

    def halves(step: int, steps: int) -> float:
        asked.append((step, steps))
        return 0.5**step

    history = training.fit(Line(), points(), points(), 2, 0.1, batch_size=25, schedule=halves)
    assert history.lr == pytest.approx([0.1, 0.05, 0.025, 0.0125])
    assert asked == [(step, 4) for step in range(4)] and history.momentum == [0.9] * 4


def test_a_schedule_may_set_the_momentum_too() -> None:
    settings: dict[str, Any] = {"batch_size": 25, "seed": 0}
    for optimizer in (partial(SGD, momentum=0.9), training.ADAMW):
        settings["optimizer"] = optimizer
        own = training.fit(Line(), points(), points(), 2, 0.1, schedule=one_cycle, **settings)
        named = training.fit(Line(), points(), points(), 2, 0.1, **settings)
        assert own.loss == named.loss and own.momentum == named.momentum


@pytest.mark.parametrize(
    ("planned", "sentence"),
    [
        (-0.1, "share of lr that the schedule plans must be a number of at least 0"),
        (math.nan, "share of lr that the schedule plans must be a number of at least 0"),
        ("low", "share of lr that the schedule plans must be a number of at least 0"),
        (None, "share of lr that the schedule plans .* not None"),
        (torch.tensor(0.5), "share of lr that the schedule plans .* not tensor"),
        ((1, 0.9, 0.9), "share of lr that the schedule plans"),
        ((1, 1), "momentum that the schedule plans must be a number of at least 0 and below 1"),
        ((1, -0.1), "momentum that the schedule plans"),
    ],
)
def test_a_schedule_that_plans_nonsense_is_told(planned: Any, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        training.fit(
            *(Line(), points(), points(), 2, 0.1),
            batch_size=25,
            schedule=lambda step, steps: planned if step else 1.0,
        )


def test_a_schedule_may_give_numpys_numbers() -> None:
    half, tenth = np.float32(0.5), np.float64(0.1)
    history = training.fit(
        *(Line(), points(), points(), 1, 0.1), schedule=lambda step, steps: (half, tenth)
    )
    assert history.lr == [0.05] and history.momentum == [0.1]
    assert type(history.lr[0]) is type(history.momentum[0]) is float


@pytest.mark.parametrize(
    "optimizer",
    [partial(SGD, momentum=0.0), partial(torch.optim.AdamW, betas=(0.0, 0.99))],
)
def test_a_momentum_of_0_is_not_cycled(optimizer: Any) -> None:
    seen = []

    class Watch(Hook):
        def after_step(self, run: Run) -> None:
            group = run.optimizer.param_groups[0]
            seen.append(group["betas"][0] if "betas" in group else group["momentum"])

    training.fit(Line(), points(), points(), 2, 0.05, optimizer=optimizer, hooks=[Watch()])
    assert set(seen) == {0}


def test_the_default_is_the_fused_adamw_of_the_lectures_library() -> None:
    made = training.ADAMW([torch.zeros(1, requires_grad=True)])
    assert type(made) is torch.optim.AdamW
    assert made.defaults["fused"] is True and made.defaults["betas"] == (0.9, 0.99)


@pytest.mark.parametrize("setting", [None, "", "1", "2"])
def test_threads_are_set_while_training_and_then_put_back(
    setting: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if setting is None:
        monkeypatch.delenv("LESSON5_THREADS", raising=False)
    else:
        monkeypatch.setenv("LESSON5_THREADS", setting)
    seen: list[int] = []

    class Watch(Hook):
        def after_step(self, run: Run) -> None:
            seen.append(torch.get_num_threads())

    class Watched(Line):
        def forward(self, x: Tensor) -> Tensor:
            seen.append(torch.get_num_threads() if self.training else wanted)
            return super().forward(x)

    wanted, before = int(setting or 1), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        training.fit(Line(), points(), points(), 1, 0.1, hooks=[Watch()])
        training.lr_find(Watched(), points(), steps=10)
        with pytest.raises(TrainingDiverged):
            training.fit(Line(), points(), points(), 1, 0.1, loss=nan_at(1), hooks=[Watch()])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {wanted} and len(seen) > 10


@pytest.mark.parametrize("threads", ["two", "0", "-1", "1.5"])
def test_a_wrong_number_of_threads_is_told_in_one_sentence(
    threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSON5_THREADS", threads)
    sentence = f"LESSON5_THREADS must be a whole number, such as 2, not {threads!r}"
    with pytest.raises(ArgumentError, match=sentence):
        training.fit(Line(), points(), points(), 1, 0.1)
    with pytest.raises(ArgumentError, match=sentence):
        training.lr_find(Line(), points())


def test_importing_changes_no_setting() -> None:
    code = (
        "import torch; torch.set_num_threads(3); state = torch.get_rng_state();"
        "import lesson5_utils.training;"
        "print(torch.get_num_threads(), torch.equal(state, torch.get_rng_state()))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "LESSON5_THREADS": "nonsense"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "3 True\n"


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
    training.fit(built_apart(), points(), points(), 2, 0.05, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    losses = [
        training.fit(Line(), points(), points(), 1, 0.05, batch_size=16, seed=seed).loss
        for seed in (3, 4)
    ]
    assert losses[0] != losses[1]


def built_apart() -> Line:
    """A model built without moving the global random numbers."""
    with torch.random.fork_rng():
        return Line()


@pytest.mark.parametrize("mode", [True, False])
def test_dropout_acts_in_training_and_not_in_validation(mode: bool) -> None:
    model = Noisy().train(mode)
    history = training.fit(model, points(), points(), 2, 0.05, batch_size=25)
    first, *modes = model.seen[1:]  # before it: a look at two rows of train and of valid
    assert first == (False, False)
    assert modes == [(True, True), (True, True), (False, False)] * 2
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


def test_metrics_may_be_named() -> None:
    named = {"one": lambda pred, target: 1.0, "two": lambda pred, target: 2.0}
    history = training.fit(Line(), points(), points(), 1, 0.05, metrics=named)
    assert history.metrics == [{"one": 1.0, "two": 2.0}]
    assert "one       two" in repr(history)


def test_ctrl_c_inside_a_metric_leaves_a_history_that_can_be_shown() -> None:
    calls = 0

    def slow(pred: Tensor, target: Tensor) -> float:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return 0.5

    with pytest.raises(KeyboardInterrupt) as stopped:
        training.fit(Line(), points(), points(), 3, 0.05, metrics=[slow])
    history = stopped.value.history  # type: ignore[attr-defined]
    assert repr(history).splitlines()[1:] == [
        f"    1{history.train[0]:10.3f}{history.valid[0]:10.3f}     0.500"
    ]
    assert len(history.loss) == 2 and len(history.seconds) == 1


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
    ({"schedule": 3}, "one_cycle"),
    *(
        ({"seed": seed}, "seed must be a whole number from 0 to")
        for seed in (-1, 1.5, "a", 2**40)
    ),
    ({"model": Line}, "model must be a torch.nn.Module"),
    ({"model": lambda x: x}, "model must be a torch.nn.Module"),
    ({"loss": "mse"}, "loss must be a function"),
    ({"loss": nn.MSELoss}, r"such as .* nn.MSELoss\(\), not <class"),
    ({"optimizer": None}, "optimizer must be a class"),
    ({"optimizer": SGD([torch.zeros(1)], lr=1)}, "optimizer must be a class, .* not SGD"),
    ({"lr": torch.tensor(0.1)}, "lr must be a number above 0"),
    ({"lr": 10**400}, "lr must be a number above 0"),
    ({"metrics": F.l1_loss}, "metrics must be a list of functions"),
    ({"hooks": Hook()}, "hooks must be a list of hooks, not Hook"),
    ({"hooks": None}, "hooks must be a list of hooks, not NoneType"),
    ({"device": 3.5}, "device '3.5' is not available"),
    ({"device": "hpu"}, "device 'hpu' is not available"),
    ({"metrics": [F.mse_loss, F.mse_loss]}, "two metrics have one name"),
    ({"metrics": ["mae"]}, "metric 'str' must be a function"),
    ({"metrics": {"mae": 1}}, "metric 'mae' must be a function"),
    ({"hooks": [print]}, "subclass of hooks.Hook, not builtin_function"),
    ({"hooks": [Hook]}, "subclass of hooks.Hook, not type"),
    ({"train": EMPTY}, "empty"),
    ({"valid": EMPTY}, "empty"),
    ({"train": UNEQUAL}, "one length"),
    ({"valid": UNEQUAL}, "one length"),
    ({"train": (torch.ones(5),)}, "at least two tensors"),
    ({"train": points()[0]}, "not Tensor"),
    ({"train": tuple(part.numpy() for part in points())}, "torch.as_tensor"),
    ({"valid": (torch.tensor(1.0), torch.tensor(2.0))}, "a row for each example"),
    ({"device": "abacus"}, "device 'abacus'"),
    ({"device": "meta"}, "device 'meta' is not available"),
]


@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
def test_a_wrong_argument_is_refused_before_any_work(
    wrong: dict[str, Any], sentence: str
) -> None:
    model = Line()
    before = weights(model)
    right = {"model": model, "train": points(), "valid": points(), "epochs": 1, "lr": 0.1}
    with pytest.raises(ArgumentError, match=sentence):
        training.fit(**(right | wrong))
    assert same(weights(model), before) and model.training and not model.seen


@pytest.mark.parametrize("mode", [True, False])
@pytest.mark.parametrize("which", ["train", "valid"])
def test_a_prediction_of_another_shape_is_refused_and_no_mode_changes(
    mode: bool, which: str
) -> None:
    class Column(Line):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x)[:, None]

    model = Column().train(mode)
    model.layer.train(not mode)  # each part keeps its own mode
    before, (x, y) = weights(model), points()
    right = {"train": (x, y[:, None]), "valid": (x, y[:, None])}
    with pytest.raises(ArgumentError, match=r"predictions \[2, 1\] for targets \[2\]"):
        training.fit(model, **(right | {which: (x, y)}), epochs=1, lr=0.1)
    assert model.training is mode and model.layer.training is not mode
    assert same(weights(model), before)
    training.fit(model, **right, epochs=1, lr=0.1)


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"loss": nn.MSELoss}, {"optimizer": None}, {"model": Line}]
)
def test_the_range_test_refuses_what_fit_refuses(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        training.lr_find(**({"model": Line(), "train": points()} | wrong))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "a", None])
def test_set_seed_refuses_what_is_no_seed_and_changes_nothing(seed: Any) -> None:
    before = torch.get_rng_state()
    with pytest.raises(ArgumentError, match="seed must be a whole number from 0 to 4294967295"):
        training.set_seed(seed)
    assert torch.equal(torch.get_rng_state(), before)


def test_numpys_numbers_are_numbers() -> None:
    plain = training.fit(Line(), points(), points(), 2, 0.5, batch_size=7, wd=0.5, seed=3)
    three, half = np.int64(3), np.float32(0.5)
    data = points(), points()
    history = training.fit(
        Line(), *data, np.int16(2), half, batch_size=np.int8(7), wd=half, seed=three
    )
    assert history.loss == plain.loss
    training.set_seed(three)
    drawn = torch.rand(1)
    training.set_seed(3)
    assert torch.equal(torch.rand(1), drawn)


def test_data_of_another_kind_of_number_than_the_weights_is_told() -> None:
    x, y = points()
    model, fine = Line(), points()
    for data, sentence in (
        ({"train": (x.double(), y), "valid": fine}, "input 1 of train is torch.float64"),
        ({"train": fine, "valid": (x.double(), y)}, "input 1 of valid is torch.float64"),
    ):
        with pytest.raises(ArgumentError, match=f"{sentence}.*torch.float32.*float"):
            training.fit(model, **data, epochs=1, lr=0.1)
    assert model.training
    wide = x.double(), y.double()
    assert training.fit(Line().double(), wide, wide, 1, 0.1).valid
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):  # not our matter
        training.fit(model, (x[:, :2], y), (x[:, :2], y), 1, 0.1)


def test_whole_numbers_may_be_targets_and_are_not_stretched() -> None:
    x, y = points()
    whole, floats = (x, y.round().long()), (x, y.round())
    fits = [training.fit(Line(), data, data, 2, 0.1, seed=0) for data in (whole, floats)]
    assert fits[0].loss == pytest.approx(fits[1].loss) and fits[0].valid == fits[1].valid
    column = nn.Linear(3, 1)
    for use in (
        lambda: training.evaluate(column, whole),
        lambda: training.fit(column, whole, whole, 1, 0.1),
    ):
        with pytest.raises(ArgumentError, match="give both one shape"):
            use()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_missing_in_the_data_are_not_blamed_on_the_rate(bad: float) -> None:
    x, y = points()
    broken_x, broken_y = x.clone(), y.clone()
    broken_x[7, 1] = broken_y[9] = bad
    for data, sentence in (
        ((broken_x, y), r"input 1 of train .*\(first in row 7\)"),
        ((x, broken_y), r"the target of train .*\(first in row 9\)"),
    ):
        with pytest.raises(ArgumentError, match=sentence):
            training.fit(Line(), data, (x, y), 1, 0.1)
        with pytest.raises(ArgumentError, match=sentence):
            training.lr_find(Line(), data)
    with pytest.raises(ArgumentError, match="the target of valid"):
        training.fit(Line(), (x, y), (x, broken_y), 1, 0.1)


def test_a_model_without_parameters_is_refused() -> None:
    class Nothing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.sum(dim=1)

    with pytest.raises(ArgumentError, match="no parameters"):
        training.fit(Nothing(), points(), points(), 1, 0.1)
    with pytest.raises(ArgumentError, match="no parameters"):
        training.lr_find(Nothing(), points())


def test_a_dataset_of_torch_is_data_too() -> None:
    data = torch.utils.data.TensorDataset(*points())
    fits = [training.fit(Line(), d, d, 1, 0.1, seed=0) for d in (data, points())]
    assert fits[0].valid == fits[1].valid


@pytest.mark.parametrize("name", ["abacus", "meta"])
def test_the_device_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("LESSON5_DEVICE", name)
    model = Line()
    with pytest.raises(ArgumentError, match=f"device '{name}' is not available here"):
        training.fit(model, points(), points(), 1, 0.1)
    assert model.layer.weight.device.type == "cpu" and model.training
    training.fit(Line(), points(), points(), 1, 0.1, device="cpu")


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


def test_the_bar_counts_the_steps_and_tells_the_last_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    history = training.fit(*(Line(), points(), points(), 3, 0.05), batch_size=10, progress=True)
    told = capsys.readouterr().err
    assert "| 15/15 [" in told, "5 steps in each of 3 epochs"
    for epoch, valid in enumerate(history.valid, start=1):
        assert f"epoch {epoch}: valid {valid:.3f}" in told
    assert told.endswith("\r"), "the finished bar is taken away"


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


def test_the_range_test_uses_the_size_and_the_decay_that_it_is_given() -> None:
    sizes, made = set(), []

    class Sizes(Line):
        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                sizes.add(len(x))
            return super().forward(x)

    def maker(groups: Any, **options: Any) -> Any:
        made.append(options)
        return SGD(groups, **options)

    training.lr_find(
        *(Sizes(), points()), batch_size=25, wd=0.3, steps=12, start_lr=1e-4, optimizer=maker
    )
    assert sizes == {25} and made == [{"lr": 1e-4, "weight_decay": 0.3}]


def defaults(function: Callable[..., Any]) -> dict[str, Any]:
    found = inspect.signature(function).parameters.values()
    return {one.name: one.default for one in found if one.default is not one.empty}


def test_the_defaults_are_those_that_the_notebooks_speak_of() -> None:
    fit, find = defaults(training.fit), defaults(training.lr_find)
    assert (fit["batch_size"], fit["wd"], fit["schedule"]) == (64, 0.01, "one_cycle")
    assert (find["start_lr"], find["end_lr"], find["steps"]) == (1e-5, 10, 100)
    assert (find["batch_size"], find["wd"]) == (64, 0.01)
    assert defaults(training.batches)["batch_size"] == 64


def test_the_range_test_leaves_every_part_in_its_own_mode() -> None:
    model = Noisy().train()
    model.dropout.eval()
    training.lr_find(model, points(), batch_size=8)
    assert model.training and model.layer.training and not model.dropout.training


def test_the_range_test_keeps_frozen_norms_as_they_are_while_it_runs() -> None:
    model = normed()
    layers.freeze_to(model, -1)
    modes: set[tuple[bool, ...]] = set()
    model[0].register_forward_hook(lambda part, *_: modes.add((part[1].training,)))
    before = weights(model)
    training.lr_find(model, pictures(), loss=F.cross_entropy, batch_size=10, seed=0)
    assert modes == {(False,)} and same(weights(model), before)


def explode_by(factor: float) -> Callable[[Tensor, Tensor], Tensor]:
    """A loss of 1 that, from the 11th training batch on, is `factor`, whatever is predicted."""
    count = 0

    def loss(pred: Tensor, target: Tensor) -> Tensor:
        nonlocal count
        count += 1
        return pred.sum() * 0 + (factor if count > 10 else 1.0)

    return loss


@pytest.mark.parametrize(("factor", "stops"), [(3.9, False), (4.3, True), (8.0, True)])
def test_the_range_test_ends_at_four_times_the_best_loss(factor: float, stops: bool) -> None:
    test = training.lr_find(Line(), points(), steps=80, loss=explode_by(factor), seed=0)
    assert (len(test.loss) < 80) is stops
    if stops:
        assert test.loss[-1] > 4 * min(test.loss) and test.loss[-2] <= 4 * min(test.loss)


def test_a_loss_below_zero_is_no_explosion() -> None:
    def loss(pred: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(pred, target) - 50

    test = training.lr_find(Line(), points(), steps=30, end_lr=0.1, loss=loss, seed=0)
    assert len(test.loss) == 30 and max(test.loss) < 0
    wild = training.lr_find(
        Line(), points(), steps=200, end_lr=1e6, loss=loss, optimizer=SGD, seed=0
    )
    assert len(wild.loss) < 200 and wild.loss[-1] > 0


@pytest.mark.parametrize("offset", [0.1, 3.0, 5.0, 50.0])
def test_advice_does_not_depend_on_where_the_zero_of_a_loss_lies(offset: float) -> None:
    def find(loss: Any) -> training.RangeTest:
        return training.lr_find(Line(), points(), batch_size=8, end_lr=0.1, loss=loss, seed=0)

    plain, moved = find(F.mse_loss), find(lambda pred, y: F.mse_loss(pred, y) - offset)
    assert moved.lr == plain.lr and moved.suggestions == plain.suggestions


@pytest.mark.parametrize("train", [training.lr_find, partial(training.fit, epochs=1, lr=0.1)])
def test_a_loss_that_never_is_a_number_is_not_blamed_on_the_rate(train: Any) -> None:
    model, data = Line(), {"train": points()}
    if train is not training.lr_find:
        data["valid"] = points()
    before = weights(model)
    with pytest.raises(TrainingDiverged, match="no rate is to blame"):
        train(model, **data, loss=nan_at(1))
    assert same(weights(model), before)


def test_a_loss_that_becomes_nan_ends_the_range_test_and_is_left_out() -> None:
    test = training.lr_find(Line(), points(), steps=40, loss=nan_at(21), seed=0)
    assert len(test.loss) == len(test.lr) == 20


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


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"start_lr": 0}, "lr"),
        ({"start_lr": 1, "end_lr": 1}, "end_lr"),
        ({"end_lr": math.nan}, "end_lr"),
        ({"end_lr": math.inf}, "end_lr"),
        ({"steps": 9}, "steps must be a whole number of at least 10, not 9"),
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

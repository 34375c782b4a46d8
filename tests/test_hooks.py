"""Each hook on a run of its own; what they do together in `fit` is in test_training.py."""

from __future__ import annotations

import copy
import math
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from toys import Line, normed, points, same, weights

from lesson5_utils import hooks, layers, training
from lesson5_utils.errors import ArgumentError, TrainingDiverged
from lesson5_utils.hooks import History, Record, Run

SGD = torch.optim.SGD


def run_of(model: torch.nn.Module | None = None, **options: Any) -> Run:
    model = model or Line()
    return Run(model, SGD(model.parameters(), **({"lr": 0.1} | options)), F.mse_loss, 3, 12)


def finished(run: Run, valid: float, **metrics: float) -> None:
    """As `Validate` leaves the history of an epoch."""
    run.history.valid.append(valid)
    run.history.metrics.append(metrics)


def test_a_plain_hook_does_nothing_at_any_moment() -> None:
    run, hook = run_of(), hooks.Hook()
    before = weights(run.model)
    for moment in ("start", "before_epoch", "before_step", "after_step", "after_epoch", "end"):
        getattr(hook, moment)(run)
    assert same(weights(run.model), before) and run.history == History()


# --- schedule and record ------------------------------------------------------------------


def test_a_schedule_gives_each_group_its_share_of_its_own_rate() -> None:
    model = Line()
    groups = [
        {"params": [p], "lr": lr} for p, lr in zip(model.parameters(), (1.0, 0.2), strict=True)
    ]
    run = Run(model, SGD(groups, lr=1.0), F.mse_loss, 1, 4)
    hook = hooks.Schedule(lambda step, steps: (steps - step) / steps)
    hook.start(run)
    for run.step, share in enumerate((1, 0.75, 0.5)):
        hook.before_step(run)
        rates = [group["lr"] for group in run.optimizer.param_groups]
        assert rates == pytest.approx([share, 0.2 * share])


def test_a_schedule_of_rates_leaves_the_momentum_alone() -> None:
    run = run_of(momentum=0.7)
    hook = hooks.Schedule(lambda step, steps: 0)
    hook.start(run)
    hook.before_step(run)
    assert run.optimizer.param_groups[0]["momentum"] == 0.7
    assert run.optimizer.param_groups[0]["lr"] == 0


def test_the_second_beta_stays() -> None:
    model = Line()
    run = Run(model, torch.optim.Adam(model.parameters(), betas=(0.8, 0.99)), F.mse_loss, 1, 4)
    hook = hooks.Schedule(lambda step, steps: (1, 0.6))
    hook.start(run)
    hook.before_step(run)
    assert run.optimizer.param_groups[0]["betas"] == (0.6, 0.99)


def test_the_record_is_of_the_last_group() -> None:
    model = Line()
    groups = [
        {"params": [p], "lr": lr} for p, lr in zip(model.parameters(), (1.0, 0.2), strict=True)
    ]
    run = Run(model, SGD(groups, lr=1.0, momentum=0.5), F.mse_loss, 1, 4)
    run.loss, hook = torch.tensor(3.5), hooks.Record()
    hook.start(run)
    hook.after_step(run)
    assert (run.history.loss, run.history.lr, run.history.momentum) == ([3.5], [0.2], [0.5])
    for group in run.optimizer.param_groups:
        group["momentum"] = 0
    hook.start(run)
    hook.after_step(run)
    assert run.history.loss == [3.5, 3.5] and run.history.momentum == [0.5]


@pytest.mark.parametrize("kind", [partial(SGD, momentum=0.9), torch.optim.Adam])
def test_a_momentum_may_pass_through_0(kind: Any) -> None:
    plan, model = [0.0, 0.9, 0.0, 0.7], Line()
    run = Run(model, kind(model.parameters(), lr=0.1), F.mse_loss, 1, 4)
    run.loss, both = torch.tensor(1.0), (hooks.Schedule(lambda i, _: (1, plan[i])), Record())
    training.tell(both, "start", run)
    for run.step in range(4):
        training.tell(both, "before_step", run)
        training.tell(both, "after_step", run)
    assert run.history.momentum == plan


# --- norms --------------------------------------------------------------------------------


def test_frozen_norms_are_put_into_evaluation_mode_and_others_are_not() -> None:
    model = normed()
    layers.freeze_to(model, 1)
    run = run_of(model.train())
    hooks.FrozenNorms().before_epoch(run)
    assert not model[0][1].training and model[1][1].training and model[0][0].training


# --- validation ---------------------------------------------------------------------------


def test_validation_fills_one_row_of_the_history_or_none() -> None:
    def interrupted(pred: Tensor, target: Tensor) -> float:
        raise KeyboardInterrupt

    run, (x, y) = run_of(), points()
    hook = hooks.Validate((x, y), {"mean": lambda pred, target: pred.mean()})
    run.history.loss += [9.0, 9.0]  # of an epoch before
    hook.before_epoch(run)
    run.history.loss += [1.0, 2.0, 6.0]
    hook.after_epoch(run)
    assert run.history.train == [3.0]
    assert run.history.valid == [training.evaluate(run.model, (x, y))]
    assert run.history.metrics[0]["mean"] == pytest.approx(run.model(x).mean().item())
    before = copy.deepcopy(run.history)
    hook.metrics = {"never": interrupted}
    with pytest.raises(KeyboardInterrupt):
        hook.after_epoch(run)
    assert run.history == before


def test_a_metric_may_change_what_it_is_given_and_the_loss_stays() -> None:
    def spoil(pred: Tensor, target: Tensor) -> Tensor:
        return pred.zero_().sum()

    run, hook = run_of(), hooks.Validate(points(), {"spoil": spoil})
    hook.before_epoch(run)
    run.history.loss.append(1.0)
    hook.after_epoch(run)
    assert run.history.valid == [training.evaluate(run.model, points())]


def test_validation_knows_the_target_and_the_time_it_took() -> None:
    class Zero(Line):
        def forward(self, x: Tensor, z: Tensor) -> Tensor:
            return super().forward(x) * 0

    (x, y), model = points(), Zero()
    run, hook = run_of(model), hooks.Validate((x, x, y), {})
    hook.before_epoch(run)
    run.history.loss.append(1.0)
    hook.after_epoch(run)
    assert run.history.valid == pytest.approx([y.square().mean().item()])
    assert 0 < run.history.seconds[0] < 60


# --- rollback -----------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_lost_loss_brings_back_the_start_of_the_epoch(lost: float) -> None:
    run, hook = run_of(), hooks.Rollback()
    hook.before_epoch(run)
    before = weights(run.model)
    torch.nn.init.ones_(run.model.layer.weight)
    run.history.loss, run.history.lr, run.epoch = [1.0], [0.5], 2
    hook.after_step(run)
    assert not same(weights(run.model), before), "all is well so far"
    run.history.loss.append(lost)
    with pytest.raises(TrainingDiverged, match=rf"{lost} at batch 2 \(epoch 3\).*lr=5e-02"):
        hook.after_step(run)
    assert same(weights(run.model), before)


def test_a_loss_that_never_was_a_number_is_not_blamed_on_the_rate() -> None:
    run, hook = run_of(), hooks.Rollback()
    hook.before_epoch(run)
    before = weights(run.model)
    torch.nn.init.ones_(run.model.layer.weight)
    run.history.loss, run.history.lr = [math.nan], [0.5]
    with pytest.raises(TrainingDiverged, match=r"nan at batch 1 .*no rate is to blame") as told:
        hook.after_step(run)
    assert "lower" not in str(told.value) and same(weights(run.model), before)


# --- keep the best ------------------------------------------------------------------------


def after_epochs(keep: hooks.KeepBest, values: list[float], name: str = "") -> Run:
    """A run whose weights are the number of the epoch, with these values."""
    run = run_of()
    for run.epoch, value in enumerate(values):
        torch.nn.init.constant_(run.model.layer.weight, run.epoch + 1)
        finished(run, 0.0 if name else value, **({name: value} if name else {}))
        keep.after_epoch(run)
    return run


def test_the_best_epoch_is_kept_and_ended_with() -> None:
    keep = hooks.KeepBest()
    run = after_epochs(keep, [3.0, 1.0, 1.0, 2.0])
    assert (keep.epoch, keep.value) == (2, 1.0), "the first of two that are equal"
    assert (keep.weights["layer.weight"] == 2).all()
    assert (run.model.layer.weight == 4).all()
    keep.end(run)
    assert (run.model.layer.weight == 2).all()


def test_the_highest_value_of_a_metric_may_be_the_best() -> None:
    keep = hooks.KeepBest("accuracy", highest=True, restore=False)
    run = after_epochs(keep, [0.5, 0.9, 0.7], "accuracy")
    assert (keep.epoch, keep.value) == (2, 0.9)
    keep.end(run)
    assert (run.model.layer.weight == 3).all(), "not restored"


def test_of_equal_highest_values_the_first_is_kept() -> None:
    keep = hooks.KeepBest("accuracy", highest=True)
    after_epochs(keep, [0.5, 0.9, 0.9], "accuracy")
    assert keep.epoch == 2


def test_each_fit_keeps_its_own_best() -> None:
    keep, first, second = hooks.KeepBest(), Line(), Line()
    training.fit(first, points(), points(), 20, 0.1, hooks=[keep])
    best, value = weights(first), keep.value
    torch.nn.init.constant_(second.layer.weight, 5)
    history = training.fit(second, points(), points(), 1, 0.01, hooks=[keep])
    assert keep.epoch == 1 and keep.value == history.valid[0] > value
    assert same(weights(second), keep.weights) and not same(weights(second), best)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, TrainingDiverged])
def test_the_best_epoch_is_also_there_after_an_interrupt_or_a_lost_run(stop: type) -> None:
    class Break(hooks.Hook):
        def before_step(self, run: Run) -> None:
            if run.epoch == 2 and stop is KeyboardInterrupt:
                raise KeyboardInterrupt

    def loss(pred: Tensor, target: Tensor) -> Tensor:
        late = len(keep_told) == 2 and pred.requires_grad and stop is TrainingDiverged
        return F.mse_loss(pred, target) * (math.nan if late else 1)

    class Told(hooks.Hook):
        def after_epoch(self, run: Run) -> None:
            keep_told.append(run.epoch)

    keep_told: list[int] = []
    model, keep = Line(), hooks.KeepBest()
    with pytest.raises(stop) as stopped:
        training.fit(
            *(model, points(), points(), 4, 0.1), loss=loss, hooks=[keep, Told(), Break()]
        )
    history = stopped.value.history
    assert len(history.valid) == 2 and keep.value == min(history.valid)
    assert same(weights(model), keep.weights) and not model.training


def test_without_a_finished_epoch_there_is_nothing_to_bring_back() -> None:
    keep, run = hooks.KeepBest(), run_of()
    before = weights(run.model)
    keep.end(run)
    assert keep.epoch == 0 and same(weights(run.model), before)


def test_a_metric_that_is_not_measured_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"unknown metric 'acuracy'.*mean 'accuracy'"):
        after_epochs(hooks.KeepBest("acuracy"), [0.5], "accuracy")


def test_keep_best_in_fit_gives_the_weights_of_the_lowest_validation_loss() -> None:
    model, keep = Line(), hooks.KeepBest()
    states: list[dict[str, Tensor]] = []

    class Watch(hooks.Hook):
        def after_epoch(self, run: Run) -> None:
            states.append(weights(run.model))

    history = training.fit(
        *(model, points(), points(seed=1), 6, 1.0), batch_size=10, hooks=[Watch(), keep], seed=0
    )
    best = min(range(6), key=history.valid.__getitem__)
    assert best < 5, "or this test would show nothing"
    assert keep.epoch == best + 1 and keep.value == history.valid[best]
    assert same(weights(model), states[best]) and not model.training
    assert training.evaluate(model, points(seed=1)) == pytest.approx(history.valid[best])


# --- the end of a range test --------------------------------------------------------------


def stops(losses: list[float], steps: int = 100) -> bool:
    """Whether the range test ends at the last of these losses."""
    run = run_of()
    run.steps, run.step, run.history.loss = steps, len(losses) - 1, losses
    try:
        hooks.Explosion().after_step(run)
    except hooks.Stop:
        return True
    return False


def test_a_range_test_stops_at_its_last_step_or_far_above_the_lowest_loss() -> None:
    assert not stops([1.0, 1.0]) and stops([1.0, 1.0], steps=2)
    assert stops([1.0, math.nan]) and stops([1.0, math.inf])
    assert not stops([1.0, 6.0]) and stops([1.0, 7.0])  # smoothed: 3.6 and 4.2


def test_a_loss_below_zero_is_far_when_it_leaves_the_size_of_its_first_ten() -> None:
    start = [-5.0] * 10
    assert not stops([*start, -1.0]) and not stops([*start, 90.0])  # smoothed: 9.6
    assert stops([*start, 110.0]) and stops([*start, math.nan])  # smoothed: 12.7, above 10
    assert not stops([-0.01, 2.0]), "the first of them says nothing yet"
    assert not stops([0.01, 2.0, -0.5]), "nor does the lowest, so near to zero"


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_range_test_whose_first_loss_is_no_number_says_so(lost: float) -> None:
    with pytest.raises(TrainingDiverged, match=f"{lost} at the first batch: no step came"):
        stops([lost])

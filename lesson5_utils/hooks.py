"""What `fit` and `lr_find` hang into the loop, and what a learner may hang there too.

The loop (`training.loop`) predicts, takes the loss and its gradient, and steps. Everything
else is a hook: an object with methods that the loop calls at six moments, each with the `Run`.
Write your own as a subclass of `Hook`, with the moments that it needs:

    class Watch(Hook):
        def after_step(self, run):
            print(run.step, run.loss.item())

    training.fit(model, train, valid, 1, 1e-2, hooks=[Watch()])
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from lesson5_utils import arguments
from lesson5_utils.bars import bar
from lesson5_utils.batching import Data, Loss, Metric, measured, predict, tensors
from lesson5_utils.errors import TrainingDiverged
from lesson5_utils.layers import frozen_norms
from lesson5_utils.lr_range import smooth

__all__ = [
    "Explosion",
    "FrozenNorms",
    "History",
    "Hook",
    "KeepBest",
    "Plan",
    "Progress",
    "Record",
    "Rollback",
    "Run",
    "Schedule",
    "Stop",
    "Validate",
]

Plan = Callable[[int, int], float | tuple[float, float]]


@dataclass
class History:
    """What happened during `fit`, as plain lists.

    Per batch: `loss`, `lr` (of the last layer group, if they differ), `momentum` (empty where
    the optimizer has none).
    Per epoch: `train` (mean loss of its batches), `valid` (loss over the validation data),
    `metrics` (a dict name → value), `seconds`.
    """

    loss: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    momentum: list[float] = field(default_factory=list)
    train: list[float] = field(default_factory=list)
    valid: list[float] = field(default_factory=list)
    metrics: list[dict[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def __repr__(self) -> str:
        """A table, one row per epoch. Seconds are left out: they differ on every machine."""
        names = list(self.metrics[0]) if self.metrics else []
        lines = [f"{'epoch':>5}" + "".join(f"{n:>10}" for n in ["train", "valid", *names])]
        rows = zip(self.train, self.valid, self.metrics, strict=True)
        for epoch, (train, valid, metrics) in enumerate(rows, start=1):
            cells = "".join(f"{value:10.3f}" for value in [train, valid, *metrics.values()])
            lines.append(f"{epoch:>5}{cells}")
        return "\n".join(lines)


@dataclass
class Run:
    """One training, as the loop and its hooks see it.

    Attributes:
        model, optimizer, loss_of: what is trained, by what, against which loss.
        epochs, steps: how many there will be in all.
        epoch, step: how many are finished.
        loss: of the last batch, before its step; a tensor that still knows its gradient.
        history: what was recorded so far.
    """

    model: nn.Module
    optimizer: Any
    loss_of: Loss
    epochs: int
    steps: int
    epoch: int = 0
    step: int = 0
    loss: Tensor | None = None
    history: History = field(default_factory=History)


class Hook:
    """The six moments; each does nothing here. A hook may raise `Stop` at any of them."""

    def start(self, run: Run) -> None:
        """Before the first epoch."""

    def before_epoch(self, run: Run) -> None:
        """The model has just been put into training mode."""

    def before_step(self, run: Run) -> None:
        """The rates that are set here are those of the step."""

    def after_step(self, run: Run) -> None:
        """`run.loss` is the loss before the step."""

    def after_epoch(self, run: Run) -> None:
        """All batches have been seen once more."""

    def end(self, run: Run) -> None:
        """After the last epoch, and also after an error, a `Stop` or Ctrl-C, at `start` too."""


class Stop(Exception):  # noqa: N818
    """Raised by a hook that has seen enough: the training ends there, in good order."""


class FrozenNorms(Hook):
    """Keep the batch norms of frozen layers in evaluation mode, so their averages stay."""

    def before_epoch(self, run: Run) -> None:
        for norm in frozen_norms(run.model):
            norm.eval()


class Schedule(Hook):
    """Set the learning rate of every step, and the momentum where the optimizer has one.

    Args:
        plan: `(step, steps) -> share`, or `-> (share, momentum)`. Each group of the optimizer
            gets that share of the rate that it had at the start.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def start(self, run: Run) -> None:
        groups = run.optimizer.param_groups
        self.begun = [(float(group["lr"]), bool(_momentum(group))) for group in groups]

    def before_step(self, run: Run) -> None:
        share, momentum = self._planned(run.step, run.steps)
        for group, (top, has) in zip(run.optimizer.param_groups, self.begun, strict=True):
            group["lr"] = share * top
            if momentum is not None and has:
                if "betas" in group:
                    group["betas"] = (momentum, group["betas"][1])
                else:
                    group["momentum"] = momentum

    def _planned(self, step: int, steps: int) -> tuple[float, float | None]:
        planned: Any = self.plan(step, steps)
        share, momentum = planned, None
        if isinstance(planned, tuple) and len(planned) == 2:
            share, momentum = planned
        share = arguments.number("the share of lr that the schedule plans", share, least=0)
        if momentum is not None:
            momentum = arguments.number(
                "the momentum that the schedule plans", momentum, least=0, below=1
            )
        return share, momentum


class Record(Hook):
    """Write down the loss, the rate and the momentum of every step."""

    def start(self, run: Run) -> None:
        self.has_momentum = bool(_momentum(run.optimizer.param_groups[-1]))

    def after_step(self, run: Run) -> None:
        history, group = run.history, run.optimizer.param_groups[-1]
        assert run.loss is not None
        history.loss.append(run.loss.item())
        history.lr.append(float(group["lr"]))
        if self.has_momentum:  # asked at the start: a schedule may pass through 0
            history.momentum.append(float(_momentum(group)))


class Validate(Hook):
    """After each epoch: the mean loss of its batches, the loss and metrics over `valid`."""

    def __init__(self, valid: Data, metrics: Mapping[str, Metric]) -> None:
        self.valid, self.metrics = tensors(valid), metrics

    def before_epoch(self, run: Run) -> None:
        self.began, self.first = time.perf_counter(), len(run.history.loss)

    def after_epoch(self, run: Run) -> None:
        pred, target = predict(run.model, self.valid), self.valid[-1].cpu()
        valid = float(run.loss_of(pred, target))  # first: a metric may change what it is given
        values = measured(self.metrics, pred, target)
        history = run.history  # all of an epoch or nothing: a metric may have been interrupted
        history.train.append(float(np.mean(history.loss[self.first :])))
        history.valid.append(valid)
        history.metrics.append(values)
        history.seconds.append(time.perf_counter() - self.began)


class Rollback(Hook):
    """If the loss stops being a number: the weights of the epoch's start, and an exception.

    Hangs behind `Record` and `Validate`, whose figures it reads.
    """

    def before_epoch(self, run: Run) -> None:
        self.before = copy.deepcopy(run.model.state_dict())

    def after_step(self, run: Run) -> None:
        history = run.history
        if not math.isfinite(history.loss[-1]):
            lost = f"the loss became {history.loss[-1]} at batch {len(history.loss)}"
            self._give_up(run, lost)

    def after_epoch(self, run: Run) -> None:
        valid = run.history.valid[-1]
        if not math.isfinite(valid):  # lost in the epoch's last step
            self._give_up(run, f"the validation loss became {valid}")

    def _give_up(self, run: Run, lost: str) -> None:
        run.model.load_state_dict(self.before)
        raise TrainingDiverged(
            f"{lost} (epoch {run.epoch + 1}); the weights are back to the start of that epoch: "
            f"{_advice(run.history)}",
            run.history,
        )


class KeepBest(Hook):
    """Keep the weights of the epoch with the lowest validation loss, and end with them.

    In each `fit` it begins anew.

    Args:
        metric: judge by this metric of `fit` instead of by the validation loss.
        highest: the highest value is the best, as of an accuracy.
        restore: put the kept weights into the model at the end.

    Attributes:
        epoch: the best one, counted from 1; 0 before there is any.
        value: the loss or metric of that epoch.
        weights: its state dict.
    """

    def __init__(
        self, metric: str | None = None, *, highest: bool = False, restore: bool = True
    ) -> None:
        self.metric, self.highest, self.restore = metric, highest, restore
        self._forget()

    def _forget(self) -> None:
        self.epoch, self.value = 0, -math.inf if self.highest else math.inf
        self.weights: dict[str, Any] = {}

    def start(self, run: Run) -> None:
        self._forget()

    def after_epoch(self, run: Run) -> None:
        value = self._value(run.history)
        if value > self.value if self.highest else value < self.value:
            self.epoch, self.value = run.epoch + 1, value
            self.weights = copy.deepcopy(run.model.state_dict())

    def end(self, run: Run) -> None:
        if self.restore and self.weights:
            run.model.load_state_dict(self.weights)

    def _value(self, history: History) -> float:
        if self.metric is None:
            return history.valid[-1]
        measured = history.metrics[-1]
        return measured[arguments.choice("metric", self.metric, measured)]


class Explosion(Hook):
    """Stop after the planned steps, or when the smoothed loss is far above its lowest value.

    Far is four times that value. Of a loss that goes below zero it says nothing, so there it
    is three times the largest size among the first ten values, above the first of them. Hangs
    behind `Record`.
    """

    def after_step(self, run: Run) -> None:
        losses = run.history.loss
        if not math.isfinite(losses[0]):
            lost = f"the loss is {losses[0]} at the first batch"
            raise TrainingDiverged(f"{lost}: {_advice(run.history)}", run.history)
        smoothed = smooth(losses)
        limit = 4 * min(smoothed)
        if min(losses) <= 0:
            limit = smoothed[0] + 3 * max(map(abs, smoothed[:10]))
        if run.step + 1 >= run.steps or not smoothed[-1] <= limit:
            raise Stop


class Progress(Hook):
    """A bar that counts the steps and tells the last validation loss."""

    def __init__(self, shown: bool) -> None:
        self.shown, self.bar = shown, bar(0, shown=False)

    def start(self, run: Run) -> None:
        self.bar = bar(run.steps, self.shown)

    def after_step(self, run: Run) -> None:
        self.bar.update()

    def after_epoch(self, run: Run) -> None:
        self.bar.set_postfix_str(f"epoch {run.epoch + 1}: valid {run.history.valid[-1]:.3f}")

    def end(self, run: Run) -> None:
        self.bar.close()


def _advice(history: History) -> str:
    """What to do about a loss that is not a number."""
    if not math.isfinite(history.loss[0]):
        return (
            "no step came before it, so no rate is to blame; look at the data, the loss and "
            "the weights that the model began with"
        )
    return f"try a lower learning rate, such as lr={max(history.lr) / 10:.0e}"


def _momentum(group: dict[str, Any]) -> float:
    """The momentum, or the first beta, of an optimizer's group; 0 where it has none."""
    return group["betas"][0] if "betas" in group else group.get("momentum") or 0

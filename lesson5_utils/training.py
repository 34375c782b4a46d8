"""The training loop of the course, and what is built from it: `fit` and `lr_find`.

`loop` is what the lecture is about. Recording, schedules, validation, the bar and whatever
else happens meanwhile are hooks (`hooks.py`); batches and predictions are `batching.py`.
"""

from __future__ import annotations

import copy
import math
import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils import arguments, schedules
from lesson5_utils.batching import (
    Data,
    Loss,
    Metric,
    batches,
    chosen_device,
    device_of,
    evaluate,
    first_answer,
    kept_modes,
    named,
    predict,
    tensors,
)
from lesson5_utils.errors import ArgumentError
from lesson5_utils.hooks import (
    Explosion,
    FrozenNorms,
    History,
    Hook,
    Plan,
    Progress,
    Record,
    Rollback,
    Run,
    Schedule,
    Stop,
    Validate,
)
from lesson5_utils.layers import Rate, frozen_norms, learning_groups
from lesson5_utils.lr_range import RangeTest, smooth, suggestions

__all__ = [
    "ADAMW",
    "History",
    "RangeTest",
    "batches",
    "evaluate",
    "fit",
    "loop",
    "lr_find",
    "predict",
    "set_seed",
    "smooth",
]

Optimizer = Callable[..., Any]
Batches = Callable[[], Iterable[Sequence[Tensor]]]  # a new pass over the data at each call

ADAMW: Optimizer = partial(torch.optim.AdamW, betas=(0.9, 0.99), fused=True)


def set_seed(seed: int) -> None:
    """Fix every random number that follows. Call it before building a model.

    Raises:
        ArgumentError: a seed that is no whole number from 0 to 2³² − 1.
    """
    seed = _checked_seed(seed)
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def loop(run: Run, batches: Batches, hooks: Sequence[Hook]) -> None:
    """Predict, loss, gradient, step; and again. All else hangs on the hooks."""
    try:
        tell(hooks, "start", run)
        for epoch in range(run.epochs):
            run.epoch = epoch
            run.model.train()
            tell(hooks, "before_epoch", run)
            for *inputs, target in batches():
                tell(hooks, "before_step", run)
                run.loss = run.loss_of(run.model(*inputs), target)
                run.optimizer.zero_grad()
                run.loss.backward()
                run.optimizer.step()
                tell(hooks, "after_step", run)
                run.step += 1
            tell(hooks, "after_epoch", run)
    finally:
        tell(hooks, "end", run)


def tell(hooks: Sequence[Hook], moment: str, run: Run) -> None:
    """Call the method `moment` of every hook, in their order."""
    for hook in hooks:
        getattr(hook, moment)(run)


def fit(
    model: nn.Module,
    train: Data,
    valid: Data,
    epochs: int,
    lr: Rate,
    *,
    batch_size: int = 64,
    wd: float = 0.01,
    loss: Loss = F.mse_loss,
    optimizer: Optimizer = ADAMW,
    schedule: str | Plan | None = "one_cycle",
    metrics: Sequence[Metric] | Mapping[str, Metric] = (),
    hooks: Sequence[Hook] = (),
    seed: int | None = None,
    device: str | torch.device | None = None,
    progress: bool | None = None,
) -> History:
    """Train `model` and say how it went. The model is left in evaluation mode.

    Frozen parameters (see `layers.freeze_to`) stay exactly as they are.

    Args:
        model: called as `model(*inputs)`.
        train, valid: `Ratings`, or tensors `(*inputs, target)`.
        epochs: passes over the training data.
        lr: the learning rate; with one-cycle, the highest one. A slice gives each layer group
            its own, as `layers.discriminative_lrs` says.
        batch_size: rows per step.
        wd: passed on as `weight_decay`: decay with AdamW, a penalty with SGD, Adam, RMSprop.
        loss: `(pred, target) -> scalar`.
        optimizer: called as `optimizer(groups, lr=lr, weight_decay=wd)`, with torch's
            parameter groups.
        schedule: "one_cycle"; None for a constant rate; or a function `(step, steps)` that
            returns a share of lr, or a pair (share, momentum).
        metrics: functions `(pred, target) -> float`, over all of `valid` after each epoch; or
            a dict, name → function.
        hooks: yours (`hooks.Hook`), told after its own at each moment of the loop.
        seed: fixes the order of the batches, and nothing else.
        device: "cpu", "cuda" …; None means `LESSON5_DEVICE`, else the CPU.
        progress: show a bar; None means yes, unless `LESSON5_PROGRESS` is 0.

    Raises:
        ArgumentError: a value that cannot work, or a model frozen altogether; before any work.
        TrainingDiverged: the loss became infinite or NaN; the weights are back to those at
            the start of that epoch, and the exception carries the `history`.
        KeyboardInterrupt: passed on with the `history`; the model stays usable.
    """
    _check_pieces(model, loss, optimizer)
    epochs = arguments.whole("epochs", epochs)
    parts, held_out = tensors(train), tensors(valid)
    steps = epochs * _steps(model, parts, batch_size)
    own: list[Hook] = [FrozenNorms(), *_schedule(schedule), Record()]
    own += [Validate(valid, named(metrics)), Rollback(), _progress(progress), *_hooks(hooks)]
    groups, wd = learning_groups(model, lr), arguments.number("wd", wd, least=0)
    place, threads = chosen_device(device), arguments.setting("LESSON5_THREADS", 1)
    generator = _generator(seed)
    with _threads(threads):
        _check_rows(model, parts, "train")
        _check_rows(model, held_out, "valid")
    model.to(place)
    parts = tuple(part.to(place) for part in parts)
    stepper = optimizer(groups, lr=groups[-1]["lr"], weight_decay=wd)
    run = Run(model, stepper, loss, epochs, steps)
    cut = partial(batches, parts, batch_size, generator=generator)
    try:
        with _threads(threads), suppress(Stop):
            loop(run, cut, own)
    except KeyboardInterrupt as stop:
        stop.history = run.history  # type: ignore[attr-defined]
        raise
    finally:
        model.eval()
    return run.history


def lr_find(
    model: nn.Module,
    train: Data,
    *,
    start_lr: float = 1e-5,
    end_lr: float = 10.0,
    steps: int = 100,
    batch_size: int = 64,
    wd: float = 0.01,
    loss: Loss = F.mse_loss,
    optimizer: Optimizer = ADAMW,
    seed: int | None = None,
) -> RangeTest:
    """Learning-rate range test: raise the rate at every batch, watch the loss, stop when it
    explodes (four times its best value).

    The model, its modes and the random numbers that follow are left as they were.
    Source: Smith (2017), arXiv:1506.01186.

    Args:
        start_lr, end_lr: first and last rate, exponentially spaced over `steps` batches.
        seed: fixes the order of the batches.
        Others as in `fit`.

    Raises:
        ArgumentError: a value that cannot work, such as rates that do not rise.
        TrainingDiverged: the loss is no number from the start, or explodes within five batches.
    """
    _check_pieces(model, loss, optimizer)
    parts = tensors(train)
    start_lr = arguments.number("start_lr", start_lr, above=0)
    end_lr = arguments.number("end_lr", end_lr, above=start_lr)
    steps = arguments.whole("steps", steps, least=10)
    wd = arguments.number("wd", wd, least=0)
    epochs = math.ceil(steps / _steps(model, parts, batch_size))
    groups, threads = learning_groups(model, start_lr), arguments.setting("LESSON5_THREADS", 1)
    _check_rows(model, parts, "train")
    run = Run(model, optimizer(groups, lr=start_lr, weight_decay=wd), loss, epochs, steps)
    rise = Schedule(partial(_rise, end_lr / start_lr))
    parts = tuple(part.to(device_of(model)) for part in parts)
    cut = partial(batches, parts, batch_size, generator=_generator(seed))
    before = copy.deepcopy(model.state_dict())
    try:
        with kept_modes(model), torch.random.fork_rng(), _threads(threads), suppress(Stop):
            loop(run, cut, [FrozenNorms(), rise, Record(), Explosion()])
    finally:
        model.load_state_dict(before)
        model.zero_grad()  # or a loop that adds up gradients would start with these
    seen = [one for one in run.history.loss if math.isfinite(one)]
    rates, losses = run.history.lr[: len(seen)], smooth(seen)
    return RangeTest(rates, losses, suggestions(rates, losses))


def _rise(factor: float, step: int, steps: int) -> float:
    return schedules.exponential(1, factor, step / (steps - 1))


# --- what fit and lr_find make sure of before any work ------------------------------------


def _check_pieces(model: nn.Module, loss: Loss, optimizer: Optimizer) -> None:
    if not isinstance(model, nn.Module):
        raise ArgumentError(f"model must be a torch.nn.Module, made by calling, not {model!r}")
    if isinstance(loss, type) or not callable(loss):
        raise ArgumentError(
            "loss must be a function (pred, target) -> scalar, such as F.mse_loss or "
            f"nn.MSELoss(), not {loss!r}"
        )
    if not callable(optimizer):
        raise ArgumentError(
            f"optimizer must be a class, such as optimizers.SGD, not {type(optimizer).__name__}"
        )


def _check_rows(model: nn.Module, parts: tuple[Tensor, ...], name: str) -> None:
    """All numbers finite, and the first rows answered by the model in the target's shape."""
    for number, part in enumerate(parts, start=1):
        if part.is_floating_point() and not (finite := part.isfinite()).all():
            which = "the target" if number == len(parts) else f"input {number}"
            row = int((~finite).nonzero()[0, 0])
            raise ArgumentError(
                f"{which} of {name} has a number that is not finite (first in row {row}): fill "
                "or leave out such rows, since nothing can be learned from them"
            )
    first_answer(model, parts, name)


def _steps(model: nn.Module, parts: tuple[Tensor, ...], batch_size: int) -> int:
    """Steps per epoch. Batch norm cannot normalise a single row, so no batch may be one."""
    n, batch_size = len(parts[0]), arguments.whole("batch_size", batch_size)
    frozen = set(frozen_norms(model))
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm1d)]
    if 1 in (n % batch_size, batch_size) and set(norms) - frozen:
        better = (size for size in range(batch_size + 1, n + 1) if n % size != 1)
        size = next(better, None)
        raise ArgumentError(
            "batch norm needs at least two rows in every batch, and one would have a single "
            f"row: {'give it more rows' if size is None else f'use batch_size={size}'}"
        )
    return math.ceil(n / batch_size)


def _schedule(schedule: str | Plan | None) -> list[Hook]:
    if schedule is None:
        return []
    if schedule == "one_cycle":
        return [Schedule(schedules.one_cycle)]
    if not callable(schedule):
        raise ArgumentError(
            "schedule must be 'one_cycle', None or a function (step, steps) -> share of lr, "
            f"not {schedule!r}"
        )
    return [Schedule(schedule)]


def _hooks(hooks: Sequence[Hook]) -> Sequence[Hook]:
    if not isinstance(hooks, list | tuple):
        raise ArgumentError(f"hooks must be a list of hooks, not {type(hooks).__name__}")
    for hook in hooks:
        if not isinstance(hook, Hook):
            raise ArgumentError(
                f"a hook is an object of a subclass of hooks.Hook, not {type(hook).__name__}"
            )
    return hooks


@contextmanager
def _threads(wanted: int) -> Iterator[None]:
    """Steps on nets this small gain nothing from a second thread, and on a busy machine the
    threads wait for each other: 95 s instead of 3 s was seen for one training."""
    before = torch.get_num_threads()
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _progress(shown: bool | None) -> Hook:
    return Progress(os.environ.get("LESSON5_PROGRESS") != "0" if shown is None else shown)


def _generator(seed: int | None) -> torch.Generator | None:
    return None if seed is None else torch.Generator().manual_seed(_checked_seed(seed))


def _checked_seed(seed: int) -> int:
    return arguments.whole("seed", seed, least=0, most=2**32 - 1)

"""Data in, trained model and its history out: batches, fit, evaluate, the range test,
freezing and layer groups.

Data is either a `datasets.Ratings` or a tuple of tensors `(*inputs, target)` of one length;
the model is called as `model(*inputs)`. Batches are slices of tensors in memory.
"""

from __future__ import annotations

import copy
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from lesson5_utils import schedules
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError, TrainingDiverged

__all__ = [
    "History",
    "RangeTest",
    "batches",
    "discriminative_lrs",
    "evaluate",
    "fit",
    "freeze_to",
    "layer_groups",
    "lr_find",
    "predict",
    "set_seed",
    "unfreeze",
]

Data = Ratings | Sequence[Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]
Metric = Callable[[Tensor, Tensor], float]
Optimizer = Callable[..., Any]
Rate = float | slice  # one learning rate, or `slice(last)`, `slice(first, last)` by layer group

ADAMW: Optimizer = partial(torch.optim.AdamW, betas=(0.9, 0.99), fused=True)
PCT_START = 0.25  # fastai's share of the steps with a rising rate; torch's default is 0.3
# Steps on nets this small gain nothing from a second thread, and on a busy machine the
# threads wait for each other: 95 s instead of 3 s was seen for one training.
_threads = os.environ.get("LESSON5_THREADS") or "1"
if not (_threads.isdecimal() and int(_threads)):
    raise ArgumentError(f"LESSON5_THREADS must be a whole number, such as 2, not {_threads!r}")
torch.set_num_threads(int(_threads))

ROWS_AT_ONCE = 8192  # when predicting: bounds the memory, changes no result


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


def set_seed(seed: int) -> None:
    """Fix every random number that follows. Call it before building a model."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def tensors(data: Data) -> tuple[Tensor, ...]:
    """The tensors `(*inputs, target)` of any accepted form of data.

    Raises:
        ArgumentError: nothing in it, or lengths that differ.
    """
    if isinstance(data, Ratings):
        data = (data.user, data.movie, data.rating)
    if len(data) < 2:
        raise ArgumentError("data must be Ratings or (*inputs, target): at least two tensors")
    lengths = {len(tensor) for tensor in data}
    if len(lengths) != 1:
        raise ArgumentError(f"all tensors of the data need one length, not {sorted(lengths)}")
    if lengths == {0}:
        raise ArgumentError("the data is empty: give at least one row")
    return tuple(data)


def batches(
    data: Data, batch_size: int = 64, shuffle: bool = True, generator: Any = None
) -> Iterator[tuple[Tensor, ...]]:
    """Cut data into batches of `batch_size` rows; the last one may be smaller.

    Yields:
        Tuples `(*inputs, target)`, each tensor with `batch_size` rows.
    """
    parts = tensors(data)
    _positive_int("batch_size", batch_size)
    n = len(parts[0])
    order = torch.randperm(n, generator=generator) if shuffle else torch.arange(n)
    for rows in order.to(parts[0].device).split(batch_size):
        yield tuple(part[rows] for part in parts)


def predict(model: nn.Module, data: Data) -> Tensor:
    """Predictions for every row, on the CPU, with the model in evaluation mode.

    The target is ignored, but the data has the same form as everywhere.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            return torch.cat(
                [
                    model(*(part.to(device) for part in inputs)).cpu()
                    for *inputs, _ in batches(data, ROWS_AT_ONCE, shuffle=False)
                ]
            )
    finally:
        model.train(was_training)


def evaluate(model: nn.Module, data: Data, loss: Loss = F.mse_loss) -> float:
    """`loss` over all of `data`, in evaluation mode and without gradients."""
    return float(loss(predict(model, data), tensors(data)[-1].cpu()))


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
    schedule: str | None = "one_cycle",
    metrics: Sequence[Metric] = (),
    seed: int | None = None,
    device: str | torch.device | None = None,
    progress: bool | None = None,
) -> History:
    """Train `model` and say how it went. The model is left in evaluation mode.

    Frozen parameters (see `freeze_to`) stay exactly as they are.

    Args:
        model: called as `model(*inputs)`.
        train, valid: `Ratings`, or tensors `(*inputs, target)`.
        epochs: passes over the training data.
        lr: the learning rate; with one-cycle, the highest one. A slice gives each layer group
            its own, as `discriminative_lrs` says.
        batch_size: rows per step.
        wd: passed on as `weight_decay`: decay with AdamW, a penalty with SGD, Adam, RMSprop.
        loss: `(pred, target) -> scalar`.
        optimizer: called as `optimizer(groups, lr=lr, weight_decay=wd)`, with torch's
            parameter groups.
        schedule: "one_cycle", or None for a constant rate.
        metrics: functions `(pred, target) -> float`, over all of `valid` after each epoch.
        seed: fixes the order of the batches, and nothing else.
        device: "cpu", "cuda" …; None means `LESSON5_DEVICE`, else the CPU.
        progress: show a bar; None means yes, unless `LESSON5_PROGRESS` is 0.

    Raises:
        ArgumentError: a value that cannot work, or a model frozen altogether; before any work.
        TrainingDiverged: the loss became infinite or NaN; the weights are back to those at
            the start of that epoch, and the exception carries the `history`.
        KeyboardInterrupt: passed on with the `history`; the model stays usable.
    """
    parts, held_out = tensors(train), tensors(valid)
    _check_arguments(epochs, lr, batch_size, wd, schedule)
    place = _device(device)
    model.to(place)
    parts = tuple(part.to(place) for part in parts)
    held_out = tuple(part.to(place) for part in held_out)
    steps_per_epoch = math.ceil(len(parts[0]) / batch_size)
    stepper = _optimizer(optimizer, model, lr, wd)
    plans = _plans(schedule, stepper, epochs * steps_per_epoch)
    generator = None if seed is None else torch.Generator().manual_seed(seed)

    history = History()
    total, silent = epochs * steps_per_epoch, not _wants_progress(progress)
    bar = tqdm(total=total, disable=silent, leave=False)
    try:
        for epoch in range(epochs):
            started = time.perf_counter()
            before = copy.deepcopy(model.state_dict())
            _train_mode(model)
            _check_last_batch(model, len(parts[0]), batch_size)
            for batch in batches(parts, batch_size, generator=generator):
                _set_rates(stepper, plans, len(history.loss))
                _record(history, stepper, train_batch(model, batch, loss, stepper))
                if not math.isfinite(history.loss[-1]):
                    model.load_state_dict(before)
                    raise TrainingDiverged(_divergence(history, epoch), history)
                bar.update()
            _end_of_epoch(history, model, held_out, loss, metrics, steps_per_epoch)
            history.seconds.append(time.perf_counter() - started)
            if not math.isfinite(history.valid[-1]):  # lost in the epoch's last step
                model.load_state_dict(before)
                raise TrainingDiverged(_divergence(history, epoch), history)
            bar.set_postfix_str(f"epoch {epoch + 1}: valid {history.valid[-1]:.3f}")
    except KeyboardInterrupt as stop:
        stop.history = history  # type: ignore[attr-defined]
        raise
    finally:
        bar.close()
        model.eval()
    return history


def train_batch(model: nn.Module, batch: Sequence[Tensor], loss: Loss, optimizer: Any) -> float:
    """One turn of the loop: predict, loss, gradient, step. Returns the loss before it."""
    *inputs, target = batch
    batch_loss = loss(model(*inputs), target)
    optimizer.zero_grad()
    batch_loss.backward()
    optimizer.step()
    return batch_loss.item()


# --- layer groups -------------------------------------------------------------------------


def layer_groups(model: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of `model`, cut into groups from input to output.

    Each child of the model that has parameters is one group, in the order in which the model
    names them; a parameter that two children share belongs to the first. A model without such
    children is one group.

    Raises:
        ArgumentError: a model with children that also has parameters outside of them: nobody
            can say which group they belong to.
    """
    children = [child for child in model.children() if any(True for _ in child.parameters())]
    if not children:
        return [list(model.parameters())]
    loose = [name for name, _ in model.named_parameters(recurse=False)]
    if loose:
        raise ArgumentError(
            f"parameters outside of every layer belong to no layer group: {', '.join(loose)}; "
            "put them into a module of their own"
        )
    groups: list[list[nn.Parameter]] = []
    seen: set[int] = set()
    for child in children:
        groups.append([p for p in child.parameters() if id(p) not in seen])
        seen |= {id(p) for p in groups[-1]}
    return groups


def freeze_to(model: nn.Module, n: int) -> None:
    """Freeze the layer groups before number `n`, and let the others learn.

    `freeze_to(model, -1)` leaves only the last group, the head, to learn. Frozen parameters
    get no gradient and stay as they are; while all parameters of a layer are frozen, `fit`
    also keeps its batch norm in evaluation mode, so its running averages stay too.

    Raises:
        ArgumentError: a group that the model has not.
    """
    groups = layer_groups(model)
    if not -len(groups) <= n < len(groups):
        raise ArgumentError(
            f"the model has {len(groups)} layer groups: n must lie from {-len(groups)} to "
            f"{len(groups) - 1}, not {n}"
        )
    first = n % len(groups)
    for number, group in enumerate(groups):
        for p in group:
            p.requires_grad_(number >= first)
            p.grad = None  # an old gradient would still move a frozen parameter


def unfreeze(model: nn.Module) -> None:
    """Let every parameter learn."""
    freeze_to(model, 0)


def discriminative_lrs(lr: Rate, n_groups: int) -> list[float]:
    """One learning rate per layer group, from input to output.

    A float: the same for all. `slice(last)`: `last` for the last group, a third of it for all
    others, as in the lecture (today's fastai takes a tenth). `slice(first, last)`: from first
    to last, each the same factor above the one before.

    Raises:
        ArgumentError: a rate that is not a positive number, or no group.
    """
    _positive_int("n_groups", n_groups)
    if not isinstance(lr, slice):
        return [_positive("lr", lr)] * n_groups
    if lr.step is not None:
        raise ArgumentError(f"lr must be slice(last) or slice(first, last), not {lr!r}")
    last = _positive("the last rate of lr", lr.stop)
    if lr.start is None:
        return [last / 3] * (n_groups - 1) + [last]
    first = _positive("the first rate of lr", lr.start)
    if n_groups == 1:
        return [last]
    curve = schedules.exponential
    return [curve(first, last, number / (n_groups - 1)) for number in range(n_groups)]


def _optimizer(optimizer: Optimizer, model: nn.Module, lr: Rate, wd: float) -> Any:
    """The optimizer with one parameter group per rate, without what is frozen."""
    groups = layer_groups(model) if isinstance(lr, slice) else [list(model.parameters())]
    learning = [
        {"params": [p for p in group if p.requires_grad], "lr": rate}
        for group, rate in zip(groups, discriminative_lrs(lr, len(groups)), strict=True)
    ]
    learning = [group for group in learning if group["params"]]
    if not learning:
        raise ArgumentError("every parameter is frozen: nothing can be learned; unfreeze first")
    return optimizer(learning, lr=learning[-1]["lr"], weight_decay=wd)


def _train_mode(model: nn.Module) -> None:
    """Training mode for all but the batch norms of frozen layers."""
    model.train()
    for layer in model.modules():
        frozen = [not p.requires_grad for p in layer.parameters()]
        if frozen and all(frozen):
            for part in layer.modules():
                if isinstance(part, nn.modules.batchnorm._BatchNorm):
                    part.eval()


def _check_last_batch(model: nn.Module, n: int, batch_size: int) -> None:
    """Batch norm cannot normalise a single row, so no batch may be one."""
    norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm1d)]
    if 1 in (n % batch_size, batch_size) and any(norm.training for norm in norms):
        better = (size for size in range(batch_size + 1, n + 1) if n % size != 1)
        size = next(better, None)
        raise ArgumentError(
            "batch norm needs at least two rows in every batch, and one would have a single "
            f"row: {'give it more rows' if size is None else f'use batch_size={size}'}"
        )


# --- the range test -----------------------------------------------------------------------


@dataclass
class RangeTest:
    """What `lr_find` saw: learning rates, smoothed losses, and three ways to choose.

    `suggestions` maps a way to a rate: "steepest" (the loss falls fastest), "minimum / 10"
    (a tenth of where it is lowest), "valley" (the middle of the longest way down).
    """

    lr: list[float]
    loss: list[float]
    suggestions: dict[str, float]

    def __repr__(self) -> str:
        """The suggestions, to two digits."""
        return ", ".join(f"{name}: {rate:.1e}" for name, rate in self.suggestions.items())


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

    The model, its mode and the random numbers that follow are left as they were.
    Source: Smith (2017), arXiv:1506.01186; "valley" follows fastai.

    Args:
        start_lr, end_lr: first and last rate, exponentially spaced over `steps` batches.
        seed: fixes the order of the batches.
        Others as in `fit`.

    Raises:
        ArgumentError: rates not positive or not rising, or fewer than 10 steps.
    """
    parts = tensors(train)
    _check_arguments(1, start_lr, batch_size, wd, None)
    if not start_lr < end_lr < math.inf:
        raise ArgumentError(f"end_lr must be above start_lr ({start_lr}), not {end_lr}")
    if steps < 10:
        raise ArgumentError(f"a range test needs at least 10 steps, not {steps}")
    before, was_training = copy.deepcopy(model.state_dict()), model.training
    rates: list[float] = []
    losses: list[float] = []
    try:
        with torch.random.fork_rng():
            generator = None if seed is None else torch.Generator().manual_seed(seed)
            _train_mode(model)
            _check_last_batch(model, len(parts[0]), batch_size)
            stepper = _optimizer(optimizer, model, start_lr, wd)
            source = _endless(parts, batch_size, generator, next(model.parameters()).device)
            for step in range(steps):
                rate = schedules.exponential(start_lr, end_lr, step / (steps - 1))
                for group in stepper.param_groups:
                    group["lr"] = rate
                value = train_batch(model, next(source), loss, stepper)
                if not math.isfinite(value):
                    break
                rates.append(rate)
                losses.append(value)
                if smooth(losses)[-1] > 4 * min(smooth(losses)):
                    break
    finally:
        model.load_state_dict(before)
        model.zero_grad()  # or a loop that adds up gradients would start with these
        model.train(was_training)
    return RangeTest(rates, smooth(losses), _suggestions(rates, smooth(losses)))


def smooth(values: Sequence[float], beta: float = 0.9) -> list[float]:
    """Exponentially weighted average of what came so far, corrected for its empty start."""
    average, smoothed = 0.0, []
    for count, value in enumerate(values, start=1):
        average = beta * average + (1 - beta) * value
        smoothed.append(average / (1 - beta**count))
    return smoothed


def _suggestions(rates: list[float], losses: list[float]) -> dict[str, float]:
    if len(rates) < 5:
        raise TrainingDiverged(
            "the loss exploded within five batches of the range test: lower start_lr"
        )
    skip = len(losses) // 10  # the first losses are noise: the average has nothing to go by
    lowest = skip + int(np.argmin(losses[skip:]))
    slopes = np.gradient(losses, np.log(rates))
    steepest = skip + int(np.argmin(slopes[skip : lowest + 1]))
    return {
        "steepest": rates[steepest],
        "minimum / 10": rates[lowest] / 10,
        "valley": rates[_valley(losses)],
    }


def _valley(losses: list[float]) -> int:
    """The middle of the longest falling subsequence of losses."""
    length, came_from = [1] * len(losses), [-1] * len(losses)
    for i, value in enumerate(losses):
        for j in range(i):
            if losses[j] > value and length[j] + 1 > length[i]:
                length[i], came_from[i] = length[j] + 1, j
    path = [int(np.argmax(length))]
    while came_from[path[-1]] >= 0:
        path.append(came_from[path[-1]])
    return path[len(path) // 2]


def _endless(
    parts: tuple[Tensor, ...], batch_size: int, generator: Any, device: torch.device
) -> Iterator[tuple[Tensor, ...]]:
    while True:
        for batch in batches(parts, batch_size, generator=generator):
            yield tuple(part.to(device) for part in batch)


def _plans(schedule: str | None, optimizer: Any, total_steps: int) -> list[schedules.OneCycle]:
    """One schedule for each of the optimizer's groups, up to the group's own rate."""
    if schedule is None:
        return []
    tops = [float(group["lr"]) for group in optimizer.param_groups]
    return [schedules.OneCycle(top, total_steps, pct_start=PCT_START) for top in tops]


def _set_rates(optimizer: Any, plans: list[schedules.OneCycle], step: int) -> None:
    """Set the learning rates, and the momentum where the optimizer has one."""
    for group, plan in zip(optimizer.param_groups, plans, strict=False):
        group["lr"] = plan.lr(step)
        if group.get("momentum"):
            group["momentum"] = plan.momentum(step)
        elif "betas" in group:
            group["betas"] = (plan.momentum(step), group["betas"][1])


def _record(history: History, optimizer: Any, batch_loss: float) -> None:
    group = optimizer.param_groups[-1]
    history.loss.append(batch_loss)
    history.lr.append(float(group["lr"]))
    momentum = group["betas"][0] if "betas" in group else group.get("momentum")
    if momentum:
        history.momentum.append(float(momentum))


def _end_of_epoch(
    history: History,
    model: nn.Module,
    valid: tuple[Tensor, ...],
    loss: Loss,
    metrics: Sequence[Metric],
    steps: int,
) -> None:
    pred, target = predict(model, valid), valid[-1].cpu()
    history.train.append(float(np.mean(history.loss[-steps:])))
    history.valid.append(float(loss(pred, target)))
    names = [getattr(metric, "__name__", str(metric)) for metric in metrics]
    values = [float(metric(pred, target)) for metric in metrics]
    history.metrics.append(dict(zip(names, values, strict=True)))


def _divergence(history: History, epoch: int) -> str:
    rate = max(history.lr)
    lost = f"the loss became {history.loss[-1]} at batch {len(history.loss)}"
    if math.isfinite(history.loss[-1]):
        lost = f"the validation loss became {history.valid[-1]}"
    return (
        f"{lost} (epoch {epoch + 1}); the weights are back to the start of that epoch: try a "
        f"lower learning rate, such as lr={rate / 10:.0e}"
    )


def _check_arguments(
    epochs: int, lr: Rate, batch_size: int, wd: float, schedule: str | None
) -> None:
    _positive_int("epochs", epochs)
    _positive_int("batch_size", batch_size)
    discriminative_lrs(lr, 1)  # raises for what is no rate
    if not isinstance(wd, Real) or not (math.isfinite(wd) and wd >= 0):
        raise ArgumentError(f"wd must be 0 or a positive number, not {wd!r}")
    if schedule not in (None, "one_cycle"):
        raise ArgumentError(f"schedule must be 'one_cycle' or None, not {schedule!r}")


def _positive(name: str, value: float) -> float:
    if not isinstance(value, Real) or not (math.isfinite(value) and value > 0):
        raise ArgumentError(f"{name} must be a positive number, not {value!r}")
    return value


def _positive_int(name: str, value: int) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ArgumentError(f"{name} must be a whole number of at least 1, not {value!r}")


def _device(device: str | torch.device | None) -> torch.device:
    name = device or os.environ.get("LESSON5_DEVICE") or "cpu"
    try:
        place = torch.device(name)
        torch.empty(0, device=place)
    except (RuntimeError, AssertionError) as error:
        raise ArgumentError(f"device {str(name)!r} is not available here: use 'cpu'") from error
    return place


def _wants_progress(progress: bool | None) -> bool:
    return os.environ.get("LESSON5_PROGRESS") != "0" if progress is None else progress

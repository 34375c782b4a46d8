"""Rows in, rows out: data as tensors, batches, predictions, errors and metrics over all of it.

Data is a `datasets.Ratings`, a torch `TensorDataset`, or a tuple of tensors `(*inputs, target)`
of one length; the model is called as `model(*inputs)`. Batches are slices of tensors in memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from lesson5_utils import arguments
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError

__all__ = [
    "Data",
    "Loss",
    "Metric",
    "batches",
    "chosen_device",
    "device_of",
    "evaluate",
    "kept_modes",
    "measured",
    "named",
    "predict",
    "same_shape",
    "tensors",
]

Data = Ratings | TensorDataset | Sequence[Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]
Metric = Callable[[Tensor, Tensor], float]

ROWS_AT_ONCE = 8192  # when predicting: bounds the memory, changes no result


def tensors(data: Data) -> tuple[Tensor, ...]:
    """The tensors `(*inputs, target)` of any accepted form of data.

    Raises:
        ArgumentError: something else, nothing in it, or lengths that differ.
    """
    if isinstance(data, Ratings):
        data = (data.user, data.movie, data.rating)
    elif isinstance(data, TensorDataset):
        data = data.tensors
    form = "data must be Ratings or a tuple of tensors (*inputs, target)"
    if not isinstance(data, tuple | list):
        raise ArgumentError(f"{form}, not {type(data).__name__}")
    if len(data) < 2:
        raise ArgumentError(f"{form}: at least two tensors, not {len(data)}")
    for part in data:
        if not isinstance(part, Tensor) or part.ndim == 0:
            raise ArgumentError(
                f"{form}, with a row for each example: turn every {type(part).__name__} into a "
                "tensor first, by torch.as_tensor(...)"
            )
    lengths = {len(part) for part in data}
    if len(lengths) != 1:
        raise ArgumentError(f"all tensors of the data need one length, not {sorted(lengths)}")
    if lengths == {0}:
        raise ArgumentError("the data is empty: give at least one row")
    return tuple(data)


def batches(
    data: Data,
    batch_size: int = 64,
    shuffle: bool = True,
    generator: torch.Generator | None = None,
) -> Iterator[tuple[Tensor, ...]]:
    """Cut data into batches of `batch_size` rows; the last one may be smaller.

    Yields:
        Tuples `(*inputs, target)`, each tensor with `batch_size` rows.

    Raises:
        ArgumentError: a size below 1, or no data.
    """
    parts = tensors(data)
    batch_size = arguments.whole("batch_size", batch_size)
    n = len(parts[0])
    order = torch.randperm(n, generator=generator) if shuffle else torch.arange(n)
    for rows in order.to(parts[0].device).split(batch_size):
        yield tuple(part[rows] for part in parts)


@contextmanager
def kept_modes(model: nn.Module) -> Iterator[None]:
    """Whatever happens inside, each part of the model is then again in the mode it had.

    Each part, because a frozen layer may be in evaluation mode while the others train.
    """
    modes = [(part, part.training) for part in model.modules()]
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def chosen_device(device: str | torch.device | None = None) -> torch.device:
    """The device asked for, else that of `LESSON5_DEVICE`, else the CPU.

    Raises:
        ArgumentError: it is not here, or holds no numbers.
    """
    name = os.environ.get("LESSON5_DEVICE") or "cpu" if device is None else device
    try:
        place = torch.device(name)
        torch.zeros(1, device=place).item()  # "meta" has tensors, but no numbers in them
    except (RuntimeError, AssertionError, ImportError, TypeError) as error:
        raise ArgumentError(f"device {str(name)!r} is not available here: use 'cpu'") from error
    return place


def device_of(model: nn.Module) -> torch.device:
    """Where the parameters of a model are; one without parameters works on the CPU."""
    first = next(model.parameters(), None)
    return torch.device("cpu") if first is None else first.device


def predict(model: nn.Module, data: Data) -> Tensor:
    """Predictions for every row, on the CPU, with the model in evaluation mode.

    The target is ignored, but the data has the same form as everywhere.
    """
    device = device_of(model)
    with kept_modes(model), torch.no_grad():
        model.eval()
        return torch.cat(
            [
                model(*(part.to(device) for part in inputs)).cpu()
                for *inputs, _ in batches(data, ROWS_AT_ONCE, shuffle=False)
            ]
        )


def evaluate(model: nn.Module, data: Data, loss: Loss = F.mse_loss) -> float:
    """`loss` over all of `data`, in evaluation mode and without gradients.

    Raises:
        ArgumentError: predictions of a shape that the target would be stretched to.
    """
    pred, target = predict(model, data), tensors(data)[-1].cpu()
    same_shape(pred, target)
    return float(loss(pred, target))


def same_shape(pred: Any, target: Tensor) -> None:
    """Refuse a prediction [n, 1] beside a target [n]: their difference would be [n, n].

    Raises:
        ArgumentError: that, or no tensor, or another number of rows than the target has.
    """
    if not isinstance(pred, Tensor):
        raise ArgumentError(
            f"the model must return a tensor of predictions, not {type(pred).__name__}"
        )
    if pred.numel() == target.numel() and pred.shape != target.shape:
        raise ArgumentError(
            f"the model gives predictions {list(pred.shape)} for targets {list(target.shape)}, "
            "and their difference would have every row against every other: give both one "
            "shape, by squeeze(1) or target[:, None]"
        )
    if pred.ndim == 0 or len(pred) != len(target):
        raise ArgumentError(
            f"the model gives predictions {list(pred.shape)} for {len(target)} rows: it must "
            "give one for each row"
        )


def first_answer(model: nn.Module, parts: Sequence[Tensor], name: str) -> None:
    """Ask the model for the first rows of `parts`, and refuse what no loss could use.

    Raises:
        ArgumentError: as in `same_shape`, or numbers of another kind than the weights.
    """
    *inputs, target = (part[:2].to(device_of(model)) for part in parts)
    with kept_modes(model), torch.no_grad():
        model.eval()
        try:
            same_shape(model(*inputs), target)
        except RuntimeError as error:
            kinds = {weights.dtype for weights in model.parameters()}
            for number, part in enumerate(inputs, start=1):
                if part.is_floating_point() and part.dtype not in kinds:
                    raise ArgumentError(
                        f"input {number} of {name} is {part.dtype}, and the model's weights "
                        f"are {', '.join(map(str, kinds))}: give both one kind, by .float()"
                    ) from error
            raise


def named(metrics: Sequence[Metric] | Mapping[str, Metric]) -> dict[str, Metric]:
    """Metrics by name: as given, or each function under its own name.

    Raises:
        ArgumentError: no functions, or two of one name.
    """
    if isinstance(metrics, Mapping):
        found = dict(metrics)
    elif not isinstance(metrics, list | tuple):
        raise ArgumentError(
            "metrics must be a list of functions or a dict, name → function, not "
            f"{type(metrics).__name__}"
        )
    else:
        found = {getattr(one, "__name__", type(one).__name__): one for one in metrics}
        if len(found) < len(metrics):
            raise ArgumentError(
                f"two metrics have one name ({', '.join(found)}): give a dict, name → function"
            )
    for name, metric in found.items():
        if not callable(metric):
            raise ArgumentError(f"metric {name!r} must be a function (pred, target) -> number")
    return found


def measured(metrics: Mapping[str, Metric], pred: Tensor, target: Tensor) -> dict[str, float]:
    """Each metric as a float.

    Raises:
        ArgumentError: one gives something else than one number.
    """
    values = {}
    for name, metric in metrics.items():
        value = metric(pred, target)
        try:
            values[name] = float(value)
        except (TypeError, ValueError, RuntimeError):
            told = f"must give one number, such as a mean, not {type(value).__name__}"
            raise ArgumentError(f"metric {name!r} {told}") from None
    return values

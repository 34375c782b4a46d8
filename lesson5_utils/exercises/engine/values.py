"""Answers that are values: what is in them, and what form they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

__all__ = ["blank", "can_slope", "has_arrays", "texts", "unfinished"]


def unfinished(answer: Any) -> bool:
    """Whether a ... still stands in it."""
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    return answer is ... or (isinstance(answer, tuple | list) and any(map(unfinished, answer)))


def texts(value: Any) -> list[str]:
    """Every text anywhere in a value."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


def blank(value: Any) -> Any:
    """The form of a value, without what it says."""
    if isinstance(value, Mapping):
        return {key: blank(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [blank(part) for part in value]
    if isinstance(value, str):
        return "…"
    if isinstance(value, bool | int | float):
        return type(value)()
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biufc":
        return value  # of texts or objects: no number to make 0
    return value * 0 if isinstance(value, torch.Tensor | np.ndarray) else value


def can_slope(value: Any) -> bool:
    """Whether gradients can be asked for: a tensor of real numbers, or a list of such."""
    if isinstance(value, tuple | list):
        return bool(value) and all(map(can_slope, value))
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def has_arrays(values: Sequence[Any]) -> bool:
    """Whether one of them is a tensor or an array."""
    return any(isinstance(one, torch.Tensor | np.ndarray) for one in values)

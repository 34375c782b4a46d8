"""Inputs for checks, the same every time, and a way to take several matrices apart."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lesson5_utils.exercises.engine.compare import WrongForm, items

__all__ = ["matrices", "real_numbers", "whole_numbers"]


def whole_numbers(*shape: int, seed: int = 0) -> Tensor:
    """Whole numbers from -4 to 4 as floats: inputs easy to check by hand."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, shape, generator=generator).float()


def real_numbers(*shape: int, seed: int = 0) -> Tensor:
    """Numbers from -4 to 4 with two places, none of them whole: rounding shows on them."""
    generator = torch.Generator().manual_seed(seed)
    whole = torch.randint(-4, 4, shape, generator=generator)
    return whole + torch.randint(1, 100, shape, generator=generator) / 100


def matrices(result: Any, count: int, wanted: str) -> list[Tensor]:
    """An answer of several tensors, arrays or lists, as float tensors.

    Raises:
        WrongForm: `wanted` says what should have been returned.
    """
    parts = items(result)
    if parts is None or len(parts) != count:
        raise WrongForm(f"return {wanted}")
    if any(part is None or part is ... for part in parts):
        raise WrongForm(f"one of the {count} is still missing: return {wanted}")
    return [torch.as_tensor(part, dtype=torch.float32) for part in parts]

"""Notebook 00: what it asserts about the learner's own curve holds for other curves too."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lesson5_utils.course import cell_source

CURVES = {
    "growing": torch.exp,
    "with a corner": torch.abs,
    "with a jump": torch.sign,
    "a straight line": lambda x: 3 - 2 * x,
    "constant": torch.ones_like,
    "symmetric": torch.cos,
    "many waves": lambda x: torch.sin(10 * x),
    "steep": lambda x: 100 * x**3,
}


def errors_for(curve: Any) -> list[float]:
    """Run the notebook's own cells with another curve, up to its assertion."""
    namespace: dict[str, Any] = {}
    for cell in ("imports", "my-curve"):
        exec(cell_source("00_start_here", cell), namespace)
    namespace["target"] = curve(namespace["x"])
    for cell in ("fit", "width-errors", "width-verdict"):
        exec(cell_source("00_start_here", cell), namespace)
    return namespace["errors"]


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES.keys())
def test_the_error_falls_with_the_width_for_any_curve(curve: Any) -> None:
    assert len(errors_for(curve)) == 7


def test_a_curve_too_fast_for_64_bends_is_reported() -> None:
    with pytest.raises(AssertionError):
        errors_for(lambda x: torch.sin(100 * x))

"""Notebook 00: what it asserts about the learner's own curve holds for other curves too."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lesson5_utils.book.index import namespace

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
    names = namespace("00", "imports", "my-curve")
    names["target"] = curve(names["x"])
    cells = ("fit", "width-errors", "width-verdict")
    return namespace("00", *cells, into=names)["errors"]


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES.keys())
def test_the_error_falls_with_the_width_for_any_curve(curve: Any) -> None:
    assert len(errors_for(curve)) == 7


def test_a_curve_too_fast_for_64_bends_is_reported() -> None:
    with pytest.raises(AssertionError):
        errors_for(lambda x: torch.sin(100 * x))

"""Notebook 07: what it writes by hand equals torch, values and gradients, for any scores.

The functions are taken from the notebook's own cells. "Equal" is a relative 1e-6 in float64;
the absolute 1e-12 lets results differ that are 0 but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch import Tensor

from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import cross_entropy as check

HUGE = 1e4
TIED = np.array([[HUGE, HUGE, -HUGE], [0, 0, 0], [-HUGE, -HUGE, -HUGE], [-HUGE, 0, HUGE]])
REFERENCES: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda z: torch.softmax(z, dim=-1),
    "log_softmax": lambda z: torch.log_softmax(z, dim=-1),
}


CELLS = ("imports", "answer-nll", "scores", "softmax", "log-overflow", "answer-log-softmax")
CELLS += ("log-softmax", "cross-entropy", "answer-gradient", "gradient", "bins", "mse")
CELLS += ("push",)
BY_HAND = namespace("07", *CELLS)

one_score = st.floats(-HUGE, HUGE) | st.sampled_from([-HUGE, -30.0, 0.0, 30.0, HUGE])
any_scores = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=one_score
)
seeds = st.integers(0, 2**31)


def equal(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12)


def value_and_gradient(
    function: Callable[..., Tensor], scores: Tensor, *rest: Tensor, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """The result, and the gradient of its sum with random weights."""
    leaf = scores.clone().requires_grad_()
    result = function(leaf, *rest)
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(result.shape, generator=generator, dtype=result.dtype)
    (gradient,) = torch.autograd.grad((result * weights).sum(), leaf)
    return result.detach(), gradient


def classes(scores: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(scores.shape[1], (len(scores),), generator=generator)


@pytest.mark.parametrize("name", REFERENCES)
@given(scores=any_scores, seed=seeds)
@example(scores=TIED, seed=0)
def test_softmax_and_its_logarithm_are_torchs(name: str, scores: np.ndarray, seed: int) -> None:
    z = torch.from_numpy(scores)
    ours = value_and_gradient(BY_HAND[name], z, seed=seed)
    theirs = value_and_gradient(REFERENCES[name], z, seed=seed)
    for one, other in zip(ours, theirs, strict=True):
        equal(one, other)


@given(scores=any_scores, seed=seeds)
@example(scores=TIED, seed=0)
def test_nll_cross_entropy_and_the_formula_of_its_gradient_are_torchs(
    scores: np.ndarray, seed: int
) -> None:
    z = torch.from_numpy(scores)
    y = classes(z, seed)
    pairs = {"cross_entropy": F.cross_entropy, "nll": F.nll_loss}
    for name, reference in pairs.items():
        ours = value_and_gradient(BY_HAND[name], z, y, seed=seed)
        theirs = value_and_gradient(reference, z, y, seed=seed)
        for one, other in zip(ours, theirs, strict=True):
            equal(one, other)
    leaf = z.clone().requires_grad_()
    F.cross_entropy(leaf, y).backward()
    assert leaf.grad is not None
    equal(BY_HAND["gradient"](z, y), leaf.grad)


@given(scores=any_scores, shift=st.floats(-HUGE, HUGE))
def test_softmax_adds_up_to_1_and_does_not_see_a_shift(
    scores: np.ndarray, shift: float
) -> None:
    p = BY_HAND["softmax"](torch.from_numpy(scores))
    assert bool((p >= 0).all())
    equal(p.sum(dim=-1), torch.ones(len(p), dtype=torch.float64))
    shifted = BY_HAND["softmax"](torch.from_numpy(scores + shift))
    torch.testing.assert_close(shifted, p, rtol=1e-6, atol=1e-9)  # scores + shift is rounded


def test_the_sheet_in_three_ways_and_in_natural_logarithms() -> None:
    names = namespace("07", "imports", "cat-table", "as-sum", "as-if", "as-lookup", "puzzle")
    sheet = torch.tensor([0.30103, 0.0087739, 1, 0.30103, 0.0457575], dtype=torch.float64)
    for way in ("as_sum", "as_if", "as_lookup"):
        assert (names[way] - sheet).abs().max() < 5e-8
    ratio = names["natural"] / names["as_sum"]
    assert (ratio - 2.302585).abs().max() < 5e-7


def test_naive_softmax_fails_where_the_notebook_says_so() -> None:
    names = namespace("07", "imports", "scores", "naive-softmax")
    for far in (1000, -1000):
        assert bool(names["naive_softmax"](names["scores"] + far).isnan().all())


@given(z=st.floats(-30, 30))
def test_the_push_is_the_slope_that_the_text_gives(z: float) -> None:
    score = torch.tensor([z], dtype=torch.float64)
    p = score.sigmoid()
    equal(BY_HAND["push"](BY_HAND["cross_entropy"], score), 1 - p)
    equal(BY_HAND["push"](BY_HAND["mse"], score), 4 * p * (1 - p) ** 2)


# --- calibration ---------------------------------------------------


@given(scores=any_scores, seed=seeds)
def test_the_calibration_error_of_the_bins_is_that_of_the_exercise(
    scores: np.ndarray, seed: int
) -> None:
    z = torch.from_numpy(scores).float()
    y = classes(z, seed)
    confidence, guess = torch.softmax(z, dim=1).max(dim=1)
    expected = check.calibration_error.reference(confidence, (guess == y).float(), 10)
    assert BY_HAND["ece"](z, y) == pytest.approx(float(expected), abs=1e-5)


# --- pictures -----------------------------------------------------------------------------


def test_the_sliders_draw_the_scores_and_their_softmax(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    offered: dict[str, Any] = {}
    heights: list[list[float]] = []
    told: list[str] = []

    def keep(made: Any, alt: str, caption: str | None = None) -> None:
        heights.extend([bar.get_height() for bar in ax.patches] for ax in made.axes)
        told.append(alt)

    monkeypatch.setattr("lesson5_utils.plotting.figures.show", keep)
    names = namespace("07", "imports", "scores", "softmax")
    names["interact"] = lambda callback, **sliders: offered.update(
        callback=callback, sliders=sliders
    )
    namespace("07", "draw-softmax", "sliders", into=names)
    start = {name: slider.value for name, slider in offered["sliders"].items()}
    assert list(start) == ["temperature", *names["names"]] and start["temperature"] == 1
    offered["callback"](**start)
    assert heights[:2] == heights[2:], "the still picture is the sliders' start"
    offered["callback"](**{**start, "temperature": 5.0, "cat": 5.0})
    scores, p = heights[4:]
    assert scores == [5.0, 2.0, -1.0, 1.0, 0.5]
    assert p == pytest.approx(torch.softmax(torch.tensor(scores) / 5, dim=0).tolist())
    assert "temperature 5." in told[-1]

"""Notebook 07: what it writes by hand equals torch, values and gradients, for any scores; a
score's best report; the clinic's four patients.

The functions are taken from the notebook's own cells. "Equal" is a relative 1e-6 in float64;
the absolute 1e-12 lets results differ that are 0 but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch import Tensor

from lesson5_utils import datasets
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import cross_entropy as check

HUGE = 1e4
TIED = np.array([[HUGE, HUGE, -HUGE], [0, 0, 0], [-HUGE, -HUGE, -HUGE], [-HUGE, 0, HUGE]])
REFERENCES: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda z: torch.softmax(z, dim=-1),
    "log_softmax": lambda z: torch.log_softmax(z, dim=-1),
}


CELLS = ("imports", "log-score", "expected", "answer-reports", "reports-shown", "cat-table")
CELLS += ("as-sum", "as-if", "answer-nll", "as-lookup", "scores", "softmax", "log-overflow")
CELLS += ("answer-log-softmax", "log-softmax", "cross-entropy", "answer-gradient")
CELLS += ("four-ways", "mse", "push", "bins")
BY_HAND = namespace("07", *CELLS)

one_score = st.floats(-HUGE, HUGE) | st.sampled_from([-HUGE, -30.0, 0.0, 30.0, HUGE])
any_scores = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=one_score
)
seeds = st.integers(0, 2**31)
percents = st.integers(1, 99)


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


# --- what a score makes one say -----------------------------------------------------------


@given(percent=percents)
def test_under_the_log_and_the_squares_the_truth_is_cheapest(percent: int) -> None:
    honest = [
        BY_HAND["log_score"],
        *(BY_HAND["price_lists"][n] for n in ("(1 - p)²", "-log10 p")),
    ]
    for score in honest:
        assert BY_HAND["best_report"](score, percent / 100) == percent


@given(percent=percents.filter(lambda percent: percent != 50))
def test_the_newspaper_makes_everybody_shout(percent: int) -> None:
    said = BY_HAND["best_report"](lambda p: 1 - p, percent / 100)
    assert said == (100 if percent > 50 else 0)


def test_the_check_knows_what_each_price_list_makes_her_say() -> None:
    words = {}
    for name, score in BY_HAND["price_lists"].items():
        said = BY_HAND["best_report"](score, 0.7)
        words[name] = "the truth" if said == 70 else "more" if said > 70 else "less"
    assert words == check.reports.reference()


@given(p=percents, q=percents)
def test_cross_entropy_is_never_below_entropy(p: int, q: int) -> None:
    p_, q_ = torch.tensor([p, q], dtype=torch.float64) / 100
    paid = {one: BY_HAND["expected"](BY_HAND["log_score"], one, q_) for one in (p_, q_)}
    gap = float(paid[p_] - paid[q_])
    kl = float(torch.xlogy(q_, q_ / p_) + torch.xlogy(1 - q_, (1 - q_) / (1 - p_)))
    assert gap == pytest.approx(kl, abs=1e-12) and gap >= -1e-15


# --- the loss -----------------------------------------------------------------------------


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
    names = namespace("07", "puzzle", into=dict(BY_HAND))
    sheet = torch.tensor([0.30103, 0.0087739, 1, 0.30103, 0.0457575], dtype=torch.float64)
    for way in ("as_sum", "as_if", "as_lookup"):
        assert (names[way] - sheet).abs().max() < 5e-8
    ratio = names["natural"] / names["as_sum"]
    assert (ratio - 2.302585).abs().max() < 5e-7


def test_naive_softmax_fails_where_the_notebook_says_so() -> None:
    names = namespace("07", "imports", "scores")
    for far in (1000, -1000):
        assert bool(names["naive_softmax"](names["scores"] + far).isnan().all())


@given(z=st.floats(-30, 30))
def test_the_push_is_the_slope_that_the_text_gives(z: float) -> None:
    score = torch.tensor([z], dtype=torch.float64)
    p = score.sigmoid()
    equal(BY_HAND["push"](BY_HAND["cross_entropy"], score), 1 - p)
    equal(BY_HAND["push"](BY_HAND["mse"], score), 4 * p * (1 - p) ** 2)


# --- the clinic ---------------------------------------------------------------------------


@cache
def ward() -> dict[str, Any]:
    """The cells of the clinic, up to the tests that tell the patients apart."""
    names = namespace("07", "imports", "digits", "treat")
    names["digits"] = datasets.load_digits("sample")
    names["epochs"] = 3
    return namespace("07", "claims", "exam", "exam-verdict", into=names)


def test_each_disease_is_told_from_the_others_by_its_test() -> None:
    found = {
        disease: list(column[column].index) for disease, column in ward()["sick_by"].items()
    }
    assert found == {disease: [who] for who, disease in check.diseases.reference().items()}
    names = ward()
    sound = names["pd"].DataFrame({"sound": names["exam"](check.forecaster.reference)}).T
    assert not namespace("07", "exam-verdict", into=names | {"tests": sound})["sick_by"].any(
        axis=None
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_patients_have_their_symptoms_and_the_mended_net_recovers(seed: int) -> None:
    treat, claim, rates = (ward()[name] for name in ("treat", "claim", "rates"))
    seen = {who: treat(make, rates[who], seed) for who, make in ward()["patients"]().items()}
    losses = {who: loss for who, (_, loss) in seen.items()}
    assert min(losses["Ana"]) > 1.461 and np.mean(losses["Ana"][-20:]) < 1.75
    assert not np.isfinite(losses["Bruno"][-1]) and len(losses["Bruno"]) > 20
    assert np.abs(np.array(losses["Carla"]) - np.log(10)).max() < 0.05
    assert np.mean(losses["Davi"][-20:]) < 0.3
    says = {who: claim(*one) for who, one in seen.items()}
    assert says["Bruno"] is None
    assert says["Ana"][0] < 0.24 < 0.8 < says["Ana"][1]
    assert max(says["Carla"]) < 0.2
    assert says["Davi"][0] > 0.98 and says["Davi"][1] < 0.97
    for rate in set(rates.values()):
        sure, right = claim(*treat(check.forecaster.reference, rate, seed))
        assert right > 0.8 and abs(sure - right) < 0.1


def test_two_softmaxes_cannot_pass_the_floor_of_the_text() -> None:
    names = namespace("07", "twice-floor", into=dict(BY_HAND))
    assert names["floor"] == pytest.approx(np.log(np.e + 9) - 1)
    assert names["twice"] < names["pushes"]["MSE"][0]


# --- calibration --------------------------------------------------------------------------


@given(scores=any_scores, seed=seeds)
def test_the_bins_hold_the_calibration_error_of_the_exercise(
    scores: np.ndarray, seed: int
) -> None:
    z = torch.from_numpy(scores).float()
    y = classes(z, seed)
    confidence, guess = torch.softmax(z, dim=1).max(dim=1)
    expected = check.calibration_error.reference(confidence, (guess == y).float(), 10)
    count, sure, right = BY_HAND["bins"](z, y)
    assert int(count.sum()) == len(y)
    made = ((sure - right).abs().nan_to_num() * count).sum() / len(y)
    assert float(made) == pytest.approx(float(expected), abs=1e-5)


def test_a_temperature_finds_back_what_the_scores_were_multiplied_by() -> None:
    best = namespace("07", "imports", "temperature-of")["best_temperature"]
    generator = torch.Generator().manual_seed(0)
    z = 2 * torch.randn(4000, 10, generator=generator)
    y = z.softmax(dim=1).multinomial(1, generator=generator)[:, 0]
    assert best(z, y) == pytest.approx(1, rel=0.1)
    assert best(4 * z, y) == pytest.approx(4, rel=0.1)

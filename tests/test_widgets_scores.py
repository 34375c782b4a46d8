"""Scores to move: their arithmetic against autograd, and the widget without a browser."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from lesson5_utils import widgets
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.forecast import LOSSES, forecast, signed, tiny
from lesson5_utils.widgets.scores import shown

NAMES = ["cat", "dog", "plane", "fish", "building"]
SCORES = [0, 2, -1, 1, 0.5]


@pytest.fixture
def sliders() -> widgets.ScoreSliders:
    return widgets.ScoreSliders(SCORES, NAMES, truth=1)


# --- the arithmetic -----------------------------------------------------------------------


@st.composite
def rows(draw: Any) -> tuple[np.ndarray, int]:
    n, size = draw(st.integers(2, 8)), draw(st.sampled_from([0.01, 3, 40, 1e4]))
    numbers = st.floats(-size, size)
    return draw(nps.arrays(np.float64, n, elements=numbers)), draw(st.integers(0, n - 1))


@settings(max_examples=200, deadline=None)
@given(rows())
def test_losses_and_pushes_are_those_of_autograd(row: tuple[np.ndarray, int]) -> None:
    values, truth = row
    ours = forecast(values, truth, [f"class {k}" for k in range(len(values))])
    y = F.one_hot(torch.tensor([truth]), len(values))

    def mse(scores: torch.Tensor) -> torch.Tensor:  # as in notebook 07
        return (F.softmax(scores, dim=1) - y).square().sum(dim=1).mean()

    def cross_entropy(scores: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(scores, torch.tensor([truth]))

    for which, loss_of in enumerate((cross_entropy, mse)):
        scores = torch.tensor(values[None], requires_grad=True)
        loss = loss_of(scores)
        loss.backward()
        assert ours.losses[which] == pytest.approx(loss.item(), rel=1e-12, abs=1e-12)
        push = -scores.grad[0].numpy()  # type: ignore[index]
        assert np.allclose(ours.pushes[which], push, rtol=0, atol=1e-12)
        assert abs(ours.pushes[which].sum()) < 1e-12, "what one class wins, the others lose"
        assert ours.largest[which] == np.abs(ours.pushes[which]).max() <= 1
    assert np.allclose(ours.p, torch.tensor(values).softmax(0).numpy(), rtol=0, atol=1e-12)


def test_sure_and_wrong_only_cross_entropy_pushes() -> None:
    one = forecast([0, 10], 0, ["a", "b"])
    entropy, mse = one.pushes
    assert entropy == pytest.approx([1, -1], abs=1e-4)
    assert mse == pytest.approx([0.00018, -0.00018], abs=1e-5)
    assert one.losses == pytest.approx((10, 2), abs=1e-3)


@pytest.mark.parametrize(
    "value, text",
    [(0.437, "+0.44"), (-0.2, "−0.20"), (0.004, "0.00"), (-0.004, "0.00"), (1, "+1.00")],
)
def test_a_push_has_its_sign(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    "size, text",
    [
        (0.9996, "1.00"),
        (0.1, "0.10"),
        (0.0962, "0.096"),
        (0.0141, "0.014"),
        (0.00018, "0.0002"),
        (0.00001, "under 0.0001"),
        (0, "0.00"),
    ],
)
def test_a_small_size_keeps_a_digit(size: float, text: str) -> None:
    assert tiny(size) == text


# --- the widget ---------------------------------------------------------------------------


def test_a_slider_moves_everything(sliders: widgets.ScoreSliders) -> None:
    assert sliders._shown["losses"] == ["0.57", "0.26"]
    sliders.set_state({"scores": [0, -5, 0, 5, 0]})  # as the browser does
    assert sliders.forecast.scores.tolist() == [0, -5, 0, 5, 0]
    assert sliders._shown["rows"][1]["texts"] == ["+1.00", "0.00"]
    assert sliders._shown["rows"][3]["texts"] == ["−0.98", "−0.04"]
    assert sliders._shown["said"] == (
        "The truth is dog, p 0.00: cross-entropy 10.02, largest push 1.00; MSE 1.96, "
        "largest push 0.038."
    )


def test_the_true_class_is_chosen_and_all_comes_back(sliders: widgets.ScoreSliders) -> None:
    sliders.set_state({"truth": 3})
    assert sliders.forecast.true == "fish" and sliders.forecast.y.tolist() == [0, 0, 0, 1, 0]
    sliders.scores = torch.zeros(5)
    assert sliders.scores == [0.0] * 5 and sliders._shown["losses"][0] == "1.61"
    sliders._asked(sliders, {"do": "reset"})
    assert (sliders.scores, sliders.truth) == ([0.0, 2.0, -1.0, 1.0, 0.5], 1)
    assert sliders._shown == shown(forecast(SCORES, 1, NAMES))
    before = sliders._shown
    sliders._asked(sliders, {"do": "something else"})
    assert sliders._shown is before


def test_what_the_browser_sends_is_not_sent_back(sliders: widgets.ScoreSliders) -> None:
    sent: list[Any] = []
    sliders.send_state = lambda key=None: sent.append(key)  # type: ignore[method-assign]
    sliders.set_state({"scores": [0, 2.1, -1, 1, 0.5]})
    assert sent and not any("scores" in (key or ()) for key in sent)


def test_what_is_shown_are_plain_numbers_and_texts(sliders: widgets.ScoreSliders) -> None:
    told = json.loads(json.dumps(sliders.get_state()["_shown"]))
    assert [row["score"] for row in told["rows"]] == ["0.00", "2.00", "−1.00", "1.00", "0.50"]
    assert [row["share"] for row in told["rows"]] == ["0.08", "0.56", "0.03", "0.21", "0.13"]
    assert told["rows"][1]["words"] == "cross-entropy pushes up by 0.44; MSE pushes up by 0.29"
    sliders.scores = [0, 20, 0, 0, -20]
    assert sliders._shown["rows"][4]["words"] == (
        "cross-entropy does not push; MSE does not push"
    )
    assert sliders._losses == list(LOSSES)


def test_its_text_is_a_sentence_with_scores_probabilities_and_losses(
    sliders: widgets.ScoreSliders,
) -> None:
    assert repr(sliders) == "<ScoreSliders 5 classes, the truth is dog>"
    assert sliders._repr_mimebundle_()[0]["text/plain"] == (
        "Score → probability: cat 0.00 → 0.08, dog 2.00 → 0.56, plane −1.00 → 0.03, fish 1.00 "
        "→ 0.21, building 0.50 → 0.13. The truth is dog: cross-entropy 0.57, MSE 0.26."
    )


def test_others_are_told_of_a_change(sliders: widgets.ScoreSliders) -> None:
    told: list[Any] = []
    sliders.observe(lambda change: told.append(sliders.forecast.p.argmax()), "scores")
    sliders.scores = [9, 0, 0, 0, 0]
    assert told == [0]


@pytest.mark.parametrize(
    ("scores", "names", "truth", "phrase"),
    [
        ([1, 2, 3], ["a", "b"], 0, "scores and names must be equally long, not 3 and 2"),
        ([1], ["a"], 0, "the number of classes must be a whole number from 2 to 20, not 1"),
        ([1, 2], ["a", "b"], 2, "truth must be a whole number from 0 to 1, not 2"),
        ([1, 2], ["a", "b"], -1, "truth must be a whole number from 0 to 1, not -1"),
        ([1, 2], ["a", "b"], "b", "truth must be a whole number"),
        ([1, 2], ["a", "b"], True, "truth must be a whole number"),
        ([1, float("nan")], ["a", "b"], 0, "scores must be finite"),
        ([1, float("inf")], ["a", "b"], 0, "scores must be finite"),
        ([1, 1e7], ["a", "b"], 0, "from −1,000,000 to 1,000,000"),
        ([[1, 2]], ["a", "b"], 0, "scores must be a row of numbers"),
        ([[1, 2], [3]], ["a", "b"], 0, "scores must be a row of numbers"),
        (["1", "2"], ["a", "b"], 0, "scores must be a row of numbers"),
        ([True, False], ["a", "b"], 0, "scores must be a row of numbers"),
        (None, ["a", "b"], 0, "scores must be a row of numbers"),
        ([1, 2], "ab", 0, "names must be texts"),
        ([1, 2], [0, 1], 0, "names must be texts"),
        ([1, 2], ["a", "a"], 0, "each class needs a name of its own"),
        ([1, 2], ["a", " "], 0, "each class needs a name of its own"),
    ],
)
def test_what_makes_no_forecast_is_refused(
    scores: Any, names: Any, truth: Any, phrase: str
) -> None:
    with pytest.raises(ArgumentError, match=phrase):
        widgets.ScoreSliders(scores, names, truth)


def test_a_wrong_value_is_refused_and_the_old_one_stays(sliders: widgets.ScoreSliders) -> None:
    before = sliders._shown
    for name, value in {"scores": [1, 2], "truth": 5}.items():
        with pytest.raises(ArgumentError):
            setattr(sliders, name, value)
    with pytest.raises(ArgumentError, match="high must be a number above -6"):
        widgets.ScoreSliders(SCORES, NAMES, high=-7)
    assert sliders.scores == [0, 2, -1, 1, 0.5] and sliders.truth == 1
    assert sliders._shown is before


def test_scores_of_a_net_and_names_of_any_kind_will_do() -> None:
    scores = torch.tensor(SCORES, requires_grad=True)
    sliders = widgets.ScoreSliders(scores, tuple(NAMES), truth=np.int64(1))
    assert sliders.scores == SCORES and sliders.truth == 1

"""Notebook 03: its slider, its four ways of one step, and the grid that its table walks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lesson5_utils import datasets, plotting
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import weight_decay as check

FIT = ("points", "hinges", "solve", "draw-fit")
ARMS = {"decay", "penalty", "fewer factors", "stop early"}


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the notebook defines about its curve, with the slider's callback kept."""
    offered: dict[str, Any] = {}
    found = namespace("03", "imports")
    found["interact"] = lambda callback, **sliders: offered.update(callback=callback, **sliders)
    return namespace("03", *FIT, "three-errors", "slider", into=found) | {"offered": offered}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is handed to the figure, and the alt text beside it."""
    pictures: list[dict[str, Any]] = []

    def wide_fit(ax: Any, points: Any, x: Any, lines: Any, weights: Any, **rest: Any) -> None:
        pictures.append({"lines": lines, "weights": np.asarray(weights), **rest})

    monkeypatch.setattr(plotting, "wide_fit", wide_fit)
    monkeypatch.setattr(
        "lesson5_utils.plotting.figures.show",
        lambda made, alt, caption: pictures[-1].update(alt=alt),
    )
    return pictures


def test_the_slider_moves_curve_bars_and_shares_together(
    names: dict[str, Any], drawn: list[dict[str, Any]]
) -> None:
    offered = names["offered"]
    power, count = offered["power"], offered["n_weights"]
    assert power.description and count.description, "read out by a screen reader"
    for n_weights in dict(count.options).values():
        for at in (power.min, -3, power.max):
            offered["callback"](at, n_weights)
            assert f"10 to the power {at:g}" in drawn[-1]["alt"]
        few, right, much = drawn[-3:]
        for picture in (few, right, much):
            assert len(picture["weights"]) == n_weights
        sizes = [np.abs(picture["weights"]).max() for picture in (few, right, much)]
        shares = [
            float(np.sum(np.asarray(picture["shares"]))) for picture in (few, right, much)
        ]
        assert sizes == sorted(sizes, reverse=True) and shares == sorted(shares, reverse=True)
        assert f"works like {shares[1]:.1f} weights" in right["title"]


def test_solve_finds_the_minimum_of_loss_plus_penalty(names: dict[str, Any]) -> None:
    x, y, wd = names["x"], names["y"], 1e-3
    columns = names["hinges"](x, 16)
    w = names["solve"](columns, y, wd)[0].requires_grad_()
    ((columns @ w - y).square().mean() + check.penalty.reference([w], wd)).backward()
    assert w.grad.abs().max() < 1e-10


def test_the_shares_add_up_to_how_far_the_predictions_follow_their_points(
    names: dict[str, Any],
) -> None:
    """The usual definition: move each value by 1, see how far its own prediction moves."""
    x, y, solve = names["x"], names["y"], names["solve"]
    for n_weights, wd in ((16, 1e-3), (1000, 1e-1)):
        columns = names["hinges"](x, n_weights)
        before, shares = solve(columns, y, wd)
        followed = 0.0
        for row in range(len(y)):
            moved = y.clone()
            moved[row] += 1
            followed += float((columns @ (solve(columns, moved, wd)[0] - before))[row])
        assert followed == pytest.approx(float(shares.sum()), abs=1e-8)


def test_what_the_learner_predicts_is_what_the_sweep_shows(names: dict[str, Any]) -> None:
    seen = namespace("03", "sweep", into=dict(names))["seen"]
    for name, trend in check.trends.reference().items():
        steps = np.diff(seen[name])
        turn = int(np.argmin(seen[name]))
        came: dict[str, Callable[[], bool]] = {
            "rises": lambda steps=steps: bool((steps > 0).all()),
            "falls": lambda steps=steps: bool((steps < 0).all()),
            "stays": lambda steps=steps: not steps.any(),
            "falls, then rises": lambda steps=steps, turn=turn: bool(
                0 < turn < len(steps) and (steps[:turn] < 0).all() and (steps[turn:] > 0).all()
            ),
        }
        assert came[trend](), name


def test_the_two_arms_of_wd_tried_as_many_values_and_the_best_lie_inside() -> None:
    table = datasets.measured("weight_decay")
    for _, rows in table.groupby("data"):
        assert set(rows.arm) == ARMS
        inner = rows[rows.part == "inner"]
        tries = inner.groupby("arm")[["strength", "lr", "seed"]].nunique()
        assert (tries == tries.iloc[0]).all(axis=None), "every arm is tuned alike"
        for arm, runs in inner.groupby("arm"):
            means = runs.groupby(["lr", "strength"]).valid.mean()
            lr, strength = means.idxmin()
            errors = {s: [mean] for s, mean in means[lr].items()}
            assert check.widen.reference(errors) == "enough", arm
            judged = rows[(rows.arm == arm) & (rows.part == "final")]
            assert set(judged.strength) == {strength} and set(judged.lr) == {lr}
            assert not set(judged.seed) & set(runs.seed), "judged by seeds that chose nothing"


@pytest.mark.parametrize(("arm", "start"), [("decay", 0), ("penalty", 4)])
def test_a_search_ends_inside_wherever_it_starts(
    arm: str, start: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = namespace("03", "imports", "answer-widen", "table", "search")
    capsys.readouterr()
    found["search"](arm, start, start + 2)
    told = capsys.readouterr().out.splitlines()
    assert told[-1].endswith(": enough") and 1 < len(told) <= 6
    assert isinstance(found["table"], pd.DataFrame)

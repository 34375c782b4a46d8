"""What notebook 05 writes out: the limit of its ditch, its search, its table, its sliders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lesson5_utils import datasets, optimizers, plotting
from lesson5_utils.book.index import namespace

VALLEY = ("imports", "ball", "valley", "curvatures")
NAMES = namespace("05", *VALLEY, "gradient", "one-row", "laps")


def test_the_bet_counts_the_steps_that_the_ball_takes() -> None:
    """The ball itself would need seconds; so would a notebook that let it roll."""
    namespace("05", "crawl-bet", "crawl", into=(names := dict(NAMES)))
    x = NAMES["x"].numpy()
    curve = 2 * np.array([[1, x.mean()], [x.mean(), (x**2).mean()]])
    away, steps = np.array([1.0, 1.0]) - [30, 2], 0
    while abs(away / [30, 2]).max() > 0.01:
        away, steps = away - 3.7e-4 * curve @ away, steps + 1
    assert names["steps"] == pytest.approx(steps, rel=1e-3)


def test_the_curvatures_are_those_of_the_hessian_and_set_the_limit() -> None:
    h = torch.autograd.functional.hessian(NAMES["mean_loss"], NAMES["start"])
    flat, steep = torch.linalg.eigvalsh(h).tolist()
    assert NAMES["c_up"] == pytest.approx(steep, rel=1e-3)
    assert NAMES["c_along"] == pytest.approx(flat, rel=1e-3)


def growth(rate: float, passes: int = 1) -> float:
    """By how much a pass over the rows can lengthen a distance, with momentum 0.9, when a's
    rate is held fixed and b's is eighty times that."""
    lr, whole = np.diag([80 * rate, rate]), np.eye(4)
    for x in NAMES["x"].tolist():
        curve = 2 * np.array([[1, x], [x, x * x]])
        new_m = np.hstack([0.1 * curve, 0.9 * np.eye(2)])  # of (distance, m)
        step = np.vstack([np.eye(2, 4) - lr @ new_m, new_m])
        whole = step @ whole
    return float(abs(np.linalg.eigvals(whole)).max())


def test_one_row_at_a_time_bears_what_the_circling_rates_come_to() -> None:
    assert growth(2.5e-4) < 1 < growth(2.8e-4) and growth(4e-4) > 1
    limit = 2.6e-4
    assert growth(limit * 0.98) < 1 < growth(limit * 1.03)
    _, rates = NAMES["laps"](optimizers.Adam, [0.1, 0.8], 200)
    late = rates[120:, :, 1]
    assert (late.amin(0) < limit).all() and (late.amax(0) > limit).all()
    assert late.max() < 2 / NAMES["c_up"], "the limit is not that of the valley"


def test_laps_takes_the_steps_of_torchs_adam() -> None:
    places, rates = NAMES["laps"](optimizers.Adam, [0.05], 3)
    w = NAMES["start"].clone()
    theirs = torch.optim.Adam([w], lr=0.05)
    for _ in range(3):
        for x, y in zip(NAMES["x"], NAMES["y"], strict=True):
            w.grad = NAMES["gradient"](w, x, y)
            theirs.step()
    assert torch.allclose(places[-1, 0], w, rtol=1e-10)
    s = theirs.state[w]["exp_avg_sq"] / (1 - 0.999**87)
    assert torch.allclose(rates[-1, 0], 0.05 / s.sqrt(), rtol=1e-10)


def test_the_table_of_the_race_is_what_these_cells_give() -> None:
    table = datasets.measured("optimizer_race")
    for arm, make in (("RMSProp", optimizers.RMSprop), ("Adam", optimizers.Adam)):
        (row,) = table[(table.arm == arm) & (table.lr == 0.025)].itertuples()
        places, _ = NAMES["laps"](make, [0.025], 200)
        off = (places[:, 0] / NAMES["star"] - 1).abs().amax(dim=1)
        assert int((off >= 0.01).nonzero().max()) + 1 == row.epochs
        assert row.score == pytest.approx(row.epochs + row.distance, rel=1e-5)
        assert off[-1].item() == pytest.approx(row.distance, rel=1e-3)


@pytest.mark.parametrize("name", ["optimizer_race", "optimizer_sigmoids"])
def test_no_best_rate_lies_at_an_end_of_its_list(name: str) -> None:
    table = datasets.measured(name)
    value = -table.score if name == "optimizer_race" else table.accuracy
    means = table.assign(value=value).groupby(["arm", "lr"]).value.mean()
    for arm in table.arm.unique():
        one: pd.Series = means[arm]
        assert one.max() > max(one.iloc[0], one.iloc[-1]), arm


def test_what_the_lesson_says_of_the_race() -> None:
    table = datasets.measured("optimizer_race")
    first = table.groupby("arm").score.min()
    assert first["RMSProp"] < first["Adam"] < 200 and first["Adam, annealed"] < 200
    assert first["Adam, annealed"] < first["RMSProp, annealed"]
    assert first["SGD"] > 200 and first["momentum"] > 200, "neither arrives at any rate"
    lasts = table[table.distance < 100].groupby("arm").lr.max()
    assert lasts["momentum"] <= lasts["SGD"], "momentum bears no more, one row at a time"


def test_what_the_lesson_says_of_the_deep_net() -> None:
    """The rate of an arm is chosen with other seeds than those that are shown."""
    table = datasets.measured("optimizer_sigmoids")
    fresh = table[table.seed >= 5]
    chosen = table[table.seed < 5].groupby(["arm", "lr"]).accuracy.mean()
    best = {}
    for arm in table.arm.unique():
        lr = chosen[arm].idxmax()  # of momentum, which fails at every rate, one of two
        runs = fresh[(fresh.arm == arm) & (fresh.lr == lr)]
        assert sorted(runs.seed) == list(range(5, 25))
        best[arm] = runs.set_index("seed").accuracy
    assert best["SGD"].max() < 0.45 and best["momentum"].max() < 0.45
    gain = best["Adam"] - best["Adam, β₁ = 0"]
    assert gain.mean() > 2 * gain.std() / len(gain) ** 0.5 and (gain < 0).any()
    assert best["Adam"].min() > 0.85 > 0.75 > best["Adam, β₁ = 0"].min()


def test_whoever_searches_all_rates_finds_seeds_to_show() -> None:
    """A right `my_best_rate` may walk on to the ends of the table."""

    def everywhere(error: Any, rates: list[float]) -> float:
        return min((rate * 2.0**k for rate in rates for k in range(-8, 9)), key=error)

    names = NAMES | {"my_best_rate": everywhere, "my_accuracy": ...}
    namespace("05", "look-up", into=names)
    names["best_rate"] = names["check"].best_rate.use(everywhere)
    assert names["best_rate"] is not names["check"].best_rate.reference
    namespace("05", "deep", into=names)
    assert all(len(runs) == 20 for runs in names["reached"].values())


def test_the_sliders_roll_adam_and_draw_where_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    drawn: list[dict[str, Any]] = []
    offered: dict[str, Any] = {}

    class Widgets:
        FloatSlider = staticmethod(lambda value, **rest: {"value": value, **rest})
        FloatLogSlider = FloatSlider

        @staticmethod
        def interact(callback: Any, **sliders: Any) -> None:
            offered.update(callback=callback, sliders=sliders)

    monkeypatch.setattr(
        "lesson5_utils.plotting.figures.show", lambda made, alt, caption: told.append(alt)
    )
    monkeypatch.setattr(
        plotting, "valley", lambda ax, b, a, height, ways, **_: drawn.append(ways)
    )
    names = NAMES | {"widgets": Widgets}
    namespace("05", "answer-adam", "replay-adam", "play", "draw-play", into=names)
    namespace("05", "playground", into=names)
    sliders = offered["sliders"]
    assert all(slider["description"] for slider in sliders.values()), "each is labelled"
    still = {name: slider["value"] for name, slider in sliders.items()}
    assert still == {"b": 1, "a": 1, "lr": 0.5, "beta1": 0.9, "beta2": 0.999}
    offered["callback"](**still)
    assert np.array_equal(drawn[0]["Adam"], drawn[-1]["Adam"]), "the still twin shows the same"

    lowest = {name: slider.get("min", 0) for name, slider in sliders.items()}
    lowest["lr"] = 10.0 ** lowest["lr"]
    highest = {name: slider["max"] for name, slider in sliders.items()}
    highest["lr"] = 10.0 ** highest["lr"]
    for chosen in (still, lowest, highest, still | {"beta1": 0, "beta2": 0}):
        offered["callback"](**chosen)
        way = drawn[-1]["Adam"]
        assert way.shape == (151, 2) and np.isfinite(way).all()
        assert way[0].tolist() == [chosen["b"], chosen["a"]]
        assert f"lr {chosen['lr']:g}" in told[-1]
    assert np.abs(np.diff(way, axis=0)) == pytest.approx(0.5, rel=1e-5), "only signs are left"


def test_adam_without_epsilon_would_lose_blank_pixels() -> None:
    """So the learner's Adam, which has it, is needed where the notebook trains."""
    path = Path(__file__).resolve().parent.parent / "notebooks" / "05_optimizers.ipynb"
    cells = {cell["id"]: cell for cell in json.loads(path.read_text("utf-8"))["cells"]}
    said = "".join(cells["blank-pixels"]["outputs"][0]["text"])
    assert "lost with yours: 0 of 7,840" in said

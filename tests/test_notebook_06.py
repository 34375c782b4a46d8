"""What notebook 06 writes out: its schedule, its valley, its slider; and its claim on MNIST."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, OneCycleLR

from lesson5_utils import datasets, lr_range, models, plotting, training
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import one_cycle as check

SCHEDULE = ("imports", "cosine", "answer-one-cycle", "one-cycle", "torch-cycle", "torch-equal")
SCHEDULE += ("restarts",)
NAMES = namespace("06", *SCHEDULE, "smooth", "answer-range-test", "valley")


@settings(deadline=None, max_examples=60)
@given(
    steps=st.integers(3, 80),
    pct_start=st.floats(0.05, 0.95),
    max_lr=st.floats(1e-4, 1),
    divisors=st.tuples(st.floats(1.5, 1e4), st.floats(1.5, 1e5)),
)
@pytest.mark.parametrize("make", [NAMES["sgd"], NAMES["optim"].AdamW])
def test_the_written_out_cycle_is_torchs_at_every_step(
    make: Any, steps: int, pct_start: float, max_lr: float, divisors: tuple[float, float]
) -> None:
    assume(1.5 < pct_start * steps < steps - 0.5)
    theirs = NAMES["by_torch"](
        make,
        OneCycleLR,
        steps,
        max_lr=max_lr,
        total_steps=steps,
        pct_start=pct_start,
        div_factor=divisors[0],
        final_div_factor=divisors[1],
    )
    assert np.array(NAMES["cycle"](steps, max_lr, pct_start, *divisors)) == pytest.approx(
        theirs, rel=1e-9, abs=1e-12
    )


@given(period=st.integers(1, 40))
def test_the_written_out_restarts_are_torchs_at_every_step(period: int) -> None:
    theirs = NAMES["by_torch"](NAMES["sgd"], CosineAnnealingWarmRestarts, 60, T_0=period)[0]
    ours = [NAMES["restarts"](step, period) for step in range(60)]
    assert ours == pytest.approx(theirs.tolist(), rel=1e-9, abs=1e-12)


@given(st.lists(st.integers(0, 30).map(float), min_size=1, max_size=40))
def test_valley_and_smoothing_are_the_packages(losses: list[float]) -> None:
    assert NAMES["valley"](losses) == lr_range._valley(losses)
    assert NAMES["smooth"](losses) == lr_range.smooth(losses)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_range_test_sees_the_losses_of_lr_find(seed: int) -> None:
    names = namespace("06", "imports", "digits", "lr-find", "train-step")
    test = names["check"].range_test.use(NAMES["my_range_test"])
    rates, losses = test(names["new_net"](seed), 1e-5, 10, 100)
    found = names["finds"][seed]
    assert rates == pytest.approx(found.lr) and losses == pytest.approx(found.loss, rel=1e-3)


def test_the_learners_cycle_trains_the_net_that_fit_trains() -> None:
    names = namespace("06", "imports", "digits", "plans", "train")

    def mine(step: int, steps: int) -> tuple[float, float]:
        ends = (1 / 25, 1, 1 / 25 / 1e4), (0.95, 0.85, 0.95)
        rate, momentum = (NAMES["one_cycle"](step, steps, three, 0.25) for three in ends)
        return rate, momentum

    names["plans"]["yours"] = mine
    both = (names["train"](plan, 0.02, 1).parameters() for plan in ("yours", "one-cycle"))
    assert all(torch.allclose(a, b, atol=1e-3) for a, b in zip(*both, strict=True))
    history = training.fit(
        names["models"].TwoLayerNet(),
        names["digits"].train,
        names["digits"].valid,
        1,
        1.0,
        loss=F.cross_entropy,
        batch_size=500,
    )
    planned = [mine(step, 8)[0] for step in range(8)]
    assert history.lr == pytest.approx(planned, rel=1e-9)


def test_pushes_are_as_long_as_the_rows_and_the_rise_is_that_of_the_loss() -> None:
    names = namespace("06", "imports", "digits", "answer-direction", "direction", "along")
    training.set_seed(0)
    net = models.TwoLayerNet()
    pushed = names["push"](net, 0)
    assert list(pushed) == ["first.weight", "second.weight"]
    for name, way in pushed.items():
        weight = net.get_parameter(name)
        assert way.norm(dim=1).tolist() == pytest.approx(weight.norm(dim=1).tolist(), rel=1e-4)
    x, y = names["x"], names["y"]
    here, there = names["along"](net, pushed, [0, 0.5])
    assert here == pytest.approx(F.cross_entropy(net(x), y).item(), rel=1e-5)
    with torch.no_grad():
        for name, way in pushed.items():
            net.get_parameter(name).add_(0.5 * way)
    assert there == pytest.approx(F.cross_entropy(net(x), y).item(), rel=1e-5)


# --- what the prose says of the tables ----------------------------------------------------


def reads(plan: str, lr: float) -> float:
    """The mean share read right on the bundled digits, in percent."""
    table = datasets.measured("one_cycle")
    rows = table[(table.data == "sample") & (table.plan == plan) & (table.lr == lr)]
    assert rows.seed.nunique() >= 24
    return 50 * float((rows.valid + rows.test).mean())


def test_the_fall_buys_accuracy_and_the_rise_forgiveness() -> None:
    rates = (0.00125, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08)
    best = {
        plan: max(reads(plan, lr) for lr in rates)
        for plan in ("constant", "rise only", "fall only", "one-cycle", "cycle, momentum 0.9")
    }
    assert 1.3 < best["fall only"] - best["constant"] < 2.2
    assert abs(best["one-cycle"] - best["fall only"]) < 0.3
    assert abs(best["one-cycle"] - best["cycle, momentum 0.9"]) < 0.3
    assert best["rise only"] < best["constant"]
    assert [round(reads(plan, 0.08)) for plan in ("one-cycle", "fall only", "constant")] == [
        91,
        85,
        76,
    ]
    assert best["one-cycle"] - reads("one-cycle", 0.00125) > 2  # near the valley's rate


def test_two_juries_of_500_prefer_two_schedules_and_fresh_splits_none() -> None:
    table = datasets.measured("one_cycle")
    table = table[(table.data == "sample") & (table.lr == 0.02)]
    for jury, sign in (("valid", -1), ("test", 1)):
        shares = table.pivot(index="seed", columns="plan", values=jury)
        assert sign * (shares["one-cycle"] - shares["fall only"]).mean() > 0
    pairs = datasets.measured("one_cycle_pairs").set_index("data")
    bundled = pairs.loc["sample"].pivot(index="seed", columns=["plan", "lr"], values="right")
    apart = bundled["one-cycle", 0.02] - bundled["fall only", 0.02]
    assert len(apart) >= 40 and abs(apart.mean()) < 2 * apart.std() / len(apart) ** 0.5
    real = pairs.loc["mnist"].pivot(index="seed", columns=["plan", "lr"], values="right")
    apart = real["one-cycle", 0.01] - real["fall only", 0.01]
    assert len(apart) >= 8 and apart.min() > 0 and 0.001 < apart.mean() < 0.002


def test_whoever_chooses_the_target_chooses_the_factor() -> None:
    table = datasets.measured("one_cycle_race")
    runs: dict[str, Any] = {plan: {} for plan in ("constant", "fall only", "one-cycle")}
    for (plan, epochs, lr), one in table.groupby(["plan", "epochs", "lr"]):
        assert len(one) == 3
        runs[plan].setdefault(epochs, {})[lr] = (one.valid.tolist(), one.test.tolist())
    needed = {
        plan: [
            check.epochs_needed.reference(runs[plan], t) for t in (0.965, 0.97, 0.9725, 0.975)
        ]
        for plan in runs
    }
    assert needed["constant"] == [3, 9, 16, math.inf]
    assert needed["one-cycle"] == [2, 3, 3, 3] and needed["fall only"] == [2, 3, 4, 6]
    factors: dict[float, list[float]] = {0.97: [], 0.9725: []}
    for target, seen in factors.items():
        for seed in range(3):
            slow, fast = (
                check.epochs_needed.reference(
                    {
                        n: {
                            lr: [s[:seed] + s[seed + 1 :] for s in pair]
                            for lr, pair in one.items()
                        }
                        for n, one in runs[plan].items()
                    },
                    target,
                )
                for plan in ("constant", "one-cycle")
            )
            seen.append(slow / fast)
    assert [round(one, 1) for one in factors[0.97]] == [3.0, 4.5, 3.0]
    assert max(factors[0.9725]) == math.inf and min(factors[0.9725]) > 5
    chosen = {
        (plan, epochs): max(rates, key=lambda lr: sum(rates[lr][0]))
        for plan, budgets in runs.items()
        for epochs, rates in budgets.items()
    }
    for (plan, epochs), lr in chosen.items():  # a longer list would change nothing
        tried = runs[plan][epochs]
        assert epochs == 1 or min(tried) < lr < max(tried), (plan, epochs, lr)


def test_flat_and_good_do_not_go_together() -> None:
    table = datasets.measured("one_cycle_flat")
    mean = (
        table[table["data"] == "sample"]
        .groupby(["plan", "epochs", "lr"])[["rise", "right"]]
        .mean()
    )
    cycle, long = mean.loc[("one-cycle", 4, 0.02)], mean.loc[("one-cycle", 12, 0.02)]
    assert long.rise > 1.5 * cycle.rise and long.right > cycle.right
    calm, best = mean.loc[("constant", 4, 0.0025)], mean.loc[("constant", 4, 0.01)]
    assert best.rise > 1.3 * calm.rise and abs(best.right - calm.right) < 0.005
    assert abs(calm.rise - cycle.rise) < 0.05 and cycle.right > calm.right + 0.015
    real = table[table["data"] == "mnist"].groupby(["plan", "epochs", "lr"]).rise.mean()
    assert real["one-cycle", 4, 0.02] > 1.1 * real["constant", 4, 0.0025]
    for plan in ("constant", "fall only", "one-cycle"):
        low, high = (mean.loc[(plan, 4, lr)].rise for lr in (0.005, 0.04))
        assert high > 1.5 * low


def test_the_sliders_draw_the_cycle_that_they_ask_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    drawn: list[dict[str, Any]] = []
    offered: dict[str, Any] = {}

    class Widgets:
        FloatSlider = staticmethod(lambda value, **ends: (ends["min"], value, ends["max"]))
        FloatLogSlider = staticmethod(
            lambda value, **ends: (10.0 ** ends["min"], value, 10.0 ** ends["max"])
        )

        @staticmethod
        def interact(callback: Any, **sliders: Any) -> None:
            offered.update(callback=callback, sliders=sliders)

    monkeypatch.setattr(
        "lesson5_utils.plotting.figures.show", lambda made, alt, caption: told.append(alt)
    )
    monkeypatch.setattr(plotting, "curves", lambda ax, x, lines, **_: drawn.append(lines))
    names = namespace("06", *SCHEDULE) | {"widgets": Widgets}
    namespace("06", "playground", "playground-sliders", into=names)
    for place in range(3):
        drawn.clear()
        chosen = {name: values[place] for name, values in offered["sliders"].items()}
        offered["callback"](**chosen)
        rate, same, momentum = (next(iter(lines.values())) for lines in drawn)
        top, start = chosen["max_lr"], chosen["max_lr"] / chosen["div_factor"]
        assert rate == same and len(rate) == len(momentum) == 200
        assert rate[0] == pytest.approx(start) and max(rate) == pytest.approx(top)
        assert rate[-1] == pytest.approx(start / chosen["final_div_factor"])
        peak = round(chosen["pct_start"] * 200) - 1
        assert rate[peak] == pytest.approx(top) and min(momentum) == momentum[peak]
        assert f"up to {top:.2g}" in told[-1]


def accuracy(pred: Tensor, target: Tensor) -> float:
    return (pred.argmax(dim=1) == target).float().mean().item()


@pytest.mark.real_data
def test_one_cycle_reaches_97_5_on_mnist_in_half_the_epochs_of_a_constant_rate() -> None:
    digits = datasets.load_digits("mnist")

    def mean_of_three(epochs: int, lr: float, schedule: str | None) -> np.ndarray:
        found = []
        for seed in range(3):
            training.set_seed(seed)
            history = training.fit(
                models.TwoLayerNet(),
                digits.train,
                digits.test,
                epochs,
                lr,
                loss=F.cross_entropy,
                metrics=[accuracy],
                schedule=schedule,
                seed=seed,
            )
            found.append([metrics["accuracy"] for metrics in history.metrics])
        return np.mean(found, axis=0)

    one_cycle = mean_of_three(epochs=6, lr=1e-2, schedule="one_cycle")
    constant = mean_of_three(epochs=12, lr=1e-3, schedule=None)
    assert one_cycle[-1] >= 0.975 > constant.max(), (one_cycle, constant)

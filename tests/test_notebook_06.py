"""What notebook 06 writes out: its schedule, its valley, its slider; and its claim on MNIST."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, OneCycleLR

from lesson5_utils import datasets, lr_range, models, plotting, training
from lesson5_utils.book.index import namespace

SCHEDULE = ("imports", "answer-cosine", "cosine", "answer-one-cycle", "one-cycle")
SCHEDULE += ("torch-cycle", "restarts")
NAMES = namespace("06", *SCHEDULE, "smooth", "valley")


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

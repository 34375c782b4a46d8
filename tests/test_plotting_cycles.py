"""Schedules in pictures: the frame that is filled, strips, a cycle's divisors, marks."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from lesson5_utils import plotting, schedules
from lesson5_utils.errors import ArgumentError

RATES = [0.01, 0.02, 0.04, 0.08]
ADVICE = {"steepest": 0.03, "valley": 0.011}


@pytest.fixture
def ax() -> Iterator[Axes]:
    made, axes = plt.subplots()
    yield axes
    plt.close(made)


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_the_frame_has_all_rates_and_the_advice_but_no_curve(ax: Axes) -> None:
    plotting.rate_race(ax, RATES, {}, suggestions=ADVICE)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == [
        "0.01",
        "0.02",
        "0.04",
        "0.08",
    ]
    assert ax.get_xscale() == "log" and "zoomed" in ax.get_ylabel()
    assert texts(ax) == ["valley", "steepest"]
    heights = [text.get_position()[1] for text in ax.texts]
    assert heights[0] > heights[1] + 10, "names of near lines stand on different steps"
    assert [line.get_xdata()[0] for line in ax.lines] == [0.011, 0.03]  # type: ignore[index]


def test_guesses_are_hollow_and_named_and_what_is_not_guessed_is_left_out(ax: Axes) -> None:
    sketch = {"constant": {0.02: 0.9, 0.08: 0.2}, "fall only": {}}
    plotting.rate_race(ax, RATES, {}, sketch=sketch)
    (line,) = ax.lines
    assert np.asarray(line.get_xydata()).tolist() == [[0.02, 0.9], [0.08, 0.2]]
    assert line.get_markerfacecolor() == "white"
    (name,) = (text for text in ax.texts if text.get_text())
    low = ax.get_ylim()[0]
    assert name.get_text() == "constant" and name.xy == (0.08, low), "kept in sight"  # type: ignore[attr-defined]


def test_curves_are_the_means_and_single_runs_are_crosses(ax: Axes) -> None:
    groups = {"constant": np.array([[0.9, 0.9, 0.8, 0.8], [0.92, 0.9, 0.9, 0.76]])}
    groups["one-cycle"] = groups["constant"] + 0.02
    plotting.rate_race(ax, RATES, groups, runs={"one-cycle": {0.02: 0.93}})
    lines = {line.get_label(): line for line in ax.lines}
    assert np.asarray(lines["constant"].get_ydata()) == pytest.approx([0.91, 0.9, 0.85, 0.78])
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [np.asarray(one.get_xydata()).tolist() for one in crosses] == [[[0.02, 0.93]]]
    assert ax.get_ylim() == (0.74, 0.97)


def test_strips_stand_one_below_another_as_high_as_their_highest_rate(ax: Axes) -> None:
    plans = {"constant": [1.0] * 5, "fall only": [4.0, 3.0, 2.0, 1.0, 0.0]}
    plotting.strips(ax, plans)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list(plans)
    tops = [
        max(np.asarray(line.get_ydata())) for line in ax.lines if len(line.get_xdata()) == 5
    ]  # type: ignore[arg-type]
    assert tops == pytest.approx([1.78, 0.78])
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.strips(ax, {"a": [1.0, 1.0], "b": [1.0]})
    with pytest.raises(ArgumentError, match="must not be negative"):
        plotting.strips(ax, {"a": [0.0, 0.0]})


def test_the_divisors_are_named_beside_their_arrows(ax: Axes) -> None:
    plan = schedules.OneCycle(0.01, 100)
    plotting.divisors(ax, [plan.lr(step) for step in range(100)])
    told = " ".join(texts(ax))
    assert "div_factor: ÷ 25" in told and "final_div_factor: ÷ 10,000" in told
    assert "max_lr 0.01" in told and "4e-04" in told and "4e-08" in told
    assert ax.get_yscale() == "log" and max(ax.get_xticks()) <= 99


def test_marks_are_means_with_whiskers_of_one_standard_error(ax: Axes) -> None:
    groups = {"constant": ([1.0, 3.0], [0.5, 0.7]), "one-cycle": ([2.0], [0.9])}
    plotting.trade_off(ax, groups, xlabel="rise", ylabel="read right")
    marks = [line for line in ax.lines if line.get_marker() in "os^Dv"]
    assert [np.asarray(one.get_xydata())[0].tolist() for one in marks] == [[2, 0.6], [2, 0.9]]
    assert {one.get_marker() for one in marks} != {"o"}, "not told by colour alone"
    whisker = ax.collections[0].get_segments()[0]  # type: ignore[attr-defined]
    assert abs(whisker[1] - whisker[0]).max() == pytest.approx(2.0)
    assert {"constant", "one-cycle"} <= set(texts(ax))
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.trade_off(ax, {"constant": ([1.0], [1.0, 2.0])})

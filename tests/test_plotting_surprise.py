"""Forecasts on their curve, lowest points, the clinic's board, whiskers of a calibration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError


@pytest.fixture
def ax() -> Iterator[Axes]:
    made, axes = plt.subplots()
    yield axes
    plt.close(made)


def places(ax: Axes, marker: str) -> list[Any]:
    """Where the dots with this marker stand."""
    found = [line.get_xydata() for line in ax.lines if line.get_marker() == marker]
    return [one.tolist() for way in found for one in np.asarray(way)]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


# --- surprise -----------------------------------------------------------------------------


def test_each_forecast_stands_on_the_curve_with_its_name(ax: Axes) -> None:
    said = {"sure": 0.98, "unsure": 0.5, "wrong": 0.02}
    plotting.surprise(ax, said)
    assert np.allclose(places(ax, "o"), [[p, -np.log(p)] for p in said.values()])
    assert texts(ax) == list(said)
    p, loss = np.transpose(np.asarray(ax.lines[0].get_xydata()))
    assert np.allclose(loss, -np.log(p)) and p[-1] == 1
    assert ax.get_ylim()[1] > -np.log(0.02)


def test_a_crowd_says_its_mean_and_what_the_dear_ones_pay(ax: Axes) -> None:
    p = np.array([0.5, 0.5, 0.5, np.exp(-6.0)])
    plotting.surprise(ax, crowd=p)
    assert len(places(ax, "o")) == 3 and len(places(ax, "D")) == 1
    loss = -np.log(p)
    (told,) = texts(ax)
    assert f"the mean, {loss.mean():.2f}" in told
    assert f"25.0 % of all, and {100 * 6 / loss.sum():.0f} % of the loss" in told
    assert any(np.allclose(line.get_ydata(), loss.mean()) for line in ax.lines)


def test_without_dear_ones_nothing_is_said_of_them(ax: Axes) -> None:
    plotting.surprise(ax, crowd=[0.5, 0.9], dear=0.1)
    (told,) = texts(ax)
    assert "diamonds" not in told and "mean" in told


def test_the_sheets_scale_is_the_same_in_tens(ax: Axes) -> None:
    plotting.surprise(ax, {"row 3": 0.1}, top=4, sheet=True)
    (right,) = ax.child_axes
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    low, high = right.get_ylim()
    assert (low, high) == pytest.approx(tuple(end / np.log(10) for end in ax.get_ylim()))


@pytest.mark.parametrize("p", [0.0, -0.1, 1.01, float("nan")])
def test_what_is_no_probability_is_refused(ax: Axes, p: float) -> None:
    with pytest.raises(ArgumentError, match="above 0 and at most 1"):
        plotting.surprise(ax, {"odd": p})
    with pytest.raises(ArgumentError, match="above 0 and at most 1"):
        plotting.surprise(ax, crowd=[0.5, p])


# --- lowest -------------------------------------------------------------------------------


def test_a_star_stands_at_the_lowest_finite_point_of_each_line(ax: Axes) -> None:
    x = np.linspace(0, 1, 11)
    lines = {"left": np.where(x == 0, np.inf, (x - 0.2) ** 2), "right": (x - 0.7) ** 2}
    plotting.lowest(ax, x, lines, xlabel="said", ylabel="pays", top=2, arch=0.5 * x)
    assert np.allclose(places(ax, "*"), [[0.2, 0], [0.7, 0]], atol=1e-12)
    assert texts(ax) == ["left", "right"] and ax.get_ylim() == (0, 2)
    assert any(np.allclose(line.get_ydata(), 0.5 * x) for line in ax.lines)


def test_a_single_line_needs_no_name_and_lengths_must_fit(ax: Axes) -> None:
    plotting.lowest(ax, [0, 1], {"1 − p": [1, 0]})
    assert texts(ax) == [] and places(ax, "*") == [[1, 0]]
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.lowest(ax, [0, 1], {"1 − p": [1, 0]}, arch=[1])


# --- clinic -------------------------------------------------------------------------------


def test_the_board_shows_curves_where_they_end_and_what_is_claimed() -> None:
    made, axes = plt.subplots(2, 2)
    losses = {
        "Ana": {"sick": [2.3, 1.6, 1.5], "mended": [2.3, 1.0, 0.2]},
        "Bruno": {"sick": [2.3, 1.1, np.nan]},
    }
    plotting.clinic(axes, losses, {"Ana": (0.23, 0.91), "Bruno": None}, guessing=2.303)
    assert [ax.get_title() for ax in axes[0]] == ["Ana", "Bruno"]
    assert places(axes[0, 1], "x") == [[2, 1.1]] and "nan" in texts(axes[0, 1])
    assert places(axes[0, 0], "x") == []
    labels = [text.get_text() for text in axes[0, 0].get_legend().get_texts()]
    assert labels == ["sick", "mended"] and axes[0, 1].get_legend() is None
    assert texts(axes[1, 0]) == ["says 23 %", "right 91 %"]
    assert [bar.get_width() for bar in axes[1, 0].patches] == [0.23, 0.91]
    assert texts(axes[1, 1]) == ["no forecast: nan"] and not axes[1, 1].patches
    plt.close(made)


def test_a_board_with_other_patients_is_refused() -> None:
    made, axes = plt.subplots(2, 2)
    losses = {"Ana": {"loss": [1.0]}, "Bruno": {"loss": [1.0]}}
    with pytest.raises(ArgumentError, match="2 patients need axes"):
        plotting.clinic(axes, losses, {"Ana": None}, guessing=2.3)
    with pytest.raises(ArgumentError, match=r"1 patients need axes \[2, 1\]"):
        plotting.clinic(axes, {"Ana": {"loss": [1.0]}}, {"Ana": None}, guessing=2.3)
    plt.close(made)


# --- reliability, with the number of answers ----------------------------------------------


def test_whiskers_are_one_standard_error_long(ax: Axes) -> None:
    plotting.reliability(ax, {"net": ([0.5, 0.9], [0.5, 1.0], [25, 100])})
    (whiskers,) = ax.collections
    heights = [np.ptp(np.asarray(path.vertices)[:, 1]) for path in whiskers.get_paths()]
    assert heights == pytest.approx([2 * 0.1, 0])
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.reliability(ax, {"net": ([0.5, 0.9], [0.5, 1.0], [25])})

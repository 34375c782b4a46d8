"""`wide_fit`: a curve, a bar for each of its weights, and the shares that they keep."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures

POINTS = ([-1.0, 0.5, 1.0], [0.0, 2.0, 1.0])
GRID = np.linspace(-1, 1, 5)
LINES = {"truth": GRID, "fit": GRID**2}


@pytest.fixture
def made() -> Iterator[tuple[Figure, np.ndarray]]:
    with figures.make(8.8, 4, 1, 2, sharey=True) as both:
        yield both


def bars(ax: Axes) -> list[tuple[float, float]]:
    """Middle and height of every bar."""
    found = [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in ax.patches]  # type: ignore[attr-defined]
    return [(round(x, 6), round(height, 6)) for x, height in found]


def test_each_weight_has_a_bar_at_its_place_and_the_constant_a_hollow_one(
    made: tuple[Figure, np.ndarray],
) -> None:
    figure, axes = made
    plotting.wide_fit(axes[0], POINTS, GRID, LINES, [0.5, 3.0, -200.0], title="two places")
    above, below = axes[0], figure.axes[-1]
    assert bars(below) == [(-1.13, 0.5), (-1.0, 3.0), (0.0, -200.0)]
    assert [bar.get_facecolor()[:3] == (1, 1, 1) for bar in below.patches] == [
        True,
        False,
        False,
    ]
    assert below.get_xlim() == above.get_xlim() and below.get_yscale() == "symlog"
    assert above.get_title() == "two places" and len(above.lines) == 3
    assert below.get_ylabel() == "weight" and above.get_ylabel() == "y"


def test_a_thousand_weights_are_drawn_as_an_outline_over_their_places(
    made: tuple[Figure, np.ndarray],
) -> None:
    figure, axes = made
    plotting.wide_fit(axes[0], POINTS, GRID, LINES, np.ones(1000))
    below = figure.axes[-1]
    assert len(below.patches) == 1 and len(below.collections) == 1
    reach = below.collections[0].get_datalim(below.transData)
    assert reach.x0 == -1 and 0.99 < reach.x1 < 1 and reach.y1 == 1


def test_shares_have_a_row_of_their_own(made: tuple[Figure, np.ndarray]) -> None:
    figure, axes = made
    plotting.wide_fit(axes[0], POINTS, GRID, LINES, [1.0, 2.0], shares=[1.0, 0.25])
    assert len(figure.axes) == 4
    assert bars(figure.axes[-1]) == [(1.0, 1.0), (2.0, 0.25)]


def test_only_the_first_of_a_row_labels_its_y_axes(made: tuple[Figure, np.ndarray]) -> None:
    figure, axes = made
    for ax in axes:
        plotting.wide_fit(ax, POINTS, GRID, LINES, [1.0, 2.0])
    assert [ax.get_ylabel() for ax in figure.axes] == ["y", "", "weight", ""]


def test_points_of_different_lengths_are_refused(made: tuple[Figure, np.ndarray]) -> None:
    with pytest.raises(ArgumentError, match="points' x"):
        plotting.wide_fit(made[1][0], ([1.0], [1.0, 2.0]), GRID, LINES, [1.0, 2.0])

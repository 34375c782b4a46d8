"""`taste_map`: tiles that lie where a net has put them, and look like where they belong."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.axes import Axes

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures

PLANTED = np.array([[-2.0, 1.0], [0.0, -1.0], [2.0, 0.5]])
NAMES = ["AC", "BA", "SP"]


@pytest.fixture
def ax() -> Iterator[Axes]:
    with figures.make(4, 4) as (_, made):
        yield made


def looks(ax: Axes) -> list[tuple[str, tuple[float, ...]]]:
    """Shape and colour of each tile."""
    patches = [text.get_bbox_patch() for text in ax.texts]
    return [
        (
            type(one.get_boxstyle()).__name__,
            tuple(round(float(part), 3) for part in one.get_facecolor()[:3]),
        )
        for one in patches
        if one is not None
    ]


def test_tiles_stand_at_their_places_with_their_names(ax: Axes) -> None:
    plotting.taste_map(ax, PLANTED / 2, NAMES, title="learned", xlabel="weekend")
    assert [text.get_text() for text in ax.texts] == NAMES
    assert [text.get_position() for text in ax.texts] == [tuple(one) for one in PLANTED / 2]
    assert ax.get_xlim() == ax.get_ylim() == (-2.3, 2.3) and ax.get_aspect() == 1
    assert len(set(looks(ax))) == 1 and not ax.lines
    assert ax.get_title() == "learned" and ax.get_xlabel() == "weekend"


def test_a_tile_looks_like_where_it_belongs_wherever_it_lies(ax: Axes) -> None:
    plotting.taste_map(ax, PLANTED[::-1], NAMES, PLANTED)
    shapes, colours = zip(*looks(ax), strict=True)
    assert shapes == ("Round", "Square", "Round")
    (left_red, _, left_blue), middle, (right_red, _, right_blue) = colours
    assert left_blue > left_red and right_red > right_blue and np.ptp(middle) < 0.05


def test_lines_lead_to_where_they_belong(ax: Axes) -> None:
    plotting.taste_map(ax, PLANTED + 0.1, NAMES, PLANTED, lines=True, limit=3)
    ends = [np.transpose(line.get_data())[-1] for line in ax.lines]
    np.testing.assert_allclose(ends, PLANTED)
    assert ax.get_xlim() == (-3, 3)


def test_what_does_not_fit_together_is_refused(ax: Axes) -> None:
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.taste_map(ax, PLANTED, NAMES[:2])
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.taste_map(ax, PLANTED, NAMES, PLANTED[:2])
    with pytest.raises(ArgumentError, match="give planted"):
        plotting.taste_map(ax, PLANTED, NAMES, lines=True)
    with pytest.raises(ArgumentError, match="limit"):
        plotting.taste_map(ax, PLANTED, NAMES, limit=0)

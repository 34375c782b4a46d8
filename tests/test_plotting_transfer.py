"""`kind_map` and `picture_rows`: what a net sees, as signs and as rows of patches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures
from lesson5_utils.plotting.style import luminance


@pytest.fixture
def made() -> Iterator[tuple[Figure, Axes]]:
    with figures.make(6, 4) as both:
        yield both


# --- kind_map ------------------------------------------------------------------------------


def test_each_point_is_drawn_once_as_the_sign_of_its_kind(made: tuple[Figure, Axes]) -> None:
    _, ax = made
    places = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]])
    plotting.kind_map(ax, places, [7, 5, 7], "a map")
    fives, sevens = ax.collections
    np.testing.assert_allclose(fives.get_offsets(), places[[1]])
    np.testing.assert_allclose(sevens.get_offsets(), places[[0, 2]])
    assert ax.get_title() == "a map" and not len(ax.get_xticks()) and not len(ax.get_yticks())


def test_the_signs_differ_in_shape_and_in_colour_and_can_be_read_on_white(
    made: tuple[Figure, Axes],
) -> None:
    figure, ax = made
    plotting.kind_map(ax, np.zeros((5, 2)), range(5, 10))
    figure.draw_without_rendering()
    shapes = {tuple(np.round(one.get_paths()[0].vertices.ravel(), 3)) for one in ax.collections}
    colours = {tuple(one.get_facecolor()[0]) for one in ax.collections}
    assert len(shapes) == len(colours) == 5
    assert all(1.05 / (luminance(colour[:3]) + 0.05) >= 4.5 for colour in colours)


@pytest.mark.parametrize(
    ("n", "kinds", "told"), [(2, [1], "not 2 and 1"), (6, range(6), "6 kinds cannot be told")]
)
def test_a_map_refuses_what_cannot_be_told_apart(
    made: tuple[Figure, Axes], n: int, kinds: list[int], told: str
) -> None:
    with pytest.raises(ArgumentError, match=told):
        plotting.kind_map(made[1], np.zeros((n, 2)), kinds)


# --- picture_rows --------------------------------------------------------------------------


def boxes(ax: Axes) -> list[tuple[float, ...]]:
    return [tuple(round(float(v), 6) for v in image.get_extent()) for image in ax.images]


def test_pictures_stand_in_rows_and_blocks_side_by_side(made: tuple[Figure, Axes]) -> None:
    _, ax = made
    left, right = np.random.default_rng(0).random((2, 3, 4, 5)), np.zeros((2, 1, 4, 5))
    plotting.picture_rows(ax, {"old": left, "new": right}, ["first", "second"])
    assert len(ax.images) == 8
    assert boxes(ax)[:4] == [(0, 5, 4, 0), (6, 11, 4, 0), (12, 17, 4, 0), (0, 5, 9, 5)]
    assert boxes(ax)[6][0] > 17 + 5, "a gap between the blocks"
    np.testing.assert_array_equal(ax.images[1].get_array(), left[0, 1])
    assert [one.get_text() for one in ax.texts] == ["old", "new", "first", "second"]
    low, high = ax.get_xlim()
    assert all(low <= box[0] and box[1] <= high for box in boxes(ax))


def test_all_pictures_share_one_grey_scale_unless_contrast_is_asked_for(
    made: tuple[Figure, Axes],
) -> None:
    _, ax = made
    block = np.stack([np.full((1, 3, 3), 0.2), np.linspace(0.2, 0.6, 9).reshape(1, 3, 3)])
    plotting.picture_rows(ax, {"": block})
    assert {image.get_clim() for image in ax.images} == {(0, 1)}
    ax.clear()
    plotting.picture_rows(ax, {"": block}, contrast=True)
    assert ax.images[1].get_clim() == pytest.approx((0.2, 0.6))


@pytest.mark.parametrize(
    ("blocks", "rows"),
    [
        ({}, []),
        ({"a": np.zeros((2, 3, 4))}, []),
        ({"a": np.zeros((2, 3, 4, 4)), "b": np.zeros((3, 3, 4, 4))}, []),
        ({"a": np.zeros((2, 3, 4, 4)), "b": np.zeros((2, 3, 5, 4))}, []),
        ({"a": np.zeros((2, 3, 4, 4))}, ["one"]),
    ],
)
def test_picture_rows_refuse_blocks_that_do_not_fit(
    made: tuple[Figure, Axes], blocks: dict[str, np.ndarray], rows: list[str]
) -> None:
    with pytest.raises(ArgumentError, match="picture_rows needs blocks"):
        plotting.picture_rows(made[1], blocks, rows)

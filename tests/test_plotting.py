"""What each picture draws, from what it was given, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures
from lesson5_utils.plotting.labels import settle
from lesson5_utils.plotting.style import luminance


@pytest.fixture
def ax() -> Iterator[Axes]:
    with figures.make(6.4, 3.6) as (_, ax):
        yield ax


@pytest.fixture
def axes() -> Iterator[np.ndarray]:
    with figures.make(6, 4, 2, 2) as (_, axes):
        yield axes


def points(ax: Axes, line: int = 0) -> list[list[float]]:
    x, y = ax.lines[line].get_data()
    return [np.asarray(x).tolist(), np.asarray(y).tolist()]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


# --- lines --------------------------------------------------------------------------------


def test_curves_draw_every_line_with_its_name(ax: Axes) -> None:
    lines = {"train": [3.0, 2.0, 1.0], "valid": [3.5, 3.0, 2.5]}
    plotting.curves(ax, [1, 2, 4], lines, xlabel="epoch", ylabel="MSE")
    assert points(ax, 0) == [[1, 2, 4], [3, 2, 1]]
    assert points(ax, 1) == [[1, 2, 4], [3.5, 3, 2.5]]
    assert texts(ax) == ["train", "valid"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "MSE")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")


def test_curves_without_x_count_from_1(ax: Axes) -> None:
    plotting.curves(ax, None, {"loss": [5, 4, 3]}, log_x=True, log_y=True)
    assert points(ax) == [[1, 2, 3], [5, 4, 3]]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_few_marked_points_over_a_log_axis_are_named_each(ax: Axes) -> None:
    plotting.curves(ax, [1, 3, 100], {"a": [1, 2, 3]}, log_x=True, markers=True)
    settle(ax.figure)
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["1", "3", "100"]


def test_curves_differ_in_style_and_in_marker_as_well_as_in_colour(ax: Axes) -> None:
    lines = {str(i): [i, i + 1] for i in range(5)}
    plotting.curves(ax, None, lines, markers=True)
    assert len({str(line._dash_pattern) for line in ax.lines}) == 5
    assert len({line.get_marker() for line in ax.lines}) == 5
    assert len({line.get_color() for line in ax.lines}) == 5


def test_two_bands_reach_from_the_lowest_run_to_the_highest(ax: Axes) -> None:
    runs = {"one": np.array([[1.0, 4.0], [3.0, 8.0]]), "two": np.array([[0.0, 0.0]])}
    plotting.bands(ax, [10, 20], runs, xlabel="x", ylabel="y", log_x=True)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2.0, 6.0], [0.0, 0.0]]
    edges = {tuple(point) for point in ax.collections[0].get_paths()[0].vertices.tolist()}
    assert {(10.0, 1.0), (10.0, 3.0), (20.0, 4.0), (20.0, 8.0)} <= edges
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "x", "y")


def test_more_than_two_bands_are_whiskers_beside_one_another(ax: Axes) -> None:
    runs = {name: np.array([[1.0, 4.0], [3.0, 8.0]]) for name in "abcd"}
    plotting.bands(ax, [10, 20], runs)
    ax.figure.draw_without_rendering()
    places = []
    for line, whiskers in zip(ax.lines, ax.collections, strict=True):
        assert line.get_ydata().tolist() == [2.0, 6.0]
        low_high = [path.vertices.tolist() for path in whiskers.get_paths()]
        assert low_high == [[[10, 1], [10, 3]], [[20, 4], [20, 8]]]
        start = line.get_transform().transform(line.get_xydata())[0]
        assert start == pytest.approx(whiskers.get_transform().transform([[10, 2]])[0])
        places.append(start[0])
    assert all(b - a > 4 for a, b in pairwise(places)), "pixels apart"


def test_whiskers_and_the_marks_beside_one_another_lie_within_the_axes(ax: Axes) -> None:
    runs = {name: np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 9.0]]) for name in "abcde"}
    plotting.bands(ax, [1, 2], runs, named=False)
    ax.figure.draw_without_rendering()
    assert ax.get_ylim()[1] > 9, "also the highest run"
    inside = ax.get_window_extent()
    for line in ax.lines:
        for mark, _ in line.get_transform().transform(line.get_xydata()):
            assert inside.x0 < mark - 4 and mark + 4 < inside.x1, "not cut by the rim"


def test_fitted_draws_the_points_then_each_curve_in_its_own_style(ax: Axes) -> None:
    lines = {"flat": [0.0, 0.0], "steep": [0.0, 9.0]}
    plotting.fitted(ax, ([1, 2, 3], [4, 5, 6]), [1, 3], lines, title="t", ylim=(-1, 2))
    dots, flat, steep = ax.lines
    assert np.asarray(dots.get_data()).tolist() == [[1, 2, 3], [4, 5, 6]]
    assert dots.get_linestyle() == "None" and dots.get_marker() == "o"
    assert np.asarray(steep.get_data()).tolist() == [[1, 3], [0, 9]]
    assert flat._dash_pattern != steep._dash_pattern
    assert flat.get_color() != steep.get_color()
    assert ax.get_ylim() == (-1, 2) and ax.get_title() == "t"
    assert texts(ax) == ["flat", "steep"]


def test_the_range_test_marks_each_suggestion_on_the_curve(ax: Axes) -> None:
    lr, loss = [1e-4, 1e-2, 1.0], [4.0, 2.0, 8.0]
    plotting.range_test(ax, lr, loss, {"steepest": 1e-3, "valley": 1e-2})
    assert points(ax, 0) == [lr, loss]
    assert points(ax, 1) == [[1e-3], [pytest.approx(3.0)]]  # halfway on the log scale
    assert points(ax, 2) == [[1e-2], [pytest.approx(2.0)]]
    assert ax.lines[1].get_marker() != ax.lines[2].get_marker()
    assert ax.lines[1].get_markersize() != ax.lines[2].get_markersize()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["steepest: 0.001", "valley: 0.01"] and ax.get_xscale() == "log"


def test_reliability_draws_the_diagonal_and_all_of_eight_groups(ax: Axes) -> None:
    groups = {f"net {i}": ([0.5, 0.9], [0.4, i / 10]) for i in range(8)}
    plotting.reliability(ax, groups)
    diagonal, *lines = ax.lines
    assert np.asarray(diagonal.get_data()).tolist() == [[0, 1], [0, 1]]
    assert [line.get_ydata()[1] for line in lines] == [i / 10 for i in range(8)]
    assert len({(line.get_color(), str(line._dash_pattern)) for line in lines}) == 8
    assert len(ax.get_legend().get_texts()) == 8
    assert ax.get_aspect() == 1


def test_histograms_draws_shares_in_styles_that_vary(ax: Axes) -> None:
    plotting.histograms(ax, {"a": [0.1, 0.2, 0.9, 0.9], "b": [0.9]}, [0.0, 0.5, 1.0])
    first, second = ax.patches
    assert first.get_data().values.tolist() == [0.5, 0.5]
    assert second.get_data().values.tolist() == [0, 1]
    assert first.get_linestyle() != second.get_linestyle()


def test_paths_draws_each_way_and_a_hollow_star_at_the_lowest_point(ax: Axes) -> None:
    x, y = np.linspace(-1, 3, 5), np.linspace(-2, 2, 9)
    height = 0.1 + (x[None] - 2) ** 2 + (y[:, None] + 1) ** 2
    ways = {"one": np.array([[0.0, 0.0], [1.0, -0.5]]), "other": np.array([[3.0, 2.0]])}
    plotting.paths(ax, x, y, height, ways, xlabel="b", ylabel="a")
    star, *lines = ax.lines
    assert np.array(star.get_xydata()).tolist() == [[2, -1]]
    assert star.get_markerfacecolor() == "none", "what ends there is seen through it"
    for line, (label, way) in zip(lines, ways.items(), strict=True):
        assert line.get_label() == label and np.array_equal(line.get_xydata(), way)
    below, above = lines
    assert below.get_linewidth() > above.get_linewidth()
    assert below.get_marker() != above.get_marker()
    assert ax.get_xlim() == (-1, 3) and ax.get_ylim() == (-2, 2)


def test_ways_that_end_together_have_a_legend_that_hides_no_way(ax: Axes) -> None:
    x, y = np.linspace(-1, 3, 5), np.linspace(-2, 2, 9)
    height = 0.1 + (x[None] - 2) ** 2 + (y[:, None] + 1) ** 2
    ways = {
        name: np.array([[start, 2.0], [2.0, -1.0]]) for name, start in [("a", -1), ("b", 1)]
    }
    plotting.paths(ax, x, y, height, ways)
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"] and not texts(ax)
    ax.figure.draw_without_rendering()
    covered = legend.get_window_extent()
    for way in ways.values():
        steps = np.linspace(way[0], way[1], 50)
        assert not any(covered.contains(*step) for step in ax.transData.transform(steps))


def test_ways_that_end_apart_are_named_at_their_ends(ax: Axes) -> None:
    x, y = np.linspace(-1, 3, 5), np.linspace(-2, 2, 9)
    ways = {"a": np.array([[0.0, 0.0], [2.0, 1.0]]), "b": np.array([[0.0, 0.0], [2.0, -1.0]])}
    plotting.paths(ax, x, y, np.ones((9, 5)), ways | {"none": np.empty((0, 2))})
    assert texts(ax) == ["a", "b"] and ax.get_legend() is None


# --- points -------------------------------------------------------------------------------


def test_scatter_draws_the_points_and_the_diagonal(ax: Axes) -> None:
    plotting.scatter(ax, [1, 2, 3], [4, 0, 6], xlabel="x", ylabel="y", diagonal=True)
    assert points(ax, 0) == [[1, 2, 3], [4, 0, 6]]
    assert points(ax, 1) == [[0, 6], [0, 6]]
    assert ax.lines[0].get_linestyle() == "None" and len(ax.lines) == 2
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_spread_draws_a_row_per_group_from_the_top_with_its_mean(ax: Axes) -> None:
    plotting.spread(ax, {"a": [1, 2, 6], "b": [4, 4], "c": [5]}, xlabel="MSE", reference=2.5)
    drawn = [points(ax, at) for at, line in enumerate(ax.lines) if line.get_marker() != "None"]
    assert drawn == [
        [[1, 2, 6], [0, 0, 0]],
        [[3], [0]],
        [[4, 4], [0.92, 1.08]],  # two dots, not one
        [[4], [1]],
        [[5], [2]],  # one value needs no mean
    ]
    assert points(ax, len(ax.lines) - 1)[0] == [2.5, 2.5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert ax.get_ylim() == (2.5, -0.5) and ax.get_xlabel() == "MSE"


def test_spread_gives_a_row_the_colour_of_what_it_means(ax: Axes) -> None:
    plotting.spread(ax, {"scratch, 10 epochs": [1.0], "hello": [1.0]}, named=False)
    dots = [line.get_color() for line in ax.lines if line.get_marker() == "o"]
    assert dots == [plotting.MEANING["scratch"].colour, plotting.COLOURS[0]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["", ""]


def test_maps_draw_true_and_found_places_joined_by_lines(ax: Axes) -> None:
    true, found = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[0.1, 1.0], [2.0, 3.5]])
    plotting.matched_maps(ax, true, found, ["AC", "BA"])
    assert points(ax, 0) == [[0, 0.1], [1, 1]] and points(ax, 1) == [[2, 2], [3, 3.5]]
    assert points(ax, 2) == [[0, 2], [1, 3]] and points(ax, 3) == [[0.1, 2], [1, 3.5]]
    assert ax.lines[2].get_marker() != ax.lines[3].get_marker()
    assert [text for text in texts(ax) if text] == ["AC", "BA"]
    assert ax.get_aspect() == 1


def test_predictions_have_a_row_for_each_rating_with_its_mean_and_its_place(ax: Axes) -> None:
    actual = np.repeat([1, 2, 3, 4, 5], 20)
    plotting.joint(ax, actual * 0.5 + np.linspace(0.5, 3.5, 100), actual, (1, 5))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted rating", "actual rating")
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names[0] == "1 star\n20 rows" and names[4] == "5 stars\n20 rows"
    means = [float(line.get_xdata()[0]) for line in ax.lines]
    assert means == sorted(means) and means[0] == pytest.approx(1.29, abs=0.01)
    dashed = [part for part in ax.collections if isinstance(part, LineCollection)]
    places = [part.get_segments()[0][:, 0].tolist() for part in dashed]
    assert places == [[star, star] for star in (1, 2, 3, 4, 5)]
    assert ax.get_xlim() == (1, 6)
    legend = ax.get_legend()
    assert legend and len(legend.get_texts()) == 2


CROWDS = [np.random.default_rng(seed).normal(size=(28, 2)) for seed in range(5)]
NAMES = [f"A film called {'x' * (i % 9)}{i}" for i in range(28)]


def overlaps(ax: Axes) -> list[tuple[str, str]]:
    ax.figure.draw_without_rendering()
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in ax.texts]
    pairs = combinations([(name, box) for name, box in boxes if name], 2)
    return [(a, b) for (a, one), (b, other) in pairs if one.overlaps(other)]


def covered(ax: Axes) -> list[str]:
    """Names that lie on the middle of a point."""
    ax.figure.draw_without_rendering()
    places = ax.transData.transform(ax.lines[0].get_xydata())
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in ax.texts]
    return [name for name, box in boxes if name and any(box.contains(*at) for at in places)]


@pytest.mark.parametrize("crowd", CROWDS)
def test_names_of_a_crowd_lie_near_their_points_and_on_nothing_else(crowd: np.ndarray) -> None:
    with figures.make(8, 6) as (_, ax):
        plotting.labelled_points(ax, *crowd.T, NAMES, xlabel="component 1", ylabel="two")
        assert overlaps(ax) == [] and covered(ax) == []
        gaps = []
        for text, point in zip(ax.texts, ax.transData.transform(crowd), strict=True):
            box = Text.get_window_extent(text)
            beside = np.maximum(np.maximum(box.min - point, point - box.max), 0)
            gaps.append(float(np.hypot(*beside)))
            assert text.arrow_patch.get_visible() == (gaps[-1] > 11)
            assert ax.get_window_extent().contains(*box.min)
            assert ax.get_window_extent().contains(*box.max)
        assert max(gaps) < 145 and np.median(gaps) < 7, "pixels"
    assert texts(ax) == NAMES
    assert points(ax) == [crowd[:, 0].tolist(), crowd[:, 1].tolist()]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("component 1", "two")


def test_the_crowd_would_overlap_if_the_names_stayed_at_their_points() -> None:
    with figures.make(8, 6) as (_, ax):
        ax.plot(*CROWDS[0].T, "o")
        ax.margins(0.12)
        for (x, y), name in zip(CROWDS[0], NAMES, strict=True):
            ax.text(x, y, name, fontsize=9)
        assert len(overlaps(ax)) > 3 and len(covered(ax)) > 3


def test_a_point_with_no_room_around_it_has_its_name_at_its_right(ax: Axes) -> None:
    plotting.labelled_points(ax, [0] * 90, [0] * 90, ["a very long name " * 3] * 90)
    assert ax.texts[-1].get_position()[0] > 0 or ax.texts[0].get_position()[0] > 0


# --- tables and pictures ------------------------------------------------------------------


def contrasts(ax: Axes) -> list[float]:
    """Of each number against its cell."""
    mesh = next(part for part in ax.collections if isinstance(part, QuadMesh))
    papers = mesh.get_facecolors()
    cols = mesh.get_coordinates().shape[1] - 1
    found = []
    for text in ax.texts:
        col, row = (int(place) for place in text.get_position())
        one, two = luminance(papers[row * cols + col, :3]), luminance(to_rgb(text.get_color()))
        found.append((max(one, two) + 0.05) / (min(one, two) + 0.05))
    return found


def test_cross_tab_shows_numbers_names_and_holes(ax: Axes) -> None:
    values = np.array([[5.0, np.nan, 3.0], [1.0, 2.0, np.nan]])
    plotting.cross_tab(ax, values, ["u1", "u2"], ["f1", "f2", "f3"])
    found = {tuple(t.get_position()): t.get_text() for t in ax.texts if t.get_text()}
    assert found == {
        (0.5, 0.5): "5",
        (1.5, 0.5): "·",
        (2.5, 0.5): "3",
        (0.5, 1.5): "1",
        (1.5, 1.5): "2",
        (2.5, 1.5): "·",
    }
    assert [label.get_text() for label in ax.get_xticklabels()] == ["f1", "f2", "f3"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["u1", "u2"]


def test_cross_tab_marks_what_was_filled_in_and_a_row_of_ones_own(ax: Axes) -> None:
    values = np.array([[5.0, 2.26, 3.0], [1.0, 2.0, np.nan]])
    filled = np.array([[False, True, False], [False, False, False]])
    plotting.cross_tab(ax, values, filled=filled, own=1, written="filled", limits=(0, 5))
    assert sorted(text.get_text() for text in ax.texts if text.get_text()) == ["2.3", "·"]
    (mesh,) = (part for part in ax.collections if isinstance(part, QuadMesh))
    assert mesh.get_clim() == (0, 5)
    frames = [(patch.get_xy(), patch.get_width()) for patch in ax.patches]
    assert frames == [((1.05, 0.05), 0.9), ((0, 1), 3)]
    ax.clear()
    plotting.cross_tab(ax, values, filled=filled, written="none")
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["·"]


def test_a_matrix_has_zero_in_the_middle_of_its_colours_and_readable_numbers(ax: Axes) -> None:
    plotting.matrix(ax, np.linspace(-4, 4, 50).reshape(5, 10), title="W", xlabel="input")
    (mesh,) = (part for part in ax.collections if isinstance(part, QuadMesh))
    assert mesh.get_clim() == (-4, 4)
    assert (ax.get_title(), ax.get_xlabel()) == ("W", "input")
    assert len(contrasts(ax)) == 50 and min(contrasts(ax)) >= 4.5


def test_a_matrix_writes_no_minus_zero_and_takes_formats_names_and_a_scale(ax: Axes) -> None:
    values = np.array([[1.0, -4.0], [-0.01, 2.0]])
    plotting.matrix(ax, values, rows="ab", cols=[7, 8], limit=10)
    assert texts(ax) == ["1.0", "-4.0", "0.0", "2.0"]
    assert ax.collections[0].get_clim() == (-10, 10)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["7", "8"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    ax.clear()
    plotting.matrix(ax, values / 10, fmt=".0%")
    assert texts(ax) == ["10%", "-40%", "0%", "20%"]


def test_a_large_matrix_has_no_numbers_but_blocks_and_a_bar_and_zeros_do_no_harm(
    ax: Axes,
) -> None:
    plotting.matrix(ax, np.zeros((10, 10)), blocks=(4, 8), bar=True)
    assert len(ax.texts) == 0 and ax.collections[0].get_clim() == (-1, 1)
    assert sorted(set(np.ravel([line.get_xydata() for line in ax.lines]))) == [0, 1, 4, 8]
    assert len(ax.figure.axes) == 2


@pytest.mark.parametrize("kind", [int, np.uint8, float, np.float32])
def test_counts_writes_what_is_there_and_colours_only_the_mistakes(
    ax: Axes, kind: type
) -> None:
    table = np.array([[40, 2], [0, 38]], dtype=kind)
    plotting.counts(ax, table, xlabel="said", ylabel="was")
    assert texts(ax) == ["40", "2", "", "38"]
    assert ax.collections[0].get_array().ravel().tolist() == [0, 2, 0, 0]
    assert min(contrasts(ax)) >= 4.5
    assert min(luminance(c[:3]) for c in ax.collections[0].get_facecolors()) > 0.25, "no black"


def test_images_shows_each_picture_with_its_title_and_leaves_spare_axes_empty(
    axes: np.ndarray,
) -> None:
    pictures = np.arange(12.0).reshape(3, 2, 2)
    plotting.images(axes, pictures, [7, 8, 9])
    shown = [ax.images for ax in axes.flat]
    assert [len(images) for images in shown] == [1, 1, 1, 0]
    np.testing.assert_array_equal(shown[1][0].get_array(), pictures[1])
    assert [ax.get_title() for ax in axes.flat] == ["7", "8", "9", ""]
    assert [ax.axison for ax in axes.flat] == [True, True, True, False], "a frame round each"


def test_images_takes_one_axis_as_well(ax: Axes) -> None:
    plotting.images(ax, np.zeros((1, 4, 4)), ["alone"])
    assert len(ax.images) == 1 and ax.get_title() == "alone"
    with figures.make(2, 2) as (_, other):
        plotting.heatmaps(other, np.zeros((1, 4, 4)), np.eye(2)[None])
        assert len(other.images) == 2


def test_signed_images_share_one_scale_with_zero_in_its_middle(axes: np.ndarray) -> None:
    plotting.images(axes, np.array([[[1.0, -4.0]], [[0.0, 2.0]]]), signed=True)
    assert [ax.images[0].get_clim() for ax in axes.flat[:2]] == [(-4, 4), (-4, 4)]


ONE = np.array([[4.0, 0.0], [2.0, 1.0]])


def test_a_heatmap_shows_its_cells_and_a_line_round_those_above_half(axes: np.ndarray) -> None:
    plotting.heatmaps(axes, np.zeros((2, 8, 8)), np.stack([ONE, 2 * ONE]), ["a", "b"])
    for ax, top in zip(axes.flat[:2], (4, 8), strict=True):
        picture, heat = ax.images
        assert heat.get_array().max() == top and heat.get_interpolation() == "nearest"
        assert list(heat.get_extent()) == list(picture.get_extent()) == [-0.5, 7.5, 7.5, -0.5]
        (line,) = (part for part in ax.collections if isinstance(part, LineCollection))
        edges = {tuple(map(tuple, path.vertices.tolist())) for path in line.get_paths()}
        # the left column is inside: an edge beside each of its two cells, none between them
        assert edges == {((3.5, -0.5), (3.5, 3.5)), ((3.5, 3.5), (3.5, 7.5))}


@pytest.mark.filterwarnings("error")
def test_a_map_without_heat_or_without_shape_draws_no_line(axes: np.ndarray) -> None:
    plotting.heatmaps(axes, np.zeros((2, 8, 8)), np.stack([-ONE, np.ones((2, 2))]))
    cold, even = axes.flat[:2]
    assert (len(cold.images), len(even.images)) == (1, 2)
    assert not any(path.vertices.size for part in even.collections for path in part.get_paths())


# --- films --------------------------------------------------------------------------------

MEAN, SCORE = np.array([1.0, 2.0, 3.0, 4.0]), np.array([-1.0, 0.0, 2.0, 1.0])


def offsets(ax: Axes) -> list[list[list[float]]]:
    return [np.asarray(one.get_offsets()).tolist() for one in ax.collections]


def test_judged_draws_each_film_once_and_marks_groups(ax: Axes) -> None:
    groups = {"cult": [3], "everybody": [1]}
    plotting.judged(ax, MEAN, SCORE, ylabel="bias", marked=groups, names={3: "Godzilla"})
    drawn = offsets(ax)
    assert drawn == [[[1, -1], [3, 2]], [[4, 1]], [[2, 0]]]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["cult", "everybody"]
    assert texts(ax) == ["Godzilla"] and ax.get_ylabel() == "bias"


def test_judged_draws_what_is_true_by_size_and_by_colour(ax: Axes) -> None:
    truth = [0.0, 1.0, 3.0, -1.0]
    plotting.judged(ax, MEAN, SCORE, ylabel="bias", quality=truth, named=False)
    (points_of,) = ax.collections
    sizes = np.asarray(points_of.get_sizes())  # type: ignore[attr-defined]
    assert np.argsort(sizes).tolist() == np.argsort(truth).tolist()
    assert np.asarray(points_of.get_array()).tolist() == truth and ax.get_legend() is None


def test_film_map_points_to_you_as_far_as_there_is_room(ax: Axes) -> None:
    places = np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]])
    kinds = {"Drama": [0], "Comedy": [1]}
    plotting.film_map(ax, places, [1950, 1980, 2010], kinds, {2: "Jaws"}, you=[0.0, 1e-3])
    assert offsets(ax)[:3] == [[[0, 1]], [[1, 0]], [[-2, 0]]]
    star = next(line for line in ax.lines if line.get_marker() == "*")
    assert np.allclose([*star.get_xdata(), *star.get_ydata()], [0, 1.8])
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["Drama", "Comedy", "you"]


def test_offers_have_bars_as_long_as_the_ratings_and_say_what_is_new(ax: Axes) -> None:
    long = "The Lord of the Rings: The Fellowship of the Ring"
    plotting.offers(ax, ["Jaws", long], [4.5, 4.0], ["Jaws"], "for you")
    bars: list[Any] = list(ax.patches)
    assert [bar.get_width() for bar in bars] == [4.5, 4.0]
    assert [bar.get_hatch() for bar in bars] == ["///", None]
    assert texts(ax) == ["Jaws (new)", "The Lord of the Rings: The …"]
    assert ax.get_title("left") == "for you"


def test_matched_maps_may_have_an_outline_behind_them(ax: Axes) -> None:
    corners = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 2.0]])
    place = np.array([[1.0, 1.0]])
    plotting.matched_maps(ax, place, place, ["DF"], corners)
    (country,) = ax.patches
    assert country.get_path().vertices[:3].tolist() == corners.tolist()
    assert country.get_zorder() < min(line.get_zorder() for line in ax.lines)


# --- what is refused ----------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[Any], object], str]] = {
    "curves": (
        lambda ax: plotting.curves(ax, [1, 2, 3], {"valid": [1, 2]}),
        "x and valid must be equally long, not 3 and 2",
    ),
    "bands": (
        lambda ax: plotting.bands(ax, [1, 2], {"a": np.zeros((3, 4))}),
        "x and a must be equally long, not 2 and 4",
    ),
    "fitted": (
        lambda ax: plotting.fitted(ax, ([1], [1, 2]), [1], {}),
        "points' x and points' y must be equally long",
    ),
    "range test": (lambda ax: plotting.range_test(ax, [1, 2], [1], {}), "lr and loss"),
    "reliability": (
        lambda ax: plotting.reliability(ax, {"a": ([1], [])}),
        "confidence and right must be equally long, not 1 and 0",
    ),
    "paths": (
        lambda ax: plotting.paths(ax, [1, 2], [1, 2, 3], np.ones((2, 3)), {}),
        r"shape \(len\(y\), len\(x\)\) = \(3, 2\), not \(2, 3\)",
    ),
    "scatter": (lambda ax: plotting.scatter(ax, [1], [1, 2]), "x and y must be"),
    "spread": (lambda ax: plotting.spread(ax, {"none": []}), "'none' has no values"),
    "labelled points": (
        lambda ax: plotting.labelled_points(ax, [1, 2], [1, 2], ["only one"]),
        "x, y and labels must be equally long, not 2, 2 and 1",
    ),
    "joint": (lambda ax: plotting.joint(ax, [1.0], [1, 2], (1, 5)), "predicted and actual"),
    "maps": (
        lambda ax: plotting.matched_maps(ax, np.ones((2, 2)), np.ones((2, 2)), ["A"]),
        "true, found and labels",
    ),
    "a list of films": (
        lambda ax: plotting.offers(ax, ["Jaws"], [4.5, 4.0]),
        "titles and stars",
    ),
    "a map of films": (
        lambda ax: plotting.film_map(ax, np.ones((2, 2)), [1950], {}, {}),
        "places and year",
    ),
    "films judged": (
        lambda ax: plotting.judged(ax, [1, 2], [1, 2, 3], ylabel="bias"),
        "mean, score and quality",
    ),
    "cross tab": (
        lambda ax: plotting.cross_tab(ax, np.ones((2, 3)), ["a"], list("abc")),
        "2 rows need as many names, not 1",
    ),
    "cross tab, filled": (
        lambda ax: plotting.cross_tab(ax, np.ones((2, 3)), filled=np.ones((2, 2), bool)),
        r"filled must be as large as the table, \[2, 3\], not \[2, 2\]",
    ),
    "matrix names": (
        lambda ax: plotting.matrix(ax, np.ones((2, 3)), cols="ab"),
        "3 columns need as many names, not 2",
    ),
    "matrix of one dimension": (lambda ax: plotting.matrix(ax, np.ones(3)), "not 1 dim"),
    "counts": (lambda ax: plotting.counts(ax, np.ones((2, 3), int)), r"square .* \[2, 3\]"),
    "no counts": (lambda ax: plotting.counts(ax, np.ones((0, 0))), r"square .* \[0, 0\]"),
    "shares": (lambda ax: plotting.counts(ax, np.eye(2) / 3), "whole numbers from 0"),
    "missing counts": (lambda ax: plotting.counts(ax, [[1, np.nan], [0, 1]]), "whole numbers"),
    "counts below 0": (lambda ax: plotting.counts(ax, [[1, -1], [0, 1]]), "whole numbers"),
    "flat pictures": (
        lambda ax: plotting.images(ax, np.ones((3, 784))),
        r"\[n, height, width\], not \[3, 784\]",
    ),
    "too many pictures": (
        lambda ax: plotting.images(ax, np.ones((3, 2, 2))),
        "3 pictures do not fit 1 axes and 0 titles",
    ),
    "too many titles": (
        lambda ax: plotting.images(ax, np.ones((1, 2, 2)), ["a", "b"]),
        "1 pictures do not fit 1 axes and 2 titles",
    ),
    "too few maps": (
        lambda ax: plotting.heatmaps(ax, np.ones((1, 2, 2)), np.ones((0, 2, 2))),
        "1 pictures need as many maps, not 0",
    ),
}


@pytest.mark.parametrize(("draw", "told"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_argument_gets_one_clear_sentence(
    draw: Callable[[Any], object], told: str, ax: Axes
) -> None:
    with pytest.raises(ArgumentError, match=told):
        draw(ax)
    assert not ax.lines and not ax.images and not ax.collections, "before anything is drawn"

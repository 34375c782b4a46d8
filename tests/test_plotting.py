"""What each picture draws, and how a figure is shown: caption, alt text, size."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh

from lesson5_utils import plotting

Shown = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def ax() -> Any:
    made, axes = plt.subplots()
    yield axes
    plt.close(made)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Every (data, metadata) that was displayed."""
    displayed: Shown = []

    def display(data: dict[str, Any], *, raw: bool, metadata: dict[str, Any]) -> None:
        assert raw
        displayed.append((data, metadata))

    monkeypatch.setattr(plotting, "display", display)
    return displayed


def points(ax: Axes, line: int = 0) -> list[list[float]]:
    x, y = ax.lines[line].get_data()
    return [np.asarray(x).tolist(), np.asarray(y).tolist()]


# --- figure -------------------------------------------------------------------------------


def test_a_figure_is_one_png_with_its_alt_text_and_caption(
    shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    with plotting.figure("A line that rises.") as ax:
        ax.plot([1, 2])
        assert not shown
    ((data, metadata),) = shown
    assert set(data) == {"image/png", "text/plain"}
    assert data["image/png"].startswith(b"\x89PNG") and data["text/plain"] == "<figure>"
    assert metadata == {"image/png": {"alt": "A line that rises."}}
    assert capsys.readouterr().out == "Figure: A line that rises.\n"
    assert plt.get_fignums() == []


def test_after_an_error_nothing_is_shown_and_nothing_stays_open(shown: Shown) -> None:
    with pytest.raises(KeyError), plotting.figure("never seen"):
        raise KeyError
    assert not shown and plt.get_fignums() == []


def test_a_figure_gives_as_many_axes_as_asked(shown: Shown) -> None:
    with plotting.figure("two by three", rows=2, cols=3, width=9, height=4) as axes:
        assert axes.shape == (2, 3)
        assert axes[0, 0].figure.get_size_inches().tolist() == [9, 4]
    with plotting.figure("one") as ax:
        assert isinstance(ax, Axes)


def test_bands_reach_from_the_lowest_run_to_the_highest_and_the_line_is_the_mean(
    ax: Axes,
) -> None:
    runs = {"one": np.array([[1.0, 4.0], [3.0, 8.0]]), "two": np.array([[0.0, 0.0]])}
    plotting.bands(ax, [10, 20], runs, xlabel="x", ylabel="y", log_x=True)
    assert [line.get_ydata().tolist() for line in ax.lines] == [[2.0, 6.0], [0.0, 0.0]]
    styles = {(line.get_linestyle(), line.get_marker()) for line in ax.lines}
    assert len(styles) == 2
    edges = {tuple(point) for point in ax.collections[0].get_paths()[0].vertices.tolist()}
    assert {(10.0, 1.0), (10.0, 3.0), (20.0, 4.0), (20.0, 8.0)} <= edges
    assert (ax.get_xscale(), ax.get_xlabel(), ax.get_ylabel()) == ("log", "x", "y")


@pytest.mark.filterwarnings("ignore:vert")  # between seaborn and matplotlib
def test_typical_pictures_stay_below_150_kb(shown: Shown) -> None:
    rng = np.random.default_rng(0)
    with plotting.figure("a crowd", width=8, height=6) as ax:
        plotting.scatter(ax, rng.normal(size=2000), rng.normal(size=2000), diagonal=True)
    with plotting.figure("a table", width=8, height=6) as ax:
        names = [f"film {i}" for i in range(15)]
        plotting.cross_tab(ax, rng.integers(1, 6, (15, 15)).astype(float), names, names)
    plotting.joint(rng.uniform(1, 5, 3500), rng.integers(1, 6, 3500), "joint")
    assert len(shown) == 3
    assert all(5_000 < len(data["image/png"]) <= 150_000 for data, _ in shown)


def test_drawing_needs_no_torch() -> None:
    code = "import sys, lesson5_utils.plotting; print('torch' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False"


# --- each picture -------------------------------------------------------------------------


def test_curves_draw_every_line_with_its_name(ax: Axes) -> None:
    lines = {"train": [3.0, 2.0, 1.0], "valid": [3.5, 3.0, 2.5]}
    plotting.curves(ax, [1, 2, 4], lines, xlabel="epoch", ylabel="MSE")
    assert points(ax, 0) == [[1, 2, 4], [3, 2, 1]]
    assert points(ax, 1) == [[1, 2, 4], [3.5, 3, 2.5]]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["train", "valid"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "MSE")
    assert (ax.get_xscale(), ax.get_yscale()) == ("linear", "linear")


def test_one_curve_counts_from_1_and_needs_no_legend(ax: Axes) -> None:
    plotting.curves(ax, None, {"loss": [5, 4, 3]}, log_x=True, log_y=True)
    assert points(ax) == [[1, 2, 3], [5, 4, 3]] and ax.get_legend() is None
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


def test_curves_differ_in_style_and_in_marker_as_well_as_in_colour(ax: Axes) -> None:
    lines = {str(i): [i, i + 1] for i in range(5)}
    plotting.curves(ax, None, lines, markers=True)
    styles = [(line.get_linestyle(), str(line._dash_pattern)) for line in ax.lines]
    assert len(set(styles)) == 5
    assert len({line.get_marker() for line in ax.lines}) == 5
    assert len({line.get_color() for line in ax.lines}) == 5


def test_colours_are_the_colour_blind_palette() -> None:
    import seaborn

    assert seaborn.color_palette("colorblind") == plotting.COLOURS


def test_scatter_draws_the_points_and_the_diagonal(ax: Axes) -> None:
    plotting.scatter(ax, [1, 2, 3], [4, 0, 6], xlabel="x", ylabel="y", diagonal=True)
    assert points(ax, 0) == [[1, 2, 3], [4, 0, 6]]
    assert points(ax, 1) == [[0, 6], [0, 6]]
    assert ax.lines[0].get_linestyle() == "None" and len(ax.lines) == 2
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_spread_draws_a_row_per_group_from_the_top_with_its_mean(ax: Axes) -> None:
    plotting.spread(ax, {"a": [1, 2, 6], "b": [4, 4]}, xlabel="MSE", reference=2.5)
    drawn = [points(ax, line) for line in range(4)]
    assert drawn == [[[1, 2, 6], [0, 0, 0]], [[3], [0]], [[4, 4], [1, 1]], [[4], [1]]]
    assert points(ax, 4)[0] == [2.5, 2.5]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert ax.get_ylim() == (1.5, -0.5) and ax.get_xlabel() == "MSE"


def test_cross_tab_shows_numbers_names_and_holes(ax: Axes) -> None:
    values = np.array([[5.0, np.nan, 3.0], [1.0, 2.0, np.nan]])
    plotting.cross_tab(ax, values, ["u1", "u2"], ["f1", "f2", "f3"])
    texts = {tuple(t.get_position()): t.get_text() for t in ax.texts if t.get_text()}
    assert texts == {
        (0.5, 0.5): "5",
        (1.5, 0.5): "·",
        (2.5, 0.5): "3",
        (0.5, 1.5): "1",
        (1.5, 1.5): "2",
        (2.5, 1.5): "·",
    }
    assert [label.get_text() for label in ax.get_xticklabels()] == ["f1", "f2", "f3"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["u1", "u2"]


def test_a_matrix_has_zero_in_the_middle_of_its_colours(ax: Axes) -> None:
    plotting.matrix(ax, np.array([[1.0, -4.0], [0.0, 2.0]]), title="W")
    (mesh,) = (part for part in ax.collections if isinstance(part, QuadMesh))
    assert mesh.get_clim() == (-4, 4) and ax.get_title() == "W"
    assert [text.get_text() for text in ax.texts] == ["1.0", "-4.0", "0.0", "2.0"]


def test_a_large_matrix_shows_colours_only_and_zeros_do_no_harm(ax: Axes) -> None:
    plotting.matrix(ax, np.zeros((10, 10)))
    assert len(ax.texts) == 0
    assert ax.collections[0].get_clim() == (-1, 1)


def test_the_range_test_marks_each_suggestion_on_the_curve(ax: Axes) -> None:
    lr, loss = [1e-4, 1e-2, 1.0], [4.0, 2.0, 8.0]
    plotting.range_test(ax, lr, loss, {"steepest": 1e-3, "valley": 1e-2})
    assert points(ax, 0) == [lr, loss]
    assert points(ax, 1) == [[1e-3], [pytest.approx(3.0)]]  # halfway on the log scale
    assert points(ax, 2) == [[1e-2], [pytest.approx(2.0)]]
    assert ax.lines[1].get_marker() != ax.lines[2].get_marker()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["steepest: 1e-03", "valley: 1e-02"] and ax.get_xscale() == "log"


def test_maps_draw_true_and_found_places_joined_by_lines(ax: Axes) -> None:
    true, found = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[0.1, 1.0], [2.0, 3.5]])
    plotting.matched_maps(ax, true, found, ["AC", "BA"])
    assert points(ax, 0) == [[0, 0.1], [1, 1]] and points(ax, 1) == [[2, 2], [3, 3.5]]
    assert points(ax, 2) == [[0, 2], [1, 3]] and points(ax, 3) == [[0.1, 2], [1, 3.5]]
    assert ax.lines[2].get_marker() != ax.lines[3].get_marker()
    assert [text.get_text() for text in ax.texts] == ["AC", "BA"]
    assert ax.get_aspect() == 1


@pytest.mark.filterwarnings("ignore:vert")  # between seaborn and matplotlib
def test_the_joint_plot_has_a_box_per_star_and_is_shown_with_its_alt_text(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: list[Any] = []
    show = plotting.show
    monkeypatch.setattr(
        plotting, "show", lambda made, alt: (figures.append(made), show(made, alt))
    )
    actual = np.repeat([1, 2, 3, 4, 5], 20)
    plotting.joint(actual + np.linspace(-0.5, 0.5, 100), actual, "boxes rise")
    joint = figures[0].axes[0]
    assert (joint.get_xlabel(), joint.get_ylabel()) == ("actual rating", "predicted rating")
    boxes = [patch.get_path().get_extents() for patch in joint.patches]
    assert len(boxes) == 5
    middles = sorted((box.x0 + box.x1) / 2 for box in boxes)
    assert middles == pytest.approx([1, 2, 3, 4, 5], abs=0.01)
    assert shown[0][1] == {"image/png": {"alt": "boxes rise"}} and plt.get_fignums() == []


# --- names that do not cover each other ---------------------------------------------------


def overlaps(ax: Axes) -> list[tuple[str, str]]:
    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in ax.texts]
    pairs = combinations([(name, box) for name, box in boxes if name], 2)
    return [(a, b) for (a, one), (b, other) in pairs if one.overlaps(other)]


CROWD = np.random.default_rng(3).normal(size=(28, 2))
NAMES = [f"A film called {'x' * (i % 9)}{i}" for i in range(28)]


def test_names_of_a_crowd_do_not_overlap(shown: Shown) -> None:
    with plotting.figure("a crowd of films", width=8, height=6) as ax:
        plotting.labelled_points(ax, *CROWD.T, NAMES, xlabel="component 1", ylabel="two")
    assert overlaps(ax) == []
    assert sorted(text.get_text() for text in ax.texts if text.get_text()) == sorted(NAMES)
    assert points(ax) == [CROWD[:, 0].tolist(), CROWD[:, 1].tolist()]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("component 1", "two")


def test_the_crowd_would_overlap_if_the_names_stayed_at_their_points(shown: Shown) -> None:
    with plotting.figure("the same crowd", width=8, height=6) as ax:
        ax.plot(*CROWD.T, "o")
        ax.margins(0.12)
        for (x, y), name in zip(CROWD, NAMES, strict=True):
            ax.text(x, y, name, fontsize=7)
    assert len(overlaps(ax)) > 3


def test_one_name_for_each_point_is_asked_for(ax: Axes) -> None:
    with pytest.raises(ValueError, match="shorter"):
        plotting.labelled_points(ax, [1, 2], [1, 2], ["only one"])

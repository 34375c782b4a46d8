"""Colours and line styles by meaning, and names at line ends that do not collide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import seaborn
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.text import Text

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures
from lesson5_utils.plotting.labels import END, WIDE, _folded, settle, spread_out
from lesson5_utils.plotting.style import HOUSE, MEANING, dark, ink, looks, luminance


@pytest.fixture
def ax() -> Iterator[Axes]:
    with figures.make(6.4, 3.6) as (_, ax):
        yield ax


# --- meaning ------------------------------------------------------------------------------


def test_colours_are_the_colour_blind_palette() -> None:
    assert seaborn.color_palette("colorblind") == plotting.COLOURS


def test_the_same_thing_looks_the_same_whatever_stands_beside_it() -> None:
    for label, role in {
        "train": "train",
        "SGD 0.5": "sgd",
        "SGD 0.05, momentum 0.9": "momentum",
        "Adam 0.01": "adam",
        "AdamW": "adamw",
        "one-cycle": "one cycle",
        "softmax twice": "softmax twice",
        "constant, long": "constant, long",
    }.items():
        assert looks(["something", label])[label] == MEANING[role]
        assert looks([label, "something", "else"])[label] == MEANING[role]


def test_a_name_inside_a_longer_word_means_nothing() -> None:
    names = ["restrain", "trained", "validity", "adamant", "flatter: 10, 10", "step 5"]
    unknown = [str(i) for i in range(6)]
    assert list(looks(names).values()) == list(looks(unknown).values())


def test_two_of_one_meaning_share_their_colour_and_not_their_line() -> None:
    low, high = looks(["SGD 0.02", "SGD 0.5"]).values()
    assert low.colour == high.colour and low.line != high.line and low.marker != high.marker


def test_the_schedules_of_notebook_06_differ_in_colour_or_marker_and_in_line() -> None:
    found = looks(["constant, long", "constant", "rise only", "step", "fall only", "one-cycle"])
    assert len({look.line for look in found.values()}) == 6
    assert looks(["constant, long", "constant"])["constant"] == found["constant"]
    assert len({look.marker for look in found.values()}) == 6


def test_two_meanings_that_share_a_colour_do_not_when_they_meet() -> None:
    assert MEANING["train"].colour == MEANING["sgd"].colour
    train, sgd = looks(["train", "SGD"]).values()
    assert train == MEANING["train"] and sgd.colour != train.colour


@given(
    st.lists(
        st.sampled_from([*MEANING, *"abcdefgh", *(f"SGD {i}" for i in range(9)), "Adam 1"]),
        max_size=20,
        unique=True,
    )
)
def test_no_two_series_have_the_same_colour_and_line(labels: list[str]) -> None:
    found = looks(labels)
    assert list(found) == labels
    pairs = [(look.colour, look.line) for look in found.values()]
    assert len(set(pairs)) == len(pairs)


def test_six_unknown_series_differ_in_colour_in_line_and_in_marker() -> None:
    found = looks([str(i) for i in range(6)]).values()
    assert [len(set(kind)) for kind in zip(*found, strict=True)] == [6, 6, 6]


def test_more_series_than_can_be_told_apart_are_refused() -> None:
    assert len({look[:2] for look in looks(map(str, range(48))).values()}) == 48
    with pytest.raises(ArgumentError, match="49 series"):
        looks(map(str, range(49)))


@pytest.mark.parametrize("colour", [*plotting.COLOURS, "white", "yellow", "0.5"])
def test_text_can_be_read(colour: Any) -> None:
    """WCAG AA for text: a contrast of 4.5."""
    paper = luminance(colour)
    letters = luminance(ink(colour))
    assert (max(paper, letters) + 0.05) / (min(paper, letters) + 0.05) >= 4.5
    assert 1.05 / (luminance(dark(colour)) + 0.05) >= 4.5


# --- names at the ends of lines -----------------------------------------------------------


def names(ax: Axes) -> list[Any]:
    return [text for text in ax.texts if text.get_gid() == END]


def overlapping(ax: Axes) -> list[tuple[str, str]]:
    ax.figure.draw_without_rendering()
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in names(ax)]
    return [(a, b) for (a, one), (b, two) in combinations(boxes, 2) if one.overlaps(two)]


def test_up_to_four_lines_are_named_where_they_end_in_their_own_colour(ax: Axes) -> None:
    lines = {"train": [3, 1.0], "valid": [3, 2.0], "a": [3, 5.0], "b": [3, np.nan]}
    plotting.curves(ax, [1, 2], lines)
    settle(ax.figure)
    assert ax.get_legend() is None
    assert {t.get_text(): t.xy for t in names(ax)} == {
        "train": (2, 1),
        "valid": (2, 2),
        "a": (2, 5),
        "b": (1, 3),
    }
    for text, line in zip(names(ax), ax.lines, strict=True):
        assert text.get_color() == dark(line.get_color())
        assert Text.get_window_extent(text).x0 > ax.transData.transform(text.xy)[0]


def test_more_than_four_lines_have_a_legend_beside_the_axes(ax: Axes) -> None:
    plotting.curves(ax, None, {str(i): [1, i] for i in range(5)})
    settle(ax.figure)
    legend = ax.get_legend()
    assert legend and [text.get_text() for text in legend.get_texts()] == list("01234")
    assert names(ax) == []
    assert legend.get_window_extent().x0 >= ax.get_window_extent().x1


def test_one_line_and_lines_that_others_name_have_no_names(ax: Axes) -> None:
    plotting.curves(ax, None, {"only": [1, 2]})
    plotting.curves(ax, None, {"a": [1, 2], "b": [1, 3]}, named=False)
    assert names(ax) == [] and ax.get_legend() is None


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("without penalty", "without penalty"),
        ("SGD 0.05, momentum 0.9", "SGD 0.05,\nmomentum 0.9"),
        ("lower start: 1000, 10000", "lower start:\n1000, 10000"),
        ("a-name-in-one-piece_of_many_letters", "a-name-in-one-\npiece_of_many_letters"),
    ],
)
def test_a_long_name_stands_in_lines_of_like_length(name: str, written: str, ax: Axes) -> None:
    plotting.curves(ax, None, {name: [1, 2], "b": [1, 3]})
    assert names(ax)[0].get_text() == written


@given(st.text(alphabet="ab -", min_size=1, max_size=60))
def test_folding_a_name_changes_only_its_spaces(name: str) -> None:
    folded = _folded(name)
    assert "".join(folded.split()) == "".join(name.split())
    lengths = [len(line) for line in folded.split("\n")]
    longest = max(map(len, re.split(r"[ -]", name)), default=0) + 1
    assert max(lengths) <= max(WIDE, longest + name.count("-"))


ENDS = {
    "all at one place": [1.0, 1.0, 1.0, 1.0],
    "two and two": [1.0, 1.001, 9.0, 9.001],
    "at the top": [9.0, 9.0, 8.99, 0.0],
    "at the bottom": [0.0, 0.01, 0.02, 9.0],
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_names_do_not_collide_nor_leave_the_picture(ends: list[float], ax: Axes) -> None:
    lines = {f"series number {i}": [i, end] for i, end in enumerate(ends)}
    plotting.curves(ax, None, lines)
    plotting.reference(ax, "the goal", y=ends[0])
    ax.figure.draw_without_rendering()
    assert overlapping(ax), "without `settle` they would"
    settle(ax.figure)
    assert len(names(ax)) == 5 and overlapping(ax) == []
    paper = ax.figure.bbox
    for text in names(ax):
        box = Text.get_window_extent(text)
        assert box.x1 <= paper.x1 + 1 and paper.y0 <= box.y0 and box.y1 <= paper.y1, text


def test_a_name_that_was_moved_is_tied_to_the_end_of_its_line(ax: Axes) -> None:
    plotting.curves(ax, None, {"a": [0, 1.0], "b": [0, 1.0], "c": [0, 9.0]})
    settle(ax.figure)
    assert [text.arrow_patch.get_visible() for text in names(ax)] == [True, True, False]


def test_lines_that_end_early_are_named_there(ax: Axes) -> None:
    plotting.curves(ax, None, {"long": [1, 2, 3, 4], "short": [1, 2, np.nan, np.nan]})
    assert {text.get_text(): text.xy for text in names(ax)} == {"long": (4, 4), "short": (2, 2)}


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(1, 12)), max_size=8),
)
def test_spread_out_keeps_order_and_room(items: list[tuple[float, float]]) -> None:
    wanted, sizes = [w for w, _ in items], [s for _, s in items]
    placed = spread_out(wanted, sizes, 0, 100)
    order = sorted(range(len(items)), key=lambda at: wanted[at])
    for one, two in pairwise(order):
        assert placed[two] - placed[one] >= (sizes[one] + sizes[two]) / 2 - 1e-6
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in placed)


def test_spread_out_leaves_alone_what_has_room_and_moves_pairs_by_the_same() -> None:
    assert spread_out([10, 50, 30], [4, 4, 4], 0, 100) == [10, 50, 30]
    assert spread_out([50, 50], [10, 10], 0, 100) == [45, 55]
    assert spread_out([100, 100], [10, 10], 0, 100) == [90, 100]


# --- axes ---------------------------------------------------------------------------------


def test_a_zoomed_axis_says_so_and_zero_comes_in_sight_when_asked(ax: Axes) -> None:
    plotting.curves(ax, None, {"a": [5, 6]}, ylabel="MSE")
    assert ax.get_ylim()[0] > 4 and ax.get_ylabel() == "MSE"
    plotting.curves(ax, None, {"a": [5, 6]}, ylabel="MSE", zoom=True)
    assert ax.get_ylim()[0] > 4 and ax.get_ylabel() == "MSE (zoomed)"
    plotting.curves(ax, None, {"a": [5, 6]}, ylabel="MSE", zoom=False)
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 6 and ax.get_ylabel() == "MSE"


def test_a_reference_line_runs_across_at_its_value(ax: Axes) -> None:
    plotting.reference(ax, "noise", y=0.25)
    plotting.reference(ax, "lowered", x=4)
    across, upright = ax.lines
    assert across.get_xydata().tolist() == [[0, 0.25], [1, 0.25]]
    assert upright.get_xydata().tolist() == [[4, 0], [4, 1]]
    assert [text.get_text() for text in ax.texts] == ["noise", "lowered"]


def test_a_reference_line_is_in_sight_also_above_the_data(ax: Axes) -> None:
    plotting.curves(ax, None, {"b": [1, 6]}, zoom=False)
    plotting.reference(ax, "goal", y=30)
    settle(ax.figure)
    assert ax.get_ylim()[0] == 0 and ax.get_ylim()[1] > 30


@pytest.mark.parametrize("places", [{}, {"x": 1, "y": 1}])
def test_a_reference_line_needs_one_place(places: dict[str, float], ax: Axes) -> None:
    with pytest.raises(ArgumentError, match="x or y"):
        plotting.reference(ax, "nowhere", **places)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ((0.02, 0.6), ["0.02", "0.05", "0.1", "0.2", "0.5"]),
        ((1, 5000), ["1", "10", "100", "1000"]),
        ((1e-5, 1), ["-5", "-4", "-3", "-2", "-1", "0"]),
    ],
)
def test_log_ticks_are_plain_numbers_where_they_can_be(
    ends: tuple[float, float], expected: list[str], ax: Axes
) -> None:
    plotting.curves(ax, None, {"a": ends}, log_y=True)
    ax.set_ylim(*ends)
    settle(ax.figure)
    ax.figure.draw_without_rendering()
    ticks = [*ax.yaxis.get_major_ticks(), *ax.yaxis.get_minor_ticks()]
    low, high = ends
    texts = {
        tick.get_loc(): re.sub(r"^\$10\^\{(.+)\}\$$", r"\1", tick.label1.get_text())
        for tick in ticks
        if low * 0.999 <= tick.get_loc() <= high * 1.001 and tick.label1.get_text()
    }
    assert [texts[place] for place in sorted(texts)] == expected


def test_the_settings_of_the_house_are_known_to_matplotlib() -> None:
    with plt.rc_context(HOUSE):
        assert plt.rcParams["xtick.labelsize"] == 9

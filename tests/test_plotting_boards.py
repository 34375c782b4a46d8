"""The leaderboard and the readings of single digits: what they draw, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from lesson5_utils import plotting
from lesson5_utils.datasets import drawings
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures
from lesson5_utils.plotting.boards import _reasons

ROWS = {"guessing": 0.1, "nearest mean": 0.816, "one layer": 0.858, "rebuilt": 0.5}


@pytest.fixture
def ax() -> Iterator[Axes]:
    with figures.make(7, 3) as (_, ax):
        yield ax


@pytest.fixture
def axes() -> Iterator[np.ndarray]:
    with figures.make(6, 4, 3, 2) as (_, axes):
        yield axes


def names(ax: Axes) -> list[str]:
    return [name.get_text() for name in ax.get_yticklabels()]


def numbers(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def bars(ax: Axes) -> list[Rectangle]:
    return [one for one in ax.patches if isinstance(one, Rectangle)]


def test_the_best_stands_on_top_with_its_number_and_the_newest_is_marked(ax: Axes) -> None:
    plotting.leaderboard(ax, ROWS)
    assert names(ax) == ["one layer", "nearest mean", "rebuilt", "guessing"]
    assert [bar.get_width() for bar in bars(ax)] == [0.858, 0.816, 0.5, 0.1]
    found = numbers(ax)
    assert found[:2] == ["85.8 %", "81.6 %"] and found[2] == "50.0 % ◂ new"
    low, high = ax.get_ylim()
    assert low > high, "the first row is on top"
    assert ax.get_xlim()[0] == 0


def test_the_new_row_is_told_by_word_weight_and_colour(ax: Axes) -> None:
    plotting.leaderboard(ax, ROWS, new=["one layer", "guessing"], guess=None)
    fresh = [text for text in ax.texts if "new" in text.get_text()]
    assert len(fresh) == 2 and {text.get_fontweight() for text in fresh} == {"bold"}
    colours = [to_rgb(bar.get_facecolor()) for bar in bars(ax)]
    assert colours[0] == colours[3] != colours[1] == colours[2]


def test_whiskers_are_one_standard_error_long_and_guessing_is_a_line(ax: Axes) -> None:
    plotting.leaderboard(ax, {"one": 0.9}, n=900)
    whisker, line = ax.lines
    assert np.ptp(whisker.get_xdata()) == pytest.approx(2 * (0.9 * 0.1 / 900) ** 0.5)
    assert list(line.get_xdata()) == [0.1, 0.1] and line.get_linestyle() == "--"


def test_of_equals_the_older_stands_first(ax: Axes) -> None:
    plotting.leaderboard(ax, {"old": 0.5, "young": 0.5})
    assert names(ax) == ["old", "young"]


@pytest.mark.parametrize(
    ("rows", "new", "phrase"),
    [
        ({}, None, "one row or more"),
        ({"a": 81.6}, None, "the share of 'a'"),
        ({"a": float("nan")}, None, "the share of 'a'"),
        ({"a": 0.5}, "b", "new row"),
        ({"a": 0.5}, ["a", "c"], "new row"),
    ],
)
def test_what_a_leaderboard_refuses(ax: Axes, rows: Any, new: Any, phrase: str) -> None:
    with pytest.raises(ArgumentError, match=phrase):
        plotting.leaderboard(ax, rows, new=new)


PICTURES = np.linspace(0, 1, 2 * 784).reshape(2, 28, 28)
SHARES = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])


def test_readings_show_picture_bars_and_reasons(axes: np.ndarray) -> None:
    reasons = np.zeros((2, 784))
    reasons[:, 0], reasons[:, 1] = 1, -1
    plotting.readings(axes, PICTURES, SHARES, reasons, ["a two", "a four"])
    assert [ax.get_title() for ax in axes[0]] == ["a two", "a four"]
    assert [ax.get_title() for ax in axes[1]] == ["0: 70 %", "2: 60 %"]
    assert [bar.get_height() for bar in bars(axes[1, 0])] == [0.7, 0.2, 0.1]
    for ax in axes[2]:
        paper = ax.images[-1].get_array()
        (for_it, against), white = paper[0, :2], paper[1, 0]
        assert for_it[0] > for_it[2] and against[2] > against[0] and (white == 1).all()
        assert not ax.get_title()


def test_readings_do_without_reasons_and_with_a_blank_drawing(axes: np.ndarray) -> None:
    plotting.readings(axes[:2], 0 * PICTURES, SHARES)
    plotting.readings(axes, 0 * PICTURES, SHARES, np.zeros((2, 784)))
    assert len(bars(axes[1, 0])) == 6


@pytest.mark.parametrize(
    ("part", "shares", "reasons"),
    [
        (slice(2), SHARES, PICTURES),
        (slice(3), SHARES, None),
        (slice(2), SHARES[:1], None),
        (slice(2), SHARES[0], None),
    ],
)
def test_what_readings_refuse(axes: np.ndarray, part: slice, shares: Any, reasons: Any) -> None:
    with pytest.raises(ArgumentError, match="2 pictures need axes"):
        plotting.readings(axes[part], PICTURES, shares, reasons)


def test_reasons_are_plus_and_minus_signs_where_they_count() -> None:
    digit = drawings.as_digit([[(4.0, 14.0), (24.0, 14.0)]])
    why = torch.linspace(-1, 1, 784) * digit
    with figures.make(3, 3) as (_, ax):
        _reasons(ax, why)
        pluses, minuses = ax.collections
        shown = why.abs() >= 0.05 * why.abs().max()
        assert len(pluses.get_segments()) == 2 * int((shown & (why > 0)).sum())
        assert len(minuses.get_segments()) == int((shown & (why < 0)).sum()) > 0
        for wrong in (digit[:9], torch.full([784], float("nan"))):
            with pytest.raises(ArgumentError, match="why must be 784 finite numbers"):
                _reasons(ax, wrong)


def test_nothing_speaks_for_or_against_an_empty_picture() -> None:
    with figures.make(3, 3) as (_, ax):
        _reasons(ax, torch.zeros(784))
        assert all(len(lines.get_segments()) == 0 for lines in ax.collections)

"""`tagged`: bars that a threshold cuts, and what grows below; `film_lists`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures

PICTURE = np.linspace(0, 1, 28 * 56).reshape(28, 56)
SHARES = [0.9, 0.1, 0.6, 0.0]
STEPS = np.array([0.2, 0.4, 0.6, 0.8])
CURVES = (STEPS, {"precision": STEPS, "recall": 1 - STEPS, "F1": 0 * STEPS + 0.5})


@pytest.fixture
def made() -> Iterator[tuple[Figure, np.ndarray]]:
    with figures.make(8.8, 4, 1, 3, sharey=True) as both:
        yield both


def bars(ax: Axes) -> list[Any]:
    return [bar for bar in ax.patches if bar.get_height()]  # type: ignore[attr-defined]


def test_what_is_over_the_threshold_is_named_in_colour_and_in_words(
    made: tuple[Figure, np.ndarray],
) -> None:
    figure, axes = made
    plotting.tagged(axes[0], PICTURE, SHARES, 0.5, title="one")
    below = figure.axes[-1]
    assert axes[0].get_title() == "one" and below.get_title() == "named: 0, 2"
    assert [bar.get_width() for bar in bars(below)] == SHARES
    green = plotting.MEANING["sigmoid"].colour
    named = [to_rgb(bar.get_facecolor()) == pytest.approx(green) for bar in bars(below)]
    assert named == [True, False, True, False]
    assert [tick.get_text() for tick in below.get_yticklabels()] == ["0", "1", "2", "3"]
    assert below.get_ylim()[0] > below.get_ylim()[1], "label 0 is on top"
    assert below.lines[0].get_xdata()[0] == 0.5 and below.get_xlim() == (0, 1)  # type: ignore[index]


def test_with_nothing_over_it_nothing_is_named(made: tuple[Figure, np.ndarray]) -> None:
    figure, axes = made
    plotting.tagged(axes[0], PICTURE, SHARES, 0.95)
    assert figure.axes[-1].get_title() == "named: nothing"
    plotting.tagged(axes[1], PICTURE, SHARES, 0.6)
    assert figure.axes[-1].get_title() == "named: 0", "0.6 is not over 0.6"


def test_wrong_names_are_hatched_and_what_is_there_has_a_mark(
    made: tuple[Figure, np.ndarray],
) -> None:
    figure, axes = made
    plotting.tagged(axes[0], PICTURE, SHARES, 0.5, there=[0, 1])
    below = figure.axes[-1]
    assert [bool(bar.get_hatch()) for bar in bars(below)] == [False, False, True, False]
    marks = [text for text in below.texts if text.get_text() == "◂"]
    assert [text.get_position()[1] for text in marks] == [0, 1]


def test_the_curves_have_come_down_to_the_threshold_and_no_further(
    made: tuple[Figure, np.ndarray],
) -> None:
    figure, axes = made
    plotting.tagged(axes[0], PICTURE, SHARES, 0.4, curves=CURVES)
    below = figure.axes[-1]
    lines = [line for line in below.lines if line.get_label() in CURVES[1]]
    assert [np.asarray(line.get_xdata()).tolist() for line in lines] == 3 * [[0.4, 0.6, 0.8]]
    legend = below.get_legend()
    assert legend and [text.get_text() for text in legend.get_texts()] == list(CURVES[1])
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == 3


def test_two_models_stand_side_by_side_one_hollow(made: tuple[Figure, np.ndarray]) -> None:
    figure, axes = made
    both = {"softmax": [0.5, 0.3, 0.2, 0.0], "sigmoid": SHARES}
    plotting.tagged(axes[0], PICTURE, both)
    below = figure.axes[-1]
    first, second = bars(below)[:4], bars(below)[4:]
    assert {bar.get_facecolor()[:3] for bar in first} == {(1, 1, 1)}
    assert all(one.get_y() < other.get_y() for one, other in zip(first, second, strict=True))
    legend = below.get_legend()
    assert legend and [text.get_text() for text in legend.get_texts()] == list(both)
    plotting.tagged(axes[1], PICTURE, both, named=False)
    assert figure.axes[-1].get_legend() is None


@pytest.mark.parametrize(
    ("shares", "settings", "phrase"),
    [
        ([0.5, 1.5], {"threshold": 0.5}, "'sigmoid' must lie between 0 and 1"),
        ([0.5, -0.5], {"threshold": 0.5}, "'sigmoid' must lie between 0 and 1"),
        ([0.5, float("nan")], {"threshold": 0.5}, "'sigmoid' must lie between 0 and 1"),
        ([0.5], {"threshold": 1.5}, "threshold"),
        ({"a": [0.5], "b": [0.5]}, {"threshold": 0.5}, "cuts one row of shares"),
        ({"a": [0.5], "b": [0.5, 0.1]}, {}, "equally long"),
        ([0.5], {"curves": CURVES}, "curves belong to one"),
        ([0.5], {"threshold": 0.5, "curves": (STEPS, {"F1": [1]})}, "equally long"),
    ],
)
def test_what_tagged_refuses(
    made: tuple[Figure, np.ndarray], shares: Any, settings: dict[str, Any], phrase: str
) -> None:
    with pytest.raises(ArgumentError, match=phrase):
        plotting.tagged(made[1][0], PICTURE, shares, **settings)


def test_lists_of_films_tick_what_is_right_and_count_it(
    made: tuple[Figure, np.ndarray],
) -> None:
    titles = ["Alien", "A film with a title that is far too long for any column"]
    lists = {"popular": (titles, [True, False]), "model": (titles, [True, True])}
    plotting.film_lists(made[1][:2], lists)
    first, second = made[1][:2]
    assert first.get_title("left") == "popular: 1 of 2"
    assert second.get_title("left") == "model: 2 of 2"
    told = [text.get_text() for text in first.texts]
    assert told[:2] == ["✓", "Alien"] and told[2].endswith(" …") and len(told) == 3


def test_lists_that_do_not_fit_are_refused(made: tuple[Figure, np.ndarray]) -> None:
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.film_lists(made[1], {"one": (["a"], [True])})
    with pytest.raises(ArgumentError, match="equally long"):
        plotting.film_lists(made[1][0], {"one": (["a"], [True, False])})

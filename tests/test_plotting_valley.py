"""The valley: balls where they are, a goal, rates above, jumps across a ditch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures, player

X, Y = np.linspace(-1, 1, 21), np.linspace(-2, 2, 31)
HEIGHT = X[None] ** 2 + Y[:, None] ** 2 + 0.1
WAYS = {"SGD": np.array([[-0.5, 1.0], [0.2, 0.5]]), "Adam": np.array([[-0.5, 1.0], [0.0, 0.1]])}


@pytest.fixture
def ax() -> Iterator[Axes]:
    made, axes = plt.subplots()
    yield axes
    plt.close(made)


def test_a_ball_is_where_its_way_ends_and_a_ring_where_it_began(ax: Axes) -> None:
    plotting.valley(ax, X, Y, HEIGHT, WAYS, goal=(0, 0), xlabel="b", ylabel="a")
    points = [line.get_xydata().tolist() for line in ax.lines]  # type: ignore[union-attr]
    assert points[0] == [[0, 0]] and ax.lines[0].get_marker() == "*"
    for place, way in enumerate(WAYS.values()):
        assert points[1 + 3 * place : 4 + 3 * place] == [
            way.tolist(),
            [way[-1].tolist()],
            [way[0].tolist()],
        ]
    lines = [line for line in ax.lines if line.get_label() in WAYS]
    assert lines[0].get_linewidth() > lines[1].get_linewidth(), "both are seen where they meet"
    assert {line.get_marker() for line in lines} == {"o", "s"}, "not told by colour alone"
    legend = ax.get_legend()
    assert legend is not None and [t.get_text() for t in legend.get_texts()] == list(WAYS)
    assert ax.get_xlim() == (-1, 1) and ax.get_ylim() == (-2, 2)


def test_one_way_needs_no_legend_and_a_wrong_shape_is_refused(ax: Axes) -> None:
    plotting.valley(ax, X, Y, HEIGHT, {"SGD": WAYS["SGD"][:1]}, goal=(0, 0))
    assert ax.get_legend() is None
    with pytest.raises(ArgumentError, match="height must have the shape"):
        plotting.valley(ax, X, Y, HEIGHT.T, WAYS, goal=(0, 0))


def draw(ax: Axes, step: int) -> None:
    trace = {"b": [0.1] * step, "a": [1e-3] * step}
    names = {"xlabel": "step", "ylabel": "lr/√s"}
    ends = {"ends": (1, 3), "ylim": (1e-4, 1)}
    above = plotting.rates_above(ax, range(1, step + 1), trace, **ends, limit=0.01, **names)
    assert above.get_xlim() == (1, 3) and above.get_yscale() == "log"
    assert [text.get_text() for text in above.texts if text.get_text()] == ["b", "a"]
    plotting.valley(ax, X, Y, HEIGHT, {"SGD": WAYS["SGD"][:step]}, goal=(0, 0))


def test_rates_stand_above_the_valley_also_in_each_still_of_a_moving_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Any] = []
    for module in (figures, player):
        monkeypatch.setattr(module, "display", lambda data, **_: shown.append(data))
    plotting.moving(draw, [1, 2], "A ball that rolls.", "Where to?", still=2, still_height=4)
    assert [next(iter(data)) for data in shown] == ["text/html", "image/png", "text/markdown"]
    with pytest.raises(ArgumentError, match=r"plotting\.figure"):
        bare = plt.figure().add_axes((0, 0, 1, 1))
        plotting.rates_above(bare, [1], {"a": [1]}, ends=(1, 2), ylim=(0.1, 1), limit=1)
    plt.close("all")


def test_a_ball_jumps_across_the_ditch_and_leaves_the_picture(ax: Axes) -> None:
    plotting.ditch(ax, [1, -1.5, 2.25, -3.4], title="2.5 × the way")
    jumps = [text for text in ax.texts if text.arrow_patch is not None]  # type: ignore[attr-defined]
    assert [text.xy[0] for text in jumps] == [-1.5, 2.25]  # type: ignore[attr-defined]
    assert ax.lines[-1].get_xydata().tolist() == [[1, 1]]  # type: ignore[union-attr]

"""Paths over a landscape: what is drawn is what was given."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from lesson5_utils import plotting


def test_paths_draws_each_way_and_a_star_at_the_lowest_point() -> None:
    x, y = np.linspace(-1, 3, 5), np.linspace(-2, 2, 9)
    height = 0.1 + (x[None] - 2) ** 2 + (y[:, None] + 1) ** 2
    ways = {"one": np.array([[0.0, 0.0], [1.0, -0.5]]), "other": np.array([[3.0, 2.0]])}
    made, ax = plt.subplots()
    plotting.paths(ax, x, y, height, ways, xlabel="b", ylabel="a")
    star, *lines = ax.get_lines()
    assert np.array(star.get_xydata()).tolist() == [[2, -1]]
    for line, (label, way) in zip(lines, ways.items(), strict=True):
        assert line.get_label() == label and np.array_equal(line.get_xydata(), way)
    assert len({line.get_linestyle() for line in lines}) == 2
    assert ax.get_xlim() == (-1, 3) and ax.get_ylim() == (-2, 2)
    plt.close(made)

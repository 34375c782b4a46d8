"""What `plotting.fitted` draws: the points, then one line per curve."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from lesson5_utils import plotting


def test_fitted_draws_the_points_then_each_curve_in_its_own_style() -> None:
    made, ax = plt.subplots()
    try:
        lines = {"flat": [0.0, 0.0], "steep": [0.0, 9.0]}
        plotting.fitted(ax, ([1, 2, 3], [4, 5, 6]), [1, 3], lines, title="t", ylim=(-1, 2))
        points, flat, steep = ax.lines
        assert np.asarray(points.get_data()).tolist() == [[1, 2, 3], [4, 5, 6]]
        assert points.get_linestyle() == "None" and points.get_marker() == "o"
        assert np.asarray(steep.get_data()).tolist() == [[1, 3], [0, 9]]
        assert flat.get_linestyle() != steep.get_linestyle()
        assert flat.get_color() != steep.get_color()
        assert ax.get_ylim() == (-1, 2) and ax.get_title() == "t"
        shown = [text.get_text() for text in ax.get_legend().get_texts()]
        assert shown == ["points", "flat", "steep"]
    finally:
        plt.close(made)

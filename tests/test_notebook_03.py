"""The slider of notebook 03: its callback draws the same picture as the static figure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lesson5_utils import plotting
from lesson5_utils.book.index import namespace

NEEDED = ("points", "powers", "three-errors", "three-figure", "solve-penalised", "draw-fit")


def test_the_slider_draws_a_fit_for_every_power(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    drawn: list[dict[str, Any]] = []
    offered: dict[str, Any] = {}

    def fitted(ax: Any, points: Any, x: Any, lines: Any, **rest: Any) -> None:
        drawn.append({"lines": lines, **rest})

    monkeypatch.setattr(
        "lesson5_utils.plotting.figures.show", lambda made, alt, caption: told.append(alt)
    )
    monkeypatch.setattr(plotting, "fitted", fitted)
    names = namespace("03", "imports")
    names["interact"] = lambda callback, **sliders: offered.update(callback=callback, **sliders)
    namespace("03", *NEEDED, "slider", into=names)
    drawn.clear()
    slider = offered["power"]
    for power in (slider.min, -3, slider.max):
        offered["callback"](power)
        assert f"10 to the power {power:.1f}" in told[-1]
    few, right, much = (np.asarray(picture["lines"]["fit"]) for picture in drawn)
    assert [picture["title"][:8] for picture in drawn] == ["wd 1e-11", "wd 1e-03", "wd 1e+02"]
    assert np.abs(few).max() > np.abs(right).max() > 10 * np.abs(much).max()

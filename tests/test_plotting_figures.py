"""How a figure is shown: size, alt text, caption, and nothing changed outside it."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import mistune
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from PIL import Image

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures
from lesson5_utils.plotting.style import SMALL

Shown = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """Every (data, metadata) that was displayed."""
    displayed: Shown = []

    def display(
        data: dict[str, Any], *, raw: bool, metadata: dict[str, Any] | None = None
    ) -> None:
        assert raw
        displayed.append((data, metadata or {}))

    monkeypatch.setattr(figures, "display", display)
    return displayed


def test_a_figure_is_one_png_with_alt_text_and_then_its_caption(
    shown: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    with plotting.figure("A line that rises.", "How far does it rise?") as ax:
        ax.plot([1, 2])
        assert not shown
    (picture, told), (caption, nothing) = shown
    assert set(picture) == {"image/png", "text/plain"} and picture["text/plain"] == "<figure>"
    assert told["image/png"]["alt"] == "A line that rises."
    assert caption == {
        "text/markdown": "*How far does it rise?*",
        "text/plain": "How far does it rise?",
    }
    assert nothing == {} and capsys.readouterr().out == "" and plt.get_fignums() == []


def test_without_a_caption_there_is_the_picture_alone(shown: Shown) -> None:
    with plotting.figure("A line."):
        pass
    assert len(shown) == 1


def test_it_is_drawn_for_dense_screens_and_shown_at_its_nominal_size(shown: Shown) -> None:
    with plotting.figure("a", width=5, height=2):
        pass
    ((data, metadata),) = shown
    assert Image.open(io.BytesIO(data["image/png"])).size == (800, 320)
    assert (metadata["image/png"]["width"], metadata["image/png"]["height"]) == (480, 192)


MARKDOWN = "*stars*, a_name_here, `code`, [link](x), <b>, $x$ and $y$, 5 & 6, \\n, ~~no~~ |"


def test_a_caption_is_plain_text_whatever_markdown_would_make_of_it(shown: Shown) -> None:
    with plotting.figure("a", f"  {MARKDOWN}\n  next line "):
        pass
    html = mistune.html(shown[1][0]["text/markdown"])
    inside = html.removeprefix("<p><em>").removesuffix("</em></p>\n")
    assert len(inside) == len(html) - len("<p><em></em></p>\n")
    for code, sign in {"&lt;": "<", "&gt;": ">", "&#36;": "$", "&amp;": "&"}.items():
        inside = inside.replace(code, sign)
    assert inside == f"{MARKDOWN} next line" == shown[1][0]["text/plain"]


@pytest.mark.parametrize("alt", ["", "  ", None, 3])
def test_alt_text_is_required(alt: Any, shown: Shown) -> None:
    with pytest.raises(ArgumentError, match="alt must say"), plotting.figure(alt):
        pass
    assert not shown and plt.get_fignums() == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"caption": ""}, "caption must be a sentence"),
        ({"width": 10}, "width must be a number above 0 and at most 8.8, not 10"),
        ({"height": 0}, "height must be"),
        ({"rows": 0}, "rows must be a whole number"),
        ({"cols": 1.5}, "cols must be a whole number"),
    ],
)
def test_what_cannot_be_drawn_is_refused_at_once(
    wrong: dict[str, Any], told: str, shown: Shown
) -> None:
    with pytest.raises(ArgumentError, match=told), plotting.figure("a", **wrong):
        pass
    assert not shown and plt.get_fignums() == []


def test_after_an_error_nothing_is_shown_and_nothing_stays_open(shown: Shown) -> None:
    with pytest.raises(KeyError), plotting.figure("never seen", "nor this"):
        raise KeyError
    assert not shown and plt.get_fignums() == []


def test_without_a_size_several_columns_are_as_wide_as_the_page(shown: Shown) -> None:
    with plotting.figure("one") as ax:
        assert ax.figure.get_size_inches().tolist() == [6.4, 3.6]
    with plotting.figure("two", cols=2) as axes:
        assert axes[0].figure.get_size_inches().tolist() == [figures.WIDEST, 3]


def test_a_figure_gives_as_many_axes_as_asked(shown: Shown) -> None:
    with plotting.figure("two by three", rows=2, cols=3, width=8, height=4) as axes:
        assert axes.shape == (2, 3)
        assert axes[0, 0].figure.get_size_inches().tolist() == [8, 4]
    with plotting.figure("one") as ax:
        assert isinstance(ax, Axes)
    with plotting.figure("shared", cols=2, sharey=True) as (left, right):
        left.set_ylim(0, 7)
        assert right.get_ylim() == (0, 7)
        left.set(xlabel="a", ylabel="MSE")
        right.set(xlabel="b", ylabel="MSE")
    assert [ax.get_ylabel() for ax in (left, right)] == ["MSE", ""]
    assert [ax.get_xlabel() for ax in (left, right)] == ["a", "b"]


def test_the_house_style_holds_inside_and_changes_nothing_outside(shown: Shown) -> None:
    before = dict(mpl.rcParams)
    with plotting.figure("a") as ax:
        assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()
    assert dict(mpl.rcParams) == before
    with pytest.raises(KeyError), plotting.figure("a"):
        raise KeyError
    assert dict(mpl.rcParams) == before


def test_importing_changes_no_setting_and_needs_no_torch() -> None:
    code = (
        "import sys, matplotlib as m; before = dict(m.rcParams); "
        "import lesson5_utils.plotting; "
        "print('torch' in sys.modules, dict(m.rcParams) == before)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "False True"


def draw_all(rng: np.random.Generator) -> list[Any]:
    """Each picture once, with texts of every kind; the axes they were drawn on."""
    used = []
    with plotting.figure("lines", "Look.", rows=2, cols=2, width=8.8, height=6) as axes:
        used += list(axes.flat)
        plotting.curves(axes[0, 0], None, {"train": [3, 2], "valid": [3, 3]}, xlabel="epoch")
        plotting.reference(axes[0, 0], "noise", y=1)
        runs = {name: rng.random((3, 4)) for name in ("scratch", "frozen", "flat")}
        plotting.bands(axes[0, 1], [1, 10, 100, 1000], runs, log_x=True, ylabel="accuracy")
        plotting.range_test(axes[1, 0], [1e-4, 1e-2, 1], [2, 1, 4], {"steepest": 1e-3})
        plotting.histograms(axes[1, 1], {"a": rng.random(9), "b": rng.random(9)}, [0, 1])
    with plotting.figure("points", cols=3, width=8.8, height=3) as axes:
        used += list(axes.flat)
        plotting.spread(axes[0], {"one": [1, 2, 2], "two": [3]}, xlabel="MSE", zoom=True)
        plotting.labelled_points(axes[1], [1, 2, 3], [1, 2, 1], ["a", "bc", "d"])
        plotting.reliability(axes[2], {"T = 1": ([0.5, 0.9], [0.4, 0.8])})
    with plotting.figure("tables", cols=3, width=8.8, height=3) as axes:
        used += list(axes.flat)
        names = [f"film {i}" for i in range(5)]
        plotting.cross_tab(axes[0], rng.integers(1, 6, (5, 5)).astype(float), names, names)
        plotting.matrix(axes[1], rng.normal(size=(4, 5)), "W", rows="abcd", bar=True)
        plotting.counts(axes[2], rng.integers(0, 5, (4, 4)), xlabel="said", ylabel="was")
    with plotting.figure("ratings", width=5, height=4.4) as ax:
        used.append(ax)
        plotting.joint(ax, rng.uniform(1, 5, 3500), rng.integers(1, 6, 3500), (1, 5))
    return used


def test_no_text_is_smaller_than_9_points(shown: Shown) -> None:
    sizes = {}
    for ax in draw_all(np.random.default_rng(0)):
        for text in ax.findobj(Text):
            if text.get_text().strip() and text.get_visible():
                sizes[text.get_text()] = text.get_fontsize()
    assert len(sizes) > 60
    assert {name: size for name, size in sizes.items() if size < SMALL} == {}


def test_typical_pictures_stay_far_below_200_kb(shown: Shown) -> None:
    rng = np.random.default_rng(0)
    draw_all(rng)
    with plotting.figure("a crowd", width=8, height=6) as ax:
        plotting.scatter(ax, rng.normal(size=2000), rng.normal(size=2000), diagonal=True)
    with plotting.figure("noise", rows=2, cols=5, width=8, height=4) as axes:
        plotting.images(axes, rng.random((10, 28, 28)))
    pictures = [data["image/png"] for data, _ in shown if "image/png" in data]
    assert len(pictures) == 6
    assert all(3_000 < len(picture) <= 150_000 for picture in pictures)

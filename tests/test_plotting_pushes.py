"""Scores, their softmax and two pushes on each, drawn: what is seen, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures
from lesson5_utils.plotting.forecast import forecast
from lesson5_utils.plotting.style import luminance

NAMES = ["cat", "dog", "plane", "fish", "building"]
SCORES = [0, 2, -1, 1, 0.5]
SURE, UNSURE, WRONG = [0, 6, -1, 1, 0.5], [0] * 5, [0, -5, -1, 5, 0.5]
TITLES = ["right and sure", "unsure", "wrong and sure"]


class Seen:
    """The last figure shown, laid out, with its words."""

    made: Figure
    alt: str
    caption: str | None
    png: bytes

    @property
    def ax(self) -> Axes:
        return self.made.axes[0]

    def texts(self) -> list[str]:
        return [text.get_text() for text in self.ax.texts]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    kept = Seen()

    def show(made: Figure, alt: str, caption: str | None = None) -> None:
        kept.made, kept.alt, kept.caption = made, alt, caption
        kept.png = figures.png(made, figures.DPI, 256)
        made.draw_without_rendering()

    monkeypatch.setattr(figures, "show", show)
    return kept


def tips(ax: Axes) -> list[tuple[float, float]]:
    """Where the arrows in the rows end, from the zero line, with their height; the samples
    in the table are left out."""
    arrows = [one for one in ax.patches if isinstance(one, Polygon)]
    return [tuple(one.get_xy()[0]) for one in arrows]


def test_every_number_is_written_and_the_true_row_lies_on_a_band(seen: Seen) -> None:
    plotting.pushes(SCORES, 1, NAMES)
    written = seen.texts()
    one = forecast(SCORES, 1, NAMES)
    for text in (*NAMES, "2.00", "−1.00", "0.56", "+0.44", "+0.29", "−0.21", "−0.16"):
        assert text in written
    assert {"cross-entropy", "0.57", "MSE", "0.26", "largest push"} <= set(written)
    boxes = [one for one in seen.ax.patches if isinstance(one, Rectangle)]
    (band,) = [box for box in boxes if box.get_width() > 4]
    dog = next(text for text in seen.ax.texts if text.get_text() == "dog")
    assert band.get_y() < dog.get_position()[1] < band.get_y() + band.get_height()
    assert seen.alt.endswith(one.summary() + ".") and "dog 2.00 → 0.56" in seen.alt
    assert seen.caption and seen.caption.endswith("?")


def test_an_arrow_is_as_long_as_its_push_and_a_bar_as_its_share(seen: Seen) -> None:
    plotting.pushes(SCORES, 1, NAMES)
    one = forecast(SCORES, 1, NAMES)
    bars = [b for b in seen.ax.patches if isinstance(b, Rectangle) and b.get_height() == 0.2]
    unit = max(bar.get_width() for bar in bars)
    assert [bar.get_width() / unit for bar in bars[1::2]] == pytest.approx(one.p.tolist())
    zero = seen.ax.lines[-2].get_xdata()[0]
    ends = sorted(x - zero for x, y in tips(seen.ax)[2:])
    drawn = sorted(unit * push for push in np.concatenate(one.pushes) if abs(push) > 0.02)
    assert ends == pytest.approx(drawn)
    rims = sorted(line.get_xdata()[0] - zero for line in seen.ax.lines[-3:])
    assert rims == pytest.approx([-unit, 0, unit]), "the scale that stands below"


def test_the_losses_differ_in_more_than_their_colour(seen: Seen) -> None:
    plotting.pushes(WRONG, 1, NAMES)
    entropy, mse = [one for one in seen.ax.patches if isinstance(one, Polygon)][:2]
    assert luminance(mse.get_facecolor()) == 1 > luminance(entropy.get_facecolor())
    first, second = seen.ax.lines[:2]
    assert first.get_linestyle() == "-" != second.get_linestyle()
    colours = {plotting.MEANING[name].colour for name in ("cross entropy", "mse")}
    assert {first.get_color(), second.get_color()} == colours
    for text in seen.ax.texts:
        assert luminance(text.get_color()) <= 0.184, "contrast 4.5 on white"
        assert text.get_fontsize() >= 9


def test_sure_and_wrong_the_one_is_long_and_the_other_a_dot(seen: Seen) -> None:
    plotting.pushes([SURE, UNSURE, WRONG], 1, NAMES, titles=TITLES)
    written = seen.texts()
    assert set(TITLES) <= set(written) and written.count("cat") == 1
    assert {"10.02", "+1.00", "1.96", "0.038"} <= set(written)
    for title in TITLES:
        assert f"{title}, score → probability: cat 0.00" in seen.alt
    rows = tips(seen.ax)[6:]
    assert len(rows) < 30 - 12, "what is too short to be an arrow is a dot"


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("names", [NAMES, [str(digit) for digit in range(10)], ["no", "yes"]])
def test_nothing_is_cut_off_and_no_words_overlap(k: int, names: list[str], seen: Seen) -> None:
    gen = np.random.default_rng(k)
    scores = gen.uniform(-9, 9, [k, len(names)])
    plotting.pushes(scores, [0] * k, names, titles=TITLES[:k])
    paper = seen.made.bbox
    boxes = {text: text.get_window_extent() for text in seen.ax.texts}
    for text, box in boxes.items():
        assert paper.x0 <= box.x0 and box.x1 <= paper.x1, text.get_text()
        assert paper.y0 <= box.y0 and box.y1 <= paper.y1, text.get_text()
        for other, there in boxes.items():
            apart = box.x1 <= there.x0 or there.x1 <= box.x0
            apart |= box.y1 <= there.y0 + 3 or there.y1 <= box.y0 + 3  # room for lines
            assert other is text or apart, (text.get_text(), other.get_text())
    assert len(seen.png) < 200_000


def test_each_situation_may_have_its_own_truth_and_scores_may_be_tensors(seen: Seen) -> None:
    plotting.pushes(torch.zeros(2, 3), [0, 2], ["a", "b", "c"], caption=None, alt="Two.")
    assert (seen.alt, seen.caption) == ("Two.", None)
    bands = [b for b in seen.ax.patches if isinstance(b, Rectangle) and b.get_height() > 0.3]
    assert len({round(band.get_y(), 3) for band in bands}) == 2


def test_it_is_shown_with_alt_text_and_caption(capsys: pytest.CaptureFixture[str]) -> None:
    plotting.pushes(SCORES, 1, NAMES)
    assert "<figure>" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("scores", "truth", "names", "more", "phrase"),
    [
        ([1, 2, 3], 0, ["a", "b"], {}, "equally long, not 3 and 2"),
        ([1, 2], 2, ["a", "b"], {}, "truth must be a whole number from 0 to 1, not 2"),
        ([1, float("nan")], 0, ["a", "b"], {}, "scores must be finite"),
        ([[1, 2]] * 4, 0, ["a", "b"], {}, "at most 3 situations have room, not 4"),
        ([[1, 2]] * 3, [0, 1], ["a", "b"], {}, "3 situations need one truth or as many"),
        ([[1, 2]] * 2, 0, ["a", "b"], {"titles": ["one"]}, "2 situations need as many titles"),
        ([], 0, [], {}, "the number of classes must be a whole number from 2 to 20, not 0"),
        (3, 0, ["a", "b"], {}, "scores must be a row of numbers"),
        ([1, 2], 0, ["a" * 60, "b"], {}, r"names must be \d\.\d inches shorter"),
        ([1, 2], 0, ["a", "b"], {"caption": " "}, "caption must be a sentence"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    scores: Any, truth: Any, names: Any, more: dict[str, Any], phrase: str
) -> None:
    with pytest.raises(ArgumentError, match=phrase):
        plotting.pushes(scores, truth, names, **more)

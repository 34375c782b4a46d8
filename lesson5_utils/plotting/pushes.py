"""How cross-entropy and the MSE push five scores: the still twin of `widgets.ScoreSliders`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Polygon, Rectangle

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.figures import WIDEST, figure
from lesson5_utils.plotting.forecast import LOSSES, Forecast, forecast, signed, tiny
from lesson5_utils.plotting.placing import LINE, wide, written
from lesson5_utils.plotting.style import BLACK, MEANING, SMALL, Look, dark

__all__ = ["pushes"]

MOST = 3  # situations beside each other
EDGE = 0.12  # inches, left free around the picture
ROW = 0.38  # of a class
HALF = ROW / 4  # from the middle of a row to its arrows
TITLE, HEADS, SCALE, FOOT = 0.26, 0.44, 0.3, 0.22
GAP = 0.22  # between situations
MARK, NUMBER, TRACK, TABLE = 0.34, 0.46, 1.75, 2.45  # widths
LEAST = 0.42  # of a unit
TIP = 0.11  # length of an arrow's tip
STILL = 0.035  # inches: a shorter arrow is a dot
BAND, BAR, RIM = "0.93", "0.68", "0.45"
LOOKS: list[Look] = [MEANING["cross entropy"], MEANING["mse"]]
FOOTNOTE = (
    "thick mark: y  ·  push = −∂loss/∂score, loss per unit of score, on one scale for both  ·  "
    "→ raises the score"
)
CAPTION = "Which loss still pushes hard when the forecast is sure and wrong?"


class Columns(NamedTuple):
    """Where the parts of one situation stand, in inches: the ends of its rows, the track of
    the scores (None: no room), the right end of their numbers, the left end of the bars, and
    the middle of the arrows. A bar of probability 1 and a push of 1 are `unit` long."""

    left: float
    right: float
    track: tuple[float, float] | None
    number: float
    bar: float
    middle: float
    unit: float


def pushes(
    scores: Any,
    truth: int | Sequence[int],
    names: Sequence[str],
    *,
    titles: Sequence[str] = (),
    alt: str | None = None,
    caption: str | None = CAPTION,
) -> None:
    """Show a figure of scores, their softmax, and the push of both losses on each score.

        plotting.pushes([0, 2, -1, 1, 0.5], 1, names)
        plotting.pushes([sure, unsure, wrong], 1, names, titles=["sure", "unsure", "wrong"])

    Each class has a row: its score, its probability p as a bar with a thick mark at y, which
    is 1 for the truth and else 0, and two arrows. That of cross-entropy is as long as the way
    from p to y; that of the MSE, Σ (p − y)² of the softmax, is drawn on the same scale.

    Args:
        scores: [n], or [k, n] for up to three situations beside each other.
        truth: the place of the true class; one for all situations, or one for each.
        names: of the n classes.
        titles: of the situations.
        alt: what is drawn; without it, the numbers of this picture in words.
        caption: tells or asks what to look at; None: no caption.

    Raises:
        ArgumentError: what is given does not fit together, a score that is not finite, or
            names too long to leave room for the arrows.
    """
    shown = _situations(scores, truth, names)
    if titles and len(titles) != len(shown):
        raise ArgumentError(f"{len(shown)} situations need as many titles, not {len(titles)}")
    wide_, high = WIDEST - 2 * EDGE, _height(len(names), bool(titles))
    columns = _columns(shown[0].names, len(shown), wide_)
    with figure(
        alt or _alt(shown, titles), caption, width=WIDEST, height=high + 2 * EDGE
    ) as ax:
        ax.set_axis_off()
        ax.set(xlim=(0, wide_), ylim=(0, high))
        ax.set_aspect("equal")
        rows = [FOOT + SCALE + ROW * (len(names) - 0.5 - k) for k in range(len(names))]
        for name, y in zip(shown[0].names, rows, strict=True):
            _write(ax, 0, y, name)
        _write(ax, 0, FOOT / 2 - 0.03, FOOTNOTE, color="0.3")
        reach = max(float(np.abs(one.scores).max()) for one in shown)
        for at, (one, place) in enumerate(zip(shown, columns, strict=True)):
            _heads(ax, one, place, rows[0] + ROW / 2, titles[at] if titles else "")
            _rows(ax, one, place, rows, max(reach, 5.0))
            _scale(ax, place, rows)


def _situations(scores: Any, truth: Any, names: Sequence[str]) -> list[Forecast]:
    """One forecast for each row of scores."""
    several = (
        len(scores) > 0 and np.ndim(scores[0]) > 0 if hasattr(scores, "__len__") else False
    )
    rows = list(scores) if several else [scores]
    if len(rows) > MOST:
        raise ArgumentError(f"at most {MOST} situations have room, not {len(rows)}")
    truths = list(truth) if np.ndim(truth) else [truth] * len(rows)
    if len(truths) != len(rows):
        raise ArgumentError(
            f"{len(rows)} situations need one truth or as many, not {len(truths)}"
        )
    return [forecast(row, one, names) for row, one in zip(rows, truths, strict=True)]


def _height(n: int, titled: bool) -> float:
    return FOOT + SCALE + n * ROW + HEADS + 3 * LINE + (TITLE if titled else 0)


def _columns(names: Sequence[str], k: int, width: float) -> list[Columns]:
    """The room of each of k situations, right of the names."""
    first = max(map(wide, names)) + 0.12
    share = (width - first - GAP * (k - 1)) / k
    long = TRACK if k == 1 else 0.0
    numbers = MARK + long + NUMBER
    unit = (share - numbers - 0.25 - (NUMBER if long else 0)) / 3
    if unit < LEAST:
        lacking = k * (3 * (LEAST - unit))
        raise ArgumentError(
            f"the names must be {lacking:.1f} inches shorter to leave room for the arrows"
        )
    made = []
    for at in range(k):
        left = first + at * (share + GAP)
        right = left + share
        track = (left + MARK + 0.08, left + MARK + long) if long else None
        number = left + numbers
        made.append(Columns(left, right, track, number, number + 0.12, right - unit, unit))
    return made


# --- the parts of one situation -----------------------------------------------------------


def _heads(ax: Axes, one: Forecast, place: Columns, y: float, title: str) -> None:
    """Title, the two losses with their numbers, and what each column is."""
    middle: dict[str, Any] = {"ha": "center", "color": "0.3"}
    _write(ax, place.left + MARK / 2, y + 0.1, "true", **middle)
    if place.track:
        _write(ax, sum(place.track) / 2, y + 0.1, "score", **middle)
        _write(ax, place.bar + place.unit / 2, y + 0.1, "probability p", **middle)
    else:
        _write(ax, place.number, y + 0.1 + LINE, "score", ha="right", color="0.3")
        _write(ax, place.number, y + 0.1, "p", ha="right", color="0.3", weight="bold")
    _write(ax, place.middle, y + 0.1, "← push →", **middle)
    y += HEADS + 2 * LINE
    start = place.right - TABLE
    loss = start + 1.55
    _write(ax, loss, y, "loss", ha="right", color="0.3")
    _write(ax, place.right, y, "largest push", ha="right", color="0.3")
    for which, look in enumerate(LOOKS):
        line, ink = y - (which + 1) * LINE, dark(look.colour)
        _arrow(ax, start, start + 0.25, line, which)
        _write(ax, start + 0.3, line, LOSSES[which], color=ink)
        _write(ax, loss, line, written(one.losses[which]), ha="right", color=ink)
        _write(ax, place.right, line, tiny(one.largest[which]), ha="right", color=ink)
    if title:
        _write(ax, place.left, y + TITLE, title, weight="bold")


def _rows(ax: Axes, one: Forecast, place: Columns, rows: list[float], reach: float) -> None:
    """A row for each class; the true one lies on a grey band."""
    p, y_ = one.p, one.y
    for k, y in enumerate(rows):
        true = k == one.truth
        if true:
            size = place.right - place.left, ROW - 0.02
            ax.add_patch(_box(place.left, y, *size, fc=BAND, ec="none", zorder=0))
        x = place.left + MARK / 2
        ax.add_patch(Circle((x, y), 0.065, fc="white", ec=BLACK, lw=1.1))
        if true:
            ax.add_patch(Circle((x, y), 0.035, fc=BLACK, ec="none"))
        score, share = written(one.scores[k]), written(p[k])
        if place.track:
            low, high = place.track
            ax.plot([low, high], [y, y], color=BAR, lw=2.5, solid_capstyle="round", zorder=1)
            knob = (low + high) / 2 + (high - low) / 2 * one.scores[k] / reach
            ax.add_patch(Circle((knob, y), 0.07, fc="0.3", ec="none", zorder=2))
            _write(ax, place.number, y, score, ha="right")
            _write(ax, place.bar + place.unit + 0.07, y, share)
        else:
            _write(ax, place.number, y + LINE / 2, score, ha="right")
            _write(ax, place.number, y - LINE / 2, share, ha="right", weight="bold")
        unit = place.unit
        ax.add_patch(_box(place.bar, y, unit, 0.2, fc="white", ec=RIM, lw=0.8, zorder=1))
        ax.add_patch(_box(place.bar, y, unit * p[k], 0.2, fc=BAR, ec=RIM, lw=0.8, zorder=1))
        target = place.bar + unit * y_[k]
        ax.plot([target, target], [y - 0.14, y + 0.14], color=BLACK, lw=2.5, zorder=2)
        for which, side in enumerate((HALF, -HALF)):
            _push(ax, float(one.pushes[which][k]), place, y + side, which)


def _push(ax: Axes, push: float, place: Columns, y: float, which: int) -> None:
    """An arrow from the zero line, and its number on the other side of that."""
    ink = dark(LOOKS[which].colour)
    if abs(push) * place.unit < STILL:
        ax.add_patch(Circle((place.middle, y), 0.03, fc=ink, ec=ink, zorder=3))
    else:
        _arrow(ax, place.middle, place.middle + push * place.unit, y, which)
    left = push >= 0
    x = place.middle + (-0.06 if left else 0.06)
    _write(ax, x, y, signed(push), color=ink, ha="right" if left else "left")


def _arrow(ax: Axes, start: float, end: float, y: float, which: int) -> None:
    """From left to right or back; that of the MSE is broken and its tip hollow."""
    look = LOOKS[which]
    tip = min(TIP, abs(end - start)) * np.sign(end - start)
    neck, half = end - tip, 0.42 * abs(tip)
    ax.plot([start, neck], [y, y], color=look.colour, ls=look.line, lw=2, zorder=3)
    corners = [(end, y), (neck, y + half), (neck, y - half)]
    paper = "white" if which else look.colour
    ax.add_patch(Polygon(corners, closed=True, fc=paper, ec=look.colour, lw=1.2, zorder=4))


def _scale(ax: Axes, place: Columns, rows: list[float]) -> None:
    """The zero line through all arrows, and below them −1, 0 and 1."""
    low, high = rows[-1] - ROW / 2, rows[0] + ROW / 2
    for at, text in {-1: "−1", 0: "0", 1: "+1"}.items():
        x = place.middle + at * place.unit
        style: dict[str, Any] = (
            {"color": "0.3", "lw": 1} if at == 0 else {"color": "0.8", "lw": 0.8}
        )
        ax.plot([x, x], [low - 0.06, high], zorder=0.5, **style)
        _write(ax, x, low - 0.15, text, ha="center", color="0.3")


def _box(x: float, y: float, width: float, height: float, **style: Any) -> Rectangle:
    return Rectangle((x, y - height / 2), width, height, **style)


def _write(ax: Axes, x: float, y: float, text: str, **style: Any) -> None:
    usual: dict[str, Any] = {"va": "center_baseline", "color": "0.05", "zorder": 5}
    ax.text(x, y, text, fontsize=SMALL, **(usual | style))


def _alt(shown: Sequence[Forecast], titles: Sequence[str]) -> str:
    """The picture in words, with the numbers that count."""
    told = [
        (f"{title}, score" if title else "Score")
        + f" → probability: {one.rows()}; {one.summary()}"
        for one, title in zip(shown, titles or [""] * len(shown), strict=True)
    ]
    return (
        "A row for each class: its score, its probability as a bar, and two arrows from a "
        f"zero line, the pushes of cross-entropy and of the MSE. {'. '.join(told)}."
    )

"""What a model makes of one digit: the still twin of the drawing pad."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.grids import images
from lesson5_utils.plotting.style import BLUE, GREY, SMALL

__all__ = ["reading", "reasons"]

FOR, AGAINST = "#c2410c", "#0b61a4"  # as in the drawing pad
FAINTEST = 0.05  # of the largest reason; what is smaller is left out


def reading(axes: Any, digit: Any, shares: Any, why: Any = None) -> None:
    """A digit, if asked for the reasons for an answer, and a bar for each of the ten digits.

        with plotting.figure("A drawn 7, …", cols=3, height=2.6) as axes:
            plotting.reading(axes, pad.digit, scores(pad.digit), why(pad.digit))

    Args:
        axes: two, or three with `why`.
        digit: grey values [784].
        shares: ten probabilities.
        why: numbers [784]: above 0 what speaks for the answer, below 0 what speaks against it.

    Raises:
        ArgumentError: other shapes, or another number of axes.
    """
    parts = np.asarray(axes, dtype=object).ravel()
    if len(parts) != (2 if why is None else 3):
        raise ArgumentError(f"reading needs two axes, or three with why, not {len(parts)}")
    shares = _numbers("shares", shares, 10)
    images(parts[0], _numbers("digit", digit, 784).reshape(1, 28, 28), ["what the model sees"])
    if why is not None:
        reasons(parts[1], why)
    best = int(shares.argmax())
    bars = parts[-1]
    bars.barh(range(10), shares, color=[BLUE if one == best else GREY for one in range(10)])
    for place, share in enumerate(shares):
        bold = "bold" if place == best else "normal"
        told = f"{share:.0%}".replace("%", " %")
        bars.text(share + 0.02, place, told, va="center", fontsize=SMALL, weight=bold)
    bars.set(yticks=range(10), xlim=(0, 1.18), ylim=(9.6, -0.6), xticks=[])
    bars.spines["bottom"].set_visible(False)
    bars.tick_params(length=0)
    bars.set_title(f"says {best}", fontsize=SMALL)


def reasons(ax: Axes, why: Any) -> None:
    """Which pixels speak for an answer, + on orange, and which against it, − on blue.

    Args:
        why: numbers [784], such as the weights of a class times the ink.

    Raises:
        ArgumentError: something else.
    """
    told = _numbers("why", why, 784).reshape(28, 28)
    strength = np.abs(told) / (np.abs(told).max() or 1.0)
    paper = np.ones((28, 28, 3))
    for colour, here in ((FOR, told > 0), (AGAINST, told < 0)):
        full = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        share = (0.15 + 0.85 * strength[here])[:, None]
        paper[here] = 1 - share + share * full
    paper[strength < FAINTEST] = 1
    images(ax, strength[None] * 0, ["+ speaks for it, − against it"])
    ax.imshow(paper)
    places = np.argwhere(strength >= FAINTEST)
    for positive, colour in ((True, FOR), (False, AGAINST)):
        signed = [(x, y) for y, x in places if (told[y, x] > 0) == positive]
        inks = [colour if strength[y, x] < 0.55 else "white" for x, y in signed]
        signs = [[(x - 0.32, y), (x + 0.32, y)] for x, y in signed]
        if positive:
            signs += [[(x, y - 0.32), (x, y + 0.32)] for x, y in signed]
            inks += inks
        ax.add_collection(LineCollection(signs, colors=inks, linewidths=0.8))


def _numbers(what: str, given: Any, n: int) -> np.ndarray:
    found = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given, dtype=float)
    if found.size != n or not np.isfinite(found).all():
        raise ArgumentError(f"{what} must be {n} finite numbers, not {list(found.shape)}")
    return found.ravel()

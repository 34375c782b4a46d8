"""What models say of pictures: a leaderboard, and the readings of single digits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.grids import images
from lesson5_utils.plotting.labels import reference
from lesson5_utils.plotting.style import COLOURS, SMALL, dark

__all__ = ["leaderboard", "readings"]

OLD = "0.75"
FOR, AGAINST = "#c2410c", "#0b61a4"  # as in the drawing pad
FAINTEST = 0.05  # of the largest reason; what is smaller is left out


def leaderboard(
    ax: Axes,
    rows: Mapping[str, float],
    *,
    new: Sequence[str] | str | None = None,
    guess: float | None = 0.1,
    n: int | None = None,
) -> None:
    """A bar with its number for each way to do a task, the best on top.

    Args:
        rows: name → share of right answers, from 0 to 1, in the order in which they came.
        new: the rows to mark as new; None: the last.
        guess: the share that guessing gives, a dashed line.
        n: how many answers were counted; the whiskers are then one standard error long, which
            is what luck with these rows makes.

    Raises:
        ArgumentError: no rows, a share outside 0 … 1, or a new row that is not there.
    """
    if not rows:
        raise ArgumentError("a leaderboard needs one row or more")
    shares = {
        name: arguments.number(f"the share of {name!r}", share, least=0, most=1)
        for name, share in rows.items()
    }
    marked = [list(rows)[-1]] if new is None else [new] if isinstance(new, str) else list(new)
    for name in marked:
        arguments.choice("new row", name, list(rows))
    ranked = sorted(shares, key=lambda name: -shares[name])  # of equals, the older first
    for place, name in enumerate(ranked):
        share, fresh = shares[name], name in marked
        ax.barh(place, share, 0.72, color=COLOURS[0] if fresh else OLD)
        luck = 0.0 if n is None else (share * (1 - share) / n) ** 0.5
        if n is not None:
            ax.plot([share - luck, share + luck], [place, place], color="0.2", lw=1.2)
        ax.text(
            share + luck + 0.008,
            place,
            f"{share:.1%}".replace("%", " %") + (" ◂ new" if fresh else ""),
            va="center",
            fontsize=SMALL,
            fontweight="bold" if fresh else "normal",
            color=dark(COLOURS[0]) if fresh else "0.2",
        )
    ax.set_yticks(range(len(ranked)), ranked)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(ylim=(len(ranked) - 0.4, -0.6), xlim=(0, 1.12), xlabel="share of right answers")
    ax.set_xticks(np.linspace(0, 1, 6), [f"{share:.0f} %" for share in np.linspace(0, 100, 6)])
    if guess is not None:
        reference(ax, x=guess)


def readings(
    axes: Any,
    pictures: np.ndarray,
    shares: np.ndarray,
    reasons: np.ndarray | None = None,
    titles: Sequence[Any] = (),
) -> None:
    """Several digits as a model reads them, a column each: the picture, a bar for each class,
    and what spoke for and against the answer.

    Args:
        axes: [2 rows, n columns], or three rows with `reasons`.
        pictures: grey values [n, 28, 28].
        shares: [n, classes], each row adds up to 1; the largest is marked.
        reasons: [n, 784], above 0 what speaks for the answer.
        titles: one for each picture.

    Raises:
        ArgumentError: what is given does not fit together.
    """
    pictures, shares = np.asarray(pictures), np.asarray(shares)
    grid = np.asarray(axes, dtype=object)
    n = len(pictures)
    wanted = (2 if reasons is None else 3, n)
    if grid.shape != wanted or len(shares) != n or shares.ndim != 2:
        raise ArgumentError(
            f"{n} pictures need axes {list(wanted)} and shares [{n}, classes], not "
            f"{list(grid.shape)} and {list(shares.shape)}"
        )
    images(grid[0], pictures, titles)
    for ax, share in zip(grid[1], shares, strict=True):
        best = int(share.argmax())
        ax.bar(range(len(share)), share, color=[OLD] * len(share))
        ax.patches[best].set_color(COLOURS[0])
        ax.set_xticks(range(len(share)))
        ax.tick_params(axis="x", length=0, pad=1)
        ax.set(ylim=(0, 1.05), yticks=[])
        ax.spines["left"].set_visible(False)
        ax.set_title(f"{best}: {share[best]:.0%}".replace("%", " %"), fontsize=SMALL)
    for ax, why in zip(grid[2], reasons, strict=True) if reasons is not None else ():
        _reasons(ax, why)
        ax.set_title("")


def _reasons(ax: Axes, why: Any) -> None:
    """Which pixels speak for an answer, + on orange, and which against it, − on blue.

    Args:
        why: numbers [784], such as the weights of a class times the ink.

    Raises:
        ArgumentError: something else.
    """
    told = np.asarray(why, dtype=float)
    if told.size != 784 or not np.isfinite(told).all():
        raise ArgumentError(f"why must be 784 finite numbers, not {list(told.shape)}")
    told = told.reshape(28, 28)
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

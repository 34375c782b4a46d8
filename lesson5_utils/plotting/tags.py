"""Labels that a model names: a picture, a bar for each label, a threshold that cuts them; and
lists of films beside what is known of them."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.grids import images
from lesson5_utils.plotting.style import MEANING, SMALL, Look, Values, dark, looks, same_length
from lesson5_utils.plotting.wide import rows_below

__all__ = ["film_lists", "tagged"]

PALE = "0.82"  # what is not named
Curves = tuple[Values, Mapping[str, Values]]


def tagged(
    ax: Axes,
    picture: np.ndarray,
    shares: Values | Mapping[str, Values],
    threshold: float | None = None,
    *,
    there: Collection[int] | None = None,
    curves: Curves | None = None,
    title: str = "",
    named: bool = True,
) -> None:
    """A picture; below it a bar for each label, from 0 to 1, and a line where they are cut.

    What is above the threshold is named: its bar is coloured. With `curves`, a third panel on
    the same axis: what was measured at each threshold from the highest down to this one.

    Args:
        picture: grey values [height, width].
        shares: [labels], or two models' by name; two have no threshold.
        threshold: from 0 to 1; None: nothing is cut.
        there: the labels that are true. Each has a mark; wrong names are hatched.
        curves: thresholds [n], rising, and name → values [n] from 0 to 1.
        named: write the names of the models or curves; False where the axes beside these do.

    Raises:
        ArgumentError: shares that are no shares, two of them with a threshold, or curves
            without one.
    """
    groups = dict(shares) if isinstance(shares, Mapping) else {"sigmoid": shares}
    if threshold is not None:
        threshold = arguments.number("threshold", threshold, least=0, most=1)
    if (len(groups) > 1) == (threshold is not None) or (curves and threshold is None):
        raise ArgumentError("a threshold cuts one row of shares, and curves belong to one")
    same_length(**{name: values for name, values in groups.items()})
    for name, values in groups.items():
        if not ((np.asarray(values) >= 0) & (np.asarray(values) <= 1.001)).all():
            raise ArgumentError(f"the shares of {name!r} must lie between 0 and 1")
    _, below = rows_below(ax, (0.5, 1.35) if curves is None else (0.5, 1.35, 1.0))
    images(ax, np.asarray(picture)[None])
    ax.set_title(title)
    _bars(below[0], groups, threshold, set(there or ()))
    if named and len(groups) > 1:
        below[0].legend(loc="lower right")
    if curves is not None and threshold is not None:
        below[1].sharex(below[0])
        below[0].tick_params(labelbottom=False)
        below[0].set_xlabel("")
        _measured(below[1], curves, threshold, named)


def _bars(
    ax: Axes, groups: Mapping[str, Values], threshold: float | None, there: set[int]
) -> None:
    styles = looks(groups)
    n = len(next(iter(groups.values())))
    for place, (name, values) in enumerate(groups.items()):
        high = 0.72 / len(groups)
        for label, share in enumerate(np.asarray(values, dtype=float)):
            at = label + high * (place - (len(groups) - 1) / 2)
            told = threshold is None or share > threshold
            wrong = told and bool(there) and label not in there
            dress = _dress(styles[name], told, wrong, place < len(groups) - 1)
            ax.barh(at, share, high, label=name if label == 0 else None, **dress)
    for label in there:
        ax.text(1.02, label, "◂", va="center", fontsize=SMALL, color="black", clip_on=False)
    ax.set_yticks(range(n), [str(label) for label in range(n)])
    ax.tick_params(axis="y", length=0, pad=2)
    ax.set(xlim=(0, 1), ylim=(n - 0.4, -0.6), xlabel="probability")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    if threshold is not None:
        (shares,) = groups.values()
        found = ", ".join(str(k) for k, share in enumerate(shares) if share > threshold)
        _cut(ax, threshold)
        ax.set_title(f"named: {found or 'nothing'}", fontsize=SMALL)


def _dress(look: Look, told: bool, wrong: bool, hollow: bool) -> dict[str, Any]:
    """How a bar is drawn: coloured where its label is named, hatched where that is wrong."""
    if not told:
        return {"color": PALE}
    if wrong or hollow:
        return {"fc": "white", "ec": look.colour, "hatch": "/////" if wrong else "", "lw": 1}
    return {"color": look.colour}


def _cut(ax: Axes, threshold: float) -> None:
    ax.axvline(threshold, color="black", ls=(0, (4, 2)), lw=1.3, zorder=4)


def _measured(ax: Axes, curves: Curves, threshold: float, named: bool) -> None:
    """What was measured at the thresholds that the line has passed on its way down."""
    places = np.asarray(curves[0], dtype=float)
    passed = places >= threshold - 1e-9
    styles = looks(curves[1])
    for name, values in curves[1].items():
        same_length(thresholds=places, **{name: values})
        look, way = styles[name], np.asarray(values, dtype=float)[passed]
        ax.plot(places[passed], way, color=look.colour, ls=look.line, label=name)
        if len(way):
            ax.plot(places[passed][:1], way[:1], look.marker, color=look.colour, ms=6)
    _cut(ax, threshold)
    ax.set(xlim=(0, 1), ylim=(0, 1.04), xlabel="threshold, over all pictures")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    if named:
        paper: Any = {"frameon": True, "framealpha": 1, "edgecolor": "none"}
        ax.legend(loc="lower right", labelspacing=0.1, borderaxespad=0.1, **paper).set_zorder(5)


def film_lists(
    axes: Any, lists: Mapping[str, tuple[Sequence[str], Sequence[bool]]], *, wide: int = 34
) -> None:
    """Lists of titles beside each other; those that are true have a tick and are dark.

    Args:
        axes: one for each list.
        lists: name → titles, the best first, and whether each is right.
        wide: letters of a title that are shown.

    Raises:
        ArgumentError: there is not one axis for each list, or not one truth for each title.
    """
    each = np.atleast_1d(np.asarray(axes, dtype=object)).ravel()
    same_length(axes=each, lists=lists)
    tick = dark(MEANING["sigmoid"].colour)
    for ax, (name, (titles, right)) in zip(each, lists.items(), strict=True):
        same_length(titles=titles, right=right)
        for row, (title, yes) in enumerate(zip(titles, right, strict=True)):
            told = textwrap.shorten(title, wide, placeholder=" …")
            if yes:
                ax.text(0, row, "✓", va="center", fontsize=SMALL + 1, color=tick)
            ink = "black" if yes else "0.42"
            ax.text(0.1, row, told, va="center", fontsize=SMALL, color=ink)
        ax.set(xlim=(0, 1), ylim=(len(titles) - 0.4, -0.6))
        ax.set_axis_off()
        ax.set_title(f"{name}: {sum(map(bool, right))} of {len(titles)}", loc="left")

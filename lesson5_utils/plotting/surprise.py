"""What a forecast costs: −ln p with what was said on it, the lowest point of an expected loss,
and loss curves beside what their nets say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.labels import halo, reference
from lesson5_utils.plotting.lines import curves
from lesson5_utils.plotting.style import BLACK, COLOURS, SMALL, Values, dark, looks, same_length

__all__ = ["clinic", "lowest", "surprise"]

SAYS, RIGHT = COLOURS[1], "0.6"


def surprise(
    ax: Axes,
    said: Mapping[str, float] | None = None,
    *,
    crowd: Values | None = None,
    dear: float = 0.01,
    top: float | None = None,
    sheet: bool = False,
) -> None:
    """The curve −ln p over the probability p given to what came, and forecasts on it.

    Args:
        said: name → p above 0, each a named dot.
        crowd: many p, [n], each a faint dot; a dashed line is at their mean loss.
        dear: dots of the crowd below this p are marked, and it is said how many they are and
            what share of all losses is theirs.
        top: the highest loss in the picture.
        sheet: a second scale on the right, of the logarithm with base 10.

    Raises:
        ArgumentError: a p that is not above 0 and at most 1.
    """
    named = {} if said is None else dict(said)
    many = np.asarray([] if crowd is None else crowd, dtype=float)
    everyone = np.concatenate([many, np.asarray(list(named.values()), dtype=float)])
    if not ((everyone > 0) & (everyone <= 1)).all():
        raise ArgumentError("each p must be above 0 and at most 1: −ln 0 is infinite")
    highest = float(-np.log(everyone.min())) if len(everyone) else 4.0
    top = 1.12 * max(highest, 4.0) if top is None else top
    p = np.concatenate([np.geomspace(np.exp(-top), 0.02, 200), np.linspace(0.02, 1, 200)])
    ax.plot(p, -np.log(p), color=BLACK, lw=1.2, zorder=2)
    if len(many):
        _crowd(ax, many, dear)
    for name, share in named.items():
        at, left = (share, float(-np.log(share))), share > 0.8
        ax.plot(*([value] for value in at), "o", color=COLOURS[1], mec="black", ms=7, zorder=4)
        style: dict[str, Any] = {"fontsize": SMALL, "zorder": 5, "ha": "left", "xytext": (8, 2)}
        style |= {"ha": "right", "xytext": (0, 6)} if left else {}
        ax.annotate(name, at, textcoords="offset points", **style)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.03 * top, top))
    ax.set(xlabel="probability p given to what came", ylabel="loss −ln p")
    if sheet:
        ten = np.log(10)
        there_and_back: Any = (lambda y: y / ten, lambda y: y * ten)
        right = ax.secondary_yaxis("right", functions=there_and_back)
        right.set_ylabel("the sheet's −log10 p")


def _crowd(ax: Axes, p: np.ndarray, dear: float) -> None:
    """Many forecasts on the curve, the dear ones marked; their mean, and who pays it."""
    loss, few = -np.log(p), p < dear
    ax.plot(p[~few], loss[~few], "o", color=COLOURS[0], ms=4, alpha=0.2, mew=0, zorder=3)
    ax.plot(p[few], loss[few], "D", color=COLOURS[1], ms=5, alpha=0.45, mew=0, zorder=3)
    ax.axhline(loss.mean(), color="0.45", ls=(0, (4, 2)), lw=1, zorder=1)
    told = f"dashed: the mean, {loss.mean():.2f}"
    if few.any():
        share, part = few.mean(), loss[few].sum() / loss.sum()
        told = (
            f"diamonds: under {100 * dear:g} % for the truth\n"
            f"{100 * share:.1f} % of all, and {100 * part:.0f} % of the loss\n\n{told}"
        )
    ax.text(0.97, 0.95, told, transform=ax.transAxes, ha="right", va="top", fontsize=SMALL)


def lowest(
    ax: Axes,
    x: Values,
    lines: Mapping[str, Values],
    *,
    xlabel: str = "",
    ylabel: str = "",
    top: float | None = None,
    arch: Values | None = None,
) -> None:
    """Lines with a star at the lowest point of each; several have their names there.

    Args:
        lines: name → values, as many as x has; infinite ones are left out.
        top: where the picture is cut off.
        arch: values over x of a dotted line through the stars.
    """
    shown = {
        name: np.where(np.isfinite(y), y, np.nan)
        for name, y in ((name, np.asarray(y, dtype=float)) for name, y in lines.items())
    }
    extra = {} if arch is None else {"arch": arch}
    same_length(x=x, **shown, **extra)
    curves(ax, x, shown, xlabel=xlabel, ylabel=ylabel, named=False)
    if arch is not None:
        ax.plot(x, arch, color="0.3", ls=":", lw=1.5, zorder=3)
    at = np.asarray(x, dtype=float)
    for name, look in looks(lines).items():
        star = float(at[np.nanargmin(shown[name])]), float(np.nanmin(shown[name]))
        ax.plot(
            *([value] for value in star), "*", color=look.colour, mec="black", ms=13, zorder=4
        )
        if len(lines) > 1:
            style: dict[str, Any] = {"color": dark(look.colour), "path_effects": halo()}
            style |= {"fontsize": SMALL, "ha": "center", "va": "top", "zorder": 5}
            ax.annotate(name, star, (0, -9), textcoords="offset points", **style)
    ax.set_ylim(0, top)


def clinic(
    axes: Any,
    losses: Mapping[str, Mapping[str, Values]],
    claims: Mapping[str, tuple[float, float] | None],
    *,
    guessing: float,
) -> None:
    """For each patient, a column: its loss curves, and below what it says of itself.

    Args:
        axes: [2, n].
        losses: patient → name of a training → loss of each batch; where one ends with a number
            that is not finite, a cross stands at its last finite one.
        claims: patient → how sure it says it is on average, and the share of right answers;
            None where there is no forecast.
        guessing: the loss of a net that knows nothing, a dashed line.

    Raises:
        ArgumentError: what is given does not fit together.
    """
    grid = np.asarray(axes, dtype=object)
    if grid.shape != (2, len(losses)) or list(losses) != list(claims):
        raise ArgumentError(
            f"{len(losses)} patients need axes [2, {len(losses)}] and a claim each, not "
            f"{list(grid.shape)} and {len(claims)}"
        )
    for place, (who, lines) in enumerate(losses.items()):
        _course(grid[0, place], lines, guessing)
        grid[0, place].set_ylabel("" if place else "loss")
        grid[0, place].set_title(who)
        _claim(grid[1, place], claims[who])


def _course(ax: Axes, lines: Mapping[str, Values], guessing: float) -> None:
    """The loss curves of one patient."""
    for label, look in looks(lines).items():
        loss = np.asarray(lines[label], dtype=float)
        fine = np.isfinite(loss)
        steps = np.arange(1, len(loss) + 1)
        ax.plot(steps[fine], loss[fine], color=look.colour, ls=look.line, lw=1.3, label=label)
        if not fine.all():
            end = steps[fine][-1], loss[fine][-1]
            ax.plot(*([value] for value in end), "x", color=BLACK, ms=8, mew=2, zorder=4)
            style: dict[str, Any] = {"fontsize": SMALL, "path_effects": halo(), "zorder": 5}
            ax.annotate("nan", end, (6, 4), textcoords="offset points", **style)
    reference(ax, y=guessing)
    ax.set(xlabel="batch", ylim=(0, 1.15 * guessing))
    if len(lines) > 1:
        ax.legend(loc="upper right", bbox_to_anchor=(1.0, 0.88), handlelength=1.8)


def _claim(ax: Axes, claim: tuple[float, float] | None) -> None:
    """How sure, and how often right, as two bars."""
    ax.set(xlim=(0, 1.45), ylim=(1.6, -0.6), xticks=[], yticks=[])
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    if claim is None:
        ax.text(0, 0.5, "no forecast: nan", va="center", fontsize=SMALL)
        return
    for row, (word, share) in enumerate(zip(("says", "right"), claim, strict=True)):
        ax.barh(row, share, 0.7, color=SAYS if row == 0 else RIGHT)
        ink = dark(SAYS) if row == 0 else "0.2"
        told = f"{word} {share:.0%}".replace("%", " %")
        ax.text(share + 0.03, row, told, va="center", fontsize=SMALL, color=ink)

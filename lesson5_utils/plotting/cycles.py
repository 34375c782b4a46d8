"""Schedules: what each reaches at which rate, how it runs, and what a cycle's divisors set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MultipleLocator, NullLocator

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.lines import bands
from lesson5_utils.plotting.names import name_points
from lesson5_utils.plotting.style import MEANING, SMALL, Values, dark, looks, same_length

__all__ = ["divisors", "rate_race", "strips", "trade_off"]


def rate_race(
    ax: Axes,
    rates: Values,
    groups: Mapping[str, np.ndarray],
    *,
    suggestions: Mapping[str, float] | None = None,
    sketch: Mapping[str, Mapping[float, float]] | None = None,
    runs: Mapping[str, Mapping[float, float]] | None = None,
    ylim: tuple[float, float] = (0.74, 0.97),
) -> None:
    """The share of right answers against the highest rate of the training, a line with
    whiskers for each schedule; without any, the frame alone.

    Args:
        rates: [n], on a log axis; each is named.
        groups: schedule → shares [seeds, n], from 0 to 1.
        suggestions: name → rate, a dashed line each.
        sketch: schedule → rate → share: guesses, as hollow marks joined by a pale line.
        runs: schedule → rate → share: single trainings, as crosses.
        ylim: the lowest and highest share in sight.
    """
    rates = np.asarray(rates, dtype=float)
    if groups:
        bands(ax, rates, groups, log_x=True)
    else:
        ax.set_xscale("log")
    guessed = {name: way for name, way in (sketch or {}).items() if way}
    for name, way in guessed.items():
        look = MEANING.get(name.replace("-", " ")) or looks([name])[name]
        style: dict[str, Any] = {"color": look.colour, "marker": look.marker}
        places = sorted(way)
        heights = [way[rate] for rate in places]
        ax.plot(places, heights, **style, ls=":", lw=1, ms=8, mfc="white", mew=1.2, zorder=1)
        if not groups:
            where = (places[-1], float(np.clip(heights[-1], *ylim)))
            _beside(ax, name, where, dark(look.colour))
    for name, found in (runs or {}).items():
        look = MEANING.get(name.replace("-", " ")) or looks([name])[name]
        at = list(found), list(found.values())
        ax.plot(*at, "x", color=dark(look.colour), ms=9, mew=2, zorder=5)
    _suggest(ax, suggestions or {}, ylim[0])
    ax.set(xlabel="highest learning rate", ylabel="read right (zoomed)", ylim=ylim)
    ax.set_xlim(rates[0] / 1.25, rates[-1] * 1.25)
    ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_locator(MultipleLocator(0.04))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))


def _suggest(ax: Axes, suggestions: Mapping[str, float], bottom: float) -> None:
    """Dashed lines with names at their feet, in steps, so that near ones do not meet."""
    for step, name in enumerate(sorted(suggestions, key=lambda one: suggestions[one])):
        ax.axvline(suggestions[name], color="0.45", ls=(0, (4, 2)), lw=1, zorder=0)
        where = (suggestions[name], bottom)
        _beside(ax, name, where, "0.3", lift=6 + 13 * (len(suggestions) - 1 - step))


def _beside(
    ax: Axes, name: str, where: tuple[float, float], colour: Any, lift: float = 0
) -> None:
    offset: Any = {"textcoords": "offset points", "va": "bottom" if lift else "center"}
    ax.annotate(name, where, (6, lift), **offset, fontsize=SMALL, color=colour)


def strips(ax: Axes, plans: Mapping[str, Values], *, xlabel: str = "step") -> None:
    """Schedules one below another, each a strip as high as its highest rate.

    Args:
        plans: name → the rate at every step; all of one length, none below 0.

    Raises:
        ArgumentError: they have different lengths, or a rate is negative or always 0.
    """
    same_length(**{name: list(values) for name, values in plans.items()})
    for row, (name, look) in enumerate(looks(plans).items()):
        rates = np.asarray(plans[name], dtype=float)
        if rates.min() < 0 or rates.max() <= 0:
            raise ArgumentError(f"strips: the rates of {name!r} must not be negative or all 0")
        height = 0.78 * rates / rates.max()
        base = len(plans) - 1 - row
        steps = np.arange(len(rates))
        ax.fill_between(steps, base, base + height, color=look.colour, alpha=0.25, lw=0)
        ax.plot(steps, base + height, color=look.colour, lw=1.6)
        ax.axhline(base, color="0.75", lw=0.8, zorder=0)
    middles = [len(plans) - 1 - row + 0.39 for row in range(len(plans))]
    ax.set_yticks(middles, list(plans))
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set(
        xlabel=xlabel, ylim=(-0.06, len(plans)), xlim=(0, len(next(iter(plans.values()))) - 1)
    )


def divisors(ax: Axes, rates: Values, *, xlabel: str = "step") -> None:
    """One cycle on a log axis, with its start, top and end, and what divides them."""
    rates = np.asarray(rates, dtype=float)
    steps, top = len(rates) - 1, int(rates.argmax())
    look = MEANING["one cycle"]
    ax.plot(range(len(rates)), rates, color=look.colour, ls="-")
    ax.set(yscale="log", xlabel=xlabel, ylabel="learning rate")
    named = {"start": (0, rates[0]), "max_lr": (top, rates[top]), "end": (steps, rates[-1])}
    for name, (place, rate) in named.items():
        ax.plot([place, 1.08 * steps], [rate, rate], color="0.8", lw=0.8, zorder=0)
        ax.plot([place], [rate], "o", color=look.colour, ms=5)
        ax.annotate(
            f"{name}\n{rate:.0e}" if name != "max_lr" else f"{name} {rate:g}",
            (place, rate),
            {"start": (6, -6), "max_lr": (0, 6), "end": (-8, 2)}[name],
            textcoords="offset points",
            ha={"start": "left", "max_lr": "center", "end": "right"}[name],
            va={"start": "top", "max_lr": "bottom", "end": "center"}[name],
            fontsize=SMALL,
        )
    for above, below, name in (
        (rates[top], rates[0], "div_factor"),
        (rates[0], rates[-1], "final_div_factor"),
    ):
        arrow = {"arrowstyle": "<->", "color": "0.35", "lw": 1, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (1.06 * steps, below), (1.06 * steps, above), arrowprops=arrow)
        middle = float(np.sqrt(above * below))
        _beside(ax, f"{name}: ÷ {above / below:,.0f}", (1.07 * steps, middle), "0.2")
    ax.set_xlim(-0.02 * steps, 1.5 * steps)
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= steps])
    ax.set_ylim(rates.min() / 3, rates.max() * 6)


def trade_off(
    ax: Axes,
    groups: Mapping[str, tuple[Values, Values]],
    *,
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """One number against another: each group's mean as a mark with its name, and one standard
    error of the mean to each side as whiskers.

    Args:
        groups: name → (x, y), of one length each.
    """
    means, whiskers = [], []
    for name, look in looks(groups).items():
        x, y = (np.asarray(values, dtype=float) for values in groups[name])
        same_length(x=x, y=y)
        mean = np.array([x.mean(), y.mean()])
        error = [v.std(ddof=1) / np.sqrt(len(v)) if len(v) > 1 else 0.0 for v in (x, y)]
        style: dict[str, Any] = {"color": look.colour, "marker": look.marker, "ls": ""}
        ax.errorbar(mean[0], mean[1], yerr=error[1], xerr=error[0], **style, ms=8, lw=1.2)
        means.append(mean)
        for side in np.linspace(-1, 1, 15):
            whiskers += [
                mean + side * np.array([error[0], 0]),
                mean + side * np.array([0, error[1]]),
            ]
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.margins(0.14)
    name_points(ax, np.asarray(means), list(groups), [np.asarray(whiskers)])

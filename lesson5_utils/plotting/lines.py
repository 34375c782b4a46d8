"""Lines: over steps, over a knob, over a landscape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.labels import label_axis, name_lines
from lesson5_utils.plotting.style import COLOURS, MARKERS, Values, looks, same_length

__all__ = ["bands", "curves", "fitted", "histograms", "paths", "range_test", "reliability"]


def curves(
    ax: Axes,
    x: Values | Sequence[str] | None,
    lines: Mapping[str, Values],
    *,
    xlabel: str = "",
    ylabel: str = "",
    log_x: bool = False,
    log_y: bool = False,
    markers: bool = False,
    named: bool = True,
    zoom: bool | None = None,
) -> None:
    """Lines over a common x (None: 1, 2, 3 …), each with its own colour and style.

    Args:
        lines: name → values, as many as x has; a name of `MEANING` has its own look.
        markers: mark each point.
        named: write the names; False where the axes beside these do.
        zoom: True: the y-axis is cut, and its label says so; False: zero is in sight.

    Raises:
        ArgumentError: a line and x have different lengths.
    """
    for label, y in lines.items():
        if x is not None:
            same_length(x=x, **{label: y})
    styles = looks(lines)
    for label, y in lines.items():
        look = styles[label]
        places = range(1, len(y) + 1) if x is None else x
        marker = look.marker if markers else None
        ax.plot(places, y, color=look.colour, ls=look.line, marker=marker, label=label)
    if log_x:
        ax.set_xscale("log")
    if log_x and markers and x is not None and len(x) <= 8:  # few points: name each
        ax.set_xticks(list(x), [f"{value:g}" for value in x])
        ax.minorticks_off()
    if log_y:
        ax.set_yscale("log")
    ax.set_xlabel(xlabel)
    label_axis(ax, "y", ylabel, zoom)
    if named:
        name_lines(ax, styles)


def bands(
    ax: Axes,
    x: Values,
    groups: Mapping[str, np.ndarray],
    *,
    xlabel: str = "",
    ylabel: str = "",
    log_x: bool = False,
    named: bool = True,
    zoom: bool | None = None,
) -> None:
    """The mean of several runs over x as a line with markers, and lowest to highest.

    One or two groups have bands; more would melt into one colour, and have whiskers, each
    group a little beside the last. Each group is an array [runs, len(x)]; NaN is left out.
    """
    means = {label: np.mean(runs, axis=0) for label, runs in groups.items()}
    styles, before = looks(groups), len(ax.lines)
    curves(ax, x, means, xlabel=xlabel, ylabel=ylabel, log_x=log_x, markers=True, named=False)
    for place, (label, runs) in enumerate(groups.items()):
        colour = styles[label].colour
        low, high = np.min(runs, axis=0), np.max(runs, axis=0)
        if len(groups) <= 2:
            ax.fill_between(x, low, high, color=colour, alpha=0.18, lw=0)
        else:
            aside = 4 * (place - (len(groups) - 1) / 2) / 72  # inches
            moved = ax.transData + ScaledTranslation(aside, 0, ax.figure.dpi_scale_trans)
            ax.lines[before + place].set_transform(moved)
            ax.vlines(x, low, high, color=colour, lw=1.3, alpha=0.7, transform=moved)
            # Moved by a transform of their own, they do not count for the axes by themselves.
            ax.update_datalim([*zip(x, low, strict=True), *zip(x, high, strict=True)])
            ax.margins(x=0.1)
    label_axis(ax, "y", ylabel, zoom)
    if named:
        name_lines(ax, styles)


def fitted(
    ax: Axes,
    points: tuple[Values, Values],
    x: Values,
    lines: Mapping[str, Values],
    *,
    title: str = "",
    ylim: tuple[float, float] | None = None,
    named: bool = True,
) -> None:
    """Points (x, y) as dots, and the curves that a model draws through them; `ylim` cuts
    them off."""
    same_length(**{"points' x": points[0], "points' y": points[1]})
    ax.plot(*points, "o", color="0.3", ms=4, alpha=0.7)
    curves(ax, x, lines, xlabel="x", ylabel="y", named=named)
    ax.set_title(title)
    ax.set_ylim(ylim)


def range_test(ax: Axes, lr: Values, loss: Values, suggestions: Mapping[str, float]) -> None:
    """The loss while the learning rate grows, with each suggestion marked."""
    same_length(lr=lr, loss=loss)
    ax.plot(lr, loss, color=COLOURS[0])
    for place, (name, rate) in enumerate(suggestions.items()):
        height = np.interp(np.log(rate), np.log(lr), loss)
        ax.plot(
            [rate],
            [height],
            MARKERS[place % len(MARKERS)],
            mec=COLOURS[1 + place % 4],
            mfc="none",
            mew=2,
            ms=8 + 3 * place,  # so that one that lies on another shows
            ls="",
            label=f"{name}: {rate:.2g}",
        )
    ax.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss")
    ax.legend(loc="best")


def reliability(ax: Axes, groups: Mapping[str, tuple[Values, ...]]) -> None:
    """The share of right answers over the confidence of each bin; calibrated is the diagonal.

    Each group is (mean confidence, share right), both [bins], or these two and the number of
    answers; the whiskers are then one standard error long, which is what luck makes.
    """
    names = ("confidence", "right", "answers")
    for columns in groups.values():
        same_length(**dict(zip(names, columns, strict=False)))
    ax.plot([0, 1], [0, 1], color="0.45", ls="--", lw=1)
    styles = looks(groups)
    for label, (x, y, *counted) in groups.items():
        look = styles[label]
        (line,) = ax.plot(
            x, y, color=look.colour, ls=look.line, marker=look.marker, label=label
        )
        line.set_clip_on(False)  # a point at 1 is whole
        for n in counted:
            share, many = np.asarray(y, dtype=float), np.asarray(n, dtype=float)
            luck = np.sqrt((share * (1 - share) / many).clip(min=0))
            ax.vlines(x, share - luck, share + luck, color=look.colour, lw=1.2, alpha=0.7)
    ax.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    name_lines(ax, styles)


def histograms(
    ax: Axes,
    groups: Mapping[str, Values],
    bins: Values,
    *,
    xlabel: str = "",
    ylabel: str = "share",
    named: bool = True,
) -> None:
    """The share of each group's values in each bin, as outlines."""
    for label, look in looks(groups).items():
        share, edges = np.histogram(groups[label], bins)
        ax.stairs(
            share / max(len(groups[label]), 1),
            edges,
            color=look.colour,
            ls=look.line,
            lw=1.5,
            label=label,
        )
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if named and len(groups) > 1:
        ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))


def paths(
    ax: Axes,
    x: Values,
    y: Values,
    height: np.ndarray,
    lines: Mapping[str, np.ndarray],
    *,
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """Ways [n, 2] over a landscape, `height` [len(y), len(x)], shown as contours of its log.

    A star marks the lowest point of the landscape. A way over another is thinner, so that
    both are seen. Ways that end together have a legend, since names there would hide them.
    """
    if np.shape(height) != (len(y), len(x)):
        raise ArgumentError(
            f"height must have the shape (len(y), len(x)) = ({len(y)}, {len(x)}), "
            f"not {np.shape(height)}"
        )
    ax.contour(x, y, np.log10(height), levels=12, colors="0.7", linewidths=0.6)
    row, col = (int(place) for place in np.unravel_index(np.argmin(height), height.shape))
    ax.plot([x[col]], [y[row]], "*", mec="black", mfc="none", ms=15, zorder=4)
    styles = looks(lines)
    for place, (label, way) in enumerate(lines.items()):
        look, under = styles[label], len(lines) - 1 - place
        ax.plot(
            *np.asarray(way).T,
            color=look.colour,
            ls="-" if under else look.line,
            marker=look.marker,
            ms=3.5 + under,
            markevery=max(1, len(way) // 12),
            lw=1.3 + under,
            label=label,
        )
    ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ends = [np.asarray(way)[-1] / (np.ptp(x), np.ptp(y)) for way in lines.values() if len(way)]
    if any(np.hypot(*(one - other)) < 0.1 for one, other in combinations(ends, 2)):
        ax.legend(loc="best", frameon=True, framealpha=0.9, edgecolor="none")
    else:
        name_lines(ax, styles)

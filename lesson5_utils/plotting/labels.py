"""Names at the ends of lines, reference lines, axis labels: what is written in a picture.

Where a name fits is only known once all is drawn, so `figure` calls `settle` at its end.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib import patheffects, ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.style import SMALL, Look, dark

__all__ = ["halo", "label_axis", "name_lines", "reference", "settle", "spread_out"]

END = "line-end"  # marks the names that `settle` may move
GAP = 2.0  # pixels between two of them
WIDE = 18  # letters in a line of a name
AT_ENDS = 4  # more lines than this have a legend


def label_axis(ax: Axes, which: str, label: str, zoom: bool | None) -> None:
    """Label the x- or y-axis; `zoom` True says that it is cut, False keeps zero in sight."""
    ax.set(**{f"{which}label": f"{label} (zoomed)".strip() if zoom else label})
    if zoom is False:
        low, high = getattr(ax, f"get_{which}lim")()
        getattr(ax, f"set_{which}lim")(min(low, 0), max(high, 0))


def reference(
    ax: Axes, label: str = "", *, x: float | None = None, y: float | None = None
) -> None:
    """A thin dashed grey line across the picture at `x` or at `y`, with its name.

    Raises:
        ArgumentError: neither or both of `x` and `y` are given.
    """
    if (x is None) == (y is None):
        raise ArgumentError("a reference line needs x or y, one of them: reference(ax, y=0)")
    style: dict[str, Any] = {"color": "0.45", "ls": (0, (4, 2)), "lw": 1, "zorder": 1}
    if y is not None:
        ax.axhline(y, **style)
        low, high = ax.get_ylim()
        if not low <= y <= high:  # limits that were set before
            ax.set_ylim(min(low, y), max(high, y + 0.05 * (y - low)))
        _end_label(ax, (1, y), label, "0.3", ax.get_yaxis_transform())
    elif x is not None:
        ax.axvline(x, **style)
        ax.annotate(
            label,
            (x, 1),
            (3, -2),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            va="top",
            fontsize=SMALL,
            color="0.3",
            path_effects=halo(),
        )


def name_lines(ax: Axes, styles: Mapping[str, Look]) -> None:
    """Name the lines of `ax` that have these labels: one not at all, up to four where they
    end, more in a legend beside the axes."""
    lines = [line for line in ax.lines if line.get_label() in styles]
    if len(lines) > AT_ENDS:
        ax.legend(handles=lines, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    elif len(lines) > 1:
        for line in lines:
            way = np.asarray(line.get_xydata(), dtype=float)
            way = way[np.isfinite(way).all(axis=1)]
            if len(way):
                end = (float(way[-1, 0]), float(way[-1, 1]))
                name, colour = str(line.get_label()), dark(line.get_color())
                _end_label(ax, end, name, colour, line.get_transform())


def _end_label(
    ax: Axes, end: tuple[float, float], label: str, colour: Any, coords: Any
) -> None:
    if label:
        made = ax.annotate(
            _folded(label),
            end,
            (8, 0),
            xycoords=coords,
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=colour,
            linespacing=1.0,
            annotation_clip=False,
            path_effects=halo(),
            arrowprops={
                "arrowstyle": "-",
                "color": colour,
                "lw": 0.7,
                "relpos": (0, 0.5),
                "shrinkA": 0,
                "shrinkB": 2,
            },
        )
        made.set_gid(END)
        _arrow(made).set_visible(False)


def _folded(label: str) -> str:
    """A long name in lines of nearly the same length, so that no word is left alone."""

    def rows(wide: int) -> list[str]:
        return textwrap.wrap(label, wide, break_long_words=False)

    fewest = len(rows(WIDE))
    narrow = next(wide for wide in range(1, WIDE + 1) if len(rows(wide)) <= fewest)
    return "\n".join(rows(narrow))


def _box(name: Annotation) -> Bbox:
    """Of the text alone; an annotation's own extent has its thin line in it."""
    return Text.get_window_extent(name)


def _arrow(name: Annotation) -> Any:
    """The thin line from a name to the end of its line."""
    return name.arrow_patch


def halo() -> list[Any]:
    """A white rim, so that a name over a line can be read."""
    return [patheffects.withStroke(linewidth=2.5, foreground="white")]


def settle(made: Figure) -> None:
    """Lay the figure out, name the ticks of log axes, and move names apart that overlap."""
    for ax in made.axes:
        for axis, log in ((ax.xaxis, ax.get_xscale()), (ax.yaxis, ax.get_yscale())):
            if log == "log" and not isinstance(axis.get_major_locator(), ticker.FixedLocator):
                _name_log_ticks(axis)
    names = {ax: [text for text in ax.texts if text.get_gid() == END] for ax in made.axes}
    if not any(names.values()):
        return
    for _ in range(3):  # what is moved changes the room that the axes have
        made.draw_without_rendering()
        for ax, texts in names.items():
            for group in _neighbours([text for text in texts if isinstance(text, Annotation)]):
                _move_apart(ax, group)


def _name_log_ticks(axis: Any) -> None:
    """Plain numbers unless some are very small or large; on an axis of few decades also at 2
    and 5 times a power of ten."""
    low, high = axis.get_view_interval()
    short = low >= 5e-4 and high <= 1e5

    def plain(value: float, _: int | None = None) -> str:
        return f"{value:g}" if short else f"$10^{{{round(np.log10(value))}}}$"

    axis.set_major_formatter(ticker.FuncFormatter(plain))
    few = short and high / low < 300
    axis.set_minor_locator(ticker.LogLocator(subs=(2, 5) if few else (2, 4, 6, 8), numticks=50))
    axis.set_minor_formatter(ticker.FuncFormatter(plain) if few else ticker.NullFormatter())


def _neighbours(names: list[Annotation]) -> list[list[Annotation]]:
    """The names in groups of which each stands above or below another of its group."""
    groups: list[list[Annotation]] = []
    reach = -np.inf
    for name in sorted(names, key=lambda one: _box(one).x0):
        box = _box(name)
        if not groups or box.x0 > reach:
            groups.append([])
            reach = -np.inf
        groups[-1].append(name)
        reach = max(reach, box.x1)
    return groups


def _move_apart(ax: Axes, names: list[Annotation]) -> None:
    """Move names up or down, as little as will do, and within the height of the axes."""
    boxes = [_box(name) for name in names]
    bottom, top = ax.get_window_extent().intervaly
    wanted = [min(max((box.y0 + box.y1) / 2, bottom), top) for box in boxes]
    placed = spread_out(wanted, [box.height + GAP for box in boxes], bottom, top)
    point = ax.figure.dpi / 72
    ends = [
        box.x0 - name.get_position()[0] * point for name, box in zip(names, boxes, strict=True)
    ]
    heights = [
        name.get_position()[1] + (new - (box.y0 + box.y1) / 2) / point
        for name, box, new in zip(names, boxes, placed, strict=True)
    ]
    room = 16 if any(abs(height) > 2 for height in heights) else 8  # for the thin lines
    for name, end, height in zip(names, ends, heights, strict=True):
        flush = max(ends) - end  # names of lines that end nearly together begin together
        name.set_position((room + (flush / point if flush < 40 else 0), height))
        _arrow(name).set_visible(abs(height) > 2)


def spread_out(
    wanted: Sequence[float], sizes: Sequence[float], low: float, high: float
) -> list[float]:
    """Middles of intervals of these sizes that do not overlap, near the wanted ones.

    They keep their order, and stay between `low` and `high` if they fit there. (Least
    squares under an order: the pool-adjacent-violators algorithm of isotonic regression.)
    """
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    steps = np.cumsum([0.0, *((sizes[a] + sizes[b]) / 2 for a, b in pairwise(order))])
    pools: list[tuple[float, int]] = []  # mean, how many
    for at, step in zip(order, steps, strict=False):
        mean, many = wanted[at] - step, 1
        while pools and pools[-1][0] > mean:
            other, more = pools.pop()
            mean, many = (mean * many + other * more) / (many + more), many + more
        pools.append((mean, many))
    means = [mean for mean, many in pools for _ in range(many)]
    placed = [0.0] * len(wanted)
    for at, step, mean in zip(order, steps, means, strict=False):
        most = high - (steps[-1] - step)
        placed[at] = float(max(min(mean + step, most), low + step))
    return placed

"""Films: what is believed of them against their mean rating, their map, a list for a viewer."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lesson5_utils.plotting.names import name_points
from lesson5_utils.plotting.style import COLOURS, MARKERS, MEANING, SMALL, Values, same_length

__all__ = ["film_map", "judged", "offers"]

PLAIN = "0.55"  # the colour of a film about which nothing is said
Marked = Mapping[str, Collection[int]]


def judged(
    ax: Axes,
    mean: Values,
    score: Values,
    *,
    ylabel: str,
    marked: Marked | None = None,
    names: Mapping[int, str] | None = None,
    quality: Values | None = None,
    log_y: bool = False,
    named: bool = True,
) -> None:
    """What is believed of each film against its mean rating.

    Args:
        mean, score: of every film, [n].
        marked: group → rows of its films; each has a marker of its own, and a legend.
        names: row → the name that stands beside its point.
        quality: what is true, [n]: the better, the larger and the lighter the point.
        named: label the x-axis and show the legend; False where the axes beside these do.

    Raises:
        ArgumentError: the three have different lengths.
    """
    values = mean if quality is None else quality
    same_length(mean=mean, score=score, quality=values)
    places = np.stack([np.asarray(mean, dtype=float), np.asarray(score, dtype=float)], axis=1)
    truth = None if quality is None else np.asarray(quality, dtype=float)
    marked, names = marked or {}, names or {}
    if log_y:
        ax.set_yscale("log")
    inside = {row for rows in marked.values() for row in rows}
    rest = [row for row in range(len(places)) if row not in inside]
    _films(ax, places, rest, truth, "o", PLAIN, 0.55)
    keys = []
    for place, (group, rows) in enumerate(marked.items()):
        look = MEANING.get(group)
        marker = look.marker if look else MARKERS[place + 1]
        colour = look.colour if look else COLOURS[place]
        _films(ax, places, list(rows), truth, marker, colour, 1)
        face = "white" if truth is not None else colour
        keys.append(Line2D([], [], ls="", marker=marker, mfc=face, mec=colour, label=group))
    ax.set(xlabel="mean rating", ylabel=ylabel)
    ax.margins(0.08, 0.12)
    if keys and named:
        ax.legend(handles=keys, loc="upper left", handletextpad=0.2)
    if names:
        at = list(names)
        name_points(ax, places[at], list(names.values()), [np.delete(places, at, axis=0)])


def _films(
    ax: Axes,
    places: np.ndarray,
    rows: list[int],
    truth: np.ndarray | None,
    marker: str,
    colour: object,
    alpha: float,
) -> None:
    """Points of one marker; with a truth, coloured and sized by it."""
    if truth is None:
        size = 20.0 if marker == "o" else 46.0
        ax.scatter(
            places[rows, 0],
            places[rows, 1],
            s=size,
            marker=marker,
            color=colour,
            alpha=alpha,
            lw=0,
        )
        return
    share = (truth - truth.min()) / max(float(np.ptp(truth)), 1e-12)
    ax.scatter(
        places[rows, 0],
        places[rows, 1],
        s=(8 + 62 * share[rows] ** 1.5) * (1 if marker == "o" else 1.7),
        marker=marker,
        c=truth[rows],
        vmin=float(truth.min()),
        vmax=float(truth.max()),
        cmap="viridis",
        edgecolor="0.3" if marker == "o" else colour,
        lw=0.4 if marker == "o" else 1.4,
    )


def film_map(
    ax: Axes,
    places: np.ndarray,
    year: Values,
    kinds: Marked,
    names: Mapping[int, str],
    you: Values | None = None,
) -> None:
    """Films on two components: the lighter, the newer; the marker says the genre.

    Args:
        places: [n, 2].
        year: of each film, [n].
        kinds: genre → rows of its films; the others are small dots.
        names: row → the name that stands beside its point.
        you: the direction [2] in which a viewer's taste lies, drawn as an arrow from the
            middle with a star at its end, as long as there is room.

    Raises:
        ArgumentError: there is not one year for each film.
    """
    same_length(places=places, year=year)
    places, year = np.asarray(places, dtype=float), np.asarray(year, dtype=float)
    inside = {row for rows in kinds.values() for row in rows}
    groups = [("o", 14, [row for row in range(len(places)) if row not in inside])]
    groups += [(mark, 42, list(rows)) for mark, rows in zip("^s", kinds.values(), strict=False)]
    scale: Any = {"vmin": year.min(), "vmax": year.max(), "cmap": "viridis"}
    for mark, size, rows in groups:
        edge: Any = {"lw": 0} if mark == "o" else {"lw": 0.5, "ec": "0.3"}
        x, y = places[rows].T
        drawn = ax.scatter(x, y, s=size, c=year[rows], marker=mark, **edge, **scale)
    keys = [
        Line2D([], [], ls="", marker=mark, mfc="0.7", mec="0.3", label=kind)
        for mark, kind in zip("^s", kinds, strict=False)
    ]
    ax.set(xlabel="component 1", ylabel="component 2")
    ax.margins(0.1)
    others = [np.delete(places, list(names), axis=0)]
    if you is not None:
        way = np.asarray(you, dtype=float)
        star = way * 0.9 * np.abs(places).max() / max(float(np.linalg.norm(way)), 1e-12)
        ax.plot([0, star[0]], [0, star[1]], color="black", lw=1.2)
        keys += ax.plot(*star, "*", ms=17, mfc=COLOURS[1], mec="black", label="you", ls="")
        others.append(star[None])
    place: Any = {"loc": "upper left", "bbox_to_anchor": (0, 1.09), "ncols": 3}
    ax.legend(handles=keys, handletextpad=0.3, **place)
    bar = ax.figure.colorbar(drawn, ax=ax, shrink=0.6, pad=0.02)
    bar.set_label("year", fontsize=SMALL)
    bar.outline.set_visible(False)
    if names:
        name_points(ax, places[list(names)], list(names.values()), others)


def offers(
    ax: Axes, titles: Sequence[str], stars: Values, new: Collection[str] = (), title: str = ""
) -> None:
    """A list of films for somebody, the best on top: a bar as long as the predicted rating;
    films that were not on the list before are hatched and say so.

    Raises:
        ArgumentError: there is not one rating for each title.
    """
    same_length(titles=titles, stars=stars)
    for row, (name, value) in enumerate(zip(titles, stars, strict=True)):
        fresh = name in new
        face, edge = (*COLOURS[0], 0.08 if fresh else 0.35), (*COLOURS[0], 0.35)
        ax.barh(row, value, 0.74, color=face, hatch="///" if fresh else None, ec=edge)
        told = textwrap.shorten(name, 34, placeholder=" …")
        ax.text(0.08, row, f"{told} (new)" if fresh else told, va="center", fontsize=SMALL)
    ax.set(xlabel="predicted rating", xlim=(0, 5.5), ylim=(len(titles) - 0.4, -0.6), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.set_title(title, loc="left")

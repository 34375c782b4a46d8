"""The house style: sizes, palette, and what each thing of the course looks like.

Nothing here changes matplotlib's own settings: `figure` applies `HOUSE` while it draws.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import seaborn as sns
from matplotlib.colors import to_rgb

from lesson5_utils.errors import ArgumentError

__all__ = [
    "COLOURS",
    "HOUSE",
    "LINES",
    "MARKERS",
    "MEANING",
    "SMALL",
    "Look",
    "Values",
    "looks",
]

Values = Sequence[float] | np.ndarray
Dashes = str | tuple[float, tuple[float, ...]]
Colour = tuple[float, float, float]

COLOURS: list[Colour] = list(sns.color_palette("colorblind"))
BLUE, ORANGE, GREEN, RED, PINK, BROWN, _, GREY, _, SKY = COLOURS
BLACK: Colour = (0.1, 0.1, 0.1)
LINES: list[Dashes] = [
    "-",
    (0, (5, 1.5)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (1, 1)),
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (8, 3)),
]
MARKERS = ["o", "s", "^", "D", "v", "P"]

SMALL = 9  # pt, the smallest text as shown
HOUSE: Any = {
    "axes.edgecolor": "0.35",
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.unicode_minus": True,
    "figure.constrained_layout.w_pad": 0.09,  # inches: names at line ends are no row names
    "figure.dpi": 96,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.7,
    "lines.markersize": 5,
    "xtick.color": "0.35",
    "xtick.labelcolor": "0.1",
    "xtick.labelsize": SMALL,
    "ytick.color": "0.35",
    "ytick.labelcolor": "0.1",
    "ytick.labelsize": SMALL,
}


class Look(NamedTuple):
    """How one series is drawn; no two series of a picture share colour and line."""

    colour: Colour
    line: Dashes
    marker: str


def _look(colour: Colour, place: int) -> Look:
    return Look(colour, LINES[place], MARKERS[place])


# The same thing looks the same in the whole course. Things of different kinds share colours,
# since they never meet in one picture.
MEANING: dict[str, Look] = {
    # which part of the data
    "train": _look(BLUE, 0),
    "valid": _look(ORANGE, 1),
    # what is to be found, and a model's answer
    "truth": _look(BLACK, 0),
    "the curve": _look(BLACK, 0),
    "fit": _look(RED, 1),
    # optimizers
    "sgd": _look(BLUE, 0),
    "momentum": _look(SKY, 2),
    "rmsprop": _look(GREEN, 4),
    "adam": _look(RED, 1),
    "adamw": _look(PINK, 5),
    # schedules
    "constant": _look(BLUE, 0),
    "constant, long": _look(SKY, 5),
    "step": _look(BROWN, 3),
    "rise only": _look(GREEN, 2),
    "fall only": _look(PINK, 4),
    "annealed": _look(ORANGE, 1),
    "one cycle": _look(RED, 1),
    # losses, and what is done to the outputs before them
    "cross entropy": _look(BLUE, 0),
    "softmax": _look(ORANGE, 2),
    "sigmoid": _look(GREEN, 0),
    "softmax twice": _look(RED, 1),
    "mse": _look(GREEN, 2),
    # how well labels are named
    "precision": _look(BLUE, 1),
    "recall": _look(ORANGE, 3),
    "f1": _look(BLACK, 0),
    # a net on a new task
    "scratch": _look(GREY, 1),
    "frozen": _look(BLUE, 0),
    "flat": _look(GREEN, 2),
    "discriminative": _look(RED, 4),
    "recipe": _look(PINK, 5),
    "random body": _look(SKY, 2),
    "logistic regression": _look(ORANGE, 3),
    "1 nn": _look(BROWN, 4),
    # films: who sees them, and where they move when taste is taken out
    "the suspect": _look(ORANGE, 2),
    "cult": _look(ORANGE, 2),
    "falls": _look(ORANGE, 2),
    "everybody": _look(BLUE, 1),
    "rises": _look(BLUE, 1),
    # a curve as it came, and smoothed
    "each batch": _look(SKY, 0),
    "smoothed": _look(BLACK, 1),
}
# For what has no meaning, in order; without yellow, too pale on white. The two lists have
# lengths with the common multiple 24, so that each pair comes once in 48.
_FREE = [BLUE, ORANGE, GREEN, RED, PINK, BROWN, GREY, SKY]
_ORDER = [_look(_FREE[k % 8], (k + k // 24) % 6) for k in range(48)]


def meaning(label: str) -> str | None:
    """The longest name in MEANING that stands in `label` as words of their own, if any.

    "step" must stand alone: "step 50" is no schedule.
    """
    words = label.lower().replace("-", " ")
    found = [
        name
        for name in MEANING
        if words == name or (name != "step" and re.search(rf"(?<!\w){name}(?!\w)", words))
    ]
    return max(found, key=len, default=None)


def looks(labels: Iterable[str]) -> dict[str, Look]:
    """A look for each label, in which no pair of colour and line comes twice.

    A label that names something in MEANING has that colour, and that line unless another
    label of the same meaning has it. The others take what is free, in order.
    """
    labels = list(labels)
    roles = {label: meaning(label) for label in labels}
    taken = {MEANING[role].line for role in roles.values() if role}
    chosen: dict[str, Look] = {}
    owner: dict[Colour, str] = {}  # which meaning a colour stands for here
    for label, role in roles.items():
        if role and owner.setdefault(MEANING[role].colour, role) == role:
            look = _another(MEANING[role], list(chosen.values()), taken)
            chosen |= {label: look} if look else {}
    for label in labels:
        if label not in chosen:
            chosen[label] = _free(chosen)
    return {label: chosen[label] for label in labels}


def _another(look: Look, used: list[Look], taken: set[Dashes]) -> Look | None:
    """`look`, or if it is used the same colour with another line, if possible one that no
    other meaning has here; None if all its lines are used."""
    lines = {other.line for other in used if other.colour == look.colour}
    if look.line not in lines:
        return look
    avoid = taken | {other.line for other in used}
    free = [place for place, line in enumerate(LINES) if line not in avoid]
    free += [place for place, line in enumerate(LINES) if line not in lines]
    return _look(look.colour, free[0]) if free else None


def _free(chosen: dict[str, Look]) -> Look:
    """The next look of which neither colour nor line is used; failing that, not both.

    Raises:
        ArgumentError: all are used.
    """
    used = list(chosen.values())
    colours, lines = {look.colour for look in used}, {look.line for look in used}
    pairs = {(look.colour, look.line) for look in used}
    fresh = [look for look in _ORDER if (look.colour, look.line) not in pairs]
    if not fresh:
        raise ArgumentError(f"{len(used) + 1} series in one picture cannot be told apart")
    return min(fresh, key=lambda look: (look.colour in colours, look.line in lines))


def luminance(colour: Any) -> float:
    """Relative luminance, 0 to 1, as WCAG 2 defines it."""
    parts = np.asarray(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def ink(paper: Any) -> str:
    """Black or white, whichever is easier to read on `paper`."""
    return "white" if luminance(paper) < 0.179 else "black"


def dark(colour: Any) -> Colour:
    """`colour`, darkened until it can be read as text on white (contrast 4.5)."""
    red, green, blue = to_rgb(colour)
    while 1.05 / (luminance((red, green, blue)) + 0.05) < 4.5:
        red, green, blue = 0.9 * red, 0.9 * green, 0.9 * blue
    return red, green, blue


def same_length(**named: Any) -> None:
    """Refuse arguments of different lengths, in one sentence that says all of them.

    Raises:
        ArgumentError: `x, y and labels must be equally long, not 2, 2 and 1`.
    """
    lengths = [len(values) for values in named.values()]
    if len(set(lengths)) > 1:
        *names, last_name = named
        *sizes, last_size = map(str, lengths)
        raise ArgumentError(
            f"{', '.join(names)} and {last_name} must be equally long, "
            f"not {', '.join(sizes)} and {last_size}"
        )

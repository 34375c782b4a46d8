"""`moving`: a picture that moves when it is asked to, and its still twin.

The player is one piece of HTML with all its frames inside, about as large as four or five
still figures. Where scripts do not run (an untrusted notebook, GitHub, paper), the last frame
and the still twin below it remain.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from html import escape
from importlib.resources import files
from typing import Any, TypeVar

import numpy as np
from IPython.display import display

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.figures import (
    CSS,
    WIDEST,
    check_words,
    figure,
    make,
    png,
    show_caption,
)
from lesson5_utils.plotting.labels import settle

__all__ = ["moving"]

Frame = TypeVar("Frame")
COLOURS = 64  # of a frame
TITLE = 0.28  # inches, that of a still frame
HEAVIEST = 600_000  # bytes of the whole player


def moving(
    draw: Callable[[Any, Frame], object],
    frames: Sequence[Frame],
    alt: str,
    caption: str | None = None,
    *,
    name: Callable[[Frame], str] = str,
    width: float = 6.4,
    height: float = 3.6,
    seconds: float = 0.15,
    still: int = 4,
    stacked: bool = False,
    still_height: float = 2.3,
) -> None:
    """Show a moving picture with its controls, below it a few of its frames as a still
    figure, and the caption.

    It starts at its last frame and does not move until it is asked to: with play, pause, one
    frame back or on, or its slider (Tab, Enter, arrows, Home and End). Where the system asks
    for less motion, Play moves one frame.

    Args:
        draw: draws one frame on an axis, `draw(ax, frame)`. It should set the limits of the
            axes, so that they stand still.
        frames: what is handed to `draw`, such as the numbers of steps.
        alt: says what is drawn and how it changes.
        caption: tells or asks what to look at.
        name: what a frame is called, such as `"step {}".format`.
        width, height: inches, of the moving picture.
        seconds: for which a frame is shown.
        still: how many frames the still twin has.
        stacked: its frames stand one below the other, each as large as the moving picture;
            else in one row.
        still_height: inches, of the still twin.

    Raises:
        ArgumentError: fewer than two frames, no alt text, or frames of more than 600 kB.
    """
    check_words(alt, caption)
    seconds = arguments.number("seconds", seconds, least=0.04, most=10)
    still = arguments.whole("still", still, least=2, most=6)
    if len(frames) < 2:
        raise ArgumentError(f"a moving picture needs two frames or more, not {len(frames)}")
    pictures = []
    for frame in frames:
        with make(width, height) as (made, ax):
            draw(ax, frame)
            settle(made)
            pictures.append({"name": name(frame), "src": _address(png(made, CSS, COLOURS))})
    html = player(pictures, alt, seconds, round(width * CSS), round(height * CSS))
    if len(html) > HEAVIEST:
        raise ArgumentError(
            f"the frames take {len(html) / 1000:.0f} kB, and {HEAVIEST / 1000:.0f} are the "
            "most: draw fewer, smaller or simpler ones"
        )
    display({"text/html": html, "text/plain": "<moving figure>"}, raw=True)
    chosen = np.linspace(0, len(frames) - 1, min(still, len(frames))).round().astype(int)
    told = f"The same in {len(chosen)} still pictures. {alt}"
    layout: dict[str, Any] = {"width": WIDEST, "height": still_height, "sharey": True}
    if stacked:
        layout = {"width": width, "height": len(chosen) * (height + TITLE), "sharex": True}
    layout["rows" if stacked else "cols"] = len(chosen)
    with figure(told, **layout) as axes:
        for ax, at in zip(axes, chosen.tolist(), strict=True):
            draw(ax, frames[at])
            ax.set_title(name(frames[at]))
            ax.label_outer()
    if caption is not None:
        show_caption(caption)


def player(
    pictures: Sequence[dict[str, str]], alt: str, seconds: float, width: int, height: int
) -> str:
    """The HTML of a moving picture; `pictures` have a name and a src."""
    script = files("lesson5_utils.plotting").joinpath("player.js").read_text("utf-8")
    inside = json.dumps(pictures, ensure_ascii=False).replace("<", "\\u003c")
    return (
        '<div class="lesson5-moving">'
        f'<img src="{pictures[-1]["src"]}" alt="{escape(alt)}" width="{width}"'
        f' height="{height}" style="max-width: 100%; height: auto">'
        f'<script type="application/json">{inside}</script>'
        f"<script>{script.replace('SECONDS', f'{seconds:g}')}</script></div>"
    )


def _address(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode("ascii")

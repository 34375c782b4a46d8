"""What is dragged, drawn on or filled in. Each shows the same picture as a still figure does.

The arithmetic stands in Python, in methods that tests call without a browser; the scripts
beside the modules draw, and listen to mouse, fingers and keys. None asks another host.

A part is imported when one of its names is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesson5_utils.widgets.graph import NetGraph
    from lesson5_utils.widgets.net import SmallNet
    from lesson5_utils.widgets.pad import DrawingPad
    from lesson5_utils.widgets.rate import RateFilms
    from lesson5_utils.widgets.scores import ScoreSliders

PARTS = {  # name: the module in which it stands
    "DrawingPad": "pad",
    "NetGraph": "graph",
    "RateFilms": "rate",
    "ScoreSliders": "scores",
    "SmallNet": "net",
}
__all__ = [
    "DrawingPad",
    "NetGraph",
    "RateFilms",
    "ScoreSliders",
    "SmallNet",
]


def __getattr__(name: str) -> object:
    if name in PARTS:
        return getattr(import_module(f"{__name__}.{PARTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

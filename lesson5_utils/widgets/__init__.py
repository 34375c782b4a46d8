"""What is dragged, drawn on or clicked; each thing has a still twin in `plotting`.

    graph   a small net: numbers flow forward through it, blame flows back

A part is imported when one of its names is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesson5_utils.widgets.graph import NetGraph
    from lesson5_utils.widgets.net import SmallNet

# One line for each name: which module has it.
_WHERE = {
    "NetGraph": "graph",
    "SmallNet": "net",
}

__all__ = [
    "NetGraph",
    "SmallNet",
]


def __getattr__(name: str) -> object:
    if name in _WHERE:
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

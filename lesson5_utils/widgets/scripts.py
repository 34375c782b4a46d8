"""The scripts and styles that stand beside the modules, as anywidget takes them."""

from __future__ import annotations

from importlib.resources import files

__all__ = ["script", "style"]


def script(name: str) -> str:
    """The script of a widget, behind what they share."""
    return _text("common.js") + "\n" + _text(name)


def style(name: str) -> str:
    """The style of a widget."""
    return _text(name)


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")

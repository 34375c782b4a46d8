"""A breakpoint that is hit in a notebook, with nobody there to type."""

from __future__ import annotations

import io
import pdb
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

__all__ = ["typed"]


@contextmanager
def typed(*commands: str) -> Iterator[None]:
    """The first `breakpoint()` inside finds these commands of the debugger already typed; then
    the program goes on, and stops no more. Without this, it waits for you to type.

    Args:
        commands: such as "p user.shape".
    """
    before, debugger = sys.breakpointhook, _Typed(commands)

    def stop(*_: Any, **__: Any) -> None:
        if debugger.waits:
            debugger.waits = False
            debugger.set_trace(sys._getframe(1))

    sys.breakpointhook = stop
    try:
        yield
    finally:
        sys.breakpointhook = before


class _Typed(pdb.Pdb):
    """Reads from a list; writes what was typed beside the prompt, and no file's path."""

    def __init__(self, commands: tuple[str, ...]) -> None:
        keys = io.StringIO("".join(f"{one}\n" for one in (*commands, "continue")))
        super().__init__(stdin=keys, stdout=sys.stdout, nosigint=True, readrc=False)
        self.prompt = "(Pdb) "  # a notebook's kernel has another
        self.waits = True

    def print_stack_entry(
        self, frame_lineno: tuple[FrameType, int], prompt_prefix: str = ""
    ) -> None:
        self.message(f"stopped in {frame_lineno[0].f_code.co_name}")

    def onecmd(self, line: str) -> bool:
        self.message(line)
        return bool(super().onecmd(line))

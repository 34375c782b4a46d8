"""A program in a terminal of its own, and what a person then sees on its screen."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte


class Terminal:
    """Starts `command`; `until` and `end` read what it shows, as a terminal would."""

    def __init__(
        self, command: list[str], folder: Path, env: dict[str, str], columns: int = 80
    ) -> None:
        self.screen = pyte.Screen(columns, 40)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.side, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.program = subprocess.Popen(
            command,
            cwd=folder,
            env={**env, "TERM": "xterm-256color"},
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # Ctrl-C reaches it
        )
        os.close(inside)

    def press(self, keys: bytes) -> None:
        os.write(self.side, keys)

    def until(self, seen: Callable[[], bool], seconds: float = 60) -> None:
        ends = time.monotonic() + seconds
        while not seen():
            assert self._read() and time.monotonic() < ends, self.lines()

    def end(self, seconds: float = 60) -> int:
        """Read to the end; returns the exit code."""
        ends = time.monotonic() + seconds
        while self._read():
            assert time.monotonic() < ends, self.lines()
        os.close(self.side)
        return self.program.wait(5)

    def lines(self) -> list[str]:
        """The lines of the screen that show something."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def _read(self) -> bool:
        """Take in what came within a moment; False once nobody writes any more."""
        if select.select([self.side], [], [], 0.05)[0]:
            try:
                some = os.read(self.side, 65536)
            except OSError:  # Linux's way to say so
                return False
            self.raw += some
            self.stream.feed(some)
            return bool(some)
        return True

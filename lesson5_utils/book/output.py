"""The output area of a slider, as nbclient imitates it; it does not speak to the kernel.

Whatever such an area shows, nbclient would report to the kernel, on the socket on which it
waits for the kernel's reply. jupyter_client sends past pyzmq's asyncio wrapper, and to send is
also to take in what has just arrived: a reply that comes at that moment lies in the socket, and
the wrapper, which is told of *new* arrivals only, never looks (libzmq's manual says so under
ZMQ_FD). Then the run waits for ever: with two busy cores, at one slider in twenty. No cell asks
the kernel what an area shows, so nothing is lost by silence.
"""

from __future__ import annotations

from typing import Any

from nbclient import NotebookClient
from nbclient.output_widget import OutputWidget

__all__ = ["Client", "SilentOutput"]


class SilentOutput(OutputWidget):
    """Keeps what it is given to show, and sends nothing."""

    def send(self, *args: Any, **keys: Any) -> None:
        """Do not."""


class Client(NotebookClient):
    """nbclient's, with this kind of output areas."""

    def __init__(self, *args: Any, **keys: Any) -> None:
        super().__init__(*args, **keys)
        self.widget_registry["@jupyter-widgets/output"]["OutputModel"] = SilentOutput

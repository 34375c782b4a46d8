"""A reply that arrives while an output area speaks to the kernel is heard."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
import zmq
import zmq.asyncio
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.session import Session
from nbclient.output_widget import OutputWidget
from nbformat.v4 import new_code_cell, new_notebook

from lesson5_utils.book.output import Client, SilentOutput


class Channel(AsyncZMQSocketChannel):
    """Sends past pyzmq's wrapper, as jupyter_client does; but one frame, to which libzmq never
    answers anything that would wake the waiting one by chance, as it mostly does."""

    def send(self, msg: Any) -> None:
        zmq.Socket.shadow(self.socket.underlying).send(b"")


async def heard(area: type[OutputWidget]) -> bool:
    """A reply is awaited; it arrives, and before anybody looks the area sends a message."""
    session = Session(key=b"")
    client = zmq.asyncio.Context.instance().socket(zmq.DEALER)
    kernel = zmq.Context.instance().socket(zmq.DEALER)
    try:
        kernel.connect(f"tcp://127.0.0.1:{client.bind_to_random_port('tcp://127.0.0.1')}")
        channel = Channel(client, session)
        client_of_kernel: Any = SimpleNamespace(session=session, shell_channel=channel)
        one = area("comm", {"outputs": []}, client_of_kernel, None)
        one.parent_header = {}
        waiting = asyncio.create_task(channel.get_msg())
        await asyncio.sleep(0.1)
        session.send(kernel, "execute_reply")
        time.sleep(0.2)  # the reply is here, and the loop had no time to look
        one.sync_state()
        done, _ = await asyncio.wait([waiting], timeout=0.5)
        waiting.cancel()
        return bool(done)
    finally:
        client.close(linger=0)
        kernel.close(linger=0)


def test_the_reply_is_heard() -> None:
    assert asyncio.run(heard(SilentOutput))


def test_nbclients_own_area_does_not_hear_it() -> None:
    """When this fails, pyzmq has mended it, and `SilentOutput` may go."""
    assert not asyncio.run(heard(OutputWidget))


def test_the_runners_client_makes_such_areas() -> None:
    registry = Client(new_notebook()).widget_registry
    assert registry == {"@jupyter-widgets/output": {"OutputModel": SilentOutput}}


@pytest.mark.slow
def test_a_hundred_sliders_run_through() -> None:
    first = "from ipywidgets import interact\ndef show(a):\n    for _ in range(3): print(a)"
    cells = [new_code_cell(first)] + [
        new_code_cell(f"interact(show, a={i})") for i in range(100)
    ]
    Client(new_notebook(cells=cells), timeout=60).execute()
    assert all(cell.execution_count for cell in cells)

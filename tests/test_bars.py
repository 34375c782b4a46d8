"""Progress bars that leave nothing behind, in a notebook and in a terminal."""

from __future__ import annotations

import os

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from small_course import ROOT, cell

from lesson5_utils.bars import bar

FITS = """
from lesson5_utils.bars import bar
for name in "abc":
    counted = bar(10, shown=True)
    counted.set_postfix_str(f"fit {name}")
    for _ in range(10):
        counted.update()
    if name == "b":
        print("between")
    counted.close()
"""
UNDER_WAY = """
under_way = bar(2, shown=True)
_ = under_way.update(), under_way.refresh()
"""


@pytest.fixture(scope="module")
def ran() -> NotebookNode:
    """The saved file of a notebook of three cells, each with bars."""
    cells = [cell("fits", FITS), cell("again", FITS), cell("under-way", UNDER_WAY)]
    made = new_notebook(cells=cells)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    client = NotebookClient(made, kernel_name="python3")
    client.execute(env=os.environ | {"PYTHONPATH": path})
    return made


def test_many_bars_in_a_cell_leave_one_empty_output(ran: NotebookNode) -> None:
    for one in ran.cells[:2]:
        empty, printed = one.outputs
        assert empty.output_type == "display_data"
        assert empty.data == {"text/html": "", "text/plain": ""}, "no widget, and no height"
        assert (printed.name, printed.text) == ("stdout", "between\n"), "nor any red line"


def test_a_bar_is_seen_while_it_counts(ran: NotebookNode) -> None:
    (shown,) = ran.cells[2].outputs
    assert list(shown.data) == ["text/plain"]
    text = shown.data["text/plain"]
    assert text.startswith("50%|█████     | 1/2 [") and "\r" not in text


def test_in_a_terminal_a_bar_is_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    counted = bar(3, shown=True)
    counted.update(3)
    counted.close()
    told = capsys.readouterr()
    assert "0/3" in told.err and told.err.endswith("\r") and told.out == ""


def test_a_bar_that_is_not_shown_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    counted = bar(3, shown=False)
    counted.update(3)
    counted.close()
    assert capsys.readouterr() == ("", "")

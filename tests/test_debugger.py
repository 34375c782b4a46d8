"""book/debugger.py: a breakpoint that finds its commands typed."""

from __future__ import annotations

import sys

import pytest

from lesson5_utils.book import typed


def double(x: int) -> int:
    breakpoint()
    return 2 * x


def test_a_breakpoint_answers_what_was_typed_and_the_program_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, tracing = sys.breakpointhook, sys.gettrace()
    with typed("p x + 1", "p type(x).__name__"):
        assert double(4) == 8
        assert double(5) == 10  # it stops no more
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "stopped in double",
        "(Pdb) p x + 1",
        "5",
        "(Pdb) p type(x).__name__",
        "'int'",
        "(Pdb) continue",
    ]
    assert sys.breakpointhook is before and sys.gettrace() is tracing


def test_an_error_inside_leaves_the_hook_as_it_was() -> None:
    before = sys.breakpointhook
    with pytest.raises(ZeroDivisionError), typed("p 1"):
        _ = 1 / 0
    assert sys.breakpointhook is before

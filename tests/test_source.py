"""book/source.py: code of the package as a notebook shows it."""

from __future__ import annotations

import pytest

from lesson5_utils.book import source


def documented(x: int) -> int:
    """Gone.

    All of it.
    """

    return x + 1  # """stays"""


class Documented:
    """Gone."""

    size = 3

    def method(self) -> None:
        """Only this."""

    def other(self) -> str:
        return """not a docstring"""


def test_source_leaves_out_docstrings_and_nothing_else() -> None:
    assert source.source(documented) == (
        'def documented(x: int) -> int:\n    return x + 1  # """stays"""'
    )
    assert source.source(Documented) == (
        "class Documented:\n    size = 3\n\n    def method(self) -> None:\n        ...\n\n"
        '    def other(self) -> str:\n        return """not a docstring"""'
    )


def test_show_source_gives_readers_markdown_and_nbval_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    source.show_source(documented, documented)
    code = source.source(documented)
    twice = f"{code}\n\n\n{code}"
    assert shown == [{"text/plain": twice, "text/markdown": f"```python\n{twice}\n```"}]

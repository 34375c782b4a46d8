"""The book: the list of lessons, running them, their pages, and the learner's copies.

It reads the notebooks and knows nothing of the net. What notebooks themselves use is
`show_source` and `typed`; everything else is for the command line and the tests.
"""

from __future__ import annotations

from lesson5_utils.book.debugger import typed
from lesson5_utils.book.source import show_source

__all__ = ["show_source", "typed"]

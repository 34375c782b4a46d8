"""Code of the package, shown in a notebook instead of being written there a second time."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

__all__ = ["show_source", "source"]


def show_source(*objects: Any) -> None:
    """Show the source of functions or classes of the package, highlighted, as a cell's output.

    Docstrings are left out, since the notebook around it has just explained the code.
    """
    from IPython.display import display

    code = "\n\n\n".join(source(thing) for thing in objects)
    bundle = {"text/markdown": f"```python\n{code}\n```", "text/plain": code}
    display(bundle, raw=True)


def source(thing: Any) -> str:
    """The source of a function or class, without its docstrings."""
    code = textwrap.dedent(inspect.getsource(thing)).rstrip()
    lines = code.splitlines()
    documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [node for node in ast.walk(ast.parse(code)) if isinstance(node, documented)]
    for node in sorted(nodes, key=lambda node: node.lineno, reverse=True):
        first = node.body[0]
        has_one = ast.get_docstring(node, clean=False) is not None
        if not has_one or first.lineno == node.lineno or first.end_lineno is None:
            continue
        if len(node.body) == 1:
            lines[first.lineno - 1 : first.end_lineno] = [" " * first.col_offset + "..."]
        else:  # with the blank line below it, where there is one
            end = first.end_lineno
            end += end < len(lines) and not lines[end].strip()
            del lines[first.lineno - 1 : end]
    return "\n".join(lines)

"""What the scripts here share: their tables, and the makers of simulated data."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from numbers import Integral, Real
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parent
Row = dict[str, Any]


def write(name: str, rows: Iterable[Row], **part: str) -> None:
    """Write the table `name`.csv beside the scripts, for `datasets.measured`; tell each row.

    Numbers keep six digits. A keyword is a column that all rows have, in front of the others:
    rows of the file with another value there stay, to the letter.

    >>> write("likes", measured_likes(), data="mnist")  # doctest: +SKIP
    """
    path, new = HERE / f"{name}.csv", []
    for row in rows:
        new.append({key: _text(value) for key, value in (part | row).items()})
        print(f"{name}:", *new[-1].values(), flush=True)
    table = pd.DataFrame(new)
    if part and path.is_file():
        before = pd.read_csv(path, dtype=str, keep_default_na=False)
        others = (before[list(part)] != pd.Series(part)).any(axis=1)
        table = pd.concat([before[others], table])
    table.to_csv(path, index=False, lineterminator="\n")


def _text(value: Any) -> str:
    if value is None or value != value:
        return ""
    plain = isinstance(value, Integral | str) or not isinstance(value, Real)
    return str(value) if plain else f"{float(value):.6g}"


def maker(name: str) -> ModuleType:
    """A script of data/, such as "make_sales", as a module."""
    spec = importlib.util.spec_from_file_location(name, HERE.parent / "data" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

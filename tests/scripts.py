"""Scripts of data/ and benchmarks/, which are no package, as modules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


def script(path: str) -> ModuleType:
    """A script of the project by its path, such as "data/make_sales.py"."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / Path(path).parent)  # as Python does for a script
        spec.loader.exec_module(module)
    return module

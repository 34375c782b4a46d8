"""From a name to tensors: bundled samples that need no network, and the real data sets.

    registry  the catalogue; finds a file here or downloads it, and verifies it
    ratings   who rated what
    sales     what bakeries sold
    digits    handwritten digits
    tables    the capitals of Brazil; tables that benchmarks/ measured
    viewer    the few films that the learner has rated
    drawings  digits drawn with a pen

A part is imported when one of its names is first asked for, so that a command that only
lists or fetches data does not wait for torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lesson5_utils.datasets.registry import DataSet, catalogue, fetch

if TYPE_CHECKING:
    from lesson5_utils.datasets.digits import Digits, load_digits
    from lesson5_utils.datasets.drawings import Drawings, load_drawings
    from lesson5_utils.datasets.ratings import (
        Ratings,
        Truth,
        expected_rating,
        latent_score,
        load_ratings,
    )
    from lesson5_utils.datasets.sales import (
        Sales,
        SalesTruth,
        expected_log_sales,
        load_sales,
    )
    from lesson5_utils.datasets.tables import Capitals, load_capitals, measured
    from lesson5_utils.datasets.viewer import Viewer, films_to_rate, load_viewer, save_viewer

__all__ = [
    "Capitals",
    "DataSet",
    "Digits",
    "Drawings",
    "Ratings",
    "Sales",
    "SalesTruth",
    "Truth",
    "Viewer",
    "catalogue",
    "expected_log_sales",
    "expected_rating",
    "fetch",
    "films_to_rate",
    "latent_score",
    "load_capitals",
    "load_digits",
    "load_drawings",
    "load_ratings",
    "load_sales",
    "load_viewer",
    "measured",
    "save_viewer",
]


PARTS = ("ratings", "sales", "digits", "tables", "viewer", "drawings")


def __getattr__(name: str) -> object:
    for part in PARTS if name in __all__ else ():
        module = import_module(f"{__name__}.{part}")
        if name in module.__all__:
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

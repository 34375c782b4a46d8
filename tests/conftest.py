"""What all tests share: no windows, no settings from the shell, the same examples each time."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import hypothesis
import matplotlib
import pytest
import torch

if TYPE_CHECKING:
    from lesson5_utils.datasets import Ratings

# Not through MPLBACKEND: the kernels that nbval starts would inherit it and draw nothing.
matplotlib.use("Agg")

# One thread: beside another busy process, two threads that wait for each other at every
# small step take thirty times as long. Through torch, so that notebooks keep their setting.
torch.set_num_threads(1)

# Nobody's own ratings: also for fixtures of a module, and for the kernels that tests start.
os.environ["LESSON5_WORK_DIR"] = ""

hypothesis.settings.register_profile("course", deadline=None, derandomize=True)
hypothesis.settings.load_profile("course")


@pytest.fixture(autouse=True)
def course_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test says itself which data and device it wants, whatever the shell has set."""
    for name in ("LESSON5_RATINGS", "LESSON5_DIGITS", "LESSON5_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LESSON5_PROGRESS", "0")


def real_data_wanted() -> bool:
    """There is a folder with copies, or somebody said that downloads may be used."""
    downloads = os.environ.get("LESSON5_REAL_DATA", "0") not in ("", "0")
    return downloads or bool(os.environ.get("LESSON5_DATA_DIR"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if real_data_wanted():
        return
    reason = (
        "needs the real data: set LESSON5_DATA_DIR to a folder with copies, or "
        "LESSON5_REAL_DATA=1 to use downloads"
    )
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def sample() -> Ratings:
    """The bundled ratings, read once. Do not change them."""
    from lesson5_utils import datasets

    return datasets.load_ratings("sample")

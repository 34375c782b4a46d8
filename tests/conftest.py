"""What all tests share: no windows, no settings from the shell, the same examples each time."""

from __future__ import annotations

import os

import hypothesis
import matplotlib
import pytest

# Not through MPLBACKEND: the kernels that nbval starts would inherit it and draw nothing.
matplotlib.use("Agg")

hypothesis.settings.register_profile("course", deadline=None, derandomize=True)
hypothesis.settings.load_profile("course")


@pytest.fixture(autouse=True)
def course_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test says itself which data and device it wants, whatever the shell has set."""
    for name in ("LESSON5_RATINGS", "LESSON5_DIGITS", "LESSON5_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LESSON5_PROGRESS", "0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("LESSON5_DATA_DIR"):
        return
    reason = "needs local copies of the real data: set LESSON5_DATA_DIR to their folder"
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason=reason))

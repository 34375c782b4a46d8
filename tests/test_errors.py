"""Each error is one of the course's, one of Python's own kinds, and one clear sentence."""

from __future__ import annotations

import pytest

from lesson5_utils.errors import (
    ArgumentError,
    DataError,
    Lesson5Error,
    TrainingDiverged,
    unknown,
)


@pytest.mark.parametrize(
    ("kind", "python_kind"),
    [(DataError, Exception), (ArgumentError, ValueError), (TrainingDiverged, ArithmeticError)],
)
def test_each_kind_is_caught_as_ours_and_as_pythons(
    kind: type[Exception], python_kind: type[Exception]
) -> None:
    with pytest.raises(Lesson5Error, match="why"):
        raise kind("why")
    with pytest.raises(python_kind, match="why"):
        raise kind("why")


def test_a_divergence_carries_its_history() -> None:
    assert TrainingDiverged("why", [1.0]).history == [1.0]
    assert TrainingDiverged("why").history is None


def test_an_unknown_name_is_answered_with_the_known_ones_and_the_nearest() -> None:
    told = unknown("data set", "ml100k", ["sample", "ml-100k"])
    assert told == (
        "unknown data set 'ml100k': choose from 'sample', 'ml-100k' (did you mean 'ml-100k'?)"
    )


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert "did you mean" not in unknown("data set", "zzz", ["sample", "ml-100k"])


def test_a_long_list_is_cut_and_counted() -> None:
    told = unknown("user id", -5, range(100, 900))
    assert "119, … (800 in all)" in told and "120" not in told

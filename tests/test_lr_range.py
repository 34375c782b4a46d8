"""Three ways to read a range test, on curves made by hand."""

from __future__ import annotations

import pytest

from lesson5_utils.errors import TrainingDiverged
from lesson5_utils.lr_range import RangeTest, _valley, smooth, suggestions


def test_suggestions_on_a_curve_made_by_hand() -> None:
    rates = [10.0**k for k in range(-7, 3)]
    losses = [5.0, 5.0, 4.9, 4.5, 3.0, 2.5, 2.2, 2.1, 4.0, 9.0]
    found = suggestions(rates, losses)
    assert found["minimum / 10"] == pytest.approx(rates[7] / 10)
    assert found["steepest"] == rates[4]  # central differences: 4.5 → 2.5


def test_the_valley_is_the_middle_of_the_longest_fall() -> None:
    # the longest fall: 9 8 7 6 5 4 3 (a bump of 20 and a dip to 1 do not belong to it)
    assert _valley([9, 8, 20, 7, 6, 1, 5, 4, 3, 30]) == 4
    assert _valley([3, 2, 1]) == 1
    assert _valley([1, 2, 3]) == 0


def test_smoothing_starts_without_a_delay() -> None:
    assert smooth([3, 3, 3]) == pytest.approx([3, 3, 3])
    assert smooth([0, 1], beta=0.5) == pytest.approx([0, 2 / 3])


def test_noise_in_the_first_tenth_is_skipped() -> None:
    rates = [10.0**k for k in range(-20, 0)]
    losses = [0.1, 9.0, 8.0, 8.0, 8.0, 8.0, 8.0, 7.9, 7.5, 6.0, *[5.0] * 5, 4.0, *[6.0] * 4]
    found = suggestions(rates, losses)
    assert found["minimum / 10"] == pytest.approx(rates[15] / 10), "not the 0.1 of the start"
    assert found["steepest"] == rates[9]


def test_beyond_the_lowest_loss_nothing_is_advised() -> None:
    rates = [10.0**k for k in range(-10, 0)]
    losses = [5.0, 5.0, 5.0, 4.5, 2.0, 1.0, 9.0, 30.0, 20.0, 2.0]  # falls fastest at the end
    found = suggestions(rates, losses)
    assert found["steepest"] == rates[4] and found["minimum / 10"] == pytest.approx(
        rates[5] / 10
    )


def test_fewer_than_five_batches_are_not_enough() -> None:
    assert len(suggestions([1, 2, 3, 4, 5], [5.0, 4.0, 3.0, 2.0, 1.0])) == 3
    with pytest.raises(TrainingDiverged, match="lower start_lr"):
        suggestions([1, 2, 3, 4], [4.0, 3.0, 2.0, 1.0])


def test_a_range_test_shows_its_suggestions_to_two_digits() -> None:
    shown = repr(RangeTest([], [], {"steepest": 0.012345, "valley": 1e-3}))
    assert shown == "steepest: 1.2e-02, valley: 1.0e-03"


def test_the_valley_reaches_back_to_the_first_loss_and_steps_on_falls_only() -> None:
    assert _valley([4, 3, 2, 1]) == 1
    assert _valley([5, 5, 5, 4, 3, 3]) == 3  # 5 4 3: equal losses are no fall

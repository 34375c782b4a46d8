"""The confusion matrix of the digits."""

from __future__ import annotations

import numpy as np
import pytest

from lesson5_utils import interpret
from lesson5_utils.errors import ArgumentError


def test_confusion_counts_rows_by_truth_and_columns_by_answer() -> None:
    table = interpret.confusion(np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 0, 2]), 3)
    assert table.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


def test_confusion_agrees_with_scikit_learn() -> None:
    from sklearn.metrics import confusion_matrix

    actual, predicted = np.random.default_rng(0).integers(0, 10, (2, 300))
    expected = confusion_matrix(actual, predicted, labels=range(10))
    np.testing.assert_array_equal(interpret.confusion(actual, predicted, 10), expected)


@pytest.mark.parametrize(
    ("actual", "predicted"), [([0, 1], [0]), ([0, 3], [0, 1]), ([0, -1], [0, 1])]
)
def test_confusion_refuses_what_it_cannot_count(
    actual: list[int], predicted: list[int]
) -> None:
    with pytest.raises(ArgumentError):
        interpret.confusion(np.array(actual), np.array(predicted), 3)

"""Pictures of digits, counts and gradients, and the confusion matrix that one of them shows."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lesson5_utils import interpret, plotting
from lesson5_utils.errors import ArgumentError


@pytest.fixture
def axes() -> Iterator[np.ndarray]:
    made, axes = plt.subplots(2, 2)
    yield axes
    plt.close(made)


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


def test_images_shows_each_picture_with_its_title_and_leaves_spare_axes_empty(
    axes: np.ndarray,
) -> None:
    pictures = np.arange(12.0).reshape(3, 2, 2)
    plotting.images(axes, pictures, [7, 8, 9])
    shown = [ax.images for ax in axes.flat]
    assert [len(images) for images in shown] == [1, 1, 1, 0]
    np.testing.assert_array_equal(shown[1][0].get_array(), pictures[1])
    assert [ax.get_title() for ax in axes.flat] == ["7", "8", "9", ""]


def test_signed_images_share_one_scale_with_zero_in_its_middle(axes: np.ndarray) -> None:
    plotting.images(axes, np.array([[[1.0, -4.0]], [[0.0, 2.0]]]), signed=True)
    assert [ax.images[0].get_clim() for ax in axes.flat[:2]] == [(-4, 4), (-4, 4)]


def test_counts_writes_what_is_there_and_colours_only_the_mistakes(axes: np.ndarray) -> None:
    ax = axes[0, 0]
    plotting.counts(ax, np.array([[40, 2], [0, 38]]), xlabel="said", ylabel="was")
    assert [text.get_text() for text in ax.texts] == ["40", "2", "", "38"]
    assert ax.collections[0].get_array().ravel().tolist() == [0, 2, 0, 0]


def test_histograms_draws_shares_in_styles_that_vary(axes: np.ndarray) -> None:
    ax = axes[0, 0]
    plotting.histograms(ax, {"a": [0.1, 0.2, 0.9, 0.9], "b": [0.9]}, [0.0, 0.5, 1.0])
    first, second = ax.patches
    assert first.get_data().values.tolist() == [0.5, 0.5]
    assert second.get_data().values.tolist() == [0, 1]
    assert first.get_linestyle() != second.get_linestyle()

"""Digits: their parts, their grey values, and the idx files of MNIST."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from lesson5_utils import datasets
from lesson5_utils.datasets.digits import _from_idx
from lesson5_utils.errors import ArgumentError

DATA = Path(__file__).resolve().parents[1] / "data"


def test_the_digits_sample_is_scaled_shaped_and_balanced() -> None:
    digits = datasets.load_digits("sample")
    for (x, y), n in zip((digits.train, digits.valid, digits.test), (4000, 500, 500)):  # noqa: B905
        assert x.shape == (n, 784) and x.dtype == torch.float32
        assert y.shape == (n,) and y.dtype == torch.int64
        assert x.min() == 0 and x.max() == 1
        assert torch.bincount(y).tolist() == [n // 10] * 10
    assert repr(digits) == "Digits 'sample': 4,000 train, 500 valid, 500 test"


def test_a_grey_value_is_a_255th() -> None:
    x, _ = datasets.load_digits("sample").train
    with np.load(DATA / "digits.npz", allow_pickle=False) as file:
        np.testing.assert_allclose(x[7] * 255, file["x"][7], atol=1e-3)


def test_idx_files_are_read_as_arrays() -> None:
    values = np.arange(24).reshape(2, 3, 4)
    header = struct.pack(">4B3I", 0, 0, 8, 3, 2, 3, 4)
    found = _from_idx(header + bytes(range(24)))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values)


def test_digits_are_equal_only_to_themselves() -> None:
    one, other = datasets.load_digits("sample"), datasets.load_digits("sample")
    assert one == one and one != other and len({one, other}) == 2


def test_the_environment_names_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert datasets.load_digits().name == "sample"
    monkeypatch.setenv("LESSON5_DIGITS", "mn9")
    with pytest.raises(ArgumentError, match="unknown digits data set 'mn9'"):
        datasets.load_digits()
    assert datasets.load_digits("sample").name == "sample"


@pytest.mark.real_data
def test_mnist_has_its_known_sizes_and_labels() -> None:
    digits = datasets.load_digits("mnist")
    sizes = [tuple(x.shape) for x, _ in (digits.train, digits.valid, digits.test)]
    assert sizes == [(50_000, 784), (10_000, 784), (10_000, 784)]
    assert digits.train[1][:5].tolist() == [5, 0, 4, 1, 9]
    assert digits.test[1][:5].tolist() == [7, 2, 1, 0, 4]
    assert digits.train[0].min() == 0 and digits.train[0].max() == 1

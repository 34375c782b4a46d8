"""Handwritten digits: the bundled sample, or all of MNIST."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lesson5_utils.datasets import registry

__all__ = ["Digits", "load_digits"]

Part = tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Digits:
    """Handwritten digits in three parts, each `(x, y)`.

    x is float32 [n, 784] with grey values in [0, 1], row by row of a 28 × 28 picture;
    y is int64 [n], the digit. Two of them are equal only if they are one object.
    """

    name: str
    train: Part
    valid: Part
    test: Part

    def __repr__(self) -> str:
        train, valid, test = (len(part[1]) for part in (self.train, self.valid, self.test))
        return f"Digits {self.name!r}: {train:,} train, {valid:,} valid, {test:,} test"


def load_digits(name: str | None = None) -> Digits:
    """Load the digits: "sample" (4,000 / 500 / 500) or "mnist" (50,000 / 10,000 / 10,000).

    `None` means the environment variable `LESSON5_DIGITS`, else "sample".

    Raises:
        ArgumentError: an unknown name.
        DataError: a file is missing, damaged, or cannot be downloaded.
    """
    source = registry.find("digits", name or os.environ.get("LESSON5_DIGITS") or "sample")
    if source.name == "sample":
        with np.load(registry.bundled() / "digits.npz", allow_pickle=False) as bundled:
            x, y = bundled["x"], bundled["y"]
        n_train, n_valid = 4_000, 500
    else:
        train_x, train_y, test_x, test_y = (
            _from_idx(registry.read(source, file)) for file in source.contents
        )
        x = np.concatenate([train_x, test_x]).reshape(-1, 784)
        y = np.concatenate([train_y, test_y])
        n_train, n_valid = 50_000, 10_000
    pixels = torch.from_numpy(x).float().div_(255)
    classes = torch.from_numpy(y.astype(np.int64))
    parts = [slice(n_train), slice(n_train, n_train + n_valid), slice(n_train + n_valid, None)]
    return Digits(source.name, *((pixels[part], classes[part]) for part in parts))


def _from_idx(content: bytes) -> np.ndarray:
    """An array of unsigned bytes in idx form: 0 0 8 n_dims, the sizes, then the values."""
    n_dims = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=n_dims, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_dims).reshape(shape)

"""The lecture's digit net on the lecture's data."""

from __future__ import annotations

import numpy as np
import pytest
import torch.nn.functional as F
from torch import Tensor

from lesson5_utils import datasets, models, training


def accuracy(pred: Tensor, target: Tensor) -> float:
    return (pred.argmax(dim=1) == target).float().mean().item()


@pytest.mark.real_data
def test_one_cycle_epoch_on_mnist_reaches_0_960_in_the_mean_of_three_seeds() -> None:
    digits = datasets.load_digits("mnist")
    found = []
    for seed in range(3):
        training.set_seed(seed)
        history = training.fit(
            models.TwoLayerNet(784, 50, 10),
            digits.train,
            digits.valid,
            epochs=1,
            lr=1e-2,
            batch_size=64,
            loss=F.cross_entropy,
            metrics=[accuracy],
            seed=seed,
        )
        found.append(history.metrics[-1]["accuracy"])
    assert np.mean(found) >= 0.960, found

"""Measure what notebook 04 compares over many rates and seeds: two tables beside this script.

    python benchmarks/mnist_sgd.py [rebuilt | deep]

`rebuilt.csv`: a 784-50-10 net by Adam, which is kept or made anew for each batch, at each rate
of a grid; also by SGD. `deep.csv`: four affine layers with ReLU or sigmoids between them, from
He's start or PyTorch's, by SGD and by Adam, at each rate of a grid. Each row is one training
with batches of 64: `data` and `epochs` say on what and for how long (all of MNIST only where it
is at hand), `accuracy` is the share of right answers among the validation digits.

The bundled part takes about three minutes on one core, MNIST's about four.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from lesson5_utils import datasets, training
from lesson5_utils.book.index import namespace
from lesson5_utils.datasets import Digits
from lesson5_utils.errors import DataError

HERE = Path(__file__).parent
NOTEBOOK = "04_mnist_sgd"
GRID = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
DEEP = {"SGD": [0.03, 0.1, 0.3, 0.5, 1.0, 3.0, 10.0], "Adam": [1e-3, 3e-3, 1e-2, 3e-2]}
MAKERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
}

Row = dict[str, Any]


def accuracy(net: nn.Module, digits: Digits) -> float:
    """Share of right answers among the validation digits."""
    x, y = digits.valid
    with torch.no_grad():
        return float((net(x).argmax(dim=1) == y).float().mean())


def train(
    net: nn.Module,
    digits: Digits,
    epochs: int,
    make: Callable[[], torch.optim.Optimizer],
    rebuild: bool = False,
) -> None:
    """The loop of the notebook; `rebuild` makes the optimizer anew for each batch."""
    optimizer = make()
    for _ in range(epochs):
        for x, y in training.batches(digits.train, 64):
            if rebuild:
                optimizer = make()
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()


def rebuilt(digits: Digits, epochs: int, seeds: int) -> Iterator[Row]:
    """The optimizer kept and rebuilt, at every rate."""
    from lesson5_utils.models import TwoLayerNet

    for lr, way, seed in product(GRID, ("kept", "rebuilt"), range(seeds)):
        training.set_seed(seed)
        net = TwoLayerNet()
        train(
            net,
            digits,
            epochs,
            lambda net=net, lr=lr: torch.optim.Adam(net.parameters(), lr=lr, fused=True),  # type: ignore[misc]
            way == "rebuilt",
        )
        yield {
            "data": digits.name,
            "epochs": epochs,
            "adam": way,
            "lr": lr,
            "seed": seed,
            "accuracy": round(accuracy(net, digits), 4),
        }

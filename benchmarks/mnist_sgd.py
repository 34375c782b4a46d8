"""Measure what notebook 04 compares over many rates and seeds: two tables beside this script.

    python benchmarks/mnist_sgd.py             # or one of them: rebuilt, deep

`rebuilt.csv`: the net of two layers by Adam, which is kept or made anew for each batch, at
seven rates. `deep.csv`: four layers with ReLU, from He's start or PyTorch's own, or with
sigmoids, by SGD and by Adam, each at a grid of rates. A row is one training: six epochs on
the bundled digits, one on MNIST, in batches of 64; `accuracy` is the share of right answers
among the validation digits. The functions stand in the notebook, and are taken from its cells.

`LESSON5_DIGITS` says on which digits; rows of the others stay as they are. The bundled digits
take about four minutes on one core, MNIST five.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import torch
from shared import Row, write
from torch import nn

from lesson5_utils.book.index import namespace

RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1]
DEEP = {
    "SGD": [0.03, 0.1, 0.3, 0.5, 1.0, 3.0, 10.0],
    "Adam": [3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
}
SEEDS = {"sample": 10, "mnist": 3}  # of the first table; the second has three and one


def accuracy(cells: dict[str, Any], net: nn.Module) -> float:
    """Share of right answers among the validation digits."""
    x, y = cells["digits"].valid
    with torch.no_grad():
        return round(float((net(x).argmax(dim=1) == y).float().mean()), 4)


def rebuilt(cells: dict[str, Any]) -> Iterator[Row]:
    """Adam kept and rebuilt, at every rate."""
    seeds = SEEDS[cells["digits"].name]
    for lr, way, seed in product(RATES, ("kept", "rebuilt"), range(seeds)):
        net = cells["two_layers"](cells["adam"](lr), seed, rebuild=way == "rebuilt")
        yield {"adam": way, "lr": lr, "seed": seed, "accuracy": accuracy(cells, net)}


def deep(cells: dict[str, Any]) -> Iterator[Row]:
    """Three deep nets by two optimizers, at every rate."""
    seeds = 3 if cells["digits"].name == "sample" else 1
    for (name, start), (by, rates) in product(cells["starts"].items(), DEEP.items()):
        for lr, seed in product(rates, range(seeds)):
            make = cells["sgd" if by == "SGD" else "adam"](lr)
            net = cells["train"](cells["deep_net"](*start, seed), make)
            row = {"net": name, "optimizer": by, "lr": lr, "seed": seed}
            yield {**row, "accuracy": accuracy(cells, net)}


TABLES: dict[str, Callable[[dict[str, Any]], Iterator[Row]]] = {
    "rebuilt": rebuilt,
    "deep": deep,
}


if __name__ == "__main__":
    torch.set_num_threads(1)
    taken = namespace("04", "imports", "digits", "makers", "train", "deep-net")
    for wanted in sys.argv[1:] or TABLES:
        write(wanted, TABLES[wanted](taken), data=taken["digits"].name)

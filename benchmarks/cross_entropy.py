"""Measure what notebook 07 compares over many trainings: two tables beside this script.

    python benchmarks/cross_entropy.py             # or one of them: forecasts, losses

`forecasts.csv`: is the net of two layers an honest forecaster? It learns from half of the
training digits, 1 to 60 epochs at four rates; the other half and the test digits judge it:
`accuracy`, cross-entropy (`loss`) and expected calibration error (`ece`, ten bins); `t` is the
temperature with the lowest cross-entropy on the validation digits, `calm` and `mended` the
cross-entropy and calibration error with it.

`losses.csv`: cross-entropy, MSE of the softmax, and softmax twice, by AdamW and by SGD, from
three starts: an ordinary one, one that is sure that all digits are 0, and one where 40 % of the
labels are drawn at random. Each of them has the rate that gave the highest accuracy on the
validation digits, over three other seeds. `accuracy` is that on the digits that judge; `gained`
and `lost` are the shares of them that are right here and wrong with cross-entropy from the same
seed, and the other way round; `said` counts the digits that the net ever answers.

The functions stand in the notebook, and are taken from its cells. `LESSON5_DIGITS` says on
which digits; rows of the others stay as they are. The bundled digits take about four minutes on
one core, MNIST fifteen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from shared import Row, write
from torch import Tensor

from lesson5_utils import training
from lesson5_utils.book.index import namespace
from lesson5_utils.errors import TrainingDiverged
from lesson5_utils.exercises import cross_entropy as check

CELLS = ("imports", "mse", "digits", "halves", "train-for", "temperature-of", "train-arm")
EPOCHS, LRS = (1, 3, 6, 15, 30, 60), (0.005, 0.01, 0.02, 0.05)
SEEDS = {"sample": (5, 20), "mnist": (3, 5)}  # of the two tables
RATES = {
    "AdamW": (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    "SGD": (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
}
TUNING = (100, 101, 102)


def forecasts(cells: dict[str, Any]) -> Iterator[Row]:
    """Every length, rate and seed."""
    y = cells["unseen_y"]
    for epochs, lr, seed in product(EPOCHS, LRS, range(SEEDS[cells["digits"].name][0])):
        net = cells["train_for"](epochs, seed, lr)
        scores = training.predict(net, (cells["unseen_x"], y))
        valid = training.predict(net, cells["digits"].valid)
        t = cells["best_temperature"](valid, cells["digits"].valid[1])
        row = {"epochs": epochs, "lr": lr, "seed": seed, "accuracy": right(scores, y).mean()}
        row |= {"loss": cost(scores, y), "ece": ece(scores, y), "t": t}
        yield row | {"calm": cost(scores / t, y), "mended": ece(scores / t, y)}


def right(scores: Tensor, y: Tensor) -> np.ndarray:
    """Which answers are right, [n] of 0 and 1."""
    return (scores.argmax(dim=1) == y).double().numpy()


def cost(scores: Tensor, y: Tensor) -> float:
    """Cross-entropy."""
    return float(F.cross_entropy(scores, y))


def ece(scores: Tensor, y: Tensor) -> float:
    """Expected calibration error, ten bins."""
    confidence, guess = scores.softmax(dim=1).max(dim=1)
    return float(check.calibration_error.reference(confidence, (guess == y).float(), 10))


def losses(cells: dict[str, Any]) -> Iterator[Row]:
    """Every start, loss and optimizer, each at its own rate; cross-entropy first."""
    learn, noisy = cells["learn"], with_noise(*cells["learn"])
    starts: dict[str, Row] = {"ordinary": {}, "sure": {"sure": 10}, "noisy": {"data": noisy}}
    for (start, given), by in product(starts.items(), RATES):
        base: dict[int, np.ndarray] = {}
        for loss in ("cross-entropy", "MSE", "softmax twice"):
            settings = {"data": learn} | given
            train = partial(cells["train_arm"], loss, by, **settings)
            lr = max(RATES[by], key=lambda lr, train=train: tried(cells, train, lr))
            for seed in range(SEEDS[cells["digits"].name][1]):
                row = {"start": start, "loss": loss, "optimizer": by, "lr": lr, "seed": seed}
                yield row | judged(cells, train(lr, seed), base, seed)


def with_noise(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """40 % of the labels drawn at random."""
    made = torch.Generator().manual_seed(0)
    wrong = torch.rand(len(y), generator=made) < 0.4
    return x, torch.where(wrong, torch.randint(10, (len(y),), generator=made), y)


def tried(cells: dict[str, Any], train: Callable[..., Any], lr: float) -> float:
    """Mean accuracy on the validation digits."""
    valid = cells["digits"].valid
    try:
        nets = [train(lr, seed) for seed in TUNING]
    except TrainingDiverged:
        return 0.0
    return float(np.mean([right(training.predict(net, valid), valid[1]) for net in nets]))


def judged(cells: dict[str, Any], net: Any, base: dict[int, np.ndarray], seed: int) -> Row:
    """How well a net does; the first of a seed is what the others are compared with."""
    y = cells["unseen_y"]
    scores = training.predict(net, (cells["unseen_x"], y))
    mine = right(scores, y)
    other = base.setdefault(seed, mine)
    return {
        "accuracy": mine.mean(),
        "gained": (mine > other).mean(),
        "lost": (mine < other).mean(),
        "said": len(scores.argmax(dim=1).unique()),
    }


TABLES: dict[str, Callable[[dict[str, Any]], Iterator[Row]]] = {
    "forecasts": forecasts,
    "losses": losses,
}


if __name__ == "__main__":
    torch.set_num_threads(1)
    taken = namespace("07", *CELLS)
    taken["Forecaster"] = check.forecaster.reference  # what the notebook's own class equals
    for wanted in sys.argv[1:] or TABLES:
        write(wanted, TABLES[wanted](taken), data=taken["digits"].name)

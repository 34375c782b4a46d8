"""Choose the learning rates of notebook 07, each arm on an inner split of its training part.

    python benchmarks/cross_entropy.py            # all tables
    python benchmarks/cross_entropy.py digits     # or noise

The functions that are tuned stand in the notebook only, and are taken from its cells.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from lesson5_utils import training
from lesson5_utils.book.index import namespace
from lesson5_utils.errors import TrainingDiverged

RATES = {
    "AdamW": (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    "SGD": (0.1, 0.2, 0.5, 1, 2, 5, 10),
}
SEEDS = 3


def search(
    name: str, choices: Iterable[Any], score: Callable[[Any, int], float], chosen: Any
) -> None:
    """Print the mean score of each choice over the seeds, the best, and the notebook's."""
    means = {one: np.mean([score(one, seed) for seed in range(SEEDS)]) for one in choices}
    shown = "  ".join(f"{one}: {value:.3f}" for one, value in means.items())
    best = max(means, key=means.__getitem__)
    print(f"{name:22} {shown}\n{'':22} best {best}, notebook has {chosen}", flush=True)


def digits() -> None:
    """Sections 4 and 5: validation accuracy; the last quarter of the training digits."""
    names = namespace("07", "imports", "digits", "train", "mse", "rates")
    x, y = names["digits"].train
    cut = len(y) * 3 // 4
    inner = ((x[:cut], y[:cut]), (x[cut:], y[cut:]))
    for start, arms in {0: names["rates"], 10: names["sure_rates"]}.items():
        for arm, by_optimizer in arms.items():
            for optimizer, chosen in by_optimizer.items():

                def score(
                    lr: float, seed: int, arm: str = arm, by: str = optimizer, sure: int = start
                ) -> float:
                    try:
                        net, _ = names["train"](arm, by, lr, seed, inner, sure)
                    except TrainingDiverged:
                        return 0.0
                    guess = training.predict(net, inner[1]).argmax(dim=1)
                    return (guess == inner[1][1]).float().mean().item()

                title = f"{arm}, {optimizer}" + (", sure" if start else "")
                search(title, RATES[optimizer], score, chosen)


def noise() -> None:
    """Section 5's trial: 40 % of the training labels are drawn at random; 15 epochs."""
    names = namespace("07", "imports", "digits", "train", "mse", "rates")
    names["epochs"] = 15
    (x, y), valid = names["digits"].train, names["digits"].valid
    made = torch.Generator().manual_seed(0)
    wrong = torch.rand(len(y), generator=made) < 0.4
    noisy = x, torch.where(wrong, torch.randint(10, (len(y),), generator=made), y)
    for arm in ("right", "MSE"):
        for optimizer, chosen in names["rates"][arm].items():

            def score(lr: float, seed: int, arm: str = arm, by: str = optimizer) -> float:
                net, _ = names["train"](arm, by, lr, seed, (noisy, valid))
                guess = training.predict(net, valid).argmax(dim=1)
                return (guess == valid[1]).float().mean().item()

            rates = [chosen * share for share in (0.02, 0.05, 0.1, 0.2, 0.5, 1)]
            search(f"{arm}, {optimizer}", rates, score, chosen)


if __name__ == "__main__":
    tables = {"digits": digits, "noise": noise}
    for table in sys.argv[1:] or tables:
        tables[table]()

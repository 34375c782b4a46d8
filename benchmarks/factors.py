"""Notebook 01's bet: how many factors does a film need, when three tastes were planted?

    python benchmarks/factors.py            # writes benchmarks/factors.csv, some minutes

For 1 to 80 factors, without a bias and with one, a learning rate and a weight decay are chosen
on an inner split of the training part (one seed); then the model is trained with them on the
whole training part, five seeds, and measured on the validation part, which chose nothing.

Columns: n_factors; bias (0: dot product, 1: with bias); lr, wd: the chosen ones; seed; train,
rmse: errors in stars on training and validation rows; edge (1: the chosen rate is the highest
or lowest that was tried). On the bundled ratings only: there we know the answer.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
import torch

from lesson5_utils import datasets, models, training
from lesson5_utils.datasets import Ratings
from lesson5_utils.training import History

TABLE = Path(__file__).with_suffix(".csv")
WIDTHS = (1, 2, 3, 5, 10, 20, 40, 80)
RATES = (2.5e-3, 5e-3, 1e-2, 2e-2, 4e-2, 8e-2, 0.16)
WDS = (0.03, 0.1, 0.3)
EPOCHS, BATCH, SEEDS = 8, 256, 5


def train_model(
    train: Ratings, valid: Ratings, n_factors: int, bias: int, lr: float, wd: float, seed: int
) -> History:
    """One training, as the notebook's live arm does it."""
    training.set_seed(seed)
    make = models.DotProductBias if bias else models.DotProduct
    model = make(len(train.users), len(train.movies), n_factors)
    settings = {"batch_size": BATCH, "wd": wd, "seed": seed, "progress": False}
    return training.fit(model, train, valid, EPOCHS, lr, **settings)


def main() -> None:
    torch.set_num_threads(1)
    train, valid = datasets.load_ratings("sample").split()
    inner = train.split(seed=1)
    rows = []
    for n_factors, bias in product(WIDTHS, (0, 1)):
        errors = {
            (lr, wd): train_model(*inner, n_factors, bias, lr, wd, seed=0).valid[-1]
            for lr, wd in product(RATES, WDS)
        }
        lr, wd = min(errors, key=errors.__getitem__)
        for seed in range(SEEDS):
            history = train_model(train, valid, n_factors, bias, lr, wd, seed)
            errors_now = (history.train[-1] ** 0.5, history.valid[-1] ** 0.5)
            rows.append(
                (n_factors, bias, lr, wd, seed, *errors_now, int(lr in (RATES[0], RATES[-1])))
            )
        print(
            f"{n_factors:3} bias {bias} lr {lr:g} wd {wd:g} rmse {rows[-1][6]:.4f}", flush=True
        )
    names = ["n_factors", "bias", "lr", "wd", "seed", "train", "rmse", "edge"]
    pd.DataFrame(rows, columns=names).round(4).to_csv(TABLE, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()

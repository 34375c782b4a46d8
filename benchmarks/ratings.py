"""Measure the ratings half of the course: accuracy and time, beside other ways to train.

    python benchmarks/ratings.py

It trains the lecture's model with the lecture's settings on the data set that
`LESSON5_RATINGS` names (default: the bundled sample). "DataLoader" is the same model and
optimizer in the loop of PyTorch's own tutorials; Surprise joins where it is installed.
"""

from __future__ import annotations

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

from lesson5_utils import datasets, models, schedules, training
from lesson5_utils.datasets import Ratings

EPOCHS, LR, WD, BATCH = 5, 5e-3, 0.1, 64


def ours(train: Ratings, valid: Ratings) -> float:
    """Validation MSE of the lecture's model, by `training.fit`."""
    training.set_seed(0)
    model = models.DotProductBias(len(train.users), len(train.movies))
    fit = training.fit(model, train, valid, EPOCHS, LR, wd=WD, seed=0, progress=False)
    return fit.valid[-1]


def by_dataloader(train: Ratings, valid: Ratings) -> float:
    """The same training, with a `DataLoader` and torch's own scheduler."""
    training.set_seed(0)
    model = models.DotProductBias(len(train.users), len(train.movies))
    rows = TensorDataset(train.user, train.movie, train.rating)
    loader = DataLoader(rows, batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), LR, betas=(0.9, 0.99), weight_decay=WD)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, total_steps=EPOCHS * len(loader), pct_start=schedules.PCT_START
    )
    for _ in range(EPOCHS):
        for user, movie, rating in loader:
            loss = F.mse_loss(model(user, movie), rating)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return training.evaluate(model, valid)


def by_surprise(train: Ratings, valid: Ratings) -> float:
    """Surprise's SVD with 40 factors and its own defaults."""
    from surprise import SVD, Dataset, Reader

    columns = ["user", "movie", "rating"]
    data = Dataset.load_from_df(train.frame[columns], Reader(rating_scale=(0.5, 5)))
    model = SVD(n_factors=40, random_state=0).fit(data.build_full_trainset())
    rows = valid.frame[columns].itertuples(index=False)
    return float(np.mean([(model.predict(u, m).est - r) ** 2 for u, m, r in rows]))


def compare() -> None:
    """Print one line per way: validation MSE, seconds, and time as a ratio to ours."""
    ratings = datasets.load_ratings()
    train, valid = ratings.split()
    ways = {"lesson5_utils": ours, "DataLoader loop": by_dataloader}
    try:
        import surprise  # noqa: F401

        ways["Surprise SVD"] = by_surprise
    except ImportError:
        pass
    print(f"{ratings}\nthe lecture's settings: 40 factors, wd {WD}, {EPOCHS} epochs, lr {LR}")
    print(f"{'':18}{'valid MSE':>10}{'seconds':>10}{'ratio':>8}")
    reference = None
    for name, way in ways.items():
        started = time.perf_counter()
        mse = way(train, valid)
        seconds = time.perf_counter() - started
        reference = reference or seconds
        print(f"{name:18}{mse:10.4f}{seconds:10.2f}{seconds / reference:7.1f}×")


if __name__ == "__main__":
    compare()

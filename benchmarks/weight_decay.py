"""Four ways to keep 02's model from over-fitting, tuned alike: the table of notebook 03.

    python benchmarks/weight_decay.py               # writes weight_decay.csv beside this file
    python benchmarks/weight_decay.py "stop early"  # measures this arm again

Arms: decay (AdamW), the penalty (Adam), fewer factors, and stopping early, the last two with no
wd at all. Each arm tries six strengths with three rates and three seeds, on an inner split of
the training part; the best of the 18, by the mean of its seeds, is then trained with five other
seeds on the whole training part and judged on the validation part, which chose nothing. A best
strength at the edge of its six is told: then the six are wrong, and have to be moved.

Ten epochs of one-cycle each (stopping early: as many as its strength says), batches of 256, on
the ratings that `LESSON5_RATINGS` names (default: the bundled sample). Rows of the table that
are not measured again are kept. On one idle core the sample takes about three minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from torch import optim

from lesson5_utils import datasets, models, training
from lesson5_utils.exercises import weight_decay as check

TABLE = Path(__file__).with_suffix(".csv")
EPOCHS, BATCH, FACTORS = 10, 256, 40
RATES = (2e-3, 5e-3, 1e-2)
TUNING, JUDGING = range(3), range(3, 8)  # seeds
STRENGTHS: dict[str, tuple[float, ...]] = {
    "decay": (0.01, 0.03, 0.1, 0.3, 1, 3),
    "penalty": (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3),
    "fewer factors": (3, 5, 8, 12, 20, 30),
    "stop early": (2, 3, 4, 5, 7, 10),
}

ratings = datasets.load_ratings()
train, valid = ratings.split()
inner = train.split(seed=1)
adam = partial(optim.Adam, betas=(0.9, 0.99), fused=True)


def run(arm: str, strength: float, lr: float, seed: int, data: Any) -> tuple[float, float]:
    """Training and validation MSE after the last epoch."""
    factors = int(strength) if arm == "fewer factors" else FACTORS
    epochs = int(strength) if arm == "stop early" else EPOCHS
    training.set_seed(seed)
    model = models.DotProductBias(len(ratings.users), len(ratings.movies), factors)
    fit: Callable[..., Any] = partial(training.fit, model, *data, epochs, lr)
    if arm == "penalty":
        fit = partial(fit, optimizer=adam)
    wd = strength if arm in ("decay", "penalty") else 0
    found = fit(batch_size=BATCH, wd=wd, seed=seed, progress=False)
    return found.train[-1], found.valid[-1]


def tune(arm: str) -> list[dict[str, Any]]:
    """All strengths, rates and seeds on the inner split."""
    rows = []
    for lr in RATES:
        for strength in STRENGTHS[arm]:
            for seed in TUNING:
                errors = run(arm, strength, lr, seed, inner)
                rows.append(row("inner", arm, strength, lr, seed, *errors))
            print(f"{arm:14} lr {lr:g}  {strength:g}: {rows[-1]['valid']:.4f}", flush=True)
    return rows


def judge(arm: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best strength and rate, five seeds, on the rows that chose nothing."""
    means = pd.DataFrame(rows).groupby(["lr", "strength"]).valid.mean()
    lr, strength = means.idxmin()
    told = check.widen.reference({s: [means[lr, s]] for s in STRENGTHS[arm]})
    print(f"{arm}: best {strength:g} with rate {lr:g}; strengths to try: {told}", flush=True)
    return [
        row("final", arm, strength, lr, seed, *run(arm, strength, lr, seed, (train, valid)))
        for seed in JUDGING
    ]


def row(
    part: str, arm: str, strength: float, lr: float, seed: int, fitted: float, held: float
) -> dict[str, Any]:
    named = {"data": ratings.name, "part": part, "arm": arm, "lr": lr, "strength": strength}
    return named | {"seed": seed, "train": round(fitted, 4), "valid": round(held, 4)}


def main(arms: list[str]) -> None:
    """Measure these arms, or all, and write the table."""
    rows = []
    for arm in arms or list(STRENGTHS):
        tuned = tune(arm)
        rows += tuned + judge(arm, tuned)
    table = pd.DataFrame(rows)
    if TABLE.exists():
        before = pd.read_csv(TABLE)
        again = (before.data == ratings.name) & before.arm.isin(table.arm)
        table = pd.concat([before[~again], table])
    table.to_csv(TABLE, index=False, lineterminator="\n")
    means = table[table.part == "final"].groupby(["data", "arm"]).valid.agg(["mean", "std"])
    print(means.round(4))


if __name__ == "__main__":
    main(sys.argv[1:])

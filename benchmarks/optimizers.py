"""Measure the two races of notebook 05, and write them as tables beside this file.

    python benchmarks/optimizers.py           # both: about three minutes on one idle core

`optimizer_race.csv`: the spreadsheet's 29 points, one row at a time, 200 epochs from (1, 1),
at four rates to each doubling. `epochs` is the first epoch from which intercept and slope both
stay within 1 % of (30, 2), `distance` the larger of their relative errors at the end. `score`:
epochs + distance, so that of two that arrive together the nearer one wins; where a run never
arrives, 200 + 100 times the distance.

`optimizer_sigmoids.csv`: notebook 04's deep net of sigmoids on the bundled digits, three
epochs; `accuracy` on the validation part. Each rate is twice the one before, and the best one
of an arm that learns at all lies inside its list. Seeds 0 to 4 choose the rate of an arm, and
at that rate seeds 5 to 24 say what it reaches.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from lesson5_utils import datasets, optimizers, schedules, training
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises.optimizers import best_rate

HERE = Path(__file__).resolve().parent
CELLS = ("imports", "ball", "gradient", "deep-net")
names = namespace("05", *CELLS)

momentum = partial(optimizers.SGD, momentum=0.9, dampening=0.9)
Make = Callable[..., optimizers.Optimizer]
RACE: dict[str, tuple[Make, float, bool]] = {
    "SGD": (optimizers.SGD, 1e-4, False),
    "momentum": (momentum, 1e-4, False),
    "RMSProp": (optimizers.RMSprop, 0.1, False),
    "Adam": (optimizers.Adam, 0.1, False),
    "RMSProp, annealed": (optimizers.RMSprop, 0.1, True),
    "Adam, annealed": (optimizers.Adam, 0.1, True),
}
SIGMOIDS: dict[str, tuple[Make, float]] = {
    "SGD": (optimizers.SGD, 1.0),
    "momentum": (momentum, 1.0),
    "RMSProp": (optimizers.RMSprop, 0.01),
    "Adam, β₁ = 0": (partial(optimizers.Adam, betas=(0.0, 0.999)), 0.01),
    "Adam": (optimizers.Adam, 0.01),
}


def race(make: Make, middle: float, annealed: bool, epochs: int = 200) -> pd.DataFrame:
    """41 rates at once, four to each doubling: one run in each row of `w`."""
    rates = middle * 2.0 ** (torch.arange(-20, 21, dtype=torch.float64) / 4)[:, None]
    w = torch.ones(41, 2, dtype=torch.float64)
    optimizer, places = make([w]), [w.clone()]
    for epoch in range(epochs):
        for i, (x, y) in enumerate(zip(names["x"], names["y"], strict=True)):
            share = schedules.cosine(1, 0, (epoch + i / 29) / epochs) if annealed else 1
            optimizer.param_groups[0]["lr"] = share * rates
            w.grad = names["gradient"](w, x, y)
            optimizer.step()
        places.append(w.clone())
    goal = torch.tensor([30.0, 2.0], dtype=torch.float64)
    away = (torch.stack(places) / goal - 1).abs().amax(dim=-1)
    return pd.DataFrame(
        [
            {"lr": lr, "epochs": arrival(one), "distance": one[-1].item()}
            for lr, one in zip(rates.flatten().tolist(), away.T, strict=True)
        ]
    )


def arrival(distance: Tensor) -> int | None:
    """The first epoch from which the distance stays below 1 %."""
    outside = (~(distance < 0.01)).nonzero()
    first = int(outside.max()) + 1 if len(outside) else 0
    return first if first < len(distance) else None


def sigmoids(make: Make, lr: float, seed: int) -> float:
    """The accuracy of the deep net after three epochs."""
    digits = datasets.load_digits("sample")
    training.set_seed(seed)
    net = names["deep_net"]()
    optimizer = make(net.parameters(), lr=lr)
    for _ in range(3):
        for pictures, labels in training.batches(digits.train, 64):
            optimizer.zero_grad()
            F.cross_entropy(net(pictures), labels).backward()
            optimizer.step()
    with torch.no_grad():
        right = net(digits.valid[0]).argmax(dim=1) == digits.valid[1]
    return round(right.float().mean().item(), 4)


def accuracies(name: str, lr: float, seeds: range) -> pd.DataFrame:
    """An arm's accuracies at one rate."""
    reached = [sigmoids(SIGMOIDS[name][0], lr, seed) for seed in seeds]
    return pd.DataFrame({"arm": name, "lr": lr, "seed": seeds, "accuracy": reached})


def main() -> None:
    """Write both tables."""
    torch.set_num_threads(int(os.environ.get("LESSON5_THREADS", "1")))
    tables = [race(*arm).assign(arm=name) for name, arm in RACE.items()]
    table = pd.concat(tables)[["arm", "lr", "epochs", "distance"]]
    table["epochs"] = table["epochs"].astype("Int64")
    late = 200 + 100 * table["distance"].clip(upper=1e6).fillna(math.inf)
    table["score"] = (table["epochs"].astype(float) + table["distance"]).fillna(late)
    table.to_csv(HERE / "optimizer_race.csv", index=False, float_format="%.6g")
    print(table.to_string())
    rates = [2.0**k for k in range(-4, 6)]
    sweep = [
        accuracies(name, middle * rate, range(5))
        for name, (_, middle) in SIGMOIDS.items()
        for rate in rates
    ]
    means = pd.concat(sweep).groupby(["arm", "lr"]).accuracy.mean()
    fresh = []
    for name, (_, middle) in SIGMOIDS.items():
        error = partial(lambda known, lr: 1 - known[lr], means[name].to_dict())
        found = best_rate.reference(error, [middle / 2, middle, 2 * middle])
        # a search that walks on may find another: for momentum, which fails at every rate
        for lr in sorted({found, means[name].idxmax()}):
            fresh.append(accuracies(name, lr, range(5, 25)))
    frame = pd.concat([*sweep, *fresh])
    frame.to_csv(HERE / "optimizer_sigmoids.csv", index=False)
    print(frame.pivot_table("accuracy", ["arm", "lr"], aggfunc=["mean", "min", "max"]))


if __name__ == "__main__":
    main()

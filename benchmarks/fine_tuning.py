"""Choose the learning rates of notebook 09, arm by arm, on an inner split.

    python benchmarks/fine_tuning.py            # a rate for every arm and number of labels
    python benchmarks/fine_tuning.py longer     # 10 labels: four times the epochs, shifts
    python benchmarks/fine_tuning.py inputs     # 10 labels, inputs in another form
    python benchmarks/fine_tuning.py inputs 40  # the same with 40 epochs
    python benchmarks/fine_tuning.py many       # 300 labels, five seeds
    python benchmarks/fine_tuning.py bodies     # what the body was asked to learn

The judge is always a set of 1,000 pictures of the digits 5 to 9 from the training part that are
not among the labelled ones; the test digits are not touched. The seeds (100 to 104) are not
those of the notebook (0 to 4). All arms try the same rates. The functions are the notebook's.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from lesson5_utils.book.index import namespace

RATES = (2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 1e-1)
SEEDS = range(100, 105)
CELLS = ("imports", "tasks", "answer-shift", "shifted", "jittered", "turned", "source")
CELLS += ("answer-few", "few", "pretrain")
CELLS += ("start", "learn", "rates", "input-forms", "form-rates", "versions", "more-rates")


def notebook() -> dict[str, Any]:
    """What the notebook defines, with its pretrained model."""
    return namespace("09", *CELLS)


def others(names: Mapping[str, Any], n: int, seed: int, size: int = 1000) -> Any:
    """Pictures of the new digits that are not in `labelled(n, seed)`."""
    x, y = names["new"]
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    rest = order[~torch.isin(order, order[names["few"](y[order], n)])][:size]
    return x[rest], y[rest]


def judged(
    names: Mapping[str, Any], n: int, run: Callable[[int], Any], change: Any = None
) -> float:
    """Mean accuracy of `run(seed)` on pictures that were not labelled."""
    found = []
    for seed in SEEDS:
        x, y = others(names, n, seed)
        found.append(names["accuracy"](run(seed), (change(x) if change else x, y)))
    return float(np.mean(found))


def row(title: str, chosen: float, score: Callable[[float], float]) -> None:
    """Print the score of every rate, the best one and the notebook's."""
    scores = {lr: score(lr) for lr in RATES}
    shown = "  ".join(f"{lr:g}: {value:.3f}" for lr, value in scores.items())
    best = max(scores, key=scores.__getitem__)
    print(f"{title:24} {shown}   best {best:g}, notebook has {chosen:g}", flush=True)


def arms(names: Mapping[str, Any]) -> None:
    """Every arm, every number of labels."""
    learn = names["learn"]
    for number, (n, epochs) in enumerate(names["epochs"].items()):
        for arm, chosen in names["rates"].items():
            row(
                f"{n:3} {arm}",
                chosen[number],
                lambda lr, arm=arm, n=n, epochs=epochs: judged(
                    names,
                    n,
                    lambda seed: learn(arm, names["labelled"](n, seed), seed, lr, epochs),
                ),
            )


def longer(names: Mapping[str, Any]) -> None:
    """10 labels a class, 40 epochs; and as many steps on ten shifted versions of each."""
    learn, labelled = names["learn"], names["labelled"]
    ways = {"40 epochs": (labelled, 40), "40 epochs, shifted": (names["versions"], 4)}
    for way, (make, epochs) in ways.items():
        for arm, chosen in names["more_rates"][way].items():
            row(
                f"{way} {arm}",
                chosen,
                lambda lr, make=make, arm=arm, epochs=epochs: judged(
                    names, 10, lambda seed: learn(arm, make(10, seed), seed, lr, epochs)
                ),
            )


def many(names: Mapping[str, Any]) -> None:
    """300 labels a class, 4 epochs: does a frozen body fall behind?"""
    learn, labelled = names["learn"], names["labelled"]
    for arm, chosen in names["rates"].items():
        row(
            f"300 {arm}",
            chosen[-1],
            lambda lr, arm=arm: judged(
                names, 300, lambda seed: learn(arm, labelled(300, seed), seed, lr, 4)
            ),
        )


def inputs(names: Mapping[str, Any]) -> None:
    """10 labels a class, with pictures that do not look as in the pretraining."""
    epochs = int("".join(sys.argv[2:3]) or names["epochs"][10])

    def run(change: Any, arm: str, seed: int, lr: float) -> Any:
        x, y = names["labelled"](10, seed)
        return names["learn"](arm, (change(x), y), seed, lr, epochs)

    for (form, arm), chosen in names["form_rates"].items():
        change = names["forms"][form]
        row(
            f"{form} {arm}",
            chosen,
            lambda lr, change=change, arm=arm: judged(
                names, 10, lambda seed: run(change, arm, seed, lr), change
            ),
        )


def bodies(names: dict[str, Any]) -> None:
    """The same number of pretraining steps for three sets of questions; frozen, 10 labels."""
    x, y = names["source_data"]
    upright, plain = y < 5, names["old"]
    sets = {
        "20 classes, shifted": ((x, y), 3),
        "5 classes, shifted": ((x[upright], y[upright]), 12),
        "5 classes": (plain, 36),
    }
    for title, (data, epochs) in sets.items():
        names["pretrained"] = names["pretrain"](data, epochs)
        score = names["rates"]["frozen"][list(names["epochs"]).index(10)]
        row(
            title,
            score,
            lambda lr: judged(
                names,
                10,
                lambda seed: names["learn"](
                    "frozen", names["labelled"](10, seed), seed, lr, names["epochs"][10]
                ),
            ),
        )


if __name__ == "__main__":
    parts = {"longer": longer, "inputs": inputs, "many": many, "bodies": bodies}
    parts.get("".join(sys.argv[1:2]), arms)(notebook())

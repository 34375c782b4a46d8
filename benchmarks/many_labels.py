"""Choose the learning rates of notebook 08, each arm on an inner split of its training part.

    python benchmarks/many_labels.py            # all tables
    python benchmarks/many_labels.py labels     # or likes

The functions that are tuned stand in the notebook only, and are taken from its cells.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score, roc_auc_score

from lesson5_utils import training
from lesson5_utils.book.index import namespace

RATES = {
    "AdamW": (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
}
LIKE_RATES, LIKE_WDS = (0.01, 0.02, 0.05), (0.1, 0.3, 1, 3)
SEEDS = 3


def search(
    name: str, choices: Iterable[Any], score: Callable[[Any, int], float], chosen: Any
) -> None:
    """Print the mean score of each choice over the seeds, the best, and the notebook's."""
    means = {one: np.mean([score(one, seed) for seed in range(SEEDS)]) for one in choices}
    shown = "  ".join(f"{one}: {value:.3f}" for one, value in means.items())
    best = max(means, key=means.__getitem__)
    print(f"{name:22} {shown}\n{'':22} best {best}, notebook has {chosen}", flush=True)


def labels() -> None:
    """Section 6: F1 at the best threshold, on pictures made of other training digits."""
    names = namespace("08", "imports", "pairs", "labels-train")
    x, y = names["digits"].train
    cut = len(y) * 3 // 4
    inner = (
        names["make_pairs"](x[:cut], y[:cut], 6000, 0),
        names["make_pairs"](x[cut:], y[cut:], 1000, 1),
    )
    for arm, (loss, activation, chosen) in names["label_arms"].items():

        def score(lr: float, seed: int, loss: Any = loss, to_p: Any = activation) -> float:
            net = names["train_labels"](loss, lr, seed, inner)
            p = to_p(training.predict(net, inner[1]))
            cuts = np.arange(0.05, 0.8, 0.05)
            return max(f1_score(inner[1][1], p > cut, average="micro") for cut in cuts)

        search(arm, RATES["AdamW"], score, chosen)


def likes() -> None:
    """Section 7: AUC on each arm's own question; "both" on the mean of the two."""
    names = namespace(
        "08", "imports", "like-data", "negatives", "like-check", "like-train", "like-arms"
    )
    rated, held_out = names["rated"].split(seed=1)
    liked, liked_out = (part.rows(part.rating >= 4) for part in (rated, held_out))
    seen, with_negatives = names["seen"], names["with_negatives"]
    questions = [
        names["with_stars"](held_out),
        with_negatives(liked_out, seen(rated, held_out), seed=1),
    ]
    arms = {"rated": names["with_stars"](rated)}
    arms["sampled"] = with_negatives(liked, seen(rated), seed=0)
    arms["both"] = tuple(torch.cat(two) for two in zip(*arms.values(), strict=True))
    own = {"rated": questions[:1], "sampled": questions[1:], "both": questions}
    choices = [(lr, wd) for lr in LIKE_RATES for wd in LIKE_WDS]
    for arm, data in arms.items():

        def score(
            pair: tuple[float, float], seed: int, data: Any = data, arm: str = arm
        ) -> float:
            model = names["train_like"](data, questions[0], *pair, seed)
            aucs = [roc_auc_score(q[2], training.predict(model, q)) for q in own[arm]]
            return float(np.mean(aucs))

        search(arm, choices, score, names["like_settings"][arm])


if __name__ == "__main__":
    tables = {"labels": labels, "likes": likes}
    for table in sys.argv[1:] or tables:
        tables[table]()

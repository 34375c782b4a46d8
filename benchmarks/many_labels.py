"""Choose the settings of notebook 08 and measure what it compares: three tables beside it.

    python benchmarks/many_labels.py            # everything, or some of these:
    python benchmarks/many_labels.py search     # prints what the arms choose
    python benchmarks/many_labels.py thresholds # labels_thresholds.csv: one, ten, or 0.5
    python benchmarks/many_labels.py costs      # labels_costs.csv: formula or search
    python benchmarks/many_labels.py likes      # likes.csv: popularity, neighbours, model

Each arm chooses its settings on an inner split of the training part. `LESSON5_DIGITS` and
`LESSON5_RATINGS` say on which data; rows of other data in the tables stay. The functions stand
in the notebook, and are taken from its cells. All of it takes about two minutes on one core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np
import torch
from shared import Row, write
from torch import Tensor

from lesson5_utils import datasets, training
from lesson5_utils.book.index import namespace

RATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
LIKE_RATES, LIKE_WDS = (0.005, 0.01, 0.02, 0.05), (0.1, 0.3, 1, 3)
SHRINKS, PULLS = (0, 1, 5, 20, 100), (10, 50, 200, 500, 1000, 2000)
STEPS = np.arange(0.02, 0.99, 0.02)
ENDS = np.array([0.001, 0.002, 0.005, 0.01])  # the cheapest threshold may lie far out
FINE = np.concatenate([ENDS, STEPS, 1 - ENDS[::-1]])
SEEDS, SPLITS = range(8), (42, 1, 2, 3, 4)

Cells = dict[str, Any]

PAIRS = ("imports", "pairs", "labels-train", "soft-train", "both-bet", "answer-bce", "bce")
LIKES = (
    "answer-negatives",
    "like-data",
    "with-negatives",
    "like-train",
    "opponents",
    "auc",
    "judge",
    "like-truth",
    "zero-arms",
)


def best_of(
    name: str, choices: Iterable[Any], score: Callable[[Any], float], chosen: Any
) -> None:
    """Print the score of each choice, the best, and what the notebook has."""
    found = {one: score(one) for one in choices}
    shown = "  ".join(f"{one}: {value:.3f}" for one, value in found.items())
    best = max(found, key=found.__getitem__)
    print(f"{name:12} {shown}\n{'':12} best {best}, notebook has {chosen}", flush=True)


# --- labels ------------------------------------------------------------------------------


def f1(p: Tensor, true: Tensor, threshold: Any = 0.5) -> float:
    named = p > threshold
    return float(2 * (named & true).sum() / (named.sum() + true.sum()).clamp(min=1))


def best_threshold(p: Tensor, true: Tensor) -> float:
    return float(max(STEPS, key=lambda step: f1(p, true, step)))


def label_arms(cells: Cells) -> dict[str, tuple[Any, Any, float]]:
    """Loss, what makes probabilities, and the notebook's rate."""
    return {
        "sigmoid": (cells["bce"], torch.sigmoid, 0.05),
        "softmax": (cells["soft_loss"], lambda scores: scores.softmax(dim=1), 0.02),
    }


def search_labels(cells: Cells) -> None:
    """The rate with the best F1 at its best threshold, on pictures of other digits."""
    x, y = cells["digits"].train
    cut = len(y) * 3 // 4
    inner = (
        cells["make_pairs"](x[:cut], y[:cut], 6000, 0),
        cells["make_pairs"](x[cut:], y[cut:], 1000, 1),
    )
    for arm, (loss, to_p, chosen) in label_arms(cells).items():

        def score(lr: float, loss: Any = loss, to_p: Any = to_p) -> float:
            nets = [cells["train_net"](loss, lr, seed, data=inner) for seed in range(10, 13)]
            ps, true = [to_p(training.predict(net, inner[1])) for net in nets], inner[1][1] == 1
            return float(np.mean([f1(p, true, best_threshold(p, true)) for p in ps]))

        best_of(arm, RATES, score, chosen)


def thresholds(cells: Cells) -> Iterator[Row]:
    """One threshold chosen by F1 on validation, one for each label, and 0.5."""
    parts = {"valid": cells["valid_pairs"], "test": cells["test_pairs"]}
    true = {part: pairs[1] == 1 for part, pairs in parts.items()}
    for (arm, (loss, to_p, lr)), seed in product(label_arms(cells).items(), SEEDS):
        net = cells["train_net"](loss, lr, seed)
        p = {part: to_p(training.predict(net, pairs)) for part, pairs in parts.items()}
        one = best_threshold(p["valid"], true["valid"])
        own = torch.tensor(
            [best_threshold(p["valid"][:, k], true["valid"][:, k]) for k in range(10)]
        ).float()
        row: Row = {"arm": arm, "seed": seed, "threshold": one}
        for part in parts:
            row[f"one_{part}"] = f1(p[part], true[part], one)
            row[f"own_{part}"] = f1(p[part], true[part], own)
            row[f"half_{part}"] = f1(p[part], true[part])
        yield row


def costs(cells: Cells) -> Iterator[Row]:
    """What a test picture costs at the formula's threshold, a searched one, and 0.5."""
    namespace("08", "answer-thresholds", "customers", into=cells)
    parts = cells["valid_pairs"], cells["test_pairs"]
    true = [pairs[1] == 1 for pairs in parts]
    loss, _, lr = label_arms(cells)["sigmoid"]
    for epochs, seed in product((3, 20), SEEDS):
        net = cells["train_net"](loss, lr, seed, epochs)
        p = [training.predict(net, pairs).sigmoid() for pairs in parts]
        for who, prices in cells["customers"].items():

            def on(part: int, step: float, prices: Any = prices, p: Any = p) -> float:
                return float(cells["cost"](p[part] > step, true[part], *prices))

            searched = min(FINE, key=lambda step, on=on: on(0, step))
            row = {
                "epochs": epochs,
                "seed": seed,
                "who": who,
                "formula": on(1, formula(prices)),
            }
            yield row | {"searched": on(1, searched), "half": on(1, 0.5), "at": searched}


def formula(prices: tuple[float, float]) -> float:
    return prices[0] / sum(prices)


# --- likes -------------------------------------------------------------------------------


def neighbours(liked: Tensor, shrink: float) -> Tensor:
    """The notebook's, which has no shrink: likeness by few users counts less."""
    together = liked.float().T @ liked.float()
    size = together.diag().clamp(min=1).sqrt()
    alike = together / (size[:, None] * size + shrink)
    return liked.float() @ alike.fill_diagonal_(0)


def split_likes(ratings: Any, split: int) -> Cells:
    """The cells about likes, as if the ratings had been split by another seed."""

    class Split:
        def __getattr__(self, name: str) -> Any:
            return getattr(ratings, name)

        def __len__(self) -> int:
            return len(ratings)

        def split(self) -> Any:
            return ratings.split(seed=split)

    class Datasets:
        measured = staticmethod(datasets.measured)
        load_ratings = staticmethod(Split)

    cells = namespace("08", "imports", "answer-bce", "bce")
    cells["datasets"] = Datasets
    namespace("08", *LIKES, into=cells)
    return cells


def judged(cells: Cells, scores: Tensor) -> Row:
    """The notebook's three numbers, AUC against bad ratings, and liked films unseen."""
    bad = cells["table_of"](cells["held_out"]) & ~cells["wanted"]
    ten = cells["top_ten"](scores, cells["unseen"])
    return cells["judge"](scores) | {
        "AUC rated": cells["auc"](scores, cells["wanted"], bad),
        "unseen": float(cells["would_like"].gather(1, ten).float().mean()),
    }


def search_likes(ratings: Any) -> None:
    """On an inner split: what ranks by precision@10, the others by AUC on their question."""
    cells = split_likes(ratings.split()[0], 1)
    choices = list(product(LIKE_RATES, LIKE_WDS))
    own: dict[str, Callable[[Row], float]] = {
        "liked": lambda row: row["precision@10"],
        "seen": lambda row: row["precision@10"],
        "rated": lambda row: row["AUC rated"],
        "both": lambda row: (row["AUC"] + row["AUC rated"]) / 2,
    }
    for kind, data in cells["zeros"].items():

        def score(pair: tuple[float, float], data: Any = data, kind: str = kind) -> float:
            runs = [cells["train_like"](data, *pair, seed) for seed in (10, 11)]
            return float(np.mean([own[kind](judged(cells, run)) for run in runs]))

        best_of(kind, choices, score, cells["settings"][kind])

    def ranked(make: Callable[[Tensor, Any], Tensor]) -> Callable[[Any], float]:
        return lambda knob: float(cells["judge"](make(cells["liked"], knob))["precision@10"])

    best_of("neighbours", SHRINKS, ranked(neighbours), 0)
    best_of("EASE", PULLS, ranked(ease), 500)


def ease(liked: Tensor, pull: float) -> Tensor:
    """The notebook's, with its pull as it is."""
    together = liked.float().T @ liked.float()
    inverse = torch.linalg.inv(together + pull * torch.eye(len(together)))
    return liked.float() @ (-inverse / inverse.diag()).fill_diagonal_(0)


def likes(ratings: Any) -> Iterator[Row]:
    """Every arm on five splits; each split has its own negatives and its own seed."""
    for split in SPLITS:
        cells = split_likes(ratings, split)
        scores = {
            "popularity": cells["popularity"],
            "neighbours": cells["neighbours"](cells["liked"]),
            "EASE": ease(cells["liked"], 500),
        }
        for kind, data in cells["zeros"].items():
            arm = "model" if kind == "liked" else kind
            scores[arm] = cells["train_like"](data, *cells["settings"][kind], seed=split)
        columns = zip(*more_negatives(cells), strict=True)
        scores["model, 4 negatives"] = cells["train_like"](
            [torch.cat(column) for column in columns], *cells["settings"]["liked"], seed=split
        )
        for arm, one in scores.items():
            yield {"arm": arm, "split": split, **judged(cells, one)}


def more_negatives(cells: Cells, often: int = 4) -> list[tuple[Tensor, ...]]:
    """The likes once, with their negatives, and then the negatives of three more draws."""
    drawn = [cells["with_negatives"](cells["likes"], cells["liked"], k) for k in range(often)]
    noes = [tuple(part[~one[2]] for part in one) for one in drawn[1:]]
    return [drawn[0], *noes]


def main(wanted: list[str]) -> None:
    wanted = wanted or ["search", "thresholds", "costs", "likes"]
    ratings = datasets.load_ratings()
    if {"search", "thresholds", "costs"} & set(wanted):
        cells = namespace("08", *PAIRS)
        digits = cells["digits"].name
    if "search" in wanted:
        search_labels(cells)
        search_likes(ratings)
    if "thresholds" in wanted:
        write("labels_thresholds", thresholds(cells), data=digits)
    if "costs" in wanted:
        write("labels_costs", costs(cells), data=digits)
    if "likes" in wanted:
        write("likes", likes(ratings), data=ratings.name)


if __name__ == "__main__":
    main(sys.argv[1:])

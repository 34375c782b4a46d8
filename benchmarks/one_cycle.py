"""Measure what notebook 06 says of schedules, and write it as tables beside this file.

    python benchmarks/one_cycle.py rates    # one_cycle.csv: 24 nets for each schedule and rate
    python benchmarks/one_cycle.py pairs    # one_cycle_pairs.csv: the same on fresh splits
    python benchmarks/one_cycle.py flat     # one_cycle_flat.csv: how fast the loss rises
    python benchmarks/one_cycle.py race     # one_cycle_race.csv: epochs to a target, on MNIST
    python benchmarks/one_cycle.py more     # one_cycle_more.csv: 16 bits, small pictures first

Nets, schedules and the way to train them are those of the notebook. `rates`, `pairs` and `flat`
run on the digits that `LESSON5_DIGITS` names and keep what the table holds of others; `race`
needs `LESSON5_DIGITS=mnist`, and `more` takes the bundled digits. On one idle core: the bundled
digits three to six minutes each, MNIST four to ten.

Accuracies are shares of the validation and of the test pictures, or of all that took no part
in training ("right"). `rise` is the rise of the loss that the notebook measures, `loss` the
loss of the same 1,000 training pictures at the net itself.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from shared import Row, write
from torch import nn

from lesson5_utils import schedules
from lesson5_utils.book.index import namespace
from lesson5_utils.hooks import Hook

CELLS = ("imports", "digits", "plans", "train", "answer-direction", "direction", "along")
CELLS += ("compared", "halve", "small-first", "bits")
names = namespace("06", *CELLS)
digits, train, accuracy = names["digits"], names["train"], names["accuracy"]
REAL = digits.name == "mnist"

one_cycle = schedules.one_cycle
PARTS: dict[str, Callable[[int, int], tuple[float, float]]] = {
    "rise only": lambda i, n: (one_cycle(i, n)[0] if i < n / 4 else 1, 0.9),
    "step": lambda i, n: (1 if i < n * 2 / 3 else 0.1, 0.9),
    "restarts": lambda i, n: (schedules.cosine(1, 0, i % (n / 4) / (n / 4)), 0.9),
    "cycle, momentum 0.9": lambda i, n: (one_cycle(i, n)[0], 0.9),
}
names["plans"].update({} if REAL else PARTS)
RATES = (0.00125, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
BUDGETS = (1, 2, 3, 4, 6)
LONGEST = 20  # epochs of a constant rate, whose one run holds all its budgets
RACE = {"one-cycle": (0.005, 0.01, 0.02), "fall only": (0.0025, 0.005, 0.01, 0.02)}
RACE["constant"] = (0.0005, 0.001, 0.002, 0.004, 0.008)
PAIRS = {"constant": (0.005,), "fall only": (0.01, 0.02), "one-cycle": (0.01, 0.02)}
PAIRS |= {"step": (0.01,), "cycle, momentum 0.9": (0.02,)}
if REAL:  # its 20,000 other pictures are jury enough
    PAIRS = {"constant": (0.002,), "fall only": (0.01,), "one-cycle": (0.01,)}


def both(net: nn.Module) -> Row:
    """The shares that a net reads right."""
    return {"valid": accuracy(net, digits.valid), "test": accuracy(net, digits.test)}


def rates() -> Iterator[Row]:
    """Four epochs of every schedule at every rate."""
    for seed in range(3 if REAL else 24):
        for plan in names["plans"]:
            for lr in RATES[:7] if REAL else RATES:
                row = {"plan": plan, "lr": lr, "seed": seed}
                yield row | both(train(plan, lr, seed=seed))


def pairs() -> Iterator[Row]:
    """Four epochs, judged on all other digits; the bundled ones are parted anew each time."""
    parts = zip(digits.train, digits.valid, digits.test, strict=True)
    x, y = (torch.cat(tensors) for tensors in parts)
    for seed in range(8 if REAL else 40):
        order = torch.randperm(len(y), generator=torch.Generator().manual_seed(1000 + seed))
        order = torch.arange(len(y)) if REAL else order
        learn, judge = order[: len(digits.train[1])], order[len(digits.train[1]) :]
        for plan, tried in PAIRS.items():
            for lr in tried:
                net = train(plan, lr, seed=seed, data=(x[learn], y[learn]))
                right = accuracy(net, (x[judge], y[judge]))
                row = {"plan": plan, "lr": lr}
                yield row | {"seed": seed, "right": right}


def flat() -> Iterator[Row]:
    """How fast the loss rises around nets of three schedules, after 4 and 12 epochs."""
    schedules_of = ("constant", "fall only", "one-cycle")
    arms = [(p, n, lr) for n in (4, 12) for p in schedules_of for lr in RATES[1:6]]
    if REAL:  # those that the notebook compares
        arms = [*names["compared"].values()]
    for seed in range(3 if REAL else 8):
        for plan, epochs, lr in arms:
            net = train(plan, lr, epochs, seed)
            row = {"plan": plan, "epochs": epochs, "lr": lr}
            loss = float(names["along"](net, {}, [0])[0])
            row |= {"seed": seed, "rise": names["rise"](net), "loss": loss}
            yield row | {"right": sum(both(net).values()) / 2}


class EachEpoch(Hook):
    """What the net reads right after each epoch."""

    def __init__(self) -> None:
        self.seen: list[Row] = []

    def after_epoch(self, run: Any) -> None:
        self.seen.append(both(run.model))


def race() -> Iterator[Row]:
    """MNIST: each schedule with each budget at each rate; of the constant one, one long run."""
    for plan, tried in RACE.items():
        for epochs in (LONGEST,) if plan == "constant" else BUDGETS:
            for lr in tried:
                for seed in range(3):
                    watch = EachEpoch()
                    train(plan, lr, epochs, seed, hooks=[watch])
                    start = 1 if plan == "constant" else epochs
                    for budget, shares in enumerate(watch.seen[start - 1 :], start=start):
                        yield {
                            "plan": plan,
                            "lr": lr,
                            "seed": seed,
                            "epochs": budget,
                            **shares,
                        }


def more() -> Iterator[Row]:
    """The appendix: numbers of 16 bits, and small pictures first."""
    names["train_bits"]("mixed", 0)  # the first training of a process takes longer
    for seed in range(8):
        for way in names["bits_ways"]:
            for lr in (3e-3, 3e-5):
                began = time.process_time()
                net = names["train_bits"](way, seed, lr)
                row = {"part": "bits", "way": way, "lr": lr, "seed": seed}
                yield row | both(net) | {"seconds": time.process_time() - began}
    for seed in range(5):
        for way in names["ways"]:
            for lr in (0.02, 0.04, 0.08):
                began = time.process_time()
                net = names["train_sizes"](way, lr, seed)
                row = {"part": "sizes", "way": way, "lr": lr, "seed": seed}
                yield row | both(net) | {"seconds": time.process_time() - began}


TABLES = {"rates": "one_cycle", "pairs": "one_cycle_pairs", "flat": "one_cycle_flat"}
TABLES |= {"race": "one_cycle_race", "more": "one_cycle_more"}
MAKERS = {"rates": rates, "pairs": pairs, "flat": flat, "race": race, "more": more}

if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("LESSON5_THREADS", "1")))
    for chosen in sys.argv[1:] or ("rates", "pairs", "flat", "more"):
        of = {} if chosen in {"race", "more"} else {"data": digits.name}
        write(TABLES[chosen], MAKERS[chosen](), **of)

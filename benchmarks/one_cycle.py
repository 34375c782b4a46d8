"""Choose the rates of notebook 06, and measure what the schedules give.

    python benchmarks/one_cycle.py            # epochs and seconds to the target accuracy
    python benchmarks/one_cycle.py parts      # which part of the schedule gives the gain
    python benchmarks/one_cycle.py sizes      # rates for progressive resizing

Runs on the digits that `LESSON5_DIGITS` names (default: the bundled sample), with the
schedules, the training loop and the target that stand in the notebook. A rate is chosen for
each budget with seeds 0 to 2, on pictures that take no part in the judgement: the validation
part of MNIST; for the sample, where the notebook also judges on that, the last 500 training
pictures. What is judged has seeds 3 to 5, as in the notebook: target and budget were set while
looking at the first three. On one idle core: MNIST about seven minutes, the sample two.
"""

from __future__ import annotations

import sys
from functools import cache, partial

import numpy as np

from lesson5_utils.book.index import namespace

LONGEST = 20  # epochs that a constant rate may try
BUDGETS = (2, 3, 4, 5, 6, 8)
RATES = {
    "constant": (5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
    "rise only": (5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2),
}
HIGH = (5e-3, 1e-2, 2e-2, 4e-2)  # for schedules that end low
CELLS = ("imports", "digits", "plans", "unseen", "settings", "train", "halve", "train-sizes")

names = namespace("06", *CELLS)
digits, chosen = names["digits"], names["settings"]
if digits.name == "mnist":
    RATES |= {"constant": (5e-4, 1e-3, 2e-3, 4e-3), "rise only": (1e-3, 2e-3, 4e-3)}
    HIGH = (5e-3, 1e-2, 2e-2)
    BUDGETS = (3, 4, 5, 6)


@cache
def choosing(plan: str, lr: float, epochs: int) -> np.ndarray:
    """Accuracy on pictures kept for choosing, [seeds, epochs]."""
    data, kept = digits.train, digits.valid
    if digits.name != "mnist":
        data, kept = ([part[:-500] for part in data], [part[-500:] for part in data])
    look = partial(names["accuracy"], part=kept)
    runs = [names["train"](plan, lr, epochs, seed, data=data, look=look) for seed in range(3)]
    return np.array([seen for _, seen, _ in runs])


@cache
def judged(plan: str, lr: float, epochs: int) -> tuple[np.ndarray, float]:
    """Accuracy on the pictures that judge, [seeds, epochs], and the mean seconds."""
    runs = [names["train"](plan, lr, epochs, seed) for seed in range(3, 6)]
    return np.array([seen for _, seen, _ in runs]), float(np.mean([run[2] for run in runs]))


def best_rate(plan: str, epochs: int) -> float:
    """The rate that is best for this budget on the pictures for choosing."""
    rates = RATES.get(plan, HIGH)
    return max(rates, key=lambda lr: choosing(plan, lr, epochs)[:, -1].mean())


def show(plan: str, lr: float, epochs: int, accuracies: np.ndarray, seconds: float) -> None:
    """Print one line of the tables."""
    each = " ".join(f"{value:.2%}" for value in accuracies)
    line = f"{plan:22} lr {lr:<7g} {epochs:3} epochs {seconds:5.1f} s   mean"
    print(f"{line} {accuracies.mean():.2%}   seeds {each}", flush=True)


def constant(target: float) -> None:
    """The constant rate: one run holds all budgets, so each may have its own rate."""
    runs = {lr: choosing("constant", lr, LONGEST) for lr in RATES["constant"]}
    for epochs in (*BUDGETS, 10, 12, 16, LONGEST):
        lr = max(runs, key=lambda lr: runs[lr][:, epochs - 1].mean())
        seen, seconds = judged("constant", lr, LONGEST)
        show("constant", lr, epochs, seen[:, epochs - 1], seconds * epochs / LONGEST)
    last = {lr: run[:, -3:].mean() for lr, run in runs.items()}  # three epochs: less noise
    print(f"constant: best at the end, for choosing: {max(last, key=last.__getitem__):g}")
    for lr in runs:
        seen, _ = judged("constant", lr, LONGEST)
        mean = seen.mean(axis=0)
        touched = f"epoch {np.argmax(mean >= target) + 1}" if mean.max() >= target else "never"
        print(
            f"  lr {lr:<7g} mean touches the target: {touched}; is above it in the last 3 "
            f"epochs: {bool(mean[-3:].min() >= target)}; highest mean {mean.max():.2%}"
        )


def to_the_target() -> None:
    """Print the smallest budget with which each schedule reaches the target."""
    target = chosen["target"]
    print(f"{digits}; target {target:.1%}, judged on {len(names['unseen'][1]):,} pictures")
    for plan in ("one-cycle", "fall only", "step"):
        for epochs in BUDGETS:
            lr = best_rate(plan, epochs)
            seen, seconds = judged(plan, lr, epochs)
            show(plan, lr, epochs, seen[:, -1], seconds)
            if seen[:, -1].mean() >= target:
                break
    constant(target)


def parts() -> None:
    """Print every schedule with the budget that the notebook gives one-cycle."""
    epochs = chosen["epochs"]
    for plan in names["plans"]:
        lr = best_rate(plan, epochs)
        seen, seconds = judged(plan, lr, epochs)
        show(plan, lr, epochs, seen[:, -1], seconds)
        if plan in chosen["rates"]:
            print(f"{'':22} notebook has {chosen['rates'][plan]:g}")
    for plan in ("fall only", "one-cycle"):  # is a rate that is too high forgiven?
        for lr in (2 * HIGH[-1], 4 * HIGH[-1]):
            seen, seconds = judged(plan, lr, epochs)
            show(plan, lr, epochs, seen[:, -1], seconds)


def sizes() -> None:
    """Print the validation accuracy of both ways of resizing at each rate."""
    for way, stages in names["ways"].items():
        for lr in (1e-2, 2e-2, 4e-2, 8e-2):
            found = [names["train_sizes"](stages, lr, s, digits.valid) for s in range(3)]
            values, seconds = np.array(found).T
            show(way, lr, sum(epochs for _, epochs in stages), values, seconds.mean())


if __name__ == "__main__":
    {"parts": parts, "sizes": sizes}.get(" ".join(sys.argv[1:]), to_the_target)()

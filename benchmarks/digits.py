"""Measure the digits half of the course: accuracy and time, beside other ways to train.

    python benchmarks/digits.py

One epoch of 784-50-10 with one-cycle at 1e-2 and batches of 64, on the digits that
`LESSON5_DIGITS` names (default: the bundled sample). "DataLoader" is the same model and
optimizer in the loop of PyTorch's own tutorials; scikit-learn's `MLPClassifier` trains the same
net its own way. The last two lines are one epoch of the convolutional net, whole and with its
body (random numbers here) frozen, for the time that freezing saves (notebook 09). Each time is
the best of three.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from lesson5_utils import datasets, models, schedules, training
from lesson5_utils.datasets import Digits

LR, BATCH = 1e-2, 64


def ours(digits: Digits, make: Callable[[], nn.Module] = models.TwoLayerNet) -> float:
    """Test accuracy after one epoch of `training.fit`."""
    training.set_seed(0)
    net = make()
    training.fit(
        net,
        digits.train,
        digits.valid,
        1,
        LR,
        batch_size=BATCH,
        loss=F.cross_entropy,
        seed=0,
        progress=False,
    )
    return _accuracy(training.predict(net, digits.test).argmax(dim=1).numpy(), digits)


def by_dataloader(digits: Digits) -> float:
    """The same training, with a `DataLoader` and torch's own scheduler."""
    training.set_seed(0)
    model = models.TwoLayerNet()
    loader = DataLoader(TensorDataset(*digits.train), batch_size=BATCH, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), LR, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, total_steps=len(loader), pct_start=schedules.PCT_START
    )
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    training.evaluate(model, digits.valid, F.cross_entropy)
    return _accuracy(training.predict(model, digits.test).argmax(dim=1).numpy(), digits)


def by_sklearn(digits: Digits) -> float:
    """scikit-learn's own net of the same size, one epoch of Adam."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier((50,), batch_size=BATCH, max_iter=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # one epoch is what we ask for
        net.fit(digits.train[0].numpy(), digits.train[1].numpy())
    return _accuracy(net.predict(digits.test[0].numpy()), digits)


def frozen() -> nn.Module:
    """The convolutional net with only its head learning."""
    model = models.ConvNet()
    training.freeze_to(model, -1)
    return model


def _accuracy(predicted: Any, digits: Digits) -> float:
    return float(np.mean(np.asarray(predicted) == digits.test[1].numpy()))


def compare() -> None:
    """Print one line per way: test accuracy, seconds, and time as a ratio to ours."""
    digits = datasets.load_digits()
    ways = {
        "lesson5_utils": ours,
        "DataLoader loop": by_dataloader,
        "MLPClassifier": by_sklearn,
    }
    ways["ConvNet"] = partial(ours, make=models.ConvNet)
    ways["ConvNet, frozen"] = partial(ours, make=frozen)
    print(f"{digits}\n784-50-10, one epoch, lr {LR}, batches of {BATCH}")
    print(f"{'':18}{'accuracy':>10}{'seconds':>10}{'ratio':>8}")
    reference = None
    for name, way in ways.items():
        accuracy, seconds = min((_timed(way, digits) for _ in range(3)), key=itemgetter(1))
        reference = reference or seconds
        print(f"{name:18}{accuracy:10.4f}{seconds:10.2f}{seconds / reference:7.1f}×")


def _timed(way: Callable[[Digits], float], digits: Digits) -> tuple[float, float]:
    started = time.perf_counter()
    accuracy = way(digits)
    return accuracy, time.perf_counter() - started


if __name__ == "__main__":
    compare()

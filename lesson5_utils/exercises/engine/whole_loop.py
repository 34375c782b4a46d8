"""A learner's training loop, run under watch and judged by what it did."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lesson5_utils.exercises.engine.compare import WrongForm, numbers
from lesson5_utils.exercises.engine.watch import Watch

__all__ = ["judge_loop"]

CLOSE = 1e-3  # two accuracies within this are the same
LEARNED = 0.88  # the share of right answers that a net with a hidden layer reaches with ease
TOO_LITTLE = (
    "the model learns too little. Each class lives in two places here, so one affine layer "
    "cannot do it: is there a hidden layer with a ReLU, and a rate at which it learns within "
    "these epochs?"
)

Broken = Callable[[Watch, Any, Tensor, int], bool]

RULES: tuple[tuple[Broken, str], ...] = (
    (
        lambda watch, *_: not watch.trained,
        "nothing is trained: no gradient was ever asked for. Call loss.backward() for every "
        "batch",
    ),
    (
        lambda watch, *_: watch.learned_from_valid,
        "the model learns from the validation rows, so its accuracy on them says nothing about "
        "new rows. Train on x and y only",
    ),
    (
        lambda watch, *_: watch.remade,
        "a new optimizer is made again and again, so whatever it remembers of the gradients is "
        "lost. Make it once, before the loops",
    ),
    (
        lambda watch, *_: watch.stands_still,
        "the weights never move. Is there a step, and has the optimizer got the parameters of "
        "this model?",
    ),
    (
        lambda watch, *_: not watch.finite,
        "the loss became infinite or nan (not a number). Is the rate too high?",
    ),
    (
        lambda watch, *_: watch.stale,
        "old gradients are added to new ones. Set them to zero in each step, before backward()",
    ),
    (
        lambda watch, *_: not watch.falls,
        "the loss of the training rows does not fall. Does each step go against the gradient, "
        "and far enough? And is it this model that you return?",
    ),
    (
        lambda watch, *_: watch.largest_share > 0.9,
        "all rows are in one batch. Cut them into mini-batches, of 32 rows for instance",
    ),
    (
        lambda watch, model, y, _: not watch.is_cross_entropy(model, y),
        "the loss is not the cross-entropy of the scores. F.cross_entropy takes scores: no "
        "softmax before it, nor as the last layer of the model",
    ),
    (
        lambda watch, model, y, epochs: watch.passes_at_most(epochs) < 0.7,
        "an epoch must go over all rows, batch after batch; here some are left out",
    ),
    (
        lambda watch, model, y, epochs: len(watch.backwards) == epochs,
        "there is only one batch an epoch, and so only one step. Cut all rows into "
        "mini-batches, of 32 rows for instance",
    ),
    (
        lambda watch, model, y, epochs: watch.passes(epochs) > 1.4,
        "rows are used several times in an epoch. Do the batches overlap?",
    ),
)
"""What must not be seen of (watch, model, y, epochs), the gravest first."""


def judge_loop(
    train: Callable[..., Any],
    x: Tensor,
    y: Tensor,
    valid_x: Tensor,
    valid_y: Tensor,
    epochs: int,
) -> dict[str, str]:
    """Watch the training, then measure the returned model on the held-out rows ourselves.

    Args:
        train: the learner's, returns a model and one accuracy for each epoch.
        x, y: rows to learn from, [n, features], and their classes, int64 [n].
        valid_x, valid_y: rows held out.

    Raises:
        WrongForm: something else was returned, or the loop did what it must not do.
    """
    with _one_thread():  # small products: more threads wait for each other
        watch, result = _watched(train, x, y, valid_x, valid_y, epochs)
        model, reported = _model_and_accuracies(result)

        def measure() -> float:
            with torch.no_grad():
                return float((model(valid_x).argmax(dim=1) == valid_y).float().mean())

        share, last = measure(), float(reported[-1]) if len(reported) else math.nan
        true = watch.after_each_epoch(model, epochs, measure)
        for broken, told in RULES:
            if broken(watch, model, y, epochs):
                raise WrongForm(told)
    if share < LEARNED:
        raise WrongForm(TOO_LITTLE)
    honest = abs(last - share) < CLOSE
    if honest and true and len(reported) == epochs and _invented(reported, true):
        raise WrongForm(
            "the last accuracy is right, but the others are not those that the model had: "
            "measure it on valid_x and valid_y after every epoch"
        )
    return {
        "accuracies": f"{len(reported)} for {epochs} epochs",
        "last accuracy": "of the held-out rows" if honest else "another",
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _watched(train: Callable[..., Any], *case: Any) -> tuple[Watch, Any]:
    x, y, valid_x, *rest = case
    watch = Watch(x, valid_x)
    try:
        with watch:
            result = train(watch.given_x, y, watch.given_valid_x, *rest)
    except RuntimeError as error:
        if "grad" not in str(error):
            raise
        # such as x.numpy(), refused by rows that carry gradients: the rows are not watched
        watch = Watch(x, valid_x)
        with watch:
            return watch, train(*case)
    x.copy_(watch.given_x.detach())  # the engine asks whether the inputs were left alone
    valid_x.copy_(watch.given_valid_x.detach())
    return watch, result


def _model_and_accuracies(result: Any) -> tuple[Any, np.ndarray]:
    if not (isinstance(result, tuple | list) and len(result) == 2):
        raise WrongForm("return two, the model first: return model, accuracies")
    model, reported = result
    with suppress(TypeError, ValueError):
        shares = numbers(reported)
        if callable(model) and shares.ndim and shares.size == len(shares):
            return model, shares.flatten()
    raise WrongForm("return the model first, then a list with one accuracy for each epoch")


def _invented(reported: np.ndarray, true: list[float]) -> bool:
    """A few may be off: equal scores fall this way or that."""
    return bool((np.abs(reported - np.array(true)) > CLOSE).mean() > 0.1)

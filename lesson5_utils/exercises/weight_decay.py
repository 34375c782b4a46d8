"""Checks for notebook 03: the penalty, what it does, its gradient, how a fair grid grows."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lesson5_utils.exercises import exercise, real_numbers, whole_numbers

__all__ = ["gradient", "penalty", "trends", "widen"]

# --- penalty -----------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        ([torch.tensor([3.0, -4.0]), torch.tensor([[2.0]])], 0.1),
        ([whole_numbers(2, 3), whole_numbers(2, seed=1)], 0.5),
        ([real_numbers(4, seed=7), real_numbers(1, 2, seed=8), real_numbers(3, seed=9)], 0.01),
        ([real_numbers(2, 2).double() / 1000], 1e-3),
        ([torch.zeros(3), torch.zeros(2, 1)], 0.1),
    ],
    gradients=["params"],
    why="Every weight of every layer is in it, and none can hide behind another: a square is "
    "never negative. wd says how much a large weight costs.",
)
def penalty(params: list[Tensor], wd: float) -> Tensor:
    return wd * torch.stack([(p**2).sum() for p in params]).sum()


penalty.slip(
    "the weights are not squared. Positive and negative weights cancel, so two huge weights of "
    "opposite sign would cost nothing.",
    lambda params, wd: wd * sum(p.sum() for p in params),
)
penalty.slip(
    "that is the sum of the sizes |w|; square them. A square charges a large weight more than "
    "many small ones.",
    lambda params, wd: wd * sum(p.abs().sum() for p in params),
)
penalty.slip(
    "that is the length of each tensor, the root of its sum of squares: square it again.",
    lambda params, wd: wd * sum(p.norm() for p in params),
)
penalty.slip(
    "you took the mean of each tensor. A wide layer would then cost no more than a narrow one: "
    "take the sum.",
    lambda params, wd: wd * sum((p**2).mean() for p in params),
)
penalty.slip(
    "only the first tensor is counted: the function returns inside the loop.",
    lambda params, wd: wd * (params[0] ** 2).sum(),
)
penalty.slip(
    "only the last tensor is counted: the loop forgets what it had. Add up with +=.",
    lambda params, wd: wd * (params[-1] ** 2).sum(),
)
penalty.slip(
    "wd is missing: without it the penalty may outweigh the loss.",
    lambda params, wd: sum((p**2).sum() for p in params),
)
penalty.slip(
    "you squared the sum of each tensor; square each weight, then add up.",
    lambda params, wd: wd * sum(p.sum() ** 2 for p in params),
)
penalty.slip(
    "that is half of it: no 1/2 belongs to this penalty.",
    lambda params, wd: wd * sum((p**2).sum() for p in params) / 2,
)

# --- trends ------------------------------------------------------------------------------

WAYS = ("rises", "falls", "falls, then rises", "stays")


@exercise(
    kind="predict",
    choices=WAYS,
    why="Only one of the five turns round: the one that was measured on other points. So only "
    "validation can choose wd.",
)
def trends() -> dict[str, str]:
    return {
        "training error": "rises",
        "validation error": "falls, then rises",
        "sum of squares": "falls",
        "effective number": "falls",
        "number of weights": "stays",
    }


def _but(**changed: str) -> dict[str, str]:
    return trends.reference() | {key.replace("_", " "): way for key, way in changed.items()}


trends.slip(
    "the number of weights: look at the bars. They get short, but none is taken away.",
    lambda: _but(number_of_weights="falls"),
)
trends.slip(
    "the training error: without a penalty it is already as low as it can be, and whatever "
    "else you ask for can only cost some of that.",
    lambda: _but(training_error="falls, then rises"),
)
trends.slip(
    "the training error: it belongs to the points that were fitted. Can it fall, if the fit "
    "has to please the penalty as well?",
    lambda: _but(training_error="falls"),
)
trends.slip(
    "the validation error: at the right end of the figure the curve is nearly flat. Is that "
    "close to new points?",
    lambda: _but(validation_error="falls"),
)
trends.slip(
    "the validation error: compare the first two panels of the figure. Which curve would you "
    "trust between the points?",
    lambda: _but(validation_error="rises"),
)

# --- gradient ----------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([1.0, 0.0]), torch.tensor([5.0, -3.0]), 0.1),
        (whole_numbers(4), whole_numbers(4, seed=1), 0.5),
        (real_numbers(2, 3, seed=2), real_numbers(2, 3, seed=3), 0.01),
        (real_numbers(3).double(), real_numbers(3, seed=1).double(), 1e-3),
        (torch.zeros(2), torch.zeros(2), 0.1),
    ],
    kind="diagnose",
    why="Each weight gets a pull towards 0 in proportion to its own size. The pull is 2·wd·w, "
    "so PyTorch's weight_decay, which adds weight_decay·w, must be 2·wd to do the same.",
)
def gradient(loss_gradient: Tensor, w: Tensor, wd: float) -> Tensor:
    return loss_gradient + 2 * wd * w


gradient.slip(
    "the 2 is missing: the derivative of w² is 2w.",
    lambda loss_gradient, w, wd: loss_gradient + wd * w,
)
gradient.slip(
    "you added the penalty wd·w² itself; here its derivative is asked for.",
    lambda loss_gradient, w, wd: loss_gradient + wd * w**2,
)
gradient.slip(
    "you added the whole penalty wd·Σw², one number; here its derivative is asked for, a "
    "number for each weight.",
    lambda loss_gradient, w, wd: loss_gradient + wd * (w**2).sum(),
)
gradient.slip(
    "you added up over all weights. The derivative for one weight contains only that weight: "
    "the other squares do not depend on it.",
    lambda loss_gradient, w, wd: loss_gradient + 2 * wd * w.sum(),
)
gradient.slip(
    "the sign is wrong: a minus would push the weights away from 0, because the step goes "
    "against the gradient.",
    lambda loss_gradient, w, wd: loss_gradient - 2 * wd * w,
)
gradient.slip(
    "that is the gradient of the penalty alone; add the one of the loss.",
    lambda loss_gradient, w, wd: 2 * wd * w,
)
gradient.slip(
    "that is the function as she wrote it, with both mistakes.",
    lambda loss_gradient, w, wd: loss_gradient - wd * w,
)

# --- widen -------------------------------------------------------------------------------

Errors = dict[float, list[float]]


@exercise(
    cases=lambda: [
        ({0.01: [0.65, 0.66], 0.1: [0.63, 0.64], 1.0: [0.70, 0.71]},),
        ({1e-4: [0.60, 0.61], 1e-3: [0.66, 0.65], 1e-1: [1.70, 1.72]},),
        ({0.01: [0.66, 0.66], 0.03: [0.65, 0.65], 0.1: [0.64, 0.63]},),
        ({0.1: [0.63, 0.66], 10.0: [1.1, 1.2], 1.0: [0.61, 0.60]},),  # in no order
        ({1.0: [0.7, 0.7], 0.01: [0.6, 0.6], 0.1: [0.65, 0.65]},),
        ({0.3: [0.62, 0.62], 3.0: [0.6, 0.6], 0.1: [0.65, 0.65], 1.0: [0.61, 0.61]},),
        # a lucky seed at an edge, in the first place and in the last; an unlucky one inside
        ({0.01: [0.60, 0.70, 0.71], 0.1: [0.63, 0.64, 0.62], 1.0: [0.72, 0.70, 0.73]},),
        ({0.01: [0.68, 0.70, 0.71], 0.1: [0.63, 0.64, 0.62], 1.0: [0.72, 0.75, 0.55]},),
        ({0.01: [0.65, 0.65, 0.66], 0.1: [0.70, 0.60, 0.61], 1.0: [0.71, 0.70, 0.72]},),
        ({0.01: [0.60, 0.61], 0.1: [0.64, 0.65], 1.0: [0.70, float("inf")]},),  # it diverged
    ],
    kind="design",
    why="A best value at the edge of a grid only says that the grid is too small. With this "
    "rule, and the same seeds for all, every arm gets the same chance.",
)
def widen(errors: Errors) -> str:
    means = {wd: sum(each) / len(each) for wd, each in errors.items()}
    best = min(means, key=means.__getitem__)
    if best == min(means):
        return "smaller"
    return "larger" if best == max(means) else "enough"


def _by(place: Callable[[list[float]], float], errors: Errors) -> str:
    return str(widen.reference({wd: [place(each)] for wd, each in errors.items()}))


widen.slip(
    "the two directions are swapped: if the smallest value is the best, go on to smaller ones.",
    lambda errors: {"smaller": "larger", "larger": "smaller"}.get(
        widen.reference(errors), "enough"
    ),
)
widen.slip(
    "only the first seed is looked at. One seed may be lucky: take the mean of all.",
    lambda errors: _by(lambda each: each[0], errors),
)
widen.slip(
    "the luckiest seed decides. Take the mean of all seeds.",
    lambda errors: _by(min, errors),
)
widen.slip(
    "the unluckiest seed decides. Take the mean of all seeds.",
    lambda errors: _by(max, errors),
)


@widen.slip(
    "the first and the last value are taken for the smallest and the largest, but they may "
    "come in any order: compare the values of wd."
)
def _(errors: Errors) -> str:
    means = [sum(each) / len(each) for each in errors.values()]
    at = means.index(min(means))
    return "smaller" if at == 0 else "larger" if at == len(means) - 1 else "enough"


@widen.slip("the worst value was taken instead of the best: the error should be low.")
def _(errors: Errors) -> str:
    return str(widen.reference({wd: [-sum(each)] for wd, each in errors.items()}))

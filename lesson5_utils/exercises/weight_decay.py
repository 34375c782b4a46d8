"""Checks for notebook 03: the penalty, its gradient, a decay step, Adam's first step."""

from __future__ import annotations

import torch
from torch import Tensor

from lesson5_utils.exercises import Exercise, Slip, whole_numbers

__all__ = ["decay_step", "first_adam", "gradient", "kept", "penalty"]

# --- penalty -----------------------------------------------------------------------------


def _layers(*shapes: tuple[int, ...], seed: int) -> list[Tensor]:
    """The parameters of a small model: whole numbers, so the sum is easy to check."""
    return [whole_numbers(*shape, seed=seed + i) for i, shape in enumerate(shapes)]


penalty = Exercise(
    name="penalty",
    reference=lambda params, wd: wd * sum((p**2).sum() for p in params),
    cases=lambda: [
        ([torch.tensor([3.0, -4.0]), torch.tensor([[2.0]])], 0.1),
        (_layers((2, 3), (2,), seed=0), 0.5),
        (_layers((4,), (1, 2), (3,), seed=7), 0.01),
    ],
    why="Every weight of every layer is in it, and none can hide behind another: a square is "
    "never negative. wd says how much a large weight costs.",
    slips=[
        Slip(
            "the weights are not squared. Positive and negative weights cancel, so two huge "
            "weights of opposite sign would cost nothing.",
            lambda params, wd: wd * sum(p.sum() for p in params),
        ),
        Slip(
            "you took the mean of each tensor. A wide layer would then cost no more than a "
            "narrow one: take the sum.",
            lambda params, wd: wd * sum((p**2).mean() for p in params),
        ),
        Slip(
            "only the first tensor is counted: the function returns inside the loop.",
            lambda params, wd: wd * (params[0] ** 2).sum(),
        ),
        Slip(
            "wd is missing: without it the penalty may outweigh the loss.",
            lambda params, wd: sum((p**2).sum() for p in params),
        ),
        Slip(
            "you squared the sum of each tensor; square each weight, then add up.",
            lambda params, wd: wd * sum(p.sum() ** 2 for p in params),
        ),
    ],
)

# --- gradient ----------------------------------------------------------------------------

gradient = Exercise(
    name="gradient",
    reference=lambda loss_gradient, w, wd: loss_gradient + 2 * wd * w,
    cases=lambda: [
        (torch.tensor([1.0, 0.0]), torch.tensor([5.0, -3.0]), 0.1),
        (whole_numbers(4), whole_numbers(4, seed=1), 0.5),
        (whole_numbers(2, 3, seed=2), whole_numbers(2, 3, seed=3), 0.01),
    ],
    why="Each weight gets a pull towards 0 in proportion to its own size. The pull is 2·wd·w, "
    "so PyTorch's weight_decay, which adds weight_decay·w, must be 2·wd to do the same.",
    slips=[
        Slip(
            "the 2 is missing: the derivative of w² is 2w.",
            lambda loss_gradient, w, wd: loss_gradient + wd * w,
        ),
        Slip(
            "you added the penalty wd·w² itself; here its derivative is asked for.",
            lambda loss_gradient, w, wd: loss_gradient + wd * w**2,
        ),
        Slip(
            "you added up over all weights. The derivative for one weight contains only that "
            "weight: the other squares do not depend on it.",
            lambda loss_gradient, w, wd: loss_gradient + 2 * wd * w.sum(),
        ),
        Slip(
            "the sign is wrong: a minus would push the weights away from 0, because the step "
            "goes against the gradient.",
            lambda loss_gradient, w, wd: loss_gradient - 2 * wd * w,
        ),
        Slip(
            "that is the gradient of the penalty alone; add the one of the loss.",
            lambda loss_gradient, w, wd: 2 * wd * w,
        ),
    ],
)

# --- decay_step --------------------------------------------------------------------------

decay_step = Exercise(
    name="decay_step",
    reference=lambda w, loss_gradient, lr, weight_decay: (
        w * (1 - lr * weight_decay) - lr * loss_gradient
    ),
    cases=lambda: [
        (torch.tensor([5.0, -3.0]), torch.tensor([0.0, 0.0]), 0.1, 0.5),
        (whole_numbers(4), whole_numbers(4, seed=1), 0.5, 0.2),
        (whole_numbers(2, 3, seed=2), whole_numbers(2, 3, seed=3), 0.1, 1.0),
    ],
    why="The weight loses a small share of itself, then takes the ordinary step. The gradient "
    "knows nothing of the decay: that is the whole difference from a penalty.",
    slips=[
        Slip(
            "lr is missing in the decay: the share that a weight loses in one step is "
            "lr · weight_decay.",
            lambda w, loss_gradient, lr, weight_decay: (
                w * (1 - weight_decay) - lr * loss_gradient
            ),
        ),
        Slip(
            "you decayed after the step, so the step itself was shrunk as well. Shrink the old "
            "weight only.",
            lambda w, loss_gradient, lr, weight_decay: (
                (w - lr * loss_gradient) * (1 - lr * weight_decay)
            ),
        ),
        Slip(
            "you kept only the share that should be lost: multiply by 1 - lr · weight_decay.",
            lambda w, loss_gradient, lr, weight_decay: (
                w * lr * weight_decay - lr * loss_gradient
            ),
        ),
        Slip(
            "the weights grow: the sign of the decay is wrong.",
            lambda w, loss_gradient, lr, weight_decay: (
                w * (1 + lr * weight_decay) - lr * loss_gradient
            ),
        ),
        Slip(
            "that is 2 · weight_decay. The 2 belongs to the penalty wd·Σw²; a decay has none.",
            lambda w, loss_gradient, lr, weight_decay: (
                w * (1 - 2 * lr * weight_decay) - lr * loss_gradient
            ),
        ),
    ],
)

# --- first_adam --------------------------------------------------------------------------


def _first_adam(
    w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float
) -> tuple[Tensor, Tensor]:
    penalty = w - lr * torch.sign(loss_gradient + weight_decay * w)
    decay = w * (1 - lr * weight_decay) - lr * torch.sign(loss_gradient)
    return penalty, decay


def _swapped(
    w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float
) -> tuple[Tensor, Tensor]:
    penalty, decay = _first_adam(w, loss_gradient, lr, weight_decay)
    return decay, penalty


def _outside(
    w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float
) -> tuple[Tensor, Tensor]:
    _, decay = _first_adam(w, loss_gradient, lr, weight_decay)
    return decay, decay


def _plain(
    w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float
) -> tuple[Tensor, Tensor]:
    return (
        w - lr * (loss_gradient + weight_decay * w),
        w * (1 - lr * weight_decay) - lr * loss_gradient,
    )


def _no_lr(
    w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float
) -> tuple[Tensor, Tensor]:
    penalty, _ = _first_adam(w, loss_gradient, lr, weight_decay)
    return penalty, w * (1 - weight_decay) - lr * torch.sign(loss_gradient)


first_adam = Exercise(
    name="first_adam",
    reference=_first_adam,
    cases=lambda: [
        (torch.tensor([5.0, -3.0, 0.5]), torch.tensor([0.0, 0.0, 0.0]), 0.1, 0.5),
        (torch.tensor([2.0, 2.0]), torch.tensor([-0.5, -4.0]), 0.1, 1.0),
        (whole_numbers(4), whole_numbers(4, seed=1), 0.5, 0.2),
    ],
    why="Where the loss has no gradient, the decay takes more from large weights and "
    "less from small ones; the penalty moves them all by lr, however small weight_decay is.",
    slips=[
        Slip("you returned the two the other way round: the penalty comes first.", _swapped),
        Slip(
            "both of your results are the decay. A penalty is part of the loss, so its "
            "gradient goes inside the sign.",
            _outside,
        ),
        Slip("that is a step of plain SGD; Adam's first step takes only the sign.", _plain),
        Slip("lr is missing in the decay: the share lost is lr · weight_decay.", _no_lr),
    ],
)

# --- kept --------------------------------------------------------------------------------

kept = Exercise(
    name="kept",
    reference=lambda lrs, weight_decay: (1 - lrs * weight_decay).prod(),
    cases=lambda: [
        (torch.tensor([0.1, 0.1]), 1.0),
        (torch.tensor([0.01, 0.05, 0.1, 0.05, 0.01]), 3.0),
        (torch.full((1000,), 0.01), 0.1),
    ],
    why="Each step keeps a share of what is left, so shares multiply. What a weight decay does "
    "depends on the learning rates and on the number of steps, not on its own value alone.",
    slips=[
        Slip(
            "you added up what the steps take away. The second step takes its share of what "
            "the first one left: multiply.",
            lambda lrs, weight_decay: 1 - (lrs * weight_decay).sum(),
        ),
        Slip(
            "the learning rate is missing: one step keeps 1 - lr · weight_decay.",
            lambda lrs, weight_decay: torch.tensor((1 - weight_decay) ** len(lrs)),
        ),
        Slip(
            "that is what a single step keeps; there are as many steps as learning rates.",
            lambda lrs, weight_decay: 1 - lrs[0] * weight_decay,
        ),
        Slip(
            "that is what each single step keeps; multiply these shares: .prod().",
            lambda lrs, weight_decay: 1 - lrs * weight_decay,
        ),
        Slip(
            "that is the share lost. One minus it is kept.",
            lambda lrs, weight_decay: 1 - (1 - lrs * weight_decay).prod(),
        ),
    ],
)

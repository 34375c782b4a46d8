"""Checks for notebook 03: the penalty, its gradient, a decay step, Adam's first step."""

from __future__ import annotations

import torch
from torch import Tensor

from lesson5_utils.exercises import exercise, real_numbers, whole_numbers

__all__ = ["decay_step", "first_adam", "gradient", "kept", "penalty"]

Pair = tuple[Tensor, Tensor]

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

# --- gradient ----------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([1.0, 0.0]), torch.tensor([5.0, -3.0]), 0.1),
        (whole_numbers(4), whole_numbers(4, seed=1), 0.5),
        (real_numbers(2, 3, seed=2), real_numbers(2, 3, seed=3), 0.01),
        (real_numbers(3).double(), real_numbers(3, seed=1).double(), 1e-3),
        (torch.zeros(2), torch.zeros(2), 0.1),
    ],
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

# --- decay_step --------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([5.0, -3.0]), torch.tensor([0.0, 0.0]), 0.1, 0.5),
        (whole_numbers(4), whole_numbers(4, seed=1), 0.5, 0.2),
        (real_numbers(2, 3, seed=2), real_numbers(2, 3, seed=3), 0.1, 1.0),
        (real_numbers(3).double(), real_numbers(3, seed=1).double(), 1e-3, 0.01),
        (real_numbers(2), real_numbers(2, seed=1), 0.5, 2.0),  # nothing is left of the old
    ],
    why="The weight loses a small share of itself, then takes the ordinary step. The gradient "
    "knows nothing of the decay: that is the whole difference from a penalty.",
)
def decay_step(w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float) -> Tensor:
    return w * (1 - lr * weight_decay) - lr * loss_gradient


decay_step.slip(
    "lr is missing in the decay: the share that a weight loses in one step is "
    "lr · weight_decay.",
    lambda w, loss_gradient, lr, weight_decay: w * (1 - weight_decay) - lr * loss_gradient,
)
decay_step.slip(
    "lr is missing in the step: it is lr times the gradient.",
    lambda w, loss_gradient, lr, weight_decay: w * (1 - lr * weight_decay) - loss_gradient,
)
decay_step.slip(
    "you decayed after the step, so the step itself was shrunk as well. Shrink the old weight "
    "only.",
    lambda w, loss_gradient, lr, weight_decay: (
        (w - lr * loss_gradient) * (1 - lr * weight_decay)
    ),
)
decay_step.slip(
    "you kept only the share that should be lost: multiply by 1 - lr · weight_decay.",
    lambda w, loss_gradient, lr, weight_decay: w * lr * weight_decay - lr * loss_gradient,
)
decay_step.slip(
    "the weights grow: the sign of the decay is wrong.",
    lambda w, loss_gradient, lr, weight_decay: w * (1 + lr * weight_decay) - lr * loss_gradient,
)
decay_step.slip(
    "the step goes uphill: subtract lr times the gradient.",
    lambda w, loss_gradient, lr, weight_decay: w * (1 - lr * weight_decay) + lr * loss_gradient,
)
decay_step.slip(
    "that is 2 · weight_decay. The 2 belongs to the penalty wd·Σw²; a decay has none.",
    lambda w, loss_gradient, lr, weight_decay: (
        w * (1 - 2 * lr * weight_decay) - lr * loss_gradient
    ),
)

# --- first_adam --------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([5.0, -3.0, 0.5]), torch.tensor([0.0, 0.0, 0.0]), 0.1, 0.5),
        (torch.tensor([2.0, 2.0]), torch.tensor([-0.5, -4.0]), 0.1, 1.0),
        (whole_numbers(4), whole_numbers(4, seed=1), 0.5, 0.2),
        (real_numbers(2, 3), real_numbers(2, 3, seed=1) / 100, 0.01, 0.01),
        (torch.tensor([0.0, 1e-6]), torch.tensor([0.0, -1e-6]), 1e-3, 0.1),
    ],
    why="Where the loss has no gradient, the decay takes more from large weights and "
    "less from small ones; the penalty moves them all by lr, however small weight_decay is.",
)
def first_adam(w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float) -> Pair:
    penalty = w - lr * torch.sign(loss_gradient + weight_decay * w)
    decay = w * (1 - lr * weight_decay) - lr * torch.sign(loss_gradient)
    return penalty, decay


first_adam.slip(
    "you returned the two the other way round: the penalty comes first.",
    lambda *given: first_adam.reference(*given)[::-1],
)


@first_adam.slip(
    "both of your results are the decay. A penalty is part of the loss, so its gradient goes "
    "inside the sign."
)
def _(*given: object) -> Pair:
    _, decay = first_adam.reference(*given)
    return decay, decay


@first_adam.slip("that is a step of plain SGD; Adam's first step takes only the sign.")
def _(w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float) -> Pair:
    whole = w - lr * (loss_gradient + weight_decay * w)
    return whole, w * (1 - lr * weight_decay) - lr * loss_gradient


@first_adam.slip("lr is missing in the decay: the share lost is lr · weight_decay.")
def _(w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float) -> Pair:
    penalty, _ = first_adam.reference(w, loss_gradient, lr, weight_decay)
    return penalty, w * (1 - weight_decay) - lr * torch.sign(loss_gradient)


@first_adam.slip(
    "a gradient of 0 divided by its own size is not a number (nan). torch.sign gives 0 there."
)
def _(w: Tensor, loss_gradient: Tensor, lr: float, weight_decay: float) -> Pair:
    whole = loss_gradient + weight_decay * w
    penalty = w - lr * whole / whole.abs()
    return penalty, w * (1 - lr * weight_decay) - lr * loss_gradient / loss_gradient.abs()


# --- kept --------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([0.1, 0.1]), 1.0),
        (torch.tensor([0.01, 0.05, 0.1, 0.05, 0.01]), 3.0),
        (torch.full((1000,), 0.01), 0.05),
        (torch.tensor([0.3]), 0.5),
        (torch.tensor([0.5, 0.25], dtype=torch.float64), 2.0),  # the first step takes all
    ],
    why="Each step keeps a share of what is left, so shares multiply. What a weight decay does "
    "depends on the learning rates and on the number of steps, not on its own value alone.",
)
def kept(lrs: Tensor, weight_decay: float) -> Tensor:
    return (1 - lrs * weight_decay).prod()


kept.slip(
    "you added up what the steps take away. The second step takes its share of what the first "
    "one left: multiply.",
    lambda lrs, weight_decay: 1 - (lrs * weight_decay).sum(),
)
kept.slip(
    "the learning rate is missing: one step keeps 1 - lr · weight_decay.",
    lambda lrs, weight_decay: (1 - weight_decay) ** len(lrs),
)
kept.slip(
    "that is what a single step keeps; there are as many steps as learning rates.",
    lambda lrs, weight_decay: 1 - lrs[0] * weight_decay,
)
kept.slip(
    "that is what each single step keeps; multiply these shares: .prod().",
    lambda lrs, weight_decay: 1 - lrs * weight_decay,
)
kept.slip(
    "that is the share lost. One minus it is kept.",
    lambda lrs, weight_decay: 1 - (1 - lrs * weight_decay).prod(),
)
kept.slip(
    "you multiplied what each step takes away; multiply what each step keeps, "
    "1 - lr · weight_decay.",
    lambda lrs, weight_decay: (lrs * weight_decay).prod(),
)
kept.slip(
    "a power of the mean step is near it, but the steps are of different length: multiply what "
    "each of them keeps.",
    lambda lrs, weight_decay: (1 - lrs.mean() * weight_decay) ** len(lrs),
)
kept.slip(
    "the exponential is near it as long as the steps are small; one step keeps exactly "
    "1 - lr · weight_decay.",
    lambda lrs, weight_decay: (-lrs * weight_decay).sum().exp(),
)

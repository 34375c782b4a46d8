"""Checks for notebook 05: one row's gradient, scaling undone, momentum, RMSprop, Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lesson5_utils.exercises import (
    WrongForm,
    differs,
    exercise,
    real_numbers,
    whole_numbers,
)
from lesson5_utils.exercises.engine.compare import Rules

__all__ = ["adam", "momentum", "rmsprop", "row_gradient", "unscale"]

Numbers = tuple[float, float]
Pair = tuple[Tensor, Tensor]
Triple = tuple[Tensor, Tensor, Tensor]

# --- row_gradient ------------------------------------------------------------------------

_EXACT = 1e-10


def _no_nudge(answer: Any, b: float, a: float, x: float, y: float) -> Any:
    """The answer's two derivatives, unless they are only nearly right, as a nudge's are."""
    result = answer(b, a, x, y)
    exact = row_gradient.reference(b, a, x, y)
    if differs(exact, result, Rules(0.01)) is None and differs(exact, result, Rules(_EXACT)):
        raise WrongForm(
            "that is nearly right, as with the nudge of section 1. Here the exact derivatives "
            "are asked for: not nudged, and not rounded"
        )
    return result


@exercise(
    cases=lambda: [
        (1.0, 1.0, 14.0, 58.0),
        (30.0, 2.0, 5.0, 40.0),
        (0.5, -2.0, 3.0, 1.0),
        (1.317, 2.6, 14.25, 58.2),
        (0.7, 0.3, 2.2, 1e7),  # the loss has no digits left for a nudge to show
    ],
    through=_no_nudge,
    tolerance=_EXACT,
    why="The error of one row, times 2, is the slope for b; for a, it is also multiplied by "
    "x. So a row with x = 99 pushes a 99 times as hard as b.",
)
def row_gradient(b: float, a: float, x: float, y: float) -> Numbers:
    error = a * x + b - y
    return 2 * error, 2 * error * x


row_gradient.slip(
    "the 2 is missing: the slope of a square u² is 2u.",
    lambda b, a, x, y: (a * x + b - y, (a * x + b - y) * x),
)
row_gradient.slip(
    "the signs are turned round: the error is prediction minus y, not y minus prediction.",
    lambda b, a, x, y: (2 * (y - a * x - b), 2 * (y - a * x - b) * x),
)
row_gradient.slip(
    "da has no x: when a grows by 1, the prediction grows by x.",
    lambda b, a, x, y: (2 * (a * x + b - y), 2 * (a * x + b - y)),
)
row_gradient.slip(
    "you multiplied by a. When a grows by 1, the prediction grows by x.",
    lambda b, a, x, y: (2 * (a * x + b - y), 2 * (a * x + b - y) * a),
)
row_gradient.slip(
    "the two are in the other order: return db first, then da.",
    lambda b, a, x, y: (2 * (a * x + b - y) * x, 2 * (a * x + b - y)),
)
row_gradient.slip(
    "you returned the loss; its slope is asked for.",
    lambda b, a, x, y: (a * x + b - y) ** 2,
)

# --- unscale -----------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (114.0, 54.0, 42.0, 27.0),
        (3.0, 2.0, 1.0, 4.0),
        (0.0, -6.0, -2.0, 0.5),
        (1.25, 0.7, -3.3, 0.01),
        (2.5, 1.5, 0.0, 1.0),
    ],
    why="a·(x − mean)/std + b is the same line written with x: nothing is lost by centring "
    "and scaling, and the answer can always be given in the old units.",
)
def unscale(b: float, a: float, mean: float, std: float) -> Numbers:
    return b - a * mean / std, a / std


unscale.slip(
    "the intercept is not moved: at x = 0, the scaled x is −mean/std, not 0.",
    lambda b, a, mean, std: (b, a / std),
)
unscale.slip(
    "you multiplied by std; x was divided by it, so the slope is divided too.",
    lambda b, a, mean, std: (b - a * std * mean, a * std),
)
unscale.slip(
    "the sign of the shift is turned round: b − a·mean/std.",
    lambda b, a, mean, std: (b + a * mean / std, a / std),
)
unscale.slip(
    "the intercept was moved with the slope of the scaled line: use the new slope, a / std.",
    lambda b, a, mean, std: (b - a * mean, a / std),
)
unscale.slip(
    "the intercept is divided by std as well. b was never divided, only x was.",
    lambda b, a, mean, std: ((b - a * mean) / std, a / std),
)
unscale.slip(
    "the two are in the other order: return the intercept first, then the slope.",
    lambda b, a, mean, std: (a / std, b - a * mean / std),
)
unscale.slip(
    "// drops everything after the point: divide by /.",
    lambda b, a, mean, std: (b - a * mean // std, a // std),
)

# --- momentum ----------------------------------------------------------------------------


def _three(*shape: int, seed: int = 0, made: Any = real_numbers) -> Triple:
    """A parameter, its average, its gradient."""
    first, second, third = (made(*shape, seed=seed + i) for i in range(3))
    return first, second, third


@exercise(
    cases=lambda: [
        (
            torch.tensor([1.0, 1.0]),
            torch.tensor([-18.0, 98.0]),
            torch.tensor([4.0, -9.0]),
            0.1,
            0.9,
        ),
        (whole_numbers(3), torch.zeros(3), whole_numbers(3, seed=1), 0.01, 0.5),
        (*_three(2, 2, made=whole_numbers), 1.0, 0.8),
        (*(part.double() for part in _three(2, 3, seed=5)), 1e-3, 0.9),
        (real_numbers(2), real_numbers(2, seed=1), torch.zeros(2), 0.1, 0.9),
        (*_three(1, seed=7), 0.3, 0.0),
    ],
    why="One line more than plain SGD. Gradients that agree add up, gradients that "
    "contradict each other cancel.",
)
def momentum(p: Tensor, m: Tensor, g: Tensor, lr: float, beta: float) -> Pair:
    m = beta * m + (1 - beta) * g
    return p - lr * m, m


momentum.slip(
    "that is PyTorch's form, which takes the whole gradient; the sheet takes only (1 − beta) "
    "of it.",
    lambda p, m, g, lr, beta: (p - lr * (beta * m + g), beta * m + g),
)
momentum.slip(
    "the two weights are swapped: beta belongs to the old average, 1 − beta to the new "
    "gradient.",
    lambda p, m, g, lr, beta: momentum.reference(p, m, g, lr, 1 - beta),
)
momentum.slip(
    "the step uses the gradient itself; step with the average.",
    lambda p, m, g, lr, beta: (p - lr * g, beta * m + (1 - beta) * g),
)
momentum.slip(
    "the step uses the old average; update it first, then step.",
    lambda p, m, g, lr, beta: (p - lr * m, beta * m + (1 - beta) * g),
)
momentum.slip(
    "the step goes uphill: subtract.",
    lambda p, m, g, lr, beta: momentum.reference(p, m, g, -lr, beta),
)
momentum.slip(
    "the two are in the other order: return the new p first, then the new m.",
    lambda *given: momentum.reference(*given)[::-1],
)
momentum.slip(
    "you returned the old average; the next step needs the new one.",
    lambda p, m, g, lr, beta: (p - lr * (beta * m + (1 - beta) * g), m),
)

# --- rmsprop -----------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.ones(2), torch.tensor([4.0, 100.0]), torch.tensor([1.0, -50.0]), 0.1, 0.9, 0.01),
        (whole_numbers(3), torch.ones(3), whole_numbers(3, seed=1), 0.5, 0.5, 0.1),
        (whole_numbers(2), torch.zeros(2), torch.tensor([3.0, -2.0]), 0.1, 0.75, 0.1),
        (
            real_numbers(2, 2).double(),
            real_numbers(2, 2, seed=1).double() ** 2,
            real_numbers(2, 2, seed=2).double(),
            0.01,
            0.99,
            1e-3,
        ),
        # a pixel that was always blank, and one that was blank until now
        (real_numbers(2), torch.zeros(2), torch.tensor([0.0, 1e-4]), 0.1, 0.99, 1e-8),
    ],
    why="Each gradient is divided by its own usual size. Parameters with large gradients and "
    "with small ones then take steps of one size, about lr.",
)
def rmsprop(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / (s.sqrt() + eps), s


def _rmsprop_step(
    divided: Callable[[Tensor, Tensor, float], Tensor],
) -> Callable[..., Pair]:
    """RMSprop whose step is made of g, the new s and eps in another way."""

    def answer(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
        s = alpha * s + (1 - alpha) * g**2
        return p - lr * divided(g, s, eps), s

    return answer


rmsprop.slip(
    "you divided by the old average, as the sheet does. PyTorch updates it first; the newest "
    "gradient then always has a part in its own divisor.",
    lambda p, s, g, lr, alpha, eps: (
        p - lr * g / (s.sqrt() + eps),
        alpha * s + (1 - alpha) * g**2,
    ),
)
rmsprop.slip(
    "the root is missing: s is the mean of squares.",
    _rmsprop_step(lambda g, s, eps: g / (s + eps)),
)


@rmsprop.slip("the gradient must be squared before it enters the average.")
def _(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g
    return p - lr * g / (s.sqrt() + eps), s


rmsprop.slip(
    "eps is inside the root; PyTorch adds it after the root.",
    _rmsprop_step(lambda g, s, eps: g / (s + eps).sqrt()),
)
rmsprop.slip(
    "you multiplied by the root; divide by it.",
    _rmsprop_step(lambda g, s, eps: g * (s.sqrt() + eps)),
)
rmsprop.slip(
    "eps is missing: add it to the root.",
    _rmsprop_step(lambda g, s, eps: g / s.sqrt()),
)
rmsprop.slip(
    "eps is added to the step. Put brackets around the divisor: (s.sqrt() + eps).",
    lambda p, s, g, lr, alpha, eps: (
        rmsprop.reference(p, s, g, lr, alpha, 0)[0] + eps,
        rmsprop.reference(p, s, g, lr, alpha, 0)[1],
    ),
)
rmsprop.slip(
    "the two weights are swapped: alpha belongs to the old average, 1 − alpha to g².",
    lambda p, s, g, lr, alpha, eps: rmsprop.reference(p, s, g, lr, 1 - alpha, eps),
)
rmsprop.slip(
    "you wrote a small number of your own for eps; it is one of the inputs.",
    _rmsprop_step(lambda g, s, eps: g / (s.sqrt() + 1e-8)),
)
rmsprop.slip(
    "the two are in the other order: return the new p first, then the new s.",
    lambda *given: rmsprop.reference(*given)[::-1],
)

# --- adam --------------------------------------------------------------------------------


def _adam(
    step: Callable[[Tensor, Tensor], Tensor] = lambda m, s: m / (s.sqrt() + 1e-8),
    correct_m: bool = True,
    correct_s: bool = True,
    late: bool = False,
    keep: bool = False,
    power: bool = True,
) -> Callable[..., Triple]:
    """Adam, or one of the ways to get it wrong."""

    def answer(
        p: Tensor,
        m: Tensor,
        s: Tensor,
        t: int,
        g: Tensor,
        lr: float,
        beta1: float,
        beta2: float,
    ) -> Triple:
        old = m
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        t = t if power else 1
        m_hat = (old if late else m) / (1 - beta1**t if correct_m else 1)
        s_hat = s / (1 - beta2**t if correct_s else 1)
        p = p - lr * step(m_hat, s_hat)
        return (p, m_hat, s_hat) if keep else (p, m, s)

    return answer


@exercise(
    cases=lambda: [
        # the first step; a later one; a late one, whose averages are almost complete
        (torch.ones(2), *torch.zeros(2, 2), 1, torch.tensor([3.0, -50.0]), 0.1, 0.9, 0.99),
        (
            whole_numbers(3),
            torch.tensor([1.0, -2.0, 3.0]),
            torch.tensor([2.0, 4.0, 1.0]),
            3,
            torch.tensor([1.0, -2.0, 4.0]),
            0.5,
            0.5,
            0.75,
        ),
        (
            real_numbers(2, 2).double(),
            real_numbers(2, 2, seed=1).double(),
            real_numbers(2, 2, seed=2).double() ** 2,
            1000,
            real_numbers(2, 2, seed=3).double(),
            1e-3,
            0.9,
            0.999,
        ),
        # a pixel that was always blank, and one that is nearly so: there epsilon decides
        (
            torch.zeros(3),
            *torch.zeros(2, 3),
            1,
            torch.tensor([0, 1e-6, -1e-8]),
            0.1,
            0.9,
            0.999,
        ),
    ],
    why="Momentum above, RMSprop below, both corrected: the very first step is "
    "lr long in every parameter, whatever the size of its gradient.",
)
def adam(
    p: Tensor, m: Tensor, s: Tensor, t: int, g: Tensor, lr: float, beta1: float, beta2: float
) -> Triple:
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
    return p - lr * m_hat / (s_hat.sqrt() + 1e-8), m, s


adam.slip(
    "there is no bias correction: the averages start at 0 and are too small at first. Divide "
    "them by 1 − beta**t.",
    _adam(correct_m=False, correct_s=False),
)
adam.slip("only m is corrected; s starts at 0, too.", _adam(correct_s=False))
adam.slip("only s is corrected; m starts at 0, too.", _adam(correct_m=False))
adam.slip(
    "you returned the corrected averages. The correction is for this step only; hand on m and "
    "s as they are.",
    _adam(keep=True),
)
adam.slip("the step uses the old m; update it first.", _adam(late=True))
adam.slip("the root is missing: s is a mean of squares.", _adam(lambda m, s: m / (s + 1e-8)))
adam.slip(
    "the correction is the same at every step; what is missing shrinks with t: divide by "
    "1 − beta**t.",
    _adam(power=False),
)
adam.slip(
    "epsilon is missing. A pixel that is always blank has gradient 0, and 0/0 is not a number "
    "(nan): add 1e-8 to the root.",
    _adam(lambda m, s: m / s.sqrt()),
)
adam.slip(
    "epsilon is inside the root, where 1e-8 becomes 1e-4. Add it after the root.",
    _adam(lambda m, s: m / (s + 1e-8).sqrt()),
)
adam.slip(
    "epsilon is 1e-5, and here 1e-8 is asked for. Where gradients are as small as epsilon, it "
    "decides how long the step is.",
    _adam(lambda m, s: m / (s.sqrt() + 1e-5)),
)


@adam.slip(
    "epsilon was added before s is corrected, so the correction enlarges it. Correct s first, "
    "then the root, then 1e-8."
)
def _(
    p: Tensor, m: Tensor, s: Tensor, t: int, g: Tensor, lr: float, beta1: float, beta2: float
) -> Triple:
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    root = (s.sqrt() + 1e-8) / (1 - beta2**t) ** 0.5
    return p - lr * m / (1 - beta1**t) / root, m, s


adam.slip(
    "the three are in another order: return p, then m, then s.",
    lambda *given: [adam.reference(*given)[i] for i in (1, 2, 0)],
)

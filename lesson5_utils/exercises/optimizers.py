"""Checks for notebook 05: one row's gradient, scaling undone, momentum, RMSprop, Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lesson5_utils.exercises import Exercise, Slip, WrongForm, whole_numbers

__all__ = ["adam", "momentum", "rmsprop", "row_gradient", "unscale"]

Pair = tuple[Any, Any]


# --- row_gradient ------------------------------------------------------------------------


def _nudged(b: float, a: float, x: float, y: float, h: float = 0.01) -> Pair:
    here = (a * x + b - y) ** 2
    return (((a * x + b + h - y) ** 2 - here) / h, (((a + h) * x + b - y) ** 2 - here) / h)


row_gradient = Exercise(
    name="row_gradient",
    reference=lambda b, a, x, y: (2 * (a * x + b - y), 2 * (a * x + b - y) * x),
    cases=lambda: [(1.0, 1.0, 14.0, 58.0), (30.0, 2.0, 5.0, 40.0), (0.5, -2.0, 3.0, 1.0)],
    why="The error of one row, times 2, is the slope for b; for a, it is also multiplied by "
    "x. So a row with x = 99 pushes a 99 times as hard as b.",
    slips=[
        Slip(
            "the 2 is missing: the slope of a square u² is 2u.",
            lambda b, a, x, y: (a * x + b - y, (a * x + b - y) * x),
        ),
        Slip(
            "the signs are turned round: the error is prediction minus y, not y minus "
            "prediction.",
            lambda b, a, x, y: (2 * (y - a * x - b), 2 * (y - a * x - b) * x),
        ),
        Slip(
            "da has no x: when a grows by 1, the prediction grows by x.",
            lambda b, a, x, y: (2 * (a * x + b - y), 2 * (a * x + b - y)),
        ),
        Slip(
            "you multiplied by a. When a grows by 1, the prediction grows by x.",
            lambda b, a, x, y: (2 * (a * x + b - y), 2 * (a * x + b - y) * a),
        ),
        Slip(
            "that is the nudge of section 1, off by about the nudge. Here the exact "
            "derivatives are asked for.",
            _nudged,
        ),
        Slip(
            "the two are in the other order: return db first, then da.",
            lambda b, a, x, y: (2 * (a * x + b - y) * x, 2 * (a * x + b - y)),
        ),
        Slip(
            "you returned the loss; its slope is asked for.",
            lambda b, a, x, y: (a * x + b - y) ** 2,
        ),
    ],
)

# --- unscale -----------------------------------------------------------------------------

unscale = Exercise(
    name="unscale",
    reference=lambda b, a, mean, std: (b - a * mean / std, a / std),
    cases=lambda: [(114.0, 54.0, 42.0, 27.0), (3.0, 2.0, 1.0, 4.0), (0.0, -6.0, -2.0, 0.5)],
    why="a·(x − mean)/std + b is the same line written with x: nothing is lost by centring "
    "and scaling, and the answer can always be given in the old units.",
    slips=[
        Slip(
            "the intercept is not moved: at x = 0, the scaled x is −mean/std, not 0.",
            lambda b, a, mean, std: (b, a / std),
        ),
        Slip(
            "you multiplied by std; x was divided by it, so the slope is divided too.",
            lambda b, a, mean, std: (b - a * std * mean, a * std),
        ),
        Slip(
            "the sign of the shift is turned round: b − a·mean/std.",
            lambda b, a, mean, std: (b + a * mean / std, a / std),
        ),
        Slip(
            "the intercept was moved with the slope of the scaled line: use the new slope, "
            "a / std.",
            lambda b, a, mean, std: (b - a * mean, a / std),
        ),
        Slip(
            "the two are in the other order: return the intercept first, then the slope.",
            lambda b, a, mean, std: (a / std, b - a * mean / std),
        ),
    ],
)

# --- momentum ----------------------------------------------------------------------------


def _momentum(p: Tensor, m: Tensor, g: Tensor, lr: float, beta: float) -> Pair:
    m = beta * m + (1 - beta) * g
    return p - lr * m, m


def _undamped(p: Tensor, m: Tensor, g: Tensor, lr: float, beta: float) -> Pair:
    return p - lr * (beta * m + g), beta * m + g


def _swapped(p: Tensor, m: Tensor, g: Tensor, lr: float, beta: float) -> Pair:
    return _momentum(p, m, g, lr, 1 - beta)


def _steps_with_g(p: Tensor, m: Tensor, g: Tensor, lr: float, beta: float) -> Pair:
    return p - lr * g, beta * m + (1 - beta) * g


def _steps_with_old(p: Tensor, m: Tensor, g: Tensor, lr: float, beta: float) -> Pair:
    return p - lr * m, beta * m + (1 - beta) * g


def _uphill(p: Tensor, m: Tensor, g: Tensor, lr: float, beta: float) -> Pair:
    m = beta * m + (1 - beta) * g
    return p + lr * m, m


momentum = Exercise(
    name="momentum",
    reference=_momentum,
    cases=lambda: [
        (
            torch.tensor([1.0, 1.0]),
            torch.tensor([-18.0, 98.0]),
            torch.tensor([4.0, -9.0]),
            0.1,
            0.9,
        ),
        (whole_numbers(3), torch.zeros(3), whole_numbers(3, seed=1), 0.01, 0.5),
        (
            whole_numbers(2, 2),
            whole_numbers(2, 2, seed=2),
            whole_numbers(2, 2, seed=3),
            1.0,
            0.8,
        ),
    ],
    why="One line more than plain SGD. Gradients that agree add up, gradients that "
    "contradict each other cancel.",
    slips=[
        Slip(
            "that is PyTorch's form, which takes the whole gradient; the sheet takes only "
            "(1 − beta) of it.",
            _undamped,
        ),
        Slip(
            "the two weights are swapped: beta belongs to the old average, 1 − beta to the "
            "new gradient.",
            _swapped,
        ),
        Slip("the step uses the gradient itself; step with the average.", _steps_with_g),
        Slip("the step uses the old average; update it first, then step.", _steps_with_old),
        Slip("the step goes uphill: subtract.", _uphill),
    ],
)

# --- rmsprop -----------------------------------------------------------------------------


def _rmsprop(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / (s.sqrt() + eps), s


def _old_average(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    return p - lr * g / (s.sqrt() + eps), alpha * s + (1 - alpha) * g**2


def _no_root(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / (s + eps), s


def _no_square(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g
    return p - lr * g / (s.sqrt() + eps), s


def _eps_inside(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / (s + eps).sqrt(), s


def _times(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g * (s.sqrt() + eps), s


def _no_eps(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    return _rmsprop(p, s, g, lr, alpha, 0.0)


def _eps_outside(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Pair:
    s = alpha * s + (1 - alpha) * g**2
    return p - lr * g / s.sqrt() + eps, s


rmsprop = Exercise(
    name="rmsprop",
    reference=_rmsprop,
    cases=lambda: [
        (torch.ones(2), torch.tensor([4.0, 100.0]), torch.tensor([1.0, -50.0]), 0.1, 0.9, 0.01),
        (whole_numbers(3), torch.ones(3), whole_numbers(3, seed=1), 0.5, 0.5, 0.1),
        (whole_numbers(2), torch.zeros(2), torch.tensor([3.0, -2.0]), 0.1, 0.75, 0.1),
    ],
    why="Each gradient is divided by its own usual size. Parameters with large gradients and "
    "with small ones then take steps of one size, about lr.",
    slips=[
        Slip(
            "you divided by the old average, as the sheet does. PyTorch updates it first; "
            "the newest gradient then always has a part in its own divisor.",
            _old_average,
        ),
        Slip("the root is missing: s is the mean of squares.", _no_root),
        Slip("the gradient must be squared before it enters the average.", _no_square),
        Slip("eps is inside the root; PyTorch adds it after the root.", _eps_inside),
        Slip("you multiplied by the root; divide by it.", _times),
        Slip("eps is missing: add it to the root.", _no_eps),
        Slip(
            "eps is added to the step. Put brackets around the divisor: (s.sqrt() + eps).",
            _eps_outside,
        ),
        Slip(
            "the two weights are swapped: alpha belongs to the old average, 1 − alpha to g².",
            lambda p, s, g, lr, alpha, eps: _rmsprop(p, s, g, lr, 1 - alpha, eps),
        ),
    ],
)

# --- adam --------------------------------------------------------------------------------


def _use_adam(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Several steps from an empty start, the averages handed on from step to step."""

    def use(p: Tensor, gradients: list[Tensor], lr: float, beta1: float, beta2: float) -> Any:
        m, s = torch.zeros_like(p), torch.zeros_like(p)
        places = []
        for t, g in enumerate(gradients, start=1):
            result = answer(p, m, s, t, g.clone(), lr, beta1, beta2)
            if result is None or result is ...:
                return result
            if not (isinstance(result, tuple | list) and len(result) == 3):
                raise WrongForm("return three values: the new p, m and s")
            if any(part is None or part is ... for part in result):
                return None
            p, m, s = result
            places.append(torch.as_tensor(p).clone())
        return {"p after each step": places, "m": m, "s": s}

    return use


def _adam_with(
    correct_m: bool = True,
    correct_s: bool = True,
    keep: bool = False,
    late: bool = False,
    root: bool = True,
    power: bool = True,
) -> Callable[..., Any]:
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
    ) -> Any:
        old = m
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        t = t if power else 1
        m_hat = (old if late else m) / (1 - beta1**t if correct_m else 1)
        s_hat = s / (1 - beta2**t if correct_s else 1)
        p = p - lr * m_hat / ((s_hat.sqrt() if root else s_hat) + 1e-8)
        return (p, m_hat, s_hat) if keep else (p, m, s)

    return answer


adam = Exercise(
    name="adam",
    reference=_adam_with(),
    through=lambda answer, *case: _use_adam(answer)(*case),
    cases=lambda: [
        (torch.ones(2), [torch.tensor([3.0, -50.0])], 0.1, 0.9, 0.99),
        (
            torch.zeros(3),
            [torch.tensor([1.0, -2.0, 4.0 - i]) for i in range(3)],
            0.5,
            0.5,
            0.75,
        ),
        (torch.ones(1), [torch.tensor([2.0 + i]) for i in range(5)], 0.01, 0.9, 0.999),
    ],
    why="Momentum above, RMSprop below, both corrected: the very first step is "
    "lr long in every parameter, whatever the size of its gradient.",
    slips=[
        Slip(
            "there is no bias correction: the averages start at 0 and are too small at "
            "first. Divide them by 1 − beta**t.",
            _adam_with(correct_m=False, correct_s=False),
        ),
        Slip("only m is corrected; s starts at 0, too.", _adam_with(correct_s=False)),
        Slip("only s is corrected; m starts at 0, too.", _adam_with(correct_m=False)),
        Slip(
            "you returned the corrected averages. The correction is for this step only; "
            "hand on m and s as they are.",
            _adam_with(keep=True),
        ),
        Slip("the step uses the old m; update it first.", _adam_with(late=True)),
        Slip("the root is missing: s is a mean of squares.", _adam_with(root=False)),
        Slip(
            "the correction is the same at every step; what is missing shrinks with t: divide "
            "by 1 − beta**t.",
            _adam_with(power=False),
        ),
    ],
)

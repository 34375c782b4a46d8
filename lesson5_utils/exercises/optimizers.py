"""Checks for notebook 05: where a step lands, RMSprop, Adam and what can be wrong with it,
penalty against decay, a fair choice of the rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lesson5_utils.exercises import (
    WrongForm,
    exercise,
    real_numbers,
    whole_numbers,
)

__all__ = [
    "adam",
    "best_rate",
    "bugs",
    "faulty_adams",
    "first_adam",
    "landing",
    "rmsprop",
]

Pair = tuple[Tensor, Tensor]
Triple = tuple[Tensor, Tensor, Tensor]

# --- landing -----------------------------------------------------------------------------


@exercise(
    kind="predict",
    why="A step of r times the way to the bottom leaves 1 − r of the way. Below r = 2 what is "
    "left is smaller than before, with either sign; from 2 on the ball never comes closer.",
)
def landing() -> list[float]:
    return [0.5, -0.5, -1.0, -1.5]


landing.slip(
    "the ball does not stop at the bottom: where a step is longer than the way, it lands on "
    "the other side, and the place has a minus sign.",
    lambda: [0.5, 0.5, 1.0, 1.5],
)
landing.slip(
    "these are the lengths of the steps; say where the ball stands after them. It stood at 1.",
    lambda: [0.5, 1.5, 2.0, 2.5],
)
landing.slip(
    "the sign is turned round: the ball stood at 1, and a step of half the way leaves it at "
    "0.5, on the same side.",
    lambda: [-0.5, 0.5, 1.0, 1.5],
)
landing.slip(
    "a ball that jumps too far does not stop at the bottom. It lands on the other side.",
    lambda: [0.5, 0.0, 0.0, 0.0],
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

# --- bugs --------------------------------------------------------------------------------


def faulty_adams(steps: int = 3000) -> dict[str, np.ndarray]:
    """How long the steps of four wrong Adams are, in units of lr: β₁ is 0.9 and β₂ 0.999, and
    the gradient is always 2. Which fault is which, the exercise asks."""
    t = np.arange(1, steps + 1)
    m, s = 2 * (1 - 0.9**t), 4 * (1 - 0.999**t)
    return {"A": m / np.sqrt(s), "B": m * 0 + 2 / 4, "C": 2 / np.sqrt(s), "D": m / np.sqrt(4)}


_FAULTS = (
    "m is not corrected",
    "s is not corrected",
    "neither is corrected",
    "the root is missing",
    "nothing is wrong",
)


@exercise(
    kind="diagnose",
    choices=_FAULTS,
    why="At first m alone is .1 of what it should be: short steps. s alone is .001 of it, and "
    "its root makes the steps 32 times too long. Both together are wrong for a thousand steps. "
    "Without the root the step depends on the size of the gradient, for ever.",
)
def bugs() -> dict[str, str]:
    return {
        "A": "neither is corrected",
        "B": "the root is missing",
        "C": "s is not corrected",
        "D": "m is not corrected",
    }


bugs.slip(
    "C and D are exchanged. m stands above the line: while it is too small, steps are short. s "
    "stands below it.",
    lambda: bugs.reference() | {"C": "m is not corrected", "D": "s is not corrected"},
)
bugs.slip(
    "A and C are exchanged. Where m is too small as well, the steps are not as long.",
    lambda: bugs.reference() | {"A": "s is not corrected", "C": "neither is corrected"},
)
bugs.slip(
    "B is not right at any step, and nothing that starts at 0 is to blame: it does not change.",
    lambda: bugs.reference() | {"B": "nothing is wrong"},
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


@adam.slip(
    "you multiplied beta by t. After t steps the share that is missing is beta to the power t: "
    "beta**t."
)
def _(
    p: Tensor, m: Tensor, s: Tensor, t: int, g: Tensor, lr: float, beta1: float, beta2: float
) -> Triple:
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    m_hat, s_hat = m / (1 - beta1 * t), s / (1 - beta2 * t)
    return p - lr * m_hat / (s_hat.sqrt() + 1e-8), m, s


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


# --- best_rate ---------------------------------------------------------------------------


def _searched(answer: Any, errors: Mapping[float, float], rates: list[float]) -> Any:
    """What the answer chooses where training at a rate gives the error in the table."""
    asked: list[float] = []

    def error(rate: Any) -> float:
        rate = float(rate)
        asked.append(rate)
        if len(asked) > 1000:
            raise WrongForm(
                "your search has no end: it tried 1,000 rates. Stop as soon as the best rate "
                "has a worse one on either side"
            )
        near = min(errors, key=lambda known: abs(known - rate))
        return errors[near] if math.isclose(near, rate, rel_tol=1e-6) else math.inf

    chosen = answer(error, rates)
    if isinstance(chosen, float) and (lost := [one for one in rates if one not in asked]):
        raise WrongForm(
            f"the rate {lost[0]:g} was never tried: call error(rate) for each rate of the list"
        )
    return chosen


def _table(*pairs: tuple[float, float]) -> dict[float, float]:
    return dict(pairs)


@exercise(
    cases=lambda: [
        (_table((0.1, 3.0), (0.2, 1.0), (0.4, 2.0)), [0.1, 0.2, 0.4]),
        (
            _table((0.025, 5.0), (0.05, 1.0), (0.1, 2.0), (0.2, 3.0), (0.4, 4.0)),
            [0.1, 0.2, 0.4],
        ),
        (
            _table((0.1, 9.0), (0.2, 8.0), (0.4, 7.0), (0.8, 4.0), (1.6, 2.5), (3.2, 6.0)),
            [0.1, 0.2, 0.4],
        ),
        # a run that explodes has the error inf, wherever it stands
        (_table((0.25, 2.0), (0.5, 1.5), (1.0, math.inf), (2.0, math.inf)), [1.0, 2.0]),
        (_table((0.5, 2.0), (1.0, 1.25), (2.0, 1.5), (4.0, math.inf)), [1.0, 2.0, 4.0]),
    ],
    kind="design",
    through=_searched,
    why="A best rate that is the first or the last of a list is not known to be the best: the "
    "optimum may lie beyond. Now every optimizer is judged at its own rate, found in one way.",
)
def best_rate(error: Callable[[float], float], rates: list[float]) -> float:
    tried = {rate: error(rate) for rate in rates}
    while True:
        best = min(tried, key=lambda rate: tried[rate])
        if best not in (min(tried), max(tried)):
            return best
        beyond = best / 2 if best == min(tried) else best * 2
        tried[beyond] = error(beyond)


def _extended(
    up: bool = True, down: bool = True, often: int = 100, highest: bool = False
) -> Callable[..., float]:
    """The search, or one of the ways to end it too early."""

    def answer(error: Callable[[float], float], rates: list[float]) -> float:
        tried = {rate: error(rate) for rate in rates}
        for _ in range(often):
            best = (max if highest else min)(tried, key=lambda rate: tried[rate])
            if up and best == max(tried):
                tried[best * 2] = error(best * 2)
            elif down and best == min(tried):
                tried[best / 2] = error(best / 2)
            else:
                break
        return (max if highest else min)(tried, key=lambda rate: tried[rate])

    return answer


best_rate.slip(
    "you chose the best of the list, and did not look beyond. When it is the first or the "
    "last, a better one may lie outside: try half of it, or twice.",
    _extended(up=False, down=False),
)
best_rate.slip(
    "you look for larger rates only; the best may also lie below the list.",
    _extended(down=False),
)
best_rate.slip(
    "you look for smaller rates only; the best may also lie above the list.",
    _extended(up=False),
)
best_rate.slip(
    "one more rate is not always enough: go on as long as the best one lies at an end.",
    _extended(often=1),
)
best_rate.slip(
    "that is the highest error; the lowest is wanted.", _extended(often=0, highest=True)
)
best_rate.slip(
    "you returned the error; return the rate at which it came.",
    lambda error, rates: error(best_rate.reference(error, rates)),
)

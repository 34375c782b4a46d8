"""Checks for notebook 00: counting, collapsing, tied weights, a tent, steps and slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from lesson5_utils.exercises import Exercise, Slip, whole_numbers

__all__ = [
    "affine_back",
    "collapse",
    "conv_matrix",
    "count",
    "descend",
    "double",
    "slope",
    "tent",
]


@dataclass(frozen=True)
class _Formula:
    """A function of one number that a report can name."""

    text: str
    of: Callable[[float], float]

    def __call__(self, x: float) -> float:
        return self.of(x)

    def __repr__(self) -> str:
        return self.text


# --- double ------------------------------------------------------------------------------

double = Exercise(
    name="double",
    reference=lambda x: 2 * x,
    cases=lambda: [(2.0,), (5.0,), (-1.5,)],
    why="The check tried three numbers, not only one. You now know all that is needed to "
    "answer the other exercises.",
    slips=[
        Slip("you added 2. That is the same as doubling for x = 2 only.", lambda x: x + 2),
        Slip("you squared x. That is the same as doubling for x = 2 only.", lambda x: x**2),
        Slip("x comes back as it was: multiply it by 2.", lambda x: x),
    ],
)

# --- count -------------------------------------------------------------------------------


def _count(n_in: int, n_hidden: int, n_out: int, rows: int) -> tuple[int, int]:
    parameters = n_in * n_hidden + n_hidden + n_hidden * n_out + n_out
    return parameters, rows * (n_hidden + n_hidden + n_out)


count = Exercise(
    name="count",
    reference=_count,
    cases=lambda: [(2, 3, 1, 1), (784, 50, 10, 64), (10, 4, 2, 5)],
    why="Parameters belong to the net: their number does not depend on the data. Activations "
    "belong to the batch: twice as many rows, twice as many activations.",
    slips=[
        Slip(
            "the biases are missing: each layer also has one number per output.",
            lambda i, h, o, rows: (i * h + h * o, rows * (2 * h + o)),
        ),
        Slip(
            "you counted the activations of one row; each row of the batch has its own.",
            lambda i, h, o, rows: (_count(i, h, o, 1)[0], 2 * h + o),
        ),
        Slip(
            "the hidden layer has two sets of activations: before the ReLU, and after it.",
            lambda i, h, o, rows: (_count(i, h, o, 1)[0], rows * (h + o)),
        ),
        Slip(
            "you multiplied the parameters by the rows, but all rows share the same ones.",
            lambda i, h, o, rows: (rows * _count(i, h, o, 1)[0], rows * (2 * h + o)),
        ),
        Slip(
            "you counted the inputs as well. They are given, not computed.",
            lambda i, h, o, rows: (_count(i, h, o, 1)[0], rows * (i + 2 * h + o)),
        ),
    ],
)

# --- collapse ----------------------------------------------------------------------------


def _two_layers(n_in: int, n_hidden: int, n_out: int, seed: int) -> tuple[Tensor, ...]:
    return (
        whole_numbers(n_in, n_hidden, seed=seed),
        whole_numbers(n_hidden, seed=seed + 1),
        whole_numbers(n_hidden, n_out, seed=seed + 2),
        whole_numbers(n_out, seed=seed + 3),
    )


collapse = Exercise(
    name="collapse",
    reference=lambda w1, b1, w2, b2: (w1 @ w2, b1 @ w2 + b2),
    cases=lambda: [_two_layers(2, 3, 1, 0), _two_layers(3, 3, 3, 10), _two_layers(1, 4, 2, 20)],
    why="(x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2). Two affine layers in a row can do "
    "no more than one.",
    slips=[
        Slip(
            "the two biases are only added. The first one goes through the second layer too: "
            "multiply it by w2 first; then the shapes fit.",
            lambda w1, b1, w2, b2: (w1 @ w2, b1 + b2),
        ),
        Slip(
            "the second bias is missing.",
            lambda w1, b1, w2, b2: (w1 @ w2, b1 @ w2),
        ),
        Slip(
            "the first bias is lost. It goes through the second layer, as x does.",
            lambda w1, b1, w2, b2: (w1 @ w2, b2),
        ),
        Slip(
            "the matrices are in the wrong order: x meets w1 first.",
            lambda w1, b1, w2, b2: (w2 @ w1, b1 @ w2 + b2),
        ),
        Slip(
            "* multiplies number by number; the matrix product is written @.",
            lambda w1, b1, w2, b2: (w1 * w2, b1 * w2 + b2),
        ),
        Slip(
            "b1 is a row, as x is: it stands on the left of w2, b1 @ w2.",
            lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2),
        ),
    ],
)

# --- conv_matrix -------------------------------------------------------------------------


def _slide(kernel: Tensor, n: int, rows: int | None = None) -> Tensor:
    """The kernel in each row, one place further to the right; what sticks out wraps round."""
    rows = n - len(kernel) + 1 if rows is None else rows
    one_row = torch.cat([kernel, kernel.new_zeros(n - len(kernel))])
    return torch.stack([one_row.roll(i) for i in range(rows)])


conv_matrix = Exercise(
    name="conv_matrix",
    reference=_slide,
    cases=lambda: [
        (torch.tensor([1.0, 2.0, 3.0]), 4),
        (torch.tensor([2.0, -1.0]), 4),
        (torch.tensor([4.0, 0.0, 1.0, 7.0]), 6),
    ],
    why="Every row holds the same few numbers at another place, and zeros elsewhere. That is "
    "what tied weights means: many entries, few parameters.",
    slips=[
        Slip(
            "the kernel is turned round. Mathematicians do that, PyTorch does not.",
            lambda kernel, n: _slide(kernel.flip(0), n),
        ),
        Slip(
            "the matrix lies on its side: one row per output, one column per input.",
            lambda kernel, n: _slide(kernel, n).T,
        ),
        Slip(
            "there are too many rows: in the last ones the kernel leaves the signal and comes "
            "back on the left. A kernel of k fits n - k + 1 times.",
            lambda kernel, n: _slide(kernel, n, rows=n),
        ),
        Slip(
            "the last place is missing. A kernel of k fits n - k + 1 times.",
            lambda kernel, n: _slide(kernel, n, rows=n - len(kernel)),
        ),
        Slip(
            "the kernel stands at the same place in every row; move it one to the right.",
            lambda kernel, n: _slide(kernel, n, rows=1).repeat(n - len(kernel) + 1, 1),
        ),
    ],
)

# --- tent --------------------------------------------------------------------------------

tent = Exercise(
    name="tent",
    reference=lambda x: (x + 1).relu() - 2 * x.relu() + (x - 1).relu(),
    cases=lambda: [
        (torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]),),
        (torch.tensor([-0.75, 0.0, 0.75]),),
        (torch.tensor([5.0]),),
    ],
    why="Three ReLUs make a tent. Put tents of different heights side by side, and they add "
    "up to any curve made of straight pieces.",
    slips=[
        Slip(
            "after x = 0 it stays at 1: take the second ReLU twice, so that it falls.",
            lambda x: (x + 1).relu() - x.relu(),
        ),
        Slip(
            "at x = 0 the slope must change from 1 to -1, that is by -2: take that ReLU twice.",
            lambda x: (x + 1).relu() - x.relu() + (x - 1).relu(),
        ),
        Slip(
            "that is a flat roof. At x = 0 the slope must change by -2, at x = 1 by +1.",
            lambda x: (x + 1).relu() - x.relu() - (x - 1).relu(),
        ),
        Slip(
            "it goes on falling after x = 1: a third ReLU has to stop it.",
            lambda x: (x + 1).relu() - 2 * x.relu(),
        ),
        Slip(
            "it never comes down. Subtract the second ReLU, twice.",
            lambda x: (x + 1).relu(),
        ),
        Slip(
            "relu(x + 1) starts to rise at x = -1, relu(x - 1) at x = 1. The two signs inside "
            "are the other way round.",
            lambda x: (x - 1).relu() - 2 * x.relu() + (x - 1).relu(),
        ),
    ],
)

# --- descend -----------------------------------------------------------------------------


def _descend(start: float, gradient: Callable[[float], float], lr: float, steps: int) -> float:
    p = start
    for _ in range(steps):
        p = p - lr * gradient(p)
    return p


descend = Exercise(
    name="descend",
    reference=_descend,
    cases=lambda: [
        (5.0, _Formula("gradient(p) = 2 p", lambda p: 2 * p), 0.1, 3),
        (0.0, _Formula("gradient(p) = 2 (p - 3)", lambda p: 2 * (p - 3)), 0.25, 4),
        (-1.0, _Formula("gradient(p) = 4 p³", lambda p: 4 * p**3), 0.1, 2),
    ],
    why="That is all of gradient descent: ask for the gradient where you are, take a step "
    "against it, ask again.",
    slips=[
        Slip(
            "you walked uphill: the gradient points to where the loss grows, so subtract it.",
            lambda start, gradient, lr, steps: _descend(start, gradient, -lr, steps),
        ),
        Slip(
            "you asked for the gradient once, at the start. Ask again after every step.",
            lambda start, gradient, lr, steps: start - steps * lr * gradient(start),
        ),
        Slip(
            "you took one step only.",
            lambda start, gradient, lr, steps: start - lr * gradient(start),
        ),
        Slip(
            "the learning rate is missing: the step is lr times the gradient.",
            lambda start, gradient, lr, steps: _descend(start, gradient, 1.0, steps),
        ),
    ],
)

# --- slope -------------------------------------------------------------------------------

slope = Exercise(
    name="slope",
    reference=lambda f, x, nudge: (f(x + nudge) - f(x - nudge)) / (2 * nudge),
    cases=lambda: [
        (_Formula("f(x) = x²", lambda x: x * x), 3.0, 0.5),
        (_Formula("f(x) = x³", lambda x: x**3), -1.0, 0.1),
        (_Formula("f(x) = 5 - 7 x", lambda x: 5 - 7 * x), 2.0, 1e-6),
    ],
    why="Nudge and divide: no formula for f is needed, only its values. It works for every "
    "function, and it is how you check a gradient that you worked out.",
    slips=[
        Slip(
            "the two points are 2 · nudge apart, and you divided by one nudge.",
            lambda f, x, nudge: (f(x + nudge) - f(x - nudge)) / nudge,
        ),
        Slip(
            "you have how much f changes; divide it by how far apart the two points are.",
            lambda f, x, nudge: f(x + nudge) - f(x - nudge),
        ),
        Slip(
            "the sign is wrong: the value further right minus the value further left.",
            lambda f, x, nudge: (f(x - nudge) - f(x + nudge)) / (2 * nudge),
        ),
        Slip(
            "you nudged to the right only. Take one place on each side: on a curve that is "
            "much nearer to the slope at x.",
            lambda f, x, nudge: (f(x + nudge) - f(x)) / nudge,
        ),
        Slip(
            "Python divides by 2 and then multiplies by nudge. Put brackets around 2 * nudge.",
            lambda f, x, nudge: (f(x + nudge) - f(x - nudge)) / 2 * nudge,
        ),
    ],
)

# --- affine_back -------------------------------------------------------------------------


def _three(n: int, n_in: int, n_out: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient that arrives [n, n_out], the layer's input [n, n_in], and its weights."""
    return (
        whole_numbers(n, n_out, seed=seed),
        whole_numbers(n, n_in, seed=seed + 1),
        whole_numbers(n_in, n_out, seed=seed + 2),
    )


affine_back = Exercise(
    name="affine_back",
    reference=lambda g, x, w: (g @ w.T, x.T @ g, g.sum(dim=0)),
    cases=lambda: [_three(2, 3, 1, 0), _three(4, 2, 2, 10), _three(1, 2, 3, 20)],
    why="Three short terms: one passes the gradient on to the layer before, two say how "
    "to change this layer. Chained, they are backpropagation.",
    slips=[
        Slip(
            "the gradient of b still has one row per example. b was used in every row, so "
            "add the rows up: sum(dim=0).",
            lambda g, x, w: (g @ w.T, x.T @ g, g),
        ),
        Slip(
            "you took a mean over the rows. The 1/n of a mean belongs to the loss; a layer "
            "adds up.",
            lambda g, x, w: (g @ w.T, x.T @ g / len(x), g.mean(dim=0)),
        ),
        Slip(
            "the gradient of w lies on its side: it must have the shape of w.",
            lambda g, x, w: (g @ w.T, g.T @ x, g.sum(dim=0)),
        ),
        Slip(
            "to go back through w, multiply by w.T; by w itself you would go forward again.",
            lambda g, x, w: (g @ w, x.T @ g, g.sum(dim=0)),
        ),
        Slip(
            "x must be turned: [i, j] comes from x.T, [i, n], times g, [n, j].",
            lambda g, x, w: (g @ w.T, x @ g, g.sum(dim=0)),
        ),
        Slip(
            "you summed all of g; b has one number for each output, so sum over the rows only: "
            "sum(dim=0).",
            lambda g, x, w: (g @ w.T, x.T @ g, g.sum()),
        ),
        Slip(
            "you summed over the outputs; b has one number for each output, so sum over the "
            "rows: sum(dim=0).",
            lambda g, x, w: (g @ w.T, x.T @ g, g.sum(dim=1)),
        ),
    ],
)

"""Checks for notebook 00: counting, collapsing, tied weights, a tent, steps and slopes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lesson5_utils.exercises import (
    WrongForm,
    exercise,
    functions_called,
    real_numbers,
    whole_numbers,
)

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


@exercise(
    cases=lambda: [(2.0,), (5.0,), (-1.5,), (0.3,)],
    why="The check tried four numbers, not only one. You now know all that is needed to "
    "answer the other exercises.",
)
def double(x: float) -> float:
    return 2 * x


double.slip("you added 2. That is the same as doubling for x = 2 only.", lambda x: x + 2)
double.slip("you squared x. That is the same as doubling for x = 2 only.", lambda x: x**2)
double.slip("x comes back as it was: multiply it by 2.", lambda x: x)
double.slip(
    "int() drops what stands after the point: two times 0.3 is 0.6.", lambda x: int(2 * x)
)

# --- count -------------------------------------------------------------------------------


@exercise(
    cases=lambda: [(2, 3, 1, 1), (784, 50, 10, 64), (10, 4, 2, 5), (1, 1, 1, 1)],
    why="Parameters belong to the net: their number does not depend on the data. Activations "
    "belong to the batch: twice as many rows, twice as many activations.",
)
def count(n_in: int, n_hidden: int, n_out: int, rows: int) -> tuple[int, int]:
    parameters = n_in * n_hidden + n_hidden + n_hidden * n_out + n_out
    return parameters, rows * (n_hidden + n_hidden + n_out)


def _parameters(n_in: int, n_hidden: int, n_out: int) -> int:
    return count.reference(n_in, n_hidden, n_out, 1)[0]


count.slip(
    "the biases are missing: each layer also has one number per output.",
    lambda i, h, o, rows: (i * h + h * o, rows * (2 * h + o)),
)
count.slip(
    "you counted the activations of one row; each row of the batch has its own.",
    lambda i, h, o, rows: (_parameters(i, h, o), 2 * h + o),
)
count.slip(
    "the hidden layer has two sets of activations: before the ReLU, and after it.",
    lambda i, h, o, rows: (_parameters(i, h, o), rows * (h + o)),
)
count.slip(
    "you multiplied the parameters by the rows, but all rows share the same ones.",
    lambda i, h, o, rows: (rows * _parameters(i, h, o), rows * (2 * h + o)),
)
count.slip(
    "you counted the inputs as well. They are given, not computed.",
    lambda i, h, o, rows: (_parameters(i, h, o), rows * (i + 2 * h + o)),
)
count.slip(
    "the two are in the other order: return the parameters first, then the activations.",
    lambda i, h, o, rows: (rows * (2 * h + o), _parameters(i, h, o)),
)

# --- collapse ----------------------------------------------------------------------------


def _two_layers(
    n_in: int, n_hidden: int, n_out: int, seed: int, made: Any = real_numbers
) -> tuple[Tensor, ...]:
    shapes = (n_in, n_hidden), (n_hidden,), (n_hidden, n_out), (n_out,)
    return tuple(made(*shape, seed=seed + i) for i, shape in enumerate(shapes))


@exercise(
    cases=lambda: [
        _two_layers(2, 3, 1, 0, whole_numbers),
        _two_layers(3, 3, 3, 10, whole_numbers),
        _two_layers(1, 4, 2, 20),
        tuple(part.double() for part in _two_layers(2, 1, 2, 30)),
    ],
    why="(x W1 + b1) W2 + b2 = x (W1 W2) + (b1 W2 + b2). Two affine layers in a row can do "
    "no more than one.",
)
def collapse(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> tuple[Tensor, Tensor]:
    return w1 @ w2, b1 @ w2 + b2


collapse.slip(
    "the two biases are only added. The first one goes through the second layer too: multiply "
    "it by w2 first; then the shapes fit.",
    lambda w1, b1, w2, b2: (w1 @ w2, b1 + b2),
)
collapse.slip(
    "the second bias is missing.",
    lambda w1, b1, w2, b2: (w1 @ w2, b1 @ w2),
)
collapse.slip(
    "the first bias is lost. It goes through the second layer, as x does.",
    lambda w1, b1, w2, b2: (w1 @ w2, b2),
)
collapse.slip(
    "the matrices are in the wrong order: x meets w1 first.",
    lambda w1, b1, w2, b2: (w2 @ w1, b1 @ w2 + b2),
)
collapse.slip(
    "* multiplies number by number; the matrix product is written @.",
    lambda w1, b1, w2, b2: (w1 * w2, b1 * w2 + b2),
)
collapse.slip(
    "b1 is a row, as x is: it stands on the left of w2, b1 @ w2.",
    lambda w1, b1, w2, b2: (w1 @ w2, w2 @ b1 + b2),
)
collapse.slip(
    "the two are in the other order: return the matrix w first, then the bias b.",
    lambda w1, b1, w2, b2: (b1 @ w2 + b2, w1 @ w2),
)

# --- conv_matrix -------------------------------------------------------------------------


def _slide(kernel: Tensor, n: int, rows: int) -> Tensor:
    """The kernel in each row, one place further to the right; what sticks out wraps round."""
    one_row = torch.cat([kernel, kernel.new_zeros(n - len(kernel))])
    return torch.stack([one_row.roll(i) for i in range(rows)])


@exercise(
    cases=lambda: [
        (torch.tensor([1.0, 2.0, 3.0]), 4),
        (torch.tensor([2.0, -1.0]), 4),
        (torch.tensor([4.0, 0.0, 1.0, 7.0]), 6),
        (torch.tensor([0.5, -1.25, 0.3]), 5),
        (torch.tensor([0.7]), 3),
        (torch.tensor([0.2, 0.9]), 2),
    ],
    why="Every row holds the same few numbers at another place, and zeros elsewhere. That is "
    "what tied weights means: many entries, few parameters.",
)
def conv_matrix(kernel: Tensor, n: int) -> Tensor:
    return _slide(kernel, n, rows=n - len(kernel) + 1)


conv_matrix.slip(
    "the kernel is turned round. Mathematicians do that, PyTorch does not.",
    lambda kernel, n: conv_matrix.reference(kernel.flip(0), n),
)
conv_matrix.slip(
    "the matrix lies on its side: one row per output, one column per input.",
    lambda kernel, n: conv_matrix.reference(kernel, n).T,
)
conv_matrix.slip(
    "there are too many rows: in the last ones the kernel leaves the signal and comes back on "
    "the left. A kernel of k fits n - k + 1 times.",
    lambda kernel, n: _slide(kernel, n, rows=n),
)
conv_matrix.slip(
    "the last place is missing. A kernel of k fits n - k + 1 times.",
    lambda kernel, n: conv_matrix.reference(kernel, n)[:-1],
)
conv_matrix.slip(
    "the kernel stands at the same place in every row; move it one to the right.",
    lambda kernel, n: _slide(kernel, n, rows=1).repeat(n - len(kernel) + 1, 1),
)
conv_matrix.slip(
    "the matrix holds whole numbers only, so 0.5 became 0. Start with torch.zeros, and give no "
    "dtype.",
    lambda kernel, n: conv_matrix.reference(kernel, n).long(),
)

# --- tent --------------------------------------------------------------------------------


def _with_relu(answer: Any, x: Tensor) -> Any:
    """The answer's tent, built of ReLUs in one of their spellings: a net has no other means."""
    result, called = functions_called(answer, x)
    if not any(part in name for name in called for part in ("relu", "clamp", "clip", "max")):
        raise WrongForm(
            "there is no relu in it. A net has only affine functions and ReLUs to build a tent "
            "from: write (x + 1).relu(), and see what must be added to it"
        )
    return result


@exercise(
    cases=lambda: [
        (torch.tensor([-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]),),
        (torch.tensor([-0.75, 0.0, 0.75]),),
        (torch.tensor([5.0]),),
        (torch.tensor([-1000.0, -0.01, 0.3, 1000.0], dtype=torch.float64),),
    ],
    through=_with_relu,
    why="Three ReLUs make a tent. Put tents of different heights side by side, and they add "
    "up to any curve made of straight pieces.",
)
def tent(x: Tensor) -> Tensor:
    return (x + 1).relu() - 2 * x.relu() + (x - 1).relu()


tent.slip(
    "after x = 0 it stays at 1: take the second ReLU twice, so that it falls.",
    lambda x: (x + 1).relu() - x.relu(),
)
tent.slip(
    "at x = 0 the slope must change from 1 to -1, that is by -2: take that ReLU twice.",
    lambda x: (x + 1).relu() - x.relu() + (x - 1).relu(),
)
tent.slip(
    "that is a flat roof. At x = 0 the slope must change by -2, at x = 1 by +1.",
    lambda x: (x + 1).relu() - x.relu() - (x - 1).relu(),
)
tent.slip(
    "it goes on falling after x = 1: a third ReLU has to stop it.",
    lambda x: (x + 1).relu() - 2 * x.relu(),
)
tent.slip(
    "it never comes down. Subtract the second ReLU, twice.",
    lambda x: (x + 1).relu(),
)
tent.slip(
    "relu(x + 1) starts to rise at x = -1, relu(x - 1) at x = 1. The two signs inside are the "
    "other way round.",
    lambda x: (x - 1).relu() - 2 * x.relu() + (x - 1).relu(),
)

# --- descend -----------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (5.0, _Formula("gradient(p) = 2 p", lambda p: 2 * p), 0.1, 3),
        (0.0, _Formula("gradient(p) = 2 (p - 3)", lambda p: 2 * (p - 3)), 0.25, 4),
        (-1.0, _Formula("gradient(p) = 4 p³", lambda p: 4 * p**3), 0.1, 2),
        (0.7, _Formula("gradient(p) = p - 0.2", lambda p: p - 0.2), 0.3, 1),
        (1.5, _Formula("gradient(p) = 2 p", lambda p: 2 * p), 0.1, 0),
    ],
    why="That is all of gradient descent: ask for the gradient where you are, take a step "
    "against it, ask again.",
)
def descend(start: float, gradient: Callable[[float], float], lr: float, steps: int) -> float:
    p = start
    for _ in range(steps):
        p = p - lr * gradient(p)
    return p


descend.slip(
    "you walked uphill: the gradient points to where the loss grows, so subtract it.",
    lambda start, gradient, lr, steps: descend.reference(start, gradient, -lr, steps),
)
descend.slip(
    "you asked for the gradient once, at the start. Ask again after every step.",
    lambda start, gradient, lr, steps: start - steps * lr * gradient(start),
)
descend.slip(
    "you took one step only.",
    lambda start, gradient, lr, steps: start - lr * gradient(start),
)
descend.slip(
    "the learning rate is missing: the step is lr times the gradient.",
    lambda start, gradient, lr, steps: descend.reference(start, gradient, 1.0, steps),
)
descend.slip(
    "you took one step too many: range(steps) counts all of them.",
    lambda start, gradient, lr, steps: descend.reference(start, gradient, lr, steps + 1),
)
descend.slip(
    "you returned the start; the steps are lost.",
    lambda start, gradient, lr, steps: start,
)

# --- slope -------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (_Formula("f(x) = x²", lambda x: x * x), 3.0, 0.5),
        (_Formula("f(x) = x³", lambda x: x**3), -1.0, 0.1),
        (_Formula("f(x) = 5 - 7 x", lambda x: 5 - 7 * x), 2.0, 1e-6),
        (_Formula("f(x) = x³ / 3", lambda x: x**3 / 3), 0.3, 0.25),
    ],
    why="Nudge and divide: no formula for f is needed, only its values. It works for every "
    "function, and it is how you check a gradient that you worked out.",
)
def slope(f: Callable[[float], float], x: float, nudge: float) -> float:
    return (f(x + nudge) - f(x - nudge)) / (2 * nudge)


slope.slip(
    "the two points are 2 · nudge apart, and you divided by one nudge.",
    lambda f, x, nudge: (f(x + nudge) - f(x - nudge)) / nudge,
)
slope.slip(
    "you have how much f changes; divide it by how far apart the two points are.",
    lambda f, x, nudge: f(x + nudge) - f(x - nudge),
)
slope.slip(
    "the sign is wrong: the value further right minus the value further left.",
    lambda f, x, nudge: (f(x - nudge) - f(x + nudge)) / (2 * nudge),
)
slope.slip(
    "you nudged to the right only. Take one place on each side: on a curve that is much nearer "
    "to the slope at x.",
    lambda f, x, nudge: (f(x + nudge) - f(x)) / nudge,
)
slope.slip(
    "Python divides by 2 and then multiplies by nudge. Put brackets around 2 * nudge.",
    lambda f, x, nudge: (f(x + nudge) - f(x - nudge)) / 2 * nudge,
)
slope.slip(
    "you nudged by a small number of your own; nudge by `nudge`.",
    lambda f, x, nudge: slope.reference(f, x, 1e-5),
)

# --- affine_back -------------------------------------------------------------------------


def _three(
    n: int, n_in: int, n_out: int, seed: int, made: Any = real_numbers
) -> tuple[Tensor, ...]:
    """The gradient that arrives [n, n_out], the layer's input [n, n_in], and its weights."""
    shapes = (n, n_out), (n, n_in), (n_in, n_out)
    return tuple(made(*shape, seed=seed + i) for i, shape in enumerate(shapes))


def _by_hand(answer: Any, g: Tensor, x: Tensor, w: Tensor) -> Any:
    """The answer's three gradients, made without autograd."""
    result, called = functions_called(answer, g, x, w)
    if called & {"backward", "grad"}:
        raise WrongForm(
            "autograd did the work. Write the three products yourself: they are what autograd "
            "does inside"
        )
    return result


@exercise(
    cases=lambda: [
        _three(2, 3, 1, 0, whole_numbers),
        _three(4, 2, 2, 10, whole_numbers),
        _three(1, 2, 3, 20),
        tuple(part.double() for part in _three(3, 2, 4, 30)),
        (torch.zeros(2, 1), *_three(2, 3, 1, 40)[1:]),
    ],
    through=_by_hand,
    why="Three short terms: one passes the gradient on to the layer before, two say how "
    "to change this layer. Chained, they are backpropagation.",
)
def affine_back(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return g @ w.T, x.T @ g, g.sum(dim=0)


affine_back.slip(
    "the gradient of b still has one row per example. b was used in every row, so add the rows "
    "up: sum(dim=0).",
    lambda g, x, w: (g @ w.T, x.T @ g, g),
)
affine_back.slip(
    "you took a mean over the rows. The 1/n of a mean belongs to the loss; a layer adds up.",
    lambda g, x, w: (g @ w.T, x.T @ g / len(x), g.mean(dim=0)),
)
affine_back.slip(
    "the gradient of w lies on its side: it must have the shape of w.",
    lambda g, x, w: (g @ w.T, g.T @ x, g.sum(dim=0)),
)
affine_back.slip(
    "to go back through w, multiply by w.T; by w itself you would go forward again.",
    lambda g, x, w: (g @ w, x.T @ g, g.sum(dim=0)),
)
affine_back.slip(
    "x must be turned: [i, j] comes from x.T, [i, n], times g, [n, j].",
    lambda g, x, w: (g @ w.T, x @ g, g.sum(dim=0)),
)
affine_back.slip(
    "you summed all of g; b has one number for each output, so sum over the rows only: "
    "sum(dim=0).",
    lambda g, x, w: (g @ w.T, x.T @ g, g.sum()),
)
affine_back.slip(
    "you summed over the outputs; b has one number for each output, so sum over the rows: "
    "sum(dim=0).",
    lambda g, x, w: (g @ w.T, x.T @ g, g.sum(dim=1)),
)
affine_back.slip(
    "the three are in another order: first x, then w, then b.",
    lambda g, x, w: (x.T @ g, g @ w.T, g.sum(dim=0)),
)

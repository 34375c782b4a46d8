"""Checks for notebook 00: the four functions of an engine, bends, a tent, tied weights."""

from __future__ import annotations

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
    "affine",
    "affine_back",
    "bends",
    "bug",
    "conv_matrix",
    "measure",
    "relu",
    "relu_back",
    "tent",
]

# --- relu --------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([-1.5, 0.0, 2.0]),),
        (real_numbers(3, 4),),
        (real_numbers(2, 2, seed=1).double() / 1000,),
        (torch.tensor([-1e6, -0.001, 0.25, 1e6]),),
    ],
    why="This one bend is all that a net has beside multiplying and adding. Below, it is your "
    "function that bends.",
)
def relu(z: Tensor) -> Tensor:
    return z.clamp(min=0)


relu.slip("that is the size of each number; a negative one becomes 0.", lambda z: z.abs())
relu.slip(
    "the negative numbers stay, and the positive ones are lost.", lambda z: z.clamp(max=0)
)
relu.slip("the numbers come back as they were.", lambda z: z)
relu.slip(
    "that says which numbers are positive. Multiply it by the numbers themselves.",
    lambda z: (z > 0).to(z.dtype),
)
relu.slip("all numbers became 0; those above 0 stay as they are.", lambda z: z * 0)
relu.slip(
    "Python's `max` and `if` ask about one thing, and a tensor holds many numbers. Tensors "
    "have a method that cuts off what is below a least value: clamp.",
    lambda z: max(z, 0),
)

# --- affine ------------------------------------------------------------------------------


def _layer(
    n: int, n_in: int, n_out: int, seed: int, made: Any = real_numbers
) -> tuple[Any, ...]:
    """Rows [n, n_in], weights [n_in, n_out] and a bias [n_out]."""
    shapes = (n, n_in), (n_in, n_out), (n_out,)
    return tuple(made(*shape, seed=seed + i) for i, shape in enumerate(shapes))


@exercise(
    cases=lambda: [
        _layer(2, 3, 1, 0, whole_numbers),
        _layer(3, 3, 3, 10, whole_numbers),
        _layer(4, 2, 3, 20),
        tuple(part.double() for part in _layer(1, 5, 2, 30)),
    ],
    why="All that a net learns stands in such functions: the weights w and the bias b.",
)
def affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return x @ w + b


affine.slip("the bias is missing: add b at the end.", lambda x, w, b: x @ w)
affine.slip(
    "* multiplies number by number; the matrix product is written @.",
    lambda x, w, b: x * w + b,
)
affine.slip("x stands on the left of w: x @ w.", lambda x, w, b: w @ x + b)
affine.slip(
    "you added b to the weights. It is added to the product.", lambda x, w, b: x @ (w + b)
)
affine.slip(
    "b is one row for all rows of x; you made a column of it.",
    lambda x, w, b: x @ w + b[:, None],
)
affine.slip("b is added, not subtracted.", lambda x, w, b: x @ w - b)

# --- bends -------------------------------------------------------------------------------


@exercise(
    kind="predict",
    why="Only a ReLU bends a line, and each one bends it once, if it has a line of its own to "
    "bend. Ten layers without it are as straight as one.",
)
def bends() -> list[int]:
    return [0, 1, 8, 1]


bends.slip(
    "look at net A again: it multiplies and adds, ten times. What becomes of a straight line "
    "that is multiplied and added to?",
    lambda: [10, 1, 8, 1],
)
bends.slip(
    "net A has nine places between its layers, but nothing stands there that could bend.",
    lambda: [9, 1, 8, 1],
)
bends.slip(
    "look at net D again. Its ReLU comes last, when the 8 numbers are already one.",
    lambda: [0, 1, 8, 8],
)
bends.slip(
    "you counted straight pieces. A line with one bend has two pieces.", lambda: [1, 2, 9, 2]
)
bends.slip("in net C each of the 8 hidden numbers has a bend.", lambda: [0, 1, 1, 1])
bends.slip(
    "nine for net C are its straight pieces. Between nine pieces there are how many bends?",
    lambda: [0, 1, 9, 1],
)
bends.slip(
    "the ReLU of net D comes last, and it bends all the same: where the line crosses 0.",
    lambda: [0, 1, 8, 0],
)
bends.slip(
    "not even one: a straight line, multiplied and added to, is straight. Look at net A again.",
    lambda: [1, 1, 8, 1],
)
bends.slip(
    "two of the four, A and D. What can bend in net A? And how many lines go through D's ReLU?",
    lambda: [9, 1, 8, 8],
)
bends.slip(
    "A and D, both. A bend needs a ReLU, and each ReLU bends the line that goes through it.",
    lambda: [10, 1, 8, 8],
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
    return _without_autograd(answer, g, x, w)


def _relu_by_hand(answer: Any, g: Tensor, z: Tensor) -> Any:
    """The answer's gradient, made without autograd."""
    return _without_autograd(answer, g, z)


def _without_autograd(answer: Any, *case: Tensor) -> Any:
    result, called = functions_called(answer, *case)
    if called & {"backward", "grad"}:
        raise WrongForm(
            "autograd did the work. Write the products yourself: they are what autograd does "
            "inside"
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
    why="Three short terms: one hands the blame on to the layer before, two say how to change "
    "this layer. Done layer after layer, this is backpropagation.",
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
    "for b you took a mean over the rows. Each row blames b, and the blames are added up.",
    lambda g, x, w: (g @ w.T, x.T @ g, g.mean(dim=0)),
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

# --- relu_back ---------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([[2.0, -3.0, 5.0]]), torch.tensor([[1.0, 4.0, -2.0]])),
        (torch.tensor([[1.5, -0.5], [2.5, 4.0]]), torch.tensor([[0.0, 0.001], [-0.002, 0.0]])),
        (real_numbers(3, 4, seed=1), real_numbers(3, 4, seed=2)),
        tuple(part.double() for part in (real_numbers(2, 3, seed=3), real_numbers(2, 3))),
    ],
    through=_relu_by_hand,
    why="Where the ReLU held a number at 0, pushing that number changes nothing, so it gets no "
    "blame. Forget this, and a net still learns a little: such mistakes are hard to see.",
)
def relu_back(g: Tensor, z: Tensor) -> Tensor:
    return g * (z > 0)


relu_back.slip(
    "all blame is handed on. Where z was negative, the ReLU gave 0 whatever z was: no blame.",
    lambda g, z: g,
)
relu_back.slip(
    "the blame goes through where *z* was above 0. You asked whether the blame was.",
    lambda g, z: g.clamp(min=0),
)
relu_back.slip(
    "the slope of a ReLU is 1 or 0. You multiplied by what came out of it.",
    lambda g, z: g * z.clamp(min=0),
)
relu_back.slip(
    "the slope of a ReLU is 1 or 0. You multiplied by what went in.", lambda g, z: g * z
)
relu_back.slip(
    "that is only the slope of the ReLU. Multiply the blame by it.",
    lambda g, z: (z > 0).to(g.dtype),
)
relu_back.slip(
    "it is the other way round: what was above 0 is handed on.", lambda g, z: g * (z < 0)
)
relu_back.slip(
    "at exactly 0 autograd hands nothing on, so we do not either: above 0, not from 0.",
    lambda g, z: g * (z >= 0),
)
relu_back.slip(
    "`if` asks about one thing, and a tensor holds many numbers. `z > 0` asks for "
    "each of them.",
    lambda g, z: g if z > 0 else 0,
)

# --- bug ---------------------------------------------------------------------------------

_BUGS = (
    "relu_back hands everything on",
    "relu_back hands nothing on",
    "affine_back takes a mean for b",
    "the loss forgets its factor 2",
    "the learning rate is too high",
)


@exercise(
    kind="diagnose",
    choices=_BUGS,
    why="A gradient that is wrong in one place leaves its marks behind that place, seen from "
    "the loss, and nowhere else. So you read the table from w2 and b2 back to w1 and b1.",
)
def bug() -> dict[str, str]:
    return {"A": _BUGS[0], "B": _BUGS[2], "C": _BUGS[3]}


bug.slip(
    "look at A again. If relu_back handed nothing on, what would arrive at w1 and b1?",
    lambda: bug.reference() | {"A": _BUGS[1]},
)
bug.slip(
    "A and C are the other way round. What comes before everything else on the way back?",
    lambda: {"A": _BUGS[3], "B": _BUGS[2], "C": _BUGS[0]},
)
bug.slip(
    "look at C again. The learning rate is used after the gradient: it changes no gradient.",
    lambda: bug.reference() | {"C": _BUGS[4]},
)
bug.slip(
    "look at B again: the weights are right, so nothing is wrong on the way through the ReLU.",
    lambda: bug.reference() | {"B": _BUGS[0]},
)

# --- measure -----------------------------------------------------------------------------

_RUNS = ("train it again", "train a wider net", "place the bends by hand", "try new points")


@exercise(
    kind="design",
    choices=_RUNS,
    why="One good set of numbers proves that the net can follow the curve; then the loop is to "
    "blame. It proves nothing if the numbers are bad: better ones may exist.",
)
def measure() -> str:
    return _RUNS[2]


measure.slip(
    "the same net, start and steps give the same numbers again, to the last digit.",
    lambda: _RUNS[0],
)
measure.slip(
    "a wider net can follow more and is also easier to train. If it does better, you do not "
    "know which of the two it was.",
    lambda: _RUNS[1],
)
measure.slip(
    "new points tell whether the net does as well between the old ones. The error on the old "
    "ones is what we ask about.",
    lambda: _RUNS[3],
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
    if any(part in name for name in called for part in ("abs", "where")):
        raise WrongForm(
            "abs and where are neither affine nor a ReLU. Multiply and add, and let ReLUs do "
            "all the bending"
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

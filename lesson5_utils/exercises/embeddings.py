"""Checks for notebook 01: numbering ids, lookup, a dot-product model, its start, its error."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import (
    WrongForm,
    exercise,
    gradients_of,
    real_numbers,
    whole_numbers,
)

__all__ = ["dot_model", "lookup", "numbering", "rmse", "start"]

# --- numbering ---------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (np.array([40, 7, 7, 1003, 40]),),
        (np.array([5]),),
        (np.array([9, 8, 7, 9]),),
    ],
    why="A table of weights has rows 0, 1, 2 …: every id needs a row number, and every row "
    "number must lead back to its id. vocabulary[codes] gives the ids again.",
)
def numbering(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vocabulary, codes = np.unique(ids, return_inverse=True)
    return vocabulary, codes


numbering.slip(
    "you subtracted the smallest id. That works only if no id is missing in between; the "
    "largest code must be (number of different ids) - 1.",
    lambda ids: (np.unique(ids), ids - ids.min()),
)


@numbering.slip(
    "you numbered the ids in the order in which they appear, but sorted the vocabulary: "
    "vocabulary[codes] does not give the ids back."
)
def _(ids: np.ndarray) -> Any:
    seen = list(dict.fromkeys(ids.tolist()))
    return np.unique(ids), [seen.index(one) for one in ids.tolist()]


@numbering.slip("your vocabulary is in the order of appearance; sort it.")
def _(ids: np.ndarray) -> Any:
    seen = list(dict.fromkeys(ids.tolist()))
    return seen, [seen.index(one) for one in ids.tolist()]


numbering.slip(
    "your codes count from 1. Rows of a table count from 0.",
    lambda ids: (np.unique(ids), np.unique(ids, return_inverse=True)[1] + 1),
)
numbering.slip(
    "you returned the codes and no vocabulary. Return both, vocabulary first.",
    lambda ids: np.unique(ids, return_inverse=True)[1],
)
numbering.slip(
    "you returned the vocabulary and no codes. Return both, vocabulary first: np.unique gives "
    "the codes when it is asked to (return_inverse=True).",
    lambda ids: np.unique(ids),
)
numbering.slip(
    "the two results are there, but in the other order: vocabulary first, then codes.",
    lambda ids: np.unique(ids, return_inverse=True)[::-1],
)
numbering.slip(
    "your codes are real numbers (1.0 instead of 1). They are places in a table, and a place "
    "must be a whole number.",
    lambda ids: (np.unique(ids), np.unique(ids, return_inverse=True)[1].astype(float)),
)

# --- lookup ------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (whole_numbers(5, 2), torch.tensor([3])),
        (real_numbers(4, 3), torch.tensor([0, 2, 2])),
        (real_numbers(6, 1, seed=2) / 1000, torch.tensor([1, 1, 0, 4])),
    ],
    gradients=True,
    why="One-hot times table gives the same numbers as table[index]. So an embedding is a "
    "linear layer that skips the multiplications by zero.",
)
def lookup(table: Tensor, index: Tensor) -> Tensor:
    return table[index]


lookup.slip(
    "the one-hot rows are only as long as the largest index needs. Give one_hot the number of "
    "rows: num_classes=len(table).",
    lambda table, index: F.one_hot(index).float() @ table,
)
lookup.slip(
    "the one-hot tensor holds whole numbers, and a product needs one kind of number: add "
    ".float().",
    lambda table, index: F.one_hot(index, len(table)) @ table,
)
lookup.slip(
    "the table was made whole, so everything after the point is lost. Make the one-hot rows "
    "real instead: .float().",
    lambda table, index: F.one_hot(index, len(table)) @ table.long(),
)
lookup.slip(
    "you averaged or added the rows: with several indices, the result has one row for each.",
    lambda table, index: table[index].sum(dim=0),
)
lookup.slip(
    "you returned the one-hot rows; the product with the table is still to do.",
    lambda table, index: F.one_hot(index, len(table)).float(),
)

# --- a dot-product model -----------------------------------------------------------------


class _Model(nn.Module):
    def __init__(self, n_users: int, n_movies: int, n_factors: int) -> None:
        super().__init__()
        self.users = nn.Embedding(n_users, n_factors)
        self.movies = nn.Embedding(n_movies, n_factors)

    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.users(user) * self.movies(movie)).sum(dim=1)


def _known_tables(
    model_class: Any, n_users: int, n_movies: int, n_factors: int, user: Tensor, movie: Tensor
) -> Any:
    """Build the learner's model, put known numbers into its two tables, and call it."""
    if isinstance(model_class, nn.Module):
        raise WrongForm("give the class itself, MyDotProduct, not a model made from it")
    model = model_class(n_users, n_movies, n_factors)
    tables = {tuple(p.shape): p for p in model.parameters()}
    found = {(n_users, n_factors), (n_movies, n_factors)} <= set(tables)
    if found:
        with torch.no_grad():
            for rows in (n_users, n_movies):
                tables[rows, n_factors].copy_(real_numbers(rows, n_factors, seed=rows))
    predicted = model(user, movie)
    if predicted is None or predicted is ...:
        return predicted
    learned = {str(shape): p for shape, p in tables.items() if p.requires_grad}
    reached = [grad is not None for grad in gradients_of(predicted, learned).values()]
    if found and (len(learned) < len(tables) or not all(reached)):
        raise WrongForm(
            "no gradient flows from the predictions back to both tables, so they would not "
            "learn: no .detach(), numpy, no_grad() or requires_grad=False in the model"
        )
    return {
        "parameters": " and ".join(f"{list(shape)}" for shape in sorted(tables)) or "none",
        "predictions": predicted if found else "not compared: they are random",
    }


@exercise(
    cases=lambda: [
        (6, 5, 3, torch.tensor([0, 5, 2]), torch.tensor([4, 4, 0])),
        (3, 7, 2, torch.tensor([1]), torch.tensor([6])),
    ],
    through=_known_tables,
    why="That is the whole model: two tables, one product, one sum. PyTorch found both tables "
    "by itself, because they are layers stored as attributes.",
)
def dot_model(n_users: int, n_movies: int, n_factors: int) -> nn.Module:
    return _Model(n_users, n_movies, n_factors)


@dot_model.slip(
    "@ multiplies every user with every film: [n, n] numbers. Multiply row by row with *, then "
    "sum over the factors (dim=1)."
)
class _EveryPair(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return self.users(user) @ self.movies(movie).T


@dot_model.slip("the products of the factors are there; their sum (dim=1) is missing.")
class _NoSum(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return self.users(user) * self.movies(movie)


@dot_model.slip("you summed over the users (dim=0); sum over the factors (dim=1).")
class _WrongSum(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.users(user) * self.movies(movie)).sum(dim=0)


@dot_model.slip("you took the mean over the factors; a dot product is a sum.")
class _Mean(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.users(user) * self.movies(movie)).mean(dim=1)


@dot_model.slip(
    "the tables are plain tensors, so model.parameters() is empty and nothing would be "
    "learned. Store nn.Embedding layers as attributes."
)
class _Hidden(nn.Module):
    def __init__(self, n_users: int, n_movies: int, n_factors: int) -> None:
        super().__init__()
        self.tables = [torch.randn(n_users, n_factors), torch.randn(n_movies, n_factors)]

    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.tables[0][user] * self.tables[1][movie]).sum(dim=1)


# --- where to start ----------------------------------------------------------------------


@exercise(
    cases=lambda: [(50, 3.5), (40, 3.0), (1, 1.0), (5, 4.0), (4000, 0.01)],
    why="Two numbers drawn from U(0, a) have means a/2, so a dot product of n of them has mean "
    "n·a²/4. Ask for the mean rating, and solve for a.",
)
def start(n_factors: int, mean: float) -> float:
    return 2 * math.sqrt(mean / n_factors)


start.slip(
    "you took the mean of U(0, a) to be a; it is a/2.",
    lambda n_factors, mean: math.sqrt(mean / n_factors),
)
start.slip(
    "two random numbers are multiplied, so a enters squared: take the root.",
    lambda n_factors, mean: 4 * mean / n_factors,
)
start.slip(
    "each of the two means is a/2, so their product is a²/4, not a²/2.",
    lambda n_factors, mean: math.sqrt(2 * mean / n_factors),
)
start.slip(
    "one of the factors n is missing: the dot product adds up n products.",
    lambda n_factors, mean: 2 * math.sqrt(mean),
)
start.slip(
    "it is rounded; give the number as it is.",
    lambda n_factors, mean: round(2 * math.sqrt(mean / n_factors), 2),
)

# --- root mean squared error -------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([3.0, 4.0]), torch.tensor([[5.0], [4.0]])),
        (real_numbers(6), real_numbers(6, 1, seed=1)),
        (torch.tensor([1.0]), torch.tensor([[4.0]])),
        (real_numbers(5) / 1000, real_numbers(5, 1, seed=1) / 1000),
    ],
    why="[n] minus [n, 1] is [n, n]: every prediction against every target, without an error "
    "message. Look at the shapes before you believe a loss.",
)
def rmse(pred: Tensor, target: Tensor) -> Tensor:
    return ((pred - target.flatten()) ** 2).mean().sqrt()


rmse.slip(
    "broadcasting made an [n, n] table of differences. Give both the same shape first, for "
    "instance target.flatten() or target.squeeze(1).",
    lambda pred, target: ((pred - target) ** 2).mean().sqrt(),
)
rmse.slip(
    "that is the mean squared error; the root is missing.",
    lambda pred, target: ((pred - target.flatten()) ** 2).mean(),
)
rmse.slip(
    "that is the mean absolute error: square, then mean, then root.",
    lambda pred, target: (pred - target.flatten()).abs().mean(),
)
rmse.slip(
    "you summed the squares; take their mean, or more rows would mean more error.",
    lambda pred, target: ((pred - target.flatten()) ** 2).sum().sqrt(),
)

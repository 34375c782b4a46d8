"""Checks for notebook 01: numbering ids, lookup, a dot-product model, its start, its error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import Exercise, Slip, WrongForm, whole_numbers

__all__ = ["dot_model", "lookup", "numbering", "rmse", "start"]


# --- numbering ---------------------------------------------------------------------------


def _by_first_seen(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen = list(dict.fromkeys(ids.tolist()))
    return np.array(sorted(seen)), np.array([seen.index(one) for one in ids.tolist()])


def _unsorted(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen = list(dict.fromkeys(ids.tolist()))
    return np.array(seen), np.array([seen.index(one) for one in ids.tolist()])


numbering = Exercise(
    name="numbering",
    reference=lambda ids: np.unique(ids, return_inverse=True),
    cases=lambda: [
        (np.array([40, 7, 7, 1003, 40]),),
        (np.array([5]),),
        (np.array([9, 8, 7, 9]),),
    ],
    why="A table of weights has rows 0, 1, 2 …: every id needs a row number, and every row "
    "number must lead back to its id. vocabulary[codes] gives the ids again.",
    slips=[
        Slip(
            "you subtracted the smallest id. That works only if no id is missing in between; "
            "the largest code must be (number of different ids) - 1.",
            lambda ids: (np.unique(ids), ids - ids.min()),
        ),
        Slip(
            "you numbered the ids in the order in which they appear, but sorted the "
            "vocabulary: vocabulary[codes] does not give the ids back.",
            _by_first_seen,
        ),
        Slip(
            "your codes count from 1. Rows of a table count from 0.",
            lambda ids: (np.unique(ids), np.unique(ids, return_inverse=True)[1] + 1),
        ),
        Slip(
            "your vocabulary is in the order of appearance; sort it.",
            _unsorted,
        ),
        Slip(
            "you returned the codes and no vocabulary. Return both, vocabulary first.",
            lambda ids: np.unique(ids, return_inverse=True)[1],
        ),
        Slip(
            "the two results are there, but in the other order: vocabulary first, then codes.",
            lambda ids: np.unique(ids, return_inverse=True)[::-1],
        ),
    ],
)

# --- lookup ------------------------------------------------------------------------------

lookup = Exercise(
    name="lookup",
    reference=lambda table, index: table[index],
    cases=lambda: [
        (whole_numbers(5, 2), torch.tensor([3])),
        (whole_numbers(4, 3, seed=1), torch.tensor([0, 2, 2])),
        (whole_numbers(6, 1, seed=2), torch.tensor([1, 1, 0, 4])),
    ],
    why="One-hot times table gives the same numbers as table[index]. So an embedding is a "
    "linear layer that skips the multiplications by zero.",
    slips=[
        Slip(
            "the one-hot rows are only as long as the largest index needs. Give one_hot the "
            "number of rows: num_classes=len(table).",
            lambda table, index: F.one_hot(index).float() @ table,
        ),
        Slip(
            "the one-hot tensor holds whole numbers, and a product needs one kind of number: "
            "add .float().",
            lambda table, index: F.one_hot(index, len(table)) @ table,
        ),
        Slip(
            "you averaged or added the rows: with several indices, the result has one row "
            "for each.",
            lambda table, index: table[index].sum(dim=0),
        ),
        Slip(
            "you returned the one-hot rows; the product with the table is still to do.",
            lambda table, index: F.one_hot(index, len(table)).float(),
        ),
    ],
)

# --- a dot-product model -----------------------------------------------------------------


class _Model(nn.Module):
    def __init__(self, n_users: int, n_movies: int, n_factors: int) -> None:
        super().__init__()
        self.users = nn.Embedding(n_users, n_factors)
        self.movies = nn.Embedding(n_movies, n_factors)

    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.users(user) * self.movies(movie)).sum(dim=1)


class _EveryPair(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return self.users(user) @ self.movies(movie).T


class _NoSum(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return self.users(user) * self.movies(movie)


class _WrongSum(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.users(user) * self.movies(movie)).sum(dim=0)


class _Mean(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.users(user) * self.movies(movie)).mean(dim=1)


class _Hidden(nn.Module):
    def __init__(self, n_users: int, n_movies: int, n_factors: int) -> None:
        super().__init__()
        self.tables = [torch.randn(n_users, n_factors), torch.randn(n_movies, n_factors)]

    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.tables[0][user] * self.tables[1][movie]).sum(dim=1)


def _use_model(model_class: Any) -> Callable[..., Any]:
    """Build the learner's model, put known numbers into its two tables, and call it."""

    def use(n_users: int, n_movies: int, n_factors: int, user: Tensor, movie: Tensor) -> Any:
        if isinstance(model_class, nn.Module):
            raise WrongForm("give the class itself, MyDotProduct, not a model made from it")
        model = model_class(n_users, n_movies, n_factors)
        tables = {tuple(p.shape): p for p in model.parameters()}
        with torch.no_grad():
            for rows in (n_users, n_movies):
                if (rows, n_factors) in tables:
                    tables[rows, n_factors].copy_(whole_numbers(rows, n_factors, seed=rows))
        predicted = model(user, movie)
        if predicted is None or predicted is ...:
            return predicted
        found = {(n_users, n_factors), (n_movies, n_factors)} <= set(tables)
        return {
            "parameters": " and ".join(f"{list(shape)}" for shape in sorted(tables)) or "none",
            "predictions": predicted if found else "not compared: they are random",
        }

    return use


dot_model = Exercise(
    name="dot_model",
    reference=_Model,
    use=_use_model,
    cases=lambda: [
        (6, 5, 3, torch.tensor([0, 5, 2]), torch.tensor([4, 4, 0])),
        (3, 7, 2, torch.tensor([1]), torch.tensor([6])),
    ],
    why="That is the whole model: two tables, one product, one sum. PyTorch found both tables "
    "by itself, because they are layers stored as attributes.",
    slips=[
        Slip(
            "@ multiplies every user with every film: [n, n] numbers. Multiply row by row "
            "with *, then sum over the factors (dim=1).",
            _EveryPair,
        ),
        Slip("the products of the factors are there; their sum (dim=1) is missing.", _NoSum),
        Slip("you summed over the users (dim=0); sum over the factors (dim=1).", _WrongSum),
        Slip("you took the mean over the factors; a dot product is a sum.", _Mean),
        Slip(
            "the tables are plain tensors, so model.parameters() is empty and nothing would be "
            "learned. Store nn.Embedding layers as attributes.",
            _Hidden,
        ),
    ],
)

# --- where to start ----------------------------------------------------------------------

start = Exercise(
    name="start",
    reference=lambda n_factors, mean: 2 * math.sqrt(mean / n_factors),
    cases=lambda: [(50, 3.5), (40, 3.0), (1, 1.0), (5, 4.0)],
    why="Two numbers drawn from U(0, a) have means a/2, so a dot product of n of them has "
    "mean n·a²/4. Ask for the mean rating, and solve for a.",
    slips=[
        Slip(
            "you took the mean of U(0, a) to be a; it is a/2.",
            lambda n_factors, mean: math.sqrt(mean / n_factors),
        ),
        Slip(
            "two random numbers are multiplied, so a enters squared: take the root.",
            lambda n_factors, mean: 4 * mean / n_factors,
        ),
        Slip(
            "each of the two means is a/2, so their product is a²/4, not a²/2.",
            lambda n_factors, mean: math.sqrt(2 * mean / n_factors),
        ),
        Slip(
            "one of the factors n is missing: the dot product adds up n products.",
            lambda n_factors, mean: 2 * math.sqrt(mean),
        ),
    ],
)

# --- root mean squared error -------------------------------------------------------------

rmse = Exercise(
    name="rmse",
    reference=lambda pred, target: ((pred - target.flatten()) ** 2).mean().sqrt(),
    cases=lambda: [
        (torch.tensor([3.0, 4.0]), torch.tensor([[5.0], [4.0]])),
        (whole_numbers(6), whole_numbers(6, 1, seed=1)),
        (torch.tensor([1.0]), torch.tensor([[4.0]])),
    ],
    why="[n] minus [n, 1] is [n, n]: every prediction against every target, without an error "
    "message. Look at the shapes before you believe a loss.",
    slips=[
        Slip(
            "broadcasting made an [n, n] table of differences. Give both the same shape "
            "first, for instance target.flatten() or target.squeeze(1).",
            lambda pred, target: ((pred - target) ** 2).mean().sqrt(),
        ),
        Slip(
            "that is the mean squared error; the root is missing.",
            lambda pred, target: ((pred - target.flatten()) ** 2).mean(),
        ),
        Slip(
            "that is the mean absolute error: square, then mean, then root.",
            lambda pred, target: (pred - target.flatten()).abs().mean(),
        ),
        Slip(
            "you summed the squares; take their mean, or more rows would mean more error.",
            lambda pred, target: ((pred - target.flatten()) ** 2).sum().sqrt(),
        ),
    ],
)

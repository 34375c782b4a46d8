"""Checks for notebook 01: numbering, lookup, a model, shapes, a bug."""

from __future__ import annotations

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

__all__ = ["bug", "dot_model", "lookup", "numbering", "shapes"]

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


_INFINITE = torch.tensor([[1.5, 2.0], [torch.inf, 3.0], [4.0, 5.5]])


@exercise(
    cases=lambda: [
        (whole_numbers(5, 2), torch.tensor([3])),
        (real_numbers(4, 3), torch.tensor([0, 2, 2])),
        (real_numbers(6, 1, seed=2) / 1000, torch.tensor([1, 1, 0, 4])),
        (_INFINITE, torch.tensor([0, 2])),  # 0 times infinity is nan: only a product says so
    ],
    gradients=True,
    why="One-hot times table gives the rows of table[index]. So an embedding is a linear layer "
    "that skips the multiplications by zero.",
)
def lookup(table: Tensor, index: Tensor) -> Tensor:
    return F.one_hot(index, len(table)).float() @ table


lookup.slip(
    "these are the right rows, but looked up, and this time they should come from a product "
    "with one-hot rows. (The table in this case holds an infinite number in a row that nobody "
    "asked for: a lookup never meets it, a product meets it as 0 times infinity, nan.)",
    lambda table, index: table[index],
)
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
    lambda table, index: (F.one_hot(index, len(table)).float() @ table).sum(dim=0),
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
        (6, 5, 3, torch.tensor([0, 4, 2]), torch.tensor([4, 3, 0])),
        (3, 7, 2, torch.tensor([1]), torch.tensor([2])),
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


@dot_model.slip(
    "user and film are swapped: the table of users is asked with codes of films. A code is "
    "only a number, and as long as it is small enough for both tables nobody complains."
)
class _Swapped(_Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return super().forward(movie, user)


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


# --- shapes ------------------------------------------------------------------------------


def _shapes(a: str, b: str, c: str, d: str) -> dict[str, str]:
    return {
        "[64, 1] - [5]": a,
        "[64, 5] * [64]": b,
        "[64, 5] * [64, 1]": c,
        "[64] - [64, 1]": d,
    }


@exercise(
    kind="predict",
    choices=("[64]", "[64, 1]", "[64, 5]", "[64, 64]", "error"),
    why="Shapes are lined up from the right; a missing axis counts as length 1; an axis of "
    "length 1 is stretched; any other difference is an error. The dangerous case is the last: "
    "64 predictions minus 64 ratings are 4,096 differences, and no error.",
)
def shapes() -> dict[str, str]:
    return _shapes("[64, 5]", "error", "[64, 5]", "[64, 64]")


shapes.slip(
    "you lined the shapes up from the left. PyTorch begins at the right: in [64, 5] * [64], "
    "the 64 stands below the 5.",
    lambda: _shapes("[64, 5]", "[64, 5]", "[64, 5]", "[64, 64]"),
)
shapes.slip(
    "in the last one, the missing axis of [64] comes in front: [1, 64] beside [64, 1]. Stretch "
    "both.",
    lambda: _shapes("[64, 5]", "error", "[64, 5]", "[64, 1]"),
)
shapes.slip(
    "in the last one, PyTorch does not take the column for a row. Line the two up from the "
    "right, and add the missing axis in front.",
    lambda: _shapes("[64, 5]", "error", "[64, 5]", "[64]"),
)
shapes.slip(
    "you expect an error wherever two shapes differ. Often there is none: axes of length 1, "
    "and missing ones, are stretched.",
    lambda: _shapes("error", "error", "error", "error"),
)

# --- a model that learns nothing ---------------------------------------------------------


@exercise(
    kind="diagnose",
    choices=(
        "the rate is too small",
        "no gradient reaches the tables",
        "the loop never sees the tables",
        "user and film are swapped",
    ),
    why="nn.Module finds the layers that are attributes. Those in a plain Python list it does "
    "not see, so parameters() is empty and the loop moves nothing. nn.ModuleList is the list "
    "that it sees.",
)
def bug() -> str:
    return "the loop never sees the tables"


bug.slip(
    "with too small a rate the error would still fall, in its last digits. Here it does not "
    "move at all.",
    lambda: "the rate is too small",
)
bug.slip(
    "look at model.tables[0].weight.grad after a backward(): the gradient is there. Who should "
    "have picked it up?",
    lambda: "no gradient reaches the tables",
)
bug.slip(
    "swapped codes would be out of range somewhere, or the error would be bad and still move. "
    "What does the loop run over?",
    lambda: "user and film are swapped",
)

"""What trained weights mean: bias, principal components, neighbours, recovery of a truth.

Every function takes and returns NumPy arrays, so that a table of factors from any model,
or from a file, will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lesson5_utils import arguments
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError
from lesson5_utils.models import DotProduct, DotProductBias

__all__ = [
    "Match",
    "NewUser",
    "array",
    "match_linear",
    "match_rotated",
    "nearest",
    "pca",
    "recovery",
    "solve_user",
]


def array(table: torch.nn.Embedding) -> np.ndarray:
    """The weights of an embedding as an array: [n_rows, width], or [n_rows] if width is 1."""
    values = table.weight.detach().cpu().numpy()
    return values[:, 0].copy() if values.shape[1] == 1 else values.copy()


def _table(table: np.ndarray) -> np.ndarray:
    """As an array [n_rows, width] of finite numbers."""
    table = _numbers(table)
    if table.ndim != 2 or not len(table):
        raise ArgumentError(f"a table must be [n_rows, width], not {list(table.shape)}")
    if not np.isfinite(table).all():
        raise ArgumentError("the table has numbers that are not finite (nan or inf)")
    return table


def _numbers(values: Any) -> np.ndarray:
    """As an array of numbers; a tensor may still know its gradient."""
    numbers = values.numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    if numbers.dtype.kind not in "iuf":
        raise ArgumentError(
            f"numbers are needed here, not {type(values).__name__}: array(...) gives those of "
            "an embedding"
        )
    return numbers


def pca(table: np.ndarray, n: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Principal components: the `n` directions along which the rows differ most.

    Args:
        table: [n_rows, width].

    Returns:
        (places [n_rows, n] on those directions, centred; share of the variance of each [n]).

    Raises:
        ArgumentError: more directions than rows or columns, rows that are all equal, or
            numbers that are not finite.
    """
    table = _table(table)
    n = arguments.whole("n, the number of components,", n, most=min(table.shape))
    if not np.ptp(table, axis=0).any():
        raise ArgumentError("all rows of the table are equal: they differ in no direction")
    from sklearn.decomposition import PCA

    found = PCA(n_components=n, svd_solver="full").fit(table)
    return found.transform(table), found.explained_variance_ratio_


def nearest(table: np.ndarray, row: int, n: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """The `n` rows that point most nearly in the direction of `row` (cosine similarity).

    Returns:
        (row numbers [n], nearest first; their cosines [n], from -1 to 1). With fewer other
        rows than n, all of them.

    Raises:
        ArgumentError: a row that is not there, no neighbour asked for, or a table with numbers
            that are not finite.
    """
    table = _table(table)
    row = arguments.whole("row", row, least=0, most=len(table) - 1)
    n = arguments.whole("n", n)
    unit = table / np.linalg.norm(table, axis=1, keepdims=True).clip(1e-12)
    cosine = unit @ unit[row]
    cosine[row] = -np.inf  # not its own neighbour
    order = np.argsort(-cosine, kind="stable")[: min(n, len(table) - 1)]
    return order, cosine[order]


def recovery(
    ratings: Ratings, model: DotProductBias, n_components: int = 4
) -> tuple[float, pd.DataFrame]:
    """How well a model trained on simulated ratings found what was planted.

    A factor model is free to turn its axes, so each planted axis is looked for among the
    principal components of the film factors; signs carry no meaning.

    Returns:
        (correlation of learned and planted film biases,
        DataFrame of |correlation|, one row per planted axis, one column per component).

    Raises:
        ArgumentError: ratings without a known truth, or a model that does not fit them.
    """
    if not isinstance(model, DotProductBias):
        raise ArgumentError(f"recovery needs a DotProductBias, not {type(model).__name__}")
    if ratings.truth is None:
        raise ArgumentError(f"nobody knows the true factors of {ratings.name!r}")
    places, _ = pca(array(model.movie_factors), n_components)
    planted = ratings.truth.movie_factors
    if len(places) != len(planted):
        raise ArgumentError(f"the model knows {len(places)} films, the ratings {len(planted)}")
    k = planted.shape[1]
    table = np.abs(np.corrcoef(np.hstack([planted, places]).T)[:k, k:])
    bias = np.corrcoef(array(model.movie_bias), ratings.truth.movie_bias)[0, 1]
    columns = [f"PC {i + 1}" for i in range(n_components)]
    return float(bias), pd.DataFrame(table, index=ratings.truth.axes, columns=columns)


@dataclass(frozen=True, eq=False)  # arrays have no single answer to ==
class Match:
    """A set of points laid over another: `points` [n, d], and the share explained, `r2`."""

    points: np.ndarray
    r2: float


def match_rotated(found: np.ndarray, target: np.ndarray) -> Match:
    """Lay `found` [n, d] over `target` [n, d] by shift, one scale, rotation and reflection.

    This keeps every shape as it is (orthogonal Procrustes, Schönemann 1966,
    doi:10.1007/BF02289451).
    """
    a, b = _centred(found, target)
    if a.shape != b.shape:
        raise ArgumentError(f"points {list(a.shape)} cannot be turned onto {list(b.shape)}")
    u, stretch, v = np.linalg.svd(a.T @ b)
    return _match(a @ (u @ v) * stretch.sum() / (a**2).sum(), b, target)


def match_linear(found: np.ndarray, target: np.ndarray) -> Match:
    """Lay `found` [n, k] over `target` [n, d] by shift and any linear map (least squares).

    This may also stretch and shear.
    """
    a, b = _centred(found, target)
    return _match(a @ np.linalg.lstsq(a, b, rcond=None)[0], b, target)


def _centred(found: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found, target = _table(found), _table(target)
    if len(found) != len(target):
        raise ArgumentError(f"{len(found)} points cannot be laid over {len(target)}")
    a, b = found - found.mean(axis=0), target - target.mean(axis=0)
    if not a.any() or not b.any():
        raise ArgumentError("points that all lie in one place cannot be laid over others")
    return a, b


def _match(laid: np.ndarray, centred: np.ndarray, target: np.ndarray) -> Match:
    target = np.asarray(target)
    r2 = 1 - ((laid - centred) ** 2).sum() / (centred**2).sum()
    return Match(laid + target.mean(axis=0), float(r2))


@dataclass(frozen=True, eq=False)
class NewUser:
    """Factors [n_factors] and bias of someone the model never saw, and the predicted rating
    of every film [n_movies]."""

    factors: np.ndarray
    bias: float
    predictions: np.ndarray


def solve_user(
    model: DotProduct, movie: np.ndarray, rating: np.ndarray, ridge: float = 1.0
) -> NewUser:
    """Find a new user's factors and bias from a few ratings; the films stay as they are.

    With the films fixed, the score is linear in the user's numbers: undo the sigmoid on the
    ratings, then solve one small ridge regression.

    Args:
        model: a trained `DotProductBias` (or `DotProduct`: then the bias is 0).
        movie: film codes [k] that the user has rated.
        rating: their ratings [k], strictly inside the model's range.
        ridge: pull towards the average user (mean factors, mean bias); more, if few ratings.

    Raises:
        ArgumentError: another model, nothing rated, unknown codes, a rating that the range
            cannot reach, or a negative ridge.
    """
    if not isinstance(model, DotProduct):
        raise ArgumentError(f"solve_user needs a dot-product model, not {type(model).__name__}")
    films, people = (
        table.weight.detach().cpu().numpy()
        for table in (model.movie_factors, model.user_factors)
    )
    movie, rating = _numbers(movie), _numbers(rating).astype(float)
    _check_answers(movie, rating, len(films), ridge)
    bias, offset, ones = np.zeros(len(people)), np.zeros(len(films)), np.zeros((len(films), 1))
    if isinstance(model, DotProductBias):
        bias, offset, ones = array(model.user_bias), array(model.movie_bias), ones + 1
    columns = np.hstack([films, ones])
    average = np.append(people.mean(axis=0), bias.mean())
    base = columns @ average + offset  # the scores of an average user
    # a ridge regression is least squares with one more row per unknown, all asking for 0:
    # here for no difference from the average user
    pull = np.sqrt(ridge) * np.eye(len(average))
    wanted = _unscale(rating, model.y_range) - base[movie]
    rows = np.vstack([columns[movie], pull])
    change = np.linalg.lstsq(rows, np.append(wanted, np.zeros(len(pull))), rcond=None)[0]
    user = average + change
    predictions = _scale(columns @ user + offset, model.y_range)
    return NewUser(user[:-1], float(user[-1]), predictions)


def _check_answers(movie: np.ndarray, rating: np.ndarray, n_movies: int, ridge: float) -> None:
    if not (movie.ndim == rating.ndim == 1 and 0 < len(movie) == len(rating)):
        raise ArgumentError(
            f"give a list of films and one rating per film, not {rating.size} for {movie.size}"
        )
    if movie.dtype.kind == "f":
        raise ArgumentError("film codes are whole numbers, as movie_codes(...) gives them")
    if not np.isfinite(rating).all():
        raise ArgumentError("every rating must be a finite number")
    if movie.min() < 0 or movie.max() >= n_movies:
        raise ArgumentError(f"film codes run from 0 to {n_movies - 1}")
    arguments.number("ridge", ridge, least=0)


def _unscale(rating: np.ndarray, y_range: tuple[float, float] | None) -> np.ndarray:
    """From a rating back to the score before the sigmoid."""
    if y_range is None:
        return rating
    low, high = y_range
    if not (rating.min() > low and rating.max() < high):
        raise ArgumentError(f"ratings must lie strictly inside the model's range {y_range}")
    share = (rating - low) / (high - low)
    return np.log(share / (1 - share))


def _scale(score: np.ndarray, y_range: tuple[float, float] | None) -> np.ndarray:
    if y_range is None:
        return score
    low, high = y_range
    return low + (high - low) / (1 + np.exp(-score))

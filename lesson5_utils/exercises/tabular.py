"""Checks for notebook 09: codes, scaling, a row of inputs, batch norm, mean ratings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from lesson5_utils.exercises import Exercise, Slip, whole_numbers

__all__ = ["batch_norm", "codes", "film_means", "inputs", "standardise"]

# --- codes -------------------------------------------------------------------------------


def _codes(known: Tensor, values: Tensor) -> Tensor:
    place = torch.searchsorted(known, values).clamp(max=len(known) - 1)
    return torch.where(known[place] == values, place + 1, 0)


codes = Exercise(
    name="codes",
    reference=_codes,
    cases=lambda: [
        (torch.tensor([20, 30, 70]), torch.tensor([30, 20, 70, 45])),
        (torch.tensor([5]), torch.tensor([5, 4, 6])),
        (torch.tensor([1, 2, 4, 8]), torch.tensor([8, 8, 3, 1, 9, 0])),
    ],
    why="Every value has a row now, also one that nobody has seen. Row 0 stands for all of "
    "them, and a test on new data cannot crash.",
    slips=[
        Slip(
            "you count from 0. Then the first category and an unknown one share row 0.",
            lambda known, values: (_codes(known, values) - 1).clamp(min=0),
        ),
        Slip(
            "an unknown value gets the code of the next larger category, so a new film would "
            "be taken for another film. Compare what stands at that place with the value.",
            lambda known, values: torch.searchsorted(known, values) + 1,
        ),
        Slip(
            "unknown values are left out. Each value needs a code, or the rows no longer "
            "stand beside their ratings.",
            lambda known, values: _codes(known, values)[_codes(known, values) > 0],
        ),
        Slip(
            "you numbered the values themselves. The training part alone decides which code "
            "a category has.",
            lambda known, values: torch.unique(values, return_inverse=True)[1] + 1,
        ),
        Slip(
            "an unknown value gets the code of a neighbour. Compare what stands at that place "
            "with the value.",
            lambda known, values: (
                torch.searchsorted(known, values).clamp(max=len(known) - 1) + 1
            ),
        ),
        Slip(
            "you count from 0, and an unknown value gets the place of the next larger one.",
            lambda known, values: torch.searchsorted(known, values),
        ),
        Slip(
            "a value larger than all of `known` has its place one past the end: "
            "`.clamp(max=len(known) - 1)`.",
            lambda known, values: torch.where(
                known[torch.searchsorted(known, values)] == values,
                torch.searchsorted(known, values) + 1,
                0,
            ),
        ),
    ],
)

# --- standardise -------------------------------------------------------------------------


Scaled = tuple[np.ndarray, float, float]


def _standardise(base: np.ndarray, values: np.ndarray) -> Scaled:
    mean, std = np.nanmean(base), np.nanstd(base)
    return np.nan_to_num((values - mean) / std), mean, std


def _zero_for_missing(base: np.ndarray, values: np.ndarray) -> Scaled:
    _, mean, std = _standardise(np.nan_to_num(base), values)
    return np.nan_to_num((values - mean) / std), mean, std


def _filled_too_early(base: np.ndarray, values: np.ndarray) -> Scaled:
    _, mean, std = _standardise(base, values)
    return (np.nan_to_num(values) - mean) / std, mean, std


def _by_variance(base: np.ndarray, values: np.ndarray) -> Scaled:
    mean, var = np.nanmean(base), np.nanvar(base)
    return np.nan_to_num((values - mean) / var), mean, var


def _still_missing(base: np.ndarray, values: np.ndarray) -> Scaled:
    mean, std = np.nanmean(base), np.nanstd(base)
    return (values - mean) / std, mean, std


def _plain_mean(base: np.ndarray, values: np.ndarray) -> Scaled:
    mean, std = base.mean(), base.std()
    return np.nan_to_num((values - mean) / std), mean, std


def _other_deviation(base: np.ndarray, values: np.ndarray) -> Scaled:
    mean, std = np.nanmean(base), np.nanstd(base, ddof=1)
    return np.nan_to_num((values - mean) / std), mean, std


def _mean_for_missing(base: np.ndarray, values: np.ndarray) -> Scaled:
    mean, std = np.nanmean(base), np.nanstd(base)
    return np.nan_to_num((values - mean) / std, nan=float(mean)), mean, std


standardise = Exercise(
    name="standardise",
    reference=_standardise,
    cases=lambda: [
        (np.array([2.0, 4.0, 6.0, 8.0]), np.array([5.0, 10.0])),
        (np.array([1.0, np.nan, 3.0]), np.array([3.0, np.nan, 7.0])),
        (np.array([10.0, 10.0, 40.0]), np.array([np.nan, 20.0, -20.0, 50.0])),
    ],
    why="The training part sets the scale, and every other part is measured with it: keep the "
    "two numbers, tomorrow's rows need them. A missing value says nothing, so it stands in "
    "the middle.",
    slips=[
        Slip(
            "you used the mean and the deviation of `values`. Then the same year is another "
            "number in another part, and the validation part sets its own scale.",
            lambda base, values: _standardise(values, values),
        ),
        Slip(
            "what was missing is counted as 0 in the mean. A film of the year 0 is far away "
            "from all others: leave `nan` out.",
            _zero_for_missing,
        ),
        Slip(
            "missing values were filled before scaling: 0 in the old units is not the mean.",
            _filled_too_early,
        ),
        Slip("you divided by the variance; the standard deviation is its root.", _by_variance),
        Slip(
            "the mean of numbers with a `nan` is `nan`: use np.nanmean and np.nanstd.",
            _plain_mean,
        ),
        Slip(
            "that deviation divides by n − 1, as pandas and torch do; np.nanstd divides by n.",
            _other_deviation,
        ),
        Slip(
            "after scaling, the mean is 0, so a missing value becomes 0.",
            _mean_for_missing,
        ),
        Slip(
            "the result is still `nan` where the value is missing: the whole net would "
            "answer `nan`.",
            _still_missing,
        ),
    ],
)

# --- inputs ------------------------------------------------------------------------------


def _inputs(cat: Tensor, cont: Tensor, tables: list[Tensor]) -> Tensor:
    rows = [table[cat[:, i]] for i, table in enumerate(tables)]
    return torch.cat([*rows, cont], dim=1)


def _tables(*shapes: tuple[int, int]) -> list[Tensor]:
    return [whole_numbers(*shape, seed=i) for i, shape in enumerate(shapes)]


inputs = Exercise(
    name="inputs",
    reference=_inputs,
    cases=lambda: [
        (
            torch.tensor([[2, 1], [0, 0]]),
            torch.tensor([[0.5], [-1.5]]),
            _tables((3, 2), (2, 3)),
        ),
        (
            torch.tensor([[1, 1, 0], [2, 0, 3], [0, 1, 1]]),
            torch.tensor([[1.0, 9.0], [2.0, 8.0], [3.0, 7.0]]),
            _tables((3, 1), (3, 2), (4, 2)),
        ),
    ],
    why="That is all a tabular net adds to notebook 02's: one lookup for each categorical "
    "column, and the numbers beside them. What follows are ordinary linear layers.",
    slips=[
        Slip(
            "you took all rows from the first table. Each column has a table of its own.",
            lambda cat, cont, tables: torch.cat(
                [*(tables[0][cat[:, i]] for i in range(len(tables))), cont], dim=1
            ),
        ),
        Slip(
            "`cat[i]` is row i; column i is `cat[:, i]`.",
            lambda cat, cont, tables: torch.cat(
                [*(table[cat[i]] for i, table in enumerate(tables)), cont], dim=1
            ),
        ),
        Slip(
            "the codes already point at the rows: do not subtract 1, row 0 is for the unknown.",
            lambda cat, cont, tables: _inputs(cat - 1, cont, tables),
        ),
        Slip(
            "the continuous columns are missing.",
            lambda cat, cont, tables: _inputs(cat, cont[:, :0], tables),
        ),
        Slip(
            "the continuous columns stand first. The order is free when you build a net, but "
            "here: embeddings first, as `TabularNet` has it.",
            lambda cat, cont, tables: torch.cat([cont, _inputs(cat, cont[:, :0], tables)], 1),
        ),
        Slip(
            "you used the codes themselves as numbers. Then category 2 counts as twice "
            "category 1: look the codes up.",
            lambda cat, cont, tables: torch.cat([cat.float(), cont], dim=1),
        ),
    ],
)

# --- batch_norm --------------------------------------------------------------------------

Three = tuple[Tensor, Tensor, Tensor]


def _batch_norm(
    x: Tensor, mean: Tensor, var: Tensor, training: bool, share: float = 0.1
) -> Three:
    if training:
        m, v = x.mean(dim=0), x.var(dim=0, correction=0)
        new_mean = (1 - share) * mean + share * m
        new_var = (1 - share) * var + share * x.var(dim=0)
        return (x - m) / (v + 1e-5).sqrt(), new_mean, new_var
    return (x - mean) / (var + 1e-5).sqrt(), mean, var


def _one_variance(correction: int) -> Callable[..., Three]:
    """Normalise and remember with the same variance."""

    def answer(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Three:
        if not training:
            return _batch_norm(x, mean, var, False)
        spread = x.var(dim=0, correction=correction)
        new_mean = _batch_norm(x, mean, var, True)[1]
        out = (x - x.mean(dim=0)) / (spread + 1e-5).sqrt()
        return out, new_mean, 0.9 * var + 0.1 * spread

    return answer


def _without_eps(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Three:
    m, v = (x.mean(dim=0), x.var(dim=0, correction=0)) if training else (mean, var)
    return ((x - m) / v.sqrt(), *_batch_norm(x, mean, var, training)[1:])


batch_norm = Exercise(
    name="batch_norm",
    reference=lambda x, mean, var, training: _batch_norm(x, mean, var, training),
    cases=lambda: [
        (
            torch.tensor([[1.0, 10.0], [3.0, 30.0], [5.0, 20.0]]),
            torch.zeros(2),
            torch.ones(2),
            True,
        ),
        (
            torch.tensor([[4.0, 0.0], [6.0, 9.0]]),
            torch.tensor([4.0, 3.0]),
            torch.tensor([4.0, 9.0]),
            False,
        ),
        (
            torch.cat([whole_numbers(5, 2), torch.full((5, 1), 3.0)], dim=1),
            torch.ones(3),
            torch.full((3,), 2.0),
            True,
        ),
    ],
    why="While training, each row is seen beside the others of its batch. Afterwards it is "
    "seen beside what the averages remember, so a row alone gets an answer too.",
    slips=[
        Slip(
            "in training mode you normalised with the running averages; there the batch's "
            "own mean and variance are used.",
            lambda x, mean, var, training: (
                (x - mean) / (var + 1e-5).sqrt(),
                *_batch_norm(x, mean, var, training)[1:],
            ),
        ),
        Slip(
            "in evaluation mode you still use the batch's own mean and variance. Then the "
            "answer for a row depends on its neighbours.",
            lambda x, mean, var, training: (
                _batch_norm(x, mean, var, True)[0],
                *_batch_norm(x, mean, var, training)[1:],
            ),
        ),
        Slip(
            "the averages move in evaluation mode as well: predicting would change the model.",
            lambda x, mean, var, training: (
                _batch_norm(x, mean, var, training)[0],
                *_batch_norm(x, mean, var, True)[1:],
            ),
        ),
        Slip(
            "the two shares are exchanged: nine tenths of the old average stay.",
            lambda x, mean, var, training: _batch_norm(
                x, mean, var, training, 0.9 if training else 0.1
            ),
        ),
        Slip(
            "the running variance takes `x.var(dim=0)`, without `correction=0`.",
            _one_variance(0),
        ),
        Slip(
            "to normalise, the variance is `x.var(dim=0, correction=0)`.",
            _one_variance(1),
        ),
        Slip(
            "without the 1e-5, a column whose values are all equal is divided by 0.",
            _without_eps,
        ),
        Slip(
            "you do in evaluation what belongs to training: there the running averages are "
            "used and left alone.",
            lambda x, mean, var, training: _batch_norm(x, mean, var, True),
        ),
        Slip(
            "the running averages do not move in training.",
            lambda x, mean, var, training: (
                _batch_norm(x, mean, var, training)[0],
                mean,
                var,
            ),
        ),
        Slip(
            "you divided by the variance instead of its root.",
            lambda x, mean, var, training: (
                (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5)
                if training
                else (x - mean) / (var + 1e-5),
                *_batch_norm(x, mean, var, training)[1:],
            ),
        ),
    ],
    tolerance=1e-3,
)

# --- film_means --------------------------------------------------------------------------


def _film_means(film: Tensor, rating: Tensor, n_films: int) -> Tensor:
    count = torch.bincount(film, minlength=n_films)
    total = torch.bincount(film, weights=rating, minlength=n_films)
    return torch.where(count > 0, total / count.clamp(min=1), rating.mean())


film_means = Exercise(
    name="film_means",
    reference=_film_means,
    cases=lambda: [
        (torch.tensor([1, 2, 1, 2, 2]), torch.tensor([5.0, 1.0, 3.0, 2.0, 3.0]), 4),
        (torch.tensor([3, 3, 3]), torch.tensor([1.0, 1.0, 4.0]), 5),
        (torch.tensor([0, 4, 1, 0]), torch.tensor([2.0, 5.0, 3.0, 4.0]), 6),
    ],
    why="One number for each film, from the training rows and nothing else. A film without "
    "any gets the overall mean: what we would say about a film of which we know nothing.",
    slips=[
        Slip(
            "a film without ratings gets 0, a rating that does not exist: as if it were the "
            "worst film of all.",
            lambda film, rating, n_films: (
                torch.bincount(film, weights=rating, minlength=n_films)
                / torch.bincount(film, minlength=n_films).clamp(min=1)
            ),
        ),
        Slip(
            "a film without ratings gets 0 divided by 0, `nan`.",
            lambda film, rating, n_films: (
                torch.bincount(film, weights=rating, minlength=n_films)
                / torch.bincount(film, minlength=n_films)
            ),
        ),
        Slip(
            "that is one number for each row; asked for is one for each film, from code 0 on.",
            lambda film, rating, n_films: _film_means(film, rating, n_films)[film],
        ),
        Slip(
            "films without ratings are filled with the mean of the films' means. There a film "
            "with one rating counts as much as a film with a hundred.",
            lambda film, rating, n_films: torch.where(
                torch.bincount(film, minlength=n_films) > 0,
                _film_means(film, rating, n_films),
                _film_means(film, rating, n_films)[film.unique()].mean(),
            ),
        ),
        Slip(
            "the last films are missing: `minlength=n_films`.",
            lambda film, rating, n_films: _film_means(film, rating, int(film.max()) + 1),
        ),
        Slip(
            "films without ratings are left out; each code needs its place.",
            lambda film, rating, n_films: _film_means(film, rating, n_films)[film.unique()],
        ),
        Slip(
            "those are the sums, 0 where there is no rating; divide by how many there are.",
            lambda film, rating, n_films: torch.bincount(
                film, weights=rating, minlength=n_films
            ),
        ),
        Slip(
            "that is the sum of the ratings; divide by how many there are.",
            lambda film, rating, n_films: torch.where(
                torch.bincount(film, minlength=n_films) > 0,
                torch.bincount(film, weights=rating, minlength=n_films),
                rating.mean(),
            ),
        ),
    ],
)

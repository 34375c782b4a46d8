"""Checks for notebook 10: codes, scaling, a row of inputs, batch norm, mean ratings."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lesson5_utils.exercises import exercise, real_numbers, whole_numbers
from lesson5_utils.exercises.engine.compare import items

__all__ = ["batch_norm", "codes", "film_means", "inputs", "standardise"]

# --- codes -------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([20, 30, 70]), torch.tensor([30, 20, 70, 45])),
        (torch.tensor([5]), torch.tensor([5, 4, 6])),
        (torch.tensor([1, 2, 4, 8]), torch.tensor([8, 8, 3, 1, 9, 0])),
        (torch.tensor([-7, 1900, 2**40]), torch.tensor([2**40 + 1])),
    ],
    why="Every value has a row now, also one that nobody has seen. Row 0 stands for all of "
    "them, and a test on new data cannot crash.",
)
def codes(known: Tensor, values: Tensor) -> Tensor:
    place = _place(known, values)
    return torch.where(known[place] == values, place + 1, 0)


def _place(known: Tensor, values: Tensor) -> Tensor:
    return torch.searchsorted(known, values).clamp(max=len(known) - 1)


_codes = codes.reference

codes.slip(
    "you count from 0. Then the first category and an unknown one share row 0.",
    lambda known, values: (_codes(known, values) - 1).clamp(min=0),
)
codes.slip(
    "an unknown value gets the code of the next larger category, so a new film would be taken "
    "for another film. Compare what stands at that place with the value.",
    lambda known, values: torch.searchsorted(known, values) + 1,
)
codes.slip(
    "unknown values are left out. Each value needs a code, or the rows no longer stand beside "
    "their ratings.",
    lambda known, values: _codes(known, values)[_codes(known, values) > 0],
)
codes.slip(
    "you numbered the values themselves. The training part alone decides which code a category "
    "has.",
    lambda known, values: torch.unique(values, return_inverse=True)[1] + 1,
)
codes.slip(
    "an unknown value gets the code of a neighbour. Compare what stands at that place with the "
    "value.",
    lambda known, values: _place(known, values) + 1,
)
codes.slip(
    "you count from 0, and an unknown value gets the place of the next larger one.",
    lambda known, values: torch.searchsorted(known, values),
)
codes.slip(
    "your codes are real numbers (1.0 instead of 1). They are places in a table, and a place "
    "must be a whole number.",
    lambda known, values: _codes(known, values).float(),
)


@codes.slip(
    "a value larger than all of `known` has its place one past the end: "
    "`.clamp(max=len(known) - 1)`."
)
def _(known: Tensor, values: Tensor) -> Tensor:
    place = torch.searchsorted(known, values)
    return torch.where(known[place] == values, place + 1, 0)


# --- standardise -------------------------------------------------------------------------

Scaled = tuple[np.ndarray, float, float]


@exercise(
    cases=lambda: [
        (np.array([2.0, 4.0, 6.0, 8.0]), np.array([5.0, 10.0])),
        (np.array([1.0, np.nan, 3.0]), np.array([3.0, np.nan, 7.0])),
        (np.array([10.0, 10.0, 40.0]), np.array([np.nan, 20.0, -20.0, 50.0])),
        (np.array([1994.5, np.nan, 1987.25, 2001.125]), np.array([np.nan, 1990.5, 1979.0])),
        (np.array([0.013, 0.027, 0.002]), np.array([0.0215, 0.007])),
    ],
    why="The training part sets the scale, and every other part is measured with it: keep the "
    "two numbers, tomorrow's rows need them. A missing value says nothing, so it stands in "
    "the middle.",
)
def standardise(base: np.ndarray, values: np.ndarray) -> Scaled:
    mean, std = np.nanmean(base), np.nanstd(base)
    return _scaled(values, mean, std)


def _scaled(values: np.ndarray, mean: Any, std: Any, missing: Any = 0.0) -> Scaled:
    return np.nan_to_num((values - mean) / std, nan=missing), mean, std


standardise.slip(
    "you used the mean and the deviation of `values`. Then the same year is another number in "
    "another part, and the validation part sets its own scale.",
    lambda base, values: standardise.reference(values, values),
)
standardise.slip(
    "what was missing is counted as 0 in the mean. A film of the year 0 is far away from all "
    "others: leave `nan` out.",
    lambda base, values: standardise.reference(np.nan_to_num(base), values),
)
standardise.slip(
    "missing values were filled before scaling: 0 in the old units is not the mean.",
    lambda base, values: standardise.reference(base, np.nan_to_num(values)),
)


@standardise.slip("you divided by the variance; the standard deviation is its root.")
def _(base: np.ndarray, values: np.ndarray) -> Scaled:
    return _scaled(values, np.nanmean(base), np.nanvar(base))


@standardise.slip("the mean of numbers with a `nan` is `nan`: use np.nanmean and np.nanstd.")
def _(base: np.ndarray, values: np.ndarray) -> Scaled:
    return _scaled(values, base.mean(), base.std())


@standardise.slip(
    "that deviation divides by n − 1, as pandas and torch do; np.nanstd divides by n."
)
def _(base: np.ndarray, values: np.ndarray) -> Scaled:
    return _scaled(values, np.nanmean(base), np.nanstd(base, ddof=1))


@standardise.slip("after scaling, the mean is 0, so a missing value becomes 0.")
def _(base: np.ndarray, values: np.ndarray) -> Scaled:
    return _scaled(values, np.nanmean(base), np.nanstd(base), np.nanmean(base))


@standardise.slip(
    "the result is still `nan` where the value is missing: the whole net would answer `nan`."
)
def _(base: np.ndarray, values: np.ndarray) -> Scaled:
    return _scaled(values, np.nanmean(base), np.nanstd(base), np.nan)


@standardise.slip(
    "missing values are left out. Each row needs its number, 0 where it is missing."
)
def _(base: np.ndarray, values: np.ndarray) -> Scaled:
    return standardise.reference(base, values[~np.isnan(values)])


# --- inputs ------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (
            torch.tensor([[2, 1], [0, 0]]),
            torch.tensor([[0.5], [-1.5]]),
            [whole_numbers(3, 2), whole_numbers(2, 3, seed=1)],
        ),
        (
            torch.tensor([[1, 1, 0], [2, 0, 3], [0, 1, 1]]),
            real_numbers(3, 2, seed=4),
            [real_numbers(3, 1), real_numbers(3, 2, seed=1), real_numbers(4, 2, seed=2)],
        ),
        (torch.tensor([[4]]), real_numbers(1, 3), [real_numbers(5, 2, seed=3) / 1000]),
    ],
    gradients=True,
    why="That is all a tabular net adds to notebook 02's: one lookup for each categorical "
    "column, and the numbers beside them. What follows are ordinary linear layers.",
)
def inputs(cat: Tensor, cont: Tensor, tables: list[Tensor]) -> Tensor:
    rows = [table[cat[:, i]] for i, table in enumerate(tables)]
    return torch.cat([*rows, cont], dim=1)


_inputs = inputs.reference

inputs.slip(
    "you took all rows from the first table. Each column has a table of its own.",
    lambda cat, cont, tables: _inputs(cat, cont, tables[:1] * len(tables)),
)
inputs.slip(
    "`cat[i]` is row i; column i is `cat[:, i]`.",
    lambda cat, cont, tables: torch.cat(
        [*(table[cat[i]] for i, table in enumerate(tables)), cont], dim=1
    ),
)
inputs.slip(
    "the codes already point at the rows: do not subtract 1, row 0 is for the unknown.",
    lambda cat, cont, tables: _inputs(cat - 1, cont, tables),
)
inputs.slip(
    "the continuous columns are missing.",
    lambda cat, cont, tables: _inputs(cat, cont[:, :0], tables),
)
inputs.slip(
    "the continuous columns stand first. The order is free when you build a net, but here: "
    "embeddings first, as `TabularNet` has it.",
    lambda cat, cont, tables: torch.cat([cont, _inputs(cat, cont[:, :0], tables)], 1),
)
inputs.slip(
    "you used the codes themselves as numbers. Then category 2 counts as twice category 1: "
    "look the codes up.",
    lambda cat, cont, tables: torch.cat([cat.float(), cont], dim=1),
)

# --- batch_norm --------------------------------------------------------------------------

Three = tuple[Tensor, Tensor, Tensor]


def _without_history(answer: Any, x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Any:
    """Whether the running averages remember how they came about is left to the answer: only
    through the normalised numbers does anything learn."""
    result = answer(x, mean, var, training)
    parts = items(result)
    if parts is None or len(parts) != 3:
        return result
    averages = [one.detach().numpy() if isinstance(one, Tensor) else one for one in parts[1:]]
    return (parts[0], *averages)


@exercise(
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
        (  # a column whose values are all equal
            torch.cat([real_numbers(5, 2), torch.zeros(5, 1)], dim=1),
            torch.ones(3),
            torch.full((3,), 2.0),
            True,
        ),
        (real_numbers(4, 2) / 500, torch.zeros(2), torch.tensor([1e-5, 4e-6]), True),
        (real_numbers(2, 2, seed=1) / 500, torch.zeros(2), torch.tensor([1e-5, 4e-6]), False),
    ],
    gradients=["x"],
    through=_without_history,
    why="While training, each row is seen beside the others of its batch. Afterwards it is "
    "seen beside what the averages remember, so a row alone gets an answer too.",
)
def batch_norm(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Three:
    now = (x.mean(dim=0), x.var(dim=0, correction=0)) if training else (mean, var)
    return (_normal(x, *now), *_moved(x, mean, var, training))


def _normal(x: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    return (x - mean) / (var + 1e-5).sqrt()


def _moved(
    x: Tensor, mean: Tensor, var: Tensor, training: bool, share: float = 0.1
) -> tuple[Tensor, Tensor]:
    """The running averages after the batch."""
    if not training:
        return mean, var
    return torch.lerp(mean, x.mean(dim=0), share), torch.lerp(var, x.var(dim=0), share)


def _other_root(eps: float, outside: float = 0.0) -> Any:
    """Batch norm with another small number, or one that stands beside the root."""

    def answer(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Three:
        m, v = (x.mean(dim=0), x.var(dim=0, correction=0)) if training else (mean, var)
        out = (x - m) / ((v + eps).sqrt() + outside)
        return (out, *_moved(x, mean, var, training))

    return answer


batch_norm.slip(
    "in training mode you normalised with the running averages; there the batch's own mean and "
    "variance are used.",
    lambda x, mean, var, training: (_normal(x, mean, var), *_moved(x, mean, var, training)),
)
batch_norm.slip(
    "in evaluation mode you still use the batch's own mean and variance. Then the answer for a "
    "row depends on its neighbours.",
    lambda x, mean, var, training: (
        batch_norm.reference(x, mean, var, True)[0],
        *_moved(x, mean, var, training),
    ),
)
batch_norm.slip(
    "the averages move in evaluation mode as well: predicting would change the model.",
    lambda x, mean, var, training: (
        batch_norm.reference(x, mean, var, training)[0],
        *_moved(x, mean, var, True),
    ),
)
batch_norm.slip(
    "the two shares are exchanged: nine tenths of the old average stay.",
    lambda x, mean, var, training: (
        batch_norm.reference(x, mean, var, training)[0],
        *_moved(x, mean, var, training, 0.9),
    ),
)


@batch_norm.slip("the running variance takes `x.var(dim=0)`, without `correction=0`.")
def _(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Three:
    out, new_mean, new_var = batch_norm.reference(x, mean, var, training)
    return out, new_mean, 0.9 * var + 0.1 * x.var(dim=0, correction=0) if training else new_var


@batch_norm.slip("to normalise, the variance is `x.var(dim=0, correction=0)`.")
def _(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Three:
    now = (x.mean(dim=0), x.var(dim=0)) if training else (mean, var)
    return (_normal(x, *now), *_moved(x, mean, var, training))


batch_norm.slip(
    "without the 1e-5, a column whose values are all equal is divided by 0.",
    _other_root(0.0),
)
batch_norm.slip(
    "the 1e-5 stands outside the root. Add it to the variance, and take the root of the sum.",
    _other_root(0.0, outside=1e-5),
)
for _eps in (1e-3, 1e-6, 1e-8):
    batch_norm.slip(
        f"you added {_eps:g} to the variance; here it is 1e-5, as PyTorch has it.",
        _other_root(_eps),
    )
batch_norm.slip(
    "you do in evaluation what belongs to training: there the running averages are used and "
    "left alone.",
    lambda x, mean, var, training: batch_norm.reference(x, mean, var, True),
)
batch_norm.slip(
    "the running averages do not move in training.",
    lambda x, mean, var, training: (
        batch_norm.reference(x, mean, var, training)[0],
        mean,
        var,
    ),
)


@batch_norm.slip("you divided by the variance instead of its root.")
def _(x: Tensor, mean: Tensor, var: Tensor, training: bool) -> Three:
    m, v = (x.mean(dim=0), x.var(dim=0, correction=0)) if training else (mean, var)
    return ((x - m) / (v + 1e-5), *_moved(x, mean, var, training))


# --- film_means --------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([1, 2, 1, 2, 2]), torch.tensor([5.0, 1.0, 3.0, 2.0, 3.0]), 4),
        (torch.tensor([3, 3, 3]), torch.tensor([1.0, 1.5, 4.0]), 5),
        (torch.tensor([0, 4, 1, 0]), torch.tensor([2.5, 5.0, 3.0, 4.0]), 6),
        (torch.tensor([1]), torch.tensor([0.5]), 2),
        (torch.tensor([0, 2, 2, 1, 2]), torch.tensor([4.5, 3.5, 0.5, 2.0, 5.0]), 3),
    ],
    why="One number for each film, from the training rows and nothing else. A film without "
    "any gets the overall mean: what we would say about a film of which we know nothing.",
)
def film_means(film: Tensor, rating: Tensor, n_films: int) -> Tensor:
    total, count = _sums(film, rating, n_films)
    return torch.where(count > 0, total / count.clamp(min=1), rating.mean())


def _sums(film: Tensor, rating: Tensor, n_films: int) -> tuple[Tensor, Tensor]:
    """The ratings of each film, added up, and how many there are."""
    total = torch.bincount(film, weights=rating, minlength=n_films)
    return total, torch.bincount(film, minlength=n_films)


@film_means.slip(
    "a film without ratings gets 0, a rating that does not exist: as if it were the worst film "
    "of all."
)
def _(film: Tensor, rating: Tensor, n_films: int) -> Tensor:
    total, count = _sums(film, rating, n_films)
    return total / count.clamp(min=1)


@film_means.slip("a film without ratings gets 0 divided by 0, `nan`.")
def _(film: Tensor, rating: Tensor, n_films: int) -> Tensor:
    total, count = _sums(film, rating, n_films)
    return total / count


@film_means.slip("// drops everything after the point, so 2.5 becomes 2: divide by /.")
def _(film: Tensor, rating: Tensor, n_films: int) -> Tensor:
    total, count = _sums(film, rating, n_films)
    return torch.where(count > 0, total // count.clamp(min=1), rating.mean())


film_means.slip(
    "that is one number for each row; asked for is one for each film, from code 0 on.",
    lambda film, rating, n_films: film_means.reference(film, rating, n_films)[film],
)


@film_means.slip(
    "films without ratings are filled with the mean of the films' means. There a film with one "
    "rating counts as much as a film with a hundred."
)
def _(film: Tensor, rating: Tensor, n_films: int) -> Tensor:
    total, count = _sums(film, rating, n_films)
    means = total / count
    return torch.where(count > 0, means, means.nanmean())


film_means.slip(
    "the last films are missing: `minlength=n_films`.",
    lambda film, rating, n_films: film_means.reference(film, rating, int(film.max()) + 1),
)
film_means.slip(
    "films without ratings are left out; each code needs its place.",
    lambda film, rating, n_films: film_means.reference(film, rating, n_films)[film.unique()],
)
film_means.slip(
    "those are the sums, 0 where there is no rating; divide by how many there are.",
    lambda film, rating, n_films: _sums(film, rating, n_films)[0],
)


@film_means.slip("that is the sum of the ratings; divide by how many there are.")
def _(film: Tensor, rating: Tensor, n_films: int) -> Tensor:
    total, count = _sums(film, rating, n_films)
    return torch.where(count > 0, total, rating.mean())

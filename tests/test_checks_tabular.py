"""Notebook 10's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses
from torch import nn

from lesson5_utils.exercises import tabular as check

# --- codes -------------------------------------------------------------------------------

coded = check.codes.reference


def destroys(known: Any, values: Any) -> Any:
    codes = coded(known, values)
    return values.copy_(codes)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (destroys, "changes its input `values`"),
        (lambda k, v: coded(k.add_(1), v + 1), "changes its input `known`"),
        (lambda k, v: coded(k, v).float(), "your codes are real numbers"),
        (lambda k, v: coded(k, v).double().numpy(), "your codes are real numbers"),
        (lambda k, v: [float(one) for one in coded(k, v)], "your codes are real numbers"),
        (lambda k, v: coded(k, v).int(), "torch.int32"),
        (lambda k, v: coded(k.float(), v.float()), "difference"),
        (lambda k, v: (k == v[:, None]).any(dim=1), "True or False"),
    ],
)
def test_codes_refuses(answer: Any, phrase: str) -> None:
    refuses(check.codes, answer, phrase)


def by_dict(known: Any, values: Any) -> list[int]:
    place = {one: i for i, one in enumerate(known.tolist(), start=1)}
    return [place.get(one, 0) for one in values.tolist()]


@pytest.mark.parametrize(
    "answer",
    [
        by_dict,
        lambda k, v: torch.tensor(by_dict(k, v)),
        lambda k, v: ((k == v[:, None]) * torch.arange(1, len(k) + 1)).sum(dim=1),
        lambda k, v: pd.Index(k.numpy()).get_indexer(v.numpy()) + 1,
        lambda k, v: torch.bucketize(v, k, right=True) * torch.isin(v, k),
    ],
)
def test_codes_accepts(answer: Any) -> None:
    accepts(check.codes, answer)
    used = check.codes.use(answer)(torch.tensor([3, 9]), torch.tensor([9, 4]))
    assert nn.Embedding(3, 1)(used).shape == (2, 1) and used.tolist() == [2, 0]


# --- standardise -------------------------------------------------------------------------

scaled = check.standardise.reference


def fills_in_place(base: Any, values: Any) -> Any:
    mean, std = np.nanmean(base), np.nanstd(base)
    values[np.isnan(values)] = mean
    return (values - mean) / std, mean, std


def drops_from_base(base: Any, values: Any) -> Any:
    result = scaled(base, values)
    base[np.isnan(base)] = 0
    return result


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (fills_in_place, "changes its input `values`"),
        (drops_from_base, "changes its input `base`"),
        (lambda b, v: scaled(b, v)[0], "3 values, got"),
        (lambda b, v: [part.tolist() for part in scaled(v, v)], "deviation of `values`"),
        (lambda b, v: (scaled(b, v)[0].round(2), *scaled(b, v)[1:]), "difference"),
        (lambda b, v: (scaled(b, v)[0], *(int(one) for one in scaled(b, v)[1:])), "difference"),
        (lambda b, v: scaled(b, v[~np.isnan(v)]), "missing values are left out"),
    ],
)
def test_standardise_refuses(answer: Any, phrase: str) -> None:
    refuses(check.standardise, answer, phrase)


def by_selection(base: Any, values: Any) -> Any:
    there = base[~np.isnan(base)]
    mean = there.sum() / len(there)
    std = (((there - mean) ** 2).sum() / len(there)) ** 0.5
    return np.where(np.isnan(values), 0, (values - mean) / std), mean, std


def by_torch(base: Any, values: Any) -> Any:
    there = torch.from_numpy(base[~np.isnan(base)])
    std, mean = torch.std_mean(there, correction=0)
    return ((torch.from_numpy(values) - mean) / std).nan_to_num(0), mean, std


@pytest.mark.parametrize(
    "answer",
    [
        by_selection,
        by_torch,
        lambda b, v: [part.tolist() for part in by_torch(b, v)],
        lambda b, v: (
            ((pd.Series(v) - np.nanmean(b)) / np.nanstd(b)).fillna(0).to_numpy(),
            float(np.nanmean(b)),
            pd.Series(b).std(ddof=0),
        ),
    ],
)
def test_standardise_accepts(answer: Any) -> None:
    accepts(check.standardise, answer)
    made, mean, std = check.standardise.use(answer)(np.array([1.0, 3.0]), np.array([np.nan, 4]))
    assert isinstance(made, np.ndarray) and made.tolist() == [0, 2] and (mean, std) == (2, 1)


# --- inputs ------------------------------------------------------------------------------

put = check.inputs.reference


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda cat, cont, tables: put(cat, cont, tables).detach(), "no gradient flows back"),
        (lambda cat, cont, tables: put(cat, cont, tables).tolist(), "no gradient flows back"),
        (
            lambda cat, cont, tables: put(cat, cont, [one.data for one in tables]),
            "no gradient flows back to `tables`",
        ),
        (
            lambda cat, cont, tables: put(cat, torch.tensor(cont.tolist()), tables),
            "no gradient flows back to `cont`",
        ),
        (lambda cat, cont, tables: put(cat, cont, tables).round(), "difference"),
        (lambda cat, cont, tables: put(cat, cont.long(), tables), "difference"),
        (lambda cat, cont, tables: put(cat, cont, tables).double(), "torch.float64"),
        (lambda cat, cont, tables: put(cat, cont, tables[::-1]), "IndexError"),
        (lambda cat, cont, tables: put(cat.clamp_(max=3), cont, tables), "its input `cat`"),
    ],
)
def test_inputs_refuses(answer: Any, phrase: str) -> None:
    refuses(check.inputs, answer, phrase)


def row_by_row(cat: Any, cont: Any, tables: Any) -> Any:
    return [
        torch.cat([*(t[code] for t, code in zip(tables, row, strict=True)), numbers])
        for row, numbers in zip(cat, cont, strict=True)
    ]


@pytest.mark.parametrize(
    "answer",
    [
        row_by_row,
        lambda *case: torch.stack(row_by_row(*case)),
        lambda cat, cont, tables: torch.hstack(
            [F.embedding(cat.T[i], tables[i]) for i in range(len(tables))] + [cont]
        ),
        lambda cat, cont, tables: torch.cat(
            [F.one_hot(c, len(t)).float() @ t for c, t in zip(cat.T, tables, strict=True)]
            + [cont],
            dim=1,
        ),
    ],
)
def test_inputs_accepts(answer: Any) -> None:
    accepts(check.inputs, answer)
    tables = [torch.ones(2, 3, requires_grad=True)]
    made = check.inputs.use(answer)(torch.tensor([[1], [1]]), torch.zeros(2, 1), tables)
    made.sum().backward()
    assert made.shape == (2, 4) and tables[0].grad is not None
    assert tables[0].grad.tolist() == [[0.0] * 3, [2.0] * 3]


# --- batch_norm --------------------------------------------------------------------------


def by_hand(normal: Any) -> Any:
    """An answer that normalises x with a mean and a variance as `normal` does it."""

    def answer(x: Any, mean: Any, var: Any, training: bool) -> Any:
        if not training:
            return normal(x, mean, var), mean, var
        m, v = x.mean(dim=0), x.var(dim=0, correction=0)
        return normal(x, m, v), 0.9 * mean + 0.1 * m, 0.9 * var + 0.1 * x.var(dim=0)

    return answer


def moves_in_place(x: Any, mean: Any, var: Any, training: bool) -> Any:
    if training:
        mean.mul_(0.9).add_(0.1 * x.mean(dim=0))
        var.mul_(0.9).add_(0.1 * x.var(dim=0))
        return (
            by_hand(lambda x, m, v: (x - m) / (v + 1e-5).sqrt())(x, mean, var, True)[0],
            mean,
            var,
        )
    return (x - mean) / (var + 1e-5).sqrt(), mean, var


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (by_hand(lambda x, m, v: (x - m) / (v.sqrt() + 1e-5)), "stands outside the root"),
        (by_hand(lambda x, m, v: (x - m) / (v + 1e-3).sqrt()), "you added 0.001"),
        (by_hand(lambda x, m, v: (x - m) / (v + 1e-8).sqrt()), "you added 1e-08"),
        (by_hand(lambda x, m, v: (x - m) / v.clamp(min=1e-5).sqrt()), "difference"),
        (by_hand(lambda x, m, v: ((x - m) / (v + 1e-5).sqrt()).detach()), "no gradient flows"),
        (
            by_hand(lambda x, m, v: (x - m) / (v.detach() + 1e-5).sqrt()),
            "the gradient of `x` is not",
        ),
        (by_hand(lambda x, m, v: ((x - m) / (v + 1e-5).sqrt()).double()), "torch.float64"),
        (moves_in_place, "changes its input `mean`"),
        (lambda x, m, v, t: check.batch_norm.reference(x, m, v, t)[1:], "3 values, got 2"),
    ],
)
def test_batch_norm_refuses(answer: Any, phrase: str) -> None:
    refuses(check.batch_norm, answer, phrase)


def by_torch_norm(x: Any, mean: Any, var: Any, training: bool) -> Any:
    new = mean.clone(), var.clone()
    return F.batch_norm(x, *new, training=training), *new


def by_sums(x: Any, mean: Any, var: Any, training: bool) -> Any:
    if not training:
        return (x - mean) * torch.rsqrt(var + 1e-5), mean, var
    n, m = len(x), x.sum(dim=0) / len(x)
    spread = ((x - m) ** 2).sum(dim=0)
    new = mean + (m - mean) / 10, var + (spread / (n - 1) - var) / 10
    return [(x - m) * (spread / n + 1e-5) ** -0.5, *new]


@pytest.mark.parametrize(
    "answer",
    [
        by_torch_norm,
        by_sums,
        by_hand(lambda x, m, v: (x - m) / torch.sqrt(v + 1e-5)),
        lambda *case: [
            by_sums(*case)[0],
            by_sums(*case)[1].detach(),
            by_sums(*case)[2].tolist(),
        ],
    ],
)
def test_batch_norm_accepts(answer: Any) -> None:
    accepts(check.batch_norm, answer)
    used, ours = check.batch_norm.use(answer), nn.BatchNorm1d(2)
    x, start = torch.tensor([[1.0, 2.0], [2.0, 5.0]]), (torch.zeros(2), torch.ones(2))
    for mine, theirs in zip(
        used(x, *start, True), (ours(x), ours.running_mean, ours.running_var), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


# --- film_means --------------------------------------------------------------------------

means = check.film_means.reference


def by_pandas(film: Any, rating: Any, n_films: int) -> Any:
    found = pd.Series(rating.numpy()).groupby(film.numpy()).mean()
    return found.reindex(range(n_films)).fillna(rating.mean().item()).to_numpy(copy=True)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (
            lambda f, r, n: torch.where(
                f.bincount(minlength=n) > 0,
                f.bincount(r, n) // f.bincount(minlength=n).clamp(min=1),
                r.mean(),
            ),
            "// drops everything",
        ),
        (lambda f, r, n: means(f, r, n).round(), "difference"),
        (lambda f, r, n: means(f, r.long().float(), n), "difference"),
        (lambda f, r, n: means(f, r, n).double(), "torch.float64"),
        (lambda f, r, n: means(f, r, n)[: int(f.max()) + 1], "the last films are missing"),
        (lambda f, r, n: means(f, r, n)[f].tolist(), "one number for each row"),
        (lambda f, r, n: means(f, r.sub_(1), n), "changes its input `rating`"),
    ],
)
def test_film_means_refuses(answer: Any, phrase: str) -> None:
    refuses(check.film_means, answer, phrase)


@pytest.mark.parametrize(
    "answer",
    [
        by_pandas,
        lambda f, r, n: torch.stack(
            [r[f == i].mean() if (f == i).any() else r.mean() for i in range(n)]
        ),
        lambda f, r, n: [
            float(r[f == i].mean()) if i in f else float(r.mean()) for i in range(n)
        ],
        lambda f, r, n: torch.full((n,), float(r.mean())).scatter_reduce(
            0, f, r, "mean", include_self=False
        ),
    ],
)
def test_film_means_accepts(answer: Any) -> None:
    accepts(check.film_means, answer)
    used = check.film_means.use(answer)(torch.tensor([2, 2]), torch.tensor([4.0, 4.5]), 3)
    assert used.dtype == torch.float32 and used.tolist() == [4.25] * 3

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

from lesson5_utils import datasets, entries
from lesson5_utils.exercises import tabular as check

# --- codes -------------------------------------------------------------------------------

coded = check.codes.reference


def destroys(known: Any, values: Any) -> Any:
    codes = coded(known, values)
    values[:] = values[::-1].copy()
    return codes


def forgets(known: Any, values: Any) -> Any:
    codes = coded(known, values)
    known[0] = known[-1]
    return codes


def without_clip(known: Any, values: Any) -> Any:
    place = np.searchsorted(known, values)
    return np.where(known[place] == values, place + 1, 0)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (destroys, "changes its input `values`"),
        (forgets, "changes its input `known`"),
        (lambda k, v: coded(k, v).astype(float), "your codes are real numbers"),
        (lambda k, v: [float(one) for one in coded(k, v)], "your codes are real numbers"),
        (lambda k, v: coded(k, v).astype(str), "Your codes are text"),
        (lambda k, v: np.searchsorted(k, v) + 1, "the next larger category"),
        (lambda k, v: np.searchsorted(k, v), "you count from 0"),
        (lambda k, v: pd.Index(k).get_indexer(v), "unknown is -1"),
        (lambda k, v: pd.factorize(v, sort=True)[0] + 1, "you numbered the values themselves"),
        (lambda k, v: np.isin(v, k), "True or False"),
        (without_clip, "one past the end"),
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
        lambda k, v: np.array(by_dict(k, v)),
        lambda k, v: torch.tensor(by_dict(k, v)),
        lambda k, v: ((k == v[:, None]) * np.arange(1, len(k) + 1)).sum(axis=1),
        lambda k, v: pd.Index(k).get_indexer(v) + 1,
    ],
)
def test_codes_accepts(answer: Any) -> None:
    accepts(check.codes, answer)
    used = check.codes.use(answer)(np.array(["BA", "SP"]), np.array(["SP", "RS"]))
    assert used.dtype == np.int64 and used.tolist() == [2, 0]


# --- standardise -------------------------------------------------------------------------

scaled = check.standardise.reference


def fills_in_place(base: Any, values: Any) -> Any:
    flag = np.isnan(values).astype(float)
    values[np.isnan(values)] = np.nanmean(base)
    return (values - np.nanmean(base)) / np.nanstd(base), flag


def drops_from_base(base: Any, values: Any) -> Any:
    result = scaled(base, values)
    base[np.isnan(base)] = 0
    return result


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (fills_in_place, "changes its input `values`"),
        (drops_from_base, "changes its input `base`"),
        (lambda b, v: scaled(b, v)[0], "the flag is missing"),
        (lambda b, v: [part.tolist() for part in scaled(v, v)], "deviation of `values`"),
        (lambda b, v: (scaled(b, v)[0].round(2), scaled(b, v)[1]), "difference"),
        (lambda b, v: (scaled(b, v)[0], np.isnan(v)), "True or False"),
        (lambda b, v: (scaled(b, v)[0], 1 - scaled(b, v)[1]), "the wrong way round"),
        (lambda b, v: scaled(b, v[~np.isnan(v)]), "missing values are left out"),
        (lambda b, v: scaled(b, np.nan_to_num(v)), "filled before scaling"),
        (lambda b, v: scaled(b, v)[::-1], "difference"),
    ],
)
def test_standardise_refuses(answer: Any, phrase: str) -> None:
    refuses(check.standardise, answer, phrase)


def by_selection(base: Any, values: Any) -> Any:
    there = base[~np.isnan(base)]
    mean = there.sum() / len(there)
    std = (((there - mean) ** 2).sum() / len(there)) ** 0.5
    gone = np.isnan(values)
    return np.where(gone, 0, (values - mean) / std), np.where(gone, 1.0, 0.0)


def by_torch(base: Any, values: Any) -> Any:
    there = torch.from_numpy(base[~np.isnan(base)])
    std, mean = torch.std_mean(there, correction=0)
    made = torch.from_numpy(values)
    return ((made - mean) / std).nan_to_num(0), made.isnan().double()


@pytest.mark.parametrize(
    "answer",
    [
        by_selection,
        by_torch,
        lambda b, v: [part.tolist() for part in by_torch(b, v)],
        lambda b, v: (
            ((pd.Series(v) - np.nanmean(b)) / np.nanstd(b)).fillna(0).to_numpy(),
            pd.Series(v).isna().to_numpy(float),
        ),
    ],
)
def test_standardise_accepts(answer: Any) -> None:
    accepts(check.standardise, answer)
    made, flag = check.standardise.use(answer)(np.array([1.0, 3.0]), np.array([np.nan, 4]))
    assert isinstance(made, np.ndarray) and made.tolist() == [0, 2]
    assert flag.tolist() == [1, 0] and flag.dtype == float


# --- splits ------------------------------------------------------------------------------

right = check.splits.reference()


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (right | {"plan": "some days at random"}, "lies between two"),
        (right | {"open": "some states"}, "New shops in known states"),
        (right | {"abroad": "some shops"}, "nothing about its state"),
        (right | {"open": "the last months"}, "In new shops every day is new"),
        (right | {"repair": "the last months"}, "asks for more"),
        (right | {"plan": "the last weeks"}, "the last months"),
        (dict.fromkeys(right, "some shops"), "Right: open"),
        ({"plan": "the last months"}, "Expected the keys"),
    ],
)
def test_splits_refuses(answer: Any, phrase: str) -> None:
    refuses(check.splits, answer, phrase)


def test_splits_accepts_and_hands_on() -> None:
    accepts(check.splits, {key: value.upper() for key, value in right.items()})
    assert check.splits.use(dict.fromkeys(right, ...)) == right


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


# --- column ------------------------------------------------------------------------------


def mean_of_the_date(frame: pd.DataFrame, train_frame: pd.DataFrame) -> Any:
    means = train_frame.groupby("date")["sales"].mean()
    return means.reindex(frame["date"]).to_numpy()


def test_a_column_is_made_from_rows_without_their_sales() -> None:
    seen: list[Any] = []

    def answer(frame: pd.DataFrame, train_frame: pd.DataFrame) -> Any:
        seen.append((frame, train_frame))
        return np.zeros(len(frame))

    assert check.column(answer).status == "wrong"
    past, new = datasets.load_sales().split()[0], datasets.load_sales("unseen").split()[1]
    assert [len(frame) for frame, _ in seen] == [len(past), len(new)]
    for frame, train_frame in seen:
        assert "sales" not in frame and "shop" in frame
        assert len(train_frame) == len(past) and "sales" in train_frame
        assert train_frame["date"].max() < pd.Timestamp("2024-09-01")
    assert not set(seen[1][0]["shop"]) & set(past.shops)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda frame, train_frame: np.zeros(3), "one number for each row"),
        (lambda frame, train_frame: np.zeros((len(frame), 2)), "one number for each row"),
        (lambda frame, train_frame: frame["state"], "no text and no dates"),
        (lambda frame, train_frame: np.full(len(frame), np.inf), "infinite"),
        (lambda frame, train_frame: None, "is a `return` missing?"),
        (lambda frame, train_frame: frame["date"], "no text and no dates"),
        (lambda frame, train_frame: frame["date"].diff(), "no text and no dates"),
        (lambda frame, train_frame: np.full(len(frame), np.nan), "your numbers are nan"),
        (lambda frame, train_frame: frame["sales"], "`train_frame` has them"),
        (lambda frame, train_frame: frame["weekday"], "make it from `frame['date']`"),
        (lambda frame, train_frame: frame["size"], "KeyError"),
        (mean_of_the_date, "these dates are new"),
        (check.column.course["no column"], "the score without any column"),
        (check.column.course["mean of the state"], "the model has the state"),
        (check.column.course["mean of the shop"], "these shops are new"),
        (check.column.course["payday"], "the mark is 0.1605"),
    ],
)
def test_column_refuses(answer: Any, phrase: str) -> None:
    refuses(check.column, answer, phrase)


def listed(frame: pd.DataFrame, train_frame: pd.DataFrame) -> list[float]:
    """The two days in a list, from the calendar alone, 31 December too."""
    date = frame["date"]
    named = {(8, 31), (9, 6), (10, 11), (11, 1), (11, 14), (11, 19), (12, 24), (12, 31)}
    named |= {(4, 20), (4, 30)}
    made = check.column.reference(frame, train_frame)
    return [
        float(one) + 2 * ((day.month, day.day) in named and one < 2)
        for one, day in zip(made, date, strict=True)
    ]


def test_column_accepts_other_forms_of_the_same_idea() -> None:
    accepts(check.column, listed)


def test_one_column_reaches_the_mark_and_no_simpler_one_does() -> None:
    (measured,) = (own for goal, own in entries.goals().items() if goal == check.column.goal)
    *others, ours = (one.score for one in measured)
    assert [one.title for one in measured] == list(check.column.own)
    assert ours < check.column.mark - 5e-4 and min(others) > check.column.mark + 5e-4

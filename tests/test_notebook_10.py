"""What notebook 10's own cells do: columns without leaks, batch norm, means of films."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import tabular

CELLS = ("imports", "split", "answer-codes", "cat-columns", "genres", "answer-standardise")
CELLS += ("cont-columns", "all-columns", "fit-tabular")
FINITE = st.floats(-100, 100, width=32)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return namespace("10", *CELLS)


@given(
    st.sets(st.integers(-50, 50), min_size=1).map(sorted),
    st.lists(st.integers(-60, 60), min_size=1),
)
def test_a_known_value_has_its_place_from_1_and_any_other_has_0(
    known: list[int], values: list[int]
) -> None:
    found = tabular.codes.reference(torch.tensor(known), torch.tensor(values)).tolist()
    assert found == [known.index(v) + 1 if v in known else 0 for v in values]


def test_validation_rows_have_no_say_in_codes_and_scales(names: dict[str, Any]) -> None:
    base, held_out = names["train"], names["valid"]
    one, both = (
        names["table"](base, part) for part in (held_out.rows(torch.arange(5)), held_out)
    )
    for few, many in zip(one, both, strict=True):
        assert torch.equal(few, many[:5])
    cat, cont, rating = names["table"](base, base)
    assert cat.min() == 1 and torch.equal(rating, base.rating)
    torch.testing.assert_close(cont[:, -2:].mean(dim=0), torch.zeros(2), atol=1e-4, rtol=0)
    assert set(cont[:, :-2].unique().tolist()) == {0, 1}


def test_a_film_taken_out_of_training_gets_code_0(names: dict[str, Any]) -> None:
    base, film = names["train"], int(names["train"].movie[0])
    cat, _, _ = names["table"](base.rows(base.movie != film), base)
    assert torch.equal(cat[:, 1] == 0, base.movie == film)


def test_a_missing_year_stands_in_the_middle(names: dict[str, Any]) -> None:
    part = names["train"].rows(torch.arange(6))
    part.frame.loc[2, "year"] = None
    year = names["cont_columns"](part, part, ("year",))[:, 0]
    assert year[2] == 0 and year.isfinite().all()
    torch.testing.assert_close(year.sum(), torch.tensor(0.0), atol=1e-5, rtol=0)


@given(
    st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=9),
    st.tuples(FINITE, FINITE),
    st.booleans(),
)
def test_our_batch_norm_is_torchs_in_both_modes(
    rows: list[tuple[float, float]], mean: tuple[float, float], training: bool
) -> None:
    layer, x = nn.BatchNorm1d(2, affine=False).double(), torch.tensor(rows).double()
    layer.running_mean.copy_(torch.tensor(mean))
    old = layer.running_mean.clone(), layer.running_var.clone()
    expected = layer.train(training)(x), layer.running_mean, layer.running_var
    found = tabular.batch_norm.reference(x, *old, training)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=1))
def test_film_means_are_the_means_of_each_films_rows(rows: list[tuple[int, int]]) -> None:
    film, rating = (np.array(column) for column in zip(*rows, strict=True))
    expected = [
        rating[film == code].mean() if (film == code).any() else rating.mean()
        for code in range(5)
    ]
    found = tabular.film_means.reference(torch.tensor(film), torch.tensor(rating).float(), 5)
    np.testing.assert_allclose(found, expected, rtol=1e-5)

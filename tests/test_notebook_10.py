"""What notebook 10's own cells do: columns without leaks, a map, tables that agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lesson5_utils import datasets, models
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import tabular

CELLS = ("imports", "sales", "calendar", "answer-codes", "cat-columns", "answer-standardise")
CELLS += ("cont-columns", "table", "fit-net", "bins", "forgetful", "ratings", "fit-films")
FINITE = st.floats(-100, 100, width=32)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    return namespace("10", *CELLS, into={"print": lambda *_: None})


@given(
    st.sets(st.integers(-50, 50), min_size=1).map(sorted),
    st.lists(st.integers(-60, 60), min_size=1),
)
def test_a_known_value_has_its_place_from_1_and_any_other_has_0(
    known: list[int], values: list[int]
) -> None:
    found = tabular.codes.reference(np.array(known), np.array(values)).tolist()
    assert found == [known.index(v) + 1 if v in known else 0 for v in values]


def test_later_rows_have_no_say_in_codes_and_scales(names: dict[str, Any]) -> None:
    past, future = names["past"], names["future"]
    few, many = (names["table"](past, part) for part in (future[:50], future))
    for one, all_ in zip(few, many, strict=True):
        assert torch.equal(one, all_[:50])
    cat, cont, target = names["table"](past, past)
    assert cat.min() == 1 and cont.shape[1] == 6
    numbers = cont[:, [0, 1, 3, 5]]  # without the two flags
    torch.testing.assert_close(numbers.mean(dim=0), torch.zeros(4), atol=1e-3, rtol=0)
    assert cont[:, [2, 4]].unique().tolist() == [0, 1] and abs(target.mean()) < 1e-5


def test_what_is_new_in_the_later_months_has_code_0(names: dict[str, Any]) -> None:
    past, future = names["past"], names["future"]
    cat = names["cat_columns"](past, future).numpy()
    for i, name in enumerate(names["CAT"]):
        known = future[name].isin(past[name].unique()).to_numpy()
        np.testing.assert_array_equal(cat[:, i] == 0, ~known)
    assert {"shop", "holiday"} == {
        name for i, name in enumerate(names["CAT"]) if (cat[:, i] == 0).any()
    }


def test_a_missing_number_stands_in_the_middle_and_is_flagged(names: dict[str, Any]) -> None:
    part = names["past"][:2000].reset_index(drop=True)
    rain, flag = names["cont_columns"](part, part, ["rain"]).T
    gone = torch.tensor(part["rain"].isna().tolist())
    assert gone.any() and (rain[gone] == 0).all()
    assert torch.equal(flag == 1, gone)


def test_without_columns_of_a_kind_a_table_is_still_a_table(names: dict[str, Any]) -> None:
    part = names["past"][:100]
    cat, cont, _ = names["table"](part, part, cat=(), cont=("area",))
    assert cat.shape == (100, 0) and cont.shape == (100, 1)
    assert names["table"](part, part, cont=())[1].shape == (100, 0)


def test_bins_have_as_many_training_rows_each_and_one_for_what_is_missing(
    names: dict[str, Any],
) -> None:
    past = names["past"]
    made = names["binned"](past, past)
    counts = made["temperature"].value_counts()
    assert len(counts) == 11 and counts["missing"] == past["temperature"].isna().sum()
    shares = counts.drop("missing") / counts.drop("missing").sum()
    assert shares.between(0.08, 0.12).all()
    assert past["area"].dtype != object and "missing" not in set(made["area"])


def test_forgetting_is_for_training_only(names: dict[str, Any]) -> None:
    net = type("Net", (names["Forgetful"],), {"share": 1.0})([5, 4], 1)
    cat, cont = torch.tensor([[1, 3], [4, 2]]), torch.zeros(2, 1)
    plain = models.TabularNet.forward(net.eval(), cat, cont)
    assert torch.equal(net(cat, cont), plain)
    forgotten = models.TabularNet.forward(net, 0 * cat, cont)
    assert torch.equal(net.train()(cat, cont), forgotten) and cat.min() > 0


def test_ratings_have_their_genres_and_no_leak(names: dict[str, Any]) -> None:
    rated, to_rate = names["rated"], names["to_rate"]
    cat, cont, rating = names["film_table"](rated, to_rate, ("genres", "year"))
    assert cat.shape == (len(to_rate), 2) and torch.equal(rating, to_rate.rating)
    assert cont.shape[1] == 1 + names["genres"].shape[1]
    assert set(cont[:, 1:].unique().tolist()) == {0, 1}
    film = int(rated.movie[0])
    old = rated.rows(rated.movie != film)
    cat, _, _ = names["film_table"](old, rated, ())
    assert torch.equal(cat[:, 1] == 0, rated.movie == film)


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


# --- the tables of benchmarks/tabular.py -----------------------------------------------------


def mean_of(table: str, keys: list[str], value: str) -> pd.Series:
    return datasets.measured(f"tabular_{table}").groupby(keys, sort=False)[value].mean()


def test_the_net_is_within_a_tenth_of_the_floor() -> None:
    floor = datasets.load_sales().split()[1].truth.noise_floor
    measured = datasets.measured("tabular_opponents")
    runs = measured[(measured.arm == "net") & (measured.split == "time")]
    assert len(runs) >= 3 and runs.rmse.max() < 1.1 * floor


def test_the_map_is_found_without_the_shop_column() -> None:
    measured = datasets.measured("tabular_maps").groupby("arm").r2
    assert measured.min()["no shop, two numbers"] > 0.9 and measured.min()["no shop"] > 0.8


def test_the_split_decides_who_wins() -> None:
    means = mean_of("opponents", ["split", "arm"], "rmse")
    assert means["random", "boosting"] < means["random", "net"]
    assert means["time", "net"] < means["time", "boosting"]


def test_the_day_is_how_boosting_knows_the_luck_of_a_week() -> None:
    draws = datasets.measured("tabular_draws").pivot(index="draw", columns="arm", values="rmse")
    assert len(draws) >= 3
    assert (draws["boosting"] < draws["net"]).all()
    assert (draws["net"] < draws["boosting, no day"]).all()


def test_a_line_needs_to_be_told_the_pairs() -> None:
    line = mean_of("lines", ["arm"], "rmse")
    means = mean_of("opponents", ["split", "arm"], "rmse")["time"]
    assert means["net"] < line["straight line, told the pairs"] < means["boosting"]
    assert means["forest"] < line["straight line"] < means["mean by shop and weekday"]


def test_every_table_has_three_seeds_or_more() -> None:
    for table, arm in {
        "maps": ["arm"],
        "columns": ["kind", "column"],
        "joins": ["way"],
        "lend": ["model", "columns"],
        "shops": ["row"],
        "regular": ["arm"],
        "ratings": ["arm", "epochs"],
    }.items():
        measured = datasets.measured(f"tabular_{table}").fillna("")
        assert measured.groupby(arm).seed.nunique().min() >= 3, table

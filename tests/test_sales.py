"""Sales: the calendar, the split by time, what was planted, and damaged files."""

from __future__ import annotations

import gzip
import shutil
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scripts import script

from lesson5_utils import datasets
from lesson5_utils.datasets import Sales, registry
from lesson5_utils.errors import ArgumentError, DataError

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
FILES = ("sales.csv.gz", "sales_unseen.csv.gz", "sales_truth.npz")
VALID = "2024-09-01"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    return script("data/make_sales.py")


@pytest.fixture(scope="module")
def made_again(maker: ModuleType) -> Any:
    return maker.simulate(pd.read_csv(DATA / "capitals.csv"))


@pytest.fixture(scope="module")
def sales() -> Sales:
    return datasets.load_sales()


@pytest.fixture(scope="module")
def unseen() -> Sales:
    return datasets.load_sales("unseen")


# --- the files ----------------------------------------------------------------------------


def test_the_generator_makes_the_committed_sales_again(
    made_again: Any, sales: Sales, unseen: Sales
) -> None:
    for made, committed in zip(made_again, (sales, unseen), strict=False):
        pd.testing.assert_frame_equal(made, committed.frame, check_dtype=False)


def test_the_generator_makes_the_committed_truth_again(made_again: Any) -> None:
    with np.load(DATA / "sales_truth.npz", allow_pickle=False) as committed:
        assert set(committed.files) == set(made_again[2])
        for name, values in made_again[2].items():
            np.testing.assert_array_equal(committed[name], values, err_msg=name)


def test_another_seed_makes_another_chain(maker: ModuleType, made_again: Any) -> None:
    other = maker.simulate(pd.read_csv(DATA / "capitals.csv"), seed=1)
    assert not np.array_equal(other[2]["places"], made_again[2]["places"])


@pytest.mark.parametrize("name", FILES[:2])
def test_the_tables_are_plain_utf8_with_unix_newlines(name: str) -> None:
    raw = gzip.decompress((DATA / name).read_bytes())
    assert b"\r" not in raw and raw.endswith(b"\n")
    raw.decode("utf-8")


def test_all_is_small_enough_to_travel() -> None:
    assert sum((DATA / name).stat().st_size for name in FILES) < 1_000_000


def test_the_sales_are_listed_and_said_to_be_simulated() -> None:
    source = registry.find("sales", "sample")
    assert "simulated" in source.about and source.licence == "CC0"
    assert source.where == "bundled"
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for name in FILES:
        assert any(f"`{name}`" in line and "CC0 1.0" in line for line in readme.splitlines())
    assert "These sales are simulated. No bakery exists." in readme


# --- the table ----------------------------------------------------------------------------


def test_the_table_is_as_large_as_promised(sales: Sales, unseen: Sales) -> None:
    assert (len(sales), len(sales.shops), len(sales.states)) == (96_203, 150, 27)
    assert (len(unseen), len(unseen.shops)) == (9_752, 15)
    assert repr(sales) == (
        "Sales: 96,203 days of 150 simulated bakeries, 2023-01-01 to 2024-12-31"
    )


def test_columns_and_their_kinds(sales: Sales) -> None:
    frame = sales.frame
    names = "date shop state area promotion holiday temperature rain sales"
    assert list(frame) == names.split()
    assert frame["date"].dtype.kind == "M" and frame["sales"].dtype == np.int64
    assert set(frame["promotion"]) == {0, 1} and frame["area"].between(40, 450).all()
    assert frame["sales"].min() > 50  # so that a logarithm is safe, and rounding is small
    assert not frame.drop(columns=["temperature", "rain"]).isna().any().any()
    assert frame["temperature"].dropna().between(0, 45).all()
    assert frame["rain"].dropna().between(0, 200).all()


def test_one_row_per_shop_and_open_day_in_the_order_of_time(sales: Sales) -> None:
    frame = sales.frame
    assert not frame[["shop", "date"]].duplicated().any()
    assert frame["date"].is_monotonic_increasing
    assert (frame["shop"].str.split("-").str[0] == frame["state"]).all()
    assert (frame.groupby("shop")["area"].nunique() == 1).all()
    assert frame.drop_duplicates("shop")["state"].value_counts().min() >= 2


def test_vocabularies_are_sorted(sales: Sales) -> None:
    assert sales.states.tolist() == sorted(set(sales.frame["state"]))
    assert sales.shops.tolist() == sorted(set(sales.frame["shop"]))


def test_no_row_of_an_unseen_shop_is_shown(sales: Sales, unseen: Sales) -> None:
    assert not set(sales.shops) & set(unseen.shops)
    assert unseen.frame["state"].nunique() == 15
    assert set(unseen.frame["state"]) <= set(sales.frame["state"])
    both = {*sales.shops.tolist(), *unseen.shops.tolist()}
    assert both == set(sales.truth.shops.tolist())


def test_weather_is_missing_by_station_and_mostly_after_storms(sales: Sales) -> None:
    frame, planted = sales.frame, sales.truth.planted
    missing = frame["temperature"].isna()
    assert (missing == frame["rain"].isna()).all() and 0.02 < missing.mean() < 0.04
    assert (missing.groupby([frame["state"], frame["date"]]).nunique() == 1).all()
    state = np.searchsorted(sales.states, frame["state"].to_numpy(str))
    day = (frame["date"] - frame["date"].min()).dt.days.to_numpy()
    rain = planted["rain"][state, day]
    assert rain[missing].mean() > 2 * rain[~missing].mean()
    np.testing.assert_array_equal(rain[~missing], frame["rain"][~missing])


# --- the calendar -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "sunday"), [(2000, (4, 23)), (2019, (4, 21)), (2023, (4, 9)), (2024, (3, 31))]
)
def test_easter(maker: ModuleType, year: int, sunday: tuple[int, int]) -> None:
    assert maker.easter(year) == date(year, *sunday)


@pytest.mark.parametrize(
    ("day", "region", "name"),
    [
        (date(2023, 2, 20), "South", "Carnival"),
        (date(2024, 2, 13), "North", "Carnival"),
        (date(2024, 2, 14), "North", "none"),
        (date(2024, 3, 29), "South", "Good Friday"),
        (date(2023, 6, 8), "South", "Corpus Christi"),
        (date(2024, 5, 30), "South", "Corpus Christi"),
        (date(2024, 6, 24), "Northeast", "São João"),
        (date(2024, 6, 24), "South", "none"),
        (date(2023, 11, 20), "South", "none"),
        (date(2024, 11, 20), "South", "Black Consciousness"),
        (date(2024, 12, 25), "South", "Christmas"),
    ],
)
def test_holidays(maker: ModuleType, day: date, region: str, name: str) -> None:
    assert maker.holiday(day, region) == name


def test_payday_is_the_fifth_working_day_and_the_two_after_it(maker: ModuleType) -> None:
    january = [day for day in range(1, 32) if maker.is_payday(date(2024, 1, day))]
    assert january == [8, 9, 10]  # the first is a holiday, the sixth a Saturday


def test_the_table_has_the_holidays_of_the_calendar(maker: ModuleType, sales: Sales) -> None:
    names = sales.frame.groupby("date")["holiday"].agg(set)
    assert names[pd.Timestamp("2023-12-25")] == {"Christmas"}
    assert names[pd.Timestamp("2023-06-24")] == {"São João", "none"}
    assert (
        set(sales.frame["holiday"])
        == {"none", *maker.HOLIDAYS}
        == {
            "none",
            *sales.truth.holidays,
        }
    )


# --- parts --------------------------------------------------------------------------------


def test_the_split_is_by_time(sales: Sales) -> None:
    train, valid = sales.split()
    assert train.frame["date"].max() < pd.Timestamp(VALID) == valid.frame["date"].min()
    assert len(train) + len(valid) == len(sales) and len(valid) > 16_000
    assert train.states is valid.states and train.shops is valid.shops
    assert len(train.truth.expected) == len(train)


def test_the_later_months_have_what_was_never_seen(sales: Sales) -> None:
    train, valid = sales.split()
    new_shops = set(valid.frame["shop"]) - set(train.frame["shop"])
    assert len(new_shops) == 2
    new_days = set(valid.frame["holiday"]) - set(train.frame["holiday"])
    assert new_days == {"Black Consciousness"}


@pytest.mark.parametrize(
    ("start", "sentence"),
    [
        ("2022-01-01", "must leave days on both sides: 2022-01-01"),
        ("2025-01-01", "must leave days on both sides"),
        ("soon", "must be a date as '2024-09-01', not 'soon'"),
        (None, "must be a date|both sides"),
    ],
)
def test_a_start_that_cannot_be_meant_is_refused(
    sales: Sales, start: Any, sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        sales.split(start)


def test_rows_keep_the_truth_of_their_own(sales: Sales) -> None:
    mask = (sales.frame["promotion"] == 1).to_numpy()
    some = sales.rows(mask)
    assert len(some) == mask.sum() and some.frame["promotion"].all()
    np.testing.assert_array_equal(some.truth.expected, sales.truth.expected[mask])
    error = some.truth.expected - np.log(some.frame["sales"])
    assert some.truth.noise_floor == pytest.approx(np.sqrt(np.mean(error**2)))
    pd.testing.assert_frame_equal(sales.rows(pd.Series(mask)).frame, some.frame)


@pytest.mark.parametrize("which", [[0, 1], [True], "abc", np.zeros(96_203, dtype=bool)])
def test_rows_that_cannot_be_meant_are_refused(sales: Sales, which: Any) -> None:
    with pytest.raises(ArgumentError, match="a mask of 96203 bools"):
        sales.rows(which)


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ArgumentError, match="unseen"):
        datasets.load_sales("unsen")


# --- what was planted ---------------------------------------------------------------------


def test_the_noise_floor_is_what_noise_and_luck_make(sales: Sales, unseen: Sales) -> None:
    train, valid = sales.split()
    parts = {sales: 0.01, unseen: 0.01, train: 0.01, valid: 0.02}  # few weeks, uneven luck
    for part, tolerance in parts.items():
        truth = part.truth
        error = truth.expected - np.log(part.frame["sales"])
        assert truth.noise_floor == pytest.approx(np.sqrt(np.mean(error**2)))
        both = np.hypot(truth.noise, truth.luck)
        assert truth.noise_floor == pytest.approx(both, rel=tolerance)
        assert abs(error.mean()) < 0.01


@pytest.mark.parametrize(
    "change", [0.02, -0.02, 1.05, 0.95], ids=["up", "down", "wider", "narrower"]
)
def test_no_shift_or_stretch_beats_the_noise_floor(sales: Sales, change: float) -> None:
    expected, mean = sales.truth.expected, sales.truth.expected.mean()
    shifted = abs(change) < 0.5
    other = expected + change if shifted else mean + change * (expected - mean)
    error = other - np.log(sales.frame["sales"])
    assert np.sqrt(np.mean(error**2)) > sales.truth.noise_floor


def test_the_expected_log_sales_are_their_formula(sales: Sales) -> None:
    truth, planted = sales.truth, sales.truth.planted
    row = pd.DataFrame(
        {
            "date": [pd.Timestamp("2024-05-01")],  # a Wednesday, the 486th day
            "shop": ["SP-7"],
            "state": ["SP"],
            "promotion": [1],
            "holiday": ["Labour Day"],
            "temperature": [30.0],
            "rain": [0.0],
        }
    )
    x, y = truth.places[truth.states.tolist().index("SP")]
    effect = truth.effects
    by_hand = truth.shop_level[truth.shops.tolist().index("SP-7")]
    by_hand += truth.weekday[2] + truth.weekend[2] * x
    by_hand += truth.holidays["Labour Day"] + effect["holiday_taste"] * x
    by_hand += effect["promotion"] + effect["promotion_taste"] * y
    by_hand += (effect["warmth"] + effect["warmth_taste"] * y) * 0.5
    by_hand += effect["season"] * np.cos(2 * np.pi * (122 - 355) / 365.25)
    by_hand += effect["trend"] * 486 / 365.25
    assert not planted["is_payday"][486]
    np.testing.assert_allclose(datasets.expected_log_sales(planted, row), [by_hand])


def test_where_the_weather_is_missing_the_simulated_one_counts(sales: Sales) -> None:
    rows = sales.frame[sales.frame["rain"].isna()].head(50)
    found = datasets.expected_log_sales(sales.truth.planted, rows)
    np.testing.assert_array_equal(found, sales.truth.expected[rows.index])


def test_a_regression_finds_the_planted_effects_again(sales: Sales) -> None:
    """Least squares, told only the places: within a shop, so that levels play no part."""
    truth, frame = sales.truth, sales.frame.dropna().reset_index(drop=True)
    x, y = truth.places[np.searchsorted(truth.states, frame["state"].to_numpy(str))].T
    date = frame["date"]
    weekday = pd.get_dummies(date.dt.day_of_week).to_numpy(float)[:, 1:].T
    holiday = pd.get_dummies(frame["holiday"]).drop(columns="none").to_numpy(float).T
    warm, offer = (frame["temperature"] - 25) / 10, frame["promotion"]
    season = np.cos(2 * np.pi * (date.dt.day_of_year - 355) / 365.25)
    years = (date - date.min()).dt.days / 365.25
    columns = [*weekday, *(weekday * x), holiday.sum(axis=0) * x, offer, offer * y]
    columns += [warm, warm * y, np.log1p(frame["rain"]), season, years, *holiday]
    table = pd.DataFrame(np.column_stack([*columns, np.log(frame["sales"])]))
    table -= table.groupby(frame["shop"]).transform("mean")
    found = np.linalg.lstsq(table.iloc[:, :-1], table.iloc[:, -1], rcond=None)[0]
    names = [name for name in truth.effects if name not in ("payday", "eve")]
    planted = [*(truth.weekday[1:] - truth.weekday[0])]
    planted += [*(truth.weekend[1:] - truth.weekend[0])]
    planted += [truth.effects[name] for name in names]
    np.testing.assert_allclose(found[: len(planted)], planted, atol=0.02)


def test_the_map_of_tastes_is_not_that_of_brazil(sales: Sales) -> None:
    truth = sales.truth
    assert truth.axes == ("weekend", "impulse") and truth.places.shape == (27, 2)
    capitals = pd.read_csv(DATA / "capitals.csv")
    assert truth.states.tolist() == capitals["state"].tolist()
    both = np.hstack([truth.places, capitals[["latitude", "longitude"]]])
    found = np.corrcoef(both.T)
    assert np.abs(found[:2, 2:]).max() < 0.15 and abs(found[0, 1]) < 0.01
    np.testing.assert_allclose(truth.places.std(axis=0), 1, atol=0.01)
    np.testing.assert_allclose(truth.places.mean(axis=0), 0, atol=0.01)


def test_no_state_sells_more_than_another_as_such(sales: Sales) -> None:
    """What area does not explain is zero in the mean of each state's shops."""
    truth, shops = sales.truth, sales.frame.drop_duplicates("shop").sort_values("shop")
    level = pd.Series(truth.shop_level, truth.shops)[shops["shop"]].to_numpy()
    line = np.polyfit(np.log(shops["area"]), level, 1)
    assert line[0] == pytest.approx(0.6, abs=0.03)
    rest = level - np.polyval(line, np.log(shops["area"]))
    assert 0.06 < rest.std() < 0.12
    assert pd.Series(rest).groupby(shops["state"].to_numpy()).mean().abs().max() < 0.03


@pytest.mark.slow
def test_a_plain_net_finds_the_map_and_comes_near_to_the_floor() -> None:
    benchmark = script("benchmarks/sales.py")
    frame, planted = benchmark.simulated(10)
    valid = benchmark.later(frame)
    floor = benchmark.rmse(frame["expected"][valid].to_numpy(), frame[valid])
    made, _ = benchmark.net(frame, valid, benchmark.NO_SHOP)
    assert benchmark.map_found(made, benchmark.NO_SHOP, planted) > 0.85
    _, pred = benchmark.net(frame, valid)
    assert benchmark.rmse(pred, frame[valid]) < 1.1 * floor


# --- damaged files ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the bundled sales that may be damaged."""
    for name in FILES:
        shutil.copy(DATA / name, tmp_path)
    monkeypatch.setattr(registry, "bundled", lambda: tmp_path)
    return tmp_path


def refused() -> str:
    with pytest.raises(DataError) as told:
        datasets.load_sales()
    assert "\n" not in str(told.value) and "get the folder data/ again" in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("name", [FILES[0], FILES[2]])
def test_a_missing_or_short_or_foreign_file_is_refused(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
    for content in (whole[:middle], flipped, b"", b"<html>not found</html>"):
        (folder / name).write_bytes(content)
        assert "missing or damaged" in refused()
    (folder / name).unlink()
    assert name in refused()


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (b"shop", b"store"),
        (b",AC,", b",XX,"),
        (b"AC-3", b"AC-999"),
        (b"New Year", b"Old Year"),
        (b"2023-01-01", b"a day"),
        (b"2023-01-01", b"2022-01-01"),
        (b"2023-01-01", b"2026-01-01"),
    ],
)
def test_a_table_of_other_content_is_refused(folder: Path, wrong: bytes, right: bytes) -> None:
    table = gzip.decompress((folder / FILES[0]).read_bytes())
    (folder / FILES[0]).write_bytes(gzip.compress(table.replace(wrong, right, 1), 1))
    refused()

"""What bakeries sold: the bundled simulation of a chain in Brazil, with its planted truth."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from lesson5_utils import arguments
from lesson5_utils.datasets import registry
from lesson5_utils.errors import ArgumentError, DataError

__all__ = ["Sales", "SalesTruth", "expected_log_sales", "load_sales"]

FILES = {"shown": "sales.csv.gz", "unseen": "sales_unseen.csv.gz"}
COLUMNS = ["date", "shop", "state", "area", "promotion", "holiday"]
COLUMNS += ["temperature", "rain", "sales"]
VALID_FROM = "2024-09-01"  # the last four of 24 months


@dataclass(frozen=True, eq=False)  # arrays have no single answer to ==
class SalesTruth:
    """What the simulation planted; the model never sees it.

    Everything is in logarithms: an effect of 0.1 sells 10.5 % more.

    Attributes:
        axes: names of the two tastes in which states differ.
        states, places: the states [27], and where each lies on the map of tastes [27, 2].
        shops, shop_level: ids and mean log sales [n] of all shops, the unseen ones too.
        weekday, weekend: [7] from Monday: what all states share, and what one step along the
            first taste adds.
        holidays: effect of each holiday; a step along the first taste adds
            `effects["holiday_taste"]`.
        effects: every other effect by name; those that end in `_taste` belong to a step along
            the first ("holiday_taste") or the second taste.
        noise, luck: standard deviations of what nobody can foresee, of a shop's day and of a
            state's week: the noise is new in each row, the luck in each week of each state.
        expected: mean log sales of each row [n], knowing everything but noise and luck.
        noise_floor: RMSE of `expected` on these rows: no model can be expected below it.
        planted: all of it as arrays, as `expected_log_sales` takes it.
    """

    axes: tuple[str, str]
    states: np.ndarray
    places: np.ndarray
    shops: np.ndarray
    shop_level: np.ndarray
    weekday: np.ndarray
    weekend: np.ndarray
    holidays: dict[str, float]
    effects: dict[str, float]
    noise: float
    luck: float
    expected: np.ndarray
    noise_floor: float
    planted: dict[str, np.ndarray] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Sales:
    """Daily sales of a chain of bakeries: simulated, no shop exists.

    Attributes:
        frame: DataFrame, one row per shop and open day, by date: date, shop (id such as
            "SP-3"), state, area (of the shop, m²), promotion (0 or 1), holiday (its name, or
            "none"), temperature (the day's highest, °C) and rain (mm), both NaN while a station
            is down, and sales (pieces). Days on which a shop is closed have no row.
        states: the 27 codes, sorted.
        shops: the ids in `frame`, sorted.
        truth: the planted answer.

    Two of them are equal only if they are one object.
    """

    frame: pd.DataFrame
    states: np.ndarray
    shops: np.ndarray
    truth: SalesTruth

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        first, last = (f"{day:%Y-%m-%d}" for day in self.frame["date"].agg(["min", "max"]))
        return (
            f"Sales: {len(self):,} days of {len(self.shops)} simulated bakeries, "
            f"{first} to {last}"
        )

    def split(self, start: str = VALID_FROM) -> tuple[Sales, Sales]:
        """Two parts by time: (train, all days before `start`; valid, from `start` on).

        Never at random: what is to be predicted comes later than what is known.

        Raises:
            ArgumentError: no date, or one that leaves a part empty.
        """
        try:
            later = (self.frame["date"] >= pd.Timestamp(start)).to_numpy()
        except (TypeError, ValueError):
            raise ArgumentError(
                f"start must be a date as '2024-09-01', not {start!r}"
            ) from None
        if later.all() or not later.any():
            raise ArgumentError(f"start must leave days on both sides: {start} does not")
        return self.rows(~later), self.rows(later)

    def rows(self, which: Any) -> Sales:
        """The rows where a mask [n] of bools is True; the same vocabularies.

        Raises:
            ArgumentError: no such mask, or one that keeps nothing.
        """
        mask = np.asarray(which)
        if mask.dtype != bool or mask.shape != (len(self),) or not mask.any():
            raise ArgumentError(
                f"rows takes a mask of {len(self)} bools that keeps a row or more, such as "
                "sales.frame['promotion'] == 1"
            )
        frame = self.frame[mask].reset_index(drop=True)
        expected = self.truth.expected[mask]
        truth = replace(self.truth, expected=expected, noise_floor=_floor(expected, frame))
        return replace(self, frame=frame, truth=truth)


def load_sales(part: str = "shown") -> Sales:
    """Load the bundled sales: two years of 150 simulated bakeries in Brazil's 27 states.

    Args:
        part: "shown" for those that notebook 10 works with; "unseen" for 15 other bakeries of
            the same chain, kept back for its challenge.

    Raises:
        ArgumentError: an unknown part.
        DataError: a file is missing or damaged.
    """
    path = registry.bundled() / FILES[arguments.choice("part of the sales", part, FILES)]
    truth_path = path.with_name("sales_truth.npz")
    try:
        frame = pd.read_csv(path, dtype={"sales": "int64"})
        with np.load(truth_path, allow_pickle=False) as file:
            planted = {name: file[name] for name in file.files}
        if list(frame) != COLUMNS:
            raise DataError(f"columns {', '.join(frame)}")
        frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d")
        truth = _truth(planted, frame)
    except (
        *(OSError, EOFError, ValueError, LookupError),
        *(zlib.error, zipfile.BadZipFile, DataError),
    ) as error:
        told = " ".join(str(error).split())
        raise DataError(
            f"{path.name} or {truth_path.name} is missing or damaged ({told}): get the folder "
            "data/ again, by git or by installing lesson5-utils"
        ) from None
    return Sales(frame, planted["states"], np.unique(frame["shop"].to_numpy(str)), truth)


def expected_log_sales(planted: dict[str, np.ndarray], frame: pd.DataFrame) -> np.ndarray:
    """Mean log sales [n] of rows as in `Sales.frame`: the simulation without noise and luck.

    Where the weather is missing, it takes that of the simulation, which the shops had too.
    """
    state, shop, free = (
        _codes(planted[name], frame[column])
        for name, column in (("states", "state"), ("shops", "shop"), ("holidays", "holiday"))
    )
    date = frame["date"]
    day = (date - pd.Timestamp(str(planted["start"]))).dt.days.to_numpy()
    if not day.size or day.min() < 0 or day.max() >= len(planted["is_payday"]):
        raise DataError(f"a day outside of the two years from {planted['start']}")
    x, y = planted["places"][state].T
    weekday = date.dt.day_of_week.to_numpy()
    warm, wet = (
        frame[name].fillna(pd.Series(planted[name][state, day], frame.index)).to_numpy()
        for name in ("temperature", "rain")
    )
    effect = {name: float(planted[name]) for name in planted["effects"]}
    holiday = planted["holiday_effect"][free] + (free > 0) * effect["holiday_taste"] * x
    promotion = effect["promotion"] + effect["promotion_taste"] * y
    warmth = effect["warmth"] + effect["warmth_taste"] * y
    phase = (
        2 * np.pi * (date.dt.day_of_year.to_numpy() - 355) / 365.25
    )  # highest before Christmas
    return (
        planted["shop_level"][shop]
        + (planted["weekday"] + planted["weekend"] * x[:, None])[np.arange(len(x)), weekday]
        + holiday
        + promotion * frame["promotion"].to_numpy()
        + warmth * (warm - 25) / 10
        + effect["rain_log"] * np.log1p(wet)
        + effect["season"] * np.cos(phase)
        + effect["trend"] * day / 365.25
        + effect["payday"] * planted["is_payday"][day]
        + effect["eve"] * planted["is_eve"][state, day]
    )


def _codes(names: np.ndarray, column: pd.Series) -> np.ndarray:
    """Positions [n] among `names` [k] of the entries of a column."""
    codes = pd.Index(names).get_indexer(column.to_numpy(str))
    if (codes < 0).any():
        raise DataError(f"unknown {column.name} {column.iloc[int((codes < 0).argmax())]!r}")
    return codes


def _truth(planted: dict[str, np.ndarray], frame: pd.DataFrame) -> SalesTruth:
    expected = expected_log_sales(planted, frame)
    first, second = (str(axis) for axis in planted["axes"])
    holidays = zip(planted["holidays"], planted["holiday_effect"], strict=True)
    return SalesTruth(
        axes=(first, second),
        **{
            name: planted[name]
            for name in ("states", "places", "shops", "shop_level", "weekday", "weekend")
        },
        holidays={str(name): float(effect) for name, effect in holidays if name != "none"},
        effects={str(name): float(planted[name]) for name in planted["effects"]},
        noise=float(planted["noise"]),
        luck=float(planted["luck"]),
        expected=expected,
        noise_floor=_floor(expected, frame),
        planted=planted,
    )


def _floor(expected: np.ndarray, frame: pd.DataFrame) -> float:
    """RMSE of log sales; rounding to whole pieces is part of it."""
    return float(np.sqrt(np.mean((expected - np.log(frame["sales"].to_numpy())) ** 2)))

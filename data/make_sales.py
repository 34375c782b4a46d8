"""Simulate the bundled sales: a chain of bakeries in Brazil that does not exist.

    python data/make_sales.py [--out FOLDER]

reads `capitals.csv` and writes `sales.csv.gz` (150 shops), `sales_unseen.csv.gz` (15 more, for
the challenge of notebook 10) and `sales_truth.npz` (everything that was planted). No shop, no
customer and no weather of these tables exists; the calendar is Brazil's of 2023 and 2024.

How a day's sales come about, in logarithms:

    expected = shop + weekday + holiday + promotion + warmth + rain + season + trend
               + payday + eve of a holiday
    sales    = exp(expected + luck of the state's week + noise), rounded to whole pieces

A shop's level follows its area, up to a rest of its own; no state sells more than another as
such. Luck is what nobody can foresee: a fair or a strike, the same for all shops of a state in
one week, new in each week.

States differ in two tastes, their place on a map that has nothing to do with geography. The
first ("weekend") makes Saturdays, Sundays and holidays strong and the other days weak. The
second ("impulse") says how much a promotion or a warm day moves people. Nothing else depends
on the state, apart from the weather and one holiday of the Northeast.
"""

from __future__ import annotations

import argparse
import gzip
import io
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lesson5_utils.datasets.sales import VALID_FROM, expected_log_sales

SEED = 10
START, DAYS = date(2023, 1, 1), 731  # two years, one of them a leap year
N_SHOPS, N_UNSEEN = 150, 15
AREA, AREA_SPREAD = 120, 0.5  # m², the middle; spread of its logarithm
LEVEL, OF_AREA, REST = 6.0, 0.6, 0.1  # log sales of a shop: about 400 pieces a day
NOISE, LUCK = 0.15, 0.06  # standard deviations, in log sales: of a shop's day, a state's week
N_LATE = 2  # shops that open after the months to learn from

WEEKDAY = (-0.08, -0.08, -0.06, -0.03, 0.05, 0.12, 0.08)  # from Monday
WEEKEND = (-0.10, -0.10, -0.09, -0.07, 0.02, 0.16, 0.18)  # for a step along the first taste
EFFECTS = {
    "holiday_taste": 0.12,
    "promotion": 0.25,
    "promotion_taste": 0.15,
    "warmth": 0.05,  # for 10 °C more
    "warmth_taste": 0.12,
    "rain_log": -0.04,  # times log(1 + mm)
    "season": 0.05,
    "trend": 0.05,  # a year
    "payday": 0.07,  # the fifth working day of a month, and two days after it
    "eve": 0.13,
}


class Holiday(NamedTuple):
    """Effect on log sales, and the share of shops that stay closed."""

    effect: float
    closed: float


HOLIDAYS = {
    "New Year": Holiday(-0.45, 0.6),
    "Carnival": Holiday(-0.15, 0.15),
    "Good Friday": Holiday(-0.25, 0.3),
    "Easter": Holiday(0.20, 0.1),
    "Tiradentes": Holiday(-0.08, 0.1),
    "Labour Day": Holiday(-0.12, 0.3),
    "Corpus Christi": Holiday(-0.10, 0.1),
    "São João": Holiday(0.25, 0.1),  # in the Northeast only
    "Independence": Holiday(-0.10, 0.1),
    "Aparecida": Holiday(-0.05, 0.1),
    "All Souls": Holiday(-0.12, 0.15),
    "Republic": Holiday(-0.10, 0.1),
    "Black Consciousness": Holiday(-0.10, 0.1),  # national since 2024
    "Christmas": Holiday(-0.35, 0.5),
}
FIXED = {
    (1, 1): "New Year",
    (4, 21): "Tiradentes",
    (5, 1): "Labour Day",
    (9, 7): "Independence",
    (10, 12): "Aparecida",
    (11, 2): "All Souls",
    (11, 15): "Republic",
    (12, 25): "Christmas",
}
AFTER_EASTER = {-48: "Carnival", -47: "Carnival", -2: "Good Friday", 0: "Easter"}
AFTER_EASTER |= {60: "Corpus Christi"}


class Climate(NamedTuple):
    """The wettest month, share of wet days in the mean, and how much it swings."""

    wettest: int
    wet: float
    swing: float


CLIMATES = {  # coarse: the Northeast's interior and coast differ, and here they do not
    "North": Climate(3, 0.5, 0.3),
    "Northeast": Climate(5, 0.35, 0.25),
    "Central-West": Climate(1, 0.35, 0.3),
    "Southeast": Climate(1, 0.35, 0.2),
    "South": Climate(10, 0.35, 0.05),
}


# --- calendar ------------------------------------------------------------------------------


def easter(year: int) -> date:
    """Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Jones, Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def holiday(day: date, region: str) -> str:
    """The name of a day's holiday, or "none". Easter goes before a fixed one."""
    name = AFTER_EASTER.get((day - easter(day.year)).days) or FIXED.get((day.month, day.day))
    if region == "Northeast" and (day.month, day.day) == (6, 24):
        name = name or "São João"
    if day.year >= 2024 and (day.month, day.day) == (11, 20):
        name = name or "Black Consciousness"
    return name or "none"


def is_payday(day: date) -> bool:
    """The fifth working day of the month (Monday to Friday, no holiday), or one of the two
    days after it."""
    month = [day.replace(day=1) + timedelta(n) for n in range(20)]
    working = [one for one in month if one.weekday() < 5 and holiday(one, "") == "none"]
    return 0 <= (day - working[4]).days <= 2


# --- weather -------------------------------------------------------------------------------


def weather(capitals: pd.DataFrame, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The day's highest temperature in °C, and rain in mm, both [27, days].

    The nearer to the equator, the warmer and the more even. Both go in spells of some days, and
    wet days are cooler.
    """
    days = np.array([START + timedelta(n) for n in range(DAYS)])
    month = np.array([day.month - 1 + day.day / 31 for day in days])
    south = -capitals["latitude"].to_numpy()[:, None]
    spell = _spells(rng.normal(size=(27, DAYS)), 0.7)
    climate = [CLIMATES[region] for region in capitals["region"]]
    wettest, wet, swing = np.array(climate).T[:, :, None]
    share = wet + swing * np.cos(2 * np.pi * (month - wettest + 0.5) / 12)
    is_wet = _spells(rng.normal(size=(27, DAYS)), 0.5) > _normal_quantile(1 - share)
    rain = np.where(is_wet, rng.gamma(0.8, 12.0, (27, DAYS)), 0)
    warm = (
        32 - 0.0095 * south**2 + (0.2 + 0.16 * south) * np.cos(2 * np.pi * (month - 0.7) / 12)
    )
    warm = warm + (1.4 + 0.09 * south.clip(0)) * spell - 1.5 * is_wet
    return warm.round(1), rain.round(1)


def _spells(steps: np.ndarray, memory: float) -> np.ndarray:
    """Standard normal numbers [n, days], each day a bit like the day before."""
    out = steps.copy()
    for day in range(1, steps.shape[1]):
        out[:, day] = memory * out[:, day - 1] + np.sqrt(1 - memory**2) * steps[:, day]
    return out


def _normal_quantile(share: np.ndarray) -> np.ndarray:
    """Tukey's approximation; a table of thousandths is more than enough for rain."""
    return (share**0.135 - (1 - share) ** 0.135) / 0.1975


def stations_down(rain: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where [27, days] a station reports nothing: for some days, mostly after a storm, and in
    some states sooner than in others."""
    frail = rng.choice([0.5, 3.0], (27, 1), p=[0.7, 0.3])
    starts = rng.random(rain.shape) < frail * np.where(rain > 20, 0.1, 0.004)
    lasts = rng.integers(1, 6, rain.shape)
    down = np.zeros(rain.shape, dtype=bool)
    for state, day in zip(*starts.nonzero(), strict=True):
        down[state, day : day + lasts[state, day]] = True
    return down


# --- states and shops ----------------------------------------------------------------------


def tastes(capitals: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Places [27, 2]: spread out, as wide along both axes, uncorrelated, and not where the
    states lie on the map of Brazil."""
    geography = capitals[["latitude", "longitude"]].to_numpy()
    while True:
        points = rng.uniform(-1, 1, (1, 2))
        while len(points) < 27:  # of several candidates, the one farthest from the others
            tried = rng.uniform(-1, 1, (20, 2))
            apart = np.linalg.norm(tried[:, None] - points[None], axis=2).min(axis=1)
            points = np.vstack([points, tried[apart.argmax()]])
        points = points[rng.permutation(27)]
        points[:, 0] -= points[:, 0].mean()
        points[:, 1] -= points[:, 1].mean()
        points[:, 1] -= points[:, 0] * (points[:, 0] @ points[:, 1]) / (points[:, 0] ** 2).sum()
        points /= points.std(axis=0)
        both = np.corrcoef(np.hstack([points, geography]).T)[:2, 2:]
        if np.abs(both).max() < 0.15:
            return points.round(3)


def shop_ids(states: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(ids of all shops, state by state; a mask of those that are kept back).

    Each state has three shops or more. Those kept back lie in different states.
    """
    per_state = np.full(27, 3)
    weight = rng.gamma(2.0, 1.0, 27)
    rest = N_SHOPS + N_UNSEEN - per_state.sum()
    per_state += rng.multinomial(rest, weight / weight.sum())
    ids = [
        f"{s}-{n + 1}" for s, count in zip(states, per_state, strict=True) for n in range(count)
    ]
    rich = np.flatnonzero(per_state >= 4)
    firsts = per_state.cumsum() - per_state
    unseen = np.zeros(len(ids), dtype=bool)
    for state in rng.permutation(rich)[:N_UNSEEN]:
        unseen[firsts[state] + rng.integers(per_state[state])] = True
    return np.array(ids), unseen


def plant(capitals: pd.DataFrame, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Everything that the sales will depend on."""
    states = capitals["state"].to_numpy(str)
    days = [START + timedelta(n) for n in range(DAYS + 1)]
    names = np.array([[holiday(day, region) for day in days] for region in capitals["region"]])
    free = names != "none"
    shops, unseen = shop_ids(states, rng)
    temperature, rain = weather(capitals, rng)
    area = np.exp(rng.normal(np.log(AREA), AREA_SPREAD, len(shops))).clip(40, 450).round()
    rest = pd.Series(rng.normal(0, REST, len(shops)))
    rest -= (
        rest.where(~unseen).groupby([shop.split("-")[0] for shop in shops]).transform("mean")
    )
    level = LEVEL + OF_AREA * np.log(area / AREA) + rest.to_numpy()
    return {
        "axes": np.array(["weekend", "impulse"]),
        "states": states,
        "places": tastes(capitals, rng),
        "shops": shops,
        "unseen": unseen,
        "area": area.astype(int),
        "shop_level": level.round(4),
        "weekday": np.array(WEEKDAY),
        "weekend": np.array(WEEKEND),
        "holidays": np.array(["none", *HOLIDAYS]),
        "holiday_effect": np.array([0, *(one.effect for one in HOLIDAYS.values())]),
        "effects": np.array(list(EFFECTS)),
        **{name: np.array(value) for name, value in EFFECTS.items()},
        "noise": np.array(NOISE),
        "luck": np.array(LUCK),
        "start": np.array(str(START)),
        "temperature": temperature,
        "rain": rain,
        "is_payday": np.array([is_payday(day) for day in days[:-1]]),
        "is_eve": free[:, 1:] & ~free[:, :-1],
    }


# --- days ----------------------------------------------------------------------------------


def promotions(n: int, rng: np.random.Generator) -> np.ndarray:
    """Whether [n, days] each shop has an offer: some days in a row, begun on a Monday to
    Wednesday, since slow days need it most."""
    weekday = (START.weekday() + np.arange(DAYS)) % 7
    starts = rng.random((n, DAYS)) < np.where(weekday < 3, 0.12, 0.01)
    lasts = rng.integers(2, 6, (n, DAYS))
    on = np.zeros((n, DAYS), dtype=bool)
    for shop, day in zip(*starts.nonzero(), strict=True):
        on[shop, day : day + lasts[shop, day]] = True
    return on


def opened(names: np.ndarray, late: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whether [n, days] each shop is open, for the names [n, days] of the days' holidays.

    Two in five shops rest one day a week, one in ten opened later than the rest, and those at
    the positions `late` a month after the last day to learn from.
    """
    n = len(names)
    weekday = (START.weekday() + np.arange(DAYS)) % 7
    rests = rng.choice([6, 0, -1], n, p=[0.2, 0.2, 0.6])
    closed = weekday[None] == rests[:, None]
    share = np.zeros(names.shape)
    for name, one in HOLIDAYS.items():
        share[names == name] = one.closed
    closed |= rng.random(names.shape) < share
    first = np.where(rng.random(n) < 0.1, rng.integers(30, 420, n), 0)
    first[late] = (date.fromisoformat(VALID_FROM) - START).days + 30
    closed |= np.arange(DAYS)[None] < first[:, None]
    for shop, day in zip(*(rng.random(names.shape) < 0.001).nonzero(), strict=True):
        closed[shop, day : day + rng.integers(2, 12)] = True  # repairs
    return ~closed


def simulate(
    capitals: pd.DataFrame, seed: int = SEED
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, np.ndarray]]:
    """The sales of the shops shown, those of the unseen ones, and what was planted."""
    rng = np.random.default_rng(seed)
    planted = plant(capitals, rng)
    days = [START + timedelta(n) for n in range(DAYS)]
    names = np.array([[holiday(day, region) for day in days] for region in capitals["region"]])
    code = {state: number for number, state in enumerate(planted["states"])}
    state = np.array([code[shop.split("-")[0]] for shop in planted["shops"]])
    late = rng.choice(np.flatnonzero(~planted["unseen"]), N_LATE, replace=False)
    offer, open_ = promotions(len(state), rng), opened(names[state], late, rng)
    down = stations_down(planted["rain"], rng)
    day, shop = open_.T.nonzero()  # by date, then by shop
    at = state[shop], day
    frame = pd.DataFrame(
        {
            "date": pd.to_datetime(days)[day],
            "shop": planted["shops"][shop],
            "state": planted["states"][state[shop]],
            "area": planted["area"][shop],
            "promotion": offer[shop, day].astype(int),
            "holiday": names[at],
            "temperature": np.where(down[at], np.nan, planted["temperature"][at]),
            "rain": np.where(down[at], np.nan, planted["rain"][at]),
        }
    )
    week = (day + START.weekday()) // 7  # from Monday
    luck = rng.normal(0, LUCK, (27, week.max() + 1))[state[shop], week]
    log = expected_log_sales(planted, frame) + luck + rng.normal(0, NOISE, len(frame))
    frame["sales"] = np.exp(log).round().astype(int)
    unseen = planted["unseen"][shop]
    shown, kept_back = (frame[part].reset_index(drop=True) for part in (~unseen, unseen))
    return shown, kept_back, planted


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate the bundled sales.")
    here = Path(__file__).resolve().parent
    parser.add_argument("--out", type=Path, default=here, help="folder to write to")
    out = parser.parse_args().out
    *parts, planted = simulate(pd.read_csv(here / "capitals.csv"))
    for name, frame in zip(("sales.csv.gz", "sales_unseen.csv.gz"), parts, strict=True):
        text = io.StringIO()
        frame.to_csv(text, index=False, lineterminator="\n")
        # no name and no time in the gzip header, so that the same sales give the same bytes
        (out / name).write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
        print(f"{len(frame):,} rows written to {out / name}")
    np.savez_compressed(out / "sales_truth.npz", **planted)


if __name__ == "__main__":
    main()

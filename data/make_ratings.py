"""Simulate the bundled ratings: real films, invented users, a known answer.

    python data/make_ratings.py [--out FOLDER]

reads `films.csv` and writes `ratings.csv.gz` (user, movie, rating, timestamp) and
`truth.npz` (everything that was planted). No person rated anything.

How a rating comes about, in stars:

    score  = mean + user bias + film bias + taste · film + drift · years
    rating = score + noise, rounded to a whole star, clipped to 1 … 5

A film's bias is its `quality` in `films.csv`, which is the authors' opinion. Its place on three
axes follows its genres and its year; a user's taste is a random direction among them.

Nobody rates at random: users watch what suits them. So a film's raters like it better than the
others would, and its plain mean is too high; by how much depends on its `audience`, again the
authors' opinion. A film for `everybody` is seen whatever the taste. A `cult` film is far out on
the axes, and only those far out on the same side go and see it. Who rates how much is as
uneven as in MovieLens 100K.
"""

from __future__ import annotations

import argparse
import gzip
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lesson5_utils.datasets.ratings import DAY, latent_score

SEED = 4
N_USERS = 800
N_RATINGS = 35_000
MEAN = 3.1  # of all users and films; those who choose to rate a film give more
NOISE = 0.75  # standard deviation, before rounding
USER_BIAS, FILM_BIAS = 0.35, 0.75  # standard deviations
AXES = {"light–serious": 0.8, "old–new": 0.66, "action–romance": 0.22}  # strengths
DRIFT = -0.15  # stars a year: everybody grows a little stricter
START, YEARS = 1_735_689_600, 1.75  # from 1 January 2025, UTC


class Audience(NamedTuple):
    """How a kind of film is chosen; a user watches those with the highest appeal.

    appeal = fame + spread · normal + taste · match with the user's taste + Gumbel noise
    """

    fame: float
    spread: float
    taste: float


AUDIENCES = {
    "everybody": Audience(fame=2.2, spread=0.45, taste=0.0),
    "broad": Audience(fame=0.5, spread=1.5, taste=0.4),
    "narrow": Audience(fame=-0.3, spread=1.5, taste=1.1),
    "cult": Audience(fame=-2.3, spread=0.3, taste=1.4),
}
CULT_REACH = 2.4  # how far from the middle of all films a cult film is; the others: 1.1

LIGHT = {"Comedy", "Family", "Animation", "Adventure", "Musical", "Fantasy"}
SERIOUS = {"Drama", "War", "Crime", "Thriller", "Mystery", "Horror"}
ACTION = {"Action", "Science Fiction", "Western", "War", "Thriller"}
ROMANCE = {"Romance", "Musical", "Drama", "Family"}


def film_axes(films: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Places [n_films, 3] on the axes: centred, as wide as `AXES` says, uncorrelated with each
    other and with quality; cult films farther out, on the side where they are."""

    def score(genres: str, plus: set[str], minus: set[str]) -> float:
        names = genres.split("|")
        return sum((name in plus) - (name in minus) for name in names) / len(names)

    raw = np.column_stack(
        [
            films["genres"].map(lambda genres: score(genres, LIGHT, SERIOUS)),
            films["year"].rank() / len(films) * 2 - 1,
            films["genres"].map(lambda genres: score(genres, ACTION, ROMANCE)),
        ]
    ).astype(float)
    raw += rng.normal(0, 0.25, raw.shape)  # a film is more than its genres
    raw -= raw.mean(axis=0)
    earlier = (films["quality"] - films["quality"].mean()).to_numpy()[:, None]
    for axis in range(raw.shape[1]):  # take out what quality and an earlier axis already say
        raw[:, axis] -= earlier @ np.linalg.lstsq(earlier, raw[:, axis], rcond=None)[0]
        earlier = np.column_stack([earlier, raw[:, axis]])
    widths = np.array(list(AXES.values()))
    places = raw / raw.std(axis=0) * widths
    places /= np.sqrt(np.linalg.norm(places, axis=1, keepdims=True))  # no film says nothing
    places *= widths / places.std(axis=0)
    cult = films["audience"].to_numpy() == "cult"
    places[cult] *= CULT_REACH / np.linalg.norm(places[cult], axis=1, keepdims=True)
    return places


def tastes(rng: np.random.Generator) -> np.ndarray:
    """Users' directions [n_users, 3]: the second half are the opposites of the first, so that
    no place on the axes is liked more than another on the whole."""
    half = rng.normal(size=(N_USERS // 2, len(AXES)))
    return np.concatenate([half, -half])


def plant(films: pd.DataFrame, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Everything about users and films that the ratings will depend on."""
    n_films = len(films)
    quality = films["quality"].to_numpy()
    score = (quality - quality.mean()) / quality.std()
    audience = [AUDIENCES[name] for name in films["audience"]]
    fame, spread = np.array([[one.fame, one.spread] for one in audience]).T
    fame = fame + 0.2 * score + spread * rng.normal(size=n_films)  # better, better known
    return {
        "axes": np.array(list(AXES)),
        "movie_factors": film_axes(films, rng).round(4),
        "user_factors": tastes(rng).round(4),
        "user_bias": rng.normal(0, USER_BIAS, N_USERS).round(4),
        "movie_bias": (FILM_BIAS * score).round(4),
        "popularity": fame.clip(-2.3, 3.0).round(4),  # so that every film is rated
        "choosy": np.array([one.taste for one in audience]),
        "mean": np.array(MEAN),
        "noise": np.array(NOISE),
        "drift": np.array(DRIFT),
        "start": np.array(START),
    }


def choose(planted: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Who rates what: a bool table [n_users, n_films] with `N_RATINGS` cells set.

    A user draws films without replacement, weighted by fame and own taste: the largest of
    log-weight + Gumbel noise are such a draw. Users of opposite tastes rate equally much.
    """
    n_films = len(planted["movie_bias"])
    half = np.exp(rng.normal(3.3, 1.2, N_USERS // 2)).clip(8, 0.55 * n_films)
    activity = np.concatenate([half, half])
    wanted = np.floor(activity * N_RATINGS / activity.sum()).clip(8, 0.55 * n_films).astype(int)
    spare = np.argsort(wanted)[N_USERS // 2 :]  # the more active half absorbs the rounding
    missing = N_RATINGS - wanted.sum()
    wanted[spare] += missing // len(spare)
    wanted[spare[: missing % len(spare)]] += 1
    match = planted["user_factors"] @ planted["movie_factors"].T
    appeal = planted["popularity"] + planted["choosy"] * match + rng.gumbel(size=match.shape)
    rank = (-appeal).argsort(axis=1).argsort(axis=1)
    return rank < wanted[:, None]


def rate(
    planted: dict[str, np.ndarray], chosen: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """One row per chosen cell, in the order of time: user code, film code, rating, time."""
    user, movie = chosen.nonzero()
    first_day = rng.uniform(0, (YEARS - 0.25) * 365, N_USERS)  # then a season of visits
    days = first_day[user] + rng.uniform(0, 91, len(user))
    timestamp = START + (days * DAY).astype(np.int64)
    score = latent_score(planted, user, movie, timestamp)
    rating = (score + rng.normal(0, NOISE, len(user))).round().clip(1, 5).astype(int)
    frame = pd.DataFrame(
        {"user": user, "movie": movie, "rating": rating, "timestamp": timestamp}
    )
    return frame.sort_values(["timestamp", "user", "movie"], ignore_index=True)


def simulate(
    films: pd.DataFrame, seed: int = SEED
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The ratings, with ids as a real data set has them, and the planted truth."""
    rng = np.random.default_rng(seed)
    planted = plant(films, rng)
    ratings = rate(planted, choose(planted, rng), rng)
    user_ids = np.sort(rng.choice(np.arange(1, 9_999), N_USERS, replace=False))  # with gaps
    ratings["user"] = user_ids[ratings["user"]]
    ratings["movie"] = films["movie"].to_numpy()[ratings["movie"]]
    return ratings, planted


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate the bundled ratings.")
    here = Path(__file__).resolve().parent
    parser.add_argument("--out", type=Path, default=here, help="folder to write to")
    out = parser.parse_args().out
    ratings, planted = simulate(pd.read_csv(here / "films.csv"))
    text = io.StringIO()
    ratings.to_csv(text, index=False, lineterminator="\n")
    # no name and no time in the gzip header, so that the same ratings give the same bytes
    (out / "ratings.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    np.savez_compressed(out / "truth.npz", **planted)
    print(f"{len(ratings):,} ratings written to {out / 'ratings.csv.gz'}")


if __name__ == "__main__":
    main()

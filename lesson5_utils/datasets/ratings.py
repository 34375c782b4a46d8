"""Who rated what: the bundled simulation with its planted truth, and MovieLens."""

from __future__ import annotations

import io
import os
import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lesson5_utils import arguments
from lesson5_utils.datasets import registry
from lesson5_utils.datasets.registry import DataSet
from lesson5_utils.errors import ArgumentError, DataError, unknown

__all__ = ["Ratings", "Truth", "expected_rating", "latent_score", "load_ratings"]

DAY = 86_400  # seconds
ML_1M_SIZE = 1_000_209  # its content has no published checksum, but a count


@dataclass(frozen=True, eq=False)  # arrays have no single answer to ==
class Truth:
    """What the simulation planted; the model never sees it.

    Factors, biases and noise are in units of the latent score, from which a rating is made
    by adding noise, rounding to a whole star and clipping to 1 … 5.
    """

    axes: tuple[str, ...]
    user_factors: np.ndarray  # [n_users, n_axes]
    movie_factors: np.ndarray  # [n_movies, n_axes]
    user_bias: np.ndarray  # [n_users]
    movie_bias: np.ndarray  # [n_movies]; the authors' opinion of the film's quality
    audience: np.ndarray  # [n_movies] "everybody", "broad", "narrow" or "cult"
    noise: float  # standard deviation
    expected: np.ndarray  # [n] mean rating of each row, knowing everything but the noise
    noise_floor: float  # RMSE of `expected` on these rows: no model can be expected below it


@dataclass(frozen=True, eq=False)
class Ratings:
    """Who rated what, and how.

    Attributes:
        frame: DataFrame with user, movie (ids as given), rating, timestamp, title, year,
            genres; one row per rating.
        user, movie: int64 tensors [n], contiguous codes from 0.
        rating: float32 tensor [n].
        users, movies: vocabularies, code → id.
        titles: code of a film → title. A label, not a key: two films may share one.
        truth: the planted answer; None for real data.

    Two of them are equal only if they are one object.
    """

    name: str
    frame: pd.DataFrame
    user: Tensor
    movie: Tensor
    rating: Tensor
    users: np.ndarray
    movies: np.ndarray
    titles: np.ndarray
    truth: Truth | None = None

    def __len__(self) -> int:
        return len(self.rating)

    def __repr__(self) -> str:
        return (
            f"Ratings {self.name!r}: {len(self):,} ratings, {len(self.users):,} users, "
            f"{len(self.movies):,} films"
        )

    def split(self, valid_pct: float = 0.1, seed: int = 42) -> tuple[Ratings, Ratings]:
        """Two parts (train, valid) drawn at random, with the same vocabularies.

        Raises:
            ArgumentError: a share that leaves one part empty, or a seed below 0.
        """
        valid_pct = arguments.number("valid_pct", valid_pct, above=0, below=1)
        seed = arguments.whole("seed", seed, least=0, most=2**32 - 1)
        n_valid = int(valid_pct * len(self))
        if n_valid == 0 or n_valid == len(self):
            raise ArgumentError(
                f"valid_pct must leave rows on both sides: {valid_pct} of {len(self)} does not"
            )
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return self.rows(order[n_valid:]), self.rows(order[:n_valid])

    def rows(self, which: Tensor | np.ndarray | Sequence[int]) -> Ratings:
        """The ratings at positions, or where a mask is True; the same vocabularies.

        Args:
            which: whole numbers from 0, or bools [n], one for each rating.

        Raises:
            ArgumentError: a mask of another length, a position out of range, no row at all.
        """
        at = _positions(which, len(self))
        picked = torch.from_numpy(at)
        truth = self.truth
        if truth is not None:
            expected = truth.expected[at]
            floor = _rmse(expected, self.rating[picked].numpy())
            truth = replace(truth, expected=expected, noise_floor=floor)
        return replace(
            self,
            frame=self.frame.iloc[at].reset_index(drop=True),
            user=self.user[picked],
            movie=self.movie[picked],
            rating=self.rating[picked],
            truth=truth,
        )

    def user_codes(self, ids: int | Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Codes, int64 [n], of one user id or several.

        Raises:
            ArgumentError: an id never seen, or something that is no id.
        """
        return _codes("user id", ids, self.users)

    def movie_codes(self, ids: int | Sequence[int] | np.ndarray | Tensor) -> Tensor:
        """Codes, int64 [n], of one film id or several.

        Raises:
            ArgumentError: an id never seen, or something that is no id.
        """
        return _codes("film id", ids, self.movies)

    def find(self, text: str) -> pd.DataFrame:
        """Films whose title contains `text` (any case): code as index, id, title, year.

        Raises:
            ArgumentError: no title of these ratings contains it, or it is no text.
        """
        if not isinstance(text, str):
            raise ArgumentError(f"find takes a part of a title, in quotes, not {_told(text)}")
        titles = self.films["title"]
        found = self.films[titles.str.contains(text, case=False, regex=False)]
        if found.empty:
            raise ArgumentError(unknown("title", text, titles))
        return found

    @cached_property
    def films(self) -> pd.DataFrame:
        """One row per film of these ratings: code as index, movie (id), title, year, genres,
        n_ratings, mean_rating."""
        grouped = self.frame.assign(code=self.movie.numpy()).groupby("code")
        films = grouped[["movie", "title", "year", "genres"]].first()
        return films.assign(n_ratings=grouped.size(), mean_rating=grouped["rating"].mean())


def load_ratings(name: str | None = None) -> Ratings:
    """Load a ratings data set by name.

    Args:
        name: "sample", "ml-100k", "ml-latest-small" or "ml-1m"; None means the environment
            variable `LESSON5_RATINGS`, else "sample".

    Raises:
        ArgumentError: an unknown name.
        DataError: a file is missing, damaged, or cannot be downloaded.
    """
    source = registry.find("ratings", name or os.environ.get("LESSON5_RATINGS") or "sample")
    if source.name == "sample":
        return _load_sample()
    readers = {
        "ml-100k": _read_ml_100k,
        "ml-latest-small": _read_ml_latest_small,
        "ml-1m": _read_ml_1m,
    }
    ratings, films = readers[source.name](source)
    year = films["title"].str.extract(r"\((\d{4})\)(?: \(V\))?\s*$")[0].astype("Int64")
    films = films.assign(year=year)
    return _ratings(source.name, ratings, films)


def _ratings(name: str, ratings: pd.DataFrame, films: pd.DataFrame) -> Ratings:
    """Join titles to ratings by film id (never by title) and number the ids from 0."""
    frame = ratings.merge(films, on="movie", how="left", validate="many_to_one")
    if frame["title"].isna().any():
        raise DataError(f"{name}: some rated films have no title; fetch the data again")
    users, user = np.unique(frame["user"].to_numpy(), return_inverse=True)
    movies, movie = np.unique(frame["movie"].to_numpy(), return_inverse=True)
    titles = films.set_index("movie")["title"].loc[movies].to_numpy(dtype=object)
    return Ratings(
        name=name,
        frame=frame[["user", "movie", "rating", "timestamp", "title", "year", "genres"]],
        user=torch.from_numpy(user.astype(np.int64)),
        movie=torch.from_numpy(movie.astype(np.int64)),
        rating=torch.from_numpy(frame["rating"].to_numpy(dtype=np.float32)),
        users=users,
        movies=movies,
        titles=titles,
    )


def _load_sample() -> Ratings:
    folder = registry.bundled()
    films = pd.read_csv(folder / "films.csv", dtype={"year": "Int64"})
    ratings = _ratings("sample", pd.read_csv(folder / "ratings.csv.gz"), films)
    with np.load(folder / "truth.npz", allow_pickle=False) as planted:
        arrays = {key: planted[key] for key in planted.files}
    when = ratings.frame["timestamp"].to_numpy()
    latent = latent_score(arrays, ratings.user.numpy(), ratings.movie.numpy(), when)
    expected = expected_rating(latent, float(arrays["noise"]))
    truth = Truth(
        axes=tuple(str(axis) for axis in arrays["axes"]),
        user_factors=arrays["user_factors"],
        movie_factors=arrays["movie_factors"],
        user_bias=arrays["user_bias"],
        movie_bias=arrays["movie_bias"],
        audience=films.set_index("movie")["audience"].loc[ratings.movies].to_numpy(dtype=str),
        noise=float(arrays["noise"]),
        expected=expected,
        noise_floor=_rmse(expected, ratings.rating.numpy()),
    )
    return replace(ratings, truth=truth)


def latent_score(
    planted: dict[str, np.ndarray], user: np.ndarray, movie: np.ndarray, timestamp: np.ndarray
) -> np.ndarray:
    """The simulation's score [n] before noise and rounding, in stars."""
    match = (planted["user_factors"][user] * planted["movie_factors"][movie]).sum(axis=1)
    years = (timestamp - float(planted["start"])) / (365 * DAY)
    bias = planted["user_bias"][user] + planted["movie_bias"][movie]
    return float(planted["mean"]) + bias + match + float(planted["drift"]) * years


def expected_rating(latent: np.ndarray, noise: float) -> np.ndarray:
    """Mean of a score plus Gaussian noise, rounded to whole stars and clipped to 1 … 5.

    A rating of at least k needs a noisy score above k − ½, so the mean is 1 plus the sum of
    those four probabilities.
    """
    above = torch.from_numpy(latent)[:, None] - torch.tensor([1.5, 2.5, 3.5, 4.5])
    return 1 + torch.special.ndtr(above / noise).sum(dim=1).numpy()


_ML_100K_GENRES = (  # one column of 0 and 1 for each, in this order
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|"
    "Film-Noir|Horror|Musical|Mystery|Romance|Sci-Fi|Thriller|War|Western"
)


def _read_ml_100k(source: DataSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    genres = _ML_100K_GENRES.split("|")
    columns = ["user", "movie", "rating", "timestamp"]
    ratings = pd.read_csv(io.BytesIO(registry.read(source, "u.data")), sep="\t", names=columns)
    films = pd.read_csv(
        io.BytesIO(registry.read(source, "u.item")),
        sep="|",
        encoding="latin-1",
        names=["movie", "title", "released", "video", "link", *genres],
    )
    flags = films[genres].to_numpy(dtype=bool)
    films["genres"] = ["|".join(np.array(genres)[row]) for row in flags]
    return ratings, films[["movie", "title", "genres"]]


def _read_ml_latest_small(source: DataSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings = pd.read_csv(io.BytesIO(registry.read(source, "ratings.csv")))
    films = pd.read_csv(io.BytesIO(registry.read(source, "movies.csv")))
    return (
        ratings.rename(columns={"userId": "user", "movieId": "movie"}),
        films.rename(columns={"movieId": "movie"}),
    )


def _read_ml_1m(source: DataSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    def table(member: str, names: list[str]) -> pd.DataFrame:
        content = io.BytesIO(registry.read(source, member))
        return pd.read_csv(content, sep="::", engine="python", encoding="latin-1", names=names)

    ratings = table("ratings.dat", ["user", "movie", "rating", "timestamp"])
    if len(ratings) != ML_1M_SIZE:
        raise DataError(
            f"ml-1m: {len(ratings):,} ratings instead of {ML_1M_SIZE:,}: copy it again"
        )
    return ratings, table("movies.dat", ["movie", "title", "genres"])


def _codes(what: str, ids: Any, vocabulary: np.ndarray) -> Tensor:
    wanted = _array(ids)
    if wanted is None or wanted.ndim > 1 or wanted.dtype.kind not in "iuf":
        raise ArgumentError(
            f"a {what} must be a whole number, or a list of them, not {_told(ids)}"
        )
    wanted = np.atleast_1d(wanted)
    codes = np.searchsorted(vocabulary, wanted).clip(max=len(vocabulary) - 1)
    for one in wanted[vocabulary[codes] != wanted]:
        raise ArgumentError(unknown(what, one.item(), vocabulary.tolist()))
    return torch.from_numpy(codes.astype(np.int64))


def _positions(which: Any, n: int) -> np.ndarray:
    """Positions among `n` rows, int64, from positions or a mask."""
    given = _array(which)
    if given is None or given.ndim != 1 or given.dtype.kind not in "iub":
        raise ArgumentError(
            f"rows takes positions (whole numbers) or a mask of {n} bools, not {_told(which)}"
        )
    if given.dtype.kind == "b":
        if len(given) != n:
            raise ArgumentError(f"a mask needs one bool for each of {n} rows, not {len(given)}")
        given = given.nonzero()[0]
    if len(given) == 0:
        raise ArgumentError("rows must keep at least one rating: nothing is selected")
    if given.min() < 0 or given.max() >= n:
        wrong = given[(given < 0) | (given >= n)][0]
        raise ArgumentError(f"a position must be from 0 to {n - 1}, not {wrong}")
    return given.astype(np.int64)


def _array(values: Any) -> np.ndarray | None:
    """Numbers as an array, on whichever device they are; None if NumPy cannot take them."""
    try:
        return values.numpy(force=True) if isinstance(values, Tensor) else np.asarray(values)
    except (TypeError, ValueError):
        return None


def _told(value: Any) -> str:
    """A value in a few words on one line."""
    return " ".join(reprlib.repr(value).split())


def _rmse(pred: np.ndarray, target: np.ndarray) -> float:
    return float(np.sqrt(np.mean((pred - target) ** 2)))

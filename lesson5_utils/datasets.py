"""From a name to tensors: bundled samples that need no network, and the real data sets.

A real data set is looked for in three places: the folder `LESSON5_DATA_DIR` (local copies,
checked by content), the download cache, and then the network (archives over https, checked
before use). Nothing here reads pickle.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tomllib
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lesson5_utils.errors import ArgumentError, DataError, unknown

__all__ = [
    "Capitals",
    "DataSet",
    "Digits",
    "Ratings",
    "Truth",
    "catalogue",
    "fetch",
    "load_capitals",
    "load_digits",
    "load_ratings",
]

DAY = 86_400  # seconds


@dataclass(frozen=True)
class DataSet:
    """One entry of the catalogue, `data/sources.toml`; its fields are explained there."""

    name: str
    kind: str
    about: str
    licence: str
    urls: tuple[str, ...] = ()
    archives: dict[str, str] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """ "bundled", "local copy", "downloaded" or "not here yet"."""
        if not self.archives:
            return "bundled"
        if _local_folder(self) is not None:
            return "local copy"
        here = all((_cache() / self.name / archive).exists() for archive in self.archives)
        return "downloaded" if here else "not here yet"


@cache
def catalogue() -> tuple[DataSet, ...]:
    """Every data set that the course knows."""
    listed = tomllib.loads((_bundled() / "sources.toml").read_text(encoding="utf-8"))
    return tuple(DataSet(**entry) for entry in listed["data"])


def fetch(name: str) -> None:
    """Make sure that a real data set is on this machine, downloading it if it is not.

    Raises:
        ArgumentError: an unknown name.
        DataError: no network, or a file that is damaged.
    """
    found = [source for source in catalogue() if source.name == name]
    if not found:
        names = dict.fromkeys(source.name for source in catalogue())
        raise ArgumentError(unknown("data set", name, names))
    for source in found:
        for member in source.contents:
            _read(source, member)


# --- ratings -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Truth:
    """What the simulation planted; the model never sees it.

    Factors, biases and noise are in units of the latent score, from which a rating is made
    by adding noise, rounding to a whole star and clipping to 1 … 5.
    """

    axes: tuple[str, ...]
    user_factors: np.ndarray  # [n_users, n_axes]
    movie_factors: np.ndarray  # [n_movies, n_axes]
    user_bias: np.ndarray  # [n_users]
    movie_bias: np.ndarray  # [n_movies]
    noise: float  # standard deviation
    expected: np.ndarray  # [n] mean rating of each row, knowing everything but the noise
    noise_floor: float  # RMSE of `expected` on these rows: no model can be expected below it


@dataclass(frozen=True)
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
            ArgumentError: a share that leaves one part empty.
        """
        n_valid = int(valid_pct * len(self)) if 0 < valid_pct < 1 else 0
        if n_valid == 0 or n_valid == len(self):
            raise ArgumentError(
                f"valid_pct must leave rows on both sides: {valid_pct} of {len(self)} does not"
            )
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(seed))
        return self.rows(order[n_valid:]), self.rows(order[:n_valid])

    def rows(self, which: Tensor) -> Ratings:
        """The ratings at the positions (int64) or mask (bool) `which`, same vocabularies."""
        positions = which.nonzero().squeeze(1) if which.dtype == torch.bool else which
        truth = self.truth
        if truth is not None:
            expected = truth.expected[positions.numpy()]
            floor = _rmse(expected, self.rating[positions].numpy())
            truth = replace(truth, expected=expected, noise_floor=floor)
        return replace(
            self,
            frame=self.frame.iloc[positions.numpy()].reset_index(drop=True),
            user=self.user[positions],
            movie=self.movie[positions],
            rating=self.rating[positions],
            truth=truth,
        )

    def user_codes(self, ids: Sequence[int]) -> Tensor:
        """Codes (int64) of user ids. Raises ArgumentError for an id never seen."""
        return _codes("user id", ids, self.users)

    def movie_codes(self, ids: Sequence[int]) -> Tensor:
        """Codes (int64) of film ids. Raises ArgumentError for an id never seen."""
        return _codes("film id", ids, self.movies)

    def find(self, text: str) -> pd.DataFrame:
        """Films whose title contains `text` (any case): code as index, id, title, year.

        Raises:
            ArgumentError: no title contains it.
        """
        found = self.films[self.films["title"].str.contains(text, case=False, regex=False)]
        if found.empty:
            raise ArgumentError(unknown("title", text, list(self.titles)))
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
    source = _find("ratings", name or os.environ.get("LESSON5_RATINGS") or "sample")
    if source.name == "sample":
        return _load_sample()
    readers = {
        "ml-100k": _read_ml_100k,
        "ml-latest-small": _read_ml_latest_small,
        "ml-1m": _read_ml_1m,
    }
    ratings, films = readers[source.name](source)
    films["year"] = films["title"].str.extract(r"\((\d{4})\)(?: \(V\))?\s*$")[0].astype("Int64")
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
    folder = _bundled()
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
    ratings = pd.read_csv(io.BytesIO(_read(source, "u.data")), sep="\t", names=columns)
    films = pd.read_csv(
        io.BytesIO(_read(source, "u.item")),
        sep="|",
        encoding="latin-1",
        names=["movie", "title", "released", "video", "link", *genres],
    )
    flags = films[genres].to_numpy(dtype=bool)
    films["genres"] = ["|".join(np.array(genres)[row]) for row in flags]
    return ratings, films[["movie", "title", "genres"]]


def _read_ml_latest_small(source: DataSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings = pd.read_csv(io.BytesIO(_read(source, "ratings.csv")))
    films = pd.read_csv(io.BytesIO(_read(source, "movies.csv")))
    return (
        ratings.rename(columns={"userId": "user", "movieId": "movie"}),
        films.rename(columns={"movieId": "movie"}),
    )


def _read_ml_1m(source: DataSet) -> tuple[pd.DataFrame, pd.DataFrame]:
    def table(member: str, names: list[str]) -> pd.DataFrame:
        content = io.BytesIO(_read(source, member))
        return pd.read_csv(content, sep="::", engine="python", encoding="latin-1", names=names)

    ratings = table("ratings.dat", ["user", "movie", "rating", "timestamp"])
    if len(ratings) != 1_000_209:  # its content has no published checksum, but a count
        raise DataError(f"ml-1m: {len(ratings):,} ratings instead of 1,000,209: copy it again")
    return ratings, table("movies.dat", ["movie", "title", "genres"])


def _codes(what: str, ids: Sequence[int], vocabulary: np.ndarray) -> Tensor:
    wanted = np.atleast_1d(np.asarray(ids))
    codes = np.searchsorted(vocabulary, wanted).clip(max=len(vocabulary) - 1)
    for one in wanted[vocabulary[codes] != wanted]:
        raise ArgumentError(unknown(what, one.item(), vocabulary.tolist()))
    return torch.from_numpy(codes.astype(np.int64))


def _rmse(pred: np.ndarray, target: np.ndarray) -> float:
    return float(np.sqrt(np.mean((pred - target) ** 2)))


# --- digits ------------------------------------------------------------------------------

Part = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Digits:
    """Handwritten digits in three parts, each `(x, y)`.

    x is float32 [n, 784] with grey values in [0, 1], row by row of a 28 × 28 picture;
    y is int64 [n], the digit.
    """

    name: str
    train: Part
    valid: Part
    test: Part

    def __repr__(self) -> str:
        train, valid, test = (len(part[1]) for part in (self.train, self.valid, self.test))
        return f"Digits {self.name!r}: {train:,} train, {valid:,} valid, {test:,} test"


def load_digits(name: str | None = None) -> Digits:
    """Load the digits: "sample" (4,000 / 500 / 500) or "mnist" (50,000 / 10,000 / 10,000).

    `None` means the environment variable `LESSON5_DIGITS`, else "sample".

    Raises:
        ArgumentError: an unknown name.
        DataError: a file is missing, damaged, or cannot be downloaded.
    """
    source = _find("digits", name or os.environ.get("LESSON5_DIGITS") or "sample")
    if source.name == "sample":
        with np.load(_bundled() / "digits.npz", allow_pickle=False) as bundled:
            x, y = bundled["x"], bundled["y"]
        n_train, n_valid = 4_000, 500
    else:
        train_x, train_y, test_x, test_y = (_idx(source, file) for file in source.contents)
        x = np.concatenate([train_x, test_x]).reshape(-1, 784)
        y = np.concatenate([train_y, test_y])
        n_train, n_valid = 50_000, 10_000
    pixels = torch.from_numpy(x).float().div_(255)
    classes = torch.from_numpy(y.astype(np.int64))
    parts = [slice(n_train), slice(n_train, n_train + n_valid), slice(n_train + n_valid, None)]
    return Digits(source.name, *((pixels[part], classes[part]) for part in parts))


def _idx(source: DataSet, member: str) -> np.ndarray:
    """An array of unsigned bytes in idx form: 0 0 8 n_dims, the sizes, then the values."""
    content = _read(source, member)
    n_dims = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=n_dims, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * n_dims).reshape(shape)


# --- the map of Brazil -------------------------------------------------------------------


@dataclass(frozen=True)
class Capitals:
    """The capitals of Brazil's 26 states, and Brasília.

    Attributes:
        frame: DataFrame with state, capital, region, latitude, longitude (degrees).
        distance: float32 [27, 27], great-circle distances in thousands of kilometres.
        position: float32 [27, 2], kilometres (thousands) east and north of their middle.
    """

    frame: pd.DataFrame
    distance: Tensor
    position: Tensor


def load_capitals() -> Capitals:
    """The 27 capitals with their distances. The Earth is taken as a sphere."""
    radius = 6.371  # thousand kilometres
    frame = pd.read_csv(_bundled() / "capitals.csv")
    latitude, longitude = torch.tensor(frame[["latitude", "longitude"]].to_numpy()).T.deg2rad()
    east = (longitude - longitude.mean()) * latitude.mean().cos()
    position = radius * torch.stack([east, latitude - latitude.mean()], dim=1)
    on_sphere = torch.stack(
        [
            latitude.cos() * longitude.cos(),
            latitude.cos() * longitude.sin(),
            latitude.sin(),
        ],
        dim=1,
    )
    chord = (on_sphere[:, None] - on_sphere[None]).norm(dim=2)
    distance = 2 * radius * torch.asin(chord / 2)
    return Capitals(frame, distance.float(), position.float())


# --- files -------------------------------------------------------------------------------


def _bundled() -> Path:
    """The folder of bundled data: inside an installed wheel, or beside a checkout's package."""
    package = Path(__file__).resolve().parent
    for folder in (package / "data", package.parent / "data"):
        if (folder / "films.csv").exists():
            return folder
    raise DataError("the bundled data is missing: install lesson5-utils again")


def _find(kind: str, name: str) -> DataSet:
    known = {one.name: one for one in catalogue() if one.kind == kind}
    if name not in known:
        raise ArgumentError(unknown(f"{kind} data set", name, known))
    return known[name]


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("lesson5"))


def _local_folder(source: DataSet) -> Path | None:
    root = os.environ.get("LESSON5_DATA_DIR")
    folder = Path(root) / source.name if root else None
    return folder if folder is not None and folder.is_dir() else None


def _read(source: DataSet, member: str) -> bytes:
    """The content of one file, unzipped and verified: a local copy, else a download."""
    folder = _local_folder(source)
    if folder is None:
        return _checked(source, member, _from_download(source, member), "the download")
    path = folder / member
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except FileNotFoundError:
        raise DataError(
            f"{source.name} in LESSON5_DATA_DIR is incomplete: {path} is missing; copy it "
            "there, or unset LESSON5_DATA_DIR to download"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): copy it again") from None
    return _checked(source, member, content, str(path))


def _checked(source: DataSet, member: str, content: bytes, place: str) -> bytes:
    wanted = source.contents[member]
    if wanted and hashlib.sha256(content).hexdigest() != wanted:
        raise DataError(
            f"{source.name}: {member} is damaged or incomplete (its checksum differs): "
            f"replace {place}"
        )
    return content


def _from_download(source: DataSet, member: str) -> bytes:
    if member in source.archives:  # a single .gz file
        return gzip.decompress(_download(source, member).read_bytes())
    (archive,) = source.archives
    with zipfile.ZipFile(_download(source, archive)) as opened:
        return opened.read(f"{source.name}/{member}")


def _download(source: DataSet, archive: str) -> Path:
    """Fetch one archive into the cache, unless a good copy is there.

    pooch writes beside the target and moves a verified file into place, so two notebooks
    may start at once, and a broken or partial download is never used.
    """
    import pooch

    quiet = os.environ.get("LESSON5_PROGRESS") == "0"
    problem: Exception | None = None
    for base in source.urls:
        try:
            found = pooch.retrieve(
                base + archive,
                known_hash=f"sha256:{source.archives[archive]}",
                fname=archive,
                path=_cache() / source.name,
                progressbar=not quiet,
            )
            return Path(found)
        except (OSError, ValueError) as error:  # no network, or a checksum that differs
            problem = error
    raise DataError(
        f"{source.name} could not be downloaded ({type(problem).__name__}): connect and run "
        f"`lesson5 data fetch {source.name}` again, put a copy in LESSON5_DATA_DIR/"
        f"{source.name}, or use the bundled data ('sample')"
    ) from None  # the reasons of the network library fill a screen and help nobody

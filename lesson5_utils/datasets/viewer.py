"""The learner as a viewer: a few films rated by hand, kept in `work/ratings.csv`.

The file is the learner's own: one for all data sets, and updating the course never touches
it. Where nobody has rated, a default viewer with a stated taste stands in.

`LESSON5_WORK_DIR` names another folder than the course's `work/`; set to nothing, no file is
read or written, and the default viewer is seen.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lesson5_utils import arguments, saving
from lesson5_utils.datasets.ratings import Ratings
from lesson5_utils.errors import ArgumentError, DataError

__all__ = ["Viewer", "films_to_rate", "load_viewer", "save_viewer"]

FILE = "ratings.csv"
COLUMNS = ["data", "movie", "title", "rating"]
POOL = 60  # of the most rated films: those that somebody may have seen

# The bundled films that are shown to be rated, and what the default viewer gives them: she
# likes what is light and warm, and leaves crime and horror to others.
SAMPLE = {
    "O Auto da Compadecida": 5,
    "Toy Story": 5,
    "Cidade de Deus": 2,
    "The Sound of Music": 4,
    "The Godfather": 2,
    "Spirited Away": 5,
    "The Matrix": 2,
    "Titanic": 3,
    "Psycho": 1,
    "Modern Times": 4,
}
# The same taste as a rule, for other data sets: genre → how she likes it.
LIKES = {
    **dict.fromkeys(("Animation", "Children's", "Children", "Family", "Comedy"), 1),
    **dict.fromkeys(("Fantasy", "Musical", "Adventure", "Romance"), 1),
    **dict.fromkeys(("Action", "Crime", "Film-Noir", "Horror", "Thriller", "War"), -1),
}


@dataclass(frozen=True, eq=False)  # tensors have no single answer to ==
class Viewer:
    """A person and the few films that this person has rated.

    Two of them are equal only if they are one object.

    Attributes:
        movie: int64 tensor [k], codes of films, as in the ratings that it was loaded for.
        rating: float32 tensor [k], 1 to 5 stars.
        is_default: nobody has rated yet; this is the taste that we made up.
        frame: DataFrame with title, year, genres and stars ("★★★★☆"), to be shown.
    """

    movie: Tensor
    rating: Tensor
    is_default: bool
    frame: pd.DataFrame

    def __len__(self) -> int:
        return len(self.movie)

    def __repr__(self) -> str:
        who = "the default one" if self.is_default else "you"
        return f"Viewer: {who}, {len(self)} film{'s' * (len(self) != 1)} rated"


def load_viewer(ratings: Ratings) -> Viewer:
    """The learner's own ratings of these films, or the default viewer's if there are none.

    Hand over all ratings of a data set, not a split: the default viewer's films are chosen
    among the most rated ones. What follows from a viewer's ratings differs for each learner:
    give `about` its range on bundled data only where `is_default`.

    Raises:
        DataError: the learner's file is damaged; it is left as it is.
    """
    kept = _of(ratings, _read(_file()))
    codes = {int(id_): code for code, id_ in enumerate(ratings.movies.tolist())}
    rated = {codes[movie]: _whole(row["rating"]) or 0 for movie, row in kept.items()}
    return _viewer(ratings, rated or _default(ratings), is_default=not rated)


def save_viewer(
    ratings: Ratings, movie: Sequence[int] | Tensor, rating: Sequence[float] | Tensor
) -> Path:
    """Keep the learner's ratings of this data set, in place of those kept before; what the
    file holds of other data sets stays.

    Args:
        movie: codes of films, each once; none removes this data set's ratings.
        rating: whole stars from 1 to 5, one for each film.

    Returns:
        The file.

    Raises:
        ArgumentError: a code or a rating that cannot be.
        DataError: the file is damaged (it is left as it is), or there is no place for it.
        Lesson5Error: it cannot be written.
    """
    last = len(ratings.movies) - 1
    codes = [arguments.whole("a code", one, least=0, most=last) for one in _list(movie)]
    stars = [arguments.whole("a rating", one, most=5) for one in _list(rating)]
    if len(stars) != len(codes) or len(set(codes)) < len(codes):
        raise ArgumentError("movie needs different films, and rating one number for each")
    path = _file()
    if path is None:
        raise DataError(
            "there is no folder to keep ratings in: work in the course's folder, or set "
            "LESSON5_WORK_DIR to a folder of yours"
        )
    rows = _read(path)
    before = _of(ratings, rows)
    kept = [row for row in rows if row["data"] != ratings.name]
    for code, star in zip(codes, stars, strict=True):
        id_ = int(ratings.movies[code])
        ours = [ratings.name, str(id_), str(ratings.titles[code]), str(star)]
        kept.append(before.get(id_, {}) | dict(zip(COLUMNS, ours, strict=True)))
    _write(path, kept)
    return path


def films_to_rate(ratings: Ratings, n: int = 10) -> Tensor:
    """Codes, int64 [n], of well-known films that spread over years and genres.

    Raises:
        ArgumentError: `n` is below 1, or there are fewer films.
    """
    n = arguments.whole("n", n, most=len(ratings.films))
    films = ratings.films.sort_values("n_ratings", ascending=False, kind="stable")
    codes = films.index.to_numpy()
    genres = films["genres"].str.get_dummies("|").to_numpy(dtype=float)
    genres = genres / np.maximum(np.linalg.norm(genres, axis=1, keepdims=True), 1)
    year = films["year"].astype("Float64").fillna(films["year"].median()).to_numpy(dtype=float)
    places = np.column_stack([genres, (year - year.mean()) / 25])
    chosen = list(_stated(ratings))[:n] or [int(codes[0])]
    pool = np.arange(len(codes)) < max(POOL, n)
    while len(chosen) < n:  # the film of the pool that is farthest from all chosen ones
        taken = np.isin(codes, chosen)
        gap = np.linalg.norm(places[:, None] - places[taken][None], axis=2).min(axis=1)
        chosen.append(int(codes[np.where(pool & ~taken, gap, -1).argmax()]))
    return torch.tensor(chosen)


# --- the default viewer --------------------------------------------------------------------


def _stated(ratings: Ratings) -> dict[int, int]:
    """SAMPLE with codes in place of titles; of other data sets nothing."""
    if ratings.name != "sample":
        return {}
    code = {title: int(code) for code, title in ratings.films["title"].items()}
    return {code[title]: stars for title, stars in SAMPLE.items() if title in code}


def _default(ratings: Ratings) -> dict[int, int]:
    """What the default viewer gives to which film: code → stars."""
    codes = films_to_rate(ratings, min(10, len(ratings.films))).tolist()
    stated = _stated(ratings)
    overall = ratings.films["mean_rating"].mean()
    return {
        code: stated.get(code) or _by_rule(film["genres"], film["mean_rating"] - overall)
        for code, film in ratings.films.loc[codes].iterrows()
    }


def _by_rule(genres: str, better: float) -> int:
    """Stars for a film from its genres, and from how many stars it is above the average."""
    liked = float(np.mean([LIKES.get(genre, 0) for genre in genres.split("|")]))
    return min(max(round(3.2 + 1.8 * liked + 0.8 * better), 1), 5)


def _viewer(ratings: Ratings, rated: dict[int, int], is_default: bool) -> Viewer:
    codes, stars = list(rated), list(rated.values())
    frame = ratings.films.reindex(codes)[["title", "year", "genres"]].reset_index(drop=True)
    return Viewer(
        torch.tensor(codes),
        torch.tensor(stars, dtype=torch.float32),
        is_default,
        frame.assign(stars=["★" * one + "☆" * (5 - one) for one in stars]),
    )


# --- the learner's file --------------------------------------------------------------------

Row = dict[str, str]


def _file() -> Path | None:
    """Where the learner's ratings are kept; None where there is no place for them."""
    folder = saving.work_folder()
    return folder / FILE if folder else None


def _read(path: Path | None) -> list[Row]:
    """Every row of the learner's file, all its columns; none where there is no file.

    Raises:
        DataError: it cannot be read, or is not what we write.
    """
    if path is None or not os.path.exists(path):
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")  # with the mark that Excel writes
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
        rows = list(reader)
    except (OSError, ValueError, csv.Error) as problem:
        raise _damaged(path, f"cannot be read ({problem})") from None
    for name in COLUMNS:
        if name not in (reader.fieldnames or ()):
            raise _damaged(path, f"has no column {name!r}" if text.strip() else "is empty")
    films = set()
    for line, row in enumerate(rows, start=2):
        stars, film = _whole(row["rating"]), (row["data"], _whole(row["movie"]))
        if None in row:
            raise _damaged(path, f"has too many fields in line {line}")
        if stars not in range(1, 6):
            told = f"has {row['rating']!r} as a rating in line {line}, which must be 1 to 5"
            raise _damaged(path, told)
        if film in films:
            raise _damaged(path, f"rates one film twice (line {line})")
        films.add(film)
    return rows


def _of(ratings: Ratings, rows: list[Row]) -> dict[int, Row]:
    """The rows of one data set, by film id.

    Raises:
        DataError: a film that is not in it.
    """
    known = set(ratings.movies.tolist())
    found = {}
    for row in rows:
        if row["data"] == ratings.name:
            id_ = _whole(row["movie"])
            if id_ is None or id_ not in known:
                told = f"rates a film {row['movie']!r}, and {ratings.name} has no such id"
                raise _damaged(_file(), told)
            found[id_] = row
    return found


def _write(path: Path, rows: list[Row]) -> None:
    names = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(names), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    saving.write(path, text.getvalue())


def _damaged(path: Path | None, told: str) -> DataError:
    return DataError(
        f"your ratings, {path}, are damaged: the file {told}; mend that in an editor, or move "
        "the file away to start again"
    )


def _whole(text: str) -> int | None:
    """The whole number that a field holds, also as 4.0, which some programs write."""
    with suppress(ValueError, OverflowError):
        return int(float(text)) if float(text).is_integer() else None
    return None


def _list(values: Sequence[float] | Tensor) -> list[float]:
    """As Python's numbers, whole ones as int."""
    listed = torch.as_tensor(values).tolist()
    return [int(one) if isinstance(one, float) and one.is_integer() else one for one in listed]

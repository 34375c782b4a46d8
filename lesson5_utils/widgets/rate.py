"""`RateFilms`: a few well-known films, each with a row of stars."""

from __future__ import annotations

from typing import Any

import anywidget
import torch
import traitlets
from torch import Tensor

from lesson5_utils import datasets
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import Lesson5Error
from lesson5_utils.widgets.scripts import script, style

__all__ = ["RateFilms"]


class RateFilms(anywidget.AnyWidget):
    """Films to be rated by the learner, "not seen" or 1 to 5 stars each.

    Every change is kept at once in `work/ratings.csv`, where `datasets.load_viewer` finds it;
    what was rated before is shown again. Films that the file holds and that are not among the
    `n` are shown, too.

    Args:
        ratings: all ratings of a data set.
        n: how many films.

    Raises:
        ArgumentError: there are not so many films.
        DataError: the learner's file is damaged; it is left as it is.
    """

    _esm = script("rate.js")
    _css = style("rate.css")
    films: Any = traitlets.List().tag(sync=True)  # [title, year, genres] of each
    chosen: Any = traitlets.List(traitlets.Int(min=0, max=5)).tag(sync=True)  # 0: not seen
    said = traitlets.Unicode().tag(sync=True)

    def __init__(self, ratings: Ratings, n: int = 10) -> None:
        codes = datasets.films_to_rate(ratings, n).tolist()
        rated = _kept(ratings)
        self._ratings = ratings
        self._unsaved: set[int] = set()  # codes whose stars are not in the file yet
        self._n = len(codes)
        self._shown = [*codes, *(code for code in rated if code not in codes)]
        films = ratings.films
        super().__init__(
            films=[[ratings.titles[code], *_about(films, code)] for code in self._shown],
            chosen=[rated.get(code, 0) for code in self._shown],
        )
        self.said = self._count()
        self.observe(self._keep, "chosen")

    @property
    def codes(self) -> Tensor:
        """Codes of the films that are rated, int64 [k]."""
        rated = [code for code, stars in zip(self._shown, self.chosen, strict=True) if stars]
        return torch.tensor(rated, dtype=torch.int64)

    @property
    def stars(self) -> Tensor:
        """Their stars, float32 [k]."""
        return torch.tensor([one for one in self.chosen if one], dtype=torch.float32)

    def __repr__(self) -> str:
        return f"RateFilms: {self._n} film{'s' * (self._n != 1)} to rate"  # for everybody

    @traitlets.validate("chosen")
    def _fits(self, proposal: Any) -> list[int]:
        if len(proposal["value"]) != len(self._shown):
            raise traitlets.TraitError(
                f"chosen needs one number for each of {len(self._shown)}"
            )
        return list(proposal["value"])

    def _keep(self, change: Any) -> None:
        """Bring what has changed into the file, and leave the rest of it as it is now: another
        notebook may have changed that."""
        both = zip(self._shown, change["old"], change["new"], strict=True)
        self._unsaved |= {code for code, before, now in both if now != before}
        stars = dict(zip(self._shown, self.chosen, strict=True))
        try:
            rated = _kept(self._ratings) | {code: stars[code] for code in self._unsaved}
            rated = {code: one for code, one in rated.items() if one}
            path = datasets.save_viewer(self._ratings, list(rated), list(rated.values()))
        except Lesson5Error as problem:
            self.said = f"{self._count()} Not kept: {problem}"
        else:
            self._unsaved.clear()
            self.said = f"{self._count()} Kept in {path.parent.name}/{path.name}."

    def _count(self) -> str:
        return f"{len(self.codes)} of {len(self._shown)} rated."


def _kept(ratings: Ratings) -> dict[int, int]:
    """What the learner's file holds: code → stars."""
    viewer = datasets.load_viewer(ratings)
    if viewer.is_default:
        return {}
    return dict(zip(viewer.movie.tolist(), viewer.rating.int().tolist(), strict=True))


def _about(films: Any, code: int) -> tuple[str, str]:
    """Year and genres of a film, as text; nothing where they are unknown."""
    if code not in films.index:
        return "", ""
    year, genres = films.loc[code, ["year", "genres"]]
    return str(year).replace("<NA>", ""), genres.replace("|", ", ")

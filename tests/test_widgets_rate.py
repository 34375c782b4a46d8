"""widgets/rate.py: films rated and kept, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import traitlets

from lesson5_utils import datasets, widgets
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError, DataError


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LESSON5_WORK_DIR", str(tmp_path / "work"))
    return tmp_path / "work"


def rate(widget: widgets.RateFilms, **stars: int) -> None:
    """As the browser does: all ten, of which the named places have changed (`_0=5`)."""
    chosen = list(widget.chosen)
    for place, one in stars.items():
        chosen[int(place[1:])] = one
    widget.set_state({"chosen": chosen})


def test_it_begins_with_nothing_rated(sample: Ratings, work: Path) -> None:
    widget = widgets.RateFilms(sample)
    assert repr(widget) == "RateFilms: 10 films to rate"
    assert widget.said == "0 of 10 rated."
    assert (widget.codes.dtype, widget.stars.dtype) == (torch.int64, torch.float32)
    assert len(widget.codes) == len(widget.stars) == 0
    title, year, genres = widget.films[0]
    assert (title, year) == ("O Auto da Compadecida", "2000") and "Comedy" in genres
    assert not work.exists(), "looking at it writes nothing"


def test_every_change_is_kept_at_once(sample: Ratings, work: Path) -> None:
    widget = widgets.RateFilms(sample)
    rate(widget, _0=5)
    assert widget.said == "1 of 10 rated. Kept in work/ratings.csv."
    rate(widget, _3=2)
    rate(widget, _0=4)
    films = datasets.films_to_rate(sample)
    assert widget.codes.tolist() == films[[0, 3]].tolist()
    assert widget.stars.tolist() == [4, 2]
    viewer = datasets.load_viewer(sample)
    assert not viewer.is_default
    assert viewer.movie.tolist() == films[[0, 3]].tolist()
    assert viewer.rating.tolist() == [4, 2]
    rate(widget, _0=0, _3=0)
    assert widget.said.startswith("0 of 10") and datasets.load_viewer(sample).is_default


def test_what_was_rated_before_is_shown_again(sample: Ratings, work: Path) -> None:
    films = datasets.films_to_rate(sample)
    another = next(code for code in range(200) if code not in films)
    datasets.save_viewer(sample, [int(films[2]), another], [3, 1])
    widget = widgets.RateFilms(sample, n=5)
    assert widget.chosen == [0, 0, 3, 0, 0, 1]
    assert widget.films[5][0] == sample.titles[another]
    assert repr(widget) == "RateFilms: 5 films to rate", "the same for everybody"
    assert widget.said == "2 of 6 rated."


def test_two_notebooks_do_not_undo_each_others_ratings(sample: Ratings, work: Path) -> None:
    first, second = widgets.RateFilms(sample), widgets.RateFilms(sample)
    rate(first, _0=5)
    rate(second, _1=4)
    viewer = datasets.load_viewer(sample)
    assert sorted(viewer.rating.tolist()) == [4, 5]


def test_a_file_damaged_in_between_is_left_alone_and_what_was_rated_comes_later(
    sample: Ratings, work: Path
) -> None:
    widget = widgets.RateFilms(sample)
    work.mkdir()
    (work / "ratings.csv").write_text("what?")
    rate(widget, _0=5)
    assert widget.said.startswith("1 of 10 rated. Not kept: your ratings, ")
    assert (work / "ratings.csv").read_text() == "what?"
    (work / "ratings.csv").unlink()
    rate(widget, _1=3)
    assert sorted(datasets.load_viewer(sample).rating.tolist()) == [3, 5]


def test_a_damaged_file_is_told_before_anything_is_shown(sample: Ratings, work: Path) -> None:
    work.mkdir()
    (work / "ratings.csv").write_text("what?")
    with pytest.raises(DataError, match="has no column 'data'"):
        widgets.RateFilms(sample)


def test_without_a_folder_it_can_be_tried_and_says_so(sample: Ratings) -> None:
    widget = widgets.RateFilms(sample)
    rate(widget, _0=5)
    assert widget.said.startswith("1 of 10 rated. Not kept: there is no folder")
    assert widget.stars.tolist() == [5]


@pytest.mark.parametrize("chosen", [[5], [6] + [0] * 9, [-1] + [0] * 9, [2.5] + [0] * 9])
def test_what_cannot_be_chosen_is_refused(
    sample: Ratings, work: Path, chosen: list[int]
) -> None:
    widget = widgets.RateFilms(sample)
    with pytest.raises(traitlets.TraitError):
        widget.chosen = chosen
    assert widget.chosen == [0] * 10 and not work.exists()


def test_more_films_than_there_are_is_refused(sample: Ratings) -> None:
    with pytest.raises(ArgumentError, match="n must be a whole number from 1 to 200, not 300"):
        widgets.RateFilms(sample, n=300)


@pytest.mark.real_data
def test_films_of_real_data_have_years_and_genres() -> None:
    widget = widgets.RateFilms(datasets.load_ratings("ml-100k"))
    assert all(len(year) == 4 and genres for _, year, genres in widget.films)

"""datasets/viewer.py: the learner's own ratings, and the viewer who stands in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from small_course import ROOT, cell, small_course

from lesson5_utils import datasets
from lesson5_utils.book import copies
from lesson5_utils.datasets import Ratings, viewer
from lesson5_utils.errors import ArgumentError, DataError, Lesson5Error

HEADER = "data,movie,title,rating\n"


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A learner's folder, not made yet."""
    monkeypatch.setenv("LESSON5_WORK_DIR", str(tmp_path / "work"))
    return tmp_path / "work"


def small(name: str = "small") -> Ratings:
    """Three films of ids 10, 20 and 30, each rated twice."""
    films = pd.DataFrame(
        {
            "movie": [10, 20, 30],
            "title": ["A", "B, or not B", "Ç"],
            "year": pd.array([1950, 2000, None], dtype="Int64"),
            "genres": ["Horror", "Comedy|Family", "Drama"],
        }
    )
    rated = pd.DataFrame(
        {
            "user": [1, 1, 1, 2, 2, 2],
            "movie": [10, 20, 30] * 2,
            "rating": [3.0] * 6,
            "timestamp": range(6),
        }
    )
    return datasets.ratings._ratings(name, rated, films)


# --- the default viewer -------------------------------------------------------------------


def test_where_nobody_has_rated_the_default_viewer_is_seen(sample: Ratings) -> None:
    one = datasets.load_viewer(sample)
    assert one.is_default and len(one) == 10
    assert repr(one) == "Viewer: the default one, 10 films rated"
    assert (one.movie.dtype, one.rating.dtype) == (torch.int64, torch.float32)
    stated = dict(zip(sample.titles[one.movie], one.rating.int().tolist(), strict=True))
    assert stated == viewer.SAMPLE, "every title is there, and in this order"
    assert list(one.frame.columns) == ["title", "year", "genres", "stars"]
    assert one.frame["stars"][0] == "★★★★★" and one.frame["stars"][8] == "★☆☆☆☆"


def test_she_likes_what_is_light_wherever_there_are_genres() -> None:
    other = small()
    one = datasets.load_viewer(other)
    stars = dict(zip(other.titles[one.movie], one.rating.tolist(), strict=True))
    assert stars["A"] < stars["Ç"] < stars["B, or not B"]
    again = datasets.load_viewer(other)
    assert torch.equal(one.movie, again.movie) and torch.equal(one.rating, again.rating)


def test_films_to_rate_are_well_known_and_differ(sample: Ratings) -> None:
    codes = datasets.films_to_rate(sample, 14).tolist()
    assert len(set(codes)) == 14
    assert codes[:10] == datasets.load_viewer(sample).movie.tolist()
    films = sample.films
    known = films["n_ratings"].rank(ascending=False)
    assert known[codes[10:]].max() <= viewer.POOL
    elsewhere = datasets.films_to_rate(small(), 3).tolist()
    assert sorted(elsewhere) == [0, 1, 2]
    for n in (0, 201, 1.5):
        with pytest.raises(ArgumentError, match="n must be a whole number from 1 to 200"):
            datasets.films_to_rate(sample, n)  # type: ignore[arg-type]


def test_a_part_of_the_data_that_lacks_a_film_is_no_trouble(sample: Ratings) -> None:
    lacking = int(datasets.load_viewer(sample).movie[0])
    part = sample.rows((sample.movie != lacking).numpy())
    one = datasets.load_viewer(part)
    stated = list(viewer.SAMPLE.items())[1:]
    seen = list(zip(part.titles[one.movie], one.rating.int().tolist(), strict=True))
    assert len(one) == 10 and seen[:9] == stated


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ml-100k", "ml-latest-small"])
def test_on_real_data_ten_films_of_many_genres(name: str) -> None:
    one = datasets.load_viewer(datasets.load_ratings(name))
    assert len(one) == 10 and len(set(one.movie.tolist())) == 10
    assert len(set(one.rating.tolist())) >= 3, "a taste has likes and dislikes"
    assert np.ptp(one.frame["year"].to_numpy(dtype=float)) >= 20


# --- kept and found again -----------------------------------------------------------------


def test_what_is_saved_is_loaded(sample: Ratings, work: Path) -> None:
    path = datasets.save_viewer(sample, [5, 0, 7], torch.tensor([5.0, 1.0, 3.0]))
    assert path == work / "ratings.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] + "\n" == HEADER and len(lines) == 4
    assert lines[1] == f"sample,{sample.movies[5]},{sample.titles[5]},5"
    one = datasets.load_viewer(sample)
    assert repr(one) == "Viewer: you, 3 films rated"
    assert one.movie.tolist() == [5, 0, 7] and one.rating.tolist() == [5, 1, 3]
    assert one.frame["title"].tolist() == sample.titles[[5, 0, 7]].tolist()
    assert os.listdir(work) == ["ratings.csv"], "nothing is left beside it"


def test_none_rated_is_the_default_viewer_again(work: Path) -> None:
    datasets.save_viewer(small(), [1], [4])
    assert repr(datasets.load_viewer(small())) == "Viewer: you, 1 film rated"
    datasets.save_viewer(small(), [], [])
    assert datasets.load_viewer(small()).is_default
    assert (work / "ratings.csv").read_text() == HEADER


def test_one_file_holds_all_data_sets(work: Path) -> None:
    datasets.save_viewer(small("one"), [0, 1], [1, 2])
    datasets.save_viewer(small("other"), [2], [5])
    datasets.save_viewer(small("one"), [0], [4])
    assert datasets.load_viewer(small("one")).rating.tolist() == [4]
    assert datasets.load_viewer(small("other")).rating.tolist() == [5]
    assert datasets.load_viewer(small("third")).is_default


def test_what_a_learner_adds_to_the_file_is_kept(work: Path) -> None:
    work.mkdir()
    (work / "ratings.csv").write_text(
        "\ufefftitle,rating,data,movie,with whom\nÇ,4.0,small,30,Ana\nA,2,small,10,Rui\n",
        encoding="utf-8",
    )
    assert datasets.load_viewer(small()).rating.tolist() == [4, 2]
    datasets.save_viewer(small(), [2], [5])
    text = (work / "ratings.csv").read_text(encoding="utf-8")
    assert text == "data,movie,title,rating,with whom\nsmall,30,Ç,5,Ana\n"


@pytest.mark.parametrize(
    ("movie", "rating", "told"),
    [
        ([0, 1], [1], "one number for each"),
        ([0, 0], [1, 2], "different films"),
        ([3], [1], "a code must be a whole number from 0 to 2, not 3"),
        ([-1], [1], "a code must be a whole number from 0 to 2, not -1"),
        ([0.5], [1], "a code must be"),
        ([0], [6], "a rating must be a whole number from 1 to 5, not 6"),
        ([0], [0], "a rating must be"),
        ([0], [3.5], "a rating must be"),
        ([0], [float("nan")], "a rating must be"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    movie: list[int], rating: list[float], told: str, work: Path
) -> None:
    with pytest.raises(ArgumentError, match=told):
        datasets.save_viewer(small(), movie, rating)
    assert not work.exists()


# --- a damaged file -----------------------------------------------------------------------

DAMAGED = {
    "": "is empty",
    "\n\n": "is empty",
    "data,movie,title\nsmall,10,A\n": "has no column 'rating'",
    "data;movie;title;rating\nsmall;10;A;5\n": "has no column 'data'",
    HEADER + "small,10,A,5\nsmall,20,B,7\n": "has '7' as a rating in line 3",
    HEADER + "small,10,A,\n": "has '' as a rating in line 2",
    HEADER + "small,10,A,2.5\n": "has '2.5' as a rating",
    HEADER + "small,10,A,inf\n": "has 'inf' as a rating",
    HEADER + "small,11,A,5\n": "rates a film '11', and small has no such id",
    HEADER + "small,ten,A,5\n": "rates a film 'ten'",
    HEADER + "small,10\n": "has '' as a rating",
    HEADER + "small,20,B, or not B,5\n": "has too many fields in line 2",
    HEADER + "small,10,A,5\nsmall,10,A,4\n": "rates one film twice",
    HEADER + 'small,10,"A,5\n': "cannot be read",
}


@pytest.mark.parametrize(("text", "told"), DAMAGED.items())
def test_a_damaged_file_is_told_in_one_sentence_and_left_as_it_is(
    text: str, told: str, work: Path
) -> None:
    work.mkdir()
    path = work / "ratings.csv"
    path.write_text(text)
    for act in (
        lambda: datasets.load_viewer(small()),
        lambda: datasets.save_viewer(small(), [0], [5]),
    ):
        with pytest.raises(DataError) as refused:
            act()
        said = str(refused.value)
        assert told in said and str(path) in said and "\n" not in said
        assert path.read_text() == text


def test_bytes_that_are_no_text_are_told_too(work: Path) -> None:
    work.mkdir()
    (work / "ratings.csv").write_bytes(b"data,movie,title,rating\nsmall,10,\xe7,5\n")
    with pytest.raises(DataError, match="cannot be read"):
        datasets.load_viewer(small())


def test_an_id_of_another_data_set_is_its_own_affair(work: Path) -> None:
    work.mkdir()
    (work / "ratings.csv").write_text(HEADER + "other,99999,Z,5\nsmall,10,A,3\n")
    assert datasets.load_viewer(small()).rating.tolist() == [3]
    datasets.save_viewer(small(), [1], [2])
    assert "other,99999,Z,5\n" in (work / "ratings.csv").read_text()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, work: Path) -> None:
    work.write_text("a file in its place")
    assert datasets.load_viewer(small()).is_default
    with pytest.raises(Lesson5Error, match="is a file, where a folder is needed"):
        datasets.save_viewer(small(), [0], [5])


def test_a_write_that_breaks_leaves_the_file_as_it_was(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = datasets.save_viewer(small(), [0], [5])
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(Lesson5Error, match="No space left"):
        datasets.save_viewer(small(), [1], [1])
    assert path.read_bytes() == before and os.listdir(work) == ["ratings.csv"]


# --- where it is --------------------------------------------------------------------------


def test_nothing_is_read_or_written_where_the_folder_is_set_to_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LESSON5_WORK_DIR", "")
    assert datasets.load_viewer(small()).is_default
    with pytest.raises(DataError, match="no folder to keep ratings in"):
        datasets.save_viewer(small(), [0], [5])


# --- it outlives everything that updates the course ---------------------------------------


def test_updating_the_course_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make lab` again makes copies, `make clean` cleans, and git does not see it."""
    course = small_course(tmp_path, cell("one", "1"))
    monkeypatch.delenv("LESSON5_WORK_DIR")
    monkeypatch.chdir(tmp_path)
    path = datasets.save_viewer(small(), [0], [5])
    before = path.read_bytes()
    copies.make(course)
    copies.make(course)
    if shutil.which("make"):
        make = ["make", "-f", str(ROOT / "Makefile"), "clean"]
        subprocess.run(make, cwd=tmp_path, capture_output=True, check=True)
    if shutil.which("git"):
        shutil.copy(ROOT / ".gitignore", tmp_path)
        for command in ("git init -q", "git add -A", "git clean -fdq"):
            subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=True)
        asked = ["git", "ls-files", "work"]
        listed = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
        assert listed.stdout == ""
    assert path.read_bytes() == before


def test_datasets_do_not_load_the_widgets() -> None:
    code = (
        "import sys\nfrom lesson5_utils import datasets\ndatasets.load_viewer\n"
        "print({'anywidget', 'ipywidgets'} & set(sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert told.stdout.strip() == "set()", told.stderr

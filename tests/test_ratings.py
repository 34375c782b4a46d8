"""Ratings: ids and codes, splits, the planted truth, and the files of MovieLens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scripts import script

from lesson5_utils import datasets
from lesson5_utils.datasets import DataSet, Ratings, registry
from lesson5_utils.datasets.ratings import DAY, _ratings
from lesson5_utils.errors import ArgumentError, DataError

DATA = Path(__file__).resolve().parents[1] / "data"
Bundle = tuple[pd.DataFrame, dict[str, np.ndarray]]


def toy(films: list[tuple[int, str]], rows: list[tuple[int, int, int]]) -> Ratings:
    """Ratings made of (id, title) and (user, film, rating)."""
    ratings = pd.DataFrame(rows, columns=["user", "movie", "rating"]).assign(timestamp=0)
    table = pd.DataFrame(films, columns=["movie", "title"]).assign(year=2000, genres="Drama")
    return _ratings("toy", ratings, table)


# --- vocabularies, codes, titles ----------------------------------------------------------


def test_codes_lead_to_ids_and_back(sample: Ratings) -> None:
    frame = sample.frame
    np.testing.assert_array_equal(sample.users[sample.user], frame["user"])
    np.testing.assert_array_equal(sample.movies[sample.movie], frame["movie"])
    np.testing.assert_array_equal(sample.titles[sample.movie], frame["title"])
    assert torch.equal(sample.user_codes(frame["user"].to_numpy()), sample.user)
    assert torch.equal(sample.movie_codes(frame["movie"].to_numpy()), sample.movie)


def test_codes_are_contiguous_and_vocabularies_sorted(sample: Ratings) -> None:
    for codes, vocabulary in [(sample.user, sample.users), (sample.movie, sample.movies)]:
        assert codes.dtype == torch.int64
        assert codes.unique().tolist() == list(range(len(vocabulary)))
        assert (np.diff(vocabulary) > 0).all()


def test_ratings_are_float32_and_as_in_the_frame(sample: Ratings) -> None:
    assert sample.rating.dtype == torch.float32
    np.testing.assert_array_equal(sample.rating, sample.frame["rating"])


@pytest.mark.parametrize("never_seen", [-1, 10**9, 5.5, float("nan"), float("inf")])
def test_an_id_never_seen_is_refused(sample: Ratings, never_seen: float) -> None:
    for codes in (sample.user_codes, sample.movie_codes):
        for ids in (never_seen, [never_seen], torch.tensor([never_seen])):
            with pytest.raises(ArgumentError, match=f"unknown .* id {never_seen}"):
                codes(ids)


@pytest.mark.parametrize("kind", [int, np.int16, np.uint64, float, np.float32])
def test_one_id_is_taken_as_a_list_of_one(sample: Ratings, kind: type) -> None:
    for codes, vocabulary in (
        (sample.user_codes, sample.users),
        (sample.movie_codes, sample.movies),
    ):
        known = kind(vocabulary[7])
        for ids in (known, [known], (known,), np.array([known]), np.array(known)):
            assert codes(ids).tolist() == [7] and codes(ids).dtype == torch.int64
        assert codes(torch.tensor([int(known)] * 2)).tolist() == [7, 7]
    assert sample.user_codes([]).tolist() == []


@pytest.mark.parametrize(
    "given", ["7", ["7"], None, [None], True, [[7, 8]], [[7], [8, 9]], 10**30, list("a" * 500)]
)
def test_what_is_no_id_is_refused_in_one_line(sample: Ratings, given: Any) -> None:
    with pytest.raises(ArgumentError, match="a film id must be a whole number") as told:
        sample.movie_codes(given)
    assert len(str(told.value)) < 140 and "\n" not in str(told.value)


def test_films_of_one_title_stay_apart_because_ids_are_the_keys() -> None:
    made = toy(
        films=[(90, "Dune"), (7, "Dune"), (30, "Solaris"), (99, "never rated")],
        rows=[(1, 90, 5), (1, 7, 1), (2, 90, 4), (2, 30, 3)],
    )
    assert len(made) == 4 and made.movies.tolist() == [7, 30, 90]
    assert made.titles.tolist() == ["Dune", "Solaris", "Dune"]
    assert made.movie.tolist() == [2, 0, 2, 1]
    assert made.films["mean_rating"].tolist() == [1, 3, 4.5]


def test_a_film_without_a_title_is_an_error() -> None:
    with pytest.raises(DataError, match="no title"):
        toy(films=[(7, "Dune")], rows=[(1, 7, 5), (1, 8, 5)])


def test_films_lists_each_film_once_under_its_code(sample: Ratings) -> None:
    films = sample.films
    assert films.index.tolist() == list(range(len(sample.movies)))
    np.testing.assert_array_equal(films["movie"], sample.movies)
    np.testing.assert_array_equal(films["title"], sample.titles)
    np.testing.assert_array_equal(films["n_ratings"], np.bincount(sample.movie))
    sums = np.bincount(sample.movie, weights=sample.rating)
    np.testing.assert_allclose(films["mean_rating"], sums / films["n_ratings"])


def test_find_ignores_case_and_takes_text_as_it_is(sample: Ratings) -> None:
    found = sample.find("dUNe")
    assert found["title"].tolist() == ["Dune", "Dune"] and found["year"].nunique() == 2
    np.testing.assert_array_equal(sample.movies[found.index], found["movie"])
    with pytest.raises(ArgumentError, match=r"unknown title '\.\*'"):
        sample.find(".*")
    with pytest.raises(ArgumentError, match="part of a title, in quotes, not 1984"):
        sample.find(1984)  # type: ignore[arg-type]


def test_find_offers_only_films_of_these_ratings() -> None:
    made = toy([(7, "Dune"), (30, "Solaris")], [(1, 7, 5), (1, 30, 1)]).rows([0])
    with pytest.raises(ArgumentError, match=r"choose from 'Dune'$"):
        made.find("Solaris")


def test_ratings_introduce_themselves(sample: Ratings) -> None:
    assert repr(sample) == "Ratings 'sample': 35,000 ratings, 800 users, 200 films"


def test_ratings_and_their_truth_are_equal_only_to_themselves(sample: Ratings) -> None:
    same = sample.rows(torch.arange(len(sample)))
    assert sample == sample and sample != same and len({sample, same}) == 2
    assert same.truth == same.truth != sample.truth and hash(same.truth) != hash(sample.truth)


# --- splits -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [42, 0])
def test_the_first_tenth_of_torchs_permutation_is_valid(sample: Ratings, seed: int) -> None:
    train, valid = sample.split(seed=seed)
    order = torch.randperm(35_000, generator=torch.Generator().manual_seed(seed))
    for part, rows in [(valid, order[:3500]), (train, order[3500:])]:
        assert torch.equal(part.user, sample.user[rows])
        assert torch.equal(part.movie, sample.movie[rows])
        assert torch.equal(part.rating, sample.rating[rows])


def test_the_default_split_is_a_tenth_by_seed_42(sample: Ratings) -> None:
    default, named = sample.split()[1], sample.split(0.1, 42)[1]
    assert torch.equal(default.user, named.user) and len(default) == 3500
    assert not torch.equal(default.user, sample.split(seed=43)[1].user)


def test_the_parts_are_disjoint_and_complete(sample: Ratings) -> None:
    pairs = [
        set(zip(part.user.tolist(), part.movie.tolist(), strict=True))
        for part in (sample, *sample.split(0.2))
    ]
    assert len(pairs[0]) == 35_000
    assert pairs[1].isdisjoint(pairs[2]) and pairs[1] | pairs[2] == pairs[0]


def test_the_parts_keep_the_vocabularies_and_their_frames_follow(sample: Ratings) -> None:
    for part in sample.split():
        assert part.users is sample.users and part.movies is sample.movies
        assert part.titles is sample.titles
        np.testing.assert_array_equal(part.users[part.user], part.frame["user"])
        assert part.frame.index.tolist() == list(range(len(part)))


def test_the_parts_know_their_own_noise_floor(sample: Ratings) -> None:
    assert sample.truth is not None
    order = torch.randperm(35_000, generator=torch.Generator().manual_seed(42)).numpy()
    for part, rows in zip(sample.split(), (order[3500:], order[:3500]), strict=True):
        assert part.truth is not None
        np.testing.assert_array_equal(part.truth.expected, sample.truth.expected[rows])
        error = part.truth.expected - part.rating.numpy()
        assert part.truth.noise_floor == pytest.approx(np.sqrt(np.mean(error**2)))
        assert part.truth.noise_floor != sample.truth.noise_floor


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, 1e-9, float("nan"), "0.1", None, True])
def test_a_share_that_leaves_a_part_empty_is_refused(sample: Ratings, share: Any) -> None:
    with pytest.raises(ArgumentError, match="valid_pct must"):
        sample.split(share)


@pytest.mark.parametrize("seed", [-1, 0.5, None, "42"])
def test_a_seed_that_is_none_is_refused(sample: Ratings, seed: Any) -> None:
    with pytest.raises(ArgumentError, match="seed must be a whole number"):
        sample.split(seed=seed)


def test_a_split_takes_numpys_numbers(sample: Ratings) -> None:
    parts = sample.split(np.float64(0.2), np.int64(7))
    for part, same in zip(parts, sample.split(0.2, 7), strict=True):
        assert torch.equal(part.user, same.user) and torch.equal(part.movie, same.movie)


def test_splitting_leaves_the_global_random_numbers_alone(sample: Ratings) -> None:
    before = torch.get_rng_state()
    sample.split()
    assert torch.equal(torch.get_rng_state(), before)


# --- rows ---------------------------------------------------------------------------------


@given(st.lists(st.booleans(), min_size=6, max_size=6).filter(any))
def test_rows_by_mask_by_position_and_by_frame_agree(mask: list[bool]) -> None:
    made = toy([(7, "Dune"), (9, "Ran")], [(i, 7 + i % 2 * 2, i) for i in range(6)])
    places = [i for i in range(6) if mask[i]]
    forms = [mask, np.array(mask), torch.tensor(mask), places, np.array(places, np.int16)]
    for which in (*forms, torch.tensor(places), pd.Series(mask, index=range(10, 16))):
        part = made.rows(which)
        assert part.rating.tolist() == places == part.frame["rating"].tolist()
        assert part.users[part.user.numpy()].tolist() == places and part.users is made.users
        assert part.frame.index.tolist() == list(range(len(part)))


def test_rows_keep_the_order_asked_for_and_may_repeat(sample: Ratings) -> None:
    part = sample.rows([5, 2, 5])
    assert part.movie.tolist() == sample.movie[[5, 2, 5]].tolist()
    assert part.truth is not None and sample.truth is not None
    np.testing.assert_array_equal(part.truth.expected, sample.truth.expected[[5, 2, 5]])


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ([True, False], "one bool for each of 3 rows, not 2"),
        (torch.ones(4, dtype=torch.bool), "one bool for each of 3 rows, not 4"),
        ([False] * 3, "at least one rating"),
        (np.array([], dtype=int), "at least one rating"),
        ([0, 3], "a position must be from 0 to 2, not 3"),
        (torch.tensor([-1]), "a position must be from 0 to 2, not -1"),
        ([0.0, 1.0], "positions .* or a mask of 3 bools, not "),
        (torch.ones(3), "positions .* or a mask of 3 bools, not "),
        (torch.ones(3, requires_grad=True), "positions .* or a mask of 3 bools, not "),
        (torch.ones(3, dtype=torch.bfloat16), "positions .* or a mask of 3 bools, not "),
        (torch.ones(3, 1, dtype=torch.bool), "positions .* or a mask of 3 bools, not "),
        (pd.Series([True, None, False]), "positions .* or a mask of 3 bools, not "),
        (1, "positions .* or a mask of 3 bools, not 1"),
        ("abc", "positions .* or a mask of 3 bools, not 'abc'"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(which: Any, sentence: str) -> None:
    made = toy([(7, "Dune")], [(1, 7, 5), (2, 7, 4), (3, 7, 3)])
    with pytest.raises(ArgumentError, match=sentence) as told:
        made.rows(which)
    assert "\n" not in str(told.value)


# --- the simulated ratings and their truth ------------------------------------------------


@pytest.fixture(scope="module")
def made_again() -> Bundle:
    return script("data/make_ratings.py").simulate(pd.read_csv(DATA / "films.csv"))


def test_the_generator_makes_the_committed_ratings_again(made_again: Bundle) -> None:
    committed = pd.read_csv(DATA / "ratings.csv.gz")
    pd.testing.assert_frame_equal(made_again[0], committed, check_dtype=False)


def test_the_generator_makes_the_committed_truth_again(made_again: Bundle) -> None:
    with np.load(DATA / "truth.npz", allow_pickle=False) as committed:
        assert set(committed.files) == set(made_again[1])
        for name, values in made_again[1].items():
            np.testing.assert_array_equal(committed[name], values, err_msg=name)


def gini(counts: np.ndarray) -> float:
    """0 if all are equal, near 1 if one has everything."""
    ordered, n = np.sort(counts).astype(float), len(counts)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def test_the_sample_is_as_large_as_promised(sample: Ratings) -> None:
    assert (len(sample), len(sample.movies), len(sample.users)) == (35_000, 200, 800)
    pairs = sample.frame[["user", "movie"]]
    assert not pairs.duplicated().any(), "nobody rates a film twice"


def test_gini_is_0_for_equals_and_large_for_one_owner() -> None:
    assert gini(np.ones(50)) == pytest.approx(0)
    assert gini(np.array([0] * 99 + [1])) == pytest.approx(0.99)


def test_few_films_are_known_to_most_and_many_to_few(sample: Ratings) -> None:
    per_film = np.bincount(sample.movie)
    assert gini(per_film) == pytest.approx(0.425, abs=0.02)
    assert per_film.min() == 9 and per_film.max() == 496


def test_few_users_rate_much_and_many_little(sample: Ratings) -> None:
    per_user = np.bincount(sample.user)
    assert gini(per_user) == pytest.approx(0.454, abs=0.02)
    assert per_user.min() == 8 and per_user.max() == 113


def test_ratings_are_whole_stars_of_every_kind(sample: Ratings) -> None:
    stars, counts = np.unique(sample.rating, return_counts=True)
    assert stars.tolist() == [1, 2, 3, 4, 5] and (counts / 35_000 > 0.05).all()
    assert sample.rating.mean().item() == pytest.approx(3.44, abs=0.01)


def test_expected_rating_is_the_mean_of_many_noisy_ratings() -> None:
    latent, noise = np.array([-1.0, 1.2, 3.0, 4.4, 7.0]), 0.75
    drawn = latent + np.random.default_rng(0).normal(0, noise, (200_000, 5))
    stars = np.floor(drawn + 0.5).clip(1, 5)
    found = datasets.expected_rating(latent, noise)
    np.testing.assert_allclose(found, stars.mean(axis=0), atol=0.01)


def test_the_noise_floor_is_the_error_of_the_expected_ratings(sample: Ratings) -> None:
    truth = sample.truth
    assert truth is not None
    error = truth.expected - sample.rating.numpy()
    assert truth.noise_floor == pytest.approx(np.sqrt(np.mean(error**2)))
    assert abs(error.mean()) < 0.01  # nothing is left to learn from the mean


@pytest.mark.parametrize(
    "change", [0.05, -0.05, 1.05, 0.95], ids=["up", "down", "wider", "narrower"]
)
def test_no_shift_or_stretch_beats_the_noise_floor(sample: Ratings, change: float) -> None:
    truth = sample.truth
    assert truth is not None
    mean = truth.expected.mean()
    other = (
        truth.expected + change
        if abs(change) < 0.5
        else mean + change * (truth.expected - mean)
    )
    error = other - sample.rating.numpy()
    assert np.sqrt(np.mean(error**2)) > truth.noise_floor


def test_who_knows_the_truth_is_far_better_than_means(sample: Ratings) -> None:
    assert sample.truth is not None
    film_mean = sample.films["mean_rating"].to_numpy()[sample.movie]
    by_mean = np.sqrt(np.mean((film_mean - sample.rating.numpy()) ** 2))
    constant = sample.rating.std().item()
    assert sample.truth.noise_floor < 0.8 * by_mean < 0.8 * constant


def test_the_latent_score_is_its_formula(made_again: Bundle) -> None:
    planted = made_again[1]
    when = np.array([float(planted["start"]) + 365 * DAY])  # one year of drift
    user, movie = np.array([5]), np.array([9])
    by_hand = float(planted["mean"]) + float(planted["drift"])
    by_hand += planted["user_bias"][5] + planted["movie_bias"][9]
    by_hand += planted["user_factors"][5] @ planted["movie_factors"][9]
    found = datasets.latent_score(planted, user, movie, when)
    np.testing.assert_allclose(found, [by_hand])


def test_truth_is_in_the_order_of_the_codes(sample: Ratings) -> None:
    truth = sample.truth
    assert truth is not None and truth.axes[:2] == ("light–serious", "old–new")
    assert truth.user_factors.shape == (800, 3) and truth.movie_factors.shape == (200, 3)
    years = sample.films["year"].to_numpy(dtype=float)
    assert np.corrcoef(years, truth.movie_factors[:, 1])[0, 1] > 0.8
    films = pd.read_csv(DATA / "films.csv").set_index("movie").loc[sample.movies]
    assert np.corrcoef(films["quality"], truth.movie_bias)[0, 1] > 0.9999
    assert truth.audience.tolist() == films["audience"].tolist()


def test_quality_says_nothing_about_taste(sample: Ratings) -> None:
    truth = sample.truth
    assert truth is not None
    plain = truth.audience != "cult"  # those are put farther out afterwards
    together = np.column_stack([truth.movie_bias, truth.movie_factors])[plain]
    assert np.abs(np.corrcoef(together.T) - np.eye(4)).max() < 0.2


def test_no_taste_is_favoured_on_the_whole(sample: Ratings) -> None:
    truth = sample.truth
    assert truth is not None
    np.testing.assert_allclose(truth.user_factors.mean(axis=0), 0, atol=1e-12)


def test_who_chooses_a_film_likes_it_better_and_for_cult_films_much_better(
    sample: Ratings,
) -> None:
    truth = sample.truth
    assert truth is not None
    match = (truth.user_factors[sample.user] * truth.movie_factors[sample.movie]).sum(axis=1)
    found = pd.Series(match).groupby(truth.audience[sample.movie]).mean()
    assert abs(found["everybody"]) < 0.1 < found["broad"] < found["narrow"] < found["cult"]
    assert found["cult"] > 1.5  # stars above what all users together would give


# --- MovieLens ----------------------------------------------------------------------------


def test_the_environment_names_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert datasets.load_ratings().name == "sample"
    monkeypatch.setenv("LESSON5_RATINGS", "ml-9z")
    with pytest.raises(ArgumentError, match="unknown ratings data set 'ml-9z'"):
        datasets.load_ratings()
    assert datasets.load_ratings("sample").name == "sample"


FILES = {
    "ml-100k": {
        "u.data": "1\t2\t5\t10\n3\t2\t4\t11\n",
        "u.item": "2|Cidade Baixa é (2005)||||"
        + "|".join("0" * 8 + "1" + "0" * 9 + "1")
        + "\n",
    },
    "ml-latest-small": {
        "ratings.csv": "userId,movieId,rating,timestamp\n1,2,5,10\n3,2,4,11\n",
        "movies.csv": "movieId,title,genres\n2,Cidade Baixa é (2005),Drama|Western\n",
    },
    "ml-1m": {
        "ratings.dat": "1::2::5::10\n3::2::4::11\n",
        "movies.dat": "2::Cidade Baixa é (2005)::Drama|Western\n",
    },
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Local copies of the three with two ratings each, and no checksums."""
    listed = []
    for name, contents in FILES.items():
        encoding = "utf-8" if name == "ml-latest-small" else "latin-1"
        (tmp_path / name).mkdir()
        for member, text in contents.items():
            (tmp_path / name / member).write_bytes(text.encode(encoding))
        none = dict.fromkeys(contents, "")
        listed.append(DataSet(name, "ratings", "", "", archives={"any": ""}, contents=none))
    monkeypatch.setenv("LESSON5_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(registry, "catalogue", lambda: tuple(listed))
    monkeypatch.setattr("lesson5_utils.datasets.ratings.ML_1M_SIZE", 2)


@pytest.mark.parametrize("name", FILES)
def test_every_movielens_is_read_into_the_same_columns(small: None, name: str) -> None:
    made = datasets.load_ratings(name)
    assert made.frame.to_dict("list") == {
        "user": [1, 3],
        "movie": [2, 2],
        "rating": [5, 4],
        "timestamp": [10, 11],
        "title": ["Cidade Baixa é (2005)"] * 2,
        "year": [2005, 2005],
        "genres": ["Drama|Western"] * 2,
    }
    assert made.name == name and made.truth is None and made.users.tolist() == [1, 3]


def test_a_million_ratings_are_counted_because_no_checksum_is_known(
    small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesson5_utils.datasets.ratings.ML_1M_SIZE", 1_000_209)
    with pytest.raises(DataError, match="2 ratings instead of 1,000,209"):
        datasets.load_ratings("ml-1m")


@pytest.fixture(scope="module")
def movielens() -> Ratings:
    return datasets.load_ratings("ml-100k")


@pytest.mark.real_data
def test_movielens_100k_has_its_known_figures(movielens: Ratings) -> None:
    assert (len(movielens), len(movielens.users), len(movielens.movies)) == (100_000, 943, 1682)
    assert movielens.rating.mean().item() == pytest.approx(3.52986, abs=1e-5)
    assert len(set(movielens.titles)) == 1664
    assert movielens.truth is None


@pytest.mark.real_data
def test_movielens_titles_keep_their_accents_years_and_genres(movielens: Ratings) -> None:
    assert "Misérables, Les (1995)" in movielens.titles
    assert not any("Ã" in title for title in movielens.titles)
    film = movielens.find("Toy Story").iloc[0]
    assert film["year"] == 1995 and film["genres"] == "Animation|Children's|Comedy"
    films = movielens.films
    assert films[films["year"].isna()]["title"].tolist() == ["unknown"]  # also "(1995) (V)"


@pytest.mark.real_data
def test_movielens_latest_small_loads() -> None:
    ratings = datasets.load_ratings("ml-latest-small")
    assert (len(ratings), len(ratings.users), len(ratings.movies)) == (100_836, 610, 9724)
    assert ratings.rating.min() == 0.5 and ratings.rating.max() == 5
    assert ratings.films["year"].notna().mean() > 0.99

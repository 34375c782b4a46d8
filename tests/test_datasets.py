"""From names to tensors: ids and codes, splits, the planted truth, files good and bad."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import importlib.util
import io
import logging
import re
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
import pytest
import requests
import torch

from lesson5_utils import datasets
from lesson5_utils.datasets import DataSet, Ratings
from lesson5_utils.errors import ArgumentError, DataError

DATA = Path(__file__).resolve().parents[1] / "data"
Bundle = tuple[pd.DataFrame, dict[str, np.ndarray]]


def toy(films: list[tuple[int, str]], rows: list[tuple[int, int, int]]) -> Ratings:
    """Ratings made of (id, title) and (user, film, rating)."""
    ratings = pd.DataFrame(rows, columns=["user", "movie", "rating"]).assign(timestamp=0)
    table = pd.DataFrame(films, columns=["movie", "title"]).assign(year=2000, genres="Drama")
    return datasets._ratings("toy", ratings, table)


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


@pytest.mark.parametrize("never_seen", [-1, 10**9, 5.5])
def test_an_id_never_seen_is_refused(sample: Ratings, never_seen: float) -> None:
    for codes in (sample.user_codes, sample.movie_codes):
        with pytest.raises(ArgumentError, match=f"unknown .* id {never_seen}"):
            codes([never_seen])


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


def test_ratings_introduce_themselves(sample: Ratings) -> None:
    assert repr(sample) == "Ratings 'sample': 35,000 ratings, 800 users, 200 films"


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


def test_rows_by_mask_and_by_position_agree(sample: Ratings) -> None:
    mask = sample.user == 3
    by_mask, by_place = sample.rows(mask), sample.rows(mask.nonzero()[:, 0])
    assert torch.equal(by_mask.movie, by_place.movie) and set(by_mask.user.tolist()) == {3}
    assert len(by_mask) == int(mask.sum()) == len(by_mask.frame)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, 1e-9, float("nan")])
def test_a_share_that_leaves_a_part_empty_is_refused(sample: Ratings, share: float) -> None:
    with pytest.raises(ArgumentError, match="valid_pct"):
        sample.split(share)


def test_splitting_leaves_the_global_random_numbers_alone(sample: Ratings) -> None:
    before = torch.get_rng_state()
    sample.split()
    assert torch.equal(torch.get_rng_state(), before)


# --- the simulated ratings and their truth ------------------------------------------------


@pytest.fixture(scope="module")
def made_again() -> Bundle:
    spec = importlib.util.spec_from_file_location("make_ratings", DATA / "make_ratings.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.simulate(pd.read_csv(DATA / "films.csv"))


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
    assert per_film.min() == 10 and per_film.max() == 501


def test_few_users_rate_much_and_many_little(sample: Ratings) -> None:
    per_user = np.bincount(sample.user)
    assert gini(per_user) == pytest.approx(0.447, abs=0.02)
    assert per_user.min() == 8 and per_user.max() == 111


def test_ratings_are_whole_stars_of_every_kind(sample: Ratings) -> None:
    stars, counts = np.unique(sample.rating, return_counts=True)
    assert stars.tolist() == [1, 2, 3, 4, 5] and (counts / 35_000 > 0.05).all()
    assert sample.rating.mean().item() == pytest.approx(3.43, abs=0.01)


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
    when = np.array([float(planted["start"]) + 365 * datasets.DAY])  # one year of drift
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
    means = sample.films["mean_rating"].to_numpy()
    assert np.corrcoef(means, truth.movie_bias)[0, 1] > 0.8


# --- names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "name", "sentence"),
    [
        (datasets.load_ratings, "ml-100", "unknown ratings data set 'ml-100'.*mean 'ml-100k'"),
        (datasets.load_ratings, "mnist", "unknown ratings data set"),
        (datasets.load_digits, "ml-100k", "unknown digits data set"),
        (datasets.fetch, "mnst", "unknown data set 'mnst'.*mean 'mnist'"),
    ],
)
def test_an_unknown_name_is_refused(
    load: Callable[[str], object], name: str, sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        load(name)


def test_the_environment_names_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert datasets.load_ratings().name == datasets.load_digits().name == "sample"
    monkeypatch.setenv("LESSON5_RATINGS", "ml-9z")
    monkeypatch.setenv("LESSON5_DIGITS", "mn9")
    with pytest.raises(ArgumentError, match="ml-9z"):
        datasets.load_ratings()
    with pytest.raises(ArgumentError, match="mn9"):
        datasets.load_digits()
    assert datasets.load_ratings("sample").name == "sample"


def test_the_bundled_data_need_no_fetching() -> None:
    datasets.fetch("sample")


# --- digits -------------------------------------------------------------------------------


def test_the_digits_sample_is_scaled_shaped_and_balanced() -> None:
    digits = datasets.load_digits("sample")
    for (x, y), n in zip((digits.train, digits.valid, digits.test), (4000, 500, 500)):  # noqa: B905
        assert x.shape == (n, 784) and x.dtype == torch.float32
        assert y.shape == (n,) and y.dtype == torch.int64
        assert x.min() == 0 and x.max() == 1
        assert torch.bincount(y).tolist() == [n // 10] * 10
    assert repr(digits) == "Digits 'sample': 4,000 train, 500 valid, 500 test"


def test_a_grey_value_is_a_255th() -> None:
    x, _ = datasets.load_digits("sample").train
    with np.load(DATA / "digits.npz", allow_pickle=False) as file:
        np.testing.assert_allclose(x[7] * 255, file["x"][7], atol=1e-3)


# --- files: a small data set of our own, locally and over the network ---------------------


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + bytes(
        values.astype(np.uint8).ravel()
    )


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


PIXELS = np.arange(24).reshape(2, 3, 4)
RATINGS = b"1\t2\t5\t0\n3\t2\t4\t0\n"
TITLES = "2|Cidade Baixa é (2005)|||" + "|".join("0" * 19) + "\n"


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("ml-100k/u.data", RATINGS)
        opened.writestr("ml-100k/u.item", TITLES.encode("latin-1"))
    return packed.getvalue()


ARCHIVE = archive()
SMALL = DataSet(
    "ml-100k",
    "ratings",
    "two ratings",
    "none",
    archives={"ml-100k.zip": sha(ARCHIVE)},
    contents={"u.data": sha(RATINGS), "u.item": sha(TITLES.encode("latin-1"))},
    urls=("https://example.invalid/",),
)
GREY = DataSet(
    "mnist",
    "digits",
    "two pictures",
    "none",
    archives={"pictures.gz": sha(gzip.compress(idx(PIXELS), mtime=0))},
    contents={"pictures.gz": sha(idx(PIXELS))},
    urls=("https://example.invalid/",),
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A catalogue of two tiny data sets, an empty cache, no local copies. The cache."""
    monkeypatch.delenv("LESSON5_DATA_DIR", raising=False)
    monkeypatch.setattr(datasets, "catalogue", lambda: (SMALL, GREY))
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(pooch.get_logger(), "level", logging.ERROR)
    return tmp_path / "cache" / "lesson5"


@pytest.fixture
def local(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Good local copies of both."""
    folder = tmp_path / "copies"
    for name in ("ml-100k", "mnist"):
        (folder / name).mkdir(parents=True)
    (folder / "ml-100k" / "u.data").write_bytes(RATINGS)
    (folder / "ml-100k" / "u.item").write_bytes(TITLES.encode("latin-1"))
    (folder / "mnist" / "pictures.gz").write_bytes(gzip.compress(idx(PIXELS)))
    monkeypatch.setenv("LESSON5_DATA_DIR", str(folder))
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: pytest.fail("asked the network"))
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_good_local_copies_are_used_and_the_network_is_not_asked(local: Path) -> None:
    ratings = datasets.load_ratings("ml-100k")
    assert ratings.titles.tolist() == ["Cidade Baixa é (2005)"]
    assert ratings.frame["year"].tolist() == [2005, 2005] and ratings.users.tolist() == [1, 3]
    assert ratings.truth is None
    datasets.fetch("ml-100k")
    assert SMALL.where == "local copy"


def test_idx_files_are_read_as_arrays(local: Path) -> None:
    found = datasets._idx(GREY, "pictures.gz")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, PIXELS)


def remove(path: Path) -> None:
    path.unlink()


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def web_page(path: Path) -> None:
    path.write_bytes(b"<html>Please log in</html>")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [remove, cut_in_half, change_a_byte, empty, web_page, folder_instead],
)
@pytest.mark.parametrize("member", ["ml-100k/u.data", "ml-100k/u.item", "mnist/pictures.gz"])
def test_a_bad_local_copy_is_named_in_one_sentence(
    local: Path, member: str, spoil: Callable[[Path], None]
) -> None:
    spoil(local / member)
    with pytest.raises(DataError) as told:
        datasets.fetch(member.split("/")[0])
    sentence = str(told.value)
    assert str(local / member) in sentence and "\n" not in sentence
    expected = {
        remove: "incomplete.*is missing",
        folder_instead: "cannot be read",
    }
    assert re.search(expected.get(spoil, "damaged or incomplete|cannot be read"), sentence)


def no_network(*_: object, **__: object) -> str:
    raise requests.exceptions.ConnectionError("HTTPSConnectionPool(...): Max retries exceeded")


def wrong_checksum(*_: object, **__: object) -> str:
    raise ValueError("SHA256 hash of downloaded file does not match")


@pytest.mark.parametrize(
    ("problem", "kind"), [(no_network, "ConnectionError"), (wrong_checksum, "ValueError")]
)
def test_a_failed_download_is_one_sentence_that_says_what_to_do(
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem: Callable[..., str],
    kind: str,
) -> None:
    monkeypatch.setattr(pooch, "retrieve", problem)
    with pytest.raises(DataError) as told:
        datasets.load_ratings("ml-100k")
    sentence = str(told.value)
    assert f"ml-100k could not be downloaded ({kind})" in sentence and "\n" not in sentence
    assert "lesson5 data fetch ml-100k" in sentence and "LESSON5_DATA_DIR/ml-100k" in sentence
    assert told.value.__suppress_context__ and files(small) == []


class Server:
    """A host on this machine: what it sends for each path, and what was asked."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.says_length: dict[str, int] = {}
        self.asked: list[str] = []
        self.wait_for_all: threading.Barrier | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                if server.wait_for_all is not None:
                    server.wait_for_all.wait(timeout=20)
                body = server.content.get(self.path)
                self.send_response(404 if body is None else 200)
                length = server.says_length.get(self.path, len(body or b""))
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.host = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.host.server_address[1]}"
        threading.Thread(target=self.host.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server(small: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The catalogue's only source is now a host on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Server()
    urls = (made.url + "/a/", made.url + "/b/")
    moved = tuple(dataclasses.replace(one, urls=urls) for one in (SMALL, GREY))
    monkeypatch.setattr(datasets, "catalogue", lambda: moved)
    yield made
    made.host.shutdown()
    made.host.server_close()


def test_a_download_is_verified_cached_and_not_asked_for_again(
    server: Server, small: Path
) -> None:
    server.content["/a/ml-100k.zip"] = ARCHIVE
    assert datasets.catalogue()[0].where == "not here yet"
    for _ in range(2):
        assert datasets.load_ratings("ml-100k").rating.tolist() == [5, 4]
    assert server.asked == ["/a/ml-100k.zip"] and files(small) == ["ml-100k.zip"]
    assert datasets.catalogue()[0].where == "downloaded"


def test_a_compressed_file_may_be_the_download_itself(server: Server) -> None:
    server.content["/a/pictures.gz"] = gzip.compress(idx(PIXELS), mtime=0)
    found = datasets._idx(datasets.catalogue()[1], "pictures.gz")
    np.testing.assert_array_equal(found, PIXELS)


def test_a_second_source_is_asked_when_the_first_fails(server: Server) -> None:
    server.content["/b/ml-100k.zip"] = ARCHIVE
    assert len(datasets.load_ratings("ml-100k")) == 2
    assert server.asked == ["/a/ml-100k.zip", "/b/ml-100k.zip"]


def test_a_corrupted_download_is_refused_and_leaves_nothing(
    server: Server, small: Path
) -> None:
    server.content["/a/ml-100k.zip"] = ARCHIVE[:-1] + b"?"
    with pytest.raises(DataError, match="could not be downloaded"):
        datasets.load_ratings("ml-100k")
    assert files(small) == []


def test_a_broken_download_is_never_used_and_the_next_one_starts_afresh(
    server: Server, small: Path
) -> None:
    server.content["/a/ml-100k.zip"] = ARCHIVE[:100]
    server.says_length["/a/ml-100k.zip"] = len(ARCHIVE)
    with pytest.raises(DataError, match="could not be downloaded"):
        datasets.load_ratings("ml-100k")
    assert files(small) == []
    server.content["/a/ml-100k.zip"] = ARCHIVE
    assert len(datasets.load_ratings("ml-100k")) == 2


def test_a_damaged_file_in_the_cache_is_replaced(server: Server, small: Path) -> None:
    (small / "ml-100k").mkdir(parents=True)
    (small / "ml-100k" / "ml-100k.zip").write_bytes(ARCHIVE[:50])
    server.content["/a/ml-100k.zip"] = ARCHIVE
    assert len(datasets.load_ratings("ml-100k")) == 2


def test_two_notebooks_that_start_at_once_both_get_good_data(
    server: Server, small: Path
) -> None:
    server.content["/a/ml-100k.zip"] = ARCHIVE
    server.wait_for_all = threading.Barrier(2)  # neither gets a byte before both have asked
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(datasets.load_ratings, "ml-100k") for _ in range(2)]
        loaded = [one.result(timeout=30) for one in both]
    assert [one.rating.tolist() for one in loaded] == [[5, 4], [5, 4]]
    assert len(server.asked) == 2 and files(small) == ["ml-100k.zip"]


# --- the map of Brazil --------------------------------------------------------------------


def between(one: str, other: str) -> float:
    capitals = datasets.load_capitals()
    code = {name: i for i, name in enumerate(capitals.frame["capital"])}
    return 1000 * capitals.distance[code[one], code[other]].item()


def test_known_distances_are_found() -> None:
    assert between("São Paulo", "Rio de Janeiro") == pytest.approx(360, rel=0.03)
    assert between("Manaus", "Brasília") == pytest.approx(1930, rel=0.03)


def test_distances_are_symmetric_and_zero_only_to_oneself() -> None:
    distance = datasets.load_capitals().distance
    assert distance.shape == (27, 27) and distance.dtype == torch.float32
    assert torch.equal(distance, distance.T) and (distance.diagonal() == 0).all()
    assert (distance + torch.eye(27) > 0.05).all()


def test_positions_point_east_and_north() -> None:
    capitals = datasets.load_capitals()
    place = dict(zip(capitals.frame["capital"], capitals.position, strict=True))
    assert place["João Pessoa"][0] > place["Rio Branco"][0] + 3  # far to the east
    assert place["Boa Vista"][1] > place["Porto Alegre"][1] + 3  # far to the north
    flat = torch.cdist(capitals.position, capitals.position)
    assert (flat - capitals.distance).abs().max() < 0.15  # a flat map bends little


# --- real data ----------------------------------------------------------------------------


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


@pytest.mark.real_data
def test_mnist_has_its_known_sizes_and_labels() -> None:
    digits = datasets.load_digits("mnist")
    sizes = [tuple(x.shape) for x, _ in (digits.train, digits.valid, digits.test)]
    assert sizes == [(50_000, 784), (10_000, 784), (10_000, 784)]
    assert digits.train[1][:5].tolist() == [5, 0, 4, 1, 9]
    assert digits.test[1][:5].tolist() == [7, 2, 1, 0, 4]
    assert digits.train[0].min() == 0 and digits.train[0].max() == 1


@pytest.mark.real_data
def test_a_damaged_copy_of_mnist_is_refused_by_its_checksum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (source,) = (one for one in datasets.catalogue() if one.name == "mnist")
    good = datasets._read(source, "t10k-labels-idx1-ubyte.gz")
    (tmp_path / "mnist").mkdir()
    bad = good[:-1] + bytes([good[-1] ^ 1])
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bad))
    monkeypatch.setenv("LESSON5_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz is damaged"):
        datasets._read(source, "t10k-labels-idx1-ubyte.gz")

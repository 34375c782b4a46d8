"""The bundled data's answers are known: the lecture's model finds what was planted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scripts import script

from lesson5_utils import datasets, interpret, models, training
from lesson5_utils.datasets import Ratings

DATA = Path(__file__).resolve().parents[1] / "data"
Trained = tuple[models.DotProductBias, training.History]


def lecture_model(ratings: Ratings) -> Trained:
    """Notebook 02's model: the lecture's settings."""
    train, valid = ratings.split()
    training.set_seed(0)
    model = models.DotProductBias(len(ratings.users), len(ratings.movies))
    return model, training.fit(model, train, valid, epochs=5, lr=5e-3, wd=0.1, seed=0)


@pytest.fixture(scope="module")
def trained(sample: Ratings) -> Trained:
    """On the bundled ratings."""
    return lecture_model(sample)


def simulated(sample: Ratings, seed: int) -> Ratings:
    """Ratings as data/make_ratings.py makes them from another seed."""
    assert sample.truth is not None
    films = pd.read_csv(DATA / "films.csv")
    frame, planted = script("data/make_ratings.py").simulate(films, seed)
    users, user = np.unique(frame["user"], return_inverse=True)
    movies, movie = np.unique(frame["movie"], return_inverse=True)
    assert np.array_equal(movies, sample.movies)
    told = {name: planted[name] for name in ("user_factors", "movie_factors", "movie_bias")}
    return replace(
        sample,
        user=torch.from_numpy(user),
        movie=torch.from_numpy(movie),
        rating=torch.from_numpy(frame["rating"].to_numpy(dtype=np.float32)),
        users=users,
        truth=replace(sample.truth, **told),
    )


def test_the_error_is_within_12_percent_of_the_noise_floor(
    sample: Ratings, trained: Trained
) -> None:
    valid = sample.split()[1]
    assert valid.truth is not None
    assert trained[1].valid[-1] ** 0.5 < 1.12 * valid.truth.noise_floor
    assert trained[1].valid[-1] ** 0.5 > valid.truth.noise_floor  # or the floor is wrong


def who_finds_the_quality(ratings: Ratings, model: models.DotProductBias) -> pd.Series:
    """Correlation with the planted quality, on the training rows: of the films' plain means, of
    their means shrunk towards the mean of all by as much as is best, of the learned biases."""
    train = ratings.split()[0]
    n = np.bincount(train.movie, minlength=len(ratings.movies))
    total = np.bincount(train.movie, weights=train.rating, minlength=len(n))
    everything = train.rating.mean().item()
    assert ratings.truth is not None
    quality = ratings.truth.movie_bias

    def found(score: np.ndarray) -> float:
        return float(np.corrcoef(score, quality)[0, 1])

    shrunk = [(total + k * everything) / (n + k) for k in (0.3, 1, 3, 10, 30, 100)]
    mean = total / n.clip(1)
    learned = interpret.recovery(ratings, model)[0]
    return pd.Series({"mean": found(mean), "shrunk": max(map(found, shrunk)), "bias": learned})


def test_the_learned_bias_finds_the_quality_where_the_means_do_not(
    sample: Ratings, trained: Trained
) -> None:
    by = who_finds_the_quality(sample, trained[0])
    assert by["bias"] >= 0.90
    assert by["bias"] >= by[["mean", "shrunk"]].max() + 0.08


def test_so_it_is_in_other_simulations(sample: Ratings) -> None:
    found = []
    for seed in (1, 2, 3):
        other = simulated(sample, seed)
        found.append(who_finds_the_quality(other, lecture_model(other)[0]))
    by = pd.DataFrame(found).mean()
    assert by["bias"] >= 0.90 and by["bias"] >= by[["mean", "shrunk"]].max() + 0.08


def test_cult_films_are_at_the_top_by_mean_and_not_by_bias(
    sample: Ratings, trained: Trained
) -> None:
    assert sample.truth is not None
    cult = sample.truth.audience == "cult"
    bias = trained[0].movie_bias.weight.detach().numpy()[:, 0]
    by_mean = pd.Series(sample.films["mean_rating"].to_numpy()).rank(ascending=False)
    by_bias = pd.Series(bias).rank(ascending=False)
    assert cult.sum() >= 3 and (by_mean[cult] <= 30).all()  # of 200
    assert (by_bias[cult] > 60).all()


def test_the_two_strongest_axes_are_found(sample: Ratings, trained: Trained) -> None:
    axes = interpret.recovery(sample, trained[0])[1]
    assert (axes.max(axis=1).iloc[:2] >= 0.94).all()
    assert axes.iloc[:2].to_numpy().argmax(axis=1).tolist() == [0, 1]


# --- the map of Brazil --------------------------------------------------------------------


@pytest.fixture(scope="module")
def atlas() -> tuple[models.DotProductBias, tuple[torch.Tensor, ...]]:
    """Notebook 02's map: squared distances of pairs in both orders, one in ten held out."""
    distance = datasets.load_capitals().distance
    first, second = torch.triu_indices(27, 27, offset=1)
    order = torch.randperm(len(first), generator=torch.Generator().manual_seed(0))
    held_out, kept = order[:35], order[35:]
    a = torch.cat([first[kept], second[kept]])
    b = torch.cat([second[kept], first[kept]])
    test = first[held_out], second[held_out], distance[first[held_out], second[held_out]] ** 2
    training.set_seed(0)
    model = models.DotProductBias(27, 27, n_factors=2, y_range=None)
    known = a, b, distance[a, b] ** 2
    training.fit(model, known, test, epochs=100, lr=0.1, batch_size=32, wd=0.1, seed=0)
    return model, test


def test_the_map_of_brazil_comes_out_of_distances(
    atlas: tuple[models.DotProductBias, tuple[torch.Tensor, ...]],
) -> None:
    true = datasets.load_capitals().position.numpy()
    learned, _ = interpret.pca(interpret.array(atlas[0].user_factors), n=2)
    assert interpret.match_rotated(learned, true).r2 >= 0.99
    shuffled = np.random.default_rng(0).permutation(learned)
    assert interpret.match_rotated(shuffled, true).r2 < 0.5


def test_distances_never_seen_are_predicted(
    atlas: tuple[models.DotProductBias, tuple[torch.Tensor, ...]],
) -> None:
    model, test = atlas
    assert training.evaluate(model, test) ** 0.5 < 0.05 * test[2].std().item()

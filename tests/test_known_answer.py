"""The bundled data's answers are known: the lecture's model finds what was planted."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lesson5_utils import datasets, interpret, models, training
from lesson5_utils.datasets import Ratings

Trained = tuple[models.DotProductBias, training.History]


@pytest.fixture(scope="module")
def trained(sample: Ratings) -> Trained:
    """Notebook 02's model: the lecture's settings, on the bundled ratings."""
    train, valid = sample.split()
    training.set_seed(0)
    model = models.DotProductBias(len(sample.users), len(sample.movies))
    return model, training.fit(model, train, valid, epochs=5, lr=5e-3, wd=0.1, seed=0)


def test_the_error_is_within_12_percent_of_the_noise_floor(
    sample: Ratings, trained: Trained
) -> None:
    valid = sample.split()[1]
    assert valid.truth is not None
    assert trained[1].valid[-1] ** 0.5 < 1.12 * valid.truth.noise_floor
    assert trained[1].valid[-1] ** 0.5 > valid.truth.noise_floor  # or the floor is wrong


def test_learned_film_biases_follow_the_planted_ones(sample: Ratings, trained: Trained) -> None:
    assert interpret.recovery(sample, trained[0])[0] >= 0.94


def test_the_two_strongest_axes_are_found(sample: Ratings, trained: Trained) -> None:
    axes = interpret.recovery(sample, trained[0])[1]
    assert (axes.max(axis=1).iloc[:2] >= 0.95).all()
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

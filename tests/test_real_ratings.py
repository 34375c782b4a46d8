"""The lecture's numbers on the lecture's data."""

from __future__ import annotations

import pytest

from lesson5_utils import datasets, models, training


@pytest.mark.real_data
def test_movielens_100k_is_at_most_0_810_with_the_lectures_settings() -> None:
    ratings = datasets.load_ratings("ml-100k")
    train, valid = ratings.split()
    training.set_seed(0)
    model = models.DotProductBias(len(ratings.users), len(ratings.movies), 40, (0, 5.5))
    history = training.fit(
        model, train, valid, epochs=5, lr=5e-3, batch_size=64, wd=0.1, seed=0
    )
    assert history.valid[-1] <= 0.810
    assert history.valid[-1] == pytest.approx(training.evaluate(model, valid))

"""What notebook 01's own cells do with a learner's ratings, class and lookup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lesson5_utils import datasets
from lesson5_utils.book.index import namespace
from lesson5_utils.datasets import Ratings

JOINED = ("imports", "load", "viewer", "join", "same-title", "grid")
CODED = ("answer-numbering", "codes", "small-start")
ANSWERS = ("answer-lookup", "answer-dot-model", "module-parameters")
TRAINED = ("train-rows", "train-loop", "train-high", "train-low")
SVD = ("small-loop", "svd-small", "svd-full")


def rate(ratings: Ratings, folder: Path, monkeypatch: pytest.MonkeyPatch, n: int) -> Tensor:
    """A learner's file with `n` films; their codes."""
    monkeypatch.setenv("LESSON5_WORK_DIR", str(folder))
    codes = datasets.films_to_rate(ratings, n)
    datasets.save_viewer(ratings, codes, [1 + code % 5 for code in codes.tolist()])
    return codes


@pytest.mark.parametrize("n", [1, 3, 20])
def test_what_the_learner_rated_is_in_the_table_and_in_the_picture(
    n: int, sample: Ratings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = rate(sample, tmp_path, monkeypatch, n)
    names = namespace("01", *JOINED, *CODED)
    assert names["table"]["user"].tolist()[-n:] == [names["you"]] * n
    assert len(names["table"]) == len(sample) + n
    assert names["users"][names["user_codes"][-1]] == names["you"]
    assert names["movie_codes"][-n:].tolist() == codes.tolist()
    assert (names["user_codes"][:-n] == sample.user.numpy()).all()
    assert names["target"].shape == (15, 15) and len(set(names["columns"])) == 15
    mine = names["known"][14].nonzero().flatten()
    shown = {names["columns"][at] for at in mine}
    assert set(names["seen"][:10].tolist()) <= shown <= set(names["seen"].tolist())


class Mine(nn.Module):
    """Other names, in another order."""

    def __init__(self, n_users: int, n_movies: int, n_factors: int) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.rand(n_movies, n_factors))
        self.a = nn.Embedding(n_users, n_factors)

    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.a(user) * self.b[movie]).sum(dim=-1)


def test_the_learners_class_is_the_one_trained_and_the_learners_lookup_fills_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = []

    def my_lookup(table: Tensor, index: Tensor) -> Tensor:
        asked.append(len(table))
        return torch.nn.functional.one_hot(index, len(table)).float() @ table

    names = namespace("01", *JOINED, *CODED, *SVD, *ANSWERS[:2])
    names |= {"MyDotProduct": Mine, "my_lookup": my_lookup}
    namespace("01", *ANSWERS[2:], *TRAINED, into=names)
    assert isinstance(names["kept"], Mine) and isinstance(names["lowered"], Mine)
    namespace("01", "you-fill", "you-list", "train-verdict", into=names)
    assert asked[-3:] == [200, 801, 801] or asked[-3:] == [801, 200, 801]
    assert not names["whole"].isnan().any()
    user, movie = torch.full((15,), 800), names["which"]
    by_model = names["lowered"](user, movie)
    torch.testing.assert_close(names["answers"][14], by_model, atol=1e-4, rtol=0)
    assert "beats both: yes" in capsys.readouterr().out
    train, valid = np.transpose(names["on"])
    lowered, calm = np.transpose(names["low"])
    assert train[-1] < lowered[-1] - 0.1 and valid[-1] > calm[-1] + 0.05 > valid[0]
    # any cell may be run again
    before = names["whole"].clone()
    namespace("01", *CODED[1:], *SVD, "one-hot", "same-gradient", "you-fill", into=names)
    assert torch.equal(names["whole"], before)


def test_a_list_hides_its_layers_and_nothing_moves(capsys: pytest.CaptureFixture[str]) -> None:
    names = namespace("01", *JOINED, *CODED, *SVD, *ANSWERS, *TRAINED[:2], "listed")
    assert "differ by 0.0 stars" in capsys.readouterr().out
    assert list(names["friend"].parameters()) == []
    assert names["friend"].tables[0].weight.grad.any()


def test_the_race_of_widths_is_whole_and_no_rate_is_at_the_edge_of_what_was_tried() -> None:
    race = datasets.measured("factors")
    assert race.groupby(["n_factors", "bias"]).size().tolist() == [5] * 16
    assert not race["edge"].any()
    error = race.groupby(["bias", "n_factors"])["rmse"].mean()
    assert error[0, 3] > error[0].min() + 0.03 and error[1, 3] < error[1].min() + 0.01

"""Batches, predictions and errors over all rows; and what counts as data."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import TensorDataset
from toys import Line, Noisy, points

from lesson5_utils import batching
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError


def test_every_row_comes_once_and_the_last_batch_is_smaller() -> None:
    data = torch.arange(10), torch.arange(10) * 2
    cut = list(batching.batches(data, 4))
    assert [len(x) for x, _ in cut] == [4, 4, 2]
    assert torch.cat([x for x, _ in cut]).sort().values.tolist() == list(range(10))
    assert all(torch.equal(y, 2 * x) for x, y in cut)


def test_the_order_comes_from_the_generator() -> None:
    data = torch.arange(10), torch.arange(10)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(3))
    cut = batching.batches(data, 3, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.cat([x for x, _ in cut]), order)


def test_without_a_generator_the_order_is_the_global_seeds_and_changes_each_time() -> None:
    data = torch.arange(30), torch.arange(30)

    def order() -> list[int]:
        return torch.cat([x for x, _ in batching.batches(data, 7)]).tolist()

    torch.manual_seed(1)
    first, second = order(), order()
    torch.manual_seed(1)
    assert order() == first != second


def test_without_shuffle_the_order_stays() -> None:
    data = torch.arange(10), torch.arange(10)
    cut = list(batching.batches(data, 4, shuffle=False))
    assert [x.tolist() for x, _ in cut] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_ratings_are_cut_into_users_films_and_ratings(sample: Ratings) -> None:
    user, movie, rating = next(batching.batches(sample, 64, shuffle=False))
    assert torch.equal(user, sample.user[:64]) and torch.equal(movie, sample.movie[:64])
    assert torch.equal(rating, sample.rating[:64])


def test_evaluate_is_the_loss_over_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "ROWS_AT_ONCE", 7)  # 50 rows: the last batch is smaller
    model, (x, y) = Line(), points()
    plain = np.mean((model(x).detach().numpy() - y.numpy()) ** 2)
    assert batching.evaluate(model, (x, y)) == pytest.approx(plain, rel=1e-6)
    plain = np.mean(np.abs(model(x).detach().numpy() - y.numpy()))
    assert batching.evaluate(model, (x, y), F.l1_loss) == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("mode", [True, False])
def test_predict_leaves_the_mode_and_wants_no_gradient(mode: bool) -> None:
    model, (x, y) = Noisy().train(mode), points()
    predicted = batching.predict(model, (x, y))
    assert model.training is mode and not predicted.requires_grad
    assert torch.equal(predicted, batching.predict(model, (x, y)))  # no dropout
    assert set(model.seen) == {(False, False)}


def test_predict_leaves_the_mode_also_after_an_error() -> None:
    model = Line().train()
    with pytest.raises(RuntimeError):
        batching.predict(model, (torch.ones(4, 9), torch.ones(4)))
    assert model.training


def test_predict_leaves_every_part_in_its_own_mode() -> None:
    model = Noisy().train()
    model.dropout.eval()
    batching.predict(model, points())
    assert model.training and model.layer.training and not model.dropout.training
    model.eval()
    model.dropout.train()
    batching.predict(model, points())
    assert not model.training and model.dropout.training


def test_a_model_without_parameters_predicts() -> None:
    class Sum(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.sum(dim=1)

    x, y = points()
    assert torch.equal(batching.predict(Sum(), (x, y)), x.sum(dim=1))
    assert batching.device_of(Sum()).type == "cpu"


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_batches_refuses_a_wrong_size(size: Any) -> None:
    with pytest.raises(ArgumentError, match="batch_size"):
        next(batching.batches(points(), size))


def test_a_numpy_integer_is_a_size() -> None:
    assert len(next(batching.batches(points(), np.int64(7)))[0]) == 7


# --- what counts as data ------------------------------------------------------------------


def test_ratings_tuples_lists_and_torchs_datasets_are_data(sample: Ratings) -> None:
    x, y = points()
    for data in ((x, y), [x, y], TensorDataset(x, y)):
        assert [id(part) for part in batching.tensors(data)] == [id(x), id(y)]
    assert [len(part) for part in batching.tensors(sample)] == [len(sample)] * 3


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (torch.ones(3), "not Tensor"),
        (np.ones((3, 2)), "not ndarray"),
        ({"x": torch.ones(3)}, "not dict"),
        (None, "not NoneType"),
        ((torch.ones(3),), "at least two tensors, not 1"),
        ((np.ones(3), torch.ones(3)), r"every ndarray into a tensor .* torch\.as_tensor"),
        (([1.0], torch.ones(1)), "every list into a tensor"),
        ((torch.tensor(1.0), torch.tensor(1.0)), "a row for each example"),
        ((torch.ones(3), torch.ones(2)), r"one length, not \[2, 3\]"),
        ((torch.ones(0), torch.ones(0)), "empty"),
    ],
)
def test_what_is_no_data_is_told_in_one_sentence(data: Any, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        batching.tensors(data)


# --- shapes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pred", "target"),
    [((4, 1), (4,)), ((4,), (4, 1)), ((1, 4), (4,)), ((1, 1), (1,))],
)
def test_a_shape_that_would_be_stretched_is_refused(
    pred: tuple[int, ...], target: tuple[int, ...]
) -> None:
    for kind in (torch.float32, torch.int64):  # ratings are often whole numbers
        with pytest.raises(ArgumentError, match="give both one shape"):
            batching.same_shape(torch.ones(pred), torch.ones(target, dtype=kind))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (8, 10)])
def test_a_prediction_for_another_number_of_rows_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=rf"{re.escape(str(list(shape)))} for 4 rows"):
        batching.same_shape(torch.ones(shape), torch.ones(4))


def test_a_prediction_that_is_no_tensor_is_refused() -> None:
    with pytest.raises(ArgumentError, match="a tensor of predictions, not tuple"):
        batching.same_shape((torch.ones(4), torch.ones(4)), torch.ones(4))


def test_equal_shapes_and_classes_pass() -> None:
    batching.same_shape(torch.ones(4), torch.ones(4))
    batching.same_shape(torch.ones(4, 3), torch.ones(4, 3))
    batching.same_shape(torch.ones(4, 3), torch.zeros(4, dtype=torch.int64))
    batching.same_shape(torch.ones(4, 2), torch.ones(4))  # mean and spread of each, perhaps


def test_evaluate_refuses_a_prediction_of_another_shape() -> None:
    x, y = points()
    with pytest.raises(ArgumentError, match=r"predictions \[50\] for targets \[50, 1\]"):
        batching.evaluate(Line(), (x, y[:, None]))


def test_the_target_is_the_last_tensor_however_many_come_before(sample: Ratings) -> None:
    class Zero(nn.Module):
        def forward(self, user: Tensor, movie: Tensor) -> Tensor:
            return torch.zeros(len(user))

    few = sample.rows(torch.arange(20))
    assert batching.evaluate(Zero(), few) == pytest.approx(few.rating.square().mean().item())


# --- metrics ------------------------------------------------------------------------------


def test_metrics_are_named_after_their_functions_or_as_given() -> None:
    class Error:
        def __call__(self, pred: Tensor, target: Tensor) -> float:
            return 0.0

    assert list(batching.named([F.l1_loss, Error()])) == ["l1_loss", "Error"]
    assert list(batching.named((F.l1_loss,))) == ["l1_loss"] and batching.named(()) == {}
    assert list(batching.named({"a": F.l1_loss, "b": F.l1_loss})) == ["a", "b"]
    with pytest.raises(ArgumentError, match=r"two metrics have one name \(<lambda>\)"):
        batching.named([lambda p, t: 0.0, lambda p, t: 1.0])


@pytest.mark.parametrize("metrics", [F.l1_loss, "mae", None, iter([F.l1_loss])])
def test_metrics_that_are_no_list_and_no_dict_are_refused(metrics: Any) -> None:
    with pytest.raises(ArgumentError, match="metrics must be a list of functions or a dict"):
        batching.named(metrics)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), torch.tensor(2.0), torch.tensor([2])])
def test_whatever_is_one_number_is_measured_as_a_float(value: Any) -> None:
    (found,) = batching.measured({"a": lambda p, t: value}, *points()).values()
    assert type(found) is float and found == 2


@pytest.mark.parametrize("value", [None, "high", torch.ones(3), np.ones(3), [1.0], (1.0, 2.0)])
def test_a_metric_that_gives_no_single_number_is_named(value: Any) -> None:
    sentence = f"metric 'mae' must give one number, .* not {type(value).__name__}"
    with pytest.raises(ArgumentError, match=sentence):
        batching.measured({"mae": lambda p, t: value}, *points())

"""The digit models: shapes, parameters, and what they compute, by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lesson5_utils import datasets, training
from lesson5_utils.errors import ArgumentError
from lesson5_utils.models import ConvNet, LogisticRegression, TwoLayerNet

SIZES = st.integers(1, 8)


def rows(n: int, n_in: int) -> torch.Tensor:
    return torch.randn(n, n_in, generator=torch.Generator().manual_seed(n))


@pytest.mark.parametrize(
    ("kind", "count"), [(LogisticRegression, 7_850), (TwoLayerNet, 39_760)]
)
def test_the_default_sizes_are_the_lectures(kind: type[nn.Module], count: int) -> None:
    model = kind()
    assert sum(p.numel() for p in model.parameters()) == count
    assert model(rows(3, 784)).shape == (3, 10)


@given(SIZES, SIZES, SIZES)
def test_logistic_regression_is_one_affine_function(n: int, n_in: int, n_out: int) -> None:
    model, x = LogisticRegression(n_in, n_out), rows(n, n_in)
    weight, bias = model.parameters()
    torch.testing.assert_close(model(x), x @ weight.T + bias)


@given(SIZES, SIZES, SIZES, SIZES)
def test_two_layer_net_is_affine_relu_affine(n: int, n_in: int, hidden: int, out: int) -> None:
    model, x = TwoLayerNet(n_in, hidden, out), rows(n, n_in)
    w1, b1, w2, b2 = model.parameters()
    assert w1.shape == (hidden, n_in) and w2.shape == (out, hidden)
    torch.testing.assert_close(model(x), (x @ w1.T + b1).clamp(min=0) @ w2.T + b2)


@pytest.mark.parametrize("side", [1, 8, 14, 28, 32])
def test_the_convolutional_net_takes_square_pictures_of_any_size(side: int) -> None:
    assert ConvNet(n_out=5)(rows(3, side * side)).shape == (3, 5)


def test_the_convolutional_net_is_its_layers_on_the_square_picture() -> None:
    model, x = ConvNet(n_channels=(2, 3, 4)), rows(3, 784)
    w1, b1, w2, b2, w3, b3, w4, b4 = model.parameters()
    first = nn.functional.conv2d(x.reshape(3, 1, 28, 28), w1, b1, stride=2, padding=2).relu()
    second = nn.functional.conv2d(first, w2, b2, stride=2, padding=1).relu()
    third = nn.functional.conv2d(second, w3, b3, stride=2, padding=1).relu()
    assert [tuple(t.shape[1:]) for t in (first, second, third)] == [
        (2, 14, 14),
        (3, 7, 7),
        (4, 4, 4),
    ]
    quarters = third.reshape(3, 4, 2, 2, 2, 2).mean(dim=(3, 5)).flatten(1)
    torch.testing.assert_close(model(x), quarters @ w4.T + b4)


def test_the_convolutional_net_refuses_rows_that_are_no_square() -> None:
    with pytest.raises(ArgumentError, match="rows of 783 pixels are no square pictures"):
        ConvNet()(rows(2, 783))


def test_the_convolutional_net_has_no_batch_norm_so_a_picture_is_scored_alone() -> None:
    model, x = ConvNet().train(), rows(5, 784)
    torch.testing.assert_close(model(x)[:1], model(x[:1]))


@pytest.mark.parametrize("kind", [LogisticRegression, TwoLayerNet, ConvNet])
def test_it_learns_the_bundled_digits(kind: type[nn.Module]) -> None:
    digits = datasets.load_digits("sample")
    training.set_seed(0)
    model = kind()
    training.fit(
        model, digits.train, digits.valid, 2, 1e-2, loss=nn.functional.cross_entropy, seed=0
    )
    x, y = digits.test
    assert (training.predict(model, digits.test).argmax(dim=1) == y).float().mean() > 0.85
    assert len(x) == 500

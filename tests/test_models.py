"""Rating models: shapes, ranges, and the identities that notebooks 01 and 02 rest on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lesson5_utils.errors import ArgumentError
from lesson5_utils.models import DotProduct, DotProductBias, EmbeddingNet, scale_to_range

KINDS = [DotProduct, DotProductBias, EmbeddingNet]
SIZES = st.integers(1, 8)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def codes(n: int, n_rows: int, seed: int) -> Tensor:
    return torch.randint(n_rows, (n,), generator=seeded(seed))


def large(model: nn.Module, seed: int = 0, std: float = 3.0) -> nn.Module:
    """The same model with numbers large enough to reach the ends of its range."""
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(std=std, generator=seeded(seed))
    return model


@pytest.mark.parametrize("kind", KINDS)
def test_one_prediction_for_each_row(kind: type[nn.Module]) -> None:
    for n in (1, 2, 7):
        predicted = kind(5, 4, 3)(codes(n, 5, 0), codes(n, 4, 1))
        assert predicted.shape == (n,) and predicted.dtype == torch.float32


@pytest.mark.parametrize("kind", KINDS)
@given(low=st.floats(-10, 10), width=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_no_prediction_leaves_the_range(
    kind: type[nn.Module], low: float, width: float, seed: int
) -> None:
    model = large(kind(6, 7, 3, (low, low + width)), seed)
    predicted = model(codes(20, 6, seed), codes(20, 7, seed + 1))
    rounding = 1e-5 * (abs(low) + width)
    assert predicted.min() >= low - rounding and predicted.max() <= low + width + rounding


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_range_there_is_no_limit(kind: type[nn.Module]) -> None:
    model = large(kind(6, 7, 3, None))
    assert model(codes(50, 6, 0), codes(50, 7, 1)).abs().max() > 10


def test_the_middle_of_the_range_is_no_opinion() -> None:
    assert scale_to_range(torch.zeros(2), (1, 4)).tolist() == [2.5, 2.5]
    assert scale_to_range(torch.tensor([7.0]), None).tolist() == [7.0]


@pytest.mark.parametrize("y_range", [None, (0.0, 5.5), (1.0, 5.0)])
def test_dot_product_bias_is_its_formula(y_range: tuple[float, float] | None) -> None:
    model = large(DotProductBias(5, 4, 3, y_range), std=1.0)
    user, movie = codes(9, 5, 0), codes(9, 4, 1)
    table = {name: value.detach().numpy() for name, value in model.named_parameters()}
    u, m = user.numpy(), movie.numpy()
    factors = table["user_factors.weight"][u] * table["movie_factors.weight"][m]
    biases = table["user_bias.weight"][u, 0] + table["movie_bias.weight"][m, 0]
    expected = factors.sum(axis=1) + biases
    if y_range is not None:
        low, high = y_range
        expected = low + (high - low) / (1 + np.exp(-expected))
    np.testing.assert_allclose(model(user, movie).detach(), expected, rtol=1e-5)


def test_without_biases_the_two_dot_products_agree() -> None:
    plain, biased = DotProduct(5, 4, 3), DotProductBias(5, 4, 3)
    large(biased)
    plain.load_state_dict(biased.state_dict(), strict=False)
    with torch.no_grad():
        biased.user_bias.weight.zero_()
        biased.movie_bias.weight.zero_()
    user, movie = codes(9, 5, 0), codes(9, 4, 1)
    assert torch.equal(plain(user, movie), biased(user, movie))


@given(rows=SIZES, width=SIZES, n=st.integers(1, 12), seed=st.integers(0, 9999))
def test_one_hot_product_and_embedding_agree_in_values_and_gradients(
    rows: int, width: int, n: int, seed: int
) -> None:
    start = torch.randn(rows, width, generator=seeded(seed))
    index = codes(n, rows, seed)  # often the same row several times
    weights = torch.randn(n, width, generator=seeded(seed + 1))
    embedding = nn.Embedding.from_pretrained(start.clone(), freeze=False)
    dense = start.clone().requires_grad_()
    looked_up, multiplied = embedding(index), F.one_hot(index, rows).float() @ dense
    assert torch.equal(looked_up, multiplied)
    (looked_up * weights).sum().backward()
    (multiplied * weights).sum().backward()
    torch.testing.assert_close(embedding.weight.grad, dense.grad)
    unused = ~torch.isin(torch.arange(rows), index)
    assert (embedding.weight.grad[unused] == 0).all()


@given(n=SIZES, n_in=SIZES, n_out=SIZES, seed=st.integers(0, 9999))
def test_a_bias_is_a_column_of_ones(n: int, n_in: int, n_out: int, seed: int) -> None:
    torch.manual_seed(seed)
    layer, x = nn.Linear(n_in, n_out), torch.randn(n, n_in)
    x_and_one = torch.cat([x, torch.ones(n, 1)], dim=1)
    w_and_b = torch.cat([layer.weight.T, layer.bias[None]])
    torch.testing.assert_close(layer(x), x_and_one @ w_and_b)


@given(users=SIZES, movies=SIZES, width=SIZES, seed=st.integers(0, 9999))
def test_dot_product_bias_is_a_dot_product_with_two_more_factors(
    users: int, movies: int, width: int, seed: int
) -> None:
    biased = large(DotProductBias(users, movies, width, None), seed, std=1.0)
    plain = DotProduct(users, movies, width + 2, None)
    factors = [biased.user_factors.weight, biased.movie_factors.weight]
    biases = [biased.user_bias.weight, biased.movie_bias.weight]
    one = [torch.ones_like(bias) for bias in biases]
    with torch.no_grad():
        plain.user_factors.weight.copy_(torch.cat([factors[0], biases[0], one[0]], dim=1))
        plain.movie_factors.weight.copy_(torch.cat([factors[1], one[1], biases[1]], dim=1))
    rows = codes(10, users, seed), codes(10, movies, seed + 1)
    torch.testing.assert_close(plain(*rows), biased(*rows), rtol=1e-4, atol=1e-5)


def test_the_nets_two_tables_may_have_different_widths() -> None:
    net = EmbeddingNet(5, 4, (3, 7), n_hidden=(6, 2))
    assert net.user_factors.weight.shape == (5, 3)
    assert net.movie_factors.weight.shape == (4, 7)
    linear = [layer for layer in net.layers if isinstance(layer, nn.Linear)]
    widths = [(layer.in_features, layer.out_features) for layer in linear]
    assert widths == list(pairwise([3 + 7, 6, 2, 1]))


def test_the_net_without_hidden_layers_is_linear() -> None:
    assert EmbeddingNet(5, 4, 3, n_hidden=())(codes(2, 5, 0), codes(2, 4, 0)).shape == (2,)


def test_dropout_acts_in_training_only() -> None:
    net = large(EmbeddingNet(5, 4, 20, None, dropout=0.5), std=0.3)
    rows = codes(8, 5, 0), codes(8, 4, 1)
    net.train()
    assert not torch.equal(net(*rows), net(*rows))
    net.eval()
    assert torch.equal(net(*rows), net(*rows))


@pytest.mark.parametrize("kind", KINDS)
def test_tables_start_small_random_and_by_the_seed(kind: type[nn.Module]) -> None:
    tables = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        tables.append(kind(300, 200).user_factors.weight.detach())
    assert torch.equal(tables[0], tables[1]) and not torch.equal(tables[0], tables[2])
    assert abs(tables[0].mean()) < 0.01 and 0.005 < tables[0].std() < 0.2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 4, 3), "at least one row"),
        ((5, 0, 3), "at least one row"),
        ((5, 4, 0), "at least one row"),
        ((5, -1, 3), "at least one row"),
        ((5, 4, 3, (5, 0)), "low < high"),
        ((5, 4, 3, (1, 1)), "low < high"),
        ((5, 4, 3, (float("nan"), 1)), "low < high"),
    ],
)
def test_arguments_that_cannot_work_are_refused(
    kind: type[nn.Module], arguments: tuple[object, ...], sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        kind(*arguments)


@pytest.mark.parametrize("dropout", [-0.1, 1, 2, float("nan")])
def test_a_dropout_that_cannot_work_is_refused(dropout: float) -> None:
    with pytest.raises(ArgumentError, match="dropout"):
        EmbeddingNet(5, 4, 3, dropout=dropout)

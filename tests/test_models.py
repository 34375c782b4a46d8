"""Every model: shapes, ranges, what it computes by hand, how it starts, what it refuses."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lesson5_utils import datasets, training
from lesson5_utils.errors import ArgumentError
from lesson5_utils.models import (
    ConvNet,
    DotProduct,
    DotProductBias,
    EmbeddingNet,
    LogisticRegression,
    TabularNet,
    TwoLayerNet,
    embedding_width,
    scale_to_range,
)

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


@pytest.mark.parametrize(
    ("make", "std"),
    [
        (lambda: DotProduct(300, 200), 0.01),
        (lambda: DotProductBias(300, 200), 0.01),
        (lambda: EmbeddingNet(300, 200), 0.1),
        (lambda: TabularNet([300, 200], widths=[40, 40]), 0.1),
    ],
)
def test_tables_start_small_random_and_by_the_seed(make: Any, std: float) -> None:
    tables = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        parts = [part for part in make().modules() if isinstance(part, nn.Embedding)]
        tables.append([part.weight.detach() for part in parts if part.embedding_dim > 1])
    for first, again, other in zip(*tables, strict=True):
        assert torch.equal(first, again) and not torch.equal(first, other)
        assert (
            first.std().item() == pytest.approx(std, rel=0.05) and abs(first.mean()) < std / 10
        )


def test_the_default_sizes_of_the_rating_models() -> None:
    for kind in KINDS:
        model = kind(5, 4)
        assert model.user_factors.embedding_dim == model.movie_factors.embedding_dim == 40
        assert model.y_range == (0, 5.5)
    assert ConvNet()(rows(2, 784)).shape == (2, 10)


def test_biases_start_as_small_as_factors() -> None:
    torch.manual_seed(0)
    model = DotProductBias(3000, 2000, 2)
    for table in (model.user_bias, model.movie_bias):
        assert table.weight.std().item() == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("y_range", [(5, 0), (1, 1), (0, float("inf")), (float("nan"), 1)])
def test_a_range_that_is_none_is_refused_wherever_it_is_used(y_range: Any) -> None:
    with pytest.raises(ArgumentError, match="end of y_range must be a number"):
        scale_to_range(torch.zeros(2), y_range)


def test_numpys_numbers_are_sizes_and_ranges() -> None:
    three = np.int64(3)
    rows = codes(4, 3, 0), codes(4, 3, 1)
    y_range = (np.float32(0), np.float64(5.5))
    for kind in KINDS:
        assert kind(three, three, three, y_range)(*rows).shape == (4,)
    assert TabularNet([three], three, widths=[three]).n_cont == 3
    net = TabularNet(np.array([3]), n_hidden=(three,), n_out=three)
    assert net(torch.zeros(2, 1, dtype=torch.int64), torch.empty(2, 0)).shape == (2, 3)
    for net in (TwoLayerNet(three, three, three), LogisticRegression(three, three)):
        assert net(torch.ones(2, 3)).shape == (2, 3)
    assert ConvNet(three, (three, three, three))(torch.ones(2, 64)).shape == (2, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((0, 4, 3), "must be a whole number of at least 1, not"),
        ((5, 0, 3), "must be a whole number of at least 1, not"),
        ((5, 4, 0), "must be a whole number of at least 1, not"),
        ((5, -1, 3), "must be a whole number of at least 1, not"),
        ((5, 4, 3, (5, 0)), "the high end of y_range must be a number above"),
        ((5, 4, 3, (1, 1)), "the high end of y_range must be a number above"),
        ((5, 4, 3, (float("nan"), 1)), "the low end of y_range must be a number, not nan"),
        ((5, 4, 3, (0, float("inf"))), "the high end of y_range"),
        ((5, 4, 3, (0, 1, 2)), "must be"),
        ((5, 4, 3, 5.5), r"y_range must be \(low, high\), not 5.5"),
    ],
)
def test_arguments_that_cannot_work_are_refused(
    kind: type[nn.Module], arguments: tuple[object, ...], sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        kind(*arguments)


@pytest.mark.parametrize("size", [0, -1, 2.5, "3", None, True])
def test_a_size_of_a_layer_that_cannot_be_is_refused(size: Any) -> None:
    for make in (
        lambda: ConvNet(size),
        lambda: ConvNet(n_channels=(2, size, 2)),
        lambda: EmbeddingNet(5, 4, (2, size)),
        lambda: EmbeddingNet(5, 4, n_hidden=(3, size)),
        lambda: TabularNet([5], n_hidden=(size,)),
        lambda: TabularNet([5], n_out=size),
    ):
        with pytest.raises(ArgumentError, match="must be a whole number of at least 1, not"):
            make()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ConvNet(n_channels=(2, 3)), "n_channels must be 3 sizes"),
        (lambda: EmbeddingNet(5, 4, (2, 3, 4)), "n_factors must be 2 sizes"),
        (lambda: EmbeddingNet(5, 4, n_hidden=50), "n_hidden must be several sizes, not 50"),
        (lambda: TabularNet([5], n_hidden=50), "n_hidden must be several sizes, not 50"),
    ],
)
def test_another_number_of_sizes_is_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        make()


@pytest.mark.parametrize("dropout", [-0.1, 1, 2, float("nan")])
def test_a_dropout_that_cannot_work_is_refused(dropout: float) -> None:
    with pytest.raises(ArgumentError, match="dropout"):
        EmbeddingNet(5, 4, 3, dropout=dropout)


# --- digits --------------------------------------------------------------------------------


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


@pytest.mark.parametrize("shape", [(2, 1, 28, 28), (2, 28, 28), (784,)])
def test_the_convolutional_net_refuses_pictures_that_are_no_rows(
    shape: tuple[int, ...],
) -> None:
    with pytest.raises(ArgumentError, match=r"as rows \[n, pixels\].*flatten\(1\)"):
        ConvNet()(torch.ones(shape))


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


# --- any table -----------------------------------------------------------------------------

LAYERS = (nn.Dropout, nn.BatchNorm1d)
COLUMNS = st.lists(st.integers(1, 6), max_size=3)


def columns(sizes: list[int], n_cont: int, n: int = 7) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    codes = [torch.randint(size, (n,), generator=generator) for size in sizes]
    cat = torch.stack(codes, dim=1) if codes else torch.empty(n, 0, dtype=torch.int64)
    return cat, torch.randn(n, n_cont, generator=generator)


@given(COLUMNS, st.integers(0, 3), st.integers(1, 3))
def test_one_row_of_predictions_for_each_row(sizes: list[int], n_cont: int, out: int) -> None:
    if not sizes and not n_cont:
        n_cont = 1
    model = TabularNet(sizes, n_cont, n_hidden=(4,), n_out=out)
    predicted = model(*columns(sizes, n_cont))
    assert predicted.shape == ((7,) if out == 1 else (7, out))


@given(COLUMNS, st.integers(1, 3))
def test_it_is_lookups_and_numbers_side_by_side_through_the_layers(
    sizes: list[int], n_cont: int
) -> None:
    model = TabularNet(sizes, n_cont, n_hidden=(4,), y_range=(1, 3))
    cat, cont = columns(sizes, n_cont)
    rows = [table.weight[cat[:, i]] for i, table in enumerate(model.embeddings)]
    (w1, b1), (w2, b2) = (
        (layer.weight, layer.bias) for layer in model.layers if isinstance(layer, nn.Linear)
    )
    hidden = (torch.cat([*rows, cont], dim=1) @ w1.T + b1).clamp(min=0)
    by_hand = 1 + 2 * torch.sigmoid(hidden @ w2.T + b2)
    torch.testing.assert_close(model(cat, cont), by_hand[:, 0])


def test_with_users_and_films_alone_it_is_notebook_02s_neural_rung() -> None:
    net = EmbeddingNet(5, 4, (3, 2), n_hidden=(6,))
    tabular = TabularNet([5, 4], widths=[3, 2], y_range=(0, 5.5), n_hidden=(6,))
    for own, other in zip(tabular.parameters(), net.parameters(), strict=True):
        own.data.copy_(other.data)
    cat, cont = columns([5, 4], 0)
    torch.testing.assert_close(tabular(cat, cont), net(*cat.T))


def test_dropout_and_batch_norm_act_while_training_only() -> None:
    plain = TabularNet([5], 2, n_hidden=(8, 4))
    both = TabularNet([5], 2, n_hidden=(8, 4), dropout=0.5, batch_norm=True)
    count = {kind: sum(isinstance(m, kind) for m in both.modules()) for kind in LAYERS}
    assert count == {nn.Dropout: 3, nn.BatchNorm1d: 2}
    assert not any(isinstance(m, nn.BatchNorm1d) for m in plain.modules())
    cat, cont = columns([5], 2)
    both.train()
    assert not torch.equal(both(cat, cont), both(cat, cont))
    both.eval()
    assert torch.equal(both(cat, cont), both(cat, cont))


def test_batch_norm_stands_between_the_linear_layer_and_the_relu() -> None:
    model = TabularNet([5], 2, n_hidden=(8,), batch_norm=True, dropout=0.5)
    kinds = [type(layer) for layer in model.layers]
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout, nn.Linear]


def test_dropout_acts_on_the_embeddings_too_and_not_on_the_numbers() -> None:
    model = TabularNet([5], 2, n_hidden=(), dropout=0.5)  # no hidden layer: no other dropout
    cat, cont = columns([5], 2)
    assert not torch.equal(model(cat, cont), model(cat, cont))
    with torch.no_grad():
        model.embeddings[0].weight.zero_()
    assert torch.equal(model(cat, cont), model(cat, cont))


def test_the_numbers_may_go_through_a_layer_of_their_own_first() -> None:
    model = TabularNet([5], 2, widths=[3], n_hidden=(4,), cont_layer=6)
    cat, cont = columns([5], 2)
    own = (cont @ model.cont[0].weight.T + model.cont[0].bias).clamp(min=0)
    rows = model.embeddings[0].weight[cat[:, 0]]
    torch.testing.assert_close(
        model(cat, cont), model.layers(torch.cat([rows, own], dim=1))[:, 0]
    )


def test_without_numbers_there_is_no_layer_of_their_own() -> None:
    model = TabularNet([5], 0, widths=[3], cont_layer=6)
    assert not len(model.cont) and model.layers[0].in_features == 3
    with pytest.raises(ArgumentError, match="cont_layer"):
        TabularNet([5], 1, cont_layer=-1)


@pytest.mark.parametrize(("n_cat", "n_cont"), [(2, 1), (1, 2), (0, 1), (1, 0)])
def test_another_number_of_columns_is_refused(n_cat: int, n_cont: int) -> None:
    model = TabularNet([5], 1)
    cat, cont = columns([5] * n_cat, n_cont)
    with pytest.raises(
        ArgumentError,
        match=f"1 categorical and 1 continuous columns, not for {n_cat} and {n_cont}",
    ):
        model(cat, cont)


@pytest.mark.parametrize(("cat", "cont"), [((7,), (7, 1)), ((7, 1), (7,))])
def test_a_column_that_is_no_table_is_refused(cat: Any, cont: Any) -> None:
    with pytest.raises(ArgumentError, match=r"one column as x\[:, None\]"):
        TabularNet([5], 1)(torch.zeros(cat, dtype=torch.int64), torch.zeros(cont))


def test_widths_follow_the_rule_of_thumb_unless_given() -> None:
    model = TabularNet([800, 200, 1], 3)
    assert [table.embedding_dim for table in model.embeddings] == [
        embedding_width(n) for n in (800, 200, 1)
    ]
    given = TabularNet([800, 200], widths=[4, 2])
    assert [tuple(t.weight.shape) for t in given.embeddings] == [(800, 4), (200, 2)]


def test_the_rule_of_thumb_grows_slowly_and_stops_at_600() -> None:
    assert [embedding_width(n) for n in (1, 2, 10, 100, 1000)] == [2, 2, 6, 21, 77]
    assert embedding_width(10**9) == 600


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"n_categories": []}, "at least one column"),
        ({"n_categories": [3, 0]}, "the number of categories must be .* at least 1, not 0"),
        ({"n_categories": [3], "widths": [2, 2]}, "2 widths do not fit 1 columns"),
        ({"n_categories": [3], "widths": [0], "n_cont": 1}, "width of a table must be"),
        ({"n_categories": [3], "n_cont": -1}, "n_cont must be .* at least 0, not -1"),
        (
            {"n_categories": [3], "dropout": 1},
            "dropout must be a number of at least 0 and below 1, not 1",
        ),
        (
            {"n_categories": [3], "y_range": (5, 1)},
            "the high end of y_range must be a number above",
        ),
    ],
)
def test_a_net_that_cannot_work_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        TabularNet(**wrong)

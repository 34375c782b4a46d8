"""TabularNet: shapes, ranges, and what it computes, by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lesson5_utils.errors import ArgumentError
from lesson5_utils.models import EmbeddingNet, TabularNet, embedding_width

KINDS = (nn.Dropout, nn.BatchNorm1d)
SIZES = st.lists(st.integers(1, 6), max_size=3)


def columns(sizes: list[int], n_cont: int, n: int = 7) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    codes = [torch.randint(size, (n,), generator=generator) for size in sizes]
    cat = torch.stack(codes, dim=1) if codes else torch.empty(n, 0, dtype=torch.int64)
    return cat, torch.randn(n, n_cont, generator=generator)


@given(SIZES, st.integers(0, 3), st.integers(1, 3))
def test_one_row_of_predictions_for_each_row(sizes: list[int], n_cont: int, out: int) -> None:
    if not sizes and not n_cont:
        n_cont = 1
    model = TabularNet(sizes, n_cont, n_hidden=(4,), n_out=out)
    predicted = model(*columns(sizes, n_cont))
    assert predicted.shape == ((7,) if out == 1 else (7, out))


@given(SIZES, st.integers(1, 3))
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
    count = {kind: sum(isinstance(m, kind) for m in both.modules()) for kind in KINDS}
    assert count == {nn.Dropout: 3, nn.BatchNorm1d: 2}
    assert not any(isinstance(m, nn.BatchNorm1d) for m in plain.modules())
    cat, cont = columns([5], 2)
    both.train()
    assert not torch.equal(both(cat, cont), both(cat, cont))
    both.eval()
    assert torch.equal(both(cat, cont), both(cat, cont))


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
        ({"n_categories": [3, 0]}, "at least one category, not 0"),
        ({"n_categories": [3], "widths": [2, 2]}, "2 widths do not fit 1 columns"),
        ({"n_categories": [3], "widths": [0], "n_cont": 1}, "at least one row and one column"),
        ({"n_categories": [3], "dropout": 1}, r"dropout must lie in \[0, 1\)"),
        ({"n_categories": [3], "y_range": (5, 1)}, "low < high"),
    ],
)
def test_a_net_that_cannot_work_is_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        TabularNet(**wrong)

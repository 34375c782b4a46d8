"""What weights mean: components, neighbours, laying maps over maps, a new user."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lesson5_utils import interpret
from lesson5_utils.datasets import Ratings
from lesson5_utils.errors import ArgumentError
from lesson5_utils.models import DotProduct, DotProductBias, EmbeddingNet

SEEDS = st.integers(0, 9999)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


# --- array, pca, nearest ------------------------------------------------------------------


def test_a_table_becomes_an_array_of_its_own() -> None:
    wide, narrow = nn.Embedding(4, 3), nn.Embedding(4, 1)
    assert interpret.array(wide).shape == (4, 3) and interpret.array(narrow).shape == (4,)
    for table in (wide, narrow):
        before = table.weight.detach().clone()
        copied = interpret.array(table)
        np.testing.assert_array_equal(copied, before.squeeze(1))
        copied += 1
        assert torch.equal(table.weight, before)


def test_pca_is_the_singular_value_decomposition_of_the_centred_table() -> None:
    table = normal(30, 6) * np.array([5, 3, 1, 1, 0.5, 0.1]) + 7
    places, share = interpret.pca(table, 3)
    u, s, _ = np.linalg.svd(table - table.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(places), np.abs(u * s)[:, :3], atol=1e-8)
    np.testing.assert_allclose(share, (s**2 / (s**2).sum())[:3])


def test_pca_finds_the_one_direction_that_matters() -> None:
    along = np.linspace(-1, 1, 20)
    places, share = interpret.pca(along[:, None] * np.array([[3.0, 4.0]]), 1)
    assert share[0] == pytest.approx(1)
    np.testing.assert_allclose(np.abs(places[:, 0]), 5 * np.abs(along), atol=1e-9)


@pytest.mark.parametrize("n", [0, 4, -1])
def test_pca_refuses_more_directions_than_there_are(n: int) -> None:
    with pytest.raises(
        ArgumentError, match=f"n, the number of components, must be .* from 1 to 3, not {n}"
    ):
        interpret.pca(normal(9, 3), n)


def test_neighbours_are_sorted_by_direction_and_not_by_length() -> None:
    table = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 1.0], [-1.0, 0.0], [0.1, 0.1]])
    rows, cosine = interpret.nearest(table, 0, n=4)
    assert rows.tolist() == [2, 4, 1, 3]
    assert cosine == pytest.approx([9 / np.sqrt(82), np.sqrt(0.5), 0, -1])


def test_nobody_is_their_own_neighbour_however_many_are_asked_for() -> None:
    rows, cosine = interpret.nearest(normal(4, 2), 1, n=10)
    assert sorted(rows.tolist()) == [0, 2, 3] and np.isfinite(cosine).all()


def test_a_row_of_zeros_is_near_to_nothing() -> None:
    assert interpret.nearest(np.eye(3) * [1, 0, 1], 0, 2)[1].tolist() == [0, 0]


@pytest.mark.parametrize("row", [-1, 4, 1.0])
def test_neighbours_of_a_row_that_is_not_there_are_refused(row: Any) -> None:
    with pytest.raises(
        ArgumentError, match=f"row must be a whole number from 0 to 3, not {row}"
    ):
        interpret.nearest(normal(4, 2), row)


@pytest.mark.parametrize("n", [0, -1, 1.5])
def test_fewer_neighbours_than_one_are_refused(n: Any) -> None:
    with pytest.raises(ArgumentError, match="n must be a whole number of at least 1"):
        interpret.nearest(normal(4, 2), 0, n)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_table_that_is_not_finite_has_no_neighbours_and_no_components(bad: float) -> None:
    table = normal(4, 2)
    table[2, 1] = bad
    for use in (lambda: interpret.nearest(table, 0), lambda: interpret.pca(table, 1)):
        with pytest.raises(ArgumentError, match="not finite"):
            use()


@pytest.mark.parametrize("table", [np.ones(3), np.ones((0, 2)), np.float64(1)])
def test_what_is_no_table_is_refused(table: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match=r"must be \[n_rows, width\]"):
        interpret.pca(table, 1)


def test_lists_and_weights_that_learn_are_tables_too() -> None:
    table = nn.Parameter(torch.tensor(normal(4, 2)))
    expected = interpret.nearest(table.detach().numpy(), 0)
    for form in (table, table.tolist()):
        for one, other in zip(interpret.nearest(form, 0), expected, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("table", [[["a", "b"]], nn.Embedding(3, 2), None])
def test_what_holds_no_numbers_is_told(table: Any) -> None:
    with pytest.raises(ArgumentError, match=r"numbers are needed here, .* array\(...\)"):
        interpret.nearest(table, 0)


@pytest.mark.parametrize("table", [np.ones((4, 3)), np.ones((1, 3))])
def test_equal_rows_differ_in_no_direction(table: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="all rows of the table are equal"):
        interpret.pca(table, 1)


# --- laying one map over another ----------------------------------------------------------


def turn(angle: float, mirrored: bool) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]]) @ np.diag([1, -1 if mirrored else 1])


@given(
    seed=SEEDS,
    angle=st.floats(0, 6.3),
    mirrored=st.booleans(),
    scale=st.floats(0.01, 100),
    shift=st.floats(-50, 50),
)
def test_a_turned_mirrored_scaled_shifted_map_is_laid_back_exactly(
    seed: int, angle: float, mirrored: bool, scale: float, shift: float
) -> None:
    true = normal(12, 2, seed=seed)
    moved = scale * (true + shift) @ turn(angle, mirrored)
    match = interpret.match_rotated(moved, true)
    assert match.r2 == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(match.points, true, atol=1e-4)


@given(seed=SEEDS, angle=st.floats(0, 6.3), shear=st.floats(1, 5))
def test_a_sheared_map_needs_a_linear_map(seed: int, angle: float, shear: float) -> None:
    true = normal(30, 2, seed=seed)
    sheared = true @ np.array([[1, shear], [0, 1]]) @ turn(angle, False) + 3
    assert interpret.match_rotated(sheared, true).r2 < 0.97
    match = interpret.match_linear(sheared, true)
    assert match.r2 == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(match.points, true, atol=1e-6)


@given(seed=SEEDS)
def test_a_map_of_noise_explains_little_and_never_less_than_nothing(seed: int) -> None:
    true, noise = normal(200, 2, seed=seed), normal(200, 2, seed=seed + 10_000)
    turned = interpret.match_rotated(noise, true).r2
    linear = interpret.match_linear(noise, true).r2
    assert -1e-9 <= turned <= linear + 1e-9 < 0.15


def test_maps_of_different_length_are_refused() -> None:
    for match in (interpret.match_rotated, interpret.match_linear):
        with pytest.raises(ArgumentError, match="3 points cannot be laid over 4"):
            match(normal(3, 2), normal(4, 2))


def test_points_that_cannot_be_laid_over_others_are_refused() -> None:
    for match in (interpret.match_rotated, interpret.match_linear):
        for pair in ((np.ones((4, 2)), normal(4, 2)), (normal(4, 2), np.ones((4, 2)))):
            with pytest.raises(ArgumentError, match="all lie in one place"):
                match(*pair)
        with pytest.raises(ArgumentError, match="not finite"):
            match(normal(4, 2) * np.nan, normal(4, 2))
    with pytest.raises(ArgumentError, match=r"points \[4, 3\] cannot be turned onto \[4, 2\]"):
        interpret.match_rotated(normal(4, 3), normal(4, 2))


def test_lists_of_points_will_do() -> None:
    one, other = normal(9, 2), normal(9, 2, seed=1)
    for match in (interpret.match_rotated, interpret.match_linear):
        assert match(one.tolist(), other.tolist()).r2 == match(one, other).r2


# --- a new user ---------------------------------------------------------------------------


def planted(kind: type[DotProduct] = DotProductBias, y_range: object = (0, 5.5)) -> DotProduct:
    torch.manual_seed(0)
    model = kind(5, 60, 4, y_range)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(std=0.5)
    return model


@pytest.mark.parametrize("kind", [DotProduct, DotProductBias])
@pytest.mark.parametrize("y_range", [(0, 5.5), None])
def test_a_planted_user_is_found_from_enough_films(
    kind: type[DotProduct], y_range: object
) -> None:
    model, movie = planted(kind, y_range), torch.arange(60)
    user = torch.full((60,), 3)
    rating = model(user, movie).detach().numpy()
    known = np.arange(0, 60, 3)  # 20 films, 5 unknowns
    found = interpret.solve_user(model, known, rating[known], ridge=1e-10)
    factors = model.user_factors.weight[3].detach().numpy()
    np.testing.assert_allclose(found.factors, factors, atol=1e-3)
    bias = model.user_bias.weight[3].item() if kind is DotProductBias else 0.0
    assert found.bias == pytest.approx(bias, abs=1e-3)
    np.testing.assert_allclose(found.predictions, rating, atol=1e-3)


def test_one_factor_is_enough_for_a_new_user() -> None:
    torch.manual_seed(0)
    model = DotProductBias(5, 30, 1)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(std=0.5)
    movie = torch.arange(30)
    rating = model(torch.full((30,), 3), movie).detach().numpy()
    found = interpret.solve_user(model, movie.numpy(), rating, ridge=1e-10)
    assert found.factors.shape == (1,)
    np.testing.assert_allclose(found.predictions, rating, atol=1e-3)


def test_with_a_huge_ridge_everybody_is_the_average_user() -> None:
    model = planted()
    with torch.no_grad():  # user 0 becomes the mean of the others, so of all
        for table in (model.user_factors.weight, model.user_bias.weight):
            table[0] = table[1:].mean(dim=0)
    average = model(torch.zeros(60, dtype=torch.int64), torch.arange(60)).detach()
    found = interpret.solve_user(model, [1, 2], [5, 1], ridge=1e12)
    factors = model.user_factors.weight[0].detach()
    np.testing.assert_allclose(found.factors, factors, atol=1e-6)
    np.testing.assert_allclose(found.predictions, average, atol=1e-5)


def test_a_new_user_is_the_ridge_regression_of_the_textbooks() -> None:
    model, movie, rating = planted(y_range=None), np.array([1, 5, 9]), np.array([2.0, 5, 1])
    films = interpret.array(model.movie_factors)[movie]
    a = np.hstack([films, np.ones((3, 1))])
    users = np.column_stack(
        [interpret.array(model.user_factors), interpret.array(model.user_bias)]
    )
    average = users.mean(axis=0)
    b = rating - interpret.array(model.movie_bias)[movie] - a @ average
    expected = average + np.linalg.solve(a.T @ a + 0.3 * np.eye(5), a.T @ b)
    found = interpret.solve_user(model, movie, rating, ridge=0.3)
    np.testing.assert_allclose([*found.factors, found.bias], expected, rtol=1e-4)


def test_more_ridge_means_less_opinion() -> None:
    sizes = [
        np.linalg.norm(interpret.solve_user(planted(), [1, 2, 3], [5, 1, 5], ridge).factors)
        for ridge in (0.01, 0.1, 1, 10)
    ]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 2 * sizes[-1]


@pytest.mark.parametrize(
    ("movie", "rating", "ridge", "sentence"),
    [
        ([], [], 1, "one rating per film"),
        ([1, 2], [5], 1, "one rating per film"),
        ([60], [5], 1, "from 0 to 59"),
        ([-1], [5], 1, "from 0 to 59"),
        ([1], [5], -1, "ridge"),
        ([1], [5], float("nan"), "ridge"),
        ([1], [5.5], 1, "strictly inside"),
        ([1], [0], 1, "strictly inside"),
        ([1], [float("nan")], 1, "must be a finite number"),
        ([1.0], [5], 1, "codes are whole numbers"),
        ([True], [5], 1, "numbers are needed"),
        (["Dune"], [5], 1, "numbers are needed here, not list"),
        ([1], ["five"], 1, "numbers are needed here"),
        (1, 5, 1, "a list of films"),
        ([[1]], [[5]], 1, "a list of films"),
    ],
)
def test_answers_that_cannot_be_used_are_refused(
    movie: list[int], rating: list[float], ridge: float, sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        interpret.solve_user(planted(), movie, rating, ridge)


def test_a_rating_that_is_no_number_is_refused_without_a_range_too() -> None:
    for bad in (np.nan, np.inf):
        with pytest.raises(ArgumentError, match="must be a finite number"):
            interpret.solve_user(planted(y_range=None), [1], [bad])


def test_what_was_found_is_equal_only_to_itself() -> None:
    for find in (
        lambda: interpret.solve_user(planted(), [1], [5]),
        lambda: interpret.match_linear(normal(9, 2), normal(9, 2, seed=1)),
    ):
        one, other = find(), find()
        assert one == one and one != other and len({one, other}) == 2


def test_a_model_of_another_kind_is_refused() -> None:
    with pytest.raises(ArgumentError, match="dot-product model, not EmbeddingNet"):
        interpret.solve_user(EmbeddingNet(5, 60, 4), [1], [5])  # type: ignore[arg-type]


# --- recovery -----------------------------------------------------------------------------


def test_a_model_that_holds_the_truth_recovers_it_fully(sample: Ratings) -> None:
    truth = sample.truth
    assert truth is not None
    model = DotProductBias(len(sample.users), len(sample.movies), 3)
    with torch.no_grad():
        model.movie_bias.weight[:, 0] = torch.from_numpy(truth.movie_bias) * 2 + 1
        turned = truth.movie_factors @ np.linalg.qr(normal(3, 3))[0]
        model.movie_factors.weight.copy_(torch.from_numpy(turned))
    bias, axes = interpret.recovery(sample, model, n_components=3)
    assert bias == pytest.approx(1, abs=1e-5)
    # the planted axes are not quite uncorrelated: cult films lie farther out
    assert axes.max(axis=1).to_numpy() == pytest.approx([1, 1, 1], abs=0.02)
    assert tuple(axes.index) == truth.axes and list(axes.columns) == ["PC 1", "PC 2", "PC 3"]


def test_a_model_that_learned_nothing_recovers_nothing(sample: Ratings) -> None:
    torch.manual_seed(0)
    model = DotProductBias(len(sample.users), len(sample.movies), 40)
    bias, axes = interpret.recovery(sample, model)
    assert abs(bias) < 0.3 and axes.to_numpy().max() < 0.4


def test_a_model_that_does_not_fit_the_ratings_is_refused(sample: Ratings) -> None:
    with pytest.raises(ArgumentError, match="a DotProductBias, not DotProduct"):
        interpret.recovery(sample, DotProduct(800, 200, 4))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="knows 100 films, the ratings 200"):
        interpret.recovery(sample, DotProductBias(800, 100, 4))


def test_without_a_known_truth_there_is_nothing_to_compare(sample: Ratings) -> None:
    real = dataclasses.replace(sample, truth=None, name="ml-100k")
    with pytest.raises(ArgumentError, match="true factors of 'ml-100k'"):
        interpret.recovery(real, DotProductBias(800, 200, 4))

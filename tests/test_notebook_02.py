"""Notebook 02: its own functions, its slider, what its prose says of the measured tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lesson5_utils import datasets, interpret, models, plotting
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import bias as check

STARS = [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The notebook's names with a model that nobody trained: its sizes are all that counts."""
    torch.manual_seed(0)
    found = namespace("02", "imports", "viewer", "to-score")
    found |= {"add_bias": check.add_bias.reference, "to_range": check.to_range.reference}
    found |= {"my_to_range": ..., "shrink": check.shrink.reference}
    namespace("02", "recommender", into=found)
    model = found["Recommender"](found["n_users"], found["n_movies"])
    for table in (model.user_factors, model.movie_factors, model.user_bias, model.movie_bias):
        torch.nn.init.normal_(table.weight, std=0.4)
    found |= {"model": model, "chosen": 3}
    return namespace("02", "known", "list-function", "move", into=found)


# --- the notebook's functions -------------------------------------------------------------


@pytest.mark.parametrize("y_range", [None, (0, 5.5), (1, 5)])
def test_the_recommender_of_the_notebook_is_the_packages(
    names: dict[str, Any], y_range: Any
) -> None:
    ours = names["Recommender"](7, 5, 3, y_range)
    theirs = models.DotProductBias(7, 5, 3, y_range)
    theirs.load_state_dict(ours.state_dict())
    user, movie = torch.arange(5), torch.tensor([4, 0, 1, 1, 2])
    torch.testing.assert_close(ours(user, movie), theirs(user, movie))


@given(score=st.floats(-6, 6), low=st.floats(-1, 1), width=st.floats(1, 6))
def test_a_rating_goes_back_to_its_score(score: float, low: float, width: float) -> None:
    x = torch.tensor([score], dtype=torch.float64)
    rating = check.to_range.reference(x, low, low + width)
    torch.testing.assert_close(
        _arrive()["to_score"](rating, low, low + width), x, atol=1e-6, rtol=1e-6
    )


def test_the_ends_of_a_range_have_no_score(names: dict[str, Any]) -> None:
    scores = names["to_score"](torch.tensor(STARS), 1, 5)
    assert scores[0] == -torch.inf and scores[-1] == torch.inf
    assert names["to_score"](torch.tensor(STARS), 0, 5.5).isfinite().all()


@given(st.lists(st.tuples(st.integers(0, 199), st.sampled_from(STARS)), min_size=1, max_size=9))
def test_who_arrives_is_placed_as_the_package_does(rated: list[tuple[int, float]]) -> None:
    found = _arrive()
    codes, stars = zip(*dict(rated).items(), strict=True)
    movie, rating = torch.tensor(codes), torch.tensor(stars)
    you = found["arrive"](movie, rating, pull=2)
    theirs = interpret.solve_user(found["model"], movie, rating, ridge=2)
    np.testing.assert_allclose(you, [*theirs.factors, theirs.bias], atol=1e-4)


_kept: dict[str, Any] = {}


def _arrive() -> dict[str, Any]:
    if not _kept:
        torch.manual_seed(1)
        _kept.update(namespace("02", "imports", "viewer", "to-score"))
        _kept["model"] = models.DotProductBias(_kept["n_users"], _kept["n_movies"])
        torch.nn.init.normal_(_kept["model"].movie_factors.weight, std=0.5)
        namespace("02", "known", "solve", into=_kept)
    return _kept


def test_generosity_is_taken_out_of_means_that_it_made(names: dict[str, Any]) -> None:
    """Generous users see the first film, strict users the second; both are equally good."""
    quality, generous = torch.tensor([0.5, 0.5, -1.0]), torch.tensor([1.0, 1.0, -1.0, -1.0])
    user, movie = torch.tensor([0, 1, 2, 3, 0, 1, 2, 3]), torch.tensor([0, 0, 1, 1, 2, 2, 2, 2])

    class Part:
        users, movies = range(4), range(3)
        rating = 3 + quality[movie] + generous[user]

    Part.user, Part.movie = user, movie  # type: ignore[attr-defined]
    found = namespace("02", "opponents-function", into=dict(names) | {"per": _per})
    film = found["without_generosity"](Part, strength=1e-6, rounds=60)
    plain = _per(movie, Part.rating - Part.rating.mean(), 3, 1e-6)
    assert plain[0] - plain[1] > 1.9
    assert abs(film[0] - film[1]) < 0.1 and film[0] - film[2] > 1.4


def _per(code: Any, values: Any, n: int, strength: float) -> Any:
    total, count = torch.bincount(code, values, n), torch.bincount(code, minlength=n)
    return check.shrink.reference(total, count, strength)


# --- the slider ---------------------------------------------------------------------------


def test_a_moved_rating_changes_the_list_and_the_alt_text(
    names: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    drawn: list[dict[str, Any]] = []
    offered: dict[str, Any] = {}

    def offers(ax: Any, titles: Any, stars: Any, new: Any, title: str) -> None:
        drawn.append({"titles": list(titles), "stars": list(stars), "new": new, "title": title})

    monkeypatch.setattr(
        "lesson5_utils.plotting.figures.show", lambda made, alt, caption: told.append(alt)
    )
    monkeypatch.setattr(plotting, "offers", offers)
    mine = dict(names)
    mine["interact"] = lambda callback, **controls: offered.update(
        callback=callback, **controls
    )
    mine["telling"] = mine["movie"][0].item()
    namespace("02", "slider", into=mine)
    assert offered["film"].description == "film" and offered["stars"].description == "stars"
    codes = [code for _, code in offered["film"].options]
    assert codes == mine["movie"].tolist()
    given_stars = int(mine["given"][0])
    for stars in (given_stars, 1, 5):
        offered["callback"](codes[0], stars)
        assert f"{stars} stars" in told[-1] and "★" * stars in drawn[-1]["title"]
    own, low, high = drawn
    assert own["new"] == [] and low["titles"] != high["titles"]
    seen = set(mine["ratings"].titles[codes])
    for one in drawn:
        assert len(one["titles"]) == 8 and not seen & set(one["titles"])
        assert one["stars"] == sorted(one["stars"], reverse=True)
        assert set(one["new"]) == set(one["titles"]) - set(own["titles"])


# --- what the prose says of the tables ----------------------------------------------------


@pytest.mark.parametrize("data", ["sample", "ml-100k"])
def test_ranges_differ_less_than_any_from_none(data: str) -> None:
    table = datasets.measured("ranges").query("data == @data")
    mean = table.groupby("range")["valid"].mean()
    assert (table.groupby("range").size() == 5).all() and len(mean) == 4
    some = mean.drop("none")
    assert some.max() - some.min() < 0.005
    assert data != "sample" or mean["none"] > some.max() + 0.01


def test_many_factors_hide_the_bias_and_the_net_wants_time() -> None:
    table = datasets.measured("ladder").query("data == 'sample'")
    mean = table.groupby(["n_factors", "rung"])["valid"].mean()
    gain = {k: mean[k, "+ range"] - mean[k, "+ bias"] for k in (1, 5, 50)}
    assert gain[1] > 0.3 and gain[1] > gain[5] > gain[50] > 0 and gain[50] < 0.02
    for k in (1, 5, 50):
        assert mean[k, "neural net"] > mean[k, "+ bias"] + 0.1
    assert mean[50, "neural net, 20 epochs"] < mean[50, "neural net"] - 0.05
    assert mean[50, "neural net, 20 epochs"] > mean[50, "+ bias"]
    assert mean[0, "means only"] < mean[1, "dot product"]


def test_on_movielens_each_rung_helps_but_the_net() -> None:
    table = datasets.measured("ladder").query("data == 'ml-100k' and n_factors == 50")
    mean = table.groupby("rung")["valid"].mean()
    rungs = ["dot product", "+ range", "+ bias", "+ weight decay"]
    assert (mean[rungs].diff().dropna() < -0.005).all()
    assert mean["neural net, 20 epochs"] > mean["+ weight decay"] + 0.03
    assert mean["+ bias"] < 0.8926 - 0.05  # the book's


def test_the_bias_finds_the_quality_in_every_simulation() -> None:
    table = datasets.measured("quality")
    mean = table.groupby(["simulation", "score"])["correlation"].mean().unstack()
    others = mean.drop(columns="learned bias").max(axis=1)
    assert len(mean) == 4 and (mean["learned bias"] > others + 0.08).all()


def test_both_orders_always_draw_the_map_and_one_order_does_not() -> None:
    table = datasets.measured("atlas").groupby(["arm", "wd"])["r2"]
    low, high = table.min(), table.max()
    assert (table.size() == 8).all()
    assert (low["both orders"] > 0.99).all()
    assert low["one order, by a coin", 0.1] > 0.99 and low["one order, by a coin", 0] < 0.7
    assert (high["one order, alphabetical"] < 0.96).all()


def test_the_alphabet_leaves_three_places_without_enough_pairs() -> None:
    table = datasets.measured("atlas").query("arm == 'one order, alphabetical'")
    assert (table["r2_without_3"] > 0.98).all() and (table["r2"] < 0.96).all()


def test_one_factor_gains_32_hundredths_from_the_bias_in_four_seeds_of_five() -> None:
    table = datasets.measured("ladder").query("data == 'sample' and n_factors == 1")
    part = table.groupby("rung")["valid"]
    before, after = sorted(part.get_group("+ range")), part.get_group("+ bias").mean()
    assert before[-1] > 1.4 and all(abs(one - 1.12) < 0.005 for one in before[:4])
    assert round(100 * (1.12 - after)) == 32

"""Notebook 02's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lesson5_utils.exercises import bias as check


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x, a, b: a + (b - a) * x.exp() / (1 + x.exp()), "infinity divided by infinity"),
        (lambda x, a, b: (a + (b - a) * x.exp() / (1 + x.exp())).tolist(), "infinity divided"),
        (lambda x, a, b: a + (b - a) / (1 + (-x).exp()), "its gradient is not a number"),
        (lambda x, a, b: (a + (b - a) * x.sigmoid()).detach(), "no gradient flows back to `x`"),
        (lambda x, a, b: a + (b - a) * x.sigmoid().round(), "difference"),
        (lambda x, a, b: x.clamp_(a, b), "you cut off at the ends"),
    ],
)
def test_to_range_refuses(answer: Any, phrase: str) -> None:
    report = check.to_range(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, a, b: x.sigmoid() * (b - a) + a,
        lambda x, a, b: a + (b - a) * (1 + (x / 2).tanh()) / 2,
        lambda x, a, b: b - (b - a) * torch.sigmoid(-x),
        lambda x, a, b: [a + (b - a) * one.sigmoid() for one in x],
    ],
)
def test_to_range_accepts(answer: Any) -> None:
    report = check.to_range(answer)
    assert report.status == "right", report.text


def test_biases_of_squared_distance_may_be_columns() -> None:
    report = check.squared_distance(
        lambda x, y: (
            x.square().sum(1, keepdim=True),
            y.square().sum(1, keepdim=True),
            x * -2,
            y,
        )
    )
    assert report.status == "right", report.text


def test_squared_distance_told_what_is_missing() -> None:
    assert "Return four things" in check.squared_distance(lambda x, y: (x, y)).text
    swapped = check.squared_distance(lambda x, y: [-2 * x, y, (x**2).sum(1), (y**2).sum(1)])
    assert "The two biases come first" in swapped.text and "not [2, 2]" in swapped.text


def test_shrink_refuses_whole_division() -> None:
    assert "//" in check.shrink(lambda total, count, strength: total // (count + strength)).text


@pytest.mark.parametrize("check_of", [check.reading, check.newcomers])
def test_a_value_is_told_by_what_differs(check_of: Any) -> None:
    right = check_of.reference()
    assert check_of(right).status == "right"
    assert check_of({key: value.upper() for key, value in right.items()}).status == "right"
    assert check_of(dict.fromkeys(right, ...)).status == "unanswered"
    assert "Unknown choice 'because'" in check_of({**right, next(iter(right)): "because"}).text
    wrong = check_of(list(right.values()))
    assert wrong.status == "wrong" and "Expected the keys" in wrong.text


@pytest.mark.parametrize("kind", ["above", "below"])
def test_one_word_for_all_films_is_refused(kind: str) -> None:
    assert check.reading(dict.fromkeys(check.reading.reference(), kind)).status == "wrong"


@pytest.mark.parametrize(
    ("key", "phrase"),
    [
        ("seen by those whom it suits", "The match explains their praise"),
        ("seen by everybody", "stands higher beside them"),
        ("rated by strict users", "the film is not blamed"),
        ("rated four times, 5 stars each", "four ratings are few steps"),
    ],
)
def test_the_film_that_is_read_wrong_is_named(key: str, phrase: str) -> None:
    right = check.reading.reference()
    other = {"above": "below", "below": "above"}[right[key]]
    assert phrase in " ".join(check.reading({**right, key: other}).text.split())


def test_a_range_typed_in_is_refused() -> None:
    report = check.to_range(lambda x, a, b: 5.5 * torch.sigmoid(x))
    assert report.status == "wrong"


def test_shrink_towards_another_mean_is_refused() -> None:
    assert check.shrink(lambda t, n, s: (t + 3.5 * s) / (n + s)).status == "wrong"
    assert check.shrink(lambda t, n, s: torch.stack(list(t / (n + s)))).status == "right"


def test_shrink_refuses_a_mean_of_no_ratings() -> None:
    report = check.shrink(lambda total, count, s: (total / count) * (count / (count + s)))
    assert report.status == "wrong" and "0 / 0" in report.text


@pytest.mark.parametrize("pair", ["AB", "AC", "AD", "BC", "BD", "CD"])
def test_two_causes_swapped_are_named(pair: str) -> None:
    right = check.newcomers.reference()
    first, second = pair
    report = check.newcomers({**right, first: right[second], second: right[first]})
    told = " ".join(report.text.split())
    assert report.status == "wrong" and (f"{first} and {second}." in told or "swapped" in told)

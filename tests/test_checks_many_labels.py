"""Notebook 08's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses
from sklearn.metrics import precision_recall_fscore_support

from lesson5_utils.exercises import many_labels as check

# --- bce ---------------------------------------------------------------------------------


def shares(p: Any, t: Any) -> Any:
    return -(t * p.log() + (1 - t) * (1 - p).log()).mean()


def plus(p: Any, t: Any, least: float) -> Any:
    return -(t * (p + least).log() + (1 - t) * (1 - p + least).log()).mean()


def cut(z: Any, t: Any) -> Any:
    p = z.sigmoid()
    logs = p.log().clamp(min=-100), (1 - p).log().clamp(min=-100)
    return -(t * logs[0] + (1 - t) * logs[1]).mean()


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda z, t: shares(z.sigmoid().clamp(1e-7, 1 - 1e-7), t), "1e-07 away from 0 and 1"),
        (lambda z, t: shares(z.sigmoid().clip(1e-5, 1 - 1e-5), t), "1e-05 away from 0 and 1"),
        (lambda z, t: shares(z.sigmoid().clamp(0.01, 0.99), t), "difference"),
        (cut, "the log is cut off at -100"),
        (lambda z, t: plus(z.sigmoid(), t, 1e-8), "you add 1e-08 inside the logs"),
        (lambda z, t: plus(z.sigmoid(), t, 1e-6), "you add 1e-06 inside the logs"),
        (lambda z, t: F.binary_cross_entropy_with_logits(z.sigmoid(), t), "twice"),
        (lambda z, t: (F.softplus(z) - t * z).sum(), "take their mean"),
        (lambda z, t: F.softplus(z.clamp(-30, 30)).mean() - (t * z).mean(), "difference"),
        (lambda z, t: shares(1 / (1 + (-z).exp()), t), "right for small scores"),
        (lambda z, t: F.binary_cross_entropy_with_logits(z, t).item(), "no gradient flows"),
        (
            lambda z, t: torch.where(z > 30, z, z.exp().log1p()).sub(t * z).mean(),
            "its gradient is not a number (nan)",
        ),
    ],
)
def test_bce_refuses(answer: Any, phrase: str) -> None:
    refuses(check.bce, answer, phrase)


def test_a_clamp_is_not_told_about_a_function_that_was_never_called() -> None:
    report = check.bce(lambda z, t: shares(z.sigmoid().clamp(1e-7, 1 - 1e-7), t))
    assert "binary_cross_entropy" not in report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda z, t: F.binary_cross_entropy_with_logits(z, t),
        lambda z, t: (z.clamp(min=0) - z * t + (-z.abs()).exp().log1p()).mean(),
        lambda z, t: -(t * F.logsigmoid(z) + (1 - t) * F.logsigmoid(-z)).mean(),
        lambda z, t: (torch.logaddexp(z, torch.zeros_like(z)) - t * z).sum() / z.numel(),
        lambda z, t: F.softplus(torch.where(t == 1, -z, z)).mean(),
    ],
)
def test_bce_accepts(answer: Any) -> None:
    accepts(check.bce, answer)


def test_bce_is_for_likes_as_well_which_are_no_table() -> None:
    refuses(
        check.bce, lambda z, t: (F.softplus(z) - t * z).mean(dim=1).mean(), "dim=1 is not there"
    )


# --- f1 ----------------------------------------------------------------------------------


def counts(named: Any, true: Any) -> tuple[float, float, float]:
    return float((named & true).sum()), float(named.sum()), float(true.sum())


def shares_of(named: Any, true: Any, least: float = 1e-9) -> Any:
    hits, said, there = counts(named, true)
    return (
        hits / max(said, least),
        hits / max(there, least),
        2 * hits / max(said + there, least),
    )


def sure(named: Any, true: Any) -> Any:
    hits, said, there = counts(named, true)
    p, r = hits / said if said else 0.0, hits / there if there else 0.0
    return p, r, 2 * p * r / (p + r) if p + r else 0.0


@pytest.mark.parametrize(
    "answer",
    [
        shares_of,
        sure,
        lambda named, true: torch.stack([torch.as_tensor(one) for one in sure(named, true)]),
        lambda named, true: np.array(sure(named, true)),
        lambda named, true: [torch.nan_to_num(torch.as_tensor(v)) for v in sure(named, true)],
    ],
)
def test_f1_accepts(answer: Any) -> None:
    accepts(check.f1, answer)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda n, t: sure(n, t)[2], "Expected 3 values"),
        (lambda n, t: (sure(n, t)[1], sure(n, t)[0], sure(n, t)[2]), "exchanged"),
        (lambda n, t: (*sure(n, t)[:2], sum(sure(n, t)[:2]) / 2), "plain mean"),
        (lambda n, t: tuple(100 * one for one in sure(n, t)), "in percent"),
        (lambda n, t: (*sure(n, t)[:2], float((n == t).float().mean())), "Value 3"),
        (lambda n, t: (1.0, *sure(n, t)[1:]) if not n.any() else sure(n, t), "Value 1"),
        (lambda n, t: (0.5, 1 / 3, 0.4), "Value 1"),
        (lambda n, t: tuple(round(one, 2) for one in sure(n, t)), "Value"),
        (lambda n, t: shares_of(n, t, least=2), "Value"),
    ],
)
def test_f1_refuses(answer: Any, phrase: str) -> None:
    refuses(check.f1, answer, phrase)


def test_f1_is_sklearns_over_all_labels() -> None:
    generator = torch.Generator().manual_seed(0)
    named, true = (torch.rand(50, 10, generator=generator) < 0.3 for _ in range(2))
    theirs = precision_recall_fscore_support(true, named, average="micro")[:3]
    assert [float(one) for one in check.f1.reference(named, true)] == pytest.approx(theirs)


def test_f1_hands_on_numbers_as_tensors_of_one() -> None:
    used = check.f1.use(sure)
    named = torch.tensor([[True, False]])
    assert [float(one) for one in used(named, named)] == [1, 1, 1]


# --- thresholds --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ({"game": 0.5, "archive": 0.8, "bank": 0.1}, "turned round"),
        ({"game": 0.5, "archive": 0.5, "bank": 0.5}, "0.5 suits those"),
        ({"game": 1, "archive": 0.25, "bank": 9}, "the ratio of the two costs"),
        ({"game": 0.5, "archive": 0.25, "bank": 0.9}, "archive"),
        ({"game": 50, "archive": 20, "bank": 90}, "in percent"),
        ({"game": 0.5, "archive": 0.2}, "Expected the keys"),
    ],
)
def test_thresholds_refuses(answer: Any, phrase: str) -> None:
    refuses(check.thresholds, answer, phrase)


def test_thresholds_takes_fractions() -> None:
    accepts(check.thresholds, {"game": 1 / 2, "archive": 1 / (1 + 4), "bank": 9 / (9 + 1)})


# --- negatives ---------------------------------------------------------------------------


def by_loop(users: Any, known: Any) -> Any:
    return [random.choice((~known[u]).nonzero().flatten().tolist()) for u in users]


def by_numpy(users: Any, known: Any) -> Any:
    free = (~known).numpy().astype(float)
    chances = free / free.sum(axis=1, keepdims=True)
    return np.array([np.random.choice(len(chances[u]), p=chances[u]) for u in users.tolist()])


def by_order(users: Any, known: Any) -> Any:
    return torch.rand(known[users].shape).masked_fill(known[users], -1).argmax(dim=1)


@pytest.mark.parametrize(
    "answer",
    [
        by_loop,
        by_numpy,
        by_order,
        lambda users, known: torch.multinomial((~known[users]).float(), 1).squeeze(1),
    ],
)
def test_negatives_accepts(answer: Any) -> None:
    accepts(check.negatives, answer)
    users, known = torch.tensor([0, 1]), torch.tensor([[True, False], [False, True]])
    films = check.negatives.use(answer)(users, known)
    assert films.dtype == torch.int64 and films.tolist() == [1, 0]


def seeded(users: Any, known: Any) -> Any:
    torch.manual_seed(0)
    return by_order(users, known)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda users, known: by_order(users, known).float(), "whole numbers"),
        (lambda users, known: by_order(users, known)[:, None], "one film for each row"),
        (lambda users, known: by_order(users, known)[:1], "one film for each row"),
        (lambda users, known: by_order(users, known) + 1, "already known of their user"),
        (lambda users, known: users * 0 - 1, "films 0 to"),
        (lambda users, known: by_order(users, ~known), "the very films that *are* known"),
        (lambda users, known: (~known[users]).float().argmax(dim=1), "the same film"),
        (lambda users, known: (~known[users]).float().cumsum(1).argmax(dim=1), "the same film"),
        (lambda users, known: by_order(users, known.any(0).expand_as(known)), "already known"),
        (seeded, "do not set a seed inside"),
        (lambda users, known: "films", "Return a tensor of films"),
        (lambda users, known: [None] * len(users), "Return a tensor of films"),
    ],
)
def test_negatives_refuses(answer: Any, phrase: str) -> None:
    refuses(check.negatives, answer, phrase)


def test_negatives_leaves_what_it_was_given_alone() -> None:
    def marks(users: Any, known: Any) -> Any:
        films = by_order(users, known)
        known[users, films] = True
        return films

    assert check.negatives(marks).status == "wrong"


def test_a_film_that_another_user_is_known_to_like_may_be_drawn() -> None:
    def only_new(users: Any, known: Any) -> Any:
        nobody = known.any(dim=0)
        weights = (~known[users]) & ~nobody if (~nobody).any() else ~known[users]
        weights[~weights.any(dim=1)] = ~known[users][~weights.any(dim=1)]
        return torch.multinomial(weights.float(), 1).squeeze(1)

    assert check.negatives(only_new).status == "wrong"


# --- taggers -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "phrase"),
    [
        ({"C": "threshold too high", "D": "softmax instead of sigmoid"}, "exchanged"),
        ({"B": "threshold too low"}, "squeezes every probability"),
        ({"A": "softmax instead of sigmoid", "C": "only the largest is named"}, "exactly one"),
        ({"D": "threshold too low"}, "Not yet: D"),
        ({"D": "too high"}, "no choice"),
    ],
)
def test_taggers_refuses(other: dict[str, str], phrase: str) -> None:
    report = check.taggers(check.taggers.reference() | other)
    assert report.status == "wrong"
    if phrase != "no choice":
        assert phrase in report.text, report.text

"""Checks for notebook 08: binary cross-entropy, F1, where to cut, sampled negatives, and what
ails a model that names labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lesson5_utils.exercises import (
    WrongForm,
    exercise,
    real_numbers,
    whole_numbers,
)
from lesson5_utils.exercises.engine.compare import numbers

__all__ = ["bce", "f1", "negatives", "taggers", "thresholds"]

# --- bce ---------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([[1.0, -2.0]]), torch.tensor([[1.0, 0.0]])),
        (real_numbers(3, 4), (whole_numbers(3, 4, seed=1) > 0).float()),
        (torch.tensor([[1000.0, -1000.0, 1000.0]]), torch.tensor([[0.0, 1.0, 1.0]])),
        (torch.tensor([[-0.5]]), torch.tensor([[1.0]])),
        (real_numbers(5, seed=2), torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0])),
    ],
    gradients=["scores"],
    why="Each label is a cat-and-dog table of its own, so any number of them can be true at "
    "once. And a score of 1000 on the wrong side costs 1000, not infinity.",
)
def bce(scores: Tensor, targets: Tensor) -> Tensor:
    return (F.softplus(scores) - targets * scores).mean()


def _from_shares(p: Tensor, targets: Tensor) -> Tensor:
    return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()


bce.slip(
    "right for small scores, but at 1000 a power of e is infinite, or the probability is "
    "exactly 1 and the log of 1 − p infinite: go from the score to the log in one step, with "
    "softplus.",
    lambda z, t: _from_shares(z.sigmoid(), t),
)
bce.slip(
    "right for small scores, but the log is cut off at -100, as PyTorch's binary_cross_entropy "
    "does it, so 1000 costs 100 and has no gradient: go from the score to the log in one step, "
    "with softplus.",
    lambda z, t: F.binary_cross_entropy(z.sigmoid(), t),
)
for _least in (1e-7, 1e-6, 1e-5, 1e-4):
    bce.slip(
        f"you keep the probabilities {_least:g} away from 0 and 1. Then a score of 1000 on the "
        "wrong side costs no more than one of 20, and has no gradient: go from the score to "
        "the log in one step, with softplus.",
        lambda z, t, least=_least: _from_shares(z.sigmoid().clamp(least, 1 - least), t),
    )
for _least in (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6):
    bce.slip(
        f"you add {_least:g} inside the logs. Then a score of 1000 on the wrong side costs no "
        "more than one of 30, and has no gradient: go from the score to the log in one step, "
        "with softplus.",
        lambda z, t, least=_least: (
            -(
                t * (z.sigmoid() + least).log() + (1 - t) * (1 - z.sigmoid() + least).log()
            ).mean()
        ),
    )
bce.slip(
    "the scores become probabilities twice: a function with_logits takes the raw scores.",
    lambda z, t: F.binary_cross_entropy_with_logits(z.sigmoid(), t),
)
bce.slip(
    "you added up over all numbers; take their mean.",
    lambda z, t: (F.softplus(z) - t * z).sum(),
)
bce.slip(
    "the value is right, but its gradient is not a number (nan): torch.where works out both "
    "sides, and infinity came in on the one that it did not choose. F.softplus takes "
    "care of that.",
    lambda z, t: (torch.where(z > 20, z, (1 + z.exp()).log()) - t * z).mean(),
)
bce.slip(
    "the minus is missing: logarithms of probabilities are negative, a loss is not.",
    lambda z, t: -(F.softplus(z) - t * z).mean(),
)
bce.slip(
    "only the labels that are 1 count in it. A model that says yes to everything would be "
    "perfect: add the part for the labels that are 0.",
    lambda z, t: (t * F.softplus(-z)).mean(),
)
bce.slip(
    "yes and no are swapped: −log p, for a target of 1, is softplus(−score).",
    lambda z, t: (F.softplus(-z) + t * z).mean(),
)
bce.slip(
    "that is a softmax over the labels: they would have to share one probability. Each label "
    "needs its own sigmoid.",
    lambda z, t: -(t * z.log_softmax(dim=-1)).mean(),
)
bce.slip(
    "you added up over the labels; take the mean over all numbers.",
    lambda z, t: (F.softplus(z) - t * z).sum(dim=-1).mean(),
)
bce.slip(
    "dim=1 is not there when each row has one answer only, as a like has: take the mean over "
    "all numbers at once, .mean().",
    lambda z, t: (F.softplus(z) - t * z).mean(dim=1).mean(),
)

# --- f1 ----------------------------------------------------------------------------------

Three = tuple[Tensor, Tensor, Tensor]


def _table(*rows: str) -> Tensor:
    """Rows of 0 and 1 as truths [rows, labels]."""
    return torch.tensor([[one == "1" for one in row] for row in rows])


def _some(n: int, labels: int, share: float, seed: int) -> Tensor:
    return torch.rand(n, labels, generator=torch.Generator().manual_seed(seed)) < share


def _nothing(n: int, labels: int) -> Tensor:
    return torch.zeros(n, labels, dtype=torch.bool)


@exercise(
    cases=lambda: [
        (_table("1010", "0000"), _table("1100", "0001")),
        (_some(30, 10, 0.3, 0), _some(30, 10, 0.2, 1)),
        (_some(7, 1, 0.5, 2), _some(7, 1, 0.5, 3)),
        (_table("0110", "1000"), _table("0110", "1000")),
        (_table("01"), _table("01")),
        (_nothing(3, 4), _some(3, 4, 0.5, 4)),
        (_some(3, 4, 0.5, 5), _nothing(3, 4)),
        (_nothing(2, 3), _nothing(2, 3)),
    ],
    why="Whoever names nothing gets 0 now, however few labels are true. And what is rightly "
    "not named appears nowhere: that is what made silence look so good.",
)
def f1(named: Tensor, true: Tensor) -> Three:
    return _from_counts((named & true).sum(), named.sum(), true.sum())


def _from_counts(hits: Tensor, said: Tensor, there: Tensor) -> Three:
    precision, recall = hits / said.clamp(min=1), hits / there.clamp(min=1)
    return precision, recall, 2 * hits / (said + there).clamp(min=1)


def _unguarded(named: Tensor, true: Tensor) -> Three:
    hits = (named & true).sum()
    precision, recall = hits / named.sum(), hits / true.sum()
    return precision, recall, 2 * precision * recall / (precision + recall)


def _mean_over(dim: int) -> Callable[[Tensor, Tensor], Three]:
    """Three numbers for each row, or column, and their mean."""

    def answer(named: Tensor, true: Tensor) -> Three:
        counts = (named & true).sum(dim), named.sum(dim), true.sum(dim)
        precision, recall, both = (part.mean() for part in _from_counts(*counts))
        return precision, recall, both

    return answer


f1.slip(
    "0 / 0 is not a number (nan). It comes when nothing is named, when nothing is true, or "
    "when precision and recall are both 0: there the share is 0.",
    _unguarded,
)


@f1.slip(
    "0 / 0 is not a number (nan): precision and recall are cared for, but their sum, under "
    "the line of F1, may be 0 as well."
)
def _(named: Tensor, true: Tensor) -> Three:
    precision, recall, _ = f1.reference(named, true)
    return precision, recall, 2 * precision * recall / (precision + recall)


f1.slip(
    "precision and recall are exchanged: precision is the share of what is *named* that is "
    "true, recall the share of what is *true* that is named.",
    lambda named, true: [f1.reference(named, true)[i] for i in (1, 0, 2)],
)
f1.slip(
    "the order is another one: return precision, then recall, then F1.",
    lambda named, true: [f1.reference(named, true)[i] for i in (2, 0, 1)],
)
f1.slip(
    "that is the plain mean of precision and recall. Who names everything would get more than "
    "0.5 by it: take 2 · precision · recall / (precision + recall).",
    lambda named, true: (
        *f1.reference(named, true)[:2],
        sum(f1.reference(named, true)[:2]) / 2,
    ),
)
f1.slip(
    "these are in percent; give shares, from 0 to 1.",
    lambda named, true: tuple(100 * part for part in f1.reference(named, true)),
)
f1.slip(
    "the 2 is missing: a perfect answer would have an F1 of 0.5.",
    lambda named, true: (*f1.reference(named, true)[:2], f1.reference(named, true)[2] / 2),
)
f1.slip(
    "you count as a hit what is rightly *not* named, so silence looks good again. A hit is "
    "named and true.",
    lambda named, true: _from_counts((named == true).sum(), named.sum(), true.sum()),
)
f1.slip(
    "that is one F1 for each picture, then their mean. A picture without a digit then counts "
    "as much as one with two: count over all pictures first, divide then.",
    _mean_over(1),
)
f1.slip(
    "that is one F1 for each label, then their mean. Count over all labels first, divide then.",
    _mean_over(0),
)
f1.slip(
    "your third number is hits / (named or true). F1 counts the hits twice: 2 · hits / (named "
    "+ true).",
    lambda named, true: (
        *f1.reference(named, true)[:2],
        (named & true).sum() / (named | true).sum().clamp(min=1),
    ),
)
f1.slip(
    "// drops everything after the point: divide by /.",
    lambda named, true: tuple(
        torch.as_tensor(float(int(part))) for part in f1.reference(named, true)
    ),
)

# --- thresholds --------------------------------------------------------------------------


@exercise(
    kind="predict",
    why="Naming a label of probability p costs (1 − p) · wrong on average, and silence p · "
    "missed. The two are equal at wrong / (wrong + missed). Only the ratio counts, and "
    "nothing in it had to be trained.",
)
def thresholds() -> dict[str, float]:
    return {"game": 0.5, "archive": 0.2, "bank": 0.9}


thresholds.slip(
    "archive and bank are turned round. Whoever pays more for a missed label must name at "
    "smaller probabilities, so at a lower threshold.",
    lambda: {"game": 0.5, "archive": 0.8, "bank": 0.1},
)
thresholds.slip(
    "that is wrong / missed, the ratio of the two costs, and 9 is no probability. Let p be the "
    "probability: naming costs (1 − p) · wrong on average, silence p · missed. Where are they "
    "equal?",
    lambda: {"game": 1.0, "archive": 0.25, "bank": 9.0},
)
thresholds.slip(
    "that is missed / wrong. Let p be the probability: naming costs (1 − p) · wrong on "
    "average, silence p · missed. Where are they equal?",
    lambda: {"game": 1.0, "archive": 4.0, "bank": 1 / 9},
)
thresholds.slip(
    "these are in percent; give probabilities, between 0 and 1.",
    lambda: {"game": 50.0, "archive": 20.0, "bank": 90.0},
)
thresholds.slip(
    "0.5 suits those for whom both mistakes cost the same: the game. The other two pay "
    "differently.",
    lambda: {"game": 0.5, "archive": 0.5, "bank": 0.5},
)

# --- negatives ---------------------------------------------------------------------------


def _drawn(draw: Callable[[Tensor, Tensor], Any], users: Tensor, known: Tensor) -> Any:
    """What the films that an answer draws, twice, have in common."""
    films = [_films(draw(users, known), users, known) for _ in range(2)]
    for one in films:
        if count := int(known[users, one].sum()):
            raise WrongForm(
                f"{count:,} of {len(users):,} films drawn are already known of their user. "
                "The table `known` says which: known[users, films] is True there"
            )
    for user in users.unique():
        _evenly(torch.cat([one[users == user] for one in films]), ~known[user])
    if len(users) > 99 and torch.equal(*films):
        raise WrongForm(
            "two calls gave the very same films: do not set a seed inside, or every draw is "
            "the same"
        )
    return {"films": "free, each as often as any other"}


def _films(result: Any, users: Tensor, known: Tensor) -> Tensor:
    """The films [n] as int64.

    Raises:
        WrongForm: they are no codes of films, one for each row.
    """
    try:
        made = numbers(result)
    except Exception:
        raise WrongForm("return a tensor of films [n], one for each row of users") from None
    if made.shape != (len(users),):
        raise WrongForm(
            f"return one film for each row of users, shape {[len(users)]}; yours has shape "
            f"{list(made.shape)}"
        )
    if made.dtype.kind not in "iu":
        raise WrongForm(
            "films are codes, whole numbers, with which an embedding looks up a row; yours are "
            f"of the kind {made.dtype}"
        )
    films = torch.from_numpy(made.astype(np.int64))
    if ((films < 0) | (films >= known.shape[1])).any():
        raise WrongForm(
            f"there are films 0 to {known.shape[1] - 1}, and you drew {int(films.min())} to "
            f"{int(films.max())}"
        )
    return films


def _evenly(films: Tensor, free: Tensor) -> None:
    """Refuse draws for one user that prefer some of the films that are free for her."""
    fair = len(films) / int(free.sum())
    if fair < 30:  # too few to say
        return
    counts = films.bincount(minlength=len(free))[free]
    if int((counts > 0).sum()) == 1 < len(counts):
        raise WrongForm(
            "all rows of one user got the same film, though others are free for her as well: "
            "draw for each row anew"
        )
    if (counts == 0).any():
        raise WrongForm(
            "some films that are free for a user are never drawn. Ask her own row, "
            "known[user]: a film that is known of others may be free for her"
        )
    if ((counts - fair).abs() > 6 * fair**0.5).any():
        raise WrongForm(
            "some free films come much more often than others. Each of them must have the "
            "same chance: after a known film, draw afresh"
        )


def _crowd(n: int) -> tuple[Tensor, Tensor]:
    """Three users, n rows of each, mixed; and what is known of them and six films: half,
    one, and all but one."""
    known = _table("101010", "000100", "111011")
    return torch.arange(3).repeat(n), known


@exercise(
    cases=lambda: [
        (torch.tensor([0, 1, 1, 2]), _table("0111", "1011", "1101")),
        _crowd(600),
        (torch.tensor([2] * 500 + [0] * 500), _some(3, 12, 0.6, 3)),
    ],
    through=_drawn,
    why="A film drawn here is not a film that she dislikes. It is one of which we know "
    "nothing, and we call it 0: remember that when you read the model's answers.",
)
def negatives(users: Tensor, known: Tensor) -> Tensor:
    films = torch.randint(known.shape[1], (len(users),))
    while (again := known[users, films]).any():
        films[again] = torch.randint(known.shape[1], (int(again.sum()),))
    return films


def _once(users: Tensor, known: Tensor) -> Tensor:
    films = torch.randint(known.shape[1], (len(users),))
    again = known[users, films]
    films[again] = torch.randint(known.shape[1], (int(again.sum()),))
    return films


def _any_film(users: Tensor, known: Tensor) -> Tensor:
    return torch.randint(known.shape[1], (len(users),))


def _next_film(users: Tensor, known: Tensor) -> Tensor:
    films = torch.randint(known.shape[1], (len(users),))
    while (again := known[users, films]).any():
        films[again] = (films[again] + 1) % known.shape[1]
    return films


def _weighted(weights: Tensor) -> Tensor:
    return torch.multinomial(weights.float(), 1).squeeze(1)


negatives.slip(
    "these are any films, known or not. Look them up in known[users, films], and draw again "
    "where that is True.",
    _any_film,
)
negatives.slip(
    "one more draw is not enough: the second film may be a known one, too. Draw again *while* "
    "there are any.",
    _once,
)
negatives.slip(
    "these are the very films that *are* known of each user: ~known says which are free.",
    lambda users, known: _weighted(known[users]),
)
negatives.slip(
    "you took the rows of `known` one after the other; row i of the answer belongs to "
    "users[i]: known[users].",
    lambda users, known: _weighted(~known[torch.arange(len(users)) % len(known)]),
)
negatives.slip(
    "all rows of one user got the same film, though others are free for her as well: draw for "
    "each row anew.",
    lambda users, known: _weighted(~known)[users],
)
negatives.slip(
    "some free films come much more often than others. Each of them must have the same "
    "chance: after a known film, draw afresh.",
    _next_film,
)

# --- taggers -----------------------------------------------------------------------------

_CAUSES = (
    "threshold too high",
    "threshold too low",
    "only the largest is named",
    "softmax instead of sigmoid",
    "sigmoid twice",
)


@exercise(
    kind="diagnose",
    choices=_CAUSES,
    why="How many labels a model names, on pictures with none, one and two, tells more than "
    "any score. And only C has to be trained again; the others answer badly from good scores.",
)
def taggers() -> dict[str, str]:
    return {
        "A": "only the largest is named",
        "B": "sigmoid twice",
        "C": "softmax instead of sigmoid",
        "D": "threshold too high",
    }


def _told(**other: str) -> Callable[[], dict[str, str]]:
    return lambda: taggers.reference() | other


taggers.slip(
    "C and D are exchanged. A threshold that is too high loses labels in all pictures, also "
    "where there is one digit; C is nearly right there, and gets worse with the second digit.",
    _told(C="threshold too high", D="softmax instead of sigmoid"),
)
taggers.slip(
    "B names all ten digits, also in an empty picture, at the ordinary threshold of 0.5. What "
    "squeezes every probability into the upper half?",
    _told(B="threshold too low"),
)
taggers.slip(
    "A names exactly one label, also where there is none. Ten shares of an empty picture "
    "would all be far below one half.",
    _told(A="softmax instead of sigmoid", C="only the largest is named"),
)

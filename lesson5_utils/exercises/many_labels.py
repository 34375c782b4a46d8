"""Checks for notebook 08: binary cross-entropy."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lesson5_utils.exercises import (
    exercise,
    real_numbers,
    whole_numbers,
)

__all__ = ["bce"]


# --- bce ---------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([[1.0, -2.0]]), torch.tensor([[1.0, 0.0]])),
        (real_numbers(3, 4), (whole_numbers(3, 4, seed=1) > 0).float()),
        (torch.tensor([[1000.0, -1000.0, 1000.0]]), torch.tensor([[0.0, 1.0, 1.0]])),
        (torch.tensor([[-0.5]]), torch.tensor([[1.0]])),
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
    lambda z, t: -(t * z.log_softmax(dim=1)).mean(),
)
bce.slip(
    "you added up over the labels; take the mean over all numbers.",
    lambda z, t: (F.softplus(z) - t * z).sum(dim=1).mean(),
)

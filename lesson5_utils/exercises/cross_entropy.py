"""Checks for notebook 07: the loss as a lookup, log-softmax, its gradient, BCE, calibration."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from lesson5_utils.exercises import Exercise, Slip, whole_numbers

__all__ = ["bce", "calibration_error", "gradient", "log_softmax", "nll"]

# --- nll ---------------------------------------------------------------------------------


def _picked(log_p: Tensor, y: Tensor) -> Tensor:
    return log_p[torch.arange(len(y)), y]


nll = Exercise(
    name="nll",
    reference=lambda log_p, y: -_picked(log_p, y).mean(),
    cases=lambda: [
        (torch.tensor([[-1.0, -2.0], [-5.0, -3.0]]), torch.tensor([1, 0])),
        (-whole_numbers(3, 4).abs() - 1, torch.tensor([2, 0, 2])),
        (-whole_numbers(5, 3, seed=1).abs() - 0.5, torch.tensor([1, 1, 2, 0, 2])),
    ],
    why="The true class picks one number of its row: the sum with a one-hot, the if and the "
    "lookup are the same thing, and only the lookup does no arithmetic with zeros.",
    slips=[
        Slip(
            "the minus is missing: logarithms of probabilities are negative, a loss is not.",
            lambda log_p, y: _picked(log_p, y).mean(),
        ),
        Slip(
            "log_p[:, y] picks all the classes in y from every row. Each row needs its own "
            "class: log_p[torch.arange(len(y)), y].",
            lambda log_p, y: -log_p[:, y].mean(),
        ),
        Slip(
            "you added up instead of taking the mean: the loss then grows with the batch.",
            lambda log_p, y: -_picked(log_p, y).sum(),
        ),
        Slip(
            "you took the highest of each row. That rewards the model for being sure, "
            "whether it is right or not: look up the true class.",
            lambda log_p, y: -log_p.amax(dim=1).mean(),
        ),
        Slip(
            "you took the mean over all classes as well: of each row only one number counts, "
            "so divide by the number of rows.",
            lambda log_p, y: -(F.one_hot(y, log_p.shape[1]) * log_p).mean(),
        ),
    ],
)

# --- log_softmax -------------------------------------------------------------------------


def _shifted(scores: Tensor) -> Tensor:
    return scores - scores.amax(dim=1, keepdim=True)


def _global_shift(scores: Tensor) -> Tensor:
    shifted = scores - scores.max()
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


log_softmax = Exercise(
    name="log_softmax",
    reference=lambda scores: scores.log_softmax(dim=1),
    cases=lambda: [
        (torch.tensor([[0.0, 0.0], [1.0, 0.0], [-2.0, 3.0]]),),
        (whole_numbers(3, 4),),
        (torch.tensor([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -1000.0]]),),
    ],
    why="Nothing overflows, because the largest power is 1, and no log of 0 is taken, because "
    "the sum is at least 1. PyTorch's own log_softmax does the same.",
    slips=[
        Slip(
            "that is right for small scores, but e to the power of 1000 is infinite, and of "
            "-1000 it is 0: first subtract the largest score of each row.",
            lambda scores: (scores.exp() / scores.exp().sum(dim=1, keepdim=True)).log(),
        ),
        Slip(
            "the log-sum-exp itself still overflows: e to the power of 1000 is infinite. First "
            "subtract the largest score of each row.",
            lambda scores: scores - scores.exp().sum(dim=1, keepdim=True).log(),
        ),
        Slip(
            "the softmax is safe, but a small share became 0 before you took its log: take "
            "the log first, as shifted - log(sum of powers).",
            lambda scores: scores.softmax(dim=1).log(),
        ),
        Slip(
            "you subtracted the largest number of the whole table. A row far below it becomes "
            "all zeros: each row needs its own (keepdim=True).",
            _global_shift,
        ),
        Slip(
            "you subtracted the log of the shifted powers from the scores that are not "
            "shifted: use the same scores in both places.",
            lambda scores: scores - _shifted(scores).exp().sum(dim=1, keepdim=True).log(),
        ),
        Slip(
            "you added over the rows of the table. Each row is a picture: add over its "
            "classes, dim=1.",
            lambda scores: scores.log_softmax(dim=0),
        ),
        Slip(
            "the sum runs over the whole table. Each row needs its own: sum(dim=1, "
            "keepdim=True).",
            lambda scores: _shifted(scores) - _shifted(scores).exp().sum().log(),
        ),
        Slip(
            "without keepdim=True the largest score or the sum is a list [n], and does not fit "
            "to the rows of [n, classes].",
            lambda scores: _shifted(scores) - _shifted(scores).exp().sum(dim=1).log(),
        ),
        Slip(
            "that is the softmax; its logarithm is asked for.",
            lambda scores: scores.softmax(dim=1),
        ),
    ],
)

# --- gradient ----------------------------------------------------------------------------


def _p_minus_y(scores: Tensor, y: Tensor) -> Tensor:
    return scores.softmax(dim=1) - F.one_hot(y, scores.shape[1])


gradient = Exercise(
    name="gradient",
    reference=lambda scores, y: _p_minus_y(scores, y) / len(y),
    cases=lambda: [
        (torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])),
        (whole_numbers(4, 3), torch.tensor([2, 0, 1, 1])),
        (whole_numbers(3, 5, seed=1), torch.tensor([2, 0, 3])),
    ],
    why="What the model said minus what is true: every score is pushed in proportion to its "
    "own mistake, and the rows add up to 0.",
    slips=[
        Slip(
            "that is the gradient of the sum of the losses; the loss is a mean, so divide by "
            "the number of rows.",
            _p_minus_y,
        ),
        Slip(
            "the sign is wrong: y − p is the direction of the step, and the step goes against "
            "the gradient.",
            lambda scores, y: -_p_minus_y(scores, y) / len(y),
        ),
        Slip(
            "the softmax runs over the rows of the table. Each row is a picture: dim=1.",
            lambda scores, y: (scores.softmax(dim=0) - F.one_hot(y, scores.shape[1])) / len(y),
        ),
        Slip(
            "those are the probabilities alone: subtract 1 at the true class.",
            lambda scores, y: scores.softmax(dim=1) / len(y),
        ),
        Slip(
            "you divided by the number of all entries; the mean is over the rows only.",
            lambda scores, y: _p_minus_y(scores, y) / scores.numel(),
        ),
        Slip(
            "the softmax is missing: subtract the one-hot from probabilities, not from raw "
            "scores.",
            lambda scores, y: (scores - F.one_hot(y, scores.shape[1])) / len(y),
        ),
    ],
)

# --- bce ---------------------------------------------------------------------------------


def _naive_bce(scores: Tensor, targets: Tensor) -> Tensor:
    p = 1 / (1 + (-scores).exp())
    return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()


bce = Exercise(
    name="bce",
    reference=lambda scores, targets: (F.softplus(scores) - targets * scores).mean(),
    cases=lambda: [
        (torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])),
        (whole_numbers(3, 4), (whole_numbers(3, 4, seed=1) > 0).float()),
        (torch.tensor([[1000.0, -1000.0, 1000.0]]), torch.tensor([[0.0, 1.0, 1.0]])),
    ],
    why="Each label is a cat-and-dog table of its own, so any number of them can be true at "
    "once. And a score of 1000 on the wrong side costs 1000, not infinity.",
    slips=[
        Slip(
            "right for small scores, but at 1000 a power of e is infinite, or the probability "
            "is exactly 1 and the log of 1 − p infinite: go from the score to the log in one "
            "step, with softplus.",
            _naive_bce,
        ),
        Slip(
            "right for small scores, but PyTorch's binary_cross_entropy cuts off every log at "
            "-100, so 1000 costs 100 and has no gradient: go from the score to the log in one "
            "step, with softplus.",
            lambda scores, targets: F.binary_cross_entropy(scores.sigmoid(), targets),
        ),
        Slip(
            "the minus is missing: logarithms of probabilities are negative, a loss is not.",
            lambda scores, targets: -(F.softplus(scores) - targets * scores).mean(),
        ),
        Slip(
            "only the labels that are 1 count in it. A model that says yes to everything "
            "would be perfect: add the part for the labels that are 0.",
            lambda scores, targets: (targets * F.softplus(-scores)).mean(),
        ),
        Slip(
            "yes and no are swapped: −log p, for a target of 1, is softplus(−score).",
            lambda scores, targets: (F.softplus(-scores) + targets * scores).mean(),
        ),
        Slip(
            "that is a softmax over the labels: they would have to share one probability. "
            "Each label needs its own sigmoid.",
            lambda scores, targets: -(targets * scores.log_softmax(dim=1)).mean(),
        ),
        Slip(
            "you added up over the labels; take the mean over all numbers.",
            lambda scores, targets: (F.softplus(scores) - targets * scores).sum(dim=1).mean(),
        ),
    ],
)

# --- calibration_error -------------------------------------------------------------------


def _gaps(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    """In each bin: the sum of confidence minus the number of right answers."""
    place = (confidence * n_bins).long().clamp(max=n_bins - 1)
    inside = place == torch.arange(n_bins)[:, None]
    return (inside * (confidence - correct)).sum(dim=1)


def _counts(confidence: Tensor, n_bins: int) -> Tensor:
    place = (confidence * n_bins).long().clamp(max=n_bins - 1)
    return (place == torch.arange(n_bins)[:, None]).sum(dim=1)


def _mean_of_bins(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    count = _counts(confidence, n_bins)
    return (_gaps(confidence, correct, n_bins).abs() / count)[count > 0].mean()


calibration_error = Exercise(
    name="calibration_error",
    reference=lambda confidence, correct, n_bins: (
        _gaps(confidence, correct, n_bins).abs().sum() / len(confidence)
    ),
    cases=lambda: [
        (torch.tensor([0.6, 0.7, 0.8, 0.3]), torch.tensor([1.0, 0.0, 0.0, 1.0]), 2),
        (torch.tensor([1.0, 1.0, 0.9, 0.1]), torch.tensor([1.0, 0.0, 1.0, 1.0]), 4),
        (
            torch.tensor([0.15, 0.35, 0.35, 0.55, 0.95, 0.95, 0.95]),
            torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
            5,
        ),
        (torch.tensor([0.55, 0.65, 0.95, 0.95]), torch.tensor([1.0, 0.0, 1.0, 1.0]), 2),
    ],
    why="A model that is too sure in one bin and too modest in another cannot hide it, and a "
    "bin with few answers counts little.",
    slips=[
        Slip(
            "every bin counts the same there. Count it by the number of its answers, or a "
            "single answer in an empty corner weighs as much as a thousand.",
            _mean_of_bins,
        ),
        Slip(
            "an empty bin has no mean: 0 / 0 is nan, and one nan spoils the whole sum. Skip "
            "the empty bins, or add up in each bin and divide once, by n.",
            lambda confidence, correct, n_bins: (
                (
                    _gaps(confidence, correct, n_bins).abs()
                    / _counts(confidence, n_bins)
                    * _counts(confidence, n_bins)
                ).sum()
                / len(confidence)
            ),
        ),
        Slip(
            "too sure in one bin and too modest in another cancel: take the size of each "
            "bin's gap (abs) before you add up.",
            lambda confidence, correct, n_bins: (confidence - correct).mean(),
        ),
        Slip(
            "there are no bins in it: the abs of one total. Take it bin by bin.",
            lambda confidence, correct, n_bins: (confidence - correct).mean().abs(),
        ),
        Slip(
            "you took the gap of every single answer. A single answer is right or wrong, never "
            "70 %: first add up within each bin, then take the abs.",
            lambda confidence, correct, n_bins: (confidence - correct).abs().mean(),
        ),
        Slip(
            "that is the largest gap of all bins; the mean over all answers is asked for.",
            lambda confidence, correct, n_bins: (
                _gaps(confidence, correct, n_bins).abs().nan_to_num()
                / _counts(confidence, n_bins).clamp(min=1)
            ).max(),
        ),
        Slip(
            "a confidence of exactly 1 fell out of the bins: it belongs to the last one.",
            lambda confidence, correct, n_bins: (
                (
                    _gaps(confidence, correct, n_bins)
                    - F.one_hot(torch.tensor(n_bins - 1), n_bins)
                    * (confidence - correct)[confidence == 1].sum()
                )
                .abs()
                .sum()
                / len(confidence)
            ),
        ),
        Slip(
            "the sum over the bins is not divided by the number of answers.",
            lambda confidence, correct, n_bins: _gaps(confidence, correct, n_bins).abs().sum(),
        ),
    ],
)

"""Checks for notebook 07: what a score makes one say, the loss as a lookup, log-softmax, its
gradient, four sick nets and a sound one, calibration."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import (
    WrongForm,
    exercise,
    functions_called,
    gradients_of,
    real_numbers,
    whole_numbers,
)

__all__ = [
    "calibration_error",
    "diseases",
    "forecaster",
    "gradient",
    "log_softmax",
    "nll",
    "patients",
    "reports",
]

# --- reports -----------------------------------------------------------------------------


def _said(squares: str, root: str, log10: str, inverse: str) -> dict[str, str]:
    return {"(1 - p)²": squares, "1 - √p": root, "-log10 p": log10, "1/p": inverse}


@exercise(
    kind="predict",
    choices=("the truth", "more", "less"),
    why="Two of the four are honest. A score whose price grows too slowly towards p = 0 pays "
    "for boasting, one whose price grows too fast pays for caution. So honesty does not single "
    "out the logarithm, and its base does not matter at all.",
)
def reports() -> dict[str, str]:
    return _said("the truth", "more", "the truth", "less")


reports.slip(
    "1 - √p and 1/p are the wrong way round. 1/p is merciless near 0: whoever says 95 % pays "
    "20 on a dry day. Would you rather say more than you believe there, or less?",
    lambda: _said("the truth", "less", "the truth", "more"),
)
reports.slip(
    "the squares are not like the newspaper's price. On a dry day she pays p², and each "
    "percent more costs more than the last: somewhere it is no longer worth it. Where?",
    lambda: _said("more", "more", "the truth", "less"),
)
reports.slip(
    "log10 p is ln p divided by 2.303: every price is changed by the same factor, so the "
    "lowest point stays where it was.",
    lambda: _said("the truth", "more", "less", "less"),
)
reports.slip(
    "not every price that is lower for a better forecast makes her honest: the newspaper's did "
    "not. Let `expected` find the lowest point of each.",
    lambda: _said("the truth", "the truth", "the truth", "the truth"),
)


def _by_row(scores: Tensor, dim: int = 1) -> Tensor:
    """Log-softmax by basic operations."""
    shifted = scores - scores.amax(dim=dim, keepdim=True)
    return shifted - shifted.exp().sum(dim=dim, keepdim=True).log()


# --- nll ---------------------------------------------------------------------------------


def _picked(log_p: Tensor, y: Tensor) -> Tensor:
    return log_p[torch.arange(len(y)), y]


@exercise(
    cases=lambda: [
        (torch.tensor([[-1.0, -2.0], [-5.0, -3.0]]), torch.tensor([1, 0])),
        (-whole_numbers(5, 3, seed=1).abs() - 0.5, torch.tensor([1, 1, 2, 0, 2])),
        (_by_row(real_numbers(4, 6)), torch.tensor([5, 0, 2, 2])),
        (torch.tensor([[-30.0, 0.0, -40.0]]), torch.tensor([1])),  # certain, and right
    ],
    gradients=True,
    why="The true class picks one number of its row: the sum with a one-hot, the if and the "
    "lookup are the same thing, and only the lookup does no arithmetic with zeros.",
)
def nll(log_p: Tensor, y: Tensor) -> Tensor:
    return -_picked(log_p, y).mean()


nll.slip(
    "the minus is missing: logarithms of probabilities are negative, a loss is not.",
    lambda log_p, y: _picked(log_p, y).mean(),
)
nll.slip(
    "log_p[:, y] picks all the classes in y from every row. Each row needs its own class: "
    "log_p[torch.arange(len(y)), y].",
    lambda log_p, y: -log_p[:, y].mean(),
)
nll.slip(
    "you added up instead of taking the mean: the loss then grows with the batch.",
    lambda log_p, y: -_picked(log_p, y).sum(),
)
nll.slip(
    "you took the highest of each row. That rewards the model for being sure, whether it is "
    "right or not: look up the true class.",
    lambda log_p, y: -log_p.amax(dim=1).mean(),
)
nll.slip(
    "you took the mean over all classes as well: of each row only one number counts, so divide "
    "by the number of rows.",
    lambda log_p, y: -(F.one_hot(y, log_p.shape[1]) * log_p).mean(),
)
nll.slip(
    "there is one loss for each row; take their mean.",
    lambda log_p, y: -_picked(log_p, y),
)
nll.slip(
    "log_p holds logarithms already, and a negative number has none: leave out .log().",
    lambda log_p, y: -_picked(log_p.log(), y).mean(),
)
nll.slip(
    "F.cross_entropy expects raw scores and makes the log-softmax itself; here it was made "
    "before, so only the lookup is left.",
    lambda log_p, y: F.cross_entropy(log_p, y),
)
nll.slip(
    "the numbers are right, but abs has no slope at 0, the logarithm of a probability of 1. A "
    "minus does what you want at every place.",
    lambda log_p, y: _picked(log_p, y).abs().mean(),
)

# --- log_softmax -------------------------------------------------------------------------


def _from_basic_operations(answer: Any, scores: Tensor) -> Any:
    result, called = functions_called(answer, scores)
    for name in ("log_softmax", "logsumexp", "cross_entropy"):
        if name in called:
            raise WrongForm(f"you build {name} yourself, from exp, log, sum and amax")
    return result


@exercise(
    cases=lambda: [
        (torch.tensor([[0.0, 0.0], [1.0, 0.0], [-2.0, 3.0]]),),
        (whole_numbers(3, 4),),
        (real_numbers(1, 5),),
        (torch.tensor([[1000.0, 0.0, -1000.0], [-1000.0, -1000.0, -1000.0]]),),
    ],
    gradients=True,
    through=_from_basic_operations,
    why="Nothing overflows, because the largest power is 1, and no log of 0 is taken, because "
    "the sum is at least 1. PyTorch's own log_softmax does the same.",
)
def log_softmax(scores: Tensor) -> Tensor:
    return _by_row(scores)


def _shifted(scores: Tensor) -> Tensor:
    return scores - scores.amax(dim=1, keepdim=True)


log_softmax.slip(
    "that is right for small scores, but e to the power of 1000 is infinite, and of -1000 it "
    "is 0: first subtract the largest score of each row.",
    lambda z: (z.exp() / z.exp().sum(dim=1, keepdim=True)).log(),
)
log_softmax.slip(
    "the log-sum-exp itself still overflows: e to the power of 1000 is infinite. First "
    "subtract the largest score of each row.",
    lambda z: z - z.exp().sum(dim=1, keepdim=True).log(),
)
log_softmax.slip(
    "the softmax is safe, but a small share became 0 before you took its log: take the log "
    "first, as shifted - log(sum of powers).",
    lambda z: z.softmax(dim=1).log(),
)
log_softmax.slip(
    "you subtracted the largest number of the whole table. A row far below it becomes all "
    "zeros: each row needs its own (keepdim=True).",
    lambda z: z - z.max() - (z - z.max()).exp().sum(dim=1, keepdim=True).log(),
)
log_softmax.slip(
    "you subtracted the log of the shifted powers from the scores that are not shifted: use "
    "the same scores in both places.",
    lambda z: z - _shifted(z).exp().sum(dim=1, keepdim=True).log(),
)
log_softmax.slip(
    "you added over the rows of the table. Each row is a picture: add over its classes, dim=1.",
    lambda z: _by_row(z, dim=0),
)
log_softmax.slip(
    "the sum runs over the whole table. Each row needs its own: sum(dim=1, keepdim=True).",
    lambda z: _shifted(z) - _shifted(z).exp().sum().log(),
)
log_softmax.slip(
    "without keepdim=True the largest score or the sum is a list [n], and does not fit to the "
    "rows of [n, classes].",
    lambda z: _shifted(z) - _shifted(z).exp().sum(dim=1).log(),
)
log_softmax.slip(
    "that is the softmax; its logarithm is asked for.",
    lambda z: z.softmax(dim=1),
)

# --- gradient ----------------------------------------------------------------------------


def _p_minus_y(scores: Tensor, y: Tensor) -> Tensor:
    return scores.softmax(dim=1) - F.one_hot(y, scores.shape[1])


def _without_autograd(answer: Any, scores: Tensor, y: Tensor) -> Any:
    """Nothing is recorded in inference mode, so that only a formula gives a gradient."""
    with torch.inference_mode():
        return answer(scores, y)


@exercise(
    cases=lambda: [
        (torch.tensor([[0.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1])),
        (whole_numbers(3, 5, seed=1), torch.tensor([2, 0, 3])),
        (real_numbers(4, 3), torch.tensor([2, 0, 1, 1])),
        (torch.tensor([[1000.0, 0.0, -1000.0], [-1000.0, 0.0, 1000.0]]), torch.tensor([0, 1])),
        (real_numbers(1, 10), torch.tensor([9])),
    ],
    through=_without_autograd,
    why="What the model said minus what is true: every score is pushed in proportion to its "
    "own mistake, and the rows add up to 0.",
)
def gradient(scores: Tensor, y: Tensor) -> Tensor:
    return _p_minus_y(scores, y) / len(y)


gradient.slip(
    "that is the gradient of the sum of the losses; the loss is a mean, so divide by the "
    "number of rows.",
    _p_minus_y,
)
gradient.slip(
    "the sign is wrong: y − p is the direction of the step, and the step goes against the "
    "gradient.",
    lambda z, y: -_p_minus_y(z, y) / len(y),
)
gradient.slip(
    "the softmax runs over the rows of the table. Each row is a picture: dim=1.",
    lambda z, y: (z.softmax(dim=0) - F.one_hot(y, z.shape[1])) / len(y),
)
gradient.slip(
    "those are the probabilities alone: subtract 1 at the true class.",
    lambda z, y: z.softmax(dim=1) / len(y),
)
gradient.slip(
    "you divided by the number of all entries; the mean is over the rows only.",
    lambda z, y: _p_minus_y(z, y) / z.numel(),
)
gradient.slip(
    "the softmax is missing: subtract the one-hot from probabilities, not from raw scores.",
    lambda z, y: (z - F.one_hot(y, z.shape[1])) / len(y),
)
gradient.slip(
    "the one-hot rows are only as long as the largest class in y needs. Give F.one_hot the "
    "number of classes: F.one_hot(y, scores.shape[1]).",
    lambda z, y: (z.softmax(dim=1) - F.one_hot(y)) / len(y),
)
gradient.slip(
    "right for small scores, but e to the power of 1000 is infinite, and infinity divided by "
    "infinity is nan. torch.softmax takes care of that.",
    lambda z, y: (
        (z.exp() / z.exp().sum(dim=1, keepdim=True) - F.one_hot(y, z.shape[1])) / len(y)
    ),
)


@gradient.slip(
    "you left it to autograd, which is switched off here: write the formula, from the "
    "probabilities and the one-hot rows."
)
def _(scores: Tensor, y: Tensor) -> Any:
    leaf = scores.clone().requires_grad_()
    F.cross_entropy(leaf, y).backward()
    return leaf.grad


# --- four sick nets ----------------------------------------------------------------------


class Sound(nn.Module):
    """A net for digits, 784 → 50 → 10, with what belongs to it: its loss and its forecast."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(784, 50), nn.Linear(50, 10)

    def forward(self, x: Tensor) -> Any:
        return self.second(self.first(x).relu())

    def loss(self, scores: Tensor, y: Tensor) -> Any:
        return F.cross_entropy(scores, y)

    def probabilities(self, x: Tensor) -> Any:
        return self(x).softmax(dim=1)


class Ana(Sound):
    """Softmax twice."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x).softmax(dim=1)


class Bruno(Sound):
    """The naive log."""

    def loss(self, scores: Tensor, y: Tensor) -> Any:
        powers = scores.exp()
        p = powers / powers.sum(dim=1, keepdim=True)
        return -p.log()[torch.arange(len(y)), y].mean()


class Carla(Sound):
    """A dead start."""

    def __init__(self) -> None:
        super().__init__()
        for p in self.parameters():
            nn.init.zeros_(p)


class Davi(Sound):
    """No softmax at prediction."""

    def probabilities(self, x: Tensor) -> Any:
        return self(x).clamp(0, 1)


def patients() -> dict[str, type[Sound]]:
    """Four nets, each with one fault, by the name of the colleague who wrote it. Which fault is
    whose, the exercise `diseases` asks."""
    return {"Ana": Ana, "Bruno": Bruno, "Carla": Carla, "Davi": Davi}


def _diagnosed(*faults: str) -> dict[str, str]:
    return dict(zip(patients(), faults, strict=True))


@exercise(
    kind="diagnose",
    choices=("softmax twice", "naive log", "dead start", "no softmax at prediction"),
    why="Each disease has a sign of its own: a floor that the loss cannot pass, a nan, a loss "
    "that stays where guessing is, or a perfect curve and a forecast that nobody can trust.",
)
def diseases() -> dict[str, str]:
    return _diagnosed("softmax twice", "naive log", "dead start", "no softmax at prediction")


diseases.slip(
    "Ana and Carla are exchanged. Carla's loss is what a net pays that gives each digit a "
    "tenth, and it never moves; Ana's moves, and then cannot go on.",
    lambda: _diagnosed("dead start", "naive log", "softmax twice", "no softmax at prediction"),
)
diseases.slip(
    "Ana and Davi are exchanged. A softmax of numbers that have been squeezed between 0 and 1 "
    "before cannot say more than 23 % of any digit. Who says so little?",
    lambda: _diagnosed("no softmax at prediction", "naive log", "dead start", "softmax twice"),
)
diseases.slip(
    "Bruno and Davi are exchanged. Davi's loss is as good as any; look at what he says. And "
    "whose loss has stopped being a number?",
    lambda: _diagnosed("softmax twice", "no softmax at prediction", "dead start", "naive log"),
)
diseases.slip(
    "Bruno and Carla are exchanged. Bruno's net did learn, until one batch; Carla's never "
    "began.",
    lambda: _diagnosed("softmax twice", "dead start", "naive log", "no softmax at prediction"),
)

# --- a sound one -------------------------------------------------------------------------

_SHAPES = {(50, 784), (50,), (10, 50), (10,)}
_TRUTH = torch.tensor([4, 0, 9])


def _pixels(n: int, seed: int = 0) -> Tensor:
    return real_numbers(n, 784, seed=seed).abs() / 4


def _examined(net_class: Any, what: str, brightest: int) -> Any:
    """One thing that a net does: what moves at its start; or, with known weights, what it says
    and pays for three pictures whose brightest pixels have this grey value."""
    if isinstance(net_class, nn.Module):
        raise WrongForm("give the class itself, MyForecaster, not a net made from it")
    net, x = net_class(), brightest * _pixels(3)
    if (scores := net(x)) is None or scores is ...:
        return scores
    for made in (net.loss(scores, _TRUTH), net.probabilities(x)):
        if made is None or made is ...:
            return made
    _two_layers(net)
    if what == "does the first batch move the first layer":
        return _moves(net)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(real_numbers(*p.shape, seed=p.numel()) / 10)
    if what == "scores":
        return net(x)
    if what == "probabilities":
        return net.probabilities(x)
    leaf = net(x).detach().clone().requires_grad_()
    loss = net.loss(leaf, _TRUTH)
    return loss if what == "loss" else gradients_of(loss, {"scores": leaf})["scores"]


def _two_layers(net: nn.Module) -> None:
    shapes = {tuple(p.shape) for p in net.parameters()}
    if shapes != _SHAPES:
        found = " and ".join(str(list(shape)) for shape in sorted(shapes)) or "none"
        raise WrongForm(
            "two affine layers are asked for, 784 to 50 and 50 to 10, as attributes; the "
            f"parameters found have the shapes {found}"
        )


def _moves(net: Any) -> str:
    """Whether blame gets through from the loss of a first batch to the first layer."""
    loss = net.loss(net(_pixels(20, seed=5)), torch.arange(20) % 10)
    slopes = gradients_of(loss, {str(tuple(p.shape)): p for p in net.parameters()})
    if all(slope is None for slope in slopes.values()):
        raise WrongForm(
            "no gradient flows from the loss back to any layer, so nothing could learn: no "
            ".item(), .detach(), numpy or no_grad in forward and loss"
        )
    first = slopes["(50, 784)"]
    return "yes" if first is not None and bool((first != 0).any()) else "no"


@exercise(
    cases=lambda: [
        ("does the first batch move the first layer", 1),
        ("scores", 1),
        ("loss", 1),
        ("loss", 255),  # grey values of a byte: scores in the thousands
        ("gradient of the loss by the scores", 1),
        ("gradient of the loss by the scores", 255),
        ("probabilities", 1),
        ("probabilities", 255),
    ],
    through=_examined,
    why="Raw scores out of the model, one softmax inside the loss, one when you predict, and a "
    "start that is not zero.",
)
def forecaster() -> Sound:
    return Sound()


forecaster.slip(
    "this is softmax twice: forward must return raw scores, because the loss takes its own "
    "softmax of them.",
    Ana,
)
forecaster.slip(
    "this is the naive log: with scores in the hundreds the power is infinite, and the loss "
    "nan. Take log_softmax, or F.cross_entropy.",
    Bruno,
)
forecaster.slip(
    "this is the dead start: with all weights at 0 no blame gets through the second layer to "
    "the first. Leave nn.Linear its own random start.",
    Carla,
)
forecaster.slip(
    "cutting scores off makes no probabilities of them. Take the softmax of the scores.", Davi
)


@forecaster.slip(
    "probabilities returns the raw scores. The softmax is inside the loss; when you predict "
    "you have to take it yourself."
)
class _Raw(Sound):
    def probabilities(self, x: Tensor) -> Any:
        return self(x)


@forecaster.slip(
    "the softmax is safe, but a small share became 0 before you took its log. Take "
    "log_softmax, or F.cross_entropy."
)
class _LateLog(Sound):
    def loss(self, scores: Tensor, y: Tensor) -> Any:
        return F.nll_loss(scores.softmax(dim=1).log(), y)


@forecaster.slip(
    "this is softmax twice, inside the loss: F.cross_entropy takes the softmax itself, so give "
    "it the raw scores."
)
class _TwiceInLoss(Sound):
    def loss(self, scores: Tensor, y: Tensor) -> Any:
        return F.cross_entropy(scores.softmax(dim=1), y)


@forecaster.slip(
    "the log-sum-exp itself overflows: with scores in the hundreds the power is infinite. Take "
    "log_softmax, or F.cross_entropy."
)
class _Overflowing(Sound):
    def loss(self, scores: Tensor, y: Tensor) -> Any:
        return (scores.exp().sum(dim=1).log() - scores[torch.arange(len(y)), y]).mean()


@forecaster.slip("the relu between the two layers is missing: two affine layers are one.")
class _NoRelu(Sound):
    def forward(self, x: Tensor) -> Any:
        return self.second(self.first(x))


@forecaster.slip("the softmax runs over the pictures. Each row is a picture: dim=1.")
class _Across(Sound):
    def probabilities(self, x: Tensor) -> Any:
        return self(x).softmax(dim=0)


@forecaster.slip("those are logarithms of probabilities; take the softmax without its log.")
class _Logarithms(Sound):
    def probabilities(self, x: Tensor) -> Any:
        return self(x).log_softmax(dim=1)


# --- calibration_error -------------------------------------------------------------------


def _per_bin(confidence: Tensor, correct: Tensor, n_bins: int) -> tuple[Tensor, Tensor]:
    """In each bin: confidence minus right answers, added up; the number of answers."""
    place = (confidence * n_bins).long().clamp(max=n_bins - 1)
    inside = place == torch.arange(n_bins)[:, None]
    return (inside * (confidence - correct)).sum(dim=1), inside.sum(dim=1)


def _error(confidence: Tensor, correct: Tensor, n_bins: int, n: int) -> Tensor:
    return _per_bin(confidence, correct, n_bins)[0].abs().sum() / n


@exercise(
    cases=lambda: [
        (torch.tensor([0.6, 0.7, 0.8, 0.3]), torch.tensor([1.0, 0.0, 0.0, 1.0]), 2),
        (torch.tensor([1.0, 1.0, 0.9, 0.1]), torch.tensor([1.0, 0.0, 1.0, 1.0]), 4),
        (
            torch.tensor([0.15, 0.35, 0.35, 0.55, 0.95, 0.95, 0.95]),
            torch.tensor([1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0]),
            5,
        ),
        (torch.tensor([0.55, 0.65, 0.95, 0.95]), torch.tensor([1.0, 0.0, 1.0, 1.0]), 2),
        (  # on the edges
            torch.tensor([0.0, 0.25, 0.125, 0.75, 0.625]),
            torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0]),
            4,
        ),
        (torch.tensor([0.871]), torch.tensor([0.0]), 10),
    ],
    why="A model that is too sure in one bin and too modest in another cannot hide it, and a "
    "bin with few answers counts little.",
)
def calibration_error(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    return _error(confidence, correct, n_bins, len(confidence))


@calibration_error.slip(
    "every bin counts the same there. Count it by the number of its answers, or a single "
    "answer in an empty corner weighs as much as a thousand."
)
def _(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    gaps, count = _per_bin(confidence, correct, n_bins)
    return (gaps.abs() / count)[count > 0].mean()


@calibration_error.slip(
    "the mean runs over all bins, the empty ones too. Weigh each bin by the number of its "
    "answers, and divide by n."
)
def _(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    gaps, count = _per_bin(confidence, correct, n_bins)
    return (gaps.abs() / count.clamp(min=1)).mean()


calibration_error.slip(
    "you divided by the number of bins; divide by the number of answers.",
    lambda p, right, n: _error(p, right, n, n),
)


@calibration_error.slip(
    "an empty bin has no mean: 0 / 0 is nan, and one nan spoils the whole sum. Skip the empty "
    "bins, or add up in each bin and divide once, by n."
)
def _(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    gaps, count = _per_bin(confidence, correct, n_bins)
    return (gaps.abs() / count * count).sum() / len(confidence)


calibration_error.slip(
    "too sure in one bin and too modest in another cancel: take the size of each bin's gap "
    "(abs) before you add up.",
    lambda p, right, n: (p - right).mean(),
)
calibration_error.slip(
    "there are no bins in it: the abs of one total. Take it bin by bin.",
    lambda p, right, n: (p - right).mean().abs(),
)
calibration_error.slip(
    "you took the gap of every single answer. A single answer is right or wrong, never 70 %: "
    "first add up within each bin, then take the abs.",
    lambda p, right, n: (p - right).abs().mean(),
)


@calibration_error.slip(
    "that is the largest gap of all bins; the mean over all answers is asked for."
)
def _(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    gaps, count = _per_bin(confidence, correct, n_bins)
    return (gaps.abs() / count.clamp(min=1)).max()


@calibration_error.slip(
    "a confidence of exactly 1 fell out of the bins: it belongs to the last one."
)
def _(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    inside = confidence < 1
    return _error(confidence[inside], correct[inside], n_bins, len(confidence))


@calibration_error.slip(
    "a confidence of exactly 0 fell out of the bins, and one on an edge is in the bin below: "
    "each bin begins with its lower edge, from 0 on, and only the last one has its upper edge."
)
def _(confidence: Tensor, correct: Tensor, n_bins: int) -> Tensor:
    inside = confidence > 0
    return _upper_edges(confidence[inside], correct[inside], n_bins, len(confidence))


calibration_error.slip(
    "a confidence on an edge between two bins belongs to the one above: each bin begins with "
    "its lower edge.",
    lambda p, right, n: _upper_edges(p, right, n, len(p)),
)
calibration_error.slip(
    "the sum over the bins is not divided by the number of answers.",
    lambda p, right, n: _error(p, right, n, 1),
)


def _upper_edges(confidence: Tensor, correct: Tensor, n_bins: int, n: int) -> Tensor:
    """Bins that hold their upper edge: the same bins, mirrored."""
    return _error(1 - confidence, 1 - correct, n_bins, n)

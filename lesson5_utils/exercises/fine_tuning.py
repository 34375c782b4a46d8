"""Checks for notebook 09: shifts, a class map, a new head, few labels, a rate per group."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import WrongForm, exercise, real_numbers, whole_numbers
from lesson5_utils.models import ConvNet

__all__ = ["class_map", "few", "new_task", "rates", "shift"]

# --- shift -------------------------------------------------------------------------------


def _framed(pictures: Tensor) -> Tensor:
    return F.pad(pictures, (2, 2, 2, 2))


@exercise(
    cases=lambda: [
        (torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]), 1, 0),
        (whole_numbers(2, 4, 4), -2, 1),
        (real_numbers(1, 5, 4, seed=1).abs() / 4, 0, -1),
        (torch.stack([real_numbers(6, 3).abs() / 4, torch.zeros(6, 3)]), 2, -2),
        (real_numbers(3, 2, 2, seed=2), 0, 0),
    ],
    why="One slice moves all pictures at once; no loop over rows. To the net a shifted digit "
    "is 784 new numbers; to us it is the same digit. That is knowledge, given as data.",
)
def shift(pictures: Tensor, down: int, right: int) -> Tensor:
    _, height, width = pictures.shape
    rows = slice(2 - down, 2 - down + height)
    return _framed(pictures)[:, rows, 2 - right : 2 - right + width]


_shift = shift.reference

shift.slip(
    "what leaves on one side comes back on the other, as torch.roll does. A digit does not do "
    "that: fill with zeros.",
    lambda pictures, down, right: pictures.roll((down, right), (1, 2)),
)
shift.slip(
    "the result still has its frame of zeros: cut out a window of the old size.",
    lambda pictures, down, right: _framed(pictures),
)
shift.slip(
    "the window is cut for pictures of 28 by 28. Take height and width from the shape.",
    lambda pictures, down, right: _framed(pictures)[
        :, 2 - down : 30 - down, 2 - right : 30 - right
    ],
)
shift.slip(
    "down and right are exchanged: after the first dimension, rows come before columns.",
    lambda pictures, down, right: _shift(pictures, right, down),
)
shift.slip(
    "the pictures move the other way. To move a picture down, the window on the padded picture "
    "must move up.",
    lambda pictures, down, right: _shift(pictures, -down, -right),
)
shift.slip(
    "the result is larger than the pictures: what you add on one side must go on the other.",
    lambda pictures, down, right: F.pad(pictures, (2 + right, 2 - right, 2 + down, 2 - down)),
)
shift.slip(
    "the pixels were made whole, so a grey of 0.9 became 0. The result must hold the same kind "
    "of number as the pictures: torch.zeros_like(pictures).",
    lambda pictures, down, right: _shift(pictures, down, right).long(),
)

# --- class_map ---------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (
            torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [1.0, 0.0]]]),
            torch.tensor([[[2.0, 2.0], [0.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]]),
        ),
        (whole_numbers(3, 4, 4), whole_numbers(3, 4, 4, seed=1)),
        (real_numbers(5, 2, 3, seed=2).relu(), real_numbers(5, 2, 3, seed=3) / 100),
        (real_numbers(2, 3, 3), torch.zeros(2, 3, 3)),
        (torch.tensor([[[0.5, 0.0]]]), torch.tensor([[[-0.25, 0.125]]])),
    ],
    why="A channel that the class likes counts with plus, one that it dislikes with minus. "
    "What remains above 0 is the evidence for the class, place by place.",
)
def class_map(activations: Tensor, gradients: Tensor) -> Tensor:
    return _weighted(activations, gradients).sum(0).relu()


def _weighted(activations: Tensor, gradients: Tensor) -> Tensor:
    return gradients.mean((1, 2), keepdim=True) * activations


class_map.slip(
    "the weight is the sum of the gradient; it should be the mean.",
    lambda a, g: (g.sum((1, 2), keepdim=True) * a).sum(0).relu(),
)
class_map.slip(
    "you averaged over the channels. Add them up.",
    lambda a, g: _weighted(a, g).mean(0).relu(),
)
class_map.slip(
    "the weights have shape [channels], so they meet the columns, not the channels. Keep the "
    "dimensions: keepdim=True.",
    lambda a, g: (g.mean((1, 2)) * a).sum(0).relu(),
)
class_map.slip(
    "you multiplied place by place. That is gradient × activation, a map of its own; here each "
    "channel has one weight, the mean of its gradient.",
    lambda a, g: (g * a).sum(0).relu(),
)
class_map.slip(
    "the relu is missing: places that speak against the class are left out.",
    lambda a, g: _weighted(a, g).sum(0),
)
class_map.slip(
    "the relu stands before the sum. Channels may cancel each other; first add up, then relu.",
    lambda a, g: _weighted(a, g).relu().sum(0),
)
class_map.slip(
    "you weighted each channel by its activation. The gradient says what the class thinks of a "
    "channel.",
    lambda a, g: _weighted(g, a).sum(0).relu(),
)
class_map.slip(
    "the channels are still apart: add them up, so that one map is left.",
    lambda a, g: _weighted(a, g).relu(),
)
class_map.slip(
    "you divided by the largest value of the map. Where no place speaks for the class, that is "
    "0 divided by 0; leave the map as it is.",
    lambda a, g: class_map.reference(a, g) / class_map.reference(a, g).max(),
)

# --- new_task ----------------------------------------------------------------------------


def _put_to_use(answer: Any, n_old: int, n_new: int) -> Any:
    """Give a small trained-looking net to the answer, and say what became of it."""
    torch.manual_seed(0)
    given = ConvNet(n_old, n_channels=(2, 3, 4))
    old, result = deepcopy(given), answer(given, n_new)
    if result is None or result is ...:
        return result
    layers = [one for one in _modules(result) if isinstance(one, nn.Linear)]
    if not isinstance(result, ConvNet) or not layers:
        raise WrongForm(
            "return the model itself; replace only the last layer of its head, model.head[-1], "
            "by an nn.Linear"
        )
    try:
        scores = result(torch.rand(2, 784))
    except Exception as error:
        raise WrongForm(f"the model fails on pictures now: {error}") from None
    weight, was = layers[-1].weight, old.get_parameter("head.2.weight")
    body = [p for part in (result.early, result.late) for p in part.parameters()]
    kept = [p for part in (old.early, old.late) for p in part.parameters()]
    return {
        "learning": _learning(result, layers[-1]),
        "inputs of the last layer": weight.shape[1],
        "shape of the scores of 2 pictures": str(list(scores.shape)),
        "the body is the old one": all(map(torch.equal, body, kept)),
        "the head is new": weight.shape != was.shape or not torch.equal(weight, was),
    }


def _modules(model: Any) -> list[nn.Module]:
    return list(model.modules()) if isinstance(model, nn.Module) else []


def _learning(model: nn.Module, last: nn.Module) -> str:
    """What learns, by name; the last layer, which may stand anywhere in the head, in words."""
    own = list(last.parameters())
    whole = all(p.requires_grad for p in own)
    names = [
        "the last layer" if whole and any(p is one for one in own) else name
        for name, p in model.named_parameters()
        if p.requires_grad
    ]
    return ", ".join(dict.fromkeys(names)) or "nothing"


@exercise(
    cases=lambda: [(4, 3), (5, 5), (2, 7)],
    through=_put_to_use,
    why="A new layer needs gradients by default, so the order matters: freeze first, then put "
    "the new layer in (or freeze the body's parts by name).",
)
def new_task(model: Any, n_out: int) -> Any:
    return _with_last(model, nn.Linear(model.head[-1].in_features, n_out))


def _with_last(model: Any, *last: nn.Module) -> Any:
    model.requires_grad_(False)
    model.head = nn.Sequential(*model.head[:-1], *last)
    return model


@new_task.slip(
    "everything is frozen, the new head too: nothing could learn. Freeze before you replace "
    "the layer, or freeze early and late only."
)
def _(model: Any, n_out: int) -> Any:
    return new_task.reference(model, n_out).requires_grad_(False)


@new_task.slip("the body is not frozen: its parameters still ask for gradients.")
def _(model: Any, n_out: int) -> Any:
    return new_task.reference(model, n_out).requires_grad_(True)


@new_task.slip("only early is frozen. The body has two parts, early and late.")
def _(model: Any, n_out: int) -> Any:
    new_task.reference(model, n_out).late.requires_grad_(True)
    return model


@new_task.slip("the head is still the old one, with the old classes.")
def _(model: Any, n_out: int) -> Any:
    model.early.requires_grad_(False)
    model.late.requires_grad_(False)
    return model


new_task.slip(
    "the new layer has 256 inputs, as in the notebook's net. This net is narrower: take "
    "in_features of the old last layer.",
    lambda model, n_out: _with_last(model, nn.Linear(256, n_out)),
)
new_task.slip(
    "the new layer has as many inputs as there were classes. It stands in the place of the old "
    "layer: take its in_features, not its out_features.",
    lambda model, n_out: _with_last(model, nn.Linear(model.head[-1].out_features, n_out)),
)
new_task.slip(
    "the new layer stands behind the old one, and sees only the old scores. Put it in the "
    "place of the old layer.",
    lambda model, n_out: _with_last(
        model, model.head[-1], nn.Linear(model.head[-1].out_features, n_out)
    ),
)
new_task.slip(
    "the new layer holds numbers of the kind float64; the body gives it float32.",
    lambda model, n_out: _with_last(
        model, nn.Linear(model.head[-1].in_features, n_out, dtype=torch.float64)
    ),
)
new_task.slip(
    "you built a whole new model, and what the body had learned is gone. Change the model that "
    "you were given.",
    lambda model, n_out: new_task.reference(ConvNet(n_out, n_channels=(2, 3, 4)), n_out),
)

# --- few ---------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([1, 0, 1, 1, 0, 0]), 2),
        (torch.tensor([2, 2, 0, 1, 0, 2, 1, 0, 0]), 1),
        (torch.tensor([0, 0, 2, 1, 0, 2, 2, 1, 1, 0]), 3),
        (torch.arange(12).flip(0), 1),
        (torch.tensor([0]), 1),
    ],
    why="Each class gets the same number of labels. With n random rows instead, a class might "
    "get none, and no learner can name a class that it never saw.",
)
def few(y: Tensor, n: int) -> Tensor:
    return _rows(y, int(y.max()) + 1, slice(n))


def _rows(y: Tensor, n_classes: int, which: slice) -> Tensor:
    return torch.cat([(y == label).nonzero()[which, 0] for label in range(n_classes)])


_few = few.reference

few.slip(
    "these are the first rows, whatever their class; we want n of each class.",
    lambda y, n: torch.arange(n * (int(y.max()) + 1)),
)
few.slip(
    "all rows of each class are there: take only the first n.",
    lambda y, n: _few(y, len(y)),
)
few.slip(
    "these are the labels; asked for are the row numbers.",
    lambda y, n: y[_few(y, n)],
)
few.slip(
    "the last class is missing: range stops before its end, so it must be y.max() + 1.",
    lambda y, n: _rows(y, int(y.max()), slice(n)) if y.max() else torch.tensor([]).long(),
)
few.slip(
    "only the classes 0 to 4 are there. Other tasks have more: count up to y.max().",
    lambda y, n: _rows(y, 5, slice(n)),
)
few.slip(
    "each row number stands in a row of its own: nonzero gives [how many, 1], so take [:n, 0].",
    lambda y, n: _few(y, n)[:, None],
)
few.slip(
    "the row numbers are sorted. Leave them by class: all of class 0 first.",
    lambda y, n: _few(y, n).sort().values,
)
few.slip(
    "you took the last n of each class.",
    lambda y, n: _rows(y, int(y.max()) + 1, slice(-n, None)),
)
few.slip(
    "your row numbers are real numbers (1.0 instead of 1). A row number must be whole, or no "
    "row can be taken with it.",
    lambda y, n: _few(y, n).float(),
)

# --- rates -------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (slice(1.0, 100.0), 3),
        (slice(3e-3), 3),
        (2.5, 4),
        (slice(1e-5, 1e-2), 5),
        (slice(6.0), 2),
        (slice(1e-4, 3e-3), 2),
    ],
    why="Learning rates live on a scale of factors: from 1e-5 to 1e-4 is as far as from 1e-4 "
    "to 1e-3. So the even way from first to last multiplies.",
)
def rates(lr: Any, n_groups: int) -> list[float]:
    if _is_one(lr):
        return [lr.stop / 3] * (n_groups - 1) + [lr.stop]
    return _by_factor(lr, n_groups, n_groups - 1)


def _is_one(lr: Any) -> bool:
    """Whether it is a slice of one number."""
    return isinstance(lr, slice) and lr.start is None


def _by_factor(lr: Any, n_groups: int, steps: int) -> list[float]:
    if not isinstance(lr, slice):
        return [lr] * n_groups
    return [lr.start * (lr.stop / lr.start) ** (group / steps) for group in range(n_groups)]


_rates = rates.reference


@rates.slip(
    "your steps are equal sums. Learning rates differ by factors: multiply by the same factor "
    "from group to group."
)
def _(lr: Any, n_groups: int) -> list[float]:
    if not isinstance(lr, slice) or lr.start is None:
        return _rates(lr, n_groups)
    step = (lr.stop - lr.start) / (n_groups - 1)
    return [lr.start + step * group for group in range(n_groups)]


rates.slip(
    "with one number in the slice the other groups get a tenth here, as in today's fastai. The "
    "lecture takes a third.",
    lambda lr, n: [lr.stop / 10] * (n - 1) + [lr.stop] if _is_one(lr) else _rates(lr, n),
)
rates.slip(
    "// drops everything after the point, and a third of 0.003 becomes 0: divide by /.",
    lambda lr, n: [lr.stop // 3] * (n - 1) + [lr.stop] if _is_one(lr) else _rates(lr, n),
)
rates.slip(
    "with one number in the slice the last group gets it whole, not a third.",
    lambda lr, n: [lr.stop / 3] * n if _is_one(lr) else _rates(lr, n),
)
rates.slip(
    "with one number in the slice there are no steps: all groups but the last get the same "
    "third.",
    lambda lr, n: _rates(slice(lr.stop / 3, lr.stop) if _is_one(lr) else lr, n),
)
rates.slip(
    "the order is the wrong way round: the first group, next to the input, gets the smallest "
    "rate.",
    lambda lr, n: _rates(lr, n)[::-1],
)
rates.slip(
    "the last group does not reach the last rate: between n groups there are n − 1 steps.",
    lambda lr, n: _rates(lr, n) if _is_one(lr) else _by_factor(lr, n, n),
)

"""Checks for notebook 08: shifts, a class map, a new head, few labels, a rate per group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import Exercise, Slip, WrongForm, whole_numbers
from lesson5_utils.models import ConvNet

__all__ = ["class_map", "few", "new_task", "rates", "shift"]

# --- shift -------------------------------------------------------------------------------


def _shift(pictures: Tensor, down: int, right: int) -> Tensor:
    _, height, width = pictures.shape
    padded = F.pad(pictures, (2, 2, 2, 2))
    return padded[:, 2 - down : 2 - down + height, 2 - right : 2 - right + width]


shift = Exercise(
    name="shift",
    reference=_shift,
    cases=lambda: [
        (torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]), 1, 0),
        (whole_numbers(2, 4, 4), -2, 1),
        (whole_numbers(1, 5, 4, seed=1), 0, -1),
    ],
    why="One slice moves all pictures at once; no loop over rows. To the net a shifted digit "
    "is 784 new numbers; to us it is the same digit. That is knowledge, given as data.",
    slips=[
        Slip(
            "what leaves on one side comes back on the other, as torch.roll does. A digit does "
            "not do that: fill with zeros.",
            lambda pictures, down, right: pictures.roll((down, right), (1, 2)),
        ),
        Slip(
            "the result still has its frame of zeros: cut out a window of the old size.",
            lambda pictures, down, right: F.pad(pictures, (2, 2, 2, 2)),
        ),
        Slip(
            "the window is cut for pictures of 28 by 28. Take height and width from the shape.",
            lambda pictures, down, right: F.pad(pictures, (2, 2, 2, 2))[
                :, 2 - down : 30 - down, 2 - right : 30 - right
            ],
        ),
        Slip(
            "down and right are exchanged: after the first dimension, rows come before "
            "columns.",
            lambda pictures, down, right: _shift(pictures, right, down),
        ),
        Slip(
            "the pictures move the other way. To move a picture down, the window on the padded "
            "picture must move up.",
            lambda pictures, down, right: _shift(pictures, -down, -right),
        ),
        Slip(
            "the result is larger than the pictures: what you add on one side must go on the "
            "other.",
            lambda pictures, down, right: F.pad(
                pictures, (2 + right, 2 - right, 2 + down, 2 - down)
            ),
        ),
    ],
)

# --- class_map ---------------------------------------------------------------------------


def _class_map(activations: Tensor, gradients: Tensor) -> Tensor:
    return (gradients.mean((1, 2), keepdim=True) * activations).sum(0).relu()


class_map = Exercise(
    name="class_map",
    reference=_class_map,
    cases=lambda: [
        (
            torch.tensor([[[1.0, 0.0], [0.0, 2.0]], [[0.0, 3.0], [1.0, 0.0]]]),
            torch.tensor([[[2.0, 2.0], [0.0, 0.0]], [[-1.0, -1.0], [-1.0, -1.0]]]),
        ),
        (whole_numbers(3, 4, 4), whole_numbers(3, 4, 4, seed=1)),
        (whole_numbers(5, 2, 3, seed=2), whole_numbers(5, 2, 3, seed=3)),
    ],
    why="A channel that the class likes counts with plus, one that it dislikes with minus. "
    "What remains above 0 is the evidence for the class, place by place.",
    slips=[
        Slip(
            "the weight is the sum of the gradient; it should be the mean.",
            lambda activations, gradients: (
                (gradients.sum((1, 2), keepdim=True) * activations).sum(0).relu()
            ),
        ),
        Slip(
            "you averaged over the channels. Add them up.",
            lambda activations, gradients: (
                (gradients.mean((1, 2), keepdim=True) * activations).mean(0).relu()
            ),
        ),
        Slip(
            "the weights have shape [channels], so they meet the columns, not the channels. "
            "Keep the dimensions: keepdim=True.",
            lambda activations, gradients: (gradients.mean((1, 2)) * activations).sum(0).relu(),
        ),
        Slip(
            "you multiplied place by place. That is gradient × activation, a map of its own; "
            "here each channel has one weight, the mean of its gradient.",
            lambda activations, gradients: (gradients * activations).sum(0).relu(),
        ),
        Slip(
            "the relu is missing: places that speak against the class are left out.",
            lambda activations, gradients: (
                gradients.mean((1, 2), keepdim=True) * activations
            ).sum(0),
        ),
        Slip(
            "the relu stands before the sum. Channels may cancel each other; first add up, "
            "then relu.",
            lambda activations, gradients: (
                (gradients.mean((1, 2), keepdim=True) * activations).relu().sum(0)
            ),
        ),
        Slip(
            "you weighted each channel by its activation. The gradient says what the class "
            "thinks of a channel.",
            lambda activations, gradients: (
                (activations.mean((1, 2), keepdim=True) * gradients).sum(0).relu()
            ),
        ),
        Slip(
            "the channels are still apart: add them up, so that one map is left.",
            lambda activations, gradients: (
                gradients.mean((1, 2), keepdim=True) * activations
            ).relu(),
        ),
    ],
)

# --- new_task ----------------------------------------------------------------------------


def _use_new_task(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Give a small trained-looking net to the answer, and say what became of it."""

    def use(n_old: int, n_new: int) -> Any:
        torch.manual_seed(0)
        model = ConvNet(n_old, n_channels=(2, 3, 4))
        body = [p.clone() for part in (model.early, model.late) for p in part.parameters()]
        head = model.head.state_dict()["2.weight"].clone()
        result = answer(model, n_new)
        if result is None or result is ...:
            return result
        ends = isinstance(result, ConvNet) and isinstance(result.head, nn.Sequential)
        if not (ends and isinstance(result.head[-1], nn.Linear)):
            raise WrongForm(
                "return the model itself; replace only the last layer of its head, "
                "model.head[-1], by an nn.Linear"
            )
        kept = [p for part in (result.early, result.late) for p in part.parameters()]
        same = [torch.equal(a, b) for a, b in zip(body, kept, strict=True)]
        weight = result.head[-1].weight
        return {
            "learning": ", ".join(n for n, p in result.named_parameters() if p.requires_grad),
            "inputs of the last layer": weight.shape[1],
            "classes of the head": len(weight),
            "the body is the old one": all(same),
            "the head is new": weight.shape != head.shape or not torch.equal(weight, head),
        }

    return use


def _new_task(model: Any, n_out: int, freeze: tuple[str, ...] = ("early", "late")) -> Any:
    for name in freeze:
        getattr(model, name).requires_grad_(False)
    model.head[-1] = nn.Linear(model.head[-1].in_features, n_out)
    return model


def _all_frozen(model: Any, n_out: int) -> Any:
    return _new_task(model, n_out).requires_grad_(False)


def _other_width(model: Any, n_out: int, width: int) -> Any:
    _new_task(model, n_out).head[-1] = nn.Linear(width, n_out)
    return model


def _old_head(model: Any, n_out: int) -> Any:
    model.early.requires_grad_(False)
    model.late.requires_grad_(False)
    return model


new_task = Exercise(
    name="new_task",
    reference=_new_task,
    cases=lambda: [(4, 3), (5, 5), (2, 7)],
    why="A new layer needs gradients by default, so the order matters: freeze first, then put "
    "the new layer in (or freeze the body's parts by name).",
    slips=[
        Slip(
            "everything is frozen, the new head too: nothing could learn. Freeze before you "
            "replace the layer, or freeze early and late only.",
            _all_frozen,
        ),
        Slip(
            "the body is not frozen: its parameters still ask for gradients.",
            lambda model, n_out: _new_task(model, n_out, ()),
        ),
        Slip(
            "only early is frozen. The body has two parts, early and late.",
            lambda model, n_out: _new_task(model, n_out, ("early",)),
        ),
        Slip(
            "the head is still the old one, with the old classes.",
            _old_head,
        ),
        Slip(
            "the new layer has 256 inputs, as in the notebook's net. This net is narrower: "
            "take in_features of the old last layer.",
            lambda model, n_out: _other_width(model, n_out, 256),
        ),
        Slip(
            "the new layer takes the old scores as its inputs. It stands in the place of the "
            "old layer: take its in_features, not its out_features.",
            lambda model, n_out: _other_width(model, n_out, model.head[-1].out_features),
        ),
        Slip(
            "you built a whole new model, and what the body had learned is gone. Change the "
            "model that you were given.",
            lambda model, n_out: _new_task(ConvNet(n_out, n_channels=(2, 3, 4)), n_out),
        ),
    ],
    through=lambda answer, *case: _use_new_task(answer)(*case),
)

# --- few ---------------------------------------------------------------------------------


def _few(y: Tensor, n: int) -> Tensor:
    return torch.cat([(y == label).nonzero()[:n, 0] for label in range(int(y.max()) + 1)])


few = Exercise(
    name="few",
    reference=_few,
    cases=lambda: [
        (torch.tensor([1, 0, 1, 1, 0, 0]), 2),
        (torch.tensor([2, 2, 0, 1, 0, 2, 1, 0, 0]), 1),
        (torch.tensor([0, 0, 2, 1, 0, 2, 2, 1, 1, 0]), 3),
        (torch.arange(12).flip(0), 1),
    ],
    why="Each class gets the same number of labels. With n random rows instead, a class might "
    "get none, and no learner can name a class that it never saw.",
    slips=[
        Slip(
            "these are the first rows, whatever their class; we want n of each class.",
            lambda y, n: torch.arange(n * (int(y.max()) + 1)),
        ),
        Slip(
            "all rows of each class are there: take only the first n.",
            lambda y, n: _few(y, len(y)),
        ),
        Slip(
            "these are the labels; asked for are the row numbers.",
            lambda y, n: y[_few(y, n)],
        ),
        Slip(
            "the last class is missing: range stops before its end, so it must be y.max() + 1.",
            lambda y, n: torch.cat(
                [(y == label).nonzero()[:n, 0] for label in range(int(y.max()))]
            ),
        ),
        Slip(
            "only the classes 0 to 4 are there. Other tasks have more: count up to y.max().",
            lambda y, n: torch.cat([(y == label).nonzero()[:n, 0] for label in range(5)]),
        ),
        Slip(
            "each row number stands in a row of its own: nonzero gives [how many, 1], so take "
            "[:n, 0].",
            lambda y, n: _few(y, n)[:, None],
        ),
        Slip(
            "the row numbers are sorted. Leave them by class: all of class 0 first.",
            lambda y, n: _few(y, n).sort().values,
        ),
        Slip(
            "you took the last n of each class.",
            lambda y, n: torch.cat(
                [(y == label).nonzero()[-n:, 0] for label in range(int(y.max()) + 1)]
            ),
        ),
    ],
)

# --- rates -------------------------------------------------------------------------------


def _even(lr: Any, n_groups: int, others: float = 3) -> list[float]:
    if not isinstance(lr, slice):
        return [lr] * n_groups
    if lr.start is None:
        return [lr.stop / others] * (n_groups - 1) + [lr.stop]
    factor = (lr.stop / lr.start) ** (1 / (n_groups - 1))
    return [lr.start * factor**group for group in range(n_groups)]


def _linear(lr: Any, n_groups: int) -> list[float]:
    if not isinstance(lr, slice) or lr.start is None:
        return _even(lr, n_groups)
    step = (lr.stop - lr.start) / (n_groups - 1)
    return [lr.start + step * group for group in range(n_groups)]


def _short(lr: Any, n_groups: int) -> list[float]:
    if not isinstance(lr, slice) or lr.start is None:
        return _even(lr, n_groups)
    factor = (lr.stop / lr.start) ** (1 / n_groups)
    return [lr.start * factor**group for group in range(n_groups)]


rates = Exercise(
    name="rates",
    reference=lambda lr, n_groups: _even(lr, n_groups),
    cases=lambda: [
        (slice(1, 100), 3),
        (slice(3), 3),
        (2, 4),
        (slice(1, 16), 5),
        (slice(6), 2),
    ],
    why="Learning rates live on a scale of factors: from 1e-5 to 1e-4 is as far as from 1e-4 "
    "to 1e-3. So the even way from first to last multiplies.",
    slips=[
        Slip(
            "your steps are equal sums. Learning rates differ by factors: multiply by the same "
            "factor from group to group.",
            _linear,
        ),
        Slip(
            "with one number in the slice the other groups get a tenth here, as in today's "
            "fastai. The lecture takes a third.",
            lambda lr, n_groups: _even(lr, n_groups, others=10),
        ),
        Slip(
            "with one number in the slice the last group gets it whole, not a third.",
            lambda lr, n_groups: (
                [lr.stop / 3] * n_groups
                if isinstance(lr, slice) and lr.start is None
                else _even(lr, n_groups)
            ),
        ),
        Slip(
            "with one number in the slice there are no steps: all groups but the last get the "
            "same third.",
            lambda lr, n_groups: _even(
                slice(lr.stop / 3, lr.stop)
                if isinstance(lr, slice) and lr.start is None
                else lr,
                n_groups,
            ),
        ),
        Slip(
            "the order is the wrong way round: the first group, next to the input, gets the "
            "smallest rate.",
            lambda lr, n_groups: _even(lr, n_groups)[::-1],
        ),
        Slip(
            "the last group does not reach the last rate: between n groups there are n − 1 "
            "steps.",
            _short,
        ),
    ],
    tolerance=1e-6,
)

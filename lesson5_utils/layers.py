"""Layer groups: which parts of a model learn, and how fast each of them does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from lesson5_utils import arguments, schedules
from lesson5_utils.errors import ArgumentError

__all__ = [
    "Rate",
    "discriminative_lrs",
    "freeze_to",
    "frozen_norms",
    "layer_groups",
    "learning_groups",
    "unfreeze",
]

Rate = float | slice  # one learning rate, or `slice(last)`, `slice(first, last)` by layer group


def layer_groups(model: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of `model`, cut into groups from input to output.

    A model may say itself what its groups are, by a method `groups()` that returns lists of
    modules: the tables of `DotProductBias` work side by side, so they are one group. Of any
    other model, each child that has parameters is one group, in the order in which the model
    names them, and a model without such children is one group. A parameter that two of them
    share belongs to the first.

    Raises:
        ArgumentError: parameters that are in no group: nobody can say where they belong.
    """
    groups: list[list[nn.Parameter]] = []
    seen: set[int] = set()
    for parts in _parts(model):
        found = [p for part in parts for p in part.parameters()]
        groups.append([p for p in dict.fromkeys(found) if id(p) not in seen])
        seen |= {id(p) for p in found}
    loose = [name for name, p in model.named_parameters() if id(p) not in seen]
    if loose:
        raise ArgumentError(
            f"parameters outside of every layer belong to no layer group: {', '.join(loose)}; "
            "put them into a module of their own"
        )
    return groups


def _parts(model: nn.Module) -> Sequence[Sequence[nn.Module]]:
    own = getattr(type(model), "groups", None)  # not of the object: a layer may have that name
    if own is not None:
        return own(model)
    children = [child for child in model.children() if any(True for _ in child.parameters())]
    return [[child] for child in children] or [[model]]


def freeze_to(model: nn.Module, n: int) -> None:
    """Freeze the layer groups before number `n`, and let the others learn.

    `freeze_to(model, -1)` leaves only the last group, the head, to learn. Frozen parameters
    get no gradient and stay as they are; `fit` also keeps the batch norm of frozen layers in
    evaluation mode, so its running averages stay too.

    Raises:
        ArgumentError: a group that the model has not.
    """
    groups = layer_groups(model)
    n = arguments.whole(
        f"n, for a model of {len(groups)} layer groups,",
        n,
        least=-len(groups),
        most=len(groups) - 1,
    )
    first = n % len(groups)
    for number, group in enumerate(groups):
        for p in group:
            p.requires_grad_(number >= first)
            p.grad = None  # an old gradient would still move a frozen parameter


def unfreeze(model: nn.Module) -> None:
    """Let every parameter learn."""
    freeze_to(model, 0)


def frozen_norms(model: nn.Module) -> Iterator[nn.Module]:
    """The batch norms that are frozen: they, or the layer that feeds them, do not learn.

    A norm without weights of its own goes with the layer before it, in the order in which the
    model names its parts.
    """
    frozen = False
    for part in model.modules():
        own = list(part.parameters(recurse=False))
        if own:
            frozen = not any(p.requires_grad for p in own)
        if frozen and isinstance(part, nn.modules.batchnorm._NormBase):
            yield part


def discriminative_lrs(lr: Rate, n_groups: int) -> list[float]:
    """One learning rate per layer group, from input to output.

    A float: the same for all. `slice(last)`: `last` for the last group, a third of it for all
    others, as in the lecture (today's fastai takes a tenth). `slice(first, last)`: from first
    to last, each the same factor above the one before.

    Raises:
        ArgumentError: a rate that is not a positive number, or no group.
    """
    n_groups = arguments.whole("n_groups", n_groups)
    if not isinstance(lr, slice):
        return [arguments.number("lr", lr, above=0)] * n_groups
    if lr.step is not None:
        raise ArgumentError(f"lr must be slice(last) or slice(first, last), not {lr!r}")
    last = arguments.number("the last rate of lr", lr.stop, above=0)
    if lr.start is None:
        return [last / 3] * (n_groups - 1) + [last]
    first = arguments.number("the first rate of lr", lr.start, above=0)
    if n_groups == 1:
        return [last]
    curve = schedules.exponential
    return [curve(first, last, number / (n_groups - 1)) for number in range(n_groups)]


def learning_groups(model: nn.Module, lr: Rate) -> list[dict[str, Any]]:
    """What an optimizer takes: a dict of "params" and "lr" per rate, without what is frozen.

    Raises:
        ArgumentError: a rate that is none, or a model in which nothing can learn.
    """
    groups = layer_groups(model) if isinstance(lr, slice) else [list(model.parameters())]
    learning = [
        {"params": [p for p in group if p.requires_grad], "lr": rate}
        for group, rate in zip(groups, discriminative_lrs(lr, len(groups)), strict=True)
    ]
    learning = [group for group in learning if group["params"]]
    if not learning and any(True for _ in model.parameters()):
        raise ArgumentError("every parameter is frozen: nothing can be learned; unfreeze first")
    if not learning:
        raise ArgumentError("the model has no parameters: there is nothing to learn")
    return learning

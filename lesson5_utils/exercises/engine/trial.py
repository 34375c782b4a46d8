"""One answer tried on one case: what it gave, what it changed, which gradients flowed."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lesson5_utils.exercises.engine.compare import Rules, WrongForm, alike, differs

__all__ = [
    "Difference",
    "Nothing",
    "Trial",
    "difference",
    "functions_called",
    "gradients_of",
    "guarded",
    "same",
    "try_on",
    "untouched",
]


class Nothing(Exception):  # noqa: N818
    """The answer returned None or ...: it is not written yet, or has no `return`."""

    def __init__(self, value: Any) -> None:
        super().__init__("it returned nothing")
        self.value = value


@dataclass(frozen=True)
class Trial:
    """What came of one call.

    Attributes:
        result: what was returned, or the exception that was raised.
        changed: names of the inputs that are not what they were.
        gradients: input → gradient that flowed back to it; None where none did.
    """

    result: Any
    changed: tuple[str, ...] = ()
    gradients: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """One sentence on what is wrong; what was expected and what came, if seeing it helps."""

    says: str
    pair: tuple[Any, Any] | None = None
    in_gradient: bool = False


def difference(
    expected: Trial, got: Trial, rules: Rules, may_change: bool = False
) -> Difference | None:
    """What is different between two calls: result, inputs left alone, gradients; or None."""
    result = expected.result, got.result
    told = differs(*result, rules)
    if isinstance(got.result, WrongForm):
        return Difference(told or "")
    changed = sorted(set(got.changed) - set(expected.changed))
    if changed and not may_change and not isinstance(got.result, Exception):
        return Difference(
            f"it changes its input `{changed[0]}` in place, but the caller needs that. "
            "Make something new (`x = x + 1`); do not change what you were given (`x += 1`)",
            result if told else None,
        )
    if told:
        return Difference(told, result)
    for name, slope in expected.gradients.items():
        mine = got.gradients.get(name)
        if slope is None or alike(slope, mine, rules.without_kinds):
            continue
        if mine is None:
            return Difference(
                f"the numbers are right, but no gradient flows back to `{name}`, so nothing "
                "could learn. Leave out .item(), .detach(), numpy and no_grad",
                in_gradient=True,
            )
        return Difference(
            f"the numbers are right, but the gradient of `{name}` is not",
            ({f"gradient of {name}": slope}, {f"gradient of {name}": mine}),
            in_gradient=True,
        )
    return None


def try_on(
    call: Callable[..., Any], names: Sequence[str], case: tuple[Any, ...], wanted: Sequence[str]
) -> Trial:
    """Call with a copy of the case; every call finds the same random state.

    Args:
        names: what the inputs are called.
        wanted: the inputs for which gradients are asked.
    """
    given, leaves = _with_gradients(names, deepcopy(case), wanted)
    _seed()
    try:
        result = call(*given)
    except Nothing as nothing:
        result = nothing.value
    except Exception as error:
        result = error
    pairs = zip(names, case, given, strict=True)
    changed = tuple(name for name, before, after in pairs if not same(before, after))
    if not wanted or isinstance(result, Exception) or result is None or result is ...:
        return Trial(result, changed)
    return Trial(result, changed, gradients_of(result, leaves))


def guarded(answer: Any, keep: Callable[[Any], None], may_return_nothing: bool) -> Any:
    """The answer, if it is a plain function, so that every result is handed to `keep` too.

    An empty result raises `Nothing`, so that nothing has to look for it. Classes, layers and
    values come back as they are.
    """
    if not callable(answer) or inspect.isclass(answer) or isinstance(answer, nn.Module):
        return answer

    def watched(*args: Any, **kwargs: Any) -> Any:
        result = answer(*args, **kwargs)
        if result is ... or (result is None and not may_return_nothing):
            raise Nothing(result)
        keep(result)
        return result

    return watched


def gradients_of(result: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The gradient of a weighted sum of all numbers in `result`, for each input (a tensor, or a
    list of tensors); None for an input that it does not reach. Weights tell places apart."""
    none: dict[str, Any] = dict.fromkeys(inputs)
    flat = [one for value in inputs.values() for one in _tensors(value)]
    try:
        parts = [one.flatten() for one in _tensors(result) if one.is_floating_point()]
        whole = torch.cat(parts)
        total = (whole * torch.linspace(1, 2, len(whole), dtype=whole.dtype)).sum()
        found = iter(torch.autograd.grad(total, flat, allow_unused=True))
    except (RuntimeError, ValueError):  # cut off, or a value it needs was changed in place
        return none
    for name, value in inputs.items():
        grads = [(one, next(found)) for one in _tensors(value)]
        if any(grad is not None for _, grad in grads):
            made = [torch.zeros_like(one) if grad is None else grad for one, grad in grads]
            none[name] = made if isinstance(value, tuple | list) else made[0]
    return none


def functions_called(answer: Any, *case: Any) -> tuple[Any, set[str]]:
    """The answer's result, and the names of all functions and methods of torch that it called.

    For exercises that are about building something from less: what is called tells a formula
    from a ready-made function, where their results do not.
    """
    with _Calls() as calls:
        result = answer(*case)
    return result, calls.names


class _Calls(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        self.names.add(getattr(func, "__name__", "").removeprefix("special_"))
        return func(*args, **(kwargs or {}))


def same(one: Any, other: Any) -> bool:
    """Whether a value is what it was, to the last bit. Objects of other kinds always are."""
    if isinstance(one, int | float | str):
        return type(one) is type(other) and (one == other or one != one)
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor | np.ndarray):
        a, b = (np.asarray(v.detach() if isinstance(v, Tensor) else v) for v in (one, other))
        return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same(a, b) for a, b in pairs)
    if isinstance(one, nn.Module):
        return same(one.state_dict(), other.state_dict())
    return True


@contextmanager
def untouched() -> Iterator[None]:
    """Afterwards the random states of torch, NumPy and Python are what they were."""
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


def _seed() -> None:
    torch.set_rng_state(torch.Generator().manual_seed(0).get_state())  # no other device's
    np.random.seed(0)
    random.seed(0)


def _with_gradients(
    names: Sequence[str], case: tuple[Any, ...], wanted: Sequence[str]
) -> tuple[list[Any], dict[str, Any]]:
    """The inputs, the wanted ones made from leaves that gather gradients, and those leaves.

    What is given is a copy of the leaf: a leaf itself could not be changed in place, and the
    learner would read about leaves instead of about the change.
    """
    given: list[Any] = []
    leaves: dict[str, Any] = {}
    for name, value in zip(names, case, strict=True):
        if name not in wanted:
            given.append(value)
            continue
        many = isinstance(value, tuple | list)
        made = [one.detach().clone().requires_grad_() for one in (value if many else [value])]
        copies = [one.clone() for one in made]
        leaves[name] = made if many else made[0]
        given.append(type(value)(copies) if many else copies[0])
    return given, leaves


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, tuple | list):
        return [one for part in value for one in _tensors(part)]
    return []

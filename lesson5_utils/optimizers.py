"""SGD, RMSprop, Adam and AdamW by hand: one small base class, one rule for each.

Arguments, defaults, groups and the keys of `state` are torch.optim's; so are the results.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]

Options = dict[str, Any]


def _pair(name: str, value: Any, check: Callable[[Any], float]) -> tuple[float, float]:
    if not (isinstance(value, tuple | list) and len(value) == 2):
        raise ArgumentError(f"{name} must be a pair of numbers, not {value!r}")
    return check(value[0]), check(value[1])


class Optimizer:
    """Walks over the parameters; what to do with one is left to `rule`.

    Args:
        params: tensors, or groups: dicts with "params" and the options that differ there.
        values, options: those in `defaults`, in order or by name, where groups say nothing.

    Attributes:
        param_groups: dicts with "params" (a list) and every option; change "lr" here.
        state: what the rule remembers of each parameter, a dict under torch's keys.

    Raises:
        ArgumentError: no parameters, one given twice, an unknown option or a wrong value.
    """

    defaults: ClassVar[Options] = {}

    def __init__(
        self, params: Iterable[Tensor] | Iterable[Options], *values: Any, **options: Any
    ) -> None:
        alone = isinstance(params, Tensor | dict) or not isinstance(params, Iterable)
        groups: list[Any] = [] if alone else list(params)
        if not groups:
            raise ArgumentError("params must be a list of at least one parameter or group")
        if len(values) > len(self.defaults):
            raise ArgumentError(f"the options are only {', '.join(self.defaults)}")
        given = dict(zip(self.defaults, values, strict=False))
        if twice := given.keys() & options.keys():
            raise ArgumentError(f"{' and '.join(twice)} given twice, in order and by name")
        self.options = self._checked(given | options)
        self.param_groups: list[Options] = []
        self.state = defaultdict[Tensor, Options](dict)
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def add_param_group(self, group: Options) -> None:
        """Take in more parameters, such as those of a layer that was just unfrozen."""
        if not isinstance(group, dict) or "params" not in group:
            raise ArgumentError('a group is a dict with "params", and all or none are dicts')
        own = {name: value for name, value in group.items() if name != "params"}
        options, params = self._checked(self.options | own), group["params"]
        params = [params] if isinstance(params, Tensor) else list(params)
        known = {p for other in self.param_groups for p in other["params"]}
        for p in params:
            if not isinstance(p, Tensor) or not p.is_leaf:
                raise ArgumentError("a parameter is a tensor that is not a computed result")
            if p in known:
                raise ArgumentError(f"a parameter of shape {list(p.shape)} is there twice")
            known.add(p)
        self.param_groups.append({"params": params, **options})

    def _checked(self, options: Options) -> Options:
        """The defaults with `options` in their place, if all of them can work."""
        checked = dict(self.defaults)
        for name, value in options.items():
            arguments.choice("option", name, self.defaults)
            least = -math.inf if name == "dampening" else 0
            below = 1 if name == "betas" else math.inf  # 1 itself lets no gradient in
            most = 1 if name == "alpha" else math.inf
            check = partial(arguments.number, name, least=least, below=below, most=most)
            checked[name] = _pair(name, value, check) if name == "betas" else check(value)
        return checked

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for group in self.param_groups:
            for p in group["params"]:
                p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.rule(p, p.grad, self.state[p], group)

    def rule(self, p: Tensor, g: Tensor, state: Options, group: Options) -> None:
        """Change `p` in place, given its gradient `g`; leave `g` as it is."""
        raise NotImplementedError


class SGD(Optimizer):
    """Against the gradient or, with momentum, against a running sum of gradients."""

    defaults: ClassVar[Options] = dict(lr=1e-3, momentum=0, dampening=0, weight_decay=0)

    def rule(self, p: Tensor, g: Tensor, state: Options, group: Options) -> None:
        g = g + group["weight_decay"] * p
        if group["momentum"]:
            if "momentum_buffer" in state:  # the very first buffer is the whole gradient
                g = group["momentum"] * state["momentum_buffer"] + (1 - group["dampening"]) * g
            state["momentum_buffer"] = g
        p -= group["lr"] * g


class RMSprop(Optimizer):
    """Each gradient divided by its usual size: the root of its running mean square."""

    defaults: ClassVar[Options] = dict(lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0)

    def rule(self, p: Tensor, g: Tensor, state: Options, group: Options) -> None:
        g, alpha = g + group["weight_decay"] * p, group["alpha"]
        state["step"] = state.get("step", 0) + 1  # as in torch; only Adam needs it
        state["square_avg"] = alpha * state.get("square_avg", 0) + (1 - alpha) * g**2
        p -= group["lr"] * g / (state["square_avg"].sqrt() + group["eps"])


class Adam(Optimizer):
    """Momentum and RMSprop at once, corrected for their empty start (arXiv:1412.6980)."""

    defaults: ClassVar[Options] = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0)

    def rule(self, p: Tensor, g: Tensor, state: Options, group: Options) -> None:
        g, (b1, b2) = g + group["weight_decay"] * p, group["betas"]
        state["step"] = t = state.get("step", 0) + 1
        state["exp_avg"] = m = b1 * state.get("exp_avg", 0) + (1 - b1) * g
        state["exp_avg_sq"] = s = b2 * state.get("exp_avg_sq", 0) + (1 - b2) * g**2
        p -= group["lr"] * m / (1 - b1**t) / ((s / (1 - b2**t)).sqrt() + group["eps"])


class AdamW(Adam):
    """Adam that shrinks the weights themselves, past both averages (arXiv:1711.05101)."""

    defaults: ClassVar[Options] = Adam.defaults | {"weight_decay": 1e-2}

    def rule(self, p: Tensor, g: Tensor, state: Options, group: Options) -> None:
        p *= 1 - group["lr"] * group["weight_decay"]
        super().rule(p, g, state, group | {"weight_decay": 0})

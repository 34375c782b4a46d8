"""What a training loop does, seen from outside: its rows, its losses, its gradients, its steps.

The loop is given rows that carry gradients. So each `backward()` tells which rows it learned
from, however the loop cuts its batches and whatever the model is made of. Where it copies the
rows in a way that carries no gradient, less is seen, and nothing is said.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

__all__ = ["Backward", "Watch"]

REPLAYED = 60  # so many calls, spread over the training, tell what the loss is


@dataclass(frozen=True)
class Backward:
    """One call of `backward()`.

    Attributes:
        loss: the number that it was called on.
        rows: numbers of the training rows that it learned from, int64 [batch].
        slopes: gradient of the loss in those rows, [batch, features].
        weights: every parameter that it gave a gradient, and what that held.
        stale: a gradient that a step had used was still there, and was added to.
        on_valid: it learned from validation rows.
    """

    loss: float
    rows: Tensor
    slopes: Tensor
    weights: Sequence[tuple[Tensor, Tensor]]
    stale: bool
    on_valid: bool

    @contextmanager
    def again(self) -> Iterator[None]:
        """Inside, the parameters hold what they held at that time."""
        now = [(p, p.detach().clone()) for p, _ in self.weights]
        _fill(self.weights)
        try:
            yield
        finally:
            _fill(now)


class Watch(TorchFunctionMode):
    """Watches what runs inside `with watch:` on `watch.given_x` and `watch.given_valid_x`.

    Args:
        x, valid_x: the rows to learn from and to measure on, [n, features].

    Attributes:
        backwards: every call of `loss.backward()`, in order.
        by_autograd: whether gradients were asked of `torch.autograd.grad`, which is not seen
            into.
    """

    def __init__(self, x: Tensor, valid_x: Tensor) -> None:
        super().__init__()
        self._leaves = [one.detach().clone().requires_grad_() for one in (x, valid_x)]
        # clones: a leaf cannot be changed in place, and the learner would read about leaves
        self.given_x, self.given_valid_x = (leaf.clone() for leaf in self._leaves)
        self.backwards: list[Backward] = []
        self.by_autograd = False
        self._optimizers = defaultdict[Tensor, set[Optimizer]](set)

    # --- watching --------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._hook = register_optimizer_step_pre_hook(self._before_step)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._hook.remove()

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func is Tensor.backward:
            return self._backward(*args, **(kwargs or {}))
        self.by_autograd |= func is torch.autograd.grad
        return func(*args, **(kwargs or {}))

    def _backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        params = [p for p in _led_to(loss) if all(p is not leaf for leaf in self._leaves)]
        weights = [(p, p.detach().clone()) for p in params]
        stale = any(p.grad is not None and bool(p.grad.any()) for p in params)
        stale = stale and bool(self.backwards) and _moved(self.backwards[-1].weights)
        loss.backward(*args, **kwargs)
        slopes, of_valid = map(_taken, self._leaves)
        rows = slopes.any(dim=1).nonzero().flatten()
        self.backwards.append(
            Backward(
                float(loss.detach()), rows, slopes[rows], weights, stale, bool(of_valid.any())
            )
        )

    def _before_step(self, optimizer: Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            for p in group["params"]:
                self._optimizers[p].add(optimizer)

    # --- what was seen ---------------------------------------------------------------------

    @property
    def learned_from_valid(self) -> bool:
        return any(one.on_valid for one in self.backwards)

    @property
    def remade(self) -> bool:
        """Whether two of torch's optimizers moved the same parameter."""
        return any(len(made) > 1 for made in self._optimizers.values())

    @property
    def trained(self) -> bool:
        """Whether any gradient was asked for."""
        return bool(self.backwards) or self.by_autograd

    @property
    def falls(self) -> bool:
        """Whether the losses at the end are below those at the start, as far as seen."""
        losses = [one.loss for one in self.backwards]
        first, last = losses[: max(1, len(losses) // 100)], losses[-max(1, len(losses) // 10) :]
        return not losses or sum(last) / len(last) < 0.95 * sum(first) / len(first)

    @property
    def stands_still(self) -> bool:
        """Whether nothing moved from the first `backward()` to the end."""
        return bool(self.backwards) and not _moved(self.backwards[0].weights)

    @property
    def finite(self) -> bool:
        return all(math.isfinite(one.loss) for one in self.backwards)

    @property
    def stale(self) -> bool:
        """Whether a gradient that a step had used was added to."""
        return any(one.stale for one in self.backwards)

    @property
    def largest_share(self) -> float:
        """The largest batch, as a share of the training rows."""
        most = max((len(one.rows) for one in self.backwards), default=0)
        return most / len(self.given_x)

    def passes(self, epochs: int) -> float:
        """How many times an epoch uses a row, on average; 1 where rows were not seen."""
        used = sum(len(one.rows) for one in self.backwards)
        return used / len(self.given_x) / epochs if used else 1.0

    def passes_at_most(self, epochs: int) -> float:
        """The same if every batch was as large as the largest: a row in which all hidden units
        are at 0 is used and gets no gradient."""
        each = round(self.largest_share * len(self.given_x))
        return each * len(self.backwards) / len(self.given_x) / epochs if each else 1.0

    # --- what is found by doing it again ---------------------------------------------------

    def is_cross_entropy(self, model: Any, y: Tensor) -> bool:
        """Whether the losses were the cross-entropy of the model's scores, as far as seen.

        Either the loss had that gradient in the rows, whatever its scale and whatever penalty
        on the weights was added; or, where dropout or rows taken twice blur the gradient, it
        had that size. A model whose last layer makes probabilities has scores all the same.

        Args:
            model: what was trained, called with rows.
            y: the classes of all training rows, int64 [n].
        """
        seen = [one for one in self.backwards if len(one.rows)]
        if not seen or not self._is_of(model):
            return True
        alike, found = [], []
        with _training(model):
            for one in seen[:: max(1, len(seen) // REPLAYED)]:
                x = self.given_x.detach()[one.rows].requires_grad_()
                with one.again():
                    loss = F.nll_loss(_log_probabilities(model(x)), y[one.rows])
                    (slopes,) = torch.autograd.grad(loss, x)
                pair = slopes.flatten(), one.slopes.flatten()
                alike.append(float(F.cosine_similarity(*pair, dim=0)))
                found.append((one.loss, float(loss.detach())))
        got, expected = (sum(values) for values in zip(*found, strict=True))
        return min(alike) > 0.99 or abs(got - expected) < 0.25 * expected

    def after_each_epoch(
        self, model: Any, epochs: int, measure: Callable[[], float]
    ) -> list[float] | None:
        """What `measure` gives with the weights of each epoch's end; None if that is unknown,
        as for a model with running means."""
        each, rest = divmod(len(self.backwards), epochs)
        running = isinstance(model, nn.Module) and any(True for _ in model.buffers())
        if rest or not each or running or not self._is_of(model):
            return None
        found = []
        for one in self.backwards[each::each]:
            with one.again():
                found.append(measure())
        return [*found, measure()]

    def _is_of(self, model: Any) -> bool:
        """Whether all parameters of a layer are those that were trained, and no copies."""
        trained = {id(p) for one in self.backwards[-1:] for p, _ in one.weights}
        own = model.parameters() if isinstance(model, nn.Module) else ()
        return all(id(p) in trained for p in own)


def _led_to(loss: Tensor) -> list[Tensor]:
    """The tensors to which `backward()` from a loss brings a gradient."""
    found, seen, ahead = [], set(), [loss.grad_fn]
    while ahead:
        node: Any = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)
        ahead += [before for before, _ in node.next_functions]
    return found


def _moved(weights: Sequence[tuple[Tensor, Tensor]]) -> bool:
    return any(not torch.equal(p, value) for p, value in weights)


@torch.no_grad()
def _fill(weights: Sequence[tuple[Tensor, Tensor]]) -> None:
    for p, value in weights:
        p.copy_(value)


def _taken(leaf: Tensor) -> Tensor:
    """The gradient that came to a leaf, which is then forgotten; zeros where none came."""
    grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    leaf.grad = None
    return grad.detach()


@contextmanager
def _training(model: Any) -> Iterator[None]:
    """As during the training: dropout drops, batch norm takes the batch's own mean."""
    before = getattr(model, "training", None)
    if isinstance(model, nn.Module):
        model.train()
    try:
        yield
    finally:
        if isinstance(model, nn.Module):
            model.train(bool(before))


def _log_probabilities(scores: Tensor) -> Tensor:
    sums = scores.sum(dim=1)
    made = bool((scores >= 0).all()) and torch.allclose(sums, torch.ones_like(sums))
    return scores.log() if made else scores.log_softmax(dim=1)

"""The arithmetic behind the graph of a small net: numbers forward, blame back.

Plain NumPy in float64, one row at a time; the tests compare it with autograd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import Edge, Graph, Node, Part

__all__ = ["Blame", "SmallNet"]

Rows = list[np.ndarray]


@dataclass(frozen=True, eq=False)
class Blame:
    """∂loss/∂number for every number of a net, in lists like the net's own.

    `weights` and `biases` are the gradient (a bias that is not there is None); `before` and
    `after` belong to the layers' results before and behind the ReLU, the last of `after`
    being the prediction's; `x` to the input.
    """

    weights: Rows
    biases: list[np.ndarray | None]
    before: Rows
    after: Rows
    x: np.ndarray

    def values(self) -> list[float]:
        """The gradient in one list, in the order of `SmallNet.values`."""
        return _flat(self.weights, self.biases)


@dataclass(frozen=True, eq=False)
class SmallNet:
    """A net of a few numbers, one row of input, and the target it should predict.

        net = SmallNet(x=2, weights=[0.5, -1], biases=[0.1, None], target=1)
        net.prediction, net.loss                   # the numbers flow forward
        net.blame().weights                        # the blame flows back
        plotting.net_graph(ax, net.graph())        # both in a picture
        net = net.step(lr=0.1)                     # p -= lr * gradient

    Layer k computes `x @ weights[k] + biases[k]`; between two layers stands a ReLU, and the
    loss is the squared error (of several outputs, the mean).

    Args:
        x: the input, a number or a row of them.
        weights: for each layer a matrix [numbers in, numbers out], or one number.
        biases: for each layer a row, a number, or None for no bias.
        target: as many numbers as the last layer has.
        names: other names for what is drawn, such as `{"b1": "b", "prediction": "guess"}`.

    Raises:
        ArgumentError: shapes that do not fit together, or numbers that are not finite.
    """

    x: Any
    weights: Any
    target: Any
    biases: Any = None
    names: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weights = [_array(f"weights[{k}]", w, 2) for k, w in enumerate(self.weights)]
        if not weights:
            raise ArgumentError("a net needs the weights of one layer or more")
        biases = [None] * len(weights) if self.biases is None else list(self.biases)
        if len(biases) != len(weights):
            raise ArgumentError(
                f"biases must have one entry for each of the {len(weights)} layers (None for "
                f"no bias), not {len(biases)}"
            )
        rows = [
            None if b is None else _array(f"biases[{k}]", b, 1) for k, b in enumerate(biases)
        ]
        x, target = _array("x", self.x, 1), _array("target", self.target, 1)
        size = len(x)
        for k, (w, b) in enumerate(zip(weights, rows, strict=True)):
            _fits(
                f"weights[{k}] must have a row for each of the numbers it takes", size, len(w)
            )
            size = w.shape[1]
            if b is not None:
                _fits(
                    f"biases[{k}] must have a number for each column of weights", size, len(b)
                )
        _fits("target must have a number for each output", size, len(target))
        for name, value in {
            "x": x,
            "weights": weights,
            "biases": rows,
            "target": target,
        }.items():
            object.__setattr__(self, name, value)

    def forward(self) -> tuple[Rows, Rows]:
        """Each layer's numbers before the ReLU and behind it (the last layer has none)."""
        before: Rows = []
        after: Rows = [self.x]
        for k, (w, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = after[-1] @ w + (0 if b is None else b)
            before.append(z)
            after.append(z if k == len(self.weights) - 1 else np.maximum(z, 0))
        return before, after[1:]

    @property
    def predictions(self) -> np.ndarray:
        """The last layer's numbers."""
        return self.forward()[1][-1]

    @property
    def prediction(self) -> float:
        """The first of them; mostly there is only one."""
        return float(self.predictions[0])

    @property
    def loss(self) -> float:
        """The squared error (of several outputs, the mean)."""
        return float(np.mean((self.predictions - self.target) ** 2))

    def blame(self) -> Blame:
        """Walk back from the loss: each layer hands on to the one before what it was handed,
        times its weights; its own weights are blamed as much as their input was large."""
        before, after = self.forward()
        g = 2 * (after[-1] - self.target) / len(self.target)
        weights: Rows = []
        biases: list[np.ndarray | None] = []
        befores: Rows = []
        afters: Rows = []
        for k in range(len(self.weights) - 1, -1, -1):
            afters.append(g)
            if k < len(self.weights) - 1:
                g = g * (before[k] > 0)
            befores.append(g)
            weights.append(np.outer(after[k - 1] if k else self.x, g))
            biases.append(None if self.biases[k] is None else g.copy())
            g = self.weights[k] @ g
        return Blame(weights[::-1], biases[::-1], befores[::-1], afters[::-1], g)

    def step(self, lr: float) -> SmallNet:
        """The net after one step of gradient descent, `p -= lr * gradient`."""
        lr = arguments.number("lr", lr, least=0)
        blame = self.blame()
        weights = [w - lr * g for w, g in zip(self.weights, blame.weights, strict=True)]
        biases = [
            None if b is None else b - lr * g
            for b, g in zip(self.biases, blame.before, strict=True)
        ]
        return SmallNet(self.x, weights, self.target, biases, self.names)

    # --- all parameters in one list: w1 row by row, b1, w2, b2 … ---------------------------

    def values(self) -> list[float]:
        """All parameters."""
        return _flat(self.weights, self.biases)

    def with_values(self, values: Sequence[float]) -> SmallNet:
        """The net with these parameters.

        Raises:
            ArgumentError: not as many numbers as there are, or one that is not finite.
        """
        _fits("the net must get a number for each parameter", len(self.values()), len(values))
        left = iter(values)
        weights: Rows = []
        biases: list[list[float] | None] = []
        for w, b in zip(self.weights, self.biases, strict=True):
            weights.append(np.array([next(left) for _ in range(w.size)]).reshape(w.shape))
            biases.append(None if b is None else [next(left) for _ in b])
        return replace(self, weights=weights, biases=biases)

    def labels(self) -> list[str]:
        """What each parameter is called: `w1`, or `w1: x2 → h3` where there are several."""
        made = []
        layers = self.layers()
        for k, (starts, ends) in enumerate(pairwise(layers), start=1):
            pairs = [f": {start} → {end}" for start in starts for end in ends]
            w, b = self.named(f"w{k}"), self.named(f"b{k}")
            made += [w + (pair if len(pairs) > 1 else "") for pair in pairs]
            if self.biases[k - 1] is not None:
                made += [b + (f": {end}" if len(ends) > 1 else "") for end in ends]
        return made

    def drawn_order(self) -> list[int]:
        """The place in `values` of each parameter in the order in which `place` draws them:
        first all biases, then all weights."""
        at = 0
        weights: list[int] = []
        biases: list[int] = []
        for w, b in zip(self.weights, self.biases, strict=True):
            weights += range(at, at + w.size)
            at += w.size
            if b is not None:
                biases += range(at, at + len(b))
                at += len(b)
        return biases + weights

    # --- as a graph -----------------------------------------------------------------------

    def graph(self, show: str = "blame") -> Graph:
        """The graph of this net: columns x, hidden layers, prediction, loss.

        Args:
            show: "names", "numbers" (forward), or "blame" (both). In a layer of several
                weights their boxes bear the matrix's name or the numbers, not both.
        """
        arguments.choice("show", show, ("names", "numbers", "blame"))
        graph = _Drawing(self, names=show == "names").graph()
        return graph if show == "blame" else _without_blame(graph, numbers=show == "numbers")

    def layers(self) -> list[list[str]]:
        """The names of the nodes: the input's, each layer's, the predictions'."""
        last = len(self.weights)
        stems = ["x", *("h" if last == 2 else f"h{k}." for k in range(1, last)), "prediction"]
        sizes = [len(self.x), *(w.shape[1] for w in self.weights)]
        return [
            [self.named(stem.rstrip(".") if n == 1 else f"{stem}{i + 1}") for i in range(n)]
            for stem, n in zip(stems, sizes, strict=True)
        ]

    def named(self, name: str) -> str:
        """What something is called in this net."""
        return self.names.get(name, name)


class _Drawing:
    """A net on its way to a graph with all its numbers."""

    def __init__(self, net: SmallNet, names: bool) -> None:
        self.net, self.blame, self.all_names = net, net.blame(), names
        self.before, self.after = net.forward()
        self.names = net.layers()

    def graph(self) -> Graph:
        net = self.net
        x = [
            Node(name, float(v), kind="given")
            for name, v in zip(self.names[0], net.x, strict=True)
        ]
        last = range(len(net.weights))
        single = len(net.target) == 1
        target = Part(
            net.named("target"), float(net.target[0]) if single else None, kind="given"
        )
        loss = Node(net.named("loss"), net.loss, 1.0, "loss", below=target)
        columns = [x, *(self.layer(k) for k in last), [loss]]
        ends = [Edge(start=name, end=loss.name) for name in self.names[-1]]
        return Graph(columns, [edge for k in last for edge in self.edges(k)] + ends)

    def layer(self, k: int) -> list[Node]:
        relu, bias = k < len(self.net.weights) - 1, self.net.biases[k]
        one = self.all_names or len(self.names[k + 1]) == 1
        nodes = []
        for i, name in enumerate(self.names[k + 1]):
            below = None
            if bias is not None:
                word = self.net.named(f"b{k + 1}")
                g = self.blame.before[k][i]
                below = Part(word if one else "", float(bias[i]), float(g))
            before, after = self.before[k][i], self.after[k][i]
            nodes.append(
                Node(
                    name,
                    float(before),
                    float(self.blame.before[k][i]),
                    after=float(after) if relu else None,
                    blame_after=float(self.blame.after[k][i]) if relu else None,
                    relu=relu,
                    below=below,
                )
            )
        return nodes

    def edges(self, k: int) -> list[Edge]:
        w, g = self.net.weights[k], self.blame.weights[k]
        name = self.net.named(f"w{k + 1}") if self.all_names or w.size == 1 else ""
        return [
            Edge(name, float(w[i, j]), float(g[i, j]), start=start, end=end, box=True)
            for i, start in enumerate(self.names[k])
            for j, end in enumerate(self.names[k + 1])
        ]


def _without_blame(graph: Graph, numbers: bool) -> Graph:
    """The same graph without its blame, or with names only."""

    def bare(part: Any) -> Any:
        changes: dict[str, Any] = {"blame": None}
        if not numbers:
            changes["value"] = None
        if isinstance(part, Node):
            changes |= {"blame_after": None, "below": part.below and bare(part.below)}
            changes |= {} if numbers else {"after": None}
        return replace(part, **changes)

    columns = [[bare(node) for node in column] for column in graph.columns]
    return Graph(columns, [bare(edge) for edge in graph.edges], int(numbers))


def _flat(weights: Rows, biases: list[np.ndarray | None]) -> list[float]:
    made: list[float] = []
    for w, b in zip(weights, biases, strict=True):
        made += w.ravel().tolist() + ([] if b is None else b.tolist())
    return made


def _array(name: str, value: Any, axes: int) -> np.ndarray:
    """A copy in float64 with this many axes; a number is a table of one."""
    made = np.array(value, dtype=np.float64)
    if made.ndim == 0:
        made = made.reshape((1,) * axes)
    if made.ndim != axes or not made.size or not np.isfinite(made).all():
        kind = "a number or a row of them" if axes == 1 else "a number or a matrix"
        raise ArgumentError(f"{name} must be {kind}, all finite, not {value!r}")
    return made


def _fits(rule: str, expected: int, found: int) -> None:
    if expected != found:
        raise ArgumentError(f"{rule}: {expected}, not {found}")

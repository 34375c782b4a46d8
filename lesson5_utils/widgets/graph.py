"""The graph of a small net to play with: drag its parameters, take steps of gradient descent.

The arithmetic and the placing of shapes happen in Python, as for the still picture
(`plotting.net_graph`); `graph.js` draws what it is told, and needs no network.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import anywidget
import numpy as np
import traitlets

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.placing import TooSmallError, place, written
from lesson5_utils.widgets.net import SmallNet
from lesson5_utils.widgets.scripts import script, style

__all__ = ["NetGraph"]

CSS = 96  # pixels in an inch
LARGEST = 1e6  # of a parameter: beyond it a step is refused
WIDTH, TALLEST = 8.6, 12.0  # inches


class NetGraph(anywidget.AnyWidget):
    """A small net as a graph, with a slider for each parameter and for lr.

        graph = widgets.NetGraph(widgets.SmallNet(x=2, weights=[0.5, -1], target=1))
        graph                          # shows it
        graph.step()                   # what its button does: p -= lr * gradient
        graph.weights = [1, 1]         # redraws it; so does graph.net = another net
        graph.observe(print, "net")    # told of each change

    Args:
        net: what is drawn; `reset` comes back to it.
        lr: the learning rate at the start.
        low, high: how far the sliders reach; a parameter may go further by steps.
        most_lr: how far that of lr reaches.

    Raises:
        ArgumentError: no net, bounds in the wrong order, or a net too large to be drawn.
    """

    _esm = script("graph.js")
    _css = style("graph.css")

    net = traitlets.Instance(SmallNet)
    lr = traitlets.Float(0.1).tag(sync=True)
    values = traitlets.List(traitlets.Float()).tag(sync=True)
    steps = traitlets.Int(0).tag(sync=True)
    _labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _bounds = traitlets.List(traitlets.Float()).tag(sync=True)
    _picture = traitlets.Dict().tag(sync=True)
    _told = traitlets.Unicode().tag(sync=True)
    _next = 0  # what `steps` becomes when the net changes; only a step sets it

    def __init__(
        self,
        net: SmallNet,
        lr: float = 0.1,
        *,
        low: float = -3,
        high: float = 3,
        most_lr: float = 0.5,
    ) -> None:
        if not isinstance(net, SmallNet):
            raise ArgumentError(f"NetGraph draws a SmallNet, not {type(net).__name__}")
        most_lr = arguments.number("most_lr", most_lr, above=0)
        lr = arguments.number("lr", lr, least=0, most=most_lr)
        low = arguments.number("low", low)
        bounds = [low, arguments.number("high", high, above=low), most_lr]
        height = _height(net)
        self._start, self._inches = net, (WIDTH, height)
        super().__init__(net=net, lr=lr, _labels=net.labels(), _bounds=bounds)
        self.on_msg(self._asked)

    def __repr__(self) -> str:
        sizes = [len(names) for names in self.net.layers()]
        return f"<NetGraph {' → '.join(map(str, sizes))}, {len(self.values)} parameters>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """As any widget, with the short text in place of all traits."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self)
        return bundle

    # --- what the buttons do --------------------------------------------------------------

    def step(self) -> None:
        """One step of gradient descent with the slider's lr. A step that would carry a
        parameter out of all bounds is not taken; the line below the picture says so."""
        with np.errstate(all="ignore"):
            try:
                after = self.net.step(self.lr)
                far = max(map(abs, after.values()), default=0) > LARGEST
            except ArgumentError:
                far = True
        if far:
            self._told = "No step: the parameters grow beyond all bounds. Lower lr, then Reset."
            return
        self._next = self.steps + 1
        self.net = after

    def reset(self) -> None:
        """Back to the parameters of the start; lr stays."""
        self.net = self._start

    def _asked(self, _: object, content: dict[str, Any], __: object = None) -> None:
        """A button was pressed: `{"do": "step"}` or `{"do": "reset"}`."""
        does = {"step": self.step, "reset": self.reset}.get(content.get("do", ""))
        if does:
            does()

    # --- the two directions ---------------------------------------------------------------

    @property
    def weights(self) -> list[np.ndarray]:
        """Those of the net; assign others of the same shapes to redraw it."""
        return self.net.weights

    @weights.setter
    def weights(self, weights: Any) -> None:
        self.net = replace(self.net, weights=weights)

    @property
    def biases(self) -> list[np.ndarray | None]:
        """Those of the net; assign others of the same shapes to redraw it."""
        return self.net.biases

    @biases.setter
    def biases(self, biases: Any) -> None:
        self.net = replace(self.net, biases=biases)

    @traitlets.validate("net")
    def _same_shape(self, proposal: dict[str, Any]) -> SmallNet:
        net: SmallNet = proposal["value"]
        if net.labels() != self._start.labels():
            raise ArgumentError("the net in a NetGraph keeps its shape: make a new NetGraph")
        return net

    @traitlets.validate("values")
    def _all_of_them(self, proposal: dict[str, Any]) -> list[float]:
        return self.net.with_values(proposal["value"]).values()

    @traitlets.observe("values")
    def _dragged(self, change: dict[str, Any]) -> None:
        if change["new"] != self.net.values():
            self.net = self.net.with_values(change["new"])

    @traitlets.observe("net")
    def _redraw(self, _: object) -> None:
        with self.hold_sync():
            self.steps, self._next = self._next, 0
            self.values = self.net.values()
            self._picture = picture(self.net, *self._inches)
            self._told = self.told()

    def told(self) -> str:
        """The picture in one sentence, read aloud when it changes."""
        net = self.net
        steps = f"After {self.steps} step{'s' * (self.steps != 1)}: " if self.steps else ""
        numbers, targets = (
            ", ".join(map(written, row)) for row in (net.predictions, net.target)
        )
        still = "" if any(net.blame().values()) or not net.loss else ". No parameter is blamed"
        loss = written(net.loss, 4)
        return f"{steps}prediction {numbers}, target {targets}, loss {loss}{still}"


def picture(net: SmallNet, width: float, height: float) -> dict[str, Any]:
    """What `graph.js` draws, in pixels from the upper left: shapes, arrows, an alternative
    text. A shape that has a slider says which."""
    shapes, arrows = place(net.graph(), width, height)
    sliders = iter(net.drawn_order())
    drawn = []
    for shape in shapes:
        one = {
            "x": round(shape.x * CSS, 1),
            "y": round((height - shape.y) * CSS, 1),
            "width": round(shape.width * CSS, 1),
            "height": round(shape.height * CSS, 1),
            "kind": shape.kind,
            "name": shape.name,
            "number": shape.number,
            "blame": shape.blame,
            "low": shape.low,
            "off": shape.off,
        }
        if shape.kind == "parameter":
            one["slider"] = next(sliders)
        drawn.append(one)
    lines = [
        [round(v * CSS, 1) for v in (a.x0, height - a.y0, a.x1, height - a.y1)]
        + [a.back, a.tip]
        for a in arrows
    ]
    size = [round(width * CSS), round(height * CSS)]
    return {"size": size, "shapes": drawn, "arrows": lines, "alt": described(net)}


def described(net: SmallNet) -> str:
    """The net with all its numbers in words, for those who do not see it."""
    graph = net.graph()
    nodes = []
    for node in graph.nodes():
        number = written(node.value)
        if node.after is not None:
            number += f", after its ReLU {written(node.after)}"
        blame = "" if node.blame is None else f", blame {written(node.blame)}"
        nodes.append(f"{node.name} {number}{blame}")
    gradient = net.blame().values()
    parameters = [
        f"{label} {written(value)}, blame {written(g)}"
        for label, value, g in zip(net.labels(), net.values(), gradient, strict=True)
    ]
    return f"A net as a graph. {'; '.join(nodes)}. Parameters: {'; '.join(parameters)}."


def _height(net: SmallNet) -> float:
    """The least height in which the net fits, in inches and fifths."""
    graph = net.graph()
    for fifths in count(8):
        try:
            place(graph, WIDTH, fifths / 5)
        except TooSmallError:
            if fifths / 5 >= TALLEST:
                raise
        else:
            return fifths / 5
    raise AssertionError

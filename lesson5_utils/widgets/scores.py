"""Five scores to move, and what two losses make of them: `plotting.pushes`, alive.

The arithmetic and all words come from Python (`plotting.forecast`); `scores.js` draws what it
is told, and needs no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets

from lesson5_utils import arguments
from lesson5_utils.plotting.forecast import LOSSES, Forecast, forecast, signed, tiny
from lesson5_utils.plotting.placing import written
from lesson5_utils.widgets.scripts import script, style

__all__ = ["ScoreSliders"]

FOOTNOTE = (
    "Thick mark: y. Push: −∂loss/∂score, in loss per unit of score, on the same scale for both "
    "losses. An arrow to the right raises the score."
)


class ScoreSliders(anywidget.AnyWidget):
    """A slider for the score of each class, and a button that makes it the true one.

    Beside them stand the softmax of the scores, and how cross-entropy and the MSE push each
    score; above them, both losses.

        sliders = widgets.ScoreSliders([0, 2, -1, 1, 0.5], names, truth=1)
        sliders                        # shows it
        sliders.scores = [0, 5, 0, 0, 0]
        sliders.forecast.p             # what is shown, as arrays
        sliders.observe(print, "scores")

    Args:
        scores: a number for each class; `reset` comes back to them.
        names: of the classes.
        truth: the place of the true class.
        low, high: how far the sliders reach, at least; scores may lie beyond.

    Raises:
        ArgumentError: scores and names that do not fit together, a score that is not finite,
            no such class, or bounds in the wrong order.
    """

    _esm = script("scores.js")
    _css = style("scores.css")

    scores: Any = traitlets.Any([]).tag(sync=True)  # list of float
    truth: Any = traitlets.Any(0).tag(sync=True)  # int
    _names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    _losses = traitlets.List(traitlets.Unicode(), list(LOSSES)).tag(sync=True)
    _bounds = traitlets.List(traitlets.Float()).tag(sync=True)
    _footnote = traitlets.Unicode(FOOTNOTE).tag(sync=True)
    _shown = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        scores: Any,
        names: Sequence[str],
        truth: int = 0,
        *,
        low: float = -6,
        high: float = 6,
    ) -> None:
        self._start = self._now = forecast(scores, truth, names)
        low = arguments.number("low", low)
        bounds = [low, arguments.number("high", high, above=low)]
        super().__init__(_names=list(self._now.names), _bounds=bounds)
        self.reset()
        self._show()
        self.on_msg(self._asked)

    @property
    def forecast(self) -> Forecast:
        """What is shown, with `p`, `y`, `losses` and `pushes`."""
        return self._now

    def reset(self) -> None:
        """Back to the scores and the true class of the start."""
        with self.hold_trait_notifications():
            self.scores = self._start.scores.tolist()
            self.truth = self._start.truth

    def __repr__(self) -> str:
        return f"<ScoreSliders {len(self._names)} classes, the truth is {self._now.true}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """As any widget, with a sentence in place of all traits: pages and paper show it."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = self._now.sentence()
        return bundle

    def _asked(self, _: object, content: dict[str, Any], __: object = None) -> None:
        """The button was pressed: `{"do": "reset"}`."""
        if content.get("do") == "reset":
            self.reset()

    @traitlets.validate("scores")
    def _one_for_each(self, proposal: dict[str, Any]) -> list[float]:
        made = forecast(proposal["value"], self._start.truth, self._start.names)
        return list(made.scores.tolist())

    @traitlets.validate("truth")
    def _one_of_them(self, proposal: dict[str, Any]) -> int:
        return arguments.whole("truth", proposal["value"], least=0, most=len(self._names) - 1)

    @traitlets.observe("scores", "truth")
    def _moved(self, _: object) -> None:
        if self.scores:
            self._now = forecast(self.scores, self.truth, self._start.names)
            self._show()

    def _show(self) -> None:
        """Tell the browser what stands beside the sliders, in one message."""
        self._shown = shown(self._now)


def shown(one: Forecast) -> dict[str, Any]:
    """What `scores.js` draws: numbers for lengths, and texts for all that is read."""
    pushes = np.stack(one.pushes).T
    rows = [
        {
            "p": round(float(p), 4),
            "score": written(score),
            "share": written(p),
            "pushes": [round(float(push), 4) for push in both],
            "texts": [signed(push) for push in both],
            "words": _words(both),
        }
        for score, p, both in zip(one.scores, one.p, pushes, strict=True)
    ]
    return {
        "rows": rows,
        "losses": [written(loss) for loss in one.losses],
        "largest": [tiny(size) for size in one.largest],
        "said": f"T{one.summary()[1:]}.",
    }


def _words(pushes: Sequence[float]) -> str:
    """Both pushes on a score as they are read aloud."""
    told = []
    for name, push in zip(LOSSES, pushes, strict=True):
        way = (
            "does not push"
            if signed(push) == "0.00"
            else "pushes up"
            if push > 0
            else "pushes down"
        )
        size = "" if signed(push) == "0.00" else f" by {written(abs(push))}"
        told.append(f"{name} {way}{size}")
    return "; ".join(told)

"""`DrawingPad`: a digit drawn by hand, what a model makes of it, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from torch import Tensor

from lesson5_utils import datasets
from lesson5_utils.datasets import drawings
from lesson5_utils.errors import ArgumentError
from lesson5_utils.widgets.scripts import script, style

__all__ = ["DrawingPad"]

PIXELS = 28 * 28

Scores = Callable[[Tensor], Any]
Why = Callable[[Tensor], Any]


class DrawingPad(anywidget.AnyWidget):
    """A pad of 28 × 28 pixels to draw a digit on, with mouse, finger or keys.

    Beside it stands what a model gets to see, `digit`; a bar for each of the ten digits, as
    `scores` gives them; and the picture that `why` gives. They change as one draws.

        pad = widgets.DrawingPad(lambda digit: model(digit[None]).softmax(dim=1)[0])
        pad.scores = ...                     # another model
        pad.strokes = [[[14, 4], [14, 24]]]  # a line from (x, y) to (x, y), from 0 to 28
        pad.pixels = digits.test[0][3]       # or a picture

    Args:
        scores: from a digit [784] to ten probabilities; None: no bars.
        why: from a digit [784] to numbers [784], such as the weights of the likeliest class
            times the ink: above 0 speaks for it, below 0 against it. None: no such picture.

    Raises:
        ArgumentError: what `scores` or `why` gives has another form.
    """

    _esm = script("pad.js")
    _css = style("pad.css")
    strokes: Any = traitlets.Any([]).tag(sync=True)  # [[x, y], …] of each
    ground = traitlets.CBytes(b"").tag(sync=True)  # a picture under the strokes, a byte a pixel
    radius = traitlets.Float(drawings.RADIUS).tag(sync=True)  # of the pen
    saved: Any = traitlets.List().tag(sync=True)  # [name, strokes] of each
    answer = traitlets.Dict().tag(sync=True)  # what is shown beside the pad

    def __init__(self, scores: Scores | None = None, why: Why | None = None) -> None:
        self._under = torch.zeros(PIXELS)  # as it was set; `ground` has whole greys only
        self._scores, self._why = scores, why
        known = datasets.load_drawings()
        super().__init__(
            saved=[list(one) for one in zip(known.names, known.strokes, strict=True)]
        )
        self._check()
        self.observe(self._drawn, ["strokes", "ground"])
        self._show()

    # --- what is drawn -------------------------------------------------------------------

    @property
    def pixels(self) -> Tensor:
        """What is on the pad, where it was drawn: float32 [784] in [0, 1]."""
        return torch.maximum(self._under, drawings.draw_strokes(self.strokes))

    @pixels.setter
    def pixels(self, picture: Any) -> None:
        given = _numbers("pixels", picture, PIXELS)
        if given.min() < 0 or given.max() > 1:
            raise ArgumentError("pixels must be from 0 to 1: divide greys up to 255 by 255")
        with self.hold_trait_notifications():
            self.strokes = []
            self.ground = bytes((given * 255).round().to(torch.uint8).tolist())
        self._under = given  # more exact than the bytes
        self._show()

    @property
    def digit(self) -> Tensor:
        """What a model gets to see: the drawing scaled and centred as MNIST's digits are,
        float32 [784]."""
        if self._under.any():
            return drawings.centred(self.pixels)
        return drawings.as_digit(self.strokes)

    # --- who looks at it -----------------------------------------------------------------

    @property
    def scores(self) -> Scores | None:
        """The model that is asked. Set another one, and it looks at the same drawing."""
        return self._scores

    @scores.setter
    def scores(self, scores: Scores | None) -> None:
        self._set(scores, self._why)

    @property
    def why(self) -> Why | None:
        """What explains the answer by a picture."""
        return self._why

    @why.setter
    def why(self, why: Why | None) -> None:
        self._set(self._scores, why)

    def _set(self, scores: Scores | None, why: Why | None) -> None:
        """Both or none: one that gives something wrong is refused, and the old ones stay."""
        before = self._scores, self._why
        self._scores, self._why = scores, why
        try:
            self._check()
        except BaseException:
            self._scores, self._why = before
            raise
        self._show()

    def _check(self) -> None:
        """Ask both once, so that what is wrong is told where it was written."""
        digit = self.digit if self.digit.any() else datasets.load_drawings().x[0]
        self._bars(digit)
        self._reasons(digit)

    def _bars(self, digit: Tensor) -> list[float]:
        if self._scores is None:
            return []
        given = _numbers("scores", self._scores(digit.clone()), 10)
        if given.min() < -1e-6 or given.max() > 1 + 1e-6:
            raise ArgumentError(
                "scores must give ten probabilities, from 0 to 1: softmax makes them"
            )
        return [round(one, 4) for one in given.clamp(0, 1).tolist()]

    def _reasons(self, digit: Tensor) -> bytes:
        """A signed byte a pixel: the largest number in size becomes 127 or −127."""
        if self._why is None:
            return b""
        given = _numbers("why", self._why(digit.clone()), PIXELS)
        most = float(given.abs().max()) or 1.0
        return bytes((given / most * 127).round().to(torch.int8).numpy().tobytes())

    # --- what is shown -------------------------------------------------------------------

    def _drawn(self, change: Any) -> None:
        if change["name"] == "ground":
            greys = np.frombuffer(self.ground or bytes(PIXELS), dtype=np.uint8)
            self._under = torch.from_numpy(greys.astype(np.float32) / 255)
        self._show()

    def _show(self) -> None:
        """Tell the browser what stands beside the pad, in one message."""
        digit = self.digit
        seen = bytes((digit * 255).round().to(torch.uint8).tolist())
        answer: dict[str, Any] = {"seen": seen, "bars": [], "why": b"", "problem": ""}
        if digit.any():
            try:
                answer |= {"bars": self._bars(digit), "why": self._reasons(digit)}
            except Exception as problem:  # the learner's own model: told where it is seen
                answer["problem"] = f"{type(problem).__name__}: {problem}"
        answer["asked"] = [self._scores is not None, self._why is not None]
        self.answer = answer

    @traitlets.validate("strokes")
    def _as_listed(self, proposal: Any) -> list[list[list[float]]]:
        """Any points as plain numbers, two decimals: what the browser sends stays as it is."""
        return [way.round(2).tolist() for way in drawings.ways_of(proposal["value"])]

    @traitlets.validate("ground")
    def _whole_or_none(self, proposal: Any) -> bytes:
        greys = bytes(proposal["value"])
        if len(greys) not in (0, PIXELS):
            raise ArgumentError(f"a picture has {PIXELS} bytes, not {len(greys)}")
        return greys

    def __repr__(self) -> str:
        if self._under.any():
            return "DrawingPad: a picture"
        n = len(self.strokes)
        return f"DrawingPad: {n or 'no'} stroke{'s' * (n != 1)}"


def _numbers(what: str, given: Any, n: int) -> Tensor:
    """`n` finite numbers, float32 [n], from a tensor, array or list; [1, n] counts."""
    try:
        found = torch.as_tensor(given).detach().cpu().float().ravel()
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError(f"{what} must be {n} numbers, not {type(given).__name__}") from None
    if found.shape != (n,):
        shape = list(torch.as_tensor(given).shape)
        raise ArgumentError(f"{what} must be {n} numbers, not {shape}")
    if not found.isfinite().all():
        raise ArgumentError(f"{what} must be finite numbers")
    return found

"""The checking engine: exercises that answer back.

An exercise knows one right answer (`reference`), inputs to try (`cases`), and the typical
slips, each a wrong answer that runs. A learner's answer is run on every case and compared
with the reference; if it behaves like a slip on all of them, the report names that slip.
No source code is ever compared.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

__all__ = ["Exercise", "Report", "Slip", "WrongForm", "differs", "matrices", "whole_numbers"]


class WrongForm(Exception):  # noqa: N818
    """Raised by an exercise's `use`: the answer has not the form that was asked for."""


@dataclass(frozen=True)
class Slip:
    """A typical wrong answer, and the sentence that a learner who gives it should read."""

    says: str
    answer: Callable[..., Any]


@dataclass(frozen=True)
class Report:
    """What a check found: `status` is "right", "wrong" or "unanswered"."""

    status: str
    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Exercise:
    """One exercise; call it with the learner's answer to get a `Report`.

    Attributes:
        name: what it is called in its notebook.
        reference: a right answer.
        cases: makes the inputs to try, as a list of argument tuples.
        slips: typical wrong answers; the tests make sure that each one is refused.
        why: what to read when the answer is right.
        use: turns an answer into something that takes a case; for answers that are classes.
        tolerance: largest difference that counts as rounding, relative to the larger of 1
            and the expected size.
    """

    name: str
    reference: Callable[..., Any]
    cases: Callable[[], list[tuple[Any, ...]]]
    why: str
    slips: Sequence[Slip] = field(default_factory=tuple)
    use: Callable[[Any], Callable[..., Any]] = lambda answer: answer
    tolerance: float = 1e-4

    def __call__(self, answer: Any) -> Report:
        """Check an answer. Never raises: whatever is wrong with the answer, it is said."""
        if answer is None or answer is ...:
            return self._unanswered()
        if not callable(answer):
            return self._wrong("Give the function itself, by its name and without brackets.")
        cases = self.cases()
        results = [self._run(answer, case) for case in cases]
        if all(result is ... for result in results):
            return self._unanswered()
        for case, result, expected in zip(cases, results, self._expected, strict=True):
            difference = differs(expected, result, self.tolerance)
            if difference:
                shown = _compare(self._named(case), expected, result, difference)
                return self._wrong(shown, results)
        return Report("right", f"✓ {self.name}: right, in {len(cases)} cases.\n  {self.why}")

    @cached_property
    def _expected(self) -> list[Any]:
        """What the reference gives; kept, because some references train a net."""
        return [self._run(self.reference, case) for case in self.cases()]

    def _run(self, answer: Any, case: tuple[Any, ...]) -> Any:
        """The answer's result for a copy of the case, or the exception that it raised."""
        try:
            return self.use(answer)(*deepcopy(case))
        except Exception as error:
            return error

    def _named(self, case: tuple[Any, ...]) -> list[str]:
        """The inputs as text, each with the name that the exercise gives it."""
        names = list(inspect.signature(self.use(self.reference)).parameters)
        if len(names) != len(case):
            return [_brief(value) for value in case]
        return [f"{name} = {_brief(value)}" for name, value in zip(names, case, strict=True)]

    def _unanswered(self) -> Report:
        return Report(
            "unanswered",
            f"○ {self.name}: not answered yet. Replace the ... in the cell above, run it, "
            "then run this cell again.",
        )

    def _wrong(self, what: str, results: Sequence[Any] | None = None) -> Report:
        text = f"✗ {self.name}: not yet.\n  {what}"
        slip = self._find_slip(results) if results else None
        if slip:
            text += f"\n  It looks like this: {slip.says}"
        return Report("wrong", text)

    def _find_slip(self, results: Sequence[Any]) -> Slip | None:
        cases = self.cases()
        for slip in self.slips:
            pairs = zip(cases, results, strict=True)  # most slips part at the first case
            if all(_alike(self._run(slip.answer, c), got, self.tolerance) for c, got in pairs):
                return slip
        return None


def whole_numbers(*shape: int, seed: int = 0) -> torch.Tensor:
    """Small whole numbers as floats, the same every time: inputs easy to check by hand."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-4, 5, shape, generator=generator).float()


def matrices(result: Any, count: int, wanted: str) -> list[torch.Tensor]:
    """An answer of several tensors or arrays, as float tensors; `WrongForm` if it is not."""
    if not isinstance(result, tuple | list) or len(result) != count:
        raise WrongForm(f"return {wanted}")
    if any(part is None or part is ... for part in result):
        raise WrongForm(f"one of the {count} is still missing: return {wanted}")
    return [torch.as_tensor(part, dtype=torch.float32) for part in result]


def differs(expected: Any, got: Any, tolerance: float = 1e-4) -> str | None:
    """What is different between two results, in one phrase; None if nothing is.

    Tensors, arrays and numbers are compared by shape and value; tuples, lists and dicts
    item by item; anything else by `==`.
    """
    if isinstance(got, WrongForm):
        return str(got)
    if isinstance(got, Exception):
        return f"it raised {type(got).__name__}: {got}"
    if got is None or got is ...:
        return "it returned nothing: is a `return` missing?"
    if isinstance(expected, Mapping):
        if not isinstance(got, Mapping) or set(got) != set(expected):
            return f"expected the keys {sorted(expected)}"
        parts = ((f"{key}: ", expected[key], got[key]) for key in expected)
    elif isinstance(expected, tuple | list):
        came = len(got) if isinstance(got, tuple | list) else f"one {_kind(got)}"
        if came != len(expected):
            return f"expected {len(expected)} values, got {came}"
        parts = ((f"value {i + 1}: ", a, b) for i, (a, b) in enumerate(zip(expected, got)))  # noqa: B905
    else:
        return _numbers_differ(expected, got, tolerance)
    found = ((name, differs(a, b, tolerance)) for name, a, b in parts)
    return next((name + difference for name, difference in found if difference), None)


def _numbers_differ(expected: Any, got: Any, tolerance: float) -> str | None:
    try:
        if isinstance(expected, str | bool):
            return None if expected == got else f"expected {expected}, got {got}"
        a, b = _numbers(expected), _numbers(got)
    except Exception:  # whatever it is, it is not the number, text or truth that is expected
        return f"expected {_kind(expected)}, got {_kind(got)}"
    if a.shape != b.shape:
        return f"expected shape {list(a.shape)}, got shape {list(b.shape)}"
    if a.size == 0:
        return None
    if np.isnan(a).tolist() != np.isnan(b).tolist():
        return "some values are not a number (nan)"
    with np.errstate(invalid="ignore"):
        gap = np.where(a == b, 0.0, np.abs(a - b))
    gap = np.where(np.isnan(a), 0.0, gap)
    scale = np.maximum(1.0, np.abs(np.where(np.isfinite(a), a, 1.0)))
    return f"largest difference {gap.max():.3g}" if (gap > tolerance * scale).any() else None


def _numbers(value: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, tuple | list):  # of tensors that carry a gradient, perhaps
        value = [one.detach() if isinstance(one, torch.Tensor) else one for one in value]
    if np.asarray(value).dtype.kind in "SUc":
        raise TypeError("text and complex numbers are not what is asked for")
    return np.asarray(value, dtype=float)


def _alike(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, Exception) or isinstance(other, Exception):
        return type(one) is type(other) and str(one) == str(other)
    if one is None or one is ... or other is None or other is ...:
        return one is other
    return differs(one, other, tolerance) is None


def _compare(inputs: Sequence[str], expected: Any, got: Any, difference: str) -> str:
    lines = ["input     " + "\n            ".join(inputs)]
    lines.append(f"expected  {_brief(expected)}")
    if not isinstance(got, Exception):
        lines.append(f"got       {_brief(got)}")
    return "\n  ".join([*lines, f"so        {difference}"])


def _brief(value: Any) -> str:
    """A value in at most about 70 characters, with its kind and shape."""
    try:
        return _shown(value)
    except Exception:  # a tensor without data, complex numbers …
        return _kind(value)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_brief(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple | list) and not all(np.isscalar(item) for item in value):
        return "(" + ", ".join(_brief(item) for item in value) + ")"
    if isinstance(value, torch.Tensor | np.ndarray) and value.ndim:
        shown = np.array2string(
            np.asarray(value.detach() if isinstance(value, torch.Tensor) else value),
            precision=3,
            threshold=8,
            edgeitems=2,
            separator=", ",
            suppress_small=True,
        )
        return f"{_kind(value)} {' '.join(shown.split())}"
    if isinstance(value, torch.Tensor):
        return f"{value.item():.4g}"
    if isinstance(value, float | np.floating):
        return f"{float(value):.4g}"
    return repr(value)


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor | np.ndarray):
        name = "tensor" if isinstance(value, torch.Tensor) else "array"
        return f"{name} {list(value.shape)}"
    return type(value).__name__

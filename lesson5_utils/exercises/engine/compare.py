"""What differs between two results: strict about what later use needs, lenient about form.

A list, an array and a stacked tensor of the same numbers are alike; so are a number and a
tensor of one. The kind of number counts (whole, real, true or false), the shape, and the size
of a difference in relation to the number that is expected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "Rules",
    "WrongForm",
    "alike",
    "as_kind",
    "differs",
    "is_single",
    "items",
    "largest",
    "numbers",
    "plain_numbers",
]


class WrongForm(Exception):  # noqa: N818
    """Raised by an exercise's `through` or `score`: the answer has not the form asked for."""


@dataclass(frozen=True)
class Rules:
    """How exactly two results are compared.

    Attributes:
        tolerance: largest difference that counts as rounding, relative to each expected number.
        scale: the largest real number among the inputs. A result near 0 that is left over from
            numbers of that size is rounded as they are.
        single: the inputs are float32, so results carry about seven digits.
        kinds: whether the kind of number counts.
    """

    tolerance: float = 1e-4
    scale: float = 0.0
    single: bool = False
    kinds: bool = True

    @property
    def without_kinds(self) -> Rules:
        return replace(self, kinds=False)


def differs(expected: Any, got: Any, rules: Rules | None = None) -> str | None:
    """What is different between two results, as one phrase; None if nothing is.

    Tensors, arrays and numbers are compared by kind, shape and value; tuples, lists and dicts
    item by item; text without regard to capitals.
    """
    rules = rules or Rules()
    if isinstance(got, WrongForm):
        return str(got)
    if isinstance(got, Exception):
        return f"it raised {type(got).__name__}: {got}"
    if expected is None and got is None:
        return None
    if got is None or got is ...:
        return "it returned nothing: is a `return` missing?"
    if isinstance(expected, Mapping):
        return _keys_differ(expected, got, rules)
    if isinstance(expected, tuple | list):
        return _items_differ(_one_kind(expected), got, rules)
    if isinstance(expected, str):
        same = isinstance(got, str) and got.strip().casefold() == expected.strip().casefold()
        return None if same else f"expected {expected!r}, got {_told(got)}"
    return _numbers_differ(expected, got, rules)


def alike(one: Any, other: Any, rules: Rules) -> bool:
    """Whether two results are the same: values, or the same error with the same words."""
    if isinstance(one, Exception) or isinstance(other, Exception):
        return type(one) is type(other) and str(one) == str(other)
    if one is None or one is ... or other is None or other is ...:
        return one is other
    return differs(one, other, rules) is None


def items(value: Any) -> list[Any] | None:
    """The parts of a tuple, a list, a tensor or an array along its first axis."""
    if isinstance(value, tuple | list):
        return list(value)
    return list(value) if isinstance(value, Tensor | np.ndarray) and value.ndim else None


def numbers(value: Any) -> np.ndarray:
    """A tensor, array, number or (nested) list of them as one array, in its own kind.

    Raises:
        TypeError, ValueError: it holds something else, or rows of different lengths.
    """
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        made = value.float().numpy() if value.dtype is torch.bfloat16 else value.numpy()
    elif isinstance(value, tuple | list) and value:
        made = np.stack([numbers(one) for one in value])
    else:
        made = np.asarray(value)
    if made.dtype.kind not in "biuf":
        raise TypeError(f"no numbers: {type(value).__name__}")
    return made


def plain_numbers(value: Any) -> bool:
    """Whether it is a Python number, or some of them in a tuple or a list."""
    values = value if isinstance(value, tuple | list) else [value]
    return bool(values) and all(isinstance(one, int | float) for one in values)


def largest(value: Any) -> float:
    """The largest size among the real numbers anywhere in a value; 0 without any."""
    if isinstance(value, Mapping):
        return max(map(largest, value.values()), default=0.0)
    if isinstance(value, tuple | list):
        return max(map(largest, value), default=0.0)
    if isinstance(value, float | np.floating) or (
        isinstance(value, Tensor | np.ndarray) and numbers(value).dtype.kind == "f"
    ):
        made = np.abs(numbers(value))
        return float(made[np.isfinite(made)].max(initial=0.0))
    return 0.0


def is_single(value: Any) -> bool:
    """Whether there are float32 numbers anywhere in a value."""
    if isinstance(value, Mapping):
        return any(map(is_single, value.values()))
    if isinstance(value, tuple | list):
        return any(map(is_single, value))
    return isinstance(value, Tensor | np.ndarray) and numbers(value).dtype == np.float32


def as_kind(kind: Any, got: Any) -> Any:
    """`got` in the form of `kind`: an accepted list becomes a tensor of its dtype, and so on.

    Nested forms go part by part; what has the form already is handed on as it is, with its
    gradient. `kind` says nothing about how many there are, nor how many digits a tensor holds:
    an answer in float64 to inputs in float64 stays so.
    """
    if isinstance(kind, Tensor):
        tensor = _as_tensor(got, kind.dtype)
        return tensor.reshape(()) if kind.ndim == 0 else tensor
    if isinstance(kind, np.ndarray):
        return numbers(got).astype(kind.dtype, copy=False)
    if isinstance(kind, bool | int | float):
        return type(kind)(numbers(got).item())
    if isinstance(kind, tuple | list) and kind and items(got) is not None:
        each = [*kind] if len(kind) == len(got) else [kind[0]] * len(got)
        made = [as_kind(one, part) for one, part in zip(each, got, strict=True)]
        return tuple(made) if isinstance(kind, tuple) else made
    if isinstance(kind, Mapping):
        return {key: as_kind(kind[key], part) for key, part in got.items()}
    return got


def _as_tensor(got: Any, dtype: torch.dtype) -> Tensor:
    if not isinstance(got, Tensor):
        parts = items(got) or []
        if not any(isinstance(part, Tensor) for part in parts):
            # copied, since pandas hands out arrays that torch would warn about: read-only ones
            plain = np.array(got) if isinstance(got, np.ndarray) else got
            return torch.as_tensor(plain).to(dtype)
        got = torch.stack([torch.as_tensor(part) for part in parts])
    return got if got.is_floating_point() and dtype.is_floating_point else got.to(dtype)


def _keys_differ(expected: Mapping[Any, Any], got: Any, rules: Rules) -> str | None:
    if not isinstance(got, Mapping) or set(got) != set(expected):
        return f"expected the keys {sorted(expected)}"
    for key, one in expected.items():
        if told := differs(one, got[key], rules):
            return f"{key}: {told}"
    return None


def _items_differ(expected: Sequence[Any], got: Any, rules: Rules) -> str | None:
    parts = items(got)
    if parts is None or len(parts) != len(expected):
        whole = isinstance(got, Tensor | np.ndarray) and not plain_numbers(expected)
        came = f"one {_told(got)}" if parts is None or whole else len(parts)
        return f"expected {len(expected)} values, got {came}"
    for i, (one, part) in enumerate(zip(expected, parts, strict=True), start=1):
        if told := differs(one, part, rules):
            return f"value {i}: {told}"
    if rules.kinds and isinstance(got, Tensor | np.ndarray) and plain_numbers(expected):
        return _kind_differs(numbers(expected), got)  # its parts alone carry no kind
    return None


def _one_kind(values: Sequence[Any]) -> Sequence[Any]:
    """Plain numbers of two kinds in one list are real numbers, all of them."""
    if any(isinstance(one, float) for one in values):
        return [float(one) if type(one) is int else one for one in values]
    return values


def _numbers_differ(expected: Any, got: Any, rules: Rules) -> str | None:
    try:
        a, b = numbers(expected), numbers(got)
    except Exception:  # whatever it is, it is not the number or truth that is expected
        missing = isinstance(got, tuple | list) and any(one is None for one in got)
        came = "a list in which a value is missing (None)" if missing else _told(got)
        return f"expected {_told(expected)}, got {came}"
    if a.shape == () and b.shape == (1,):
        b = b.reshape(())
    if a.shape != b.shape:
        return f"expected shape {list(a.shape)}, got shape {list(b.shape)}"
    if a.size == 0:
        return None
    if (a.dtype.kind == "b") != (b.dtype.kind == "b"):
        return f"expected {_word(a)}, got {_word(b)}"
    if rules.kinds and (told := _kind_differs(expected, got)):
        return told
    return _values_differ(a, b, rules)


def _values_differ(a: np.ndarray, b: np.ndarray, rules: Rules) -> str | None:
    exact = a.dtype.kind in "biu" and b.dtype.kind in "biu"
    single = rules.single or any(one.dtype in (np.float16, np.float32) for one in (a, b))
    a, b = a.astype(float), b.astype(float)
    if np.isnan(a).tolist() != np.isnan(b).tolist():
        return "some values are not a number (nan)"
    with np.errstate(invalid="ignore"):
        gap = np.where((a == b) | np.isnan(a), 0.0, np.abs(a - b))
    sizes = np.abs(np.where(np.isfinite(a), a, 0.0))
    rounding = 5e-7 if single else 5e-12
    allowed = rules.tolerance * sizes + rounding * max(rules.scale, sizes.max())
    if not (gap > (0.0 if exact else allowed)).any():
        return None
    return f"the largest difference is {gap.max():.3g}"


def _kind_differs(expected: Any, got: Any) -> str | None:
    a, b = numbers(expected), numbers(got)
    if a.dtype.kind == "f" and b.dtype.kind in "iu" and not _in_a_box(got):
        return None  # Python's whole numbers serve where real ones are expected
    if _word(a) != _word(b):
        return f"expected {_word(a)} ({a.dtype}), got {_word(b)} ({b.dtype})"
    both = isinstance(expected, Tensor) and isinstance(got, Tensor) and got.ndim
    if both and expected.dtype != got.dtype:
        return f"expected numbers of kind {expected.dtype}, got {got.dtype}"
    return None


def _in_a_box(value: Any) -> bool:
    """Whether the numbers sit in a tensor or array, which keeps their kind."""
    if isinstance(value, tuple | list):
        return any(_in_a_box(one) for one in value)
    return isinstance(value, Tensor | np.ndarray) and value.ndim > 0


def _word(made: np.ndarray) -> str:
    words = {"b": "True or False", "i": "whole numbers", "u": "whole numbers"}
    return words.get(made.dtype.kind, "real numbers")


def _told(value: Any) -> str:
    if isinstance(value, Tensor | np.ndarray):
        name = "tensor" if isinstance(value, Tensor) else "array"
        return f"{name} {list(value.shape)}"
    return repr(value) if isinstance(value, str) and len(value) < 40 else type(value).__name__

"""Values as text in a report: short, and with digits enough to tell expected from got."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

__all__ = ["pair", "shown"]

DIGITS = (4, 7, 10, 17)  # 17 tell any two floats apart
LONG = 8  # longer lists are cut in the middle


def pair(expected: Any, got: Any) -> tuple[str, str]:
    """Two values as text that differs wherever they do: more digits, kinds, places."""
    both = _kinds(expected), _kinds(got)
    kinds = all(both) and both[0] != both[1]
    for digits in DIGITS:
        texts = shown(expected, digits, kinds), shown(got, digits, kinds)
        if texts[0] != texts[1]:
            return texts
    if place := _hidden_place(expected, got):
        at = ", ".join(map(str, place))
        return tuple(  # type: ignore[return-value]
            f"{shown(value)}, at [{at}]: {_number(_flat(value)[place], 17)}"
            for value in (expected, got)
        )
    return f"{texts[0]} ({type(expected).__name__})", f"{texts[1]} ({type(got).__name__})"


def shown(value: Any, digits: int = DIGITS[0], kinds: bool = False) -> str:
    """A value in about 70 characters, with the shape of a tensor, and its kind where asked."""
    try:
        return _shown(value, digits, kinds)
    except Exception:  # a tensor without data, complex numbers …
        return type(value).__name__


def _shown(value: Any, digits: int, kinds: bool) -> str:
    if isinstance(value, Exception):
        return f"{type(value).__name__}: {value}"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{k}: {shown(part, digits, kinds)}" for k, part in value.items())
        return "{" + inside + "}"
    if isinstance(value, tuple | list):
        parts = [shown(part, digits, kinds) for part in value]
        if len(parts) > LONG and all(np.isscalar(part) for part in value):
            parts = [*parts[:4], "…", *parts[-2:], f"({len(value)} values)"]
        inside = ", ".join(parts)
        return f"({inside})" if isinstance(value, tuple) else f"[{inside}]"
    if isinstance(value, Tensor | np.ndarray):
        return _array(value, digits, kinds)
    if isinstance(value, bool | int | float | np.generic):
        return _number(value, digits)
    text = repr(value)
    return text if len(text) <= 70 else text[:69] + "…"


def _array(value: Any, digits: int, kinds: bool) -> str:
    name = "tensor" if isinstance(value, Tensor) else "array"
    made = _flat(value)
    label = f" {made.dtype}" if kinds else ""
    if made.ndim == 0:
        return _number(made.item(), digits) + (f" ({name}{label})" if kinds else "")
    text = np.array2string(
        made,
        precision=digits - 1,
        threshold=LONG,
        edgeitems=2,
        separator=", ",
        suppress_small=digits == DIGITS[0] and bool((np.abs(made) >= 0.001).any()),
    )
    return f"{name} {list(made.shape)}{label} {' '.join(text.split())}"


def _number(value: Any, digits: int) -> str:
    if isinstance(value, float | np.floating):
        text = f"{float(value):.{digits}g}"
        return text if any(c in text for c in ".en") else f"{text}.0"
    return str(value.item() if isinstance(value, np.generic) else value)


def _flat(value: Any) -> np.ndarray:
    return np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)


def _kinds(value: Any) -> set[str]:
    """The kinds of number of the tensors and arrays in a value; plain numbers have none."""
    if isinstance(value, tuple | list):
        return {kind for part in value for kind in _kinds(part)}
    return (
        {str(value.dtype).removeprefix("torch.")}
        if isinstance(value, Tensor | np.ndarray)
        else set()
    )


def _hidden_place(expected: Any, got: Any) -> tuple[int, ...] | None:
    """Where two arrays of one shape first differ, if they are too long to be shown whole."""
    try:
        a, b = _flat(expected), _flat(got)
        places = np.argwhere(~np.isclose(a, b, rtol=1e-6, atol=0, equal_nan=True))
    except Exception:
        return None
    return tuple(int(one) for one in places[0]) if len(places) and a.ndim else None

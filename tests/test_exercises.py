"""Every check: accepts its solution, refuses and names each slip, and never raises."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from lesson5_utils import exercises
from lesson5_utils.exercises import Exercise, Slip, differs
from lesson5_utils.exercises.engine.values import can_slope

found = cache(exercises.every)


def some(choose: Callable[[str, Exercise], bool]) -> pytest.MarkDecorator:
    chosen = {name: one for name, one in found().items() if choose(name, one)}
    return pytest.mark.parametrize("one", chosen.values(), ids=chosen.keys())


SLIPS = [
    pytest.param(one, slip, id=f"{name}-{i}")
    for name, one in found().items()
    for i, slip in enumerate(one.slips)
]
every_exercise = some(lambda _, one: True)
every_call = some(lambda _, one: not one.is_value)
every_function = some(
    lambda _, one: one.cases is not None and not isinstance(one.reference, type)
)


@pytest.mark.parametrize("full_name", found())
def test_an_exercise_is_called_as_in_its_module_and_is_exported(full_name: str) -> None:
    module, name = full_name.split(".")
    assert found()[full_name].name == name
    assert found()[full_name].full_name == full_name
    assert name in importlib.import_module(f"{exercises.__name__}.{module}").__all__


def right_answer(one: Exercise) -> Any:
    return one.reference() if one.is_value else one.reference


@every_exercise
def test_the_reference_is_accepted_and_its_why_is_told(one: Exercise) -> None:
    report = one(right_answer(one))
    assert report.status == "right" and one.why in report.text, report.text
    assert repr(report) == report.text and report.text.startswith(f"✓ {one.name}: ")


@pytest.mark.parametrize(("one", "slip"), SLIPS)
def test_each_slip_is_refused_and_named_first(one: Exercise, slip: Slip) -> None:
    report = one(slip.answer() if one.is_value else slip.answer)
    assert report.status == "wrong"
    told = report.text.splitlines()
    assert told[0] == f"✗ {one.name}: not yet." and slip.says[1:] in told[1], report.text
    assert one.why not in report.text
    if one.cases:
        assert told[2].startswith("  input     "), report.text


@every_exercise
def test_at_least_three_slips_and_two_cases_that_differ(one: Exercise) -> None:
    least = 1 if one.kind == "challenge" else 3
    assert len(one.slips) >= least
    assert len({slip.says for slip in one.slips}) == len(one.slips)
    assert one.cases is None or len(one.cases()) >= 2


@some(lambda name, one: one.cases is not None)
def test_real_inputs_are_tried_with_numbers_that_are_not_whole(one: Exercise) -> None:
    def reals(value: Any) -> list[float]:
        if isinstance(value, tuple | list):
            return [real for part in value for real in reals(part)]
        if can_slope(value) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
            return [float(real) for real in value.flatten()]
        return [value] if isinstance(value, float) else []

    assert one.cases
    tried = reals(one.cases())
    assert not tried or any(np.isfinite(real) and real != round(real) for real in tried)


# --- answers of every kind ----------------------------------------------------------------


class StubModel(nn.Module):
    def __init__(self, *_: object) -> None:
        super().__init__()

    def forward(self, *_: object) -> Any:
        return ...


class SilentModel(StubModel):
    def forward(self, *_: object) -> None:
        return None


def stub_of(one: Exercise) -> Any:
    """What the learner finds: a function, or a class, that is not written yet."""
    return StubModel if isinstance(one.reference, type) else lambda *_: ...


@every_exercise
def test_an_unanswered_exercise_says_so_gently(one: Exercise) -> None:
    for answer in (None, ..., *([] if one.is_value else [stub_of(one)])):
        report = one(answer)
        assert report.status == "unanswered" and "not answered yet" in report.text


@every_call
def test_an_answer_without_a_return_is_told_so(one: Exercise) -> None:
    if not one.may_change:
        report = one(SilentModel if isinstance(one.reference, type) else lambda *_: None)
        assert report.status == "wrong" and "is a `return` missing?" in report.text


@every_call
def test_a_value_instead_of_a_function_is_refused(one: Exercise) -> None:
    for value in (3, 2.5, "lookup", [1, 2], torch.ones(2), {}):
        report = one(value)
        assert report.status == "wrong" and "Give the function itself" in report.text


@every_call
def test_an_answer_that_raises_is_told_its_own_error(one: Exercise) -> None:
    def fails(*_: object) -> None:
        raise KeyError("my own mistake")

    report = one(fails)
    assert report.status == "wrong"
    assert "It raised KeyError: 'my own mistake'" in report.text


@every_call
def test_a_wrong_number_of_arguments_is_told(one: Exercise) -> None:
    report = one(lambda: 1)
    assert report.status == "wrong" and "It raised TypeError" in report.text


STRANGE: dict[str, Callable[[], Any]] = {
    "text": lambda: "seven",
    "huge": lambda: 10**400,
    "nan": lambda: float("nan"),
    "nan tensor": lambda: torch.full((3,), torch.nan),
    "no shape": lambda: torch.tensor(7.0),
    "empty": lambda: torch.tensor([]),
    "table": lambda: torch.ones(9, 9),
    "list": lambda: [1, 2, 3, 4, 5, 6, 7],
    "with gradient": lambda: torch.ones(3, requires_grad=True),
    "list with gradient": lambda: [torch.ones(3, requires_grad=True)] * 2,
    "four with gradient": lambda: [torch.ones(3, 3, requires_grad=True)] * 4,
    "complex": lambda: torch.tensor(1 + 2j),
    "sparse": lambda: torch.eye(3).to_sparse(),
    "no data": lambda: torch.ones(3, device="meta"),
    "frame": lambda: pd.DataFrame({"a": [1]}),
    "words": lambda: np.array(["a", "b"]),
    "set": lambda: {1, 2},
    "dict": lambda: {"a": 1},
    "generator": lambda: (i for i in range(3)),
    "layer": lambda: nn.Linear(1, 1),
    "function": lambda: len,
    "an error as value": lambda: ValueError("returned"),
    "half an answer": lambda: (None, torch.ones(3)),
}


@every_exercise
def test_no_answer_however_strange_makes_a_check_raise(one: Exercise) -> None:
    for name, make in STRANGE.items():
        report = one(make() if one.is_value else lambda *_, make=make: make())
        assert report.status != "right" and one.name in report.text, name
        assert name == "half an answer" or report.status == "wrong", name


@some(lambda _, one: one.cases is not None)
def test_an_answer_right_in_the_first_case_only_is_refused(one: Exercise) -> None:
    calls = 0

    def tires(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return one.reference(*arguments) if calls == 1 else stub_of(one)(*arguments)

    assert one(tires).status in ("wrong", "unanswered")


@every_function
def test_an_answer_that_changes_its_input_is_refused_with_a_sentence(one: Exercise) -> None:
    """Before or after use: whoever calls it still needs what was given."""
    given = [v for case in one.cases() for v in case] if one.cases else []
    has_arrays = any(isinstance(v, torch.Tensor | np.ndarray) and v.size for v in given)

    def spoils(*arguments: Any) -> Any:
        result = one.reference(*(_copied(value) for value in arguments))
        _spoil(arguments)
        return result

    def cheats(*arguments: Any) -> Any:
        _spoil(arguments)
        return one.reference(*arguments)

    if has_arrays and not one.may_change and not one.through:
        assert "It changes its input" in one(spoils).text
        assert one(cheats).status == "wrong"
    assert one(one.reference).status == "right"


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _spoil(arguments: tuple[Any, ...]) -> None:
    """Another value in every element; whole numbers stay valid as positions."""
    for value in arguments:
        if isinstance(value, np.ndarray):
            value[:] = value * 2 + 1
        elif isinstance(value, torch.Tensor):
            value.copy_(value * 2 + 1 if value.is_floating_point() else value * 0)


# --- what later cells get -----------------------------------------------------------------


@every_exercise
def test_until_it_is_right_the_reference_is_used(one: Exercise) -> None:
    wrong = one.slips[0].answer
    for answer in (..., None, wrong() if one.is_value else wrong):
        used = one.use(answer)
        assert (
            differs(right_answer(one), used) is None if one.is_value else used is one.reference
        )


@every_exercise
def test_a_right_answer_is_used_and_gives_what_the_reference_gives(
    one: Exercise, capsys: pytest.CaptureFixture[str]
) -> None:
    used = one.use(right_answer(one))
    assert capsys.readouterr().out == ""
    if isinstance(one.reference, type):
        assert used is one.reference
    elif one.cases and not one.through:
        case = one.cases()[0]
        assert differs(one.reference(*case), used(*one.cases()[0])) is None

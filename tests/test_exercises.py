"""Every check: accepts its solution, refuses and names each slip, and never raises."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from lesson5_utils import exercises
from lesson5_utils.exercises import Exercise, Slip, differs, embeddings, whole_numbers


@cache
def found() -> dict[str, Exercise]:
    """Every exercise of every module, as "module.name"."""
    listed = {}
    for info in pkgutil.iter_modules(exercises.__path__):
        module = importlib.import_module(f"{exercises.__name__}.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, Exercise):
                listed[f"{info.name}.{name}"] = value
    return listed


SLIPS = [
    pytest.param(one, slip, id=f"{name}-{i}")
    for name, one in found().items()
    for i, slip in enumerate(one.slips)
]
every_exercise = pytest.mark.parametrize("one", found().values(), ids=found().keys())


@pytest.mark.parametrize("full_name", found())
def test_an_exercise_is_called_as_in_its_module_and_is_exported(full_name: str) -> None:
    module, name = full_name.split(".")
    assert found()[full_name].name == name
    assert name in importlib.import_module(f"{exercises.__name__}.{module}").__all__


@every_exercise
def test_the_reference_is_accepted_and_its_why_is_told(one: Exercise) -> None:
    report = one(one.reference)
    assert report.status == "right" and one.why in report.text
    assert repr(report) == report.text and report.text.startswith(f"✓ {one.name}: right")


@pytest.mark.parametrize(("one", "slip"), SLIPS)
def test_each_slip_is_refused_and_named(one: Exercise, slip: Slip) -> None:
    report = one(slip.answer)
    assert report.status == "wrong" and slip.says in report.text
    assert "input  " in report.text and "expected  " in report.text and "so  " in report.text


@every_exercise
def test_at_least_three_slips_and_two_cases_that_differ(one: Exercise) -> None:
    assert len(one.slips) >= 3 and len({slip.says for slip in one.slips}) == len(one.slips)
    assert len(one.cases()) >= 2


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
@pytest.mark.parametrize("kind", ["stub", "None", "..."])
def test_an_unanswered_exercise_says_so_gently(one: Exercise, kind: str) -> None:
    report = one({"stub": stub_of(one), "None": None, "...": ...}[kind])
    assert report.status == "unanswered" and "not answered yet" in report.text


@every_exercise
def test_an_answer_without_a_return_is_told_so(one: Exercise) -> None:
    silent = SilentModel if isinstance(one.reference, type) else lambda *_: None
    report = one(silent)
    assert report.status == "wrong" and "is a `return` missing?" in report.text


@every_exercise
@pytest.mark.parametrize("value", [3, 2.5, "lookup", [1, 2], torch.ones(2), {}])
def test_a_value_instead_of_a_function_is_refused(one: Exercise, value: object) -> None:
    report = one(value)
    assert report.status == "wrong" and "Give the function itself" in report.text


@every_exercise
def test_an_answer_that_raises_is_told_its_own_error(one: Exercise) -> None:
    def fails(*_: object) -> None:
        raise KeyError("my own mistake")

    report = one(fails)
    assert report.status == "wrong"
    assert "it raised KeyError: 'my own mistake'" in report.text


@every_exercise
def test_a_wrong_number_of_arguments_is_told(one: Exercise) -> None:
    report = one(lambda: 1)
    assert report.status == "wrong" and "it raised TypeError" in report.text


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
@pytest.mark.parametrize("strange", STRANGE)
def test_no_answer_however_strange_makes_a_check_raise(one: Exercise, strange: str) -> None:
    report = one(lambda *_: STRANGE[strange]())
    assert report.status != "right" and one.name in report.text
    assert strange == "half an answer" or report.status == "wrong"


@every_exercise
def test_an_answer_right_in_the_first_case_only_is_refused(one: Exercise) -> None:
    calls = 0

    def tires(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return one.reference(*arguments) if calls == 1 else stub_of(one)(*arguments)

    assert one(tires).status == "wrong"


FUNCTIONS = [
    pytest.param(one, id=name)
    for name, one in found().items()
    if not isinstance(one.reference, type)
]


@pytest.mark.parametrize("one", FUNCTIONS)
def test_an_answer_may_spoil_its_input_after_use(one: Exercise) -> None:
    def spoils(*arguments: Any) -> Any:
        result = one.reference(*(_copied(value) for value in arguments))
        _spoil(arguments)
        return result

    assert one(spoils).status == "right"
    assert one(one.reference).status == "right"


@pytest.mark.parametrize("one", FUNCTIONS)
def test_an_answer_cannot_fool_the_check_by_changing_its_input(one: Exercise) -> None:
    def cheats(*arguments: Any) -> Any:
        _spoil(arguments)
        return one.reference(*arguments)

    has_arrays = any(isinstance(v, torch.Tensor | np.ndarray) for v in one.cases()[0])
    assert one(cheats).status == ("wrong" if has_arrays else "right")
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


def test_the_cases_stay_as_they_are() -> None:
    case = (torch.ones(2), np.ones(2))
    made = Exercise("adds", lambda a, b: a + torch.from_numpy(b), lambda: [case], "because")

    def spoils(a: torch.Tensor, b: np.ndarray) -> torch.Tensor:
        a += 5
        b += 5
        return a

    assert "largest difference" in made(spoils).text
    assert case[0].tolist() == [1, 1] and case[1].tolist() == [1, 1]


def test_the_report_shows_input_expected_got_and_difference() -> None:
    made = Exercise("double", lambda x: 2 * x, lambda: [(torch.tensor([1.0, 2.0]),)], "why")
    assert made(lambda x: 2 * x + 0.5).text == (
        "✗ double: not yet.\n"
        "  input     x = tensor [2] [1., 2.]\n"
        "  expected  tensor [2] [2., 4.]\n"
        "  got       tensor [2] [2.5, 4.5]\n"
        "  so        largest difference 0.5"
    )


def test_an_unusual_wrong_answer_is_not_called_a_slip() -> None:
    report = embeddings.lookup(lambda table, index: table[index] + 100)
    assert report.status == "wrong" and "It looks like this" not in report.text


def test_many_ways_to_be_right_are_accepted() -> None:
    from lesson5_utils.exercises import bias

    as_list = embeddings.numbering(lambda ids: list(np.unique(ids, return_inverse=True)))
    assert as_list.status == "right"
    assert embeddings.rmse(lambda p, t: float(((p - t[:, 0]) ** 2).mean() ** 0.5)).status == (
        "right"
    )
    swapped = bias.ones(
        lambda u, m, a, b: (
            torch.cat([a, torch.ones_like(a), u], 1),
            torch.cat([torch.ones_like(a), b, m], 1),
        )
    )
    assert swapped.status == "right"


def test_the_models_tables_may_have_any_names_and_order() -> None:
    class Mine(nn.Module):
        def __init__(self, n_users: int, n_movies: int, n_factors: int) -> None:
            super().__init__()
            self.m = nn.Parameter(torch.randn(n_movies, n_factors))
            self.u = nn.Embedding(n_users, n_factors)

        def forward(self, user: torch.Tensor, movie: torch.Tensor) -> torch.Tensor:
            return torch.einsum("nk,nk->n", self.u(user), self.m[movie])

    assert embeddings.dot_model(Mine).status == "right"


# --- differs ------------------------------------------------------------------------------

ONES = torch.ones(2)


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (ONES, ONES),
        (ONES, ONES + 1e-5),
        (ONES, np.ones(2)),
        (ONES, [1, 1]),
        (1e6, 1e6 + 10),
        (2.0, torch.tensor(2)),
        (torch.tensor([torch.inf, torch.nan]), torch.tensor([torch.inf, torch.nan])),
        ((ONES, 1), [ONES, 1.0]),
        ({"a": 1}, {"a": 1}),
        ("a", "a"),
        (True, True),
        (torch.tensor([]), torch.tensor([])),
    ],
)
def test_these_do_not_differ(expected: Any, got: Any) -> None:
    assert differs(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "phrase"),
    [
        (ONES, ONES * 3, "largest difference 2"),
        (ONES, torch.tensor([1, 1.001]), "largest difference 0.001"),
        (ONES, torch.ones(2, 1), r"expected shape \[2\], got shape \[2, 1\]"),
        (ONES, torch.tensor([1, torch.nan]), "nan"),
        (torch.tensor([1, torch.nan]), ONES, "nan"),
        (ONES, torch.tensor([1, torch.inf]), "largest difference inf"),
        (torch.tensor(torch.inf), torch.tensor(-torch.inf), "largest difference inf"),
        (ONES, None, "is a `return` missing"),
        (ONES, ..., "is a `return` missing"),
        (ONES, "1", r"expected tensor \[2\], got str"),
        (1.0, "1.0", "expected float, got str"),
        (1.0, 1 + 0j, "expected float, got complex"),
        (ONES, ValueError("no"), "it raised ValueError: no"),
        ((ONES, ONES), (ONES,), "expected 2 values"),
        ((ONES, ONES), ONES, "expected 2 values"),
        ((ONES, ONES), (ONES, ONES * 2), "value 2: largest difference 1"),
        ({"a": 1, "b": 2}, {"a": 1}, r"expected the keys \['a', 'b'\]"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "b: largest difference 1"),
        ("a", "b", "expected a, got b"),
        (True, False, "expected True, got False"),
        (True, ONES, "expected bool"),
    ],
)
def test_these_differ_and_it_is_said_how(expected: Any, got: Any, phrase: str) -> None:
    told = differs(expected, got)
    assert told is not None and re.search(phrase, told)


def test_whole_numbers_are_whole_small_and_the_same_every_time() -> None:
    made = whole_numbers(50, 3)
    assert made.shape == (50, 3) and made.dtype == torch.float32
    assert torch.equal(made, made.round()) and made.min() == -4 and made.max() == 4
    assert torch.equal(made, whole_numbers(50, 3)) and len(made.unique()) == 9
    assert not torch.equal(made, whole_numbers(50, 3, seed=1))

"""The checking engine: what it refuses, what it accepts, and what it says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from lesson5_utils.exercises import Exercise, WrongForm, exercise
from lesson5_utils.exercises.engine.judge import Record, listeners


def double() -> Exercise:
    @exercise(cases=lambda: [(torch.tensor([1.0, 2.0]),), (torch.tensor([0.3]),)], why="why")
    def double(x: Tensor) -> Tensor:
        return 2 * x

    double.slip("you squared.", lambda x: x**2)
    double.slip("it is negative.", lambda x: -2 * x)
    return double


def made(reference: Any, *cases: tuple[Any, ...], **more: Any) -> Exercise:
    return exercise(cases=lambda: list(cases), why="why", **more)(reference)


# --- names, and what is said --------------------------------------------------------------


def test_the_name_is_that_of_the_reference_and_slips_stand_beside_it() -> None:
    one = double()
    assert one.name == "double" and one.full_name == "test_engine.double"
    assert [slip.says for slip in one.slips] == ["you squared.", "it is negative."]

    @one.slip("it is half.")
    def _(x: Tensor) -> Tensor:
        return x / 2

    assert one.slips[-1].says == "it is half." and one.slips[-1].answer is _


def test_the_report_says_the_sentence_then_shows_input_expected_and_got() -> None:
    assert double()(lambda x: 2 * x + 0.5).text == (
        "✗ double: not yet.\n"
        "  The largest difference is 0.5.\n"
        "  input     x = tensor [2] [1., 2.]\n"
        "  expected  tensor [2] [2., 4.]\n"
        "  got       tensor [2] [2.5, 4.5]"
    )


def test_a_slip_is_the_first_sentence() -> None:
    assert double()(lambda x: x * x).text == (
        "✗ double: not yet.\n"
        "  It looks like this: you squared.\n"
        "  input     x = tensor [2] [1., 2.]\n"
        "  expected  tensor [2] [2., 4.]\n"
        "  got       tensor [2] [1., 4.]"
    )


def test_right_says_why_and_unanswered_says_what_to_do() -> None:
    assert double()(lambda x: x + x).text == "✓ double: right, in 2 cases.\n  why"
    assert double()(lambda x: ...).text == (
        "○ double: not answered yet. Replace the ... in the cell above, run it, then run this "
        "cell again."
    )


@pytest.mark.parametrize(
    "form", [np.array, list, tuple, lambda v: torch.tensor(v, dtype=torch.float64)]
)
def test_a_slip_is_named_in_whatever_form_it_is_given(form: Any) -> None:
    assert "you squared" in double()(lambda x: form((x**2).tolist())).text


def test_swapped_returns_are_named_as_tuple_list_and_stacked() -> None:
    two = made(lambda x: (x, 3 * x), (torch.tensor([1.0, 2.5]),), (torch.tensor([2.0]),))
    two.slip("they are swapped.", lambda x: (3 * x, x))
    for answer in (
        lambda x: [3 * x, x],
        lambda x: torch.stack([3 * x, x]),
        lambda x: np.stack([3 * x.numpy(), x.numpy()]),
    ):
        assert "they are swapped" in two(answer).text
    assert two(lambda x: torch.stack([x, 3 * x])).status == "right"


def test_a_slip_in_the_kind_of_number_is_named_only_for_that_kind() -> None:
    codes = made(lambda n: torch.arange(n), (3,), (5,))
    codes.slip("they are real.", lambda n: torch.arange(n).float())
    assert "they are real" in codes(lambda n: torch.arange(float(n))).text
    short = codes(lambda n: torch.arange(n).int()).text
    assert "they are real" not in short and "torch.int32" in short


def test_an_unusual_wrong_answer_is_not_called_a_slip() -> None:
    report = double()(lambda x: x + 100)
    assert report.status == "wrong" and "It looks like this" not in report.text


def test_a_slip_that_raises_is_named_by_its_error() -> None:
    one = double()
    one.slip("x is no text.", lambda x: x + "a")
    told = one(lambda y: y + "a").text
    assert "x is no text" in told and "got       TypeError: " in told


# --- inputs -------------------------------------------------------------------------------


def in_place(x: Tensor) -> Tensor:
    x *= 2
    return x


def test_an_answer_that_changes_its_input_is_refused_in_words() -> None:
    told = double()(in_place).text
    assert "It changes its input `x` in place" in told and "x = x + 1" in told


def test_it_may_where_that_is_what_is_asked_for() -> None:
    def reference(values: list[float]) -> None:
        values.sort()

    def through(answer: Any, values: list[float]) -> list[float]:
        assert answer(values) is None
        return values

    one = made(reference, ([2.0, 1.5],), ([3.5],), through=through, may_change=True)
    assert one(lambda values: values.sort()).status == "right"
    assert one(lambda values: None).status == "wrong"


@pytest.mark.parametrize(
    "value", [np.ones(2), [1, 2], {"a": torch.ones(2)}, [torch.ones(1)], nn.Linear(1, 1)]
)
def test_every_kind_of_input_is_watched(value: Any) -> None:
    one = made(lambda x: 1.0, (value,), (value,))

    def changes(x: Any) -> float:
        if isinstance(x, nn.Module):
            with torch.no_grad():
                x.weight += 1
        elif isinstance(x, np.ndarray):
            x[0] = 5
        elif isinstance(x, dict):
            x["a"] += 1
        else:
            x[0] = x[0] + 1
        return 1.0

    assert "It changes its input `x`" in one(changes).text
    assert one(lambda x: 1.0).status == "right"


def test_the_cases_stay_as_they_are() -> None:
    case = (torch.ones(2), np.ones(2))
    one = made(lambda a, b: a + torch.from_numpy(b), case)

    def spoils(a: Tensor, b: np.ndarray) -> Tensor:
        a += 5
        b += 5
        return a

    assert one(spoils).status == "wrong"
    assert case[0].tolist() == [1, 1] and case[1].tolist() == [1, 1]


# --- gradients ----------------------------------------------------------------------------


def with_gradients(names: Any = True) -> Exercise:
    one = made(
        lambda params, x, wd: wd * sum((p * p).sum() for p in params) + (x * x).sum(),
        ([torch.tensor([1.5, -2.0]), torch.tensor([3.0])], torch.tensor([0.5]), 0.1),
        ([torch.tensor([0.25])], torch.tensor([1.0, 2.5]), 2.0),
        gradients=names,
    )
    one.slip(
        "the penalty is cut off.",
        lambda params, x, wd: wd * sum((p * p).sum().item() for p in params) + (x * x).sum(),
    )
    return one


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda p, x, wd: wd * sum((q**2).sum() for q in p) + x.pow(2).sum(), "right, in 2"),
        (lambda p, x, wd: wd * sum((q**2).sum().item() for q in p) + (x**2).sum(), "cut off."),
        (
            lambda p, x, wd: (wd * sum((q**2).sum() for q in p) + (x**2).sum()).detach(),
            "no gradient flows back to `params`",
        ),
        (
            lambda p, x, wd: (wd * sum((q**2).sum() for q in p) + (x**2).sum()).item(),
            "no gradient flows back to `params`",
        ),
        (
            lambda p, x, wd: wd * sum((q**2).sum() for q in p) + (x * x.detach()).sum(),
            "the gradient of `x` is not",
        ),
        (lambda p, x, wd: x.numpy(), "It raised RuntimeError: Can't call numpy"),
    ],
)
def test_gradients_must_flow_and_be_right_where_asked(answer: Any, phrase: str) -> None:
    assert phrase in with_gradients()(answer).text


def test_gradients_only_of_the_named_inputs() -> None:
    def cut(params: list[Tensor], x: Tensor, wd: float) -> Tensor:
        return wd * sum((p * p).sum().detach() for p in params) + (x * x).sum()

    assert with_gradients(["x"])(cut).status == "right"
    assert with_gradients(["params"])(cut).status == "wrong"


def test_a_change_in_place_is_told_as_such_also_where_gradients_are_asked() -> None:
    one = made(lambda x: 2 * x, (torch.tensor([1.5]),), (torch.ones(2),), gradients=True)
    assert "It changes its input `x`" in one(in_place).text


# --- the state of the world ---------------------------------------------------------------


def test_random_numbers_are_the_same_for_all_and_the_global_states_stay() -> None:
    def noisy(x: Tensor) -> Tensor:
        return x + torch.rand(2) + float(np.random.rand()) + random.random()

    one = made(noisy, (torch.ones(2),), (torch.zeros(2),))
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)

    def draw() -> tuple[float, float, float]:
        return torch.rand(1).item(), np.random.rand(), random.random()

    first = draw()
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)

    def seeds(x: Tensor) -> Tensor:
        result = noisy(x)
        torch.manual_seed(99)
        np.random.seed(99)
        random.seed(99)
        return result

    assert one(seeds).status == "right"
    one.use(seeds)
    assert draw() == first


def test_the_engine_works_under_no_grad() -> None:
    with torch.no_grad():
        assert with_gradients()(with_gradients().reference).status == "right"


# --- through ------------------------------------------------------------------------------


def test_through_runs_an_answer_and_wrong_forms_are_told_in_words() -> None:
    def twice(answer: Any, x: float) -> Any:
        result = answer(answer(x))
        if result < 0:
            raise WrongForm("return something above 0")
        return {"after two": result}

    one = made(lambda x: x + 1.5, (1.0,), (2.0,), through=twice)
    assert one(lambda x: x + 1.5).status == "right"
    assert one(lambda x: x - 5).text == (
        "✗ <lambda>: not yet.\n  Return something above 0.\n  input     x = 1.0"
    )
    assert one(lambda x: ...).status == "unanswered"
    assert "return` missing" in one(lambda x: None).text
    assert one.use(lambda x: torch.as_tensor(x + 1.5))(1.0) == 2.5


# --- use ----------------------------------------------------------------------------------


def test_use_hands_on_the_kind_of_the_reference() -> None:
    used = double().use(lambda x: [2 * v for v in x])
    given = used(torch.tensor([1.5, 2.0, 3.0]))
    assert isinstance(given, Tensor) and given.tolist() == [3, 4, 6]
    assert double().use(lambda x: (2 * x).numpy())(torch.ones(1)).dtype == torch.float32


def test_use_keeps_the_digits_that_the_inputs_have() -> None:
    given = double().use(lambda x: x + x)(torch.tensor([1 / 3], dtype=torch.float64))
    assert given.dtype == torch.float64 and given.item() == 2 / 3


def test_a_form_of_plain_numbers_says_nothing_about_tensors() -> None:
    one = made(lambda x: (x, 2 * x), (1.0,), (2.5,))
    used = one.use(lambda x: [x, x + x])
    assert used(3.0) == (3.0, 6.0)
    both = used(torch.tensor(3.0, requires_grad=True))
    assert torch.stack(both).requires_grad
    assert [part.tolist() for part in used(torch.ones(2))] == [[1, 1], [2, 2]]


def test_an_error_on_a_larger_input_is_the_learners_own() -> None:
    def small(x: Tensor) -> Tensor:
        if len(x) > 2:
            raise IndexError("my own")
        return 2 * x

    with pytest.raises(IndexError, match="my own"):
        double().use(small)(torch.ones(5))


def test_use_says_nothing_and_tells_no_listener(
    capsys: pytest.CaptureFixture[str], heard: list[Record]
) -> None:
    one = double()
    one.use(lambda x: x)
    assert capsys.readouterr().out == "" and heard == []


def test_a_class_is_handed_on_as_it_is() -> None:
    class Half:
        def __init__(self, x: float) -> None:
            self.x = x / 2

    one = made(lambda x: Half(x), (1.0,), (3.0,), through=lambda answer, x: answer(x).x)
    assert one.use(Half) is Half


# --- values -------------------------------------------------------------------------------


def share() -> Exercise:
    @exercise(kind="predict", why="because", tolerance=0.02)
    def share() -> float:
        return 0.86

    share.slip("that is guessing.", lambda: 0.5)
    return share


@pytest.mark.parametrize(
    ("answer", "status", "phrase"),
    [
        (0.86, "right", "✓ share: right.\n  because"),
        (0.87, "right", "because"),
        (torch.tensor([0.86]), "right", "because"),
        (0.5, "wrong", "\n  That is guessing.\n  got       0.5"),
        (0.7, "wrong", "\n  It is something else.\n  got       0.7"),
        ("a lot", "wrong", "Expected float, got '…'.\n  got       'a lot'"),
        (True, "wrong", "Expected real numbers, got True or False"),
        (lambda: 0.86, "wrong", "Give the value, not a function"),
        (..., "unanswered", "not answered yet"),
        (None, "unanswered", "not answered yet"),
    ],
)
def test_a_prediction_is_a_value_and_the_right_one_stays_secret(
    answer: Any, status: str, phrase: str
) -> None:
    report = share()(answer)
    assert report.status == status and phrase in report.text
    assert status == "right" or "0.86" not in report.text


def test_a_prediction_of_several_texts() -> None:
    said = ("error", "wrong steps", "no learning")

    @exercise(kind="predict", why="because", choices=said)
    def breaks() -> dict[str, str]:
        return {"backward": "error", "zeroing": "wrong steps"}

    assert breaks({"backward": "Error", "zeroing": "wrong steps"}).status == "right"
    assert breaks({"backward": "error", "zeroing": ...}).status == "unanswered"
    wrong = breaks({"backward": "error", "zeroing": "no learning"}).text
    assert "Right: backward. Not yet: zeroing." in wrong and "wrong steps" not in wrong
    assert "did you mean 'error'" in breaks({"backward": "eror", "zeroing": "error"}).text
    assert "Expected the keys" in breaks({"backward": "error"}).text
    assert breaks.use({"backward": "?"}) == {"backward": "error", "zeroing": "wrong steps"}


# --- listeners ----------------------------------------------------------------------------


@pytest.fixture
def heard() -> Iterator[list[Record]]:
    records: list[Record] = []
    listeners.append(records.append)
    yield records
    listeners.remove(records.append)


def test_each_check_is_told_to_the_listeners(heard: list[Record]) -> None:
    one = double()
    one(lambda x: 2 * x)
    one(lambda x: x)
    one(...)
    share()(0.5)
    assert heard == [
        Record("build", "test_engine.double", "right"),
        Record("build", "test_engine.double", "wrong"),
        Record("build", "test_engine.double", "unanswered"),
        Record("predict", "test_engine.share", "wrong"),
    ]


def test_a_listener_that_fails_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(record: Record) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("lesson5_utils.exercises.engine.judge.listeners", [fails])
    assert double()(lambda x: 2 * x).status == "right"


def test_nobody_listens_on_import() -> None:
    assert listeners == []


def test_an_exercise_that_is_only_named_does_not_tell_its_answer() -> None:
    told = repr(double())
    assert told.startswith("The exercise test_engine.double: ") and "lambda" not in told

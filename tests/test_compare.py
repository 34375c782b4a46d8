"""What counts as the same result, and how a difference is said and shown."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lesson5_utils.exercises.engine.cases import matrices, real_numbers, whole_numbers
from lesson5_utils.exercises.engine.compare import Rules, WrongForm, as_kind, differs
from lesson5_utils.exercises.engine.show import pair, shown

ONES = torch.ones(2)
CODES = torch.tensor([0, 2, 1])


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (ONES, ONES),
        (ONES, ONES + 1e-5),
        (ONES, np.ones(2)),
        (ONES, np.ones(2, dtype=np.float32)),
        (ONES, [1, 1]),
        (ONES, (torch.tensor(1.0), 1.0)),
        (torch.ones(2, 3), [torch.ones(3), torch.ones(3)]),
        (torch.ones(2, 3), [[1, 1, 1], [1.0, 1.0, 1.0]]),
        (CODES, CODES.numpy()),
        (CODES, [0, 2, 1]),
        (CODES, [torch.tensor(0), torch.tensor(2), torch.tensor(1)]),
        (1e6, 1e6 + 10),
        (2.0, torch.tensor(2)),
        (2.0, torch.tensor([2.0])),
        (2.0, np.float64(2)),
        (2.0, 2),
        (torch.tensor(2.0), 2.0),
        (torch.tensor(2.0), torch.tensor(2.0, dtype=torch.float64)),
        (3, torch.tensor(3)),
        (3, np.int64(3)),
        ((13, 7), torch.tensor([13, 7])),
        ([2.0, 6], [2.0, 6.0]),
        ([2.0, 6.0], np.array([2.0, 6.0])),
        ([2.0, 6.0], torch.tensor([2.0, 6.0])),
        ((ONES, ONES), torch.ones(2, 2)),
        ((ONES, 1.0), [ONES, 1]),
        (torch.tensor([torch.inf, torch.nan]), torch.tensor([torch.inf, torch.nan])),
        ({"a": 1}, {"a": 1}),
        ("a", "a"),
        ("wrong steps", " Wrong steps"),
        (True, True),
        (True, torch.tensor(True)),
        (torch.tensor([]), torch.tensor([])),
        (None, None),
        (ONES.to(torch.bfloat16), ONES.to(torch.bfloat16)),
    ],
)
def test_these_do_not_differ(expected: Any, got: Any) -> None:
    assert differs(expected, got) is None


@pytest.mark.parametrize(
    ("expected", "got", "phrase"),
    [
        (ONES, ONES * 3, "the largest difference is 2"),
        (ONES, torch.tensor([1, 1.001]), "the largest difference is 0.001"),
        (ONES, torch.ones(2, 1), r"expected shape \[2\], got shape \[2, 1\]"),
        (ONES, torch.tensor([1, torch.nan]), "nan"),
        (torch.tensor([1, torch.nan]), ONES, "nan"),
        (ONES, torch.tensor([1, torch.inf]), "difference is inf"),
        (torch.tensor(torch.inf), torch.tensor(-torch.inf), "difference is inf"),
        (ONES, None, "is a `return` missing"),
        (ONES, ..., "is a `return` missing"),
        (ONES, "1", r"expected tensor \[2\], got '1'"),
        (1.0, "1.0", "expected float, got '1.0'"),
        (1.0, 1 + 0j, "expected float, got complex"),
        (ONES, ValueError("no"), "it raised ValueError: no"),
        (ONES, WrongForm("return two"), "^return two$"),
        (ONES, [1.0, None], r"a value is missing \(None\)"),
        (ONES, [[1.0], [1.0, 2.0]], r"expected tensor \[2\], got list"),
        ((ONES, ONES), (ONES,), "expected 2 values, got 1"),
        ((ONES, ONES), ONES[0], "expected 2 values, got one tensor"),
        ((ONES, ONES), torch.ones(4), "expected 2 values, got one tensor .4."),
        ([1, 2, 3], torch.ones(4), "expected 3 values, got 4"),
        ((ONES, ONES), (ONES, ONES * 2), "value 2: the largest difference is 1"),
        ([1.0, 2.0], np.array(["a", "b"]), "value 1: expected float, got"),
        ({"a": 1, "b": 2}, {"a": 1}, r"expected the keys \['a', 'b'\]"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, "b: the largest difference is 1"),
        ("a", "b", "expected 'a', got 'b'"),
        ("a", 1, "expected 'a', got int"),
        # the kind of number
        (ONES, torch.ones(2, dtype=torch.int64), "expected real numbers .* got whole numbers"),
        (ONES, np.ones(2, dtype=int), "expected real numbers"),
        (ONES, ONES.double(), "expected numbers of kind torch.float32, got torch.float64"),
        (CODES, CODES.float(), "expected whole numbers .* got real numbers"),
        (CODES, [0.0, 2.0, 1.0], "expected whole numbers"),
        (CODES, CODES.numpy().astype(float), "expected whole numbers"),
        (CODES, CODES.int(), "expected numbers of kind torch.int64, got torch.int32"),
        (3, 3.0, "expected whole numbers"),
        ((3, 4), (3, 4.0), "value 2: expected whole numbers"),
        ((3, 4), torch.tensor([3.0, 4.0]), "expected whole numbers"),
        ([2.0, 6.0], torch.tensor([2, 6]), "expected real numbers"),
        (1, True, "expected whole numbers, got True or False"),
        (True, 1, "expected True or False, got whole numbers"),
        (True, False, "difference is 1"),
        (CODES, CODES.bool(), "got True or False"),
        # in relation to the expected size
        (1e-5, 1.1e-5, "difference is 1e-06"),
        (torch.tensor([1e-5, 1e-3]), torch.tensor([0.0, 1e-3]), "difference is 1e-05"),
        (1_000_000, 1_000_001, "difference is 1"),
        (torch.tensor([10**6]), torch.tensor([10**6 + 1]), "difference is 1"),
    ],
)
def test_these_differ_and_it_is_said_how(expected: Any, got: Any, phrase: str) -> None:
    told = differs(expected, got)
    assert told is not None and re.search(phrase, told), told


def test_what_is_left_near_zero_is_rounded_as_the_inputs_are() -> None:
    left = torch.tensor([1000.1]) - torch.tensor([1000.0]) - torch.tensor([0.1])
    assert left.item() != 0
    assert differs(torch.zeros(1), left) is not None
    assert differs(torch.zeros(1), left, Rules(scale=1000.0)) is None
    assert differs(0.0, 1e-6, Rules(scale=1000.0)) is not None, "these are double"
    assert differs(0.0, 1e-6, Rules(scale=1000.0, single=True)) is None


@given(st.floats(1e-12, 1e12), st.floats(0.01, 0.5))
def test_a_relative_error_is_seen_at_every_size(size: float, error: float) -> None:
    assert differs(size, size * (1 + error)) and differs(-size, -size * (1 - error))
    assert differs(size, size * (1 + 1e-6)) is None
    one = torch.tensor(size)
    assert differs(one, one * (1 + error)) and differs(one, one * (1 + 1e-6)) is None


# --- the reference's form -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "got", "made"),
    [
        (ONES, [1, 2, 3], torch.tensor([1.0, 2.0, 3.0])),
        (ONES, np.arange(2), torch.tensor([0.0, 1.0])),
        (ONES, [torch.tensor(1.0), torch.tensor(2)], torch.tensor([1.0, 2.0])),
        (torch.ones(1, 2), [ONES, ONES], torch.ones(2, 2)),
        (torch.tensor(1.0), 3, torch.tensor(3.0)),
        (torch.tensor(1.0), torch.tensor([3.0]), torch.tensor(3.0)),
        (CODES, [1, 2], torch.tensor([1, 2])),
        (np.ones(1, dtype=np.float32), torch.ones(2), np.ones(2, dtype=np.float32)),
        (1.0, torch.tensor([3.0]), 3.0),
        (1, np.int64(3), 3),
        (True, torch.tensor(False), False),
        ((1, 2), torch.tensor([3, 4]), (3, 4)),
        ([1.0], np.array([3.0, 4.0]), [3.0, 4.0]),
        ((ONES, CODES), [[1, 2], [0, 1]], (torch.tensor([1.0, 2.0]), torch.tensor([0, 1]))),
        ({"a": ONES}, {"a": [1, 2]}, {"a": torch.tensor([1.0, 2.0])}),
        ("text", "other", "other"),
    ],
)
def test_an_accepted_form_becomes_that_of_the_reference(kind: Any, got: Any, made: Any) -> None:
    found = as_kind(kind, got)
    assert type(found) is type(made) and differs(made, found) is None
    if isinstance(made, torch.Tensor | np.ndarray):
        assert found.dtype == made.dtype and found.shape == made.shape


def test_a_result_of_the_right_form_keeps_its_gradient() -> None:
    x = torch.ones(2, requires_grad=True)
    doubled = 2 * x
    assert as_kind(ONES, doubled) is doubled
    assert as_kind(ONES, [doubled[0], doubled[1]]).requires_grad
    assert as_kind((ONES, ONES), [doubled, x])[0] is doubled


@pytest.mark.parametrize("got", [ONES.double(), [*ONES.double()], torch.tensor(1 / 3).double()])
def test_an_answer_in_float64_keeps_its_digits(got: Any) -> None:
    made = as_kind(torch.ones(got.shape if isinstance(got, torch.Tensor) else 2), got)
    assert made.dtype == torch.float64


# --- as text ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2.0"),
        (1 / 3, "0.3333"),
        (1e-7, "1e-07"),
        (3, "3"),
        (True, "True"),
        (np.float32(0.5), "0.5"),
        (math.nan, "nan"),
        (torch.tensor(2.0), "2.0"),
        (torch.tensor([1.0, 2.5]), "tensor [2] [1. , 2.5]"),
        (torch.tensor([1e-6, 2e-6]), "tensor [2] [1.e-06, 2.e-06]"),
        (np.arange(20), "array [20] [ 0, 1, ..., 18, 19]"),
        ([1, None, 2.5], "[1, None, 2.5]"),
        (list(range(12)), "[0, 1, 2, 3, …, 10, 11, (12 values)]"),
        ((ONES, 1), "(tensor [2] [1., 1.], 1)"),
        ({"a": 0.25}, "{a: 0.25}"),
        ("b" * 100, "'" + "b" * 68 + "…"),
        (torch.ones(3, device="meta"), "Tensor"),
    ],
)
def test_a_value_as_text(value: Any, text: str) -> None:
    assert shown(value) == text


PAIRS: list[tuple[Any, Any]] = [
    ([1, 3, 5], [1.0, 3.0, 5.00001]),
    (torch.tensor([1.0, 3, 5]), torch.tensor([1.0, 3, 5.001])),
    (torch.tensor([1.0, 3, 5]), torch.tensor([1.0, 3, 5.0001])),
    (CODES, CODES.int()),
    (CODES, CODES.float()),
    (ONES, ONES.double()),
    (1 / 3, 1 / 3 + 1e-12),
    (1, True),
    (1.0, torch.tensor([1.0])),
    (torch.zeros(40), torch.eye(40)[20]),
    (torch.zeros(40, 40), torch.eye(40) * (torch.arange(40) == 20)),
    ([None, 1.0], [math.nan, 1.0]),
    ((CODES, ONES), (CODES.int(), ONES)),
    ("1", 1),
]


@pytest.mark.parametrize(("expected", "got"), PAIRS, ids=str)
def test_expected_and_got_never_look_the_same(expected: Any, got: Any) -> None:
    texts = pair(expected, got)
    assert texts[0] != texts[1] and all(len(text) < 160 for text in texts)


def test_a_difference_in_the_cut_middle_is_shown_with_its_place() -> None:
    assert pair(torch.zeros(40), torch.eye(40)[20])[1].endswith(", at [20]: 1.0")


# --- inputs, and several matrices ---------------------------------------------------------


def test_whole_numbers_are_whole_small_and_the_same_every_time() -> None:
    made = whole_numbers(50, 3)
    assert made.shape == (50, 3) and made.dtype == torch.float32
    assert torch.equal(made, made.round()) and made.min() == -4 and made.max() == 4
    assert torch.equal(made, whole_numbers(50, 3)) and len(made.unique()) == 9
    assert not torch.equal(made, whole_numbers(50, 3, seed=1))


def test_real_numbers_are_never_whole() -> None:
    made = real_numbers(200)
    assert made.dtype == torch.float32 and made.min() >= -4 and made.max() <= 4
    assert (made != made.round()).all() and torch.equal(made, real_numbers(200))
    assert not torch.equal(made, real_numbers(200, seed=1))


def test_matrices_come_from_any_form_and_a_missing_one_is_told() -> None:
    for form in ((ONES, ONES), [np.ones(2), [1, 1]], torch.ones(2, 2)):
        made = matrices(form, 2, "two")
        assert [one.dtype for one in made] == [torch.float32] * 2
    for form in (ONES[0], (ONES,), (ONES, None), (ONES, ...), None):
        with pytest.raises(WrongForm, match="return two"):
            matrices(form, 2, "two")


def test_an_array_that_cannot_be_written_becomes_a_tensor_without_a_warning() -> None:
    frozen = np.ones(2)
    frozen.flags.writeable = False
    made = as_kind(ONES, frozen)
    assert made.dtype == ONES.dtype and made.tolist() == [1, 1]


def test_an_array_read_backwards_becomes_a_tensor() -> None:
    got = as_kind(torch.arange(3), np.arange(3)[::-1])
    assert got.tolist() == [2, 1, 0] and got.dtype == torch.int64

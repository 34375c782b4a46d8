"""Notebook 09's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses
from torch import nn

from lesson5_utils import datasets
from lesson5_utils.exercises import fine_tuning as check
from lesson5_utils.models import ConvNet

# --- shift -------------------------------------------------------------------------------

shifted = check.shift.reference


def into_zeros(pictures: Any, down: int, right: int, dtype: Any = None) -> Any:
    moved = torch.zeros(pictures.shape, dtype=dtype)
    for row in range(pictures.shape[1]):
        for col in range(pictures.shape[2]):
            if 0 <= row - down < pictures.shape[1] and 0 <= col - right < pictures.shape[2]:
                moved[:, row, col] = pictures[:, row - down, col - right]
    return moved


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x, d, r: into_zeros(x, d, r, torch.long), "the pixels were made whole"),
        (lambda x, d, r: shifted(x, d, r).int().float(), "the pixels were made whole"),
        (lambda x, d, r: shifted(x, d, r).int().tolist(), "the pixels were made whole"),
        (lambda x, d, r: into_zeros(x, d, r, torch.float64), "torch.float64"),
        (lambda x, d, r: np.roll(x.numpy(), (d, r), (1, 2)), "comes back on the other"),
        (lambda x, d, r: shifted(x, d, r).mul_(100).round() / 10, "difference"),
        (lambda x, d, r: x.copy_(shifted(x, d, r)), "changes its input `pictures`"),
        (lambda x, d, r: shifted(x, d, r)[0], "shape"),
    ],
)
def test_shift_refuses(answer: Any, phrase: str) -> None:
    refuses(check.shift, answer, phrase)


def rolled(pictures: Any, down: int, right: int) -> Any:
    return F.pad(pictures, (2, 2, 2, 2)).roll((down, right), (1, 2))[:, 2:-2, 2:-2]


@pytest.mark.parametrize(
    "answer",
    [
        into_zeros,
        rolled,
        lambda x, d, r: F.pad(x, (r, -r, d, -d)),
        lambda x, d, r: [*rolled(x, d, r)],
        lambda x, d, r: rolled(x, d, r).numpy(),
        lambda x, d, r: rolled(x, d, r).tolist(),
    ],
)
def test_shift_accepts(answer: Any) -> None:
    accepts(check.shift, answer)
    moved = check.shift.use(answer)(torch.eye(3)[None] / 2, 1, 0)
    assert moved.dtype == torch.float32
    assert moved.tolist() == [[[0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0]]]


# --- class_map ---------------------------------------------------------------------------

mapped = check.class_map.reference


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda a, g: mapped(a, g) / mapped(a, g).max(), "0 divided by 0"),
        (lambda a, g: (mapped(a, g) / mapped(a, g).max()).tolist(), "0 divided by 0"),
        (lambda a, g: mapped(a, g) / (mapped(a, g).max() + 1e-8), "difference"),
        (lambda a, g: mapped(a, g).round(decimals=2), "difference"),
        (lambda a, g: mapped(a, g).long(), "real numbers (float32), got whole"),
        (lambda a, g: mapped(a, g).double(), "torch.float64"),
        (lambda a, g: (g.mean((1, 2), True) * a.clamp(min=0)).sum(0).clamp(0, 1), "difference"),
        (lambda a, g: mapped(a.mul_(2), g.div_(2)), "changes its input `activations`"),
        (lambda a, g: mapped(a, g)[None], "shape"),
    ],
)
def test_class_map_refuses(answer: Any, phrase: str) -> None:
    refuses(check.class_map, answer, phrase)


def channel_by_channel(activations: Any, gradients: Any) -> Any:
    total = sum(g.mean() * a for a, g in zip(activations, gradients, strict=True))
    return torch.where(total > 0, total, 0)


@pytest.mark.parametrize(
    "answer",
    [
        channel_by_channel,
        lambda a, g: torch.einsum("c,chw->hw", g.mean((1, 2)), a).clamp(min=0),
        lambda a, g: np.maximum(np.tensordot(g.numpy().mean((1, 2)), a.numpy(), 1), 0),
        lambda a, g: [*channel_by_channel(a, g)],
    ],
)
def test_class_map_accepts(answer: Any) -> None:
    accepts(check.class_map, answer)


# --- new_task ----------------------------------------------------------------------------


def with_head(*last: Any, keep: int = 2, frozen: bool = True) -> Any:
    """An answer that puts layers in the place of the last one; they are made by functions of
    its inputs and the classes."""

    def answer(model: Any, n_out: int) -> Any:
        width = model.head[-1].in_features
        model.requires_grad_(not frozen)
        layers = [make(width, n_out) for make in last]
        model.head = nn.Sequential(*list(model.head)[:keep], *layers)
        return model

    return answer


def half_frozen(model: Any, n_out: int) -> Any:
    check.new_task.reference(model, n_out).head[-1].bias.requires_grad_(False)
    return model


def changed_body(model: Any, n_out: int) -> Any:
    with torch.no_grad():
        model.late[0].weight.mul_(1.01)
    return check.new_task.reference(model, n_out)


def old_numbers(model: Any, n_out: int) -> Any:
    weight = model.head[-1].weight.detach().clone()
    check.new_task.reference(model, n_out)
    if weight.shape == model.head[-1].weight.shape:
        model.head[-1].weight = nn.Parameter(weight)
    return model


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (with_head(lambda k, n: nn.Linear(k, n, dtype=torch.float64)), "of the kind float64"),
        (with_head(lambda k, n: nn.Linear(k, n, dtype=torch.float16)), "fails on pictures now"),
        (with_head(lambda k, n: nn.Linear(k, n).double()), "of the kind float64"),
        (with_head(lambda k, n: nn.Linear(k - 1, n)), "fails on pictures now"),
        (with_head(lambda k, n: nn.Linear(256, n)), "the new layer has 256 inputs"),
        (with_head(lambda k, n: nn.Linear(k, n + 1)), "shape of the scores of 2 pictures"),
        (
            with_head(lambda k, n: nn.Linear(k, 9), lambda k, n: nn.Linear(9, n)),
            "expected 'the last layer'",
        ),
        (with_head(lambda k, n: nn.LazyLinear(n), keep=3), "stands behind the old one"),
        (with_head(lambda k, n: nn.Linear(k, n), frozen=False), "the body is not frozen"),
        (half_frozen, "expected 'the last layer', got 'head.2.weight'"),
        (changed_body, "the body is the old one"),
        (old_numbers, "the head is new"),
        (lambda model, n: model.head, "Return the model itself"),
        (lambda model, n: nn.Linear(784, n), "Return the model itself"),
        (with_head(lambda k, n: nn.Conv2d(4, n, 2), keep=0), "Return the model itself"),
    ],
)
def test_new_task_refuses(answer: Any, phrase: str) -> None:
    refuses(check.new_task, answer, phrase)


@pytest.mark.parametrize(
    "answer",
    [
        with_head(lambda k, n: nn.LazyLinear(n)),
        with_head(lambda k, n: nn.Dropout(0.2), lambda k, n: nn.Linear(k, n)),
        with_head(lambda k, n: nn.Sequential(nn.Dropout(0.2), nn.Linear(k, n))),
        with_head(lambda k, n: nn.Dropout(0.2), lambda k, n: nn.LazyLinear(n)),
        with_head(lambda k, n: nn.Linear(k, n, bias=False)),
    ],
)
def test_new_task_accepts(answer: Any) -> None:
    accepts(check.new_task, answer)
    model = check.new_task.use(answer)(ConvNet(5), 3)
    assert model(torch.zeros(2, 784)).shape == (2, 3)


# --- rates -------------------------------------------------------------------------------

given = check.rates.reference


def sums(lr: Any, n: int) -> Any:
    if isinstance(lr, slice) and lr.start is not None:
        return np.linspace(lr.start, lr.stop, n)
    return given(lr, n)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (
            lambda lr, n: (
                [lr.stop // 3] * (n - 1) + [lr.stop]
                if isinstance(lr, slice) and lr.start is None
                else given(lr, n)
            ),
            "// drops everything after the point",
        ),
        (sums, "your steps are equal sums"),
        (lambda lr, n: list(sums(lr, n)), "your steps are equal sums"),
        (lambda lr, n: np.array(given(lr, n)).round(4), "difference"),
        (lambda lr, n: [int(one) for one in given(lr, n)], "difference"),
        (lambda lr, n: torch.tensor(given(lr, n)).flip(0), "the wrong way round"),
        (lambda lr, n: [given(lr, n)], "3 values, got 1"),
    ],
)
def test_rates_refuses(answer: Any, phrase: str) -> None:
    refuses(check.rates, answer, phrase)


def spaced(space: Any) -> Any:
    """An answer that makes even factors by a ready-made function of (first, last, n)."""

    def answer(lr: Any, n: int) -> Any:
        if not isinstance(lr, slice):
            return np.full(n, lr)
        if lr.start is None:
            return np.r_[[lr.stop / 3] * (n - 1), lr.stop]
        return space(lr.start, lr.stop, n)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        spaced(np.geomspace),
        spaced(lambda a, b, n: list(np.geomspace(a, b, n))),
        spaced(lambda a, b, n: torch.logspace(math.log10(a), math.log10(b), n)),
        spaced(lambda a, b, n: torch.linspace(math.log(a), math.log(b), n).exp().tolist()),
        spaced(lambda a, b, n: tuple(a * (b / a) ** (i / (n - 1)) for i in range(n))),
    ],
)
def test_rates_accepts(answer: Any) -> None:
    accepts(check.rates, answer)
    used = check.rates.use(answer)(slice(1e-4, 1e-2), 3)
    assert used == pytest.approx([1e-4, 1e-3, 1e-2]) and type(used) is list


# --- control, bugs -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (
            {"body": "trained", "learns": "the head", "labels": "the same"},
            "the run that we have",
        ),
        (
            {"body": "none", "learns": "the head", "labels": "the same"},
            "two things are missing",
        ),
        ({"body": "random", "learns": "everything", "labels": "the same"}, "from scratch"),
        ({"body": "random", "learns": "the head", "labels": "others"}, "the luck of the draw"),
        (
            {"body": "trained", "learns": "everything", "labels": "the same"},
            "to let the body learn on",
        ),
        ({"body": "rendom", "learns": "the head", "labels": "the same"}, "random"),
        ({"body": "none", "learns": "everything", "labels": "others"}, "control: not yet"),
    ],
)
def test_control_refuses(answer: Any, phrase: str) -> None:
    refuses(check.control, answer, phrase)


def test_control_accepts_one_change_only_and_is_unanswered_with_holes() -> None:
    accepts(check.control, {"body": "random", "learns": "the head", "labels": "the same"})
    holes = {"body": "random", "learns": ..., "labels": "the same"}
    assert check.control(holes).status == "unanswered"


def colleagues(*faults: str) -> dict[str, str]:
    return dict(zip(("Ana", "Bruno", "Carla", "Davi"), faults, strict=True))


TURNED, LOST, INVERTED, HIGH = check.bugs.reference().values()


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (colleagues(TURNED, INVERTED, LOST, HIGH), "Bruno and Carla are exchanged"),
        (colleagues(HIGH, LOST, INVERTED, TURNED), "Ana and Davi are exchanged"),
        (colleagues(LOST, TURNED, INVERTED, HIGH), "Ana and Bruno are exchanged"),
        (colleagues(INVERTED, LOST, TURNED, HIGH), "Ana and Carla are exchanged"),
        (colleagues(TURNED, LOST, INVERTED, "nothing is wrong"), "bugs: not yet"),
        (colleagues(TURNED, LOST, INVERTED, "the rate is to high"), "the rate is too high"),
    ],
)
def test_bugs_refuses(answer: Any, phrase: str) -> None:
    refuses(check.bugs, answer, phrase)


def test_bugs_accepts() -> None:
    accepts(check.bugs, colleagues(TURNED, LOST, INVERTED, HIGH))


# --- the net that knows 0 to 4 -----------------------------------------------------------


def test_questions_are_the_pictures_and_moved_copies_in_four_turns() -> None:
    x = torch.zeros(2, 28, 28)
    x[0, 10, 14], x[1, 14, 14] = 1, 0.5
    asked, y = check.questions(x.flatten(1), torch.tensor([3, 4]), seed=0)
    assert asked.shape == (24, 784) and y.tolist() == [
        label + 5 * turn for turn in range(4) for label in [3, 4] * 3
    ]
    assert torch.equal(asked[:2], x.flatten(1))
    for row in range(24):
        turn, who = row // 6, row % 2
        back = asked[row].view(28, 28).rot90(-turn)
        (place,) = back.nonzero().tolist()
        start = [10, 14] if who == 0 else [14, 14]
        assert max(abs(a - b) for a, b in zip(place, start, strict=True)) <= 2
        assert back.sum() == (1 if who == 0 else 0.5)
    again, _ = check.questions(x.flatten(1), torch.tensor([3, 4]), seed=0)
    other, _ = check.questions(x.flatten(1), torch.tensor([3, 4]), seed=1)
    assert torch.equal(asked, again) and not torch.equal(asked, other)


def test_a_task_is_five_digits_as_classes_0_to_4() -> None:
    x, y = torch.arange(20.0)[:, None], torch.arange(10).repeat(2)
    for first in (0, 5):
        rows, classes = check.task((x, y), first)
        assert classes.tolist() == [0, 1, 2, 3, 4] * 2
        assert rows[:5, 0].tolist() == list(range(first, first + 5))


def test_the_trained_net_has_seen_no_digit_from_5_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(check, "_TRAINED", {})
    monkeypatch.setattr(check, "pretrain", lambda data, seed: seen.append(data) or ConvNet(20))
    first, second = check.knows_0_to_4(name="sample"), check.knows_0_to_4(name="sample")
    assert len(seen) == 1 and first is not second, "trained once, and every call has its own"
    x, y = datasets.load_digits("sample").train
    known = {tuple(row.tolist()) for row in x[y < 5].round(decimals=3)}
    assert len(seen[0][0]) == 12 * (y < 5).sum() and seen[0][1].max() == 19
    upright = seen[0][0][: int((y < 5).sum())].round(decimals=3)
    assert {tuple(row.tolist()) for row in upright} == known


# --- fifty -------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that nobody has trained, and two draws."""
    monkeypatch.setattr(check, "knows_0_to_4", lambda name: ConvNet(20, (16, 32, 64)))
    monkeypatch.setattr(check, "DRAWS", 2)
    monkeypatch.setattr(check.fifty, "_scores", {})  # of slips, with five draws
    monkeypatch.setenv("LESSON5_WORK_DIR", "")


def stepping(times: int, hide: bool = False) -> Any:
    """An answer that takes so many gradient steps by a loop of its own."""

    def answer(x: Any, y: Any, body: Any) -> Any:
        layer = nn.Linear(784, 5)
        for _ in range(times):
            try:
                loss = F.cross_entropy(layer(x), y)
                loss.backward()
            except Exception:
                if not hide:
                    raise
                break
            with torch.no_grad():
                for p in layer.parameters():
                    p -= 0.1 * p.grad
                    p.grad = None
        return layer

    return answer


def by_grad(x: Any, y: Any, body: Any) -> Any:
    layer = nn.Linear(784, 5)
    for _ in range(401):
        torch.autograd.grad(layer(x).sum(), layer.weight)
    return layer


def learns_when_asked(x: Any, y: Any, body: Any) -> Any:
    layer = nn.Linear(784, 5)

    def named(pictures: Any) -> Any:
        with torch.enable_grad():
            for _ in range(50):
                layer(pictures).sum().backward()
        return layer(pictures)

    return named


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (stepping(401), "more than 400 steps"),
        (stepping(401, hide=True), "more than 400 steps"),
        (by_grad, "more than 400 steps"),
        (learns_when_asked, "more than 400 steps"),
        (lambda x, y, body: body, "[50, 20] for 50 pictures; scores [50, 5] or classes [50]"),
        (lambda x, y, body: body, "is the old head still there"),
        (lambda x, y, body: 0.99, "it returned float"),
        (lambda x, y, body: lambda pictures: y, "% on rows that it had not seen"),
        (lambda x, y, body: lambda pictures: y[:1], "[1] for 50 pictures"),
        (
            lambda x, y, body: (
                lambda pictures: y[(pictures[:, None] - x).square().sum(2).argmin(1)]
            ),
            "the nearest of the fifty",
        ),
        (lambda x, y, body: lambda pictures: torch.zeros(len(pictures)), "20.0 % on rows"),
    ],
)
def test_fifty_refuses(answer: Any, phrase: str) -> None:
    report = check.fifty(answer)
    assert report.status == "wrong" and phrase.lower() in report.text.lower(), report.text


@pytest.mark.usefixtures("quick")
def test_400_steps_are_allowed_and_what_counts_them_leaves_torch_as_it_was() -> None:
    before = torch.autograd.backward, torch.autograd.grad
    assert "% on rows that it had not seen" in check.fifty(stepping(400)).text
    assert (torch.autograd.backward, torch.autograd.grad) == before


def test_the_fifty_are_ten_of_each_and_other_ones_in_each_draw() -> None:
    one, other = check.fifty_of(0), check.fifty_of(1)
    assert one[0].shape == (50, 784) and one[1].bincount().tolist() == [10] * 5
    assert torch.equal(one[0], check.fifty_of(0)[0]) and not torch.equal(one[0], other[0])


@pytest.mark.usefixtures("quick")
def test_the_sealed_digits_are_500_that_no_draw_has_given() -> None:
    given: list[Any] = []
    asked: list[Any] = []

    def answer(x: Any, y: Any, body: Any) -> Any:
        given.append(x)
        return lambda pictures: asked.append(pictures) or torch.zeros(len(pictures))

    assert check.on_sealed_digits(answer) == 0.2
    sealed = torch.cat(asked[: len(asked) // 2])
    assert len(sealed) == 500 and max(len(one) for one in asked) == 50
    assert all(torch.cdist(sealed, x).min() > 0.5 for x in given)

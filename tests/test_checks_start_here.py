"""Notebook 00's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import start_here as check


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x: int(2 * x), "int() drops"),
        (lambda x: float(int(2 * x)), "int() drops"),
        (lambda x: round(2 * x), "difference"),
        (lambda x: {2.0: 4.0, 5.0: 10.0, -1.5: -3.0}.get(x, 1.0), "difference"),
        (lambda x: str(2 * x), "got '4.0'"),
    ],
)
def test_double_refuses(answer: Any, phrase: str) -> None:
    report = check.double(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


def both_counts(i: int, h: int, o: int, rows: int) -> list[int]:
    return [(i + 1) * h + (h + 1) * o, rows * (2 * h + o)]


@pytest.mark.parametrize("form", [list, tuple, torch.tensor, np.array])
def test_count_takes_two_numbers_in_any_form(form: Any) -> None:
    def mine(*sizes: int) -> Any:
        return form(both_counts(*sizes))

    assert check.count(mine).status == "right"
    assert check.count.use(mine)(784, 50, 10, 64) == (39760, 7040)


@pytest.mark.parametrize("form", [list, torch.tensor])
def test_count_names_swapped_results_in_any_form(form: Any) -> None:
    report = check.count(lambda *sizes: form(both_counts(*sizes)[::-1]))
    assert "in the other order" in report.text


def test_count_refuses_real_numbers() -> None:
    assert check.count(lambda *sizes: [1.0 * n for n in both_counts(*sizes)]).status == "wrong"


@pytest.mark.parametrize(
    "answer",
    [
        lambda w1, b1, w2, b2: [torch.mm(w1, w2), b1.matmul(w2).add(b2)],
        lambda w1, b1, w2, b2: [(w1 @ w2).numpy(), (b1 @ w2 + b2).tolist()],
        lambda w1, b1, w2, b2: (torch.einsum("ih,ho->io", w1, w2), F.linear(b1, w2.T, b2)),
    ],
)
def test_collapse_accepts(answer: Any) -> None:
    report = check.collapse(answer)
    assert report.status == "right", report.text


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda w1, b1, w2, b2: (w1 @ w2, b2.add_(b1 @ w2)), "changes its input `b2`"),
        (lambda w1, b1, w2, b2: (b1 @ w2 + b2, w1 @ w2), "in the other order"),
        (lambda w1, b1, w2, b2: ((w1 @ w2).float(), (b1 @ w2 + b2).float()), "float32"),
        (lambda w1, b1, w2, b2: ((w1 @ w2).round(), (b1 @ w2 + b2).round()), "difference"),
    ],
)
def test_collapse_refuses(answer: Any, phrase: str) -> None:
    report = check.collapse(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


def rows_of(kernel: Any, n: int) -> list[list[Any]]:
    k = len(kernel)
    return [[0] * i + [*kernel] + [0] * (n - k - i) for i in range(n - k + 1)]


@pytest.mark.parametrize(
    "answer",
    [
        lambda kernel, n: rows_of(kernel.tolist(), n),
        lambda kernel, n: torch.tensor(rows_of(kernel.tolist(), n)),
        lambda kernel, n: np.array(rows_of(kernel.numpy(), n)),
        lambda kernel, n: torch.stack(
            [F.pad(kernel, (i, n - len(kernel) - i)) for i in range(n - len(kernel) + 1)]
        ),
        lambda kernel, n: F.conv1d(torch.eye(n)[:, None], kernel[None, None])[:, 0].T,
    ],
)
def test_conv_matrix_accepts(answer: Any) -> None:
    report = check.conv_matrix(answer)
    assert report.status == "right", report.text
    matrix = check.conv_matrix.use(answer)(torch.tensor([0.5, 2.0]), 3)
    assert torch.equal(matrix, torch.tensor([[0.5, 2, 0], [0, 0.5, 2]]))


@pytest.mark.parametrize("whole", [torch.int64, torch.int32, torch.uint8])
def test_conv_matrix_refuses_whole_numbers(whole: torch.dtype) -> None:
    report = check.conv_matrix(lambda k, n: check.conv_matrix.reference(k, n).to(whole))
    assert report.status == "wrong"
    assert whole == torch.uint8 or "holds whole numbers only" in report.text, report.text


def test_conv_matrix_may_not_turn_the_kernel_it_was_given() -> None:
    def mine(kernel: Tensor, n: int) -> Tensor:
        matrix = check.conv_matrix.reference(kernel, n)
        kernel.zero_()
        return matrix

    assert "changes its input `kernel`" in check.conv_matrix(mine).text


def scaled_relus(x: Tensor) -> Tensor:
    return sum((c * (x - at).relu() for at, c in ((-1, 1), (0, -2), (1, 1))), x * 0)


@pytest.mark.parametrize(
    "answer",
    [
        scaled_relus,
        lambda x: F.relu(x + 1) - F.relu(x) - F.relu(x) + F.relu(x - 1),
        lambda x: (1 - x).relu() - 2 * (-x).relu() + (-1 - x).relu(),
        lambda x: (1 - x.relu() - (-x).relu()).relu(),
        lambda x: (x + 1).clamp(min=0) - 2 * x.clamp(min=0) + (x - 1).clamp(min=0),
        lambda x: sum(c * torch.maximum(x - a, x * 0) for a, c in ((-1, 1), (0, -2), (1, 1))),
        lambda x: nn.ReLU()(x + 1) - 2 * nn.ReLU()(x) + nn.ReLU()(x - 1),
        lambda x: [((v + 1).relu() - 2 * v.relu() + (v - 1).relu()).item() for v in x],
    ],
)
def test_tent_accepts_relus_however_they_are_written(answer: Any) -> None:
    report = check.tent(answer)
    assert report.status == "right", report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: torch.where(x.abs() < 1, 1 - x.abs(), 0.0),
        lambda x: (1 - x.abs()) * (x.abs() < 1),
        lambda x: torch.tensor([max(0.0, 1 - abs(v)) for v in x.tolist()]).to(x.dtype),
        lambda x: np.maximum(0, 1 - np.abs(x.numpy())),
        lambda x: torch.tensor([0, 0, 0.5, 1, 0.5, 0, 0]),
    ],
)
def test_a_tent_without_relu_is_refused(answer: Any) -> None:
    report = check.tent(answer)
    assert report.status == "wrong" and "no relu in it" in report.text, report.text


def test_a_tent_may_not_change_its_input() -> None:
    def mine(x: Tensor) -> Any:
        return x.add_(1).relu() - 2 * x.sub_(1).relu() + x.sub_(1).relu()

    assert "changes its input `x`" in check.tent(mine).text


def test_descend_counts_its_steps() -> None:
    def late(start: float, gradient: Any, lr: float, steps: int) -> float:
        while True:
            start -= lr * gradient(start)
            if (steps := steps - 1) <= 0:
                return start

    assert check.descend(late).status == "wrong", "no steps means: still at the start"

    def counted(start: float, gradient: Any, lr: float, steps: int) -> Any:
        while steps > 0:
            start, steps = start - lr * gradient(start), steps - 1
        return torch.tensor(start)

    assert check.descend(counted).status == "right"
    assert check.descend.use(counted)(4.0, lambda p: p, 0.5, 1) == 2.0


@pytest.mark.parametrize("nudge", [1e-3, 1e-5, 1e-6])
def test_slope_uses_the_nudge_that_is_given(nudge: float) -> None:
    report = check.slope(lambda f, x, _: (f(x + nudge) - f(x - nudge)) / (2 * nudge))
    assert "of your own" in report.text, report.text


def loss_and_leaves(g: Tensor, x: Tensor, w: Tensor) -> tuple[Tensor, list[Tensor]]:
    leaves = [part.clone().requires_grad_() for part in (x, w, g.new_zeros(g.shape[1]))]
    return leaves[0] @ leaves[1] + leaves[2], leaves


def by_grad(g: Tensor, x: Tensor, w: Tensor) -> Any:
    out, leaves = loss_and_leaves(g, x, w)
    return torch.autograd.grad(out, leaves, g)


def by_backward(g: Tensor, x: Tensor, w: Tensor) -> Any:
    out, leaves = loss_and_leaves(g, x, w)
    (out * g).sum().backward()
    return [leaf.grad for leaf in leaves]


def by_vjp(g: Tensor, x: Tensor, w: Tensor) -> Any:
    inputs = x, w, g.new_zeros(g.shape[1])
    return torch.autograd.functional.vjp(lambda x, w, b: x @ w + b, inputs, g)[1]


def by_func(g: Tensor, x: Tensor, w: Tensor) -> Any:
    inputs = x, w, g.new_zeros(g.shape[1])
    return torch.func.vjp(lambda x, w, b: x @ w + b, *inputs)[1](g)


@pytest.mark.parametrize("answer", [by_grad, by_backward, by_vjp, by_func])
def test_affine_back_is_written_without_autograd(answer: Any) -> None:
    right = torch.ones(3, 2), torch.ones(3, 4), torch.ones(4, 2)
    pairs = zip(answer(*right), check.affine_back.reference(*right), strict=True)
    assert all(torch.equal(mine, expected) for mine, expected in pairs)
    report = check.affine_back(answer)
    assert report.status == "wrong" and "Autograd did the work" in report.text, report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda g, x, w: [g @ w.T, x.T @ g, torch.ones(len(g)).to(g) @ g],
        lambda g, x, w: (g.mm(w.t()), torch.einsum("ni,nj->ij", x, g), sum(g)),
        lambda g, x, w: ((g @ w.T).numpy(), (x.T @ g).tolist(), g.sum(0).tolist()),
    ],
)
def test_affine_back_accepts(answer: Any) -> None:
    report = check.affine_back(answer)
    assert report.status == "right", report.text


def test_what_is_wrong_in_affine_back_is_still_told_as_it_is() -> None:
    report = check.affine_back(lambda g, x, w: (g @ x, x.T @ g, g.sum(0)))
    assert "It raised RuntimeError" in report.text and "Autograd" not in report.text
    changed = check.affine_back(lambda g, x, w: (g @ w.T, x.T @ g, g.cumsum_(0)[-1]))
    assert "changes its input `g`" in changed.text
    swapped = check.affine_back(lambda g, x, w: [x.T @ g, g @ w.T, g.sum(0)])
    assert "in another order" in swapped.text

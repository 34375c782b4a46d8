"""Notebook 00's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses
from torch import Tensor, nn

from lesson5_utils.exercises import start_here as check

# --- relu and affine ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        torch.relu,
        F.relu,
        nn.ReLU(),
        lambda z: z * (z > 0),
        lambda z: torch.where(z > 0, z, 0.0),
        lambda z: torch.maximum(z, torch.zeros_like(z)),
        lambda z: (z + z.abs()) / 2,
        lambda z: np.maximum(z.numpy(), 0),
        lambda z: z.clip(min=0).tolist(),
    ],
)
def test_relu_accepts(answer: Any) -> None:
    accepts(check.relu, answer)
    out = check.relu.use(answer)(torch.tensor([-0.5, 0.25], dtype=torch.float64))
    assert out.tolist() == [0.0, 0.25]


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda z: z.clamp_(min=0), "changes its input `z`"),
        (lambda z: z.relu_(), "changes its input `z`"),
        (lambda z: z.float().relu(), "float64"),
        (lambda z: z.relu().int(), "whole numbers"),
        (lambda z: z.relu().round(decimals=2), "difference"),
        (lambda z: z.clamp(0, 100), "difference"),
        (lambda z: torch.tensor([0.0, 0.0, 2.0]), "shape"),
        (lambda z: max(0, z), "many numbers"),
        (lambda z: z if z > 0 else 0 * z, "many numbers"),
        (lambda z: print(z), "nothing"),
    ],
)
def test_relu_refuses(answer: Any, phrase: str) -> None:
    refuses(check.relu, answer, phrase)


def relu_by_index(z: Tensor) -> Tensor:
    z[z < 0] = 0
    return z


def test_relu_may_not_write_into_what_it_was_given() -> None:
    refuses(check.relu, relu_by_index, "changes its input `z`")


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, w, b: torch.addmm(b, x, w),
        lambda x, w, b: F.linear(x, w.T, b),
        lambda x, w, b: torch.einsum("ni,ij->nj", x, w) + b[None],
        lambda x, w, b: torch.stack([row @ w + b for row in x]),
        lambda x, w, b: [(row @ w + b).tolist() for row in x],
    ],
)
def test_affine_accepts(answer: Any) -> None:
    accepts(check.affine, answer)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda x, w, b: x.mm(w).add_(b).float(), "float64"),
        (lambda x, w, b: x @ w + b.mean(), "difference"),
        (lambda x, w, b: x @ w + b.add_(1) - 1, "changes its input `b`"),
        (lambda x, w, b: (x @ w + b).sum(dim=0), "shape"),
        (lambda x, w, b: (x @ w + b).relu(), "difference"),
        (lambda x, w, b: (x @ w + b).round(), "difference"),
        (lambda x, w, b: w.T @ x.T + b[:, None], "shape"),
    ],
)
def test_affine_refuses(answer: Any, phrase: str) -> None:
    refuses(check.affine, answer, phrase)


# --- values -------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [list, tuple, torch.tensor, np.array])
def test_bends_may_be_a_list_or_a_tensor(form: Any) -> None:
    accepts(check.bends, form([0, 1, 8, 1]))
    refuses(check.bends, form([0, 1, 8, 8]), "ook at net D")
    refuses(check.bends, form([9, 1, 8, 8]), "wo of the four")


def test_values_that_are_something_else_are_told_so() -> None:
    refuses(check.bends, [0, 1, 8], "Expected 4 values")
    refuses(check.bends, [0, 2, 8, 1], "omething else")
    refuses(check.bug, {"A": "relu_back hands everything on"}, "Expected the keys")
    refuses(check.measure, "train a winder net", "train a wider net")
    accepts(check.measure, " Place the bends by hand")


def test_a_diagnosis_with_a_gap_is_unanswered() -> None:
    assert check.bug(check.bug.reference() | {"B": ...}).status == "unanswered"


# --- conv_matrix --------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: (1 - x.abs()).relu(),
        lambda x: F.relu(1 - abs(x)),
        lambda x: torch.where(x < 0, (1 + x).relu(), (1 - x).relu()),
    ],
)
def test_a_tent_bends_by_relus_only(answer: Any) -> None:
    refuses(check.tent, answer, "neither affine nor a ReLU")


def test_a_tent_may_not_change_its_input() -> None:
    def mine(x: Tensor) -> Any:
        return x.add_(1).relu() - 2 * x.sub_(1).relu() + x.sub_(1).relu()

    assert "changes its input `x`" in check.tent(mine).text


# --- backward -----------------------------------------------------------------------------


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


# --- relu_back ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda g, z: torch.where(z > 0, g, torch.zeros_like(g)),
        lambda g, z: g * z.sign().clamp(min=0),
        lambda g, z: g.masked_fill(z <= 0, 0),
        lambda g, z: (g * (z.relu() > 0)).tolist(),
        lambda g, z: g.numpy() * (z.numpy() > 0),
        lambda g, z: torch.heaviside(z, torch.zeros_like(z)) * g,
    ],
)
def test_relu_back_accepts(answer: Any) -> None:
    accepts(check.relu_back, answer)


def relu_back_in_place(g: Tensor, z: Tensor) -> Tensor:
    g[z <= 0] = 0
    return g


def relu_back_by_grad(g: Tensor, z: Tensor) -> Any:
    leaf = z.clone().requires_grad_()
    return torch.autograd.grad(leaf.relu(), leaf, g)[0]


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (relu_back_in_place, "changes its input `g`"),
        (relu_back_by_grad, "Autograd did the work"),
        (lambda g, z: (g * (z > 0)).float(), "float64"),
        (lambda g, z: (g * (z > 0)).round(), "difference"),
        (lambda g, z: g * (z > 0.01), "difference"),
        (lambda g, z: (g * (z > 0)).sum(dim=0), "shape"),
        (lambda g, z: g if z > 0 else g * 0, "a tensor holds many"),
    ],
)
def test_relu_back_refuses(answer: Any, phrase: str) -> None:
    refuses(check.relu_back, answer, phrase)


def test_what_is_handed_on_needs_no_graph() -> None:
    g, x, w = torch.ones(3, 2), torch.ones(3, 4), torch.ones(4, 2)
    with torch.no_grad():
        made = check.affine_back.use(lambda g, x, w: [g @ w.T, x.T @ g, g.sum(0)])(g, x, w)
    assert not any(part.requires_grad for part in made)

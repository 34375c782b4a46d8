"""Notebook 01's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.exercises import embeddings as check


def by_product(table: Tensor, index: Tensor) -> Tensor:
    return F.one_hot(index, len(table)).to(table.dtype) @ table


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda t, i: F.one_hot(i, len(t)) @ t.long(), "the table was made whole"),
        (lambda t, i: (F.one_hot(i, len(t)) @ t.long()).float(), "the table was made whole"),
        (lambda t, i: t[i].round(), "difference"),
        (lambda t, i: by_product(t, i).detach(), "no gradient flows back to `table`"),
        (lambda t, i: by_product(t, i).detach().numpy(), "no gradient flows back to `table`"),
        (lambda t, i: by_product(t, i).tolist(), "no gradient flows back to `table`"),
        (lambda t, i: by_product(t.double(), i), "torch.float64"),
    ],
)
def test_lookup_refuses(answer: Any, phrase: str) -> None:
    report = check.lookup(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda t, i: t[i],
        lambda t, i: t[i].clone(),
        lambda t, i: F.embedding(i, t),
        lambda t, i: torch.stack([t[one] for one in i]),
        lambda t, i: [t[one] for one in i],
        lambda t, i: t.index_select(0, i),
        lambda t, i: torch.gather(t, 0, i[:, None].expand(-1, t.shape[1])),
    ],
)
def test_lookup_refuses_rows_that_are_looked_up(answer: Any) -> None:
    report = check.lookup(answer)
    assert report.status == "wrong" and "looked up" in report.text, report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda t, i: F.one_hot(i, len(t)).float() @ t,
        lambda t, i: torch.eye(len(t))[i] @ t,
        lambda t, i: (torch.arange(len(t)) == i[:, None]).float() @ t,
        lambda t, i: (F.one_hot(i, len(t))[:, :, None] * t).sum(dim=1),
        lambda t, i: torch.einsum("mn,nk->mk", F.one_hot(i, len(t)).to(t.dtype), t),
        lambda t, i: [row.float() @ t for row in F.one_hot(i, len(t))],
        lambda t, i: F.linear(F.one_hot(i, len(t)).float(), t.T),
    ],
)
def test_lookup_accepts_every_kind_of_product(answer: Any) -> None:
    report = check.lookup(answer)
    assert report.status == "right", report.text
    used = check.lookup.use(answer)(torch.ones(9, 2, requires_grad=True), torch.tensor([8, 1]))
    assert used.shape == (2, 2) and used.dtype == torch.float32 and used.requires_grad


def codes_of(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vocabulary, codes = np.unique(ids, return_inverse=True)
    return vocabulary, codes


@pytest.mark.parametrize("kind", [float, np.float32])
def test_numbering_refuses_codes_that_are_real_numbers(kind: Any) -> None:
    report = check.numbering(lambda ids: (codes_of(ids)[0], codes_of(ids)[1].astype(kind)))
    assert "your codes are real numbers" in report.text
    as_list = check.numbering(lambda ids: (codes_of(ids)[0], codes_of(ids)[1] + 0.0))
    assert "your codes are real numbers" in as_list.text


def test_numbering_takes_lists_and_hands_arrays_on() -> None:
    def mine(ids: np.ndarray) -> list[list[int]]:
        known = sorted(set(ids.tolist()))
        return [known, [known.index(one) for one in ids.tolist()]]

    assert check.numbering(mine).status == "right"
    vocabulary, codes = check.numbering.use(mine)(np.array([9, 4, 9]))
    assert vocabulary[codes].tolist() == [9, 4, 9] and codes.dtype == np.int64


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda ids: codes_of(ids)[::-1], "in the other order"),
        (lambda ids: list(codes_of(ids)[::-1]), "in the other order"),
        (lambda ids: [codes_of(ids)[0].tolist(), (codes_of(ids)[1] + 1).tolist()], "from 1"),
        (lambda ids: torch.tensor(codes_of(ids)[1]), "no vocabulary"),
    ],
)
def test_numbering_names_a_slip_in_any_form(answer: Any, phrase: str) -> None:
    assert phrase in check.numbering(answer).text


class Model(nn.Module):
    def __init__(self, n_users: int, n_movies: int, n_factors: int) -> None:
        super().__init__()
        self.m = nn.Parameter(torch.randn(n_movies, n_factors))
        self.u = nn.Embedding(n_users, n_factors)

    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return torch.einsum("nk,nk->n", self.u(user), self.m[movie])


class Detached(Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return super().forward(user, movie).detach()


class HalfDetached(Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return (self.u(user) * self.m[movie].detach()).sum(dim=1)


class Frozen(Model):
    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.requires_grad_(False)


class HalfFrozen(Model):
    def __init__(self, *sizes: int) -> None:
        super().__init__(*sizes)
        self.u.requires_grad_(False)


class NoGrad(Model):
    @torch.no_grad()
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return super().forward(user, movie)


class Numpy(Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return super().forward(user, movie).detach().numpy()


@pytest.mark.parametrize("model", [Detached, HalfDetached, Frozen, HalfFrozen, NoGrad, Numpy])
def test_a_model_that_cannot_learn_is_refused(model: Any) -> None:
    report = check.dot_model(model)
    assert report.status == "wrong" and "No gradient flows" in report.text, report.text


def test_the_models_tables_may_have_any_names_and_order() -> None:
    assert check.dot_model(Model).status == "right"
    assert check.dot_model.use(Model) is Model


def test_a_model_instead_of_its_class_is_told() -> None:
    assert "give the class itself" in check.dot_model(Model(6, 5, 3)).text.lower()


def test_a_stub_of_a_class_is_unanswered() -> None:
    class Stub(nn.Module):
        def __init__(self, *_: int) -> None:
            super().__init__()
            ...

        def forward(self, user: Tensor, movie: Tensor) -> Any:
            return ...

    assert check.dot_model(Stub).status == "unanswered"


class Swapped(Model):
    def forward(self, user: Tensor, movie: Tensor) -> Any:
        return super().forward(movie, user)


def test_user_and_film_swapped_are_told() -> None:
    assert "user and film are swapped" in check.dot_model(Swapped).text.lower()


def test_shapes_take_them_as_written_and_name_what_is_none_of_the_choices() -> None:
    right = check.shapes.reference()
    assert check.shapes(right | {"[64, 5] * [64]": "Error"}).status == "right"
    odd = check.shapes(right | {"[64, 5] * [64]": "[5, 64]"})
    assert odd.status == "wrong" and "[64, 5]" in odd.text
    assert check.shapes(right | {"[64, 5] * [64]": ...}).status == "unanswered"


@pytest.mark.parametrize(
    ("left", "right"), [([64, 1], [5]), ([64, 5], [64]), ([64, 5], [64, 1]), ([64], [64, 1])]
)
def test_the_shapes_are_what_torch_makes(left: list[int], right: list[int]) -> None:
    try:
        came = str(list((torch.ones(left) * torch.ones(right)).shape))
    except RuntimeError:
        came = "error"
    said = {key.replace(" - ", " * "): value for key, value in check.shapes.reference().items()}
    assert said[f"{left} * {right}"] == came

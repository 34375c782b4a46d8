"""Optimizers by hand: torch's numbers, torch's names, and the cells of the spreadsheet."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lesson5_utils import optimizers, training
from lesson5_utils.errors import ArgumentError

NAMES = ["SGD", "RMSprop", "Adam", "AdamW"]
Options = dict[str, Any]

share = st.floats(0, 0.999)
COMMON = {"lr": st.floats(1e-5, 1), "weight_decay": st.just(0.0) | st.floats(1e-4, 0.5)}
OWN: dict[str, Options] = {
    "SGD": {"momentum": st.just(0) | share, "dampening": st.just(0) | st.floats(0, 1)},
    "RMSprop": {"alpha": share, "eps": st.floats(1e-10, 1e-2)},
    "Adam": {"betas": st.tuples(share, share), "eps": st.floats(1e-10, 1e-2)},
}
OWN["AdamW"] = OWN["Adam"]


def settings(name: str) -> st.SearchStrategy[Options]:
    """Any options, each given or left to its default."""
    return st.fixed_dictionaries({}, optional=COMMON | OWN[name])


def weights(seed: int) -> list[Tensor]:
    """A matrix, a vector, a number; then one that nobody asks for, and a frozen one."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3, 2), (4,), (), (2,), (2,)]
    made = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    return [p.requires_grad_(i < 4) for i, p in enumerate(made)]


def slopes(seed: int) -> list[list[Tensor | None]]:
    """Gradients of random problems, which are not quadratic: for each step those of `weights`.

    Both optimizers get the same ones. Along its own path each would multiply its rounding by
    the curvature at every step, and a high rate makes much of that."""
    generator = torch.Generator().manual_seed(seed + 1)
    made = []
    for step in range(8):
        w = weights(seed + step)
        x = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        y = torch.randn(5, 2, generator=generator, dtype=torch.float64)
        loss = ((x @ w[0]).tanh() + w[2] - y).square().sum() + (w[1] * x[0, 0]).exp().sum()
        loss.backward()
        made.append([p.grad for p in w])
    return made


def train(make: Callable[..., Any], w: list[Tensor], seed: int) -> Any:
    """A few steps, each with gradients of another problem."""
    optimizer = make()
    for gradients in slopes(seed):
        optimizer.zero_grad()
        for p, gradient in zip(w, gradients, strict=True):
            p.grad = None if gradient is None else gradient.clone()
        optimizer.step()
    return optimizer


def groups(w: list[Tensor], first: Options, second: Options) -> list[Options]:
    return [{"params": w[:1], **first}, {"params": w[1:], **second}]


def assert_same(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        if torch.isfinite(b).all():
            torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-10)
        else:  # a rate far too large: both are lost
            assert not torch.isfinite(a).all()


# --- equal to torch.optim -----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data(), seed=st.integers(0, 10_000))
def test_weights_and_state_are_those_of_torch(name: str, data: Any, seed: int) -> None:
    every, first, second = (data.draw(settings(name)) for _ in range(3))
    pairs = []
    for module in (optimizers, torch.optim):
        w = weights(seed)
        make = partial(getattr(module, name), groups(w, first, second), **every)
        pairs.append((w, train(make, w, seed)))
    (w, ours), (v, theirs) = pairs
    assert_same(w, v)
    for p, q in zip(w, v, strict=True):
        kept = ours.state.get(p, {})
        assert set(kept) == set(theirs.state.get(q, {}))
        for key, value in theirs.state.get(q, {}).items():
            if key == "step":
                assert type(kept[key]) is int and kept[key] == int(value)
            else:
                assert_same([kept[key]], [value])


@pytest.mark.parametrize("name", NAMES)
def test_names_order_and_defaults_are_those_of_torch(name: str) -> None:
    theirs = inspect.signature(getattr(torch.optim, name)).parameters
    ours = getattr(optimizers, name).defaults
    assert ours == {key: theirs[key].default for key in ours}
    order = [key for key in theirs if key in ours]
    assert list(ours) == order


@pytest.mark.parametrize("name", NAMES)
def test_groups_and_their_options_can_be_read_and_changed(name: str) -> None:
    w = weights(0)
    optimizer = getattr(optimizers, name)(groups(w, {"lr": 0.5}, {}), 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.25]
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 4]
    optimizer.param_groups[0]["lr"] = 0.0
    before = w[0].detach().clone()
    w[0].sum().backward()
    optimizer.step()
    assert torch.equal(w[0], before)


def test_a_group_may_hold_one_tensor_and_come_later() -> None:
    w = weights(0)
    optimizer = optimizers.SGD([w[0]], 0.5)
    optimizer.add_param_group({"params": w[1], "lr": 1.0})
    (w[0].sum() + w[1].sum()).backward()
    before = [w[0].detach().clone(), w[1].detach().clone()]
    optimizer.step()
    assert torch.equal(w[0], before[0] - 0.5) and torch.equal(w[1], before[1] - 1)


# --- steps and gradients ------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_without_a_gradient_nothing_moves_and_nothing_is_remembered(name: str) -> None:
    w = weights(0)
    before = [p.detach().clone() for p in w]
    optimizer = getattr(optimizers, name)(w, weight_decay=0.1)
    optimizer.step()
    assert all(map(torch.equal, w, before)) and not optimizer.state


@pytest.mark.parametrize("name", NAMES)
def test_a_step_leaves_the_gradient_as_it_was(name: str) -> None:
    p = torch.ones(3, requires_grad=True)
    optimizer = getattr(optimizers, name)([p], lr=0.1, weight_decay=0.1)
    for _ in range(3):  # gradients that are kept must not turn up in the state
        p.grad = torch.tensor([1.0, 2.0, 3.0])
        optimizer.step()
        assert p.grad.tolist() == [1, 2, 3] and p.requires_grad
        p.grad.zero_()
    assert optimizer.state[p].get("momentum_buffer") is None


def test_zero_grad_forgets_the_gradients_of_all_groups() -> None:
    w = weights(0)
    optimizer = optimizers.SGD(groups(w, {}, {}))
    sum(p.sum() for p in w).backward()  # type: ignore[union-attr]
    optimizer.zero_grad()
    assert all(p.grad is None for p in w)


def test_the_base_class_has_no_rule() -> None:
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    with pytest.raises(NotImplementedError):
        optimizers.Optimizer([p]).step()


# --- in fit -------------------------------------------------------------------------------


def linear_problem() -> tuple[Tensor, Tensor]:
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
    return x, x @ torch.tensor([[1.0], [-2.0]])


@pytest.mark.parametrize("schedule", ["one_cycle", None])
@pytest.mark.parametrize(
    ("name", "options"), [*((n, {}) for n in NAMES), ("SGD", {"momentum": 0.9})]
)
def test_fit_takes_them_in_place_of_torchs(
    name: str, options: Options, schedule: str | None
) -> None:
    runs = []
    for module in (optimizers, torch.optim):
        training.set_seed(0)
        model, data = nn.Linear(2, 1), linear_problem()
        make = partial(getattr(module, name), **options)
        history = training.fit(
            model, data, data, 3, 0.01, batch_size=8, optimizer=make, schedule=schedule, seed=0
        )
        runs.append(history)
    ours, theirs = runs
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-4)
    assert ours.lr == theirs.lr and ours.momentum == theirs.momentum
    assert ours.valid[-1] < ours.valid[0]


# --- wrong values -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, {"lr": value}) for name in NAMES for value in (-1, float("nan"), "0.1", None)),
        *((name, {"weight_decay": -0.1}) for name in NAMES),
        ("SGD", {"momentum": -0.9}),
        ("SGD", {"momentum": float("inf")}),
        ("SGD", {"dampening": float("nan")}),
        ("RMSprop", {"alpha": 1.5}),
        ("RMSprop", {"eps": -1e-8}),
        ("Adam", {"betas": (0.9, 1.0)}),
        ("Adam", {"betas": (-0.1, 0.9)}),
        ("Adam", {"betas": 0.9}),
        ("Adam", {"betas": (0.9,)}),
        ("AdamW", {"betas": ("0.9", 0.99)}),
    ],
)
def test_a_wrong_value_is_refused_for_all_and_for_one_group(name: str, wrong: Options) -> None:
    make = getattr(optimizers, name)
    for params, options in [(weights(0), wrong), ([{"params": weights(0), **wrong}], {})]:
        with pytest.raises(ArgumentError, match=next(iter(wrong))):
            make(params, **options)


def test_a_negative_dampening_is_torchs_too() -> None:
    """Torch takes it: each gradient then counts for more than the whole of itself."""
    ours, theirs = weights(0), weights(0)
    settings: Options = {"lr": 0.1, "momentum": 0.9, "dampening": -0.5}
    pair = optimizers.SGD(ours, **settings), torch.optim.SGD(theirs, **settings)
    for _ in range(3):
        for optimizer, params in zip(pair, (ours, theirs), strict=True):
            optimizer.zero_grad()
            sum((p**2).sum() for p in params).backward()
            optimizer.step()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_numpys_numbers_are_numbers(name: str) -> None:
    half, tenth = np.float32(0.5), np.float64(0.1)
    more: Options = {"momentum": half} if name == "SGD" else {}
    more |= {"betas": (half, half)} if name.startswith("Adam") else {}
    made = getattr(optimizers, name)(weights(0), lr=tenth, weight_decay=half, **more)
    (group,) = made.param_groups
    assert type(group["lr"]) is float and group["lr"] == 0.1 and group["weight_decay"] == 0.5


def test_an_unknown_option_is_named_with_the_nearest_one() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'momentum'"):
        optimizers.SGD(weights(0), momentun=0.9)
    with pytest.raises(ArgumentError, match="unknown option 'rate'"):
        optimizers.Adam([{"params": weights(0), "rate": 1}])
    with pytest.raises(ArgumentError, match="only lr, momentum"):
        optimizers.SGD(weights(0), 1, 0, 0, 0, 0)
    with pytest.raises(ArgumentError, match="lr given twice"):
        optimizers.SGD(weights(0), 0.1, lr=0.2)


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ([], "at least one"),
        (torch.ones(2), "a list"),
        ({"params": []}, "a list"),
        (None, "a list"),
        (nn.Linear(2, 1), "a list"),
        ([torch.ones(2), {"params": []}], "not a computed result"),
        ([{"params": []}, torch.ones(2)], "a group is a dict"),
        ([{"lr": 1}], "a group is a dict"),
        ([("name", torch.ones(2))], "not a computed result"),
        ([torch.ones(2, requires_grad=True) * 2], "not a computed result"),
        ([torch.ones(2)] * 2, "twice"),
    ],
)
def test_wrong_parameters_are_refused(params: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        optimizers.SGD(params)


def test_a_parameter_of_two_groups_is_refused() -> None:
    w = weights(0)
    with pytest.raises(ArgumentError, match="twice"):
        optimizers.Adam([{"params": w}, {"params": w[2]}])


# --- the spreadsheet ----------------------------------------------------------------------

X = [14, 86, 28, 51, 28, 29, 72, 62, 84, 15, 42, 62, 47, 35, 9]
X += [38, 44, 99, 13, 21, 28, 20, 8, 64, 99, 70, 27, 17, 8]


def sheet(optimizer: optimizers.SGD, w: Tensor) -> list[list[float]]:
    """[b, a] after each of the 29 rows of y = 2x + 30, one at a time."""
    rows = []
    for x in X:
        db = 2 * (w[0] + w[1] * x - (2 * x + 30)).item()
        w.grad = torch.tensor([db, db * x], dtype=torch.float64)
        optimizer.step()
        rows.append(w.tolist())
    return rows


def test_plain_sgd_gives_the_cells_of_the_basic_sheet() -> None:
    w = torch.tensor([1.2754625002528799, 2.569996469807525], dtype=torch.float64)
    rows = sheet(optimizers.SGD([w], lr=1e-4), w)
    assert rows[0] == pytest.approx([1.2796114176373683, 2.628081313190362], abs=1e-9)
    assert rows[28] == pytest.approx([1.3322544013346147, 2.607558602597847], abs=1e-9)


def test_dampened_momentum_gives_the_cells_of_the_momentum_sheet() -> None:
    w = torch.ones(2, dtype=torch.float64)
    optimizer = optimizers.SGD([w], lr=1e-4, momentum=0.9, dampening=0.9)
    buffer = [-18.33392669020789, 98.24583039212854]
    optimizer.state[w]["momentum_buffer"] = torch.tensor(buffer, dtype=torch.float64)
    rows = sheet(optimizer, w)
    assert rows[0] == pytest.approx([1.0025100534021187, 1.0031978752647084], abs=1e-9)
    assert rows[28] == pytest.approx([1.065115994374686, 2.121333184761536], abs=1e-9)

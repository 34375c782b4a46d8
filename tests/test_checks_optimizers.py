"""Notebook 05's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from answers import accepts, refuses
from torch import Tensor

from lesson5_utils.exercises import optimizers as check

# --- the right answers against PyTorch ----------------------------------------------------


def by_torch(make: Callable[..., torch.optim.Optimizer], gradients: Tensor) -> Tensor:
    p = torch.ones(3, dtype=torch.float64)
    optimizer = make([p])
    for g in gradients:
        p.grad = g
        optimizer.step()
    return p


def test_the_references_are_pytorchs_rules() -> None:
    gradients = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)).double()
    gradients[:3, 0] = 0  # blank pixels
    zero, one = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)

    p, s = one, zero
    for g in gradients:
        p, s = check.rmsprop.reference(p, s, g, 0.1, 0.9, 1e-8)
    theirs = by_torch(lambda ps: torch.optim.RMSprop(ps, lr=0.1, alpha=0.9), gradients)
    assert torch.allclose(p, theirs, rtol=1e-12)

    p, m, s = one, zero, zero
    for t, g in enumerate(gradients, start=1):
        p, m, s = check.adam.reference(p, m, s, t, g, 0.1, 0.9, 0.99)
    theirs = by_torch(lambda ps: torch.optim.Adam(ps, lr=0.1, betas=(0.9, 0.99)), gradients)
    assert torch.allclose(p, theirs, rtol=1e-12)


# --- where a step lands --------------------------------------------------------------------


@pytest.mark.parametrize("form", [list, tuple, torch.tensor, np.array])
def test_landing_is_taken_in_any_form(form: Any) -> None:
    accepts(check.landing, form([0.5, -0.5, -1, -1.5]))
    assert check.landing.use(form([0.5, -0.5, -1, -1.5]))[3] == -1.5
    assert check.landing.use(...) == [0.5, -0.5, -1.0, -1.5]


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ([0.5, 0.5, 1, 1.5], "the other side"),
        ([0.5, 1.5, 2, 2.5], "the lengths of the steps"),
        ([-0.5, 0.5, 1, 1.5], "turned round"),
        ([0.5, 0, 0, 0], "does not stop at the bottom"),
        ([0.5, -0.5, -1, -2], "something else"),
        ([0.5, -0.5], "4 values"),
    ],
)
def test_landing_refuses(answer: Any, phrase: str) -> None:
    refuses(check.landing, answer, phrase)


# --- steps of an optimizer ----------------------------------------------------------------

STEPS = [check.rmsprop, check.adam]
every_step = pytest.mark.parametrize("one", STEPS, ids=lambda one: one.name)


@every_step
@pytest.mark.parametrize("form", [list, torch.stack, lambda made: [v.tolist() for v in made]])
def test_steps_are_taken_in_any_form_and_handed_on_as_tensors(one: Any, form: Any) -> None:
    report = one(lambda *given: form(one.reference(*given)))
    assert report.status == "right", report.text
    used = one.use(lambda *given: form(one.reference(*given)))(*one.cases()[0])
    assert isinstance(used, tuple) and all(part.dtype == torch.float32 for part in used)


@every_step
def test_a_step_in_whole_numbers_or_less_exact_is_refused(one: Any) -> None:
    for spoil in (torch.Tensor.long, torch.Tensor.float, torch.Tensor.round):
        report = one(lambda *given, spoil=spoil: [spoil(v) for v in one.reference(*given)])
        assert report.status == "wrong", report.text


@every_step
def test_averages_and_weights_are_left_alone(one: Any) -> None:
    names = list(one.reference.__annotations__)
    for place, name in enumerate(names):
        if one.reference.__annotations__[name] != "Tensor":
            continue

        def mine(*given: Any, place: int = place) -> Any:
            result = one.reference(*given)
            given[place].mul_(0.5)
            return result

        report = one(mine)
        assert f"changes its input `{name}`" in report.text, report.text


def adam_with(divisor: Callable[[Tensor], Tensor]) -> Any:
    def answer(
        p: Tensor, m: Tensor, s: Tensor, t: int, g: Tensor, lr: float, b1: float, b2: float
    ) -> Any:
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
        return p - lr * m / (1 - b1**t) / divisor(s / (1 - b2**t)), m, s

    return answer


@pytest.mark.parametrize(
    ("divisor", "phrase"),
    [
        (lambda s: s.sqrt(), "Epsilon is missing"),
        (lambda s: (s + 1e-8).sqrt(), "Epsilon is inside the root"),
        (lambda s: (s + 1e-8) ** 0.5, "Epsilon is inside the root"),
        (lambda s: s.sqrt() + 1e-5, "Epsilon is 1e-5"),
        (lambda s: s.sqrt() + 1e-3, "difference"),
        (lambda s: s.sqrt() + 1e-6, "difference"),
        (lambda s: s.sqrt() + 1e-7, "difference"),
        (lambda s: s.sqrt() + 1e-9, "difference"),
        (lambda s: s.sqrt().clamp(min=1e-8), "difference"),
    ],
)
def test_adam_refuses_another_epsilon(divisor: Any, phrase: str) -> None:
    report = check.adam(adam_with(divisor))
    says = report.text.splitlines()[1]
    assert report.status == "wrong", report.text
    assert phrase.lower() in says.lower(), report.text


def test_adam_may_be_written_with_a_power_or_eps_first() -> None:
    for divisor in (lambda s: s**0.5 + 1e-8, lambda s: 1e-8 + torch.sqrt(s)):
        report = check.adam(adam_with(divisor))
        assert report.status == "right", report.text


def test_adam_with_beta_times_t_is_told() -> None:
    def mine(
        p: Tensor, m: Tensor, s: Tensor, t: int, g: Tensor, lr: float, b1: float, b2: float
    ) -> Any:
        m, s = b1 * m + (1 - b1) * g, b2 * s + (1 - b2) * g * g
        return p - lr * m / (1 - b1 * t) / ((s / (1 - b2 * t)).sqrt() + 1e-8), m, s

    refuses(check.adam, mine, "multiplied beta by t")


def test_adam_without_its_averages_is_told() -> None:
    assert "3 values" in check.adam(lambda *given: check.adam.reference(*given)[:2]).text
    report = check.adam(lambda *given: check.adam.reference(*given)[0])
    assert "expected" in report.text.lower()


def test_rmsprop_takes_the_epsilon_that_it_is_given() -> None:
    def mine(p: Tensor, s: Tensor, g: Tensor, lr: float, alpha: float, eps: float) -> Any:
        return check.rmsprop.reference(p, s, g, lr, alpha, 1e-8)

    assert "a small number of your own" in check.rmsprop(mine).text


# --- four wrong Adams ----------------------------------------------------------------------


def test_the_faults_are_those_of_the_picture() -> None:
    """Each fault, built into Adam, gives the steps that its letter shows."""
    made = {
        "neither is corrected": adam_wrong(lambda m, s, t: m / s.sqrt()),
        "the root is missing": adam_wrong(
            lambda m, s, t: m / (1 - 0.9**t) / s * (1 - 0.999**t)
        ),
        "s is not corrected": adam_wrong(lambda m, s, t: m / (1 - 0.9**t) / s.sqrt()),
        "m is not corrected": adam_wrong(lambda m, s, t: m / (s / (1 - 0.999**t)).sqrt()),
    }
    drawn = check.faulty_adams(50)
    for letter, fault in check.bugs.reference().items():
        assert drawn[letter] == pytest.approx(made[fault]), (letter, fault)


def adam_wrong(step: Callable[[Tensor, Tensor, int], Tensor]) -> list[float]:
    m = s = torch.zeros((), dtype=torch.float64)
    lengths = []
    for t in range(1, 51):
        m, s = 0.9 * m + 0.1 * 2, 0.999 * s + 0.001 * 4
        lengths.append(step(m, s, t).item())
    return lengths


@pytest.mark.parametrize(
    ("changed", "phrase"),
    [
        ({"C": "m is not corrected", "D": "s is not corrected"}, "C and D are exchanged"),
        ({"A": "s is not corrected", "C": "neither is corrected"}, "A and C are exchanged"),
        ({"B": "nothing is wrong"}, "B is not right at any step"),
        ({"B": "no root"}, "Unknown choice"),
        ({"A": "m is not corrected"}, "Right: B, C, D. Not yet: A."),
    ],
)
def test_bugs_refuses(changed: dict[str, str], phrase: str) -> None:
    refuses(check.bugs, check.bugs.reference() | changed, phrase)


def test_bugs_does_not_mind_capitals_and_waits_for_all_four() -> None:
    right = check.bugs.reference()
    accepts(check.bugs, {letter: fault.capitalize() for letter, fault in right.items()})
    assert check.bugs(right | {"D": ...}).status == "unanswered"
    refuses(check.bugs, {letter: right[letter] for letter in "ABC"}, "keys")


# --- Adam's first step, with a penalty and with a decay ------------------------------------


def in_place(w: Tensor, g: Tensor, lr: float, wd: float) -> Any:
    return w - lr * (g + wd * w).sign(), w * (1 - lr * wd) - g.sign_() * lr


@pytest.mark.parametrize(
    "form", [torch.stack, np.stack, lambda made: [r.tolist() for r in made]]
)
def test_first_adam_is_taken_stacked_and_handed_on_as_two_tensors(form: Any) -> None:
    def mine(*given: Any) -> Any:
        return form(check.first_adam.reference(*given))

    accepts(check.first_adam, mine)
    penalty, decay = check.first_adam.use(mine)(torch.tensor([2.0]), torch.zeros(1), 0.1, 0.5)
    assert penalty.dtype == decay.dtype == torch.float32
    assert torch.allclose(torch.cat([penalty, decay]), torch.tensor([1.9, 1.9]))


def test_first_adam_refuses() -> None:
    reference = check.first_adam.reference
    refuses(check.first_adam, in_place, "changes its input")
    turned = lambda *given: torch.stack(reference(*given)[::-1])  # noqa: E731
    refuses(check.first_adam, turned, "the other way round")
    refuses(check.first_adam, lambda *given: reference(*given)[0], "2 values")
    refuses(
        check.first_adam,
        lambda w, g, lr, wd: (w - lr * g / g.abs(), w * (1 - lr * wd) - lr * g / g.abs()),
        "nan",
    )


def test_first_adam_is_what_torchs_adam_and_adamw_do() -> None:
    w, g = torch.randn(2, 6, generator=torch.Generator().manual_seed(0)).double()
    g[:2] = 0
    for make, mine in zip(
        (torch.optim.Adam, torch.optim.AdamW),
        check.first_adam.reference(w, g, 0.1, 0.5),
        strict=True,
    ):
        p = w.clone()
        p.grad = g
        make([p], lr=0.1, weight_decay=0.5).step()
        assert torch.allclose(p, mine, atol=1e-6)


# --- a fair choice of the rate -------------------------------------------------------------


def search(error: Callable[[float], float], rates: list[float]) -> float:
    rates = sorted(rates)
    while True:
        best = min(rates, key=error)
        if best == rates[0]:
            rates = [best / 2, *rates]
        elif best == rates[-1]:
            rates = [*rates, best * 2]
        else:
            return best


def recursive(error: Callable[[float], float], rates: list[float]) -> float:
    errors = np.array([error(rate) for rate in rates])
    place = int(errors.argmin())
    if place == 0:
        return recursive(error, [rates[0] / 2, *rates])
    return rates[place] if place < len(rates) - 1 else recursive(error, [*rates, rates[-1] * 2])


@pytest.mark.parametrize(
    "answer",
    [
        search,
        recursive,
        lambda *given: torch.tensor(search(*given), dtype=torch.float64),
        lambda *given: np.float64(search(*given)),
    ],
)
def test_best_rate_accepts(answer: Any) -> None:
    accepts(check.best_rate, answer)
    assert check.best_rate.use(answer)(lambda rate: abs(rate - 0.05), [0.1, 0.2, 0.4]) == 0.05


def growing(error: Callable[[float], float], rates: list[float]) -> float:
    rates.append(2 * rates[-1])
    return search(error, rates)


def endless(error: Callable[[float], float], rates: list[float]) -> float:
    while True:
        error(min(rates))


def once(error: Callable[[float], float], rates: list[float]) -> float:
    best = min(rates, key=error)
    wider = [best / 2, *rates, best * 2]
    return min(wider, key=error)


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda error, rates: min(rates, key=error), "did not look beyond"),
        (lambda error, rates: rates[1], "never tried"),
        (lambda error, rates: 0.2, "never tried"),
        (lambda error, rates: max(rates, key=error), "the highest error"),
        (lambda error, rates: error(search(error, rates)), "returned the error"),
        (lambda error, rates: min(map(error, rates)), "difference"),
        (once, "go on as long as"),
        (growing, "changes its input"),
        (endless, "has no end"),
    ],
)
def test_best_rate_refuses(answer: Any, phrase: str) -> None:
    refuses(check.best_rate, answer, phrase)

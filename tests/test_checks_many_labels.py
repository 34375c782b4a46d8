"""Notebook 08's checks: answers that later cells could not use are refused, others taken."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from answers import accepts, refuses

from lesson5_utils.exercises import many_labels as check

# --- bce ---------------------------------------------------------------------------------


def shares(p: Any, t: Any) -> Any:
    return -(t * p.log() + (1 - t) * (1 - p).log()).mean()


def cut(z: Any, t: Any) -> Any:
    p = z.sigmoid()
    logs = p.log().clamp(min=-100), (1 - p).log().clamp(min=-100)
    return -(t * logs[0] + (1 - t) * logs[1]).mean()


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        (lambda z, t: shares(z.sigmoid().clamp(1e-7, 1 - 1e-7), t), "1e-07 away from 0 and 1"),
        (lambda z, t: shares(z.sigmoid().clip(1e-5, 1 - 1e-5), t), "1e-05 away from 0 and 1"),
        (lambda z, t: shares(z.sigmoid().clamp(0.01, 0.99), t), "difference"),
        (cut, "the log is cut off at -100"),
        (lambda z, t: F.softplus(z.clamp(-30, 30)).mean() - (t * z).mean(), "difference"),
        (lambda z, t: shares(1 / (1 + (-z).exp()), t), "right for small scores"),
        (lambda z, t: F.binary_cross_entropy_with_logits(z, t).item(), "no gradient flows"),
        (
            lambda z, t: torch.where(z > 30, z, z.exp().log1p()).sub(t * z).mean(),
            "its gradient is not a number (nan)",
        ),
    ],
)
def test_bce_refuses(answer: Any, phrase: str) -> None:
    refuses(check.bce, answer, phrase)


def test_a_clamp_is_not_told_about_a_function_that_was_never_called() -> None:
    report = check.bce(lambda z, t: shares(z.sigmoid().clamp(1e-7, 1 - 1e-7), t))
    assert "binary_cross_entropy" not in report.text


@pytest.mark.parametrize(
    "answer",
    [
        lambda z, t: F.binary_cross_entropy_with_logits(z, t),
        lambda z, t: (z.clamp(min=0) - z * t + (-z.abs()).exp().log1p()).mean(),
        lambda z, t: -(t * F.logsigmoid(z) + (1 - t) * F.logsigmoid(-z)).mean(),
        lambda z, t: (torch.logaddexp(z, torch.zeros_like(z)) - t * z).sum() / z.numel(),
        lambda z, t: F.softplus(torch.where(t == 1, -z, z)).mean(),
    ],
)
def test_bce_accepts(answer: Any) -> None:
    accepts(check.bce, answer)

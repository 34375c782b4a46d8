"""Whether a check refuses an answer, with which words, or takes it."""

from __future__ import annotations

from typing import Any


def refuses(exercise: Any, answer: Any, phrase: str) -> None:
    report = exercise(answer)
    assert report.status == "wrong" and phrase in report.text, report.text


def accepts(exercise: Any, answer: Any) -> None:
    report = exercise(answer)
    assert report.status == "right", report.text

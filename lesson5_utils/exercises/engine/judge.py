"""The checking engine: exercises that answer back.

An exercise is a right answer, with inputs to try and wrong answers that people give
(`decorate.exercise` makes one). A learner's answer is run on every case and compared with the
right one; if it behaves like a slip on all of them, the report names that slip. No source code
is ever compared.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, Literal, TypeVar, overload

from lesson5_utils.errors import unknown
from lesson5_utils.exercises.engine import compare
from lesson5_utils.exercises.engine.cell_above import stopped
from lesson5_utils.exercises.engine.compare import (
    Rules,
    alike,
    as_kind,
    differs,
    plain_numbers,
)
from lesson5_utils.exercises.engine.show import pair, shown
from lesson5_utils.exercises.engine.trial import (
    Difference,
    Trial,
    difference,
    guarded,
    try_on,
    untouched,
)
from lesson5_utils.exercises.engine.values import (
    blank,
    can_slope,
    has_arrays,
    texts,
    unfinished,
)

__all__ = ["Exercise", "Record", "Report", "Slip", "listeners", "tell"]

Cases = Callable[[], list[tuple[Any, ...]]]
Wrong = TypeVar("Wrong", bound=Callable[..., Any])
Kind = Literal["build", "predict", "diagnose", "design", "challenge"]


@dataclass(frozen=True)
class Slip:
    """A typical wrong answer, and the sentence that a learner who gives it should read."""

    says: str
    answer: Callable[..., Any]


@dataclass(frozen=True)
class Report:
    """What a check found.

    `status` is "right", "wrong", "unanswered", or "stopped": the cell above raised, so that
    only an older definition could be judged.
    """

    status: str
    text: str

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Record:
    """What a listener is told: the kind ("bet" or an exercise's kind), the name
    ("embeddings.lookup", or a bet's key), and how it went."""

    kind: str
    name: str
    status: str


listeners: list[Callable[[Record], object]] = []
"""Called after each check and each bet. Empty, unless the notebook at hand keeps a record."""


def tell(record: Record) -> None:
    """Pass a record on; a listener that fails disturbs nobody."""
    for listener in listeners:
        with suppress(Exception):
            listener(record)


@dataclass(eq=False, repr=False, kw_only=True)
class Exercise:
    """One exercise; call it with the learner's answer to get a `Report`.

    The attributes are explained where exercises are written: `decorate.exercise`.
    """

    name: str
    reference: Callable[..., Any]
    cases: Cases | None
    why: str
    slips: list[Slip] = field(default_factory=list)
    kind: Kind = "build"
    through: Callable[..., Any] | None = None
    tolerance: float = 1e-4
    gradients: bool | Sequence[str] = False
    may_change: bool = False
    choices: Sequence[str] = ()
    # what slips gave, by case: kept, as some of them train a net
    _tried: dict[tuple[Slip, int], Trial] = field(default_factory=dict, repr=False)

    @property
    def full_name(self) -> str:
        """Module and name, such as "embeddings.lookup"."""
        return f"{self.reference.__module__.rpartition('.')[2]}.{self.name}"

    @property
    def is_value(self) -> bool:
        """Whether the answer is a value, not a function or a class."""
        return self.cases is None

    def __repr__(self) -> str:  # without the right answer
        return (
            f"The exercise {self.full_name}: give it your answer, in brackets, to check that."
        )

    @overload
    def slip(self, says: str) -> Callable[[Wrong], Wrong]: ...

    @overload
    def slip(self, says: str, answer: Callable[..., Any]) -> None: ...

    def slip(self, says: str, answer: Any = None) -> Any:
        """Add a wrong answer: `name.slip("…", lambda …)`, or `@name.slip("…")` on a function.

        Where the answer is a value, the function takes nothing and returns the wrong value.
        """

        def add(wrong: Wrong) -> Wrong:
            self.slips.append(Slip(says, wrong))
            return wrong

        if answer is None:
            return add
        add(answer)
        return None

    def __call__(self, answer: Any) -> Report:
        """Check an answer. Never raises: whatever is wrong with the answer, it is said."""
        if told := stopped(answer, self.name):
            report = Report("stopped", f"✗ {self.name}: not judged. {told}")
        else:
            report = self._judge(answer)
        tell(Record(self.kind, self.full_name, report.status))
        return report

    def use(self, answer: Any) -> Any:
        """The answer once it is right, until then the reference: for the cells that follow.

        What a right function returns gets the form of the reference's result (a list becomes a
        tensor), unless it is asked with tensors and the check asked with numbers only.
        """
        if self._judge(answer).status != "right":
            return self.reference() if self.is_value else self.reference
        if not self.cases or inspect.isclass(answer) or self._form is None:
            return answer
        plain = plain_numbers(self._form) and not has_arrays(self.cases()[0])

        @wraps(answer)
        def in_form(*args: Any, **kwargs: Any) -> Any:
            result = answer(*args, **kwargs)
            if plain and has_arrays(args):
                return result
            try:
                return as_kind(self._form, result)
            except Exception:  # another form for another input: the learner's own
                return result

        return in_form

    # --- judging ---------------------------------------------------------------------------

    def _judge(self, answer: Any) -> Report:
        if answer is None or unfinished(answer):
            return self._unanswered()
        with untouched():
            if self.is_value:
                return self._judge_value(answer)
            if not callable(answer):
                return self._wrong(
                    "Give the function itself, by its name and without brackets."
                )
            return self._judge_function(answer)

    def _judge_function(self, answer: Any) -> Report:
        assert self.cases
        cases = self.cases()
        trials = [self._try(answer, case) for case in cases]
        if all(trial.result is ... for trial in trials):
            return self._unanswered()
        wrong = [
            (found, case)
            for case, trial, expected in zip(cases, trials, self._expected, strict=True)
            if (found := difference(expected, trial, self._rules(case), self.may_change))
        ]
        if wrong:  # a wrong result in any case says more than a wrong gradient in the first
            found, case = min(wrong, key=lambda one: one[0].in_gradient)
            slip = self._find_slip(cases, trials)
            return self._wrong(slip or found.says, self._compared(case, found))
        return Report("right", f"✓ {self.name}: right, in {len(cases)} cases.\n  {self.why}")

    def _judge_value(self, answer: Any) -> Report:
        if callable(answer):
            return self._wrong("Give the value, not a function.")
        rules = Rules(self.tolerance, kinds=False)
        right = self.reference()
        if differs(right, answer, rules) is None:
            return Report("right", f"✓ {self.name}: right.\n  {self.why}")
        odd = next(
            (one for one in texts(answer) if self.choices and one not in self.choices), ""
        )
        told = unknown("choice", odd, self.choices) if odd else None
        told = told or differs(blank(right), blank(answer), rules)  # the form, not the answer
        for slip in self.slips:
            if differs(slip.answer(), answer, rules) is None:
                told = slip.says
        told = told or self._which(right, answer, rules) or "it is something else"
        return self._wrong(told, [f"got       {shown(answer)}"])

    def _which(self, right: Any, answer: Any, rules: Rules) -> str | None:
        """Of several named values, which are right; how many, where that leaves one choice."""
        if not isinstance(right, Mapping) or len(right) < 2:
            return None
        wrong = [key for key in right if differs(right[key], answer[key], rules)]
        if len(self.choices) == 2:
            return f"{len(right) - len(wrong)} of {len(right)} are right"
        good = ", ".join(str(key) for key in right if key not in wrong) or "none yet"
        return f"right: {good}. Not yet: {', '.join(map(str, wrong))}"

    # --- trying ----------------------------------------------------------------------------

    @cached_property
    def _names(self) -> list[str]:
        """What the inputs are called."""
        if self.through:
            return list(inspect.signature(self.through).parameters)[1:]
        return list(inspect.signature(self.reference).parameters)

    def _named(self, case: tuple[Any, ...]) -> list[str]:
        fits = len(self._names) == len(case)
        return self._names if fits else [f"input {i + 1}" for i in range(len(case))]

    def _guarded(self, answer: Any, keep: Callable[[Any], None] = lambda _: None) -> Any:
        return guarded(answer, keep, self.may_change)

    def _try(
        self, answer: Any, case: tuple[Any, ...], keep: Callable[[Any], None] = lambda _: None
    ) -> Trial:
        watched, through = self._guarded(answer, keep), self.through
        names = self._named(case)
        wanted = self.gradients or ()
        if wanted is True:
            wanted = [name for name, v in zip(names, case, strict=True) if can_slope(v)]
        call = (lambda *given: through(watched, *given)) if through else watched
        return try_on(call, names, case, wanted)

    @cached_property
    def _expected(self) -> list[Trial]:
        """What the reference gives; kept, because some references train a net."""
        assert self.cases
        return [self._try(self.reference, case) for case in self.cases()]

    @cached_property
    def _form(self) -> Any:
        """What the reference, if it is a function, itself returns in the first case."""
        if self.cases is None:
            return None
        kept: list[Any] = []
        with untouched():
            self._try(self.reference, self.cases()[0], kept.append)
        return kept[0] if kept else None

    def _rules(self, case: tuple[Any, ...]) -> Rules:
        return Rules(self.tolerance, compare.largest(case), compare.is_single(case))

    # --- naming ----------------------------------------------------------------------------

    def _find_slip(self, cases: list[tuple[Any, ...]], trials: list[Trial]) -> str | None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a slip's own warning is not the learner's
            found = (slip for slip in self.slips if self._explains(slip, cases, trials))
            return next((f"It looks like this: {slip.says}" for slip in found), None)

    def _explains(self, slip: Slip, cases: list[tuple[Any, ...]], trials: list[Trial]) -> bool:
        """Whether the slip gives the same wrong values, in any form; or, if its values are not
        wrong, whether it goes wrong in the same way."""
        parts, exactly = False, True
        for i, (got, expected) in enumerate(zip(trials, self._expected, strict=True)):
            rules = self._rules(cases[i])
            if (slip, i) not in self._tried:  # most slips part at the first case
                self._tried[slip, i] = self._try(slip.answer, cases[i])
            tried = self._tried[slip, i]
            if not alike(tried.result, got.result, rules.without_kinds):
                return False
            parts = parts or not alike(expected.result, tried.result, rules.without_kinds)
            for one, other in ((tried, got), (got, tried)):
                exactly = exactly and not difference(one, other, rules, self.may_change)
        return parts or exactly

    # --- saying ----------------------------------------------------------------------------

    def _compared(self, case: tuple[Any, ...], found: Difference) -> list[str]:
        """Input, expected and got, where there is something to see."""
        inputs = [f"{n} = {shown(v)}" for n, v in zip(self._named(case), case, strict=True)]
        lines = ["input     " + "\n            ".join(inputs)]
        if found.pair is None:
            return lines
        texts = pair(*found.pair)
        return [*lines, f"expected  {texts[0]}", f"got       {texts[1]}"]

    def _unanswered(self) -> Report:
        return Report(
            "unanswered",
            f"○ {self.name}: not answered yet. Replace the ... in the cell above, run it, "
            "then run this cell again.",
        )

    def _wrong(self, what: str, shown_below: Sequence[str] = ()) -> Report:
        what = what[0].upper() + what[1:] + ("" if what[-1] in ".?!:" else ".")
        return Report("wrong", "\n  ".join([f"✗ {self.name}: not yet.", what, *shown_below]))

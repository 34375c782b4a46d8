"""In a real IPython shell: when a cell fails, no older answer is judged in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from lesson5_utils.exercises.engine import cell_above

SETUP = "from lesson5_utils.exercises import embeddings, start_here as check"
WRONG = "def my_relu(z):\n    return z"
RIGHT = "def my_relu(z):\n    return z.clamp(min=0)"
MODEL = "class MyDotProduct:\n    def __init__(self, *_):\n        pass"


@pytest.fixture(scope="module")
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance()
    cell_above.listen()  # as the first import in a notebook does
    yield made
    made.reset()
    InteractiveShell.clear_instance()


@pytest.fixture
def ask(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Any:
    shell.reset()

    def run(*cells: str) -> Any:
        """The value of the last cell, after all of them, whatever they raise."""
        found = [shell.run_cell(cell, store_history=True) for cell in (SETUP, *cells)]
        assert found[-1].success
        return found[-1].result

    return run


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (
            "def my_relu(z)\n    return 2",
            "SyntaxError: expected ':', in its line 1. ",
        ),
        ("1 / 0\n" + RIGHT, "ZeroDivisionError: division by zero"),
    ],
)
def test_the_error_is_told_instead_of_an_older_definition(
    ask: Any, broken: str, error: str
) -> None:
    report = ask(WRONG, broken, "check.relu(my_relu)")
    assert report.status == "stopped"
    assert f"The cell above stopped with {error}" in report.text and "older" in report.text
    assert "expected" not in report.text.replace("expected ':'", "")


def test_a_stub_that_stayed_is_not_called_unanswered(ask: Any) -> None:
    stub = "def my_relu(z):\n    return ..."
    assert ask(stub, WRONG + " +", "check.relu(my_relu)").status == "stopped"


def test_a_cell_that_failed_after_the_definition_is_judged(ask: Any) -> None:
    assert ask(RIGHT + "\n\nmy_relu(None)", "check.relu(my_relu)").status == "right"


def test_a_cell_that_ran_is_judged(ask: Any) -> None:
    assert ask(WRONG, RIGHT, "check.relu(my_relu)").status == "right"
    assert ask("1 / 0", RIGHT, "check.relu(my_relu)").status == "right"


def test_another_cell_that_failed_is_none_of_our_business(ask: Any) -> None:
    assert ask(RIGHT, "1 / 0", "check.relu(my_relu)").status == "right"


def test_a_check_that_was_interrupted_may_be_run_again(ask: Any) -> None:
    interrupted = "check.relu(my_relu); raise KeyboardInterrupt"
    assert ask(RIGHT, interrupted, "check.relu(my_relu)").status == "right"


def test_a_class_is_known_by_its_name(ask: Any) -> None:
    broken = MODEL.replace("pass", "pass pass")
    assert ask(MODEL, broken, "embeddings.dot_model(MyDotProduct)").status == "stopped"
    failed_later = MODEL + "\n\n1 / 0"
    assert ask(failed_later, "embeddings.dot_model(MyDotProduct)").status == "wrong"


# --- a name that is not there --------------------------------------------------------------


@pytest.fixture
def said(
    ask: Any, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What stands below the traceback of the last cell."""

    heard = shell.events.callbacks["post_run_cell"]
    missing = next(one for one in heard if isinstance(one, cell_above.Missing))

    def run(*cells: str) -> str:
        missing.failed = None
        ask(*cells[:-1], "0")
        capsys.readouterr()
        assert not shell.run_cell(cells[-1]).success
        return capsys.readouterr().out.strip().splitlines()[-1]

    return run


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        ("def my_relu(z)\n    return 2", "SyntaxError: expected ':', in its line 1."),
        ("1 / 0\n" + RIGHT, "ZeroDivisionError: division by zero."),
        ("my_relu = 3 +* 4", "SyntaxError: invalid syntax, in its line 1."),
    ],
)
def test_a_name_that_the_cell_above_was_to_define_is_told_with_its_error(
    said: Any, broken: str, error: str
) -> None:
    told = f"my_relu is not there: the cell that was to define it stopped with {error} Mend"
    assert said(broken, "check.relu(my_relu)").startswith(told)
    assert said(broken, "check.relu(my_relo)", "check.relu(my_relu)").startswith(told)


def test_a_check_before_its_cell_was_run_says_what_to_run(said: Any) -> None:
    told = "my_relu is not there yet: run the cell above, then run this cell again."
    assert said("2", "check.relu(my_relu)") == told
    assert said("def my_relo(z)", "check.relu.use(my_relu)") == told


def test_another_name_that_is_missing_is_none_of_our_business(said: Any) -> None:
    assert "is not there" not in said("nothing_like_it")
    assert "is not there" not in said("def my_relu(z)", "nothing_like_it")


def test_it_is_said_once_however_often_the_exercises_are_imported(
    said: Any, shell: InteractiveShell
) -> None:
    cell_above.listen()
    heard = shell.events.callbacks["post_run_cell"]
    assert sum(isinstance(one, cell_above.Missing) for one in heard) == 1


def test_without_a_notebook_nothing_is_asked() -> None:
    InteractiveShell.clear_instance()
    assert cell_above.stopped(len, "start") is None
    cell_above.listen()

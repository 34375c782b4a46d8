"""Exercises that answer back, bets, and numbers that stand for about themselves.

One module for each notebook holds its checks; `engine/` is what they are made with.
"""

from importlib import import_module
from pkgutil import iter_modules

from lesson5_utils.exercises.engine import cell_above
from lesson5_utils.exercises.engine.cases import matrices, real_numbers, whole_numbers
from lesson5_utils.exercises.engine.challenge import Challenge
from lesson5_utils.exercises.engine.compare import WrongForm, differs
from lesson5_utils.exercises.engine.decorate import challenge, exercise
from lesson5_utils.exercises.engine.guess import About, Bet, about, bet
from lesson5_utils.exercises.engine.judge import Exercise, Report, Slip
from lesson5_utils.exercises.engine.trial import functions_called, gradients_of

__all__ = [
    "About",
    "Bet",
    "Challenge",
    "Exercise",
    "Report",
    "Slip",
    "WrongForm",
    "about",
    "bet",
    "challenge",
    "differs",
    "every",
    "exercise",
    "functions_called",
    "gradients_of",
    "matrices",
    "real_numbers",
    "whole_numbers",
]

cell_above.listen()


def every() -> dict[str, Exercise]:
    """Every exercise of every notebook, as "module.name"."""
    modules = [import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__)]
    return {
        one.full_name: one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, Exercise)
    }

"""The checking engine: how an exercise is written, tried, compared and answered.

decorate    @exercise and @challenge: how exercises are written
exercise    an exercise and its report: judging, naming slips, `use`
trial       one answer on one case: result, changed inputs, gradients, functions called
compare     what differs between two results
show        values as text
cases       inputs to try
values      answers that are values, not functions
cell_above  whether the cell above has stopped
guess       bets, and numbers that stand for about themselves
"""

from lesson5_utils.exercises.engine.cases import matrices, real_numbers, whole_numbers
from lesson5_utils.exercises.engine.compare import WrongForm, differs
from lesson5_utils.exercises.engine.decorate import challenge, exercise
from lesson5_utils.exercises.engine.guess import About, Bet, about, bet
from lesson5_utils.exercises.engine.judge import (
    Exercise,
    Record,
    Report,
    Slip,
    listeners,
    tell,
)
from lesson5_utils.exercises.engine.trial import functions_called, gradients_of

__all__ = [
    "About",
    "Bet",
    "Exercise",
    "Record",
    "Report",
    "Slip",
    "WrongForm",
    "about",
    "bet",
    "challenge",
    "differs",
    "exercise",
    "functions_called",
    "gradients_of",
    "listeners",
    "matrices",
    "real_numbers",
    "tell",
    "whole_numbers",
]

"""Exercises that answer back, bets, and numbers that stand for about themselves.

One module for each notebook holds its checks; `decorate` says how they are written, `engine`
how they work.
"""

from lesson5_utils.exercises.cases import matrices, real_numbers, whole_numbers
from lesson5_utils.exercises.compare import WrongForm, differs
from lesson5_utils.exercises.decorate import challenge, exercise
from lesson5_utils.exercises.engine import Exercise, Report, Slip
from lesson5_utils.exercises.guess import About, Bet, about, bet
from lesson5_utils.exercises.trial import gradients_of

__all__ = [
    "About",
    "Bet",
    "Exercise",
    "Report",
    "Slip",
    "WrongForm",
    "about",
    "bet",
    "challenge",
    "differs",
    "exercise",
    "gradients_of",
    "matrices",
    "real_numbers",
    "whole_numbers",
]

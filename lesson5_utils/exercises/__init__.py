"""Exercises that answer back, bets, and numbers that stand for about themselves.

One module for each notebook holds its checks; `engine/` is what they are made with.
"""

from lesson5_utils.exercises.engine import (
    About,
    Bet,
    Exercise,
    Report,
    Slip,
    WrongForm,
    about,
    bet,
    challenge,
    differs,
    exercise,
    functions_called,
    gradients_of,
    matrices,
    real_numbers,
    whole_numbers,
)

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
    "functions_called",
    "gradients_of",
    "matrices",
    "real_numbers",
    "whole_numbers",
]

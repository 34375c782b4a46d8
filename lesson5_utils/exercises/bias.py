"""Checks for notebook 02: biases, ranges, the column of ones, shrinking, squared distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lesson5_utils.exercises import Exercise, Slip, WrongForm, matrices, whole_numbers

__all__ = ["add_bias", "ones", "shrink", "squared_distance", "to_range"]


def _four(n: int, k: int, seed: int) -> tuple[Tensor, ...]:
    """Factors and biases of n users and the n films they rate, as embeddings return them."""
    return (
        whole_numbers(n, k, seed=seed),
        whole_numbers(n, k, seed=seed + 1),
        whole_numbers(n, 1, seed=seed + 2),
        whole_numbers(n, 1, seed=seed + 3),
    )


# --- add_bias ----------------------------------------------------------------------------

add_bias = Exercise(
    name="add_bias",
    reference=lambda u, m, user_bias, movie_bias: (
        (u * m).sum(dim=1) + user_bias.squeeze(1) + movie_bias.squeeze(1)
    ),
    cases=lambda: [_four(2, 3, 0), _four(1, 5, 10), _four(3, 1, 20)],
    why="The match says who likes what; the two biases say what is true of one side alone: "
    "this user is generous, this film is good.",
    slips=[
        Slip(
            "the biases have shape [n, 1], the match has shape [n]: their sum is [n, n]. "
            "Make the biases flat with .squeeze(1).",
            lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1) + user_bias + movie_bias,
        ),
        Slip(
            "you added the biases before the sum over the factors, so each is counted once "
            "per factor.",
            lambda u, m, user_bias, movie_bias: (u * m + user_bias + movie_bias).sum(dim=1),
        ),
        Slip(
            "you multiplied the two biases; each is a number of its own, to be added.",
            lambda u, m, user_bias, movie_bias: (
                (u * m).sum(dim=1) + (user_bias * movie_bias).squeeze(1)
            ),
        ),
        Slip(
            "@ multiplies every user with every film: [n, n] numbers. Multiply row by row with "
            "*, then sum over the factors (dim=1).",
            lambda u, m, user_bias, movie_bias: u @ m.T + user_bias + movie_bias,
        ),
        Slip(
            "both biases are missing.",
            lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1),
        ),
        Slip(
            "the numbers are right, but the shape is [n, 1]: sum without keepdim, and make the "
            "biases flat with .squeeze(1).",
            lambda u, m, user_bias, movie_bias: (
                (u * m).sum(dim=1, keepdim=True) + user_bias + movie_bias
            ),
        ),
        Slip(
            "the user's bias is missing.",
            lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1) + movie_bias.squeeze(1),
        ),
        Slip(
            "the film's bias is missing.",
            lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1) + user_bias.squeeze(1),
        ),
    ],
)

# --- ones --------------------------------------------------------------------------------


def _use_ones(widen: Callable[..., Any]) -> Callable[..., Any]:
    """Plain dot products of every widened user with every widened film: any order of the
    columns will do, but each side may only use what belongs to it."""

    def use(u: Tensor, m: Tensor, user_bias: Tensor, movie_bias: Tensor) -> Any:
        result = widen(u, m, user_bias, movie_bias)
        if result is None or result is ...:
            return result
        users, films = matrices(result, 2, "two matrices: the wider users, the wider films")
        if users.shape[1] != films.shape[1]:
            raise WrongForm(f"users got {users.shape[1]} columns, films {films.shape[1]}")
        return users @ films.T

    return use


def _widen(
    u: Tensor, m: Tensor, user_bias: Tensor, movie_bias: Tensor
) -> tuple[Tensor, Tensor]:
    one = torch.ones_like(user_bias)
    return torch.cat([u, user_bias, one], dim=1), torch.cat([m, one, movie_bias], dim=1)


def _facing(
    u: Tensor, m: Tensor, user_bias: Tensor, movie_bias: Tensor
) -> tuple[Tensor, Tensor]:
    one = torch.ones_like(user_bias)
    return torch.cat([u, user_bias, one], dim=1), torch.cat([m, movie_bias, one], dim=1)


def _zeros(
    u: Tensor, m: Tensor, user_bias: Tensor, movie_bias: Tensor
) -> tuple[Tensor, Tensor]:
    zero = torch.zeros_like(user_bias)
    return torch.cat([u, user_bias, zero], dim=1), torch.cat([m, zero, movie_bias], dim=1)


def _no_ones(
    u: Tensor, m: Tensor, user_bias: Tensor, movie_bias: Tensor
) -> tuple[Tensor, Tensor]:
    return torch.cat([u, user_bias], dim=1), torch.cat([m, movie_bias], dim=1)


ones = Exercise(
    name="ones",
    reference=_widen,
    use=_use_ones,
    cases=lambda: [_four(2, 3, 0), _four(1, 2, 10), _four(5, 1, 20)],
    why="A bias is a factor whose partner is always 1. Libraries keep it apart only because "
    "storing and multiplying a column of ones would be a waste.",
    slips=[
        Slip(
            "the two biases stand in the same column, so they are multiplied. Each bias "
            "needs a column of ones facing it on the other side.",
            _facing,
        ),
        Slip(
            "the two biases face each other, so they are multiplied; there are no ones yet.",
            _no_ones,
        ),
        Slip("zeros wipe the bias out: bias × 0 = 0. Use torch.ones_like(user_bias).", _zeros),
    ],
)

# --- to_range ----------------------------------------------------------------------------

to_range = Exercise(
    name="to_range",
    reference=lambda x, low, high: low + (high - low) * torch.sigmoid(x),
    cases=lambda: [
        (torch.tensor([-9.0, 0.0, 9.0]), 1.0, 5.0),
        (whole_numbers(4), 0.0, 5.5),
        (whole_numbers(3, seed=1), -1.0, 1.0),
    ],
    why="The sigmoid gives a share between 0 and 1; the share is stretched to the width of "
    "the range and shifted to its lower end.",
    slips=[
        Slip(
            "you multiplied by high instead of by the width (high - low): the top is "
            "low + high.",
            lambda x, low, high: low + high * torch.sigmoid(x),
        ),
        Slip(
            "the range starts at 0 instead of low: add low.",
            lambda x, low, high: (high - low) * torch.sigmoid(x),
        ),
        Slip(
            "you cut off at the ends. Then the gradient is 0 out there, and the model cannot "
            "find its way back; a sigmoid never becomes quite flat.",
            lambda x, low, high: x.clamp(low, high),
        ),
        Slip(
            "the range starts at 0 and ends at high: subtract low from high for the width, and "
            "add low.",
            lambda x, low, high: high * torch.sigmoid(x),
        ),
        Slip(
            "brackets are missing: high - low must be multiplied as a whole.",
            lambda x, low, high: low + high - low * torch.sigmoid(x),
        ),
        Slip(
            "you returned the share between 0 and 1; it is not stretched yet.",
            lambda x, low, high: torch.sigmoid(x),
        ),
    ],
)

# --- shrink ------------------------------------------------------------------------------

shrink = Exercise(
    name="shrink",
    reference=lambda total, count, strength: total / (count + strength),
    cases=lambda: [
        (torch.tensor([2.0, 20.0]), torch.tensor([2.0, 20.0]), 5.0),
        (torch.tensor([-3.0]), torch.tensor([1.0]), 3.0),
        (torch.tensor([4.0, 0.0]), torch.tensor([8.0, 0.0]), 1.0),
    ],
    why="With many ratings the strength hardly counts, and the result is the plain mean. "
    "With few, it stays near 0, as the bias of a film does that few ratings have moved.",
    slips=[
        Slip(
            "that is the plain mean: one lucky rating would put a film on top of the list.",
            lambda total, count, strength: total / count,
        ),
        Slip(
            "you added the strength to the top: that moves every film up. It belongs under "
            "the line only.",
            lambda total, count, strength: (total + strength) / (count + strength),
        ),
        Slip(
            "you divided the mean by the strength, so films with many ratings shrink as "
            "much as films with few.",
            lambda total, count, strength: total / count.clamp(min=1) / (1 + strength),
        ),
    ],
)

# --- squared_distance --------------------------------------------------------------------


def _use_parts(split: Callable[..., Any]) -> Callable[..., Any]:
    """Bias + bias + dot product for every pair of places, so that each part must belong to
    its own place."""

    def use(x: Tensor, y: Tensor) -> Any:
        result = split(x, y)
        if result is None or result is ...:
            return result
        wanted = "four things: bias of x [n], bias of y [n], factors of x [n, d], of y [n, d]"
        bias_x, bias_y, factors_x, factors_y = matrices(result, 4, wanted)
        for bias in (bias_x, bias_y):
            if bias.numel() != len(x):
                raise WrongForm(f"a bias is one number for each place, not {list(bias.shape)}")
        return bias_x.view(-1, 1) + bias_y.view(1, -1) + factors_x @ factors_y.T

    return use


def _square(x: Tensor) -> Tensor:
    return (x**2).sum(dim=1)


squared_distance = Exercise(
    name="squared_distance",
    reference=lambda x, y: (_square(x), _square(y), -2 * x, y),
    use=_use_parts,
    cases=lambda: [
        (whole_numbers(2, 2), whole_numbers(2, 2, seed=1)),
        (torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])),
        (whole_numbers(3, 5, seed=2), whole_numbers(3, 5, seed=3)),
    ],
    why="|x − y|² = |x|² + |y|² − 2 x·y: a bias for each place and one dot product. So the "
    "model that recommends films can also draw a map.",
    slips=[
        Slip(
            "the sign of the dot product is wrong: that is |x + y|².",
            lambda x, y: (_square(x), _square(y), 2 * x, y),
        ),
        Slip("the 2 is missing.", lambda x, y: (_square(x), _square(y), -x, y)),
        Slip(
            "both sides got the −2, so the dot product has +4.",
            lambda x, y: (_square(x), _square(y), -2 * x, -2 * y),
        ),
        Slip(
            "the biases are lengths; they must be squared lengths.",
            lambda x, y: (x.norm(dim=1), y.norm(dim=1), -2 * x, y),
        ),
    ],
)

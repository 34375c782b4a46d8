"""Checks for notebook 02: biases, ranges, shrinking, readings of a bias, newcomers, a map."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lesson5_utils.exercises import (
    WrongForm,
    exercise,
    matrices,
    real_numbers,
    whole_numbers,
)

__all__ = ["add_bias", "newcomers", "reading", "shrink", "squared_distance", "to_range"]


def _four(n: int, k: int, seed: int, made: Any = real_numbers) -> tuple[Tensor, ...]:
    """Factors and biases of n users and the n films they rate, as embeddings return them."""
    shapes = (n, k), (n, k), (n, 1), (n, 1)
    return tuple(made(*shape, seed=seed + i) for i, shape in enumerate(shapes))


# --- add_bias ----------------------------------------------------------------------------


@exercise(
    cases=lambda: [_four(2, 3, 0, whole_numbers), _four(1, 5, 10), _four(3, 1, 20)],
    gradients=True,
    why="The match says who likes what; the two biases say what is true of one side alone: "
    "this user is generous, this film is good.",
)
def add_bias(u: Tensor, m: Tensor, user_bias: Tensor, movie_bias: Tensor) -> Tensor:
    return (u * m).sum(dim=1) + user_bias.squeeze(1) + movie_bias.squeeze(1)


add_bias.slip(
    "the biases have shape [n, 1], the match has shape [n]: their sum is [n, n]. Make the "
    "biases flat with .squeeze(1).",
    lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1) + user_bias + movie_bias,
)
add_bias.slip(
    "you added the biases before the sum over the factors, so each is counted once per factor.",
    lambda u, m, user_bias, movie_bias: (u * m + user_bias + movie_bias).sum(dim=1),
)
add_bias.slip(
    "you multiplied the two biases; each is a number of its own, to be added.",
    lambda u, m, user_bias, movie_bias: (
        (u * m).sum(dim=1) + (user_bias * movie_bias).squeeze(1)
    ),
)
add_bias.slip(
    "@ multiplies every user with every film: [n, n] numbers. Multiply row by row with *, then "
    "sum over the factors (dim=1).",
    lambda u, m, user_bias, movie_bias: u @ m.T + user_bias + movie_bias,
)
add_bias.slip(
    "both biases are missing.",
    lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1),
)
add_bias.slip(
    "the numbers are right, but the shape is [n, 1]: sum without keepdim, and make the biases "
    "flat with .squeeze(1).",
    lambda u, m, user_bias, movie_bias: (
        (u * m).sum(dim=1, keepdim=True) + user_bias + movie_bias
    ),
)
add_bias.slip(
    "the user's bias is missing.",
    lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1) + movie_bias.squeeze(1),
)
add_bias.slip(
    "the film's bias is missing.",
    lambda u, m, user_bias, movie_bias: (u * m).sum(dim=1) + user_bias.squeeze(1),
)

# --- to_range ----------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([-9.0, 0.0, 9.0]), 1.0, 5.0),
        (real_numbers(4), 0.0, 5.5),
        (whole_numbers(3, seed=1), -1.0, 1.0),
        (torch.tensor([-1000.0, -100.0, 100.0, 1000.0]), 0.5, 5.0),
    ],
    gradients=["x"],
    why="The sigmoid gives a share between 0 and 1; the share is stretched to the width of the "
    "range and shifted to its lower end.",
)
def to_range(x: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.sigmoid(x)


to_range.slip(
    "you multiplied by high instead of by the width (high - low): the top is low + high.",
    lambda x, low, high: low + high * torch.sigmoid(x),
)
to_range.slip(
    "the range starts at 0 instead of low: add low.",
    lambda x, low, high: (high - low) * torch.sigmoid(x),
)
to_range.slip(
    "you cut off at the ends. Then the gradient is 0 out there, and the model cannot find its "
    "way back; a sigmoid never becomes quite flat.",
    lambda x, low, high: x.clamp(low, high),
)
to_range.slip(
    "the range starts at 0 and ends at high: subtract low from high for the width, and add "
    "low.",
    lambda x, low, high: high * torch.sigmoid(x),
)
to_range.slip(
    "brackets are missing: high - low must be multiplied as a whole.",
    lambda x, low, high: low + high - low * torch.sigmoid(x),
)
to_range.slip(
    "you returned the share between 0 and 1; it is not stretched yet.",
    lambda x, low, high: torch.sigmoid(x),
)
to_range.slip(
    "at x = 100 the power e^x is more than a float can hold, and infinity divided by infinity "
    "is nan. torch.sigmoid takes care of that.",
    lambda x, low, high: low + (high - low) * x.exp() / (1 + x.exp()),
)
to_range.slip(
    "far out the result is right, but its gradient is not a number (nan): infinity came in on "
    "the way. torch.sigmoid takes care of that.",
    lambda x, low, high: low + (high - low) / (1 + (-x).exp()),
)

# --- shrink ------------------------------------------------------------------------------


@exercise(
    cases=lambda: [
        (torch.tensor([2.0, 20.0]), torch.tensor([2.0, 20.0]), 5.0),
        (torch.tensor([-3.0]), torch.tensor([1.0]), 3.0),
        (torch.tensor([4.5, 0.0]), torch.tensor([8.0, 0.0]), 0.5),
    ],
    why="With many ratings the strength hardly counts, and the result is the plain mean. With "
    "few, it stays near 0, as the bias of a film does that few ratings have moved.",
)
def shrink(total: Tensor, count: Tensor, strength: float) -> Tensor:
    return total / (count + strength)


shrink.slip(
    "that is the plain mean: one lucky rating would put a film on top of the list.",
    lambda total, count, strength: total / count,
)
shrink.slip(
    "you added the strength to the top: that moves every film up. It belongs under the line "
    "only.",
    lambda total, count, strength: (total + strength) / (count + strength),
)
shrink.slip(
    "you divided the mean by the strength, so films with many ratings shrink as much as films "
    "with few.",
    lambda total, count, strength: total / count.clamp(min=1) / (1 + strength),
)
shrink.slip(
    "a film without a rating gives 0 / 0, which is not a number (nan). Add the strength to the "
    "count first, then divide once.",
    lambda total, count, strength: (total / count) * (count / (count + strength)),
)
shrink.slip(
    "// drops everything after the point: divide by /.",
    lambda total, count, strength: total // (count + strength),
)

# --- reading -----------------------------------------------------------------------------

ABOVE, BELOW = "above", "below"


@exercise(
    kind="predict",
    choices=(ABOVE, BELOW),
    why="The match of tastes takes what the raters' taste explains, their own biases take what "
    "their mood explains, and few ratings move a bias little. What is left is closer to what "
    "anybody would say.",
)
def reading() -> dict[str, str]:
    return {
        "seen by those whom it suits": BELOW,
        "seen by everybody": ABOVE,
        "rated by strict users": ABOVE,
        "rated four times, 5 stars each": BELOW,
    }


def _readings(suits: str, everybody: str, strict: str, few: str) -> dict[str, str]:
    return dict(zip(reading.reference(), (suits, everybody, strict, few), strict=True))


reading.slip(
    "turned round as a whole: the mean flatters a film whose raters were easy to please. What "
    "flattered it is taken out, so its bias lies lower.",
    lambda: _readings(ABOVE, BELOW, BELOW, ABOVE),
)
reading.slip(
    "the last one. Each bias starts at 0 and four ratings are few steps, so it stays near 0: "
    "lower than four times 5 stars would say.",
    lambda: _readings(BELOW, ABOVE, ABOVE, ABOVE),
)
reading.slip(
    "the strict users. Their own biases are low and already explain low ratings; the film is "
    "not blamed for them.",
    lambda: _readings(BELOW, ABOVE, BELOW, BELOW),
)
reading.slip(
    "the film that everybody saw. Most films were chosen by people whom they suit, and so "
    "flattered by their means; this one was not, and stands higher beside them.",
    lambda: _readings(BELOW, BELOW, ABOVE, BELOW),
)
reading.slip(
    "the film that was seen by those whom it suits. The match explains their praise, so less "
    "of it is left for the bias.",
    lambda: _readings(ABOVE, ABOVE, ABOVE, BELOW),
)

# --- newcomers ---------------------------------------------------------------------------

CAUSES = ("pull too strong", "pull too weak", "range ends at 5", "films too much alike")


@exercise(
    kind="diagnose",
    choices=CAUSES,
    why="Ten ratings are little for 41 unknowns. The pull says what to believe where they say "
    "nothing, and the films that are asked decide how much they say.",
)
def newcomers() -> dict[str, str]:
    return dict(zip("ABCD", (CAUSES[1], CAUSES[2], CAUSES[0], CAUSES[3]), strict=True))


def _causes(*order: int) -> dict[str, str]:
    return dict(zip("ABCD", (CAUSES[one] for one in order), strict=True))


newcomers.slip(
    "too strong and too weak are swapped. A strong pull lets nobody leave the average user; a "
    "weak one lets ten ratings bend all 41 numbers.",
    lambda: _causes(0, 2, 1, 3),
)
newcomers.slip(
    "C and D. In D the ten films did change the list, but only for films of their kind; in C "
    "nothing changed anything.",
    lambda: _causes(1, 2, 3, 0),
)
newcomers.slip(
    "A and D. In A her ten ratings themselves came out exact, to a hundredth; in D the list is "
    "good, but for one kind of film only.",
    lambda: _causes(3, 2, 0, 1),
)
newcomers.slip(
    "B and C. In B one rating had no score at all; in C each had one, and none counted.",
    lambda: _causes(1, 0, 2, 3),
)
newcomers.slip(
    "B and D. In B one rating had no score at all; in D ten good scores are about one kind of "
    "film only.",
    lambda: _causes(1, 3, 0, 2),
)
newcomers.slip(
    "A and B. In A all numbers exist, they are only wild. In B one rating had no score at all.",
    lambda: _causes(2, 1, 0, 3),
)

# --- squared_distance --------------------------------------------------------------------


def _every_pair(split: Any, x: Tensor, y: Tensor) -> Tensor:
    """Bias + bias + dot product for every pair of places, so that each part must belong to its
    own place."""
    wanted = "four things: bias of x [n], bias of y [n], factors of x [n, d], of y [n, d]"
    bias_x, bias_y, factors_x, factors_y = matrices(split(x, y), 4, wanted)
    for bias in (bias_x, bias_y):
        if bias.numel() != len(x):
            raise WrongForm(
                "the two biases come first, then the two factors; a bias is one number for "
                f"each place, not {list(bias.shape)}"
            )
    return bias_x.view(-1, 1) + bias_y.view(1, -1) + factors_x @ factors_y.T


def _square(x: Tensor) -> Tensor:
    return (x**2).sum(dim=1)


@exercise(
    cases=lambda: [
        (whole_numbers(2, 2), whole_numbers(2, 2, seed=1)),
        (torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])),
        (real_numbers(3, 5), real_numbers(3, 5, seed=3)),
    ],
    gradients=True,
    through=_every_pair,
    why="|x − y|² = |x|² + |y|² − 2 x·y: a bias for each place and one dot product. So the "
    "model that recommends films can also draw a map.",
)
def squared_distance(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _square(x), _square(y), -2 * x, y


squared_distance.slip(
    "the sign of the dot product is wrong: that is |x + y|².",
    lambda x, y: (_square(x), _square(y), 2 * x, y),
)
squared_distance.slip("the 2 is missing.", lambda x, y: (_square(x), _square(y), -x, y))
squared_distance.slip(
    "both sides got the −2, so the dot product has +4.",
    lambda x, y: (_square(x), _square(y), -2 * x, -2 * y),
)
squared_distance.slip(
    "the biases are lengths; they must be squared lengths.",
    lambda x, y: (x.norm(dim=1), y.norm(dim=1), -2 * x, y),
)

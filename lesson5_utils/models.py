"""Every model of the course, as a `torch.nn.Module`.

The rating models take two int64 tensors of codes, `user` [n] and `movie` [n], and return
predicted ratings, float32 [n]. The digit models take float32 rows [n, 784] and return scores
[n, 10], one for each class.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils.errors import ArgumentError

__all__ = [
    "DotProduct",
    "DotProductBias",
    "EmbeddingNet",
    "LogisticRegression",
    "TwoLayerNet",
    "scale_to_range",
]

INIT_STD = 0.01  # small and random: nearly no opinion at first, and no two factors alike
NET_STD = 0.1  # a net multiplies its inputs by small weights again: from 0.01 it starts slowly

Range = tuple[float, float] | None


def scale_to_range(x: Tensor, y_range: Range) -> Tensor:
    """Squeeze any number into `(low, high)` with a sigmoid; `None` leaves `x` as it is.

    The sigmoid never reaches its ends, so a range that ends at the best rating can never
    predict it: give a little more room, such as (0, 5.5) for ratings up to 5.
    """
    if y_range is None:
        return x
    low, high = y_range
    return low + (high - low) * torch.sigmoid(x)


def _checked_range(y_range: Range) -> Range:
    if y_range is None:
        return None
    low, high = y_range
    if not low < high:
        raise ArgumentError(f"y_range must be (low, high) with low < high, not {y_range}")
    return float(low), float(high)


def _table(n_rows: int, width: int, std: float = INIT_STD) -> nn.Embedding:
    """A lookup table [n_rows, width] of small random numbers."""
    if n_rows < 1 or width < 1:
        raise ArgumentError(
            f"a table needs at least one row and one column, not {n_rows} × {width}"
        )
    table = nn.Embedding(n_rows, width)
    nn.init.normal_(table.weight, std=std)
    return table


class DotProduct(nn.Module):
    """Rating = dot product of a user's and a film's factors (matrix factorisation).

    Args:
        n_users, n_movies: sizes of the two vocabularies.
        n_factors: numbers that describe each user and each film.
        y_range: (low, high) of the predictions, by a scaled sigmoid; `None` for no limit.

    Source: Koren, Bell and Volinsky (2009), doi:10.1109/MC.2009.263.
    """

    def __init__(
        self, n_users: int, n_movies: int, n_factors: int = 40, y_range: Range = (0, 5.5)
    ) -> None:
        super().__init__()
        self.y_range = _checked_range(y_range)
        self.user_factors = _table(n_users, n_factors)
        self.movie_factors = _table(n_movies, n_factors)

    def forward(self, user: Tensor, movie: Tensor) -> Tensor:
        """Predicted ratings [n] for codes `user` [n] and `movie` [n]."""
        match = (self.user_factors(user) * self.movie_factors(movie)).sum(dim=1)
        return scale_to_range(match, self.y_range)


class DotProductBias(DotProduct):
    """`DotProduct` plus one number per user and one per film (the lecture's EmbeddingDotBias).

    The biases say what no match of tastes explains: a generous user, a film loved by all.
    Arguments as in `DotProduct`.
    """

    def __init__(
        self, n_users: int, n_movies: int, n_factors: int = 40, y_range: Range = (0, 5.5)
    ) -> None:
        super().__init__(n_users, n_movies, n_factors, y_range)
        self.user_bias = _table(n_users, 1)
        self.movie_bias = _table(n_movies, 1)

    def forward(self, user: Tensor, movie: Tensor) -> Tensor:
        """Predicted ratings [n] for codes `user` [n] and `movie` [n]."""
        match = (self.user_factors(user) * self.movie_factors(movie)).sum(dim=1)
        bias = (self.user_bias(user) + self.movie_bias(movie)).squeeze(1)
        return scale_to_range(match + bias, self.y_range)


class EmbeddingNet(nn.Module):
    """Concatenated embeddings through a small neural net.

    Nothing forces users and films to have factors of the same width here, because no dot
    product is taken.

    Args:
        n_users, n_movies: sizes of the two vocabularies.
        n_factors: width of both tables, or a pair (user width, film width).
        y_range: as in `DotProduct`.
        n_hidden: width of each hidden layer, in order.
        dropout: share of the factors set to zero at random while training.
    """

    def __init__(
        self,
        n_users: int,
        n_movies: int,
        n_factors: int | tuple[int, int] = 40,
        y_range: Range = (0, 5.5),
        n_hidden: tuple[int, ...] = (100, 50),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.y_range = _checked_range(y_range)
        if not 0 <= dropout < 1:
            raise ArgumentError(f"dropout must lie in [0, 1), not {dropout}")
        user_width, movie_width = (
            (n_factors, n_factors) if isinstance(n_factors, int) else n_factors
        )
        self.user_factors = _table(n_users, user_width, NET_STD)
        self.movie_factors = _table(n_movies, movie_width, NET_STD)
        widths = [user_width + movie_width, *n_hidden]
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, user: Tensor, movie: Tensor) -> Tensor:
        """Predicted ratings [n] for codes `user` [n] and `movie` [n]."""
        factors = torch.cat([self.user_factors(user), self.movie_factors(movie)], dim=1)
        return scale_to_range(self.layers(factors).squeeze(1), self.y_range)


class LogisticRegression(nn.Module):
    """One affine layer: a score for each class. The softmax is left to the loss.

    Args:
        n_in: numbers in a row of input (the pixels).
        n_out: classes.
    """

    def __init__(self, n_in: int = 784, n_out: int = 10) -> None:
        super().__init__()
        self.linear = nn.Linear(n_in, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [n, n_out] for rows `x` [n, n_in]."""
        return self.linear(x)


class TwoLayerNet(nn.Module):
    """Two affine layers with a ReLU between them. The softmax is left to the loss.

    Args:
        n_in: numbers in a row of input (the pixels).
        n_hidden: activations between the layers.
        n_out: classes.
    """

    def __init__(self, n_in: int = 784, n_hidden: int = 50, n_out: int = 10) -> None:
        super().__init__()
        self.first = nn.Linear(n_in, n_hidden)
        self.second = nn.Linear(n_hidden, n_out)

    def forward(self, x: Tensor) -> Tensor:
        """Scores [n, n_out] for rows `x` [n, n_in]."""
        return self.second(F.relu(self.first(x)))

"""Every model of the course, as a `torch.nn.Module`.

The rating models take two int64 tensors of codes, `user` [n] and `movie` [n], and return
predicted ratings, float32 [n]. The digit models take float32 rows [n, 784] and return scores
[n, 10], one for each class. `TabularNet` takes any columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError

__all__ = [
    "ConvNet",
    "DotProduct",
    "DotProductBias",
    "EmbeddingNet",
    "LogisticRegression",
    "TabularNet",
    "TwoLayerNet",
    "embedding_width",
    "scale_to_range",
]

INIT_STD = 0.01  # small and random: nearly no opinion at first, and no two factors alike
NET_STD = 0.1  # a net multiplies its inputs by small weights again: from 0.01 it starts slowly

Range = tuple[float, float] | None


def scale_to_range(x: Tensor, y_range: Range) -> Tensor:
    """Squeeze any number into `(low, high)` with a sigmoid; `None` leaves `x` as it is.

    The sigmoid never reaches its ends, so a range that ends at the best rating can never
    predict it: give a little more room, such as (0, 5.5) for ratings up to 5.

    Raises:
        ArgumentError: a range that is not two finite numbers, the lower one first.
    """
    if y_range is None:
        return x
    low, high = _ends(y_range)
    return low + (high - low) * torch.sigmoid(x)


def _checked_range(y_range: Range) -> Range:
    return None if y_range is None else _ends(y_range)


def _ends(y_range: tuple[float, float]) -> tuple[float, float]:
    if not isinstance(y_range, Sequence) or len(y_range) != 2:
        raise ArgumentError(f"y_range must be (low, high), not {y_range!r}")
    low = arguments.number("the low end of y_range", y_range[0])
    return low, arguments.number("the high end of y_range", y_range[1], above=low)


def _table(n_rows: int, width: int, std: float = INIT_STD) -> nn.Embedding:
    """A lookup table [n_rows, width] of small random numbers."""
    table = nn.Embedding(
        arguments.whole("the number of rows of a table", n_rows),
        arguments.whole("the width of a table", width),
    )
    nn.init.normal_(table.weight, std=std)
    return table


def _sizes(name: str, sizes: Sequence[int], count: int | None = None) -> list[int]:
    """Sizes of layers, `count` of them, as plain numbers."""
    if not isinstance(sizes, Sequence) or count not in (None, len(sizes)):
        raise ArgumentError(f"{name} must be {count or 'several'} sizes, not {sizes!r}")
    return [arguments.whole(f"a size in {name}", size) for size in sizes]


def _dropout(dropout: float) -> nn.Dropout:
    return nn.Dropout(arguments.number("dropout", dropout, least=0, below=1))


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

    def groups(self) -> list[list[nn.Module]]:
        """One layer group (`layers.layer_groups`): all tables lie side by side, none deeper."""
        return [[self]]


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
        pair = n_factors if isinstance(n_factors, tuple) else (n_factors, n_factors)
        user_width, movie_width = _sizes("n_factors", pair, 2)
        self.user_factors = _table(n_users, user_width, NET_STD)
        self.movie_factors = _table(n_movies, movie_width, NET_STD)
        widths = [user_width + movie_width, *_sizes("n_hidden", n_hidden)]
        layers: list[nn.Module] = [_dropout(dropout)]
        for n_in, n_out in pairwise(widths):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, user: Tensor, movie: Tensor) -> Tensor:
        """Predicted ratings [n] for codes `user` [n] and `movie` [n]."""
        factors = torch.cat([self.user_factors(user), self.movie_factors(movie)], dim=1)
        return scale_to_range(self.layers(factors).squeeze(1), self.y_range)

    def groups(self) -> list[list[nn.Module]]:
        """Two layer groups: both tables, and the net above them."""
        return [[self.user_factors, self.movie_factors], [self.layers]]


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


class ConvNet(nn.Module):
    """A small convolutional net, without batch norm: its layers see one picture at a time.

    Its three children are its layer groups (`layers.layer_groups`): `early` finds strokes,
    `late` puts them together, `head` turns what was found into scores. The head averages each
    channel over the four quarters of the picture, so any size of picture will do.

    Args:
        n_out: classes.
        n_channels: filters of the three convolutions, in order; each halves height and width.

    Raises:
        ArgumentError: (when called) anything but rows of square pictures.
    """

    def __init__(self, n_out: int = 10, n_channels: tuple[int, int, int] = (8, 16, 32)) -> None:
        super().__init__()
        n_out = arguments.whole("n_out", n_out)
        first, second, third = _sizes("n_channels", n_channels, 3)
        self.early = nn.Sequential(nn.Conv2d(1, first, 5, stride=2, padding=2), nn.ReLU())
        self.late = nn.Sequential(
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, third, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * third, n_out)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Scores [n, n_out] for pictures as rows `x` [n, side · side]; 784 is 28 · 28."""
        side = _side(x)
        return self.head(self.late(self.early(x.view(-1, 1, side, side))))


def _side(x: Tensor) -> int:
    """The side of the square pictures whose rows these are."""
    if x.ndim != 2:
        raise ArgumentError(
            f"give pictures as rows [n, pixels], not {list(x.shape)}: x.flatten(1) does it"
        )
    side = math.isqrt(x.shape[1])
    if side * side != x.shape[1]:
        raise ArgumentError(f"rows of {x.shape[1]} pixels are no square pictures")
    return side


def embedding_width(n_categories: int) -> int:
    """How wide to make an embedding: fastai's rule of thumb, 1.6 · n^0.56, at most 600."""
    n_categories = arguments.whole("the number of categories", n_categories)
    return min(600, round(1.6 * n_categories**0.56))


class TabularNet(nn.Module):
    """Columns of any kind into one net: an embedding for each categorical column, next to the
    continuous columns, through linear layers.

    Args:
        n_categories: for each categorical column, how many categories it has.
        n_cont: number of continuous columns; scale them to mean 0 and variance 1 first.
        widths: of the embeddings; None means `embedding_width` of each.
        y_range: (low, high) of the predictions, by a scaled sigmoid; `None` for no limit.
        n_hidden: width of each hidden layer, in order.
        n_out: numbers predicted for a row.
        dropout: share of the embeddings and of each hidden layer set to zero at random while
            training.
        batch_norm: normalise each hidden layer over the batch, before its ReLU.
        cont_layer: width of a layer of the continuous columns' own; 0: they join as they are.

    Source: Guo and Berkhahn (2016), arXiv:1604.06737.
    """

    def __init__(
        self,
        n_categories: Sequence[int],
        n_cont: int = 0,
        *,
        widths: Sequence[int] | None = None,
        y_range: Range = None,
        n_hidden: tuple[int, ...] = (100, 50),
        n_out: int = 1,
        dropout: float = 0.0,
        batch_norm: bool = False,
        cont_layer: int = 0,
    ) -> None:
        super().__init__()
        self.y_range = _checked_range(y_range)
        self.n_cont = arguments.whole("n_cont", n_cont, least=0)
        if widths is None:
            widths = [embedding_width(n) for n in n_categories]
        if len(widths) != len(n_categories):
            raise ArgumentError(f"{len(widths)} widths do not fit {len(n_categories)} columns")
        if sum(widths) + self.n_cont < 1:
            raise ArgumentError("a net needs at least one column, categorical or continuous")
        self.embeddings = nn.ModuleList(
            _table(n, width, NET_STD) for n, width in zip(n_categories, widths, strict=True)
        )
        self.dropout = _dropout(dropout)
        own = arguments.whole("cont_layer", cont_layer, least=0) if self.n_cont else 0
        self.cont = nn.Sequential(*([nn.Linear(n_cont, own), nn.ReLU()] if own else []))
        sizes = [sum(widths) + (own or self.n_cont), *_sizes("n_hidden", n_hidden)]
        layers: list[nn.Module] = []
        for n_in, n_next in pairwise(sizes):
            norm = [nn.BatchNorm1d(n_next)] if batch_norm else []
            layers += [nn.Linear(n_in, n_next), *norm, nn.ReLU(), nn.Dropout(dropout)]
        n_out = arguments.whole("n_out", n_out)
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], n_out))

    def forward(self, cat: Tensor, cont: Tensor) -> Tensor:
        """Predictions [n] (or [n, n_out], if more than one) for codes `cat` [n, columns],
        int64, and numbers `cont` [n, n_cont]; without columns of a kind, [n, 0].

        Raises:
            ArgumentError: another number of columns than the net was made for.
        """
        self._check_columns(cat, cont)
        parts = [table(cat[:, i]) for i, table in enumerate(self.embeddings)]
        factors = self.dropout(torch.cat(parts, dim=1)) if parts else cont[:, :0]
        out = self.layers(torch.cat([factors, self.cont(cont)], dim=1))
        return scale_to_range(out.squeeze(1) if out.shape[1] == 1 else out, self.y_range)

    def _check_columns(self, cat: Tensor, cont: Tensor) -> None:
        if cat.ndim != 2 or cont.ndim != 2:
            raise ArgumentError(
                "give columns as [n, columns], one column as x[:, None], not cat "
                f"{list(cat.shape)} and cont {list(cont.shape)}"
            )
        given, wanted = (cat.shape[1], cont.shape[1]), (len(self.embeddings), self.n_cont)
        if given != wanted:
            raise ArgumentError(
                "the net was made for {} categorical and {} continuous columns, not for {} and "
                "{}".format(*wanted, *given)
            )

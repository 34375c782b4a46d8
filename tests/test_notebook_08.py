"""Notebook 08: its loss equals torch's; its pictures, labels and negatives are what it says.

The functions are taken from the notebook's own cells. "Equal" is a relative 1e-6 in float64;
the absolute 1e-12 lets results differ that are 0 but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torch import Tensor

from lesson5_utils.book.index import namespace

HUGE = 1e4
TIED = np.array([[HUGE, HUGE, -HUGE], [0, 0, 0], [-HUGE, -HUGE, -HUGE], [-HUGE, 0, HUGE]])
BY_HAND = namespace("08", "imports", "answer-bce", "bce")

one_score = st.floats(-HUGE, HUGE) | st.sampled_from([-HUGE, -30.0, 0.0, 30.0, HUGE])
any_scores = arrays(
    np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6), elements=one_score
)
seeds = st.integers(0, 2**31)


def equal(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12)


def value_and_gradient(
    function: Callable[..., Tensor], scores: Tensor, *rest: Tensor, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """The result, and the gradient of its sum with random weights."""
    leaf = scores.clone().requires_grad_()
    result = function(leaf, *rest)
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(result.shape, generator=generator, dtype=result.dtype)
    (gradient,) = torch.autograd.grad((result * weights).sum(), leaf)
    return result.detach(), gradient


@given(scores=any_scores, seed=seeds)
@example(scores=TIED, seed=0)
def test_binary_cross_entropy_is_torchs(scores: np.ndarray, seed: int) -> None:
    z = torch.from_numpy(scores)
    generator = torch.Generator().manual_seed(seed)
    targets = torch.randint(2, z.shape, generator=generator).double()
    ours = value_and_gradient(BY_HAND["bce"], z, targets, seed=seed)
    reference = F.binary_cross_entropy_with_logits
    for one, other in zip(
        ours, value_and_gradient(reference, z, targets, seed=seed), strict=True
    ):
        equal(one, other)


def test_pictures_of_two_places_show_what_their_labels_say() -> None:
    names = namespace("08", "imports", "pairs")
    y = torch.arange(10)
    x = torch.ones(10, 784) * (y[:, None] + 1)  # a digit can be read off its grey value
    pictures, targets = names["make_pairs"](x, y, 400, 0)
    assert pictures.shape == (400, 28 * 56) and targets.shape == (400, 10)
    for picture, target in zip(pictures.view(-1, 28, 56), targets, strict=True):
        halves = {int(half.max()) - 1 for half in picture.split(28, dim=1)} - {-1}
        assert set(target.nonzero().flatten().tolist()) == halves
    assert set(targets.sum(dim=1).tolist()) == {0, 1, 2}
    share = (pictures.view(-1, 28, 2, 28).amax(dim=(1, 3)) > 0).float().mean()
    assert abs(share - 0.75) < 0.05


def test_sampled_negatives_are_films_that_their_user_has_not_rated() -> None:
    names = namespace("08", "imports", "like-data", "negatives")
    likes, known = names["likes"], names["seen"](names["rated"])
    user, movie, target = names["with_negatives"](likes, known, 3)
    n = len(likes)
    assert target.tolist() == [1.0] * n + [0.0] * n
    assert torch.equal(user[:n], likes.user) and torch.equal(user[n:], likes.user)
    assert torch.equal(movie[:n], likes.movie)
    assert not known[user[n:], movie[n:]].any()
    again = names["with_negatives"](likes, known, 3)
    assert torch.equal(movie, again[1])
    assert not torch.equal(movie, names["with_negatives"](likes, known, 4)[1])

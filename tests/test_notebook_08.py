"""Notebook 08: its loss equals torch's; its pictures, measures and tables are what it says.

The functions are taken from the notebook's own cells. "Equal" is a relative 1e-6 in float64;
the absolute 1e-12 lets results differ that are 0 but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.metrics import roc_auc_score
from torch import Tensor

from lesson5_utils import datasets
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


def test_the_picture_at_the_top_has_a_wrong_label_between_two_right_ones() -> None:
    names = namespace("08", "imports", "pairs", "labels-train")
    p, true = names["secret_p"], names["valid_pairs"][1] == 1
    row = names["doubtful"](p, true)
    order = p[row].argsort(descending=True)[:3].tolist()
    assert [bool(true[row, k]) for k in order] == [True, False, True]
    assert order == [7, 9, 8], "as the first screen says"
    first, wrong, second = p[row][order].tolist()
    assert second < 0.5 < wrong < first < 0.9, "no threshold names the two, and the 9 not"


def test_two_shares_of_one_whole_are_never_both_over_one_half() -> None:
    shares = torch.rand(200, 10, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    assert ((shares > 0.5).sum(dim=1) <= 1).all()


NAMES = namespace("08", "imports", "answer-bce", "bce", "answer-negatives", "like-data")
LIKES = namespace("08", "with-negatives", "opponents", "auc", "judge", into=NAMES)


def test_negatives_are_films_that_their_user_is_not_known_to_like() -> None:
    likes, liked = LIKES["likes"], LIKES["liked"]
    user, movie, is_like = LIKES["with_negatives"](likes, liked, 3)
    n = len(likes)
    assert is_like.tolist() == [True] * n + [False] * n
    assert torch.equal(user[:n], likes.user) and torch.equal(user[n:], likes.user)
    assert torch.equal(movie[:n], likes.movie)
    assert liked[user[:n], movie[:n]].all() and not liked[user[n:], movie[n:]].any()
    assert torch.equal(movie, LIKES["with_negatives"](likes, liked, 3)[1])
    assert not torch.equal(movie, LIKES["with_negatives"](likes, liked, 4)[1])


def test_auc_is_sklearns_for_each_user() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(5, (4, 30), generator=generator).float()  # with ties
    kind = torch.randint(3, (4, 30), generator=generator)
    kind[3] = 1  # a user with nothing to compare with
    theirs = [
        (roc_auc_score(row[which > 0] == 2, score[which > 0]), int((row == 2).sum()))
        for row, which, score in zip(kind[:3], kind[:3], scores[:3], strict=True)
    ]
    values, weights = zip(*theirs, strict=True)
    ours = LIKES["auc"](scores, kind == 2, kind == 1)
    assert ours == pytest.approx(np.average(values, weights=weights), rel=1e-5)


def test_the_first_ten_leave_out_what_was_rated_for_training() -> None:
    scores, seen = LIKES["popularity"], LIKES["seen"]
    ten = LIKES["top_ten"](scores, ~seen)
    assert not seen.gather(1, ten).any() and ten.shape == (len(seen), 10)
    perfect = LIKES["judge"](LIKES["wanted"].float())
    assert perfect["AUC"] == 1 and perfect["recall@10"] > 0.99
    many = LIKES["wanted"].sum(dim=1)
    best = (many[many > 0].clamp(max=10) / 10).float().mean()
    assert perfect["precision@10"] == pytest.approx(best.item(), rel=1e-5)


def test_neighbours_are_cosines_between_films() -> None:
    liked = torch.tensor([[1, 1, 0], [0, 1, 1], [0, 1, 0]]).bool()
    scores = LIKES["neighbours"](liked)
    alike = 1 / 3**0.5  # one user of one, and of three
    expected = [[alike, alike, alike], [alike, alike, alike], [alike, 0, alike]]
    assert torch.allclose(scores, torch.tensor(expected))


def table(name: str) -> pd.DataFrame:
    return datasets.measured(name)


@pytest.mark.parametrize("data", ["sample", "mnist"])
def test_what_is_said_of_thresholds(data: str) -> None:
    runs = table("labels_thresholds")
    runs = runs[runs["data"] == data].set_index("arm")
    ours, soft = runs.loc["sigmoid"], runs.loc["softmax"]
    assert len(ours) == len(soft) == 8
    assert (ours["own_valid"] > ours["one_valid"]).all()
    assert abs(ours["own_test"] - ours["one_test"]).mean() < 0.01
    assert abs(ours["one_test"] - ours["half_test"]).mean() < 0.01
    lead = ours["one_test"].to_numpy() - soft["one_test"].to_numpy()
    assert (lead > 0).all() and (soft["half_test"] < 0.7).all()


def test_ten_thresholds_win_on_test_for_two_nets_of_eight() -> None:
    runs = table("labels_thresholds").query("data == 'sample' and arm == 'sigmoid'")
    assert (runs["own_test"] > runs["one_test"]).sum() == 2


def test_what_is_said_of_costs() -> None:
    means = table("labels_costs").query("data == 'sample'").groupby(["who", "epochs"])
    paid = means[["formula", "searched", "half"]].mean()
    short, long = (paid.xs(epochs, level="epochs") for epochs in (3, 20))
    assert (abs(short["formula"] / short["searched"] - 1) < 0.04).all()
    assert short.loc["bank", "half"] > 2 * short.loc["bank", "formula"]
    assert long.loc["bank", "formula"] > 1.3 * long.loc["bank", "searched"]
    assert long.loc["game", "formula"] < short.loc["game", "formula"]
    bank = table("labels_costs").query("data == 'sample' and who == 'bank' and epochs == 20")
    assert (bank["searched"] < bank["formula"]).all()


@pytest.mark.parametrize("data", ["sample", "ml-100k"])
def test_what_is_said_of_likes(data: str) -> None:
    runs = table("likes").query("data == @data").set_index("split")
    arms = {arm: runs[runs["arm"] == arm] for arm in runs["arm"].unique()}
    model, near, popular = (arms[one] for one in ("model", "neighbours", "popularity"))
    assert len(model) == 5
    for measure in ("AUC", "precision@10", "recall@10"):
        assert (model[measure] > popular[measure]).all()
        assert (near[measure] > popular[measure]).all()
    assert abs(model["AUC"] - near["AUC"]).max() < 0.01
    assert abs(model["precision@10"] - near["precision@10"]).max() < 0.02
    assert (arms["EASE"]["precision@10"] > model["precision@10"]).all()
    assert (arms["rated"]["AUC"] < popular["AUC"]).all()
    assert (arms["rated"]["AUC rated"] > near["AUC rated"] + 0.02).all()


def test_what_is_said_of_films_that_nobody_rated() -> None:
    runs = table("likes").query("data == 'sample'").set_index("split")
    arms = {arm: runs.loc[runs["arm"] == arm, "unseen"] for arm in runs["arm"].unique()}
    lead = arms["neighbours"] - arms["model"]
    assert lead.between(0.035, 0.065).all()
    assert (arms["model"] > arms["popularity"] + 0.2).all()
    assert (arms["neighbours"] > arms["model, 4 negatives"] + 0.03).all()
    assert (arms["rated"] > 0.9).all()
    assert (arms["model"] - arms["seen"]).between(0.05, 0.09).all()


def test_the_base_rate_is_that_of_a_blind_draw() -> None:
    names = namespace("08", "like-truth", into=dict(LIKES))
    would_like, unseen = names["would_like"], names["unseen"]
    rated = ~unseen
    likes = (names["ratings"].rating >= 4).float().mean().item()
    assert would_like[rated].float().mean().item() == pytest.approx(likes, abs=0.001)
    assert would_like.float().mean().item() == pytest.approx(0.345, abs=0.005)
    assert would_like[unseen].float().mean().item() == pytest.approx(0.30, abs=0.005)

"""Notebook 09: what its own functions promise, and what its table must hold."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from lesson5_utils import datasets, entries, layers, models
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import fine_tuning as check


@cache
def cells(*names: str) -> dict[str, Any]:
    """What these cells of the notebook define, with a body that nobody has trained."""
    found: dict[str, Any] = namespace("09", "imports", "tasks")
    torch.manual_seed(7)
    found["pretrained"] = models.ConvNet(20, n_channels=(16, 32, 64))
    return namespace("09", *names, into=found)


# --- pictures -----------------------------------------------------------------------------


def test_pool_and_test_are_all_new_training_digits_and_share_none() -> None:
    names = cells()
    _, y = names["digits"].train
    assert len(names["pool"][1]) == 750 and len(names["test"][1]) == 1250
    assert len(names["pool"][1]) + len(names["test"][1]) == int((y >= 5).sum())
    assert torch.cdist(names["pool"][0], names["test"][0]).min() > 0.5
    assert names["old"][1].max() == names["test"][1].max() == 4


@settings(deadline=None)  # the first call reads the digits
@given(st.integers(1, 12), st.integers(0, 50))
def test_the_labelled_set_has_n_of_each_new_digit_and_depends_on_the_seed(
    n: int, seed: int
) -> None:
    names = cells("answer-new-task", "labelled")
    x, y = names["labelled"](n, seed)
    assert x.shape == (5 * n, 784) and y.bincount().tolist() == [n] * 5
    assert torch.equal(names["labelled"](n, seed)[0], x)
    assert not torch.equal(names["labelled"](n, seed + 1)[0], x)
    assert torch.cdist(x, names["pool"][0]).min(dim=1).values.max() < 0.05


def test_versions_are_the_pictures_and_nine_moved_copies() -> None:
    names = cells("answer-new-task", "labelled", "answer-shift", "versions")
    x, y = names["versions"](2, seed=3)
    plain, labels = names["labelled"](2, 3)
    assert x.shape == (100, 784) and torch.equal(y, labels.repeat(10))
    assert torch.equal(x[:10], plain) and (x.sum(1) <= plain.sum(1).repeat(10) + 1e-3).all()
    again, _ = names["versions"](2, seed=3)
    assert torch.equal(again, x)


def test_a_channel_sees_the_patch_that_is_cut_out_for_it() -> None:
    """Only inside the patch does a changed pixel change the answer."""
    strongest = cells("strongest")["strongest"]
    torch.manual_seed(0)
    net, pictures = models.ConvNet(5, (3, 4, 5)), torch.rand(12, 1, 28, 28)
    with torch.no_grad():
        answers = net.late[:2](net.early(pictures))
        patches, level = strongest(answers, pictures, 2, 9)
        best, place = answers[:, 2].flatten(1).max(dim=1)
        top = best.topk(9).indices
        assert patches.shape == (9, 9, 9) and level == pytest.approx(best[top].mean().item())
        for number, which in enumerate(top.tolist()):
            row, col = divmod(int(place[which]), 7)
            framed = F.pad(pictures[which, 0], (4, 4, 4, 4))
            seen = framed[4 * row : 4 * row + 9, 4 * col : 4 * col + 9]
            assert torch.equal(patches[number], seen)
            other = torch.rand(36, 36)
            other[4 * row : 4 * row + 9, 4 * col : 4 * col + 9] = seen
            inside = other[4:-4, 4:-4]
            if 0 < row < 6 and 0 < col < 6:
                again = net.late[:2](net.early(inside[None, None]))[0, 2, row, col]
                assert again == pytest.approx(best[which].item(), abs=1e-5)


def test_a_search_finds_the_near_ones_and_never_the_picture_itself() -> None:
    search = cells("search")["search"]
    torch.manual_seed(0)
    centres = 10 * torch.randn(4, 30)
    library = centres.repeat(12, 1) + 0.1 * torch.randn(48, 30)
    hits = search(library, library + 0.01)
    assert hits.shape == (48, 5)
    assert (hits % 4 == torch.arange(48)[:, None] % 4).all()
    assert (hits != torch.arange(48)[:, None]).all()


def test_class_maps_are_the_gradient_weighted_channels_of_one_picture() -> None:
    torch.manual_seed(0)
    model, x = models.ConvNet(5, n_channels=(3, 4, 5)), torch.rand(3, 784)
    class_maps = cells("answer-class-map", "class-map-function")["class_maps"]
    maps, chosen = class_maps(model, x)
    assert maps.shape == (3, 7, 7) and (maps >= 0).all()
    assert torch.equal(chosen, model(x).argmax(1))
    alone, _ = class_maps(model, x[1:2])
    np.testing.assert_allclose(alone[0], maps[1], atol=1e-6)
    seen = model.late[:2](model.early(x[1].view(1, 1, 28, 28))).detach()
    base = model.head(model.late[2:](seen))[0, chosen[1]]
    weights = torch.zeros(4)
    for channel in range(4):  # nudge and divide: the mean gradient of a channel
        nudged = seen.clone()
        nudged[0, channel] += 1e-3
        score = model.head(model.late[2:](nudged))[0, chosen[1]]
        weights[channel] = (score - base) / 1e-3 / 49
    expected = (weights[:, None, None] * seen[0]).sum(0).relu()
    np.testing.assert_allclose(maps[1], expected.detach(), atol=2e-3)


# --- arms ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arm", "body_learns", "from_trained"),
    [
        ("scratch", True, False),
        ("random body", False, False),
        ("frozen", False, True),
        ("flat", True, True),
        ("discriminative", True, True),
        ("recipe", False, True),
    ],
)
def test_an_arm_starts_from_the_body_that_it_says_and_lets_it_learn_or_not(
    arm: str, body_learns: bool, from_trained: bool
) -> None:
    names = cells("answer-new-task", "labelled", "start")
    net = names["start"](arm, 0, names["pretrained"])
    first, *_, last = layers.layer_groups(net)
    assert all(p.requires_grad for p in last) and first[0].requires_grad == body_learns
    assert torch.equal(net.early[0].weight, names["pretrained"].early[0].weight) == from_trained
    assert net.head[-1].out_features == 5
    same = names["start"](arm, 0, names["pretrained"])
    assert torch.equal(net.head[-1].weight, same.head[-1].weight)


@pytest.mark.parametrize("n", [1, 10])
def test_every_arm_takes_the_steps_that_it_is_given(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = cells("answer-new-task", "labelled", "start", "learn")
    taken: list[tuple[int, Any]] = []

    def fit(net: Any, data: Any, watched: Any, epochs: int, lr: Any, **plan: Any) -> None:
        taken.append((epochs * -(-len(data[1]) // plan["batch_size"]), lr))

    monkeypatch.setattr(names["training"], "fit", fit)
    for arm in ("scratch", "frozen", "flat", "discriminative", "recipe"):
        taken.clear()
        names["learn"](arm, names["labelled"](n, 0), 0, 0.05, names["pretrained"])
        assert sum(steps for steps, _ in taken) == 400
        rates = [lr for _, lr in taken]
        if arm == "recipe":
            assert rates == [0.05, slice(0.05 / 500, 0.05 / 5)]
        else:
            assert rates == [slice(0.05 / 100, 0.05) if arm == "discriminative" else 0.05]


# --- the table ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runs() -> pd.DataFrame:
    return datasets.measured("fine_tuning")


def test_every_arm_of_the_race_has_run_with_the_same_seeds(runs: pd.DataFrame) -> None:
    race = runs[runs.part == "race"]
    table = race.pivot_table("accuracy", ["n", "seed"], "arm", aggfunc="count")
    assert set(table.columns) == {
        *("scratch", "frozen", "flat", "discriminative", "recipe"),
        *("random body", "logistic regression", "1-NN", "1-NN on the body"),
    }
    assert (table == 1).all(axis=None) and len(table) == 5 * 8
    assert set(race.n) == {1, 3, 10, 30, 100} and (race.steps == 400).all()


def test_a_rate_was_chosen_once_for_all_seeds_of_an_arm(runs: pd.DataFrame) -> None:
    keys = ["part", "case", "n", "arm", "steps"]
    assert (runs.groupby(keys, dropna=False).lr.nunique() == 1).all()
    assert runs.accuracy.between(0, 1).all() and not runs.duplicated([*keys, "seed"]).any()


def test_the_course_has_entries_on_both_sides_of_the_mark_of_the_challenge() -> None:
    measured = {goal.challenge: (goal, own) for goal, own in entries.goals().items()}
    goal, own = measured["fine_tuning.fifty"]
    assert goal.mark == 0.93 == check.fifty.mark and goal.percent
    assert {one.title for one in own} == set(check.fifty.own)
    assert [goal.reached(one.score) for one in own] == [False] * 5 + [True]

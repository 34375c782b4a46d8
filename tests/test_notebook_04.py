"""Notebook 04's own cells: what the pad asks of any reader, what a diagnosis mends, and that
the tables which it reads hold what it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from torch import nn

from lesson5_utils import datasets, models, widgets
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import mnist_sgd as check

HOOK = ("imports", "digits", "means", "reader")


@pytest.fixture(scope="module")
def cells() -> dict[str, Any]:
    names = namespace("04", *HOOK)
    names["my_accuracy"] = names["my_bugs"] = ...
    return namespace("04", "board", "broken", "makers", "train", "deep-net", into=names)


def test_the_nearest_mean_is_an_affine_function(cells: dict[str, Any]) -> None:
    namespace("04", "affine", into=cells)
    scores = cells["valid_x"] @ cells["weights"] + cells["biases"]
    apart = scores / 8 - cells["nearest_mean"](cells["valid_x"])
    assert (apart - apart[:, :1]).abs().max() < 1e-3, "apart by one number a row"


@pytest.mark.parametrize("make", [models.LogisticRegression, models.TwoLayerNet])
def test_what_the_pad_shows_beside_a_drawing(cells: dict[str, Any], make: Any) -> None:
    digit, model = cells["valid_x"][3], make()
    found = cells["shares"](model)(digit).detach()
    assert found.shape == (10,) and float(found.sum()) == pytest.approx(1)
    reasons = cells["why"](model)(digit)
    assert reasons.shape == (784,) and not reasons[digit == 0].any(), "where no ink is"
    assert all(p.grad is None for p in model.parameters()), "the model has not noticed"


def test_for_one_layer_the_reasons_are_weight_times_ink(cells: dict[str, Any]) -> None:
    digit, model = cells["valid_x"][0], models.LogisticRegression()
    weight = model.linear.weight.detach()
    best = int(model(digit[None]).argmax())
    expected = (weight[best] - weight.mean(dim=0)) * digit
    assert torch.allclose(cells["why"](model)(digit), expected, atol=1e-6)


def test_the_pad_takes_each_reader_of_the_notebook(cells: dict[str, Any]) -> None:
    shares, why = cells["shares"], cells["why"]
    pad = widgets.DrawingPad(shares(cells["nearest_mean"]), why(cells["nearest_mean"]))
    pad.strokes = datasets.load_drawings().strokes[0]
    assert pad.answer["bars"].index(max(pad.answer["bars"])) == 0, "a zero"
    w, b = torch.zeros(784, 10, requires_grad=True), torch.zeros(10, requires_grad=True)
    for read in (lambda x: x @ w + b, models.TwoLayerNet()):
        pad.scores, pad.why = shares(read), why(read)
        assert not pad.answer["problem"] and len(pad.answer["why"]) == 784


@pytest.mark.parametrize("who", ["Ana", "Bruno", "Carla", "Davi"])
def test_the_logs_are_those_of_the_bugs_that_the_check_expects(
    cells: dict[str, Any], who: str
) -> None:
    """The line named by the check, put back, mends the loop; any other does not."""
    lost = check.bugs.use(...)[who]
    model, step = models.LogisticRegression(), cells["broken_update"]
    xb, yb = cells["train_x"][:64], cells["train_y"][:64]
    start = [p.detach().clone() for p in model.parameters()]
    try:
        for _ in range(3):
            step(model, xb, yb, 0.1, lost)
        moved = any(
            not torch.equal(p, q) for p, q in zip(model.parameters(), start, strict=True)
        )
        adds_up = any(p.grad is not None and p.grad.any() for p in model.parameters())
        found = "zeroing" if moved and adds_up else "in place"
    except TypeError:
        found = "backward"
    except RuntimeError:
        found = "no_grad"
    assert found == lost
    mended = models.LogisticRegression()
    losses = [step(mended, xb, yb, 0.1, None) for _ in range(5)]
    assert losses == sorted(losses, reverse=True)


def test_the_tables_hold_every_rate_and_way_that_the_notebook_reads(
    cells: dict[str, Any],
) -> None:
    rebuilt, deep = datasets.measured("rebuilt"), datasets.measured("deep")
    for name in ("sample", "mnist"):
        part = rebuilt[rebuilt.data == name]
        assert {0.001, 0.01} <= set(part.lr) and set(part.adam) == {"kept", "rebuilt"}
        assert (part.groupby(["lr", "adam"]).size() == part.seed.nunique()).all()
        best = part[part.adam == "kept"].groupby("lr").accuracy.mean().idxmax()
        assert part.lr.min() < best < part.lr.max(), "the best rate is no edge of the grid"
        part = deep[deep.data == name]
        assert set(part.net) == set(cells["starts"]) and set(part.optimizer) == {"SGD", "Adam"}
        tops = part.groupby(["net", "optimizer", "lr"]).accuracy.mean()
        for (net, by), rates in tops.groupby(level=[0, 1]):
            if rates.max() > 0.5:  # what learns at all
                best = rates.idxmax()[2]
                grid = rates.index.get_level_values(2)
                assert grid.min() < best < grid.max(), (net, by, best)


def test_a_rebuilt_optimizer_forgets(cells: dict[str, Any]) -> None:
    cells["epochs"], train = 1, cells["train"]
    kept, rebuilt = (
        train(cells["deep_net"](nn.ReLU, True, 0), cells["adam"](0.01), rebuild=rebuild)
        for rebuild in (False, True)
    )
    pairs = zip(kept.parameters(), rebuilt.parameters(), strict=True)
    assert any(not torch.equal(p, q) for p, q in pairs)


def test_accuracy_is_shown_as_a_number_again_and_again() -> None:
    notebook = Path(__file__).resolve().parent.parent / "notebooks/04_mnist_sgd.ipynb"
    shown = [
        number
        for cell in nbformat.read(notebook, as_version=4).cells
        for output in cell.get("outputs", [])
        for number in re.findall(r"\d+\.\d %", str(output.get("text", "")))
    ]
    assert len(shown) >= 20

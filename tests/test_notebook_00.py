"""Notebook 00: the engine of four functions, the learner's own curve, and cells run again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nbformat
import pytest
import torch
from torch import Tensor

from lesson5_utils import plotting, widgets
from lesson5_utils.book import index
from lesson5_utils.book.index import namespace
from lesson5_utils.exercises import start_here as check

ENGINE = ("engine-forward", "engine-loss", "engine-backward", "engine-train", "trust")
CURVE = ("curve-points", "find", "find-figure", "place", "bet-find", "width-errors")


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn and not encoded; of what moves, the first and the last frame."""

    def first_and_last(draw: Any, frames: Any, alt: str, *_: Any, **options: Any) -> None:
        with plotting.figure(alt, cols=2) as axes:
            draw(axes[0], frames[0])
            draw(axes[1], frames[-1])

    monkeypatch.setattr("lesson5_utils.plotting.figures.show", lambda *_: None)
    monkeypatch.setattr(plotting, "moving", first_and_last)


def the_parts(of: Callable[[str], Any]) -> dict[str, Any]:
    """What stands in the answer cells of the four functions."""
    return {f"my_{name}": of(name) for name in ("relu", "affine", "affine_back", "relu_back")}


def started(parts: dict[str, Any]) -> dict[str, Any]:
    """The names of the notebook after section 5, with these answers."""
    names = namespace("00", "imports", "opening") | parts
    namespace("00", "use-relu", "digit-start", "digit-forward", "nudge", into=names)
    return namespace("00", *ENGINE, "trust-verdict", into=names)


# --- the engine ---------------------------------------------------------------------------


def looped_affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    return torch.stack([(x * column).sum(dim=1) for column in w.T], dim=1) + b


OWN = {
    "relu": lambda z: torch.where(z > 0, z, torch.zeros_like(z)),
    "affine": lambda x, w, b: torch.einsum("ni,ij->nj", x, w) + b,
    "affine_back": lambda g, x, w: [
        torch.einsum("nj,ij->ni", g, w),
        torch.einsum("ni,nj->ij", x, g),
        torch.ones(len(g), dtype=g.dtype) @ g,
    ],
    "relu_back": lambda g, z: torch.where(z > 0, g, torch.zeros_like(g)),
}
ANSWERS = {
    "open": lambda name: lambda *_: ...,
    "as in the solutions": lambda name: getattr(check, name).reference,
    "in other words": OWN.__getitem__,
}


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS.keys())
def test_the_engine_trains_the_curve_and_the_digits_to_the_weights_of_autograd(
    answers: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    names = started(the_parts(answers))
    namespace("00", "train-curve", "digit-batches", "digits-verdict", into=names)
    assert len(names["curve_end"]) == len(names["digit_end"]) == 4
    assert all(p.dtype == torch.float64 for p in names["curve_end"] + names["digit_end"])
    assert names["small_gap"] < 1e-6
    assert names["curve_gap"] < 1e-10 and names["digit_gap"] < 1e-10
    assert capsys.readouterr().out.count("to ten digits: yes") == 2
    assert names["curve_losses"][-1] < 0.002 < 0.9 < names["curve_losses"][0]
    assert len(names["digit_losses"]) == 400
    assert names["stayed"] == 6, "two hidden numbers that are 0 for every x"


def test_it_is_the_learners_functions_that_train() -> None:
    calls: dict[str, int] = {}

    def counted(name: str) -> Any:
        def mine(*args: Any) -> Any:
            calls[name] = calls.get(name, 0) + 1
            return getattr(check, name).reference(*args)

        return mine

    names = started(the_parts(counted))
    calls.clear()
    namespace("00", "digit-batches", into=names)
    assert calls == {"relu": 400, "affine": 800, "affine_back": 800, "relu_back": 400}


@pytest.mark.parametrize("broken", ["relu", "affine", "affine_back", "relu_back"])
def test_a_wrong_answer_is_not_used(broken: str) -> None:
    def wrong(*args: Any) -> Any:
        right = getattr(check, broken).reference(*args)
        return tuple(2 * part for part in right) if isinstance(right, tuple) else 2 * right

    names = started(the_parts(lambda name: wrong if name == broken else OWN[name]))
    assert names["small_gap"] < 1e-6


def test_the_engine_needs_no_graph_and_leaves_its_parameters_alone() -> None:
    names = started(the_parts(OWN.__getitem__))
    before = [p.clone() for p in names["curve_start"]]
    with torch.no_grad():
        pair = [(names["curve_x"], names["curve_y"])]
        params, losses = names["train"](names["curve_start"], pair * 3, lr=0.05)
    assert len(losses) == 3 and not any(p.requires_grad for p in params)
    same = zip(before, names["curve_start"], strict=True)
    assert all(torch.equal(one, other) for one, other in same)


def test_the_table_of_broken_engines_tells_each_bug_apart() -> None:
    names = started(the_parts(OWN.__getitem__))
    namespace("00", "broken-engines", into=names)
    sizes = {
        engine: [
            float(mine.norm() / nudged.norm())
            for mine, nudged in zip(gradient, names["small_nudged"], strict=True)
        ]
        for engine, gradient in names["broken"].items()
    }
    assert sizes["yours"] == pytest.approx([1, 1, 1, 1], abs=1e-4)
    assert min(sizes["A"][:2]) > 2 and sizes["A"][2:] == pytest.approx([1, 1], abs=1e-4)
    assert sizes["B"] == pytest.approx([1, 0.1, 1, 0.1], abs=1e-4)
    assert sizes["C"] == pytest.approx([0.5] * 4, abs=1e-4)


# --- what the text says of the pictures ---------------------------------------------------


def test_the_four_lines_bend_as_often_as_the_check_says() -> None:
    names = namespace("00", "imports") | the_parts(OWN.__getitem__)
    namespace("00", "use-relu", "digit-start", "digit-forward", into=names)
    namespace("00", "four-nets", "four-lines", "four-figure", "collapse", into=names)
    counted = []
    for line in names["four"].values():
        turns = (line[:, 0].diff().diff().abs() > 1e-9).tolist()
        counted.append(
            sum(now and not before for before, now in zip([False, *turns], turns, strict=False))
        )
    assert counted == check.bends.reference()
    assert names["apart"] < 1e-11


def test_the_graph_behaves_under_the_learning_rates_that_the_text_names() -> None:
    three = namespace("00", "imports", "three")["three"]
    assert three.blame().values() == pytest.approx([3.2, 1.6, 0.96])

    def losses(lr: float, steps: int) -> list[float]:
        graph = widgets.NetGraph(three, lr=lr, most_lr=0.1)
        told = []
        for _ in range(steps):
            graph.step()
            told.append(graph.net.loss)
        return told

    assert losses(0.02, 6)[-1] < 1e-4 < 0.01 > losses(0.02, 1)[0]
    assert max(losses(0.06, 8)) > 2 and losses(0.06, 12)[-1] < 0.01
    stuck = losses(0.08, 6)
    assert stuck[2:] == [4.0] * 4, "the ReLU closes, and no blame comes through"


# --- a curve of the learner's own ---------------------------------------------------------

WHOLE = {
    "growing": torch.exp,
    "with a corner": torch.abs,
    "with a jump": torch.sign,
    "a straight line": lambda x: 3 - 2 * x,
    "constant": torch.ones_like,
    "a number": lambda x: 3,
    "yes or no": lambda x: x > 0,
    "whole numbers": lambda x: x.round().long(),
    "many waves": lambda x: torch.sin(30 * x),
    "flat but for a corner": lambda x: (x - 1.9).relu(),
    "a column": lambda x: x,
}
PARTLY = {
    "log": torch.log,
    "tan": torch.tan,
    "sqrt": torch.sqrt,
    "one over x": lambda x: 1 / x,
    "asin": torch.asin,
    "steep": lambda x: 100 * x**3,
    "without end": lambda x: torch.exp(400 * x),
}
NOWHERE = {
    "nowhere": lambda x: torch.log(x - 3),
    "in one place": lambda x: torch.where(x == 0, 1.0, torch.nan),
    "too high": lambda x: x + 1e9,
    "infinite": lambda x: x / 0,
}


EVERY = WHOLE | PARTLY | NOWHERE


@pytest.fixture(scope="module")
def ready() -> dict[str, Any]:
    """The names of the notebook after section 5."""
    names = started(the_parts(OWN.__getitem__))
    return names | {"my_bet_find": ...}


def with_curve(ready: dict[str, Any], curve: Any, steps: int) -> dict[str, Any]:
    """Run section 7 with another curve; the training is cut short after so many steps."""
    whole = ready["train"]

    def train(params: Any, batches: Any, lr: float) -> Any:
        return whole(params, batches[:steps], lr)

    names = ready | {"my_curve": curve, "train": train, "draw_net": lambda *_: None}
    return namespace("00", *CURVE, "width-figure", into=names)


@pytest.mark.parametrize("name", EVERY)
def test_any_formula_can_be_followed(
    name: str, ready: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    names = with_curve(ready, EVERY[name], steps=20)
    told = capsys.readouterr().out
    assert ("has no value between -10 and 10 at" in told) == (name in PARTLY), told
    assert ("here is x² instead" in told) == (name in NOWHERE), told
    assert len(names["yours_x"]) == len(names["yours_y"]) >= 20
    assert names["yours_y"].isfinite().all()
    assert names["falls"] and "never worse: yes" in told
    assert ("error ≈ " in told) != ("lost its way" in told)


@pytest.mark.parametrize("name", ["growing", "log", "tan", "steep"])
def test_the_engine_follows_such_a_curve_or_says_that_it_is_lost(
    name: str, ready: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    names = with_curve(ready, EVERY[name], steps=3000)
    told = capsys.readouterr().out
    assert names["lost"] == ("lost its way" in told)
    assert "≈ nan" not in told and "≈ inf" not in told


def test_a_loop_that_lost_its_way_is_told_and_nothing_breaks(
    ready: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    names = ready | {"train": lambda params, batches, lr: (params, [1.0, float("nan")])}
    names |= {"my_curve": torch.sin, "draw_net": lambda *_: None}
    namespace("00", *CURVE, "width-figure", into=names)
    assert "lost its way: lower lr" in capsys.readouterr().out and names["lost"]
    assert names["times"] == "no number"


# --- any cell may be run again ------------------------------------------------------------


@pytest.mark.slow
def test_any_cell_may_be_run_again() -> None:
    """Each cell twice in a row, and then all of them again from the last to the first."""
    (lesson,) = index.load().choose(["00"])
    notebook = nbformat.read(lesson.path, as_version=4)
    cells = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    names: dict[str, Any] = {}
    for cell in cells:
        namespace("00", cell, cell, into=names)
    kept = {name: names[name] for name in ("held", "runs", "shown", "errors", "falls")}
    for cell in reversed(cells):
        namespace("00", cell, into=names)
    namespace("00", *cells, into=names)
    assert {name: names[name] for name in kept} == kept
    assert names["curve_gap"] < 1e-10 and names["digit_gap"] < 1e-10

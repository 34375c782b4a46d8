"""The graph of a small net: arithmetic against autograd, callbacks without a browser."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from lesson5_utils import widgets
from lesson5_utils.errors import ArgumentError
from lesson5_utils.widgets.graph import described, picture

THREE = {"x": 2, "weights": [0.5, 0.8], "biases": [0.1, None], "target": 3}
WIDE = {
    "x": [1, -2],
    "weights": [[[0.5, -1, 1.5], [0.25, 0.75, -0.5]], [[1.2], [-0.7], [0.4]]],
    "biases": [[0.1, 0.2, -0.3], [0.05]],
    "target": 1,
}


@pytest.fixture
def three() -> widgets.SmallNet:
    return widgets.SmallNet(**THREE, names={"b1": "b"})


@pytest.fixture
def wide() -> widgets.SmallNet:
    return widgets.SmallNet(**WIDE)


# --- the arithmetic -----------------------------------------------------------------------


@st.composite
def nets(draw: Any) -> widgets.SmallNet:
    sizes = draw(st.lists(st.integers(1, 4), min_size=2, max_size=4))

    def numbers(*shape: int) -> np.ndarray:
        return draw(nps.arrays(np.float64, shape, elements=st.floats(-3, 3, width=32)))

    return widgets.SmallNet(
        x=numbers(sizes[0]),
        weights=[numbers(n, m) for n, m in pairwise(sizes)],
        biases=[draw(st.none()) or numbers(m) for m in sizes[1:]]
        if draw(st.booleans())
        else [None for _ in sizes[1:]],
        target=numbers(sizes[-1]),
    )


@settings(max_examples=100, deadline=None)
@given(nets())
def test_numbers_and_blame_are_those_of_autograd(net: widgets.SmallNet) -> None:
    def tracked(value: np.ndarray) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float64, requires_grad=True)

    x = tracked(net.x)
    weights = [tracked(w) for w in net.weights]
    biases = [None if b is None else tracked(b) for b in net.biases]
    before, after = [], [x]
    for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
        z = after[-1] @ w + (0 if b is None else b)
        before.append(z)
        after.append(z.relu() if k < len(weights) - 1 else z)
    loss = torch.nn.functional.mse_loss(after[-1], torch.tensor(net.target))
    for number in (*before, *after):
        number.retain_grad()
    loss.backward()
    blame = net.blame()
    assert net.loss == pytest.approx(loss.item(), abs=1e-12, rel=1e-12)
    pairs = [(blame.x, x), *zip(blame.weights, weights, strict=True)]
    pairs += [
        *zip(blame.before, before, strict=True),
        *zip(blame.after, after[1:], strict=True),
    ]
    pairs += [(g, b) for g, b in zip(blame.biases, biases, strict=True) if b is not None]
    for ours, theirs in pairs:
        assert np.allclose(ours, theirs.grad.numpy(), rtol=1e-12, atol=1e-12)


def test_a_step_is_that_of_sgd(wide: widgets.SmallNet) -> None:
    values = torch.tensor(wide.values(), dtype=torch.float64, requires_grad=True)
    values.grad = torch.tensor(wide.blame().values(), dtype=torch.float64)
    torch.optim.SGD([values], lr=0.03).step()
    assert wide.step(0.03).values() == pytest.approx(values.tolist(), abs=1e-15)


def test_values_go_there_and_back(wide: widgets.SmallNet) -> None:
    values = [k / 8 for k in range(13)]
    assert wide.with_values(values).values() == values
    assert len(wide.labels()) == 13
    assert wide.labels()[1] == "w1: x1 → h2" and wide.labels()[-1] == "b2"
    assert wide.weights[0][0, 0] == 0.5, "the first net stays as it was"


def test_a_net_copies_what_it_is_given() -> None:
    weights = np.array([[0.5]])
    net = widgets.SmallNet(x=1, weights=[weights], target=1)
    weights[0, 0] = 7
    assert net.prediction == 0.5


@pytest.mark.parametrize(
    "wrong, told",
    [
        ({"weights": []}, "one layer or more"),
        ({"biases": [0.1]}, "one entry for each of the 2 layers"),
        ({"x": [1, 2]}, "a row for each of the numbers it takes: 2, not 1"),
        ({"biases": [[0.1, 0.2], None]}, "a number for each column of weights: 1, not 2"),
        ({"target": [1, 2]}, "a number for each output: 1, not 2"),
        ({"weights": [0.5, float("nan")]}, r"weights\[1\] must be .* all finite"),
        ({"x": [[1]]}, "x must be a number or a row"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ArgumentError, match=told):
        widgets.SmallNet(**THREE | wrong)


def test_a_net_becomes_a_graph_with_all_its_numbers(three: widgets.SmallNet) -> None:
    graph = three.graph()
    nodes = {node.name: node for node in graph.nodes()}
    assert list(nodes) == ["x", "h", "prediction", "loss"]
    assert nodes["h"].below.name == "b" and nodes["loss"].below.value == 3
    assert nodes["prediction"].value == pytest.approx(0.88)
    assert nodes["prediction"].blame == pytest.approx(2 * (0.88 - 3))
    assert nodes["h"].relu and nodes["h"].blame_after == pytest.approx(0.8 * -4.24)
    assert [(e.name, e.start, e.end) for e in graph.edges] == [
        ("w1", "x", "h"),
        ("w2", "h", "prediction"),
        ("", "prediction", "loss"),
    ]
    for show, rows in {"names": 0, "numbers": 1, "blame": 2}.items():
        assert three.graph(show).rows() == rows
    with pytest.raises(ArgumentError, match="did you mean 'numbers'"):
        three.graph("number")


# --- the widget ---------------------------------------------------------------------------


def test_a_slider_moves_the_net_and_the_picture(three: widgets.SmallNet) -> None:
    graph = widgets.NetGraph(three)
    before = graph._picture
    graph.values = [1.0, 0.1, 0.8]  # as the browser does
    assert graph.weights[0].tolist() == [[1.0]] and graph.net.prediction == pytest.approx(1.68)
    assert graph._picture != before
    assert graph._told == "prediction 1.68, target 3.00, loss 1.7424"


def test_python_moves_the_sliders(wide: widgets.SmallNet) -> None:
    graph = widgets.NetGraph(wide)
    told: list[Any] = []
    graph.observe(lambda change: told.append(change["new"]), "net")
    graph.weights = [np.ones((2, 3)), np.ones((3, 1))]
    assert graph.values[:6] == [1.0] * 6 and graph.values[6] == 0.1
    graph.biases = [[0, 0, 0], [9]]
    assert graph.values[-1] == 9 and told[-1] is graph.net and len(told) == 2


def test_the_buttons_step_and_reset(three: widgets.SmallNet) -> None:
    graph = widgets.NetGraph(three, lr=0.01)
    graph._asked(graph, {"do": "step"})
    graph._asked(graph, {"do": "step"})
    assert graph.values == three.step(0.01).step(0.01).values() and graph.steps == 2
    assert graph._told.startswith("After 2 steps: prediction ")
    graph.values = [0.5, 0.5, 0.5]
    assert graph.steps == 0 and "step" not in graph._told, "a drag begins anew"
    graph._asked(graph, {"do": "reset"})
    assert graph.values == three.values() and graph.lr == 0.01
    graph._asked(graph, {"do": "something else"})
    assert graph.values == three.values()


def test_a_dead_relu_is_said(three: widgets.SmallNet) -> None:
    graph = widgets.NetGraph(three)
    graph.weights = [-1, 0.8]
    assert graph._told == "prediction 0.00, target 3.00, loss 9.0000. No parameter is blamed"
    graph.step()
    assert graph.steps == 1 and graph.values == [-1.0, 0.1, 0.8]


def test_steps_that_run_away_end_in_a_sentence() -> None:
    graph = widgets.NetGraph(widgets.SmallNet(x=2, weights=[0.5], biases=[0], target=5), lr=0.5)
    for _ in range(40):
        graph.step()
    assert graph._told.startswith("No step:") and graph.steps < 40
    assert max(map(abs, graph.values)) <= 1e6
    graph.reset()
    assert (
        graph.values == [0.5, 0.0]
        and graph._told == "prediction 1.00, target 5.00, loss 16.0000"
    )


def test_its_text_is_short_and_does_not_change(wide: widgets.SmallNet) -> None:
    graph = widgets.NetGraph(wide)
    before = repr(graph)
    graph.step()
    assert repr(graph) == before == "<NetGraph 2 → 3 → 1, 13 parameters>"
    bundle = graph._repr_mimebundle_()
    assert bundle[0]["text/plain"] == before


def test_the_picture_says_which_slider_each_parameter_has(wide: widgets.SmallNet) -> None:
    drawn = picture(wide, 8.6, 4.4)
    parameters = [shape for shape in drawn["shapes"] if shape["kind"] == "parameter"]
    assert sorted(shape["slider"] for shape in parameters) == list(range(13))
    shown = {shape["slider"]: shape["number"] for shape in parameters}
    for at, value in enumerate(wide.values()):
        assert shown[at].removeprefix("b2 ") == f"{value:.2f}".replace("-", "−")
    width, height = drawn["size"]
    for shape in drawn["shapes"]:
        for middle, long, room in (("x", "width", width), ("y", "height", height)):
            assert shape[middle] - shape[long] / 2 >= -0.2, "rounded to tenths of a pixel"
            assert shape[middle] + shape[long] / 2 <= room + 0.2


def test_the_picture_is_told_in_words(three: widgets.SmallNet) -> None:
    assert described(three) == (
        "A net as a graph. x 2.00; h 1.10, after its ReLU 1.10, blame −3.39; prediction 0.88, "
        "blame −4.24; loss 4.49, blame 1.00. Parameters: w1 0.50, blame −6.78; b 0.10, blame "
        "−3.39; w2 0.80, blame −4.66."
    )


def test_what_cannot_be_drawn_is_refused(three: widgets.SmallNet) -> None:
    with pytest.raises(ArgumentError, match="NetGraph draws a SmallNet, not list"):
        widgets.NetGraph([1, 2])
    with pytest.raises(ArgumentError, match="lr must be a number of at least 0 and at most"):
        widgets.NetGraph(three, lr=2)
    with pytest.raises(ArgumentError, match="high must be a number above -3"):
        widgets.NetGraph(three, high=-4)
    graph = widgets.NetGraph(three)
    with pytest.raises(ArgumentError, match="keeps its shape"):
        graph.net = widgets.SmallNet(**WIDE)
    with pytest.raises(ArgumentError, match="a number for each parameter: 3, not 2"):
        graph.values = [1.0, 2.0]
    assert graph.net is three


def test_naming_the_widgets_imports_none() -> None:
    code = "import sys; from lesson5_utils import widgets; print('anywidget' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout == "False\n"

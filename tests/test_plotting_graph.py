"""A net drawn as a graph: nothing collides, colour is never alone, frames come in order."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations, pairwise

import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon
from matplotlib.text import Text

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import Edge, Graph, Node, Part, figures, net
from lesson5_utils.plotting.placing import place, written
from lesson5_utils.plotting.style import SMALL, luminance


def chain() -> Graph:
    """x → (w, b) → relu → prediction → loss, with numbers and blame."""
    columns = [
        [Node("x", 2, kind="given")],
        [Node("h", 1.1, -3.4, after=1.1, blame_after=-3.4, relu=True, below=Part("b", 0.1, 1))],
        [Node("prediction", 0.88, -4.24)],
        [Node("loss", 4.49, 1, "loss", below=Part("target", 3, kind="given"))],
    ]
    edges = [
        Edge("w1", 0.5, -6.8, start="x", end="h"),
        Edge("w2", 0.8, -4.7, start="h", end="prediction"),
        Edge(start="prediction", end="loss"),
    ]
    return Graph(columns, edges)


def grid(*sizes: int, relu: bool = True) -> Graph:
    """Columns of these sizes, everything joined to the next, biases and blame everywhere."""
    inside = len(sizes) - 1
    columns = []
    for k, size in enumerate(sizes):
        bent = relu and 0 < k < inside
        columns.append(
            [
                Node(
                    f"n{k}{i}",
                    -12.34,
                    -56.78,
                    "activation" if k else "given",
                    after=0 if bent else None,
                    blame_after=-56.78 if bent else None,
                    relu=bent,
                    below=Part("", -9.99, -99.99) if k else None,
                )
                for i in range(size)
            ]
        )
    edges = [
        Edge("", -9.87, -65.43, start=start.name, end=end.name)
        for left, right in pairwise(columns)
        for start in left
        for end in right
    ]
    return Graph(columns, edges)


@pytest.mark.parametrize(
    "graph, height",
    [
        (chain, 2.0),
        (lambda: grid(2, 3, 1), 4.7),
        (lambda: grid(1, 4, 1), 5.8),
        (lambda: grid(3, 3, 1), 6.7),
        (lambda: grid(2, 5, 1), 7.2),
        (lambda: grid(1, 2, 2, 1), 4.0),
    ],
    ids=["chain", "2-3-1", "1-4-1", "3-3-1", "2-5-1", "1-2-2-1"],
)
def test_nothing_collides(graph: Callable[[], Graph], height: float) -> None:
    with figures.make(8.8, height) as (made, ax):
        plotting.net_graph(ax, graph())
        made.draw_without_rendering()
        shapes = [p for p in ax.patches if isinstance(p, FancyBboxPatch | Polygon)]
        boxes = [shape.get_window_extent() for shape in shapes]
        texts = [text for text in ax.texts if text.get_text()]
        for one, other in combinations(boxes, 2):
            assert not one.overlaps(other)
        for one, other in combinations([t.get_window_extent() for t in texts], 2):
            assert not one.overlaps(other)
        frame = made.bbox.padded(1)
        for box in (*boxes, *(text.get_window_extent() for text in texts)):
            assert frame.x0 <= box.x0 and box.x1 <= frame.x1
            assert frame.y0 <= box.y0 and box.y1 <= frame.y1
        assert all(text.get_fontsize() >= SMALL for text in texts)


def test_every_number_stands_in_a_shape_that_holds_it() -> None:
    with figures.make(8.8, 2.2) as (made, ax):
        plotting.net_graph(ax, chain())
        made.draw_without_rendering()
        shapes = [p for p in ax.patches if isinstance(p, FancyBboxPatch | Polygon)]
        names = {"x", "h", "prediction", "loss"}
        for text in ax.texts:
            if text.get_text() not in names:
                inside = text.get_window_extent()
                assert any(
                    box.x0 <= inside.x0 and inside.x1 <= box.x1 and box.y0 <= inside.y0
                    for box in (shape.get_window_extent() for shape in shapes)
                ), text.get_text()


def drawn(graph: Graph, height: float = 2.2, **options: bool) -> list[Text]:
    with figures.make(8.8, height) as (_, ax):
        plotting.net_graph(ax, graph, **options)
        return list(ax.texts)


def test_numbers_and_blame_are_written() -> None:
    texts = {text.get_text(): text for text in drawn(chain())}
    assert {"x", "2.00", "w1 0.50", "1.10 → 1.10", "target 3.00", "b 0.10"} <= set(texts)
    assert {"◂ −6.80", "◂ −3.40 ← −3.40", "◂ 1.00"} <= set(texts)
    assert texts["◂ −6.80"].get_style() == "italic", "blame differs in more than its colour"
    assert "blame: ∂loss/∂this number" in {t.get_text() for t in drawn(chain(), key=True)}


def test_blame_flows_back_by_dashed_arrows_and_ends_at_the_first_weight() -> None:
    shapes, arrows = place(chain(), 8.6, 2)
    back = [arrow for arrow in arrows if arrow.back]
    across = [arrow for arrow in back if arrow.y0 == pytest.approx(arrow.y1)]
    assert all(arrow.x1 < arrow.x0 for arrow in across)
    assert len([arrow for arrow in across if arrow.tip]) == 3
    w1 = next(shape for shape in shapes if shape.number == "w1 0.50")
    assert min(arrow.x1 for arrow in across) == pytest.approx(w1.x + w1.width / 2)
    with figures.make(8.8, 2.2) as (_, ax):
        plotting.net_graph(ax, chain())
        lines = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
        dashed = [line for line in lines if line.get_linestyle() not in ("-", "solid")]
        assert len(dashed) == len(back) and len(lines) == len(arrows)


def test_kinds_differ_in_shape_and_a_closed_relu_in_its_line() -> None:
    with figures.make(8.8, 4.7) as (_, ax):
        plotting.net_graph(ax, grid(2, 3, 1))
        tags = [p for p in ax.patches if isinstance(p, Polygon)]
        boxes = [p for p in ax.patches if isinstance(p, FancyBboxPatch)]
        corners = {round(box.get_boxstyle().rounding_size, 2) for box in boxes}
        assert len(tags) == 2 and len(corners) == 2
        assert sum(box.get_linestyle() != "-" for box in boxes) == 3


def test_blame_can_be_read_on_every_shape() -> None:
    for paper in (*(paint.paper for paint in net.PAINT.values()), net.OFF):
        assert (luminance(paper) + 0.05) / (luminance(net.BLAME) + 0.05) >= 4.5


def test_names_alone_when_there_are_no_numbers() -> None:
    graph = Graph([[Node("x")], [Node("h")]], [Edge("w", start="x", end="h")])
    assert {text.get_text() for text in drawn(graph)} == {"x", "h", "w"}


def test_the_flow_goes_forward_then_back() -> None:
    frames = chain().flow()
    assert [frame.title for frame in frames] == [
        "forward: x",
        "forward: h",
        "forward: prediction",
        "forward: loss",
        "back: loss",
        "back: prediction",
        "back: h",
        "back: w1",
    ]
    first, last = frames[0], frames[-1]
    assert [node.value for node in first.nodes()] == [2, None, None, None]
    assert first.edges[0].value == 0.5, "parameters are there before anything flows"
    assert all(edge.blame is None for edge in frames[5].edges)
    assert [edge.blame for edge in frames[6].edges] == [None, -4.7, None]
    assert [n for n in last.nodes()] == [n for n in chain().nodes()]
    sizes = {tuple((s.x, s.y, s.width, s.height) for s in place(f, 8.6, 2)[0]) for f in frames}
    assert len(sizes) == 1, "nothing moves from frame to frame"


def test_one_of_several_small_axes_is_drawn_without_numbers() -> None:
    with figures.make(8.8, 2.3, 1, 4) as (_, axes):
        for ax, frame in zip(axes, chain().flow()[::2], strict=True):
            plotting.net_graph(ax, frame)
            assert not ax.texts and len(ax.patches) > 8


def test_what_does_not_fit_is_refused_with_the_size_that_is_lacking() -> None:
    with pytest.raises(ArgumentError, match=r"needs 0\.\d inches more of height"):
        drawn(chain(), height=1.3)
    with pytest.raises(ArgumentError, match=r"needs \d\.\d inches more of width"):
        place(chain(), 4, 3)


def test_graphs_that_make_no_sense_are_refused() -> None:
    two = [[Node("x")], [Node("h")]]
    with pytest.raises(ArgumentError, match="unknown node 'y'"):
        place(Graph(two, [Edge(start="y", end="h")]), 8, 3)
    with pytest.raises(ArgumentError, match="names that differ"):
        place(Graph([[Node("x")], [Node("x")]], []), 8, 3)
    with pytest.raises(ArgumentError, match="two columns or more"):
        place(Graph([[Node("x")]], []), 8, 3)
    with pytest.raises(ArgumentError, match="unknown kind 'input'"):
        place(Graph([[Node("x", kind="input")], [Node("h")]], []), 8, 3)


@pytest.mark.parametrize(
    "value, text",
    [
        (None, ""),
        (0.0, "0.00"),
        (-0.004, "0.00"),
        (-0.5, "−0.50"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (-2.5e7, "−2e+07"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
        (math.nan, "nan"),
    ],
)
def test_numbers_are_written_short(value: float | None, text: str) -> None:
    assert written(value) == text

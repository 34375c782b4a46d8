"""What a drawn net consists of, and where each piece stands.

A `Graph` is columns of nodes with edges between them. `place` turns it into shapes and
arrows, in inches; `net_graph` draws those with matplotlib, the widget as SVG.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, pairwise

from matplotlib.textpath import TextPath

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.style import SMALL

__all__ = ["Arrow", "Edge", "Graph", "Node", "Part", "Shape", "place", "written"]

KINDS = ("given", "parameter", "activation", "loss")
LINE = 0.165  # inches, a line of text
DOT = 0.15  # a shape without text
PAD = 0.075  # around the text of a shape
STEM = 0.2  # between a node and what stands below it
APART = 0.035  # half the distance of an arrow forward and the one back
ROOM = 0.06  # left free around a weight
BACK = "◂ "  # stands before each blame


@dataclass(frozen=True)
class Part:
    """One number of a net: `value` flows forward, `blame` is ∂loss/∂value; None is not
    written. `kind` is one of given, parameter, activation and loss."""

    name: str = ""
    value: float | None = None
    blame: float | None = None
    kind: str = "parameter"


@dataclass(frozen=True)
class Node(Part):
    """An input, an activation or the loss.

    A node with a `relu` has the number before it as `value` and the one behind it as
    `after`, each with its blame. `below` is what else is put in: a bias, a target.
    """

    kind: str = "activation"
    after: float | None = None
    blame_after: float | None = None
    relu: bool = False
    below: Part | None = None


@dataclass(frozen=True)
class Edge(Part):
    """An arrow from the node called `start` to the one called `end`.

    With a name or a value it carries a weight; without both it is a plain arrow, unless
    `box` asks for an empty box.
    """

    start: str = ""
    end: str = ""
    box: bool = False

    @property
    def carries(self) -> bool:
        """Whether a weight is drawn on it."""
        return self.box or bool(self.name) or self.value is not None


@dataclass(frozen=True)
class Graph:
    """A small net as it is drawn: columns of nodes, from left to right, and edges.

    The names of the nodes differ. `lines` is how many lines of numbers each shape has room
    for: 0 (names only), 1 (numbers) or 2 (numbers and blame); None counts them.
    """

    columns: Sequence[Sequence[Node]]
    edges: Sequence[Edge]
    lines: int | None = None
    title: str = ""

    def nodes(self) -> Iterator[Node]:
        """All of them, column by column."""
        for column in self.columns:
            yield from column

    def rows(self) -> int:
        """How many lines of numbers a shape has."""
        if self.lines is not None:
            return self.lines
        parts = [*self.nodes(), *self.edges, *(n.below for n in self.nodes() if n.below)]
        return 2 * any(p.blame is not None for p in parts) or int(
            any(p.value is not None for p in parts)
        )

    def flow(self) -> list[Graph]:
        """The pictures of a moving one: the numbers come column by column, then the blame
        from the loss back. Each has a `title`, such as "forward: h" or "back: h"."""
        last = len(self.columns) - 1
        names = [", ".join(node.name for node in column) for column in self.columns]
        frames = [self._until(k, last + 1, f"forward: {names[k]}") for k in range(last + 1)]
        back = [k for k in range(last, -1, -1) if self._blamed(k)]
        return frames + [self._until(last, k, f"back: {names[k]}") for k in back]

    def _blamed(self, at: int) -> bool:
        """Whether any blame arrives in a column, or on the edges that leave it."""
        names = {node.name for node in self.columns[at]}
        return any(node.blame is not None for node in self.columns[at]) or any(
            edge.blame is not None for edge in self.edges if edge.start in names
        )

    def _until(self, forward: int, back: int, title: str) -> Graph:
        """With numbers up to a column, and blame from the last one down to another."""
        place = {n.name: k for k, column in enumerate(self.columns) for n in column}

        def shown(part: Part, at: int, blame_at: int) -> Part:
            known, blamed = at <= forward, blame_at >= back
            changes: dict[str, object] = {"blame": part.blame if blamed else None}
            if isinstance(part, Node):  # parameters and targets are there from the start
                changes["value"] = part.value if known else None
                changes["after"] = part.after if known else None
                changes["blame_after"] = part.blame_after if blamed else None
                changes["below"] = part.below and shown(part.below, at, blame_at)
            return replace(part, **changes)  # type: ignore[arg-type]

        columns = [
            [shown(node, k, k) for node in column] for k, column in enumerate(self.columns)
        ]
        edges = [shown(e, place[e.end], place[e.start]) for e in self.edges]
        return Graph(columns, edges, self.rows(), title)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Shape:
    """A placed part: its middle and size in inches, from the lower left; what is written
    above it (`name`) and in it (`number`, and below that `blame`); `off` is a ReLU that lets
    nothing through, `empty` a node whose number has not come yet."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    name: str = ""
    number: str = ""
    blame: str = ""
    off: bool = False
    empty: bool = False
    low: bool = False  # the number stands in the first of two lines


@dataclass(frozen=True)
class Arrow:
    """A placed arrow, from (x0, y0) to (x1, y1); along one that is `back` blame flows, and
    along one that is `idle` no number has come yet."""

    x0: float
    y0: float
    x1: float
    y1: float
    back: bool = False
    idle: bool = False


def written(value: float | None, digits: int = 2) -> str:
    """A number as it stands in the picture: `−0.50`, `1,234`, `3e+06`; None is empty.

    >>> written(-0.5), written(-0.001), written(1234.5), written(math.inf)
    ('−0.50', '0.00', '1,234', '∞')
    """
    if value is None:
        return ""
    value = float(value)
    if math.isnan(value):
        return "nan"
    size = abs(value)
    if math.isinf(value):
        text = "∞"
    elif size >= 99_999.5:
        text = f"{size:.0e}"
    else:
        text = f"{size:,.{digits if size < 99.995 else 0}f}"
    return f"−{text}" if value < 0 and text.strip("0.,") else text


@lru_cache(maxsize=4096)
def wide(text: str) -> float:
    """How wide a text is in the smallest size, in inches."""
    return float(TextPath((0, 0), text, size=SMALL).get_extents().width) / 72 if text else 0.0


class TooSmallError(ArgumentError):
    """A graph does not fit into its axes; the sentence says the size that it needs."""


class _Placing:
    """One graph on its way to shapes and arrows.

    `rows` is how many lines of numbers are written: 2, 1, 0 (names), or -1 (nothing at all).
    """

    def __init__(
        self, graph: Graph, width: float, height: float, digits: int, rows: int
    ) -> None:
        self.graph, self.width, self.height = graph, width, height
        self.digits, self.rows = digits, rows
        self.flows = graph.rows() > 0  # it has numbers, even where they are not written
        self.tall = max(rows, 1) * LINE + 2 * PAD if rows >= 0 else DOT
        self.shapes: list[Shape] = []
        self.arrows: list[Arrow] = []
        self.at: dict[str, Shape] = {}

    def lines(self, part: Part) -> tuple[str, str, str]:
        """What is written above a part, in it, and as its blame."""
        number, blame = written(part.value, self.digits), written(part.blame, self.digits)
        if isinstance(part, Node) and part.after is not None:
            number += f" → {written(part.after, self.digits)}"
            if part.blame_after is not None:
                blame = f"{blame} ← {written(part.blame_after, self.digits)}"
        blame = BACK + blame if blame else ""
        if self.rows <= 0:
            return "", part.name if self.rows == 0 else "", ""
        if self.rows == 1:
            blame = ""
        if isinstance(part, Node):
            return part.name, number, blame
        return "", f"{part.name} {number}".strip(), blame

    def broad(self, part: Part) -> float:
        """The width of a part's shape; it does not depend on numbers of usual size."""
        _, number, blame = self.lines(part)
        if self.rows < 0:
            return DOT
        if self.rows == 0:
            return max(wide(number) + 2 * PAD + 0.04, self.tall)
        usual = f"−0.{'0' * self.digits}"
        back = BACK if self.rows == 2 and part.kind != "given" else ""
        least = back + usual
        if isinstance(part, Node) and part.relu:
            least = f"{back}{usual} → {usual if back else usual[1:]}"
        elif part.name and not isinstance(part, Node):
            least = max(least, f"{part.name} {usual}", key=wide)
        return max(wide(number), wide(blame), wide(least)) + 2 * PAD + 0.06

    def add(self, part: Part, x: float, y: float) -> Shape:
        name, number, blame = self.lines(part)
        off = isinstance(part, Node) and part.after is not None and (part.value or 0) <= 0
        empty = isinstance(part, Node) and self.flows and part.value is None
        low = self.rows == 2 and part.kind != "given"
        size = self.broad(part), self.tall
        made = Shape(x, y, *size, part.kind, name, number, blame, off, empty, low)
        self.shapes.append(made)
        return made

    def nodes(self) -> None:
        """Columns from left to right, each spread over the whole height."""
        columns = self.graph.columns
        broad = [max(self.column(node) for node in column) for column in columns]
        gaps = self.gaps(broad)
        above = self.tall / 2 + (LINE if self.rows > 0 else 0)
        has_below = any(node.below for node in self.graph.nodes())
        below = self.tall / 2 + (STEM + self.tall if has_below else 0)
        most = max(len(column) for column in columns)
        self.needs("height", most * (above + below + ROOM) - ROOM)
        x = 0.0
        for k, column in enumerate(columns):
            for row, node in enumerate(column):
                middle = self.height * (1 - (row + 0.5) / len(column)) + (below - above) / 2
                shape = self.add(node, x + broad[k] / 2, middle)
                self.at[node.name] = shape
                if node.below:
                    self.hang(node.below, shape)
            x += broad[k] + (gaps[k] if k < len(gaps) else 0)

    def column(self, node: Node) -> float:
        """The width that a node takes, with its name and what stands below it."""
        name = wide(node.name) if self.rows > 0 else 0
        return max(self.broad(node), name, self.broad(node.below) if node.below else 0)

    def gaps(self, broad: list[float]) -> list[float]:
        """The distances of the columns; those with weights in them are wider."""
        least, shares = [], []
        for left, right in pairwise(self.graph.columns):
            ends = {n.name for n in left}, {n.name for n in right}
            edges = [e for e in self.graph.edges if e.start in ends[0] and e.end in ends[1]]
            boxes = [self.broad(edge) for edge in edges if edge.carries]
            least.append(max(boxes) + 2 * self.free() if boxes else 1.2 * self.free())
            shares.append(min(len(boxes), 6) + 1 if boxes else 0.5)
        spare = self.width - sum(broad) - sum(least)
        self.needs("width", self.width - spare)
        return [
            gap + spare * share / sum(shares) for gap, share in zip(least, shares, strict=True)
        ]

    def free(self) -> float:
        """What an arrow needs to be seen beside a weight."""
        return {-1: 0.1, 0: 0.2}.get(self.rows, 0.3)

    def hang(self, part: Part, node: Shape) -> None:
        """A bias or a target under its node."""
        y = node.y - self.tall - STEM
        self.add(part, node.x, y)
        top, bottom = y + self.tall / 2, node.y - self.tall / 2
        self.arrows.append(Arrow(node.x - APART, top, node.x - APART, bottom, idle=node.empty))
        if part.blame is not None:
            self.arrows.append(Arrow(node.x + APART, bottom, node.x + APART, top, True))

    def edges(self) -> None:
        """Arrows, with weights so far along that they stand evenly one above the other."""
        blamed = {n.name for n in self.graph.nodes() if n.blame is not None}
        weights = []
        for edge in self.graph.edges:
            start, end = self.at[edge.start], self.at[edge.end]
            x0, x1 = start.x + start.width / 2, end.x - end.width / 2
            slope = (end.y - start.y) / (x1 - x0)
            across = APART * math.hypot(1, slope) if self.flows else 0
            y0, y1 = start.y + across, end.y + across
            self.arrows.append(Arrow(x0, y0, x1, y1, idle=end.empty))
            stop = (x0, start.y - across) if edge.start in blamed else None
            if edge.carries:
                at = x0 + self.share(edge, x1 - x0) * (x1 - x0)
                weight = self.add(edge, at, start.y + slope * (at - x0))
                weights.append(weight)
                if edge.blame is not None and not stop:  # the blame ends at the weight
                    x = at + weight.width / 2
                    stop = (x, start.y + slope * (x - x0) - across)
            if stop:
                self.arrows.append(Arrow(x1, end.y - across, *stop, True))
        for one, other in combinations(weights, 2):
            if abs(one.x - other.x) < one.width and abs(one.y - other.y) < self.tall + 0.02:
                self.needs("height", self.height + self.tall + 0.03 - abs(one.y - other.y))

    def share(self, edge: Edge, gap: float) -> float:
        """How far along its edge a weight stands, from 0 to 1."""
        n, m = (
            len(next(c for c in self.graph.columns if name in {node.name for node in c}))
            for name in (edge.start, edge.end)
        )
        # n · m weights stand evenly if the lowest of one group of n is as far from the
        # highest of the next as they are from each other.
        share = m / (m + 1) if n > 1 and m > 1 else 0.5
        most = 1 - (self.broad(edge) / 2 + self.free()) / gap
        return max(min(share, most), 1 - most)

    def needs(self, which: str, least: float) -> None:
        """Refuse a picture that is too small, in words that say what it needs."""
        if getattr(self, which) < least - 1e-9:
            lacks = math.ceil(10 * (least - getattr(self, which))) / 10
            raise TooSmallError(
                f"this graph needs {lacks:.1f} inches more of {which}: give the figure a "
                f"larger {which}, or show less of the graph"
            )


def place(
    graph: Graph, width: float, height: float, digits: int = 2, *, shrink: bool = False
) -> tuple[list[Shape], list[Arrow]]:
    """Where everything stands in a picture of this size, in inches.

    Where it does not fit and `shrink` allows it, only the names are written, or nothing.

    Raises:
        ArgumentError: it does not fit, a name comes twice, or an edge has no such node.
    """
    names = [node.name for node in graph.nodes()]
    if len(graph.columns) < 2 or len(set(names)) < len(names):
        raise ArgumentError(
            f"a graph needs two columns or more, and names that differ: {names}"
        )
    for edge in graph.edges:
        arguments.choice("node", edge.start, names)
        arguments.choice("node", edge.end, names)
    for part in (*graph.nodes(), *graph.edges):
        arguments.choice("kind", part.kind, KINDS)
    levels = (graph.rows(), 0, -1) if shrink else (graph.rows(),)
    for rows in levels:
        placing = _Placing(graph, width, height, digits, rows)
        try:
            placing.nodes()
            placing.edges()
            break
        except TooSmallError:
            if rows == levels[-1]:
                raise
    return placing.shapes, placing.arrows

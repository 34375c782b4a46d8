"""Where each piece of a drawn net stands, in inches from the lower left of its axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

from matplotlib.textpath import TextPath

from lesson5_utils import arguments
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting.graph import KINDS, Edge, Graph, Node, Part
from lesson5_utils.plotting.style import SMALL

__all__ = ["LINE", "Arrow", "Shape", "TooSmallError", "place", "wide", "written"]

LINE = 0.165  # inches, a line of text
DOT = 0.15  # a shape without text
PAD = 0.075  # around the text of a shape
STEM = 0.2  # between a node and what stands below it
APART = 0.035  # half the distance of an arrow forward and the one back
ROOM = 0.06  # left free around a weight
Point = tuple[float, float]
BACK = "◂ "  # stands before each blame


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
    along one that is `idle` no number has come yet. Without a `tip` it is a line."""

    x0: float
    y0: float
    x1: float
    y1: float
    back: bool = False
    idle: bool = False
    tip: bool = True


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
        pairs = zip(graph.parts(), (graph.whole or graph).parts(), strict=True)
        self.whole = {id(part): whole for part, whole in pairs}
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
        part = self.whole[id(part)]
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
        low = self.rows == 2 and (
            part.kind != "given" or self.whole[id(part)].blame is not None
        )
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
        """Arrows, and the weights on them, evenly one above the other."""
        blamed = {n.name for n in self.graph.nodes() if n.blame is not None}
        weights = []
        for edge in self.graph.edges:
            start, end = self.at[edge.start], self.at[edge.end]
            left, right = start.x + start.width / 2, end.x - end.width / 2
            tail, head = (left, start.y), (right, end.y)
            if not edge.carries:
                self.arrow(tail, head, idle=end.empty)
                if edge.start in blamed:
                    self.arrow(head, tail, back=True)
                continue
            along, up = self.shares(edge, right - left)
            y = start.y + up * (end.y - start.y)
            weight = self.add(edge, left + along * (right - left), y)
            weights.append(weight)
            before, behind = (weight.x - weight.width / 2, y), (weight.x + weight.width / 2, y)
            self.arrow(tail, before, idle=end.empty, tip=False)
            self.arrow(behind, head, idle=end.empty)
            if edge.start in blamed:
                self.arrow(head, behind, back=True, tip=False)
                self.arrow(before, tail, back=True)
            elif edge.blame is not None:  # it ends at the weight
                self.arrow(head, behind, back=True)
        for one, other in combinations(weights, 2):
            if abs(one.x - other.x) < one.width and abs(one.y - other.y) < self.tall + 0.05:
                self.needs("height", self.height + self.tall + 0.1 - abs(one.y - other.y))

    def arrow(self, tail: Point, head: Point, **looks: bool) -> None:
        """An arrow from right to left runs a little lower than one from left to right."""
        (x0, y0), (x1, y1) = tail, head
        across = APART * math.hypot(x1 - x0, y1 - y0) / (x1 - x0) if self.flows else 0
        self.arrows.append(Arrow(x0, y0 + across, x1, y1 + across, **looks))

    def shares(self, edge: Edge, gap: float) -> tuple[float, float]:
        """How far to the right and how far up or down its edge a weight stands, from 0 to 1."""
        n, m = (
            len(next(c for c in self.graph.columns if name in {node.name for node in c}))
            for name in (edge.start, edge.end)
        )
        # n · m weights stand evenly if the lowest of one group of n is as far from the
        # highest of the next as they are from each other. Where the gap is too narrow for
        # the same share to the right, the edge is bent.
        share = m / (m + 1) if n > 1 and m > 1 else 0.5
        most = 1 - (self.broad(edge) / 2 + self.free()) / gap
        return max(min(share, most), 1 - most), share

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

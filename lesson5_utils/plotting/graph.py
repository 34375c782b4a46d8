"""What a drawn net consists of: columns of nodes, with edges between them.

`placing` says where each piece stands, `net_graph` draws it with matplotlib, the widget as SVG.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

__all__ = ["KINDS", "Edge", "Graph", "Node", "Part"]

KINDS = ("given", "parameter", "activation", "loss")


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
    for: 0 (names only), 1 (numbers) or 2 (numbers and blame); None counts them. A frame of a
    moving picture has the `whole` graph, so that its shapes have the size of the last frame's.
    """

    columns: Sequence[Sequence[Node]]
    edges: Sequence[Edge]
    lines: int | None = None
    title: str = ""
    whole: Graph | None = None

    def nodes(self) -> Iterator[Node]:
        """All of them, column by column."""
        for column in self.columns:
            yield from column

    def parts(self) -> list[Part]:
        """All that has a number."""
        return [*self.nodes(), *self.edges, *(n.below for n in self.nodes() if n.below)]

    def rows(self) -> int:
        """How many lines of numbers a shape has."""
        if self.lines is not None:
            return self.lines
        parts = self.parts()
        return 2 * any(p.blame is not None for p in parts) or int(
            any(p.value is not None for p in parts)
        )

    def flow(self) -> list[Graph]:
        """The pictures of a moving one: the numbers come column by column, then the blame
        from the loss back. Each has a `title`, such as "forward: h" or "back: h".

            plotting.moving(
                plotting.net_graph, graph.flow(), alt, caption,
                name=lambda frame: frame.title, width=8.8, height=1.75, stacked=True,
            )
        """
        last = len(self.columns) - 1
        frames = []
        for k, column in enumerate(self.columns):
            names = ", ".join(node.name for node in column)
            frames.append(self._until(k, last + 1, f"forward: {names}"))
        for k in range(last, -1, -1):
            if blamed := self._blamed(k):
                frames.append(self._until(last, k, f"back: {blamed}"))
        return frames

    def _blamed(self, at: int) -> str:
        """Where blame arrives in a column, or only on the edges that leave it; may be empty."""
        column = self.columns[at]
        nodes = [node.name for node in column if node.blame is not None]
        names = {node.name for node in column}
        edges = [e for e in self.edges if e.start in names and e.blame is not None]
        named = [edge.name for edge in edges if edge.name]
        return ", ".join(nodes or named) or ("first weights" if edges else "")

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
        return Graph(columns, edges, self.rows(), title, self)  # type: ignore[arg-type]

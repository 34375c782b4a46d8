"""A small net drawn as a graph: numbers flow forward through it, blame flows back."""

from __future__ import annotations

from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Polygon

from lesson5_utils.plotting.graph import Graph
from lesson5_utils.plotting.placing import LINE, Arrow, Shape, place, wide
from lesson5_utils.plotting.style import BLACK, BLUE, COLOURS, GREY, SMALL, Colour, dark

__all__ = ["net_graph"]

KEY = 0.3  # inches, the line that explains the shapes
YELLOW = COLOURS[8]
EDGE = 0.12  # left free around the picture
TITLE = 0.28


class Paint(NamedTuple):
    """How a kind of number is drawn: the shape always differs with the colour."""

    rim: Colour
    paper: Colour
    corner: float | None  # None: a tag, with a point on its right
    says: str


def _pale(colour: Colour, share: float = 0.15) -> Colour:
    red, green, blue = (1 - share + share * part for part in colour)
    return red, green, blue


PAINT = {
    "given": Paint(dark(GREY), _pale(GREY, 0.25), None, "given"),
    "parameter": Paint(dark(YELLOW), _pale(YELLOW, 0.4), 0.02, "parameter"),
    "activation": Paint(dark(BLUE), _pale(BLUE), 0.5, "activation"),
    "loss": Paint(BLACK, (1.0, 1.0, 1.0), 0.5, "loss"),
}
BLAME: Colour = (0.62, 0.24, 0.0)  # the palette's red, darker: it is read on all these papers
OFF: Colour = (0.93, 0.93, 0.93)  # the paper of a ReLU that lets nothing through
DASHES = (0, (3, 1.5))


def net_graph(ax: Axes, graph: Graph, *, digits: int = 2, key: bool = False) -> None:
    """Draw a net as a graph: what is given as a tag, parameters as boxes, activations round.

    In each shape stands the number that flows forward, and below it, in italics behind a
    small triangle, the blame ∂loss/∂number. Solid arrows go forward, dashed ones back. A
    ReLU shows the number before and behind it, and is dashed where it lets nothing through.

    Args:
        graph: columns of nodes and the edges between them; `widgets.SmallNet` makes one
            from weights, biases, an input row and a target. `graph.flow()` are the frames
            for `moving`.
        digits: behind the decimal point.
        key: a line below that names the shapes.

    Raises:
        ArgumentError: the axes are too small for it, in words that say by how much. (As
            one of several axes it is then drawn without numbers, or without any text.)
    """
    width, height = _inches(ax)
    foot = KEY if key else 0.0
    several = _grid(ax) != (1, 1)
    shapes, arrows = place(graph, width, height - foot, digits, shrink=several)
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(-foot, height - foot))
    ax.set_aspect("equal")
    small = not any(shape.number or shape.name for shape in shapes)
    for arrow in arrows:
        _arrow(ax, arrow, 6 if small else 9)
    for shape in shapes:
        _shape(ax, shape)
    if key:
        _key(ax, shapes, any(arrow.back for arrow in arrows), width)


def _inches(ax: Axes) -> tuple[float, float]:
    """The room that these axes will have in their figure, about."""
    width, height = ax.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    rows, cols = _grid(ax)
    titled = rows * cols > 1 or bool(ax.get_title())
    return width / cols - 2 * EDGE, height / rows - 2 * EDGE - (TITLE if titled else 0)


def _grid(ax: Axes) -> tuple[int, int]:
    """Of how many rows and columns of axes these are one."""
    spec = ax.get_subplotspec()
    return spec.get_gridspec().get_geometry() if spec else (1, 1)


def _arrow(ax: Axes, arrow: Arrow, tip: float = 9) -> None:
    style: dict[str, Any] = {"color": "0.75" if arrow.idle else "0.35", "lw": 1.1}
    if arrow.back:
        style |= {"color": BLAME, "ls": DASHES}
    ends = (arrow.x0, arrow.y0), (arrow.x1, arrow.y1)
    style.update(
        arrowstyle="-|>" if arrow.tip else "-",
        mutation_scale=tip,
        shrinkA=0,
        shrinkB=0,
        zorder=2,
    )
    ax.add_patch(FancyArrowPatch(*ends, **style))


def _shape(ax: Axes, shape: Shape) -> None:
    _outline(ax, shape)
    lift = LINE / 2 if shape.low else 0
    _write(ax, shape.x, shape.y + lift, shape.number)
    _write(ax, shape.x, shape.y - lift, shape.blame, color=BLAME, style="italic")
    _write(ax, shape.x, shape.y + shape.height / 2 + LINE / 2, shape.name)


def _outline(ax: Axes, shape: Shape) -> None:
    paint = PAINT[shape.kind]
    style: dict[str, Any] = {
        "ec": paint.rim,
        "fc": "white" if shape.empty else OFF if shape.off else paint.paper,
        "ls": (0, (2, 1.5)) if shape.off else "-",
        "lw": 1.8 if shape.kind == "loss" else 1.1,
        "clip_on": False,
        "zorder": 3,
    }
    left, right = shape.x - shape.width / 2, shape.x + shape.width / 2
    low, high = shape.y - shape.height / 2, shape.y + shape.height / 2
    if paint.corner is None:
        neck = right - 0.25 * shape.height
        corners = [(left, low), (neck, low), (right, shape.y), (neck, high), (left, high)]
        ax.add_patch(Polygon(corners, closed=True, **style))
        return
    round_ = paint.corner * shape.height
    box = FancyBboxPatch(
        (left, low),
        shape.width,
        shape.height,
        boxstyle=f"round,pad=0,rounding_size={round_}",
        **style,
    )
    ax.add_patch(box)


def _write(ax: Axes, x: float, y: float, text: str, **style: Any) -> None:
    if text:
        usual: dict[str, Any] = {
            "ha": "center",
            "va": "center_baseline",
            "color": "0.05",
            "zorder": 4,
        }
        ax.text(x, y, text, fontsize=SMALL, **(usual | style))


def _key(ax: Axes, shapes: list[Shape], back: bool, width: float) -> None:
    """Names the kinds of shape that are there, and the blame."""
    kinds = [kind for kind in PAINT if any(shape.kind == kind for shape in shapes)]
    entries: list[tuple[str, str]] = [(kind, PAINT[kind].says) for kind in kinds]
    if back:
        entries.append(("blame", "blame: ∂loss/∂this number"))
    y, sample, space = -KEY / 2 - 0.02, 0.24, 0.28
    x = (width - sum(sample + 0.07 + wide(t) for _, t in entries)) / 2
    x -= space * (len(entries) - 1) / 2
    for kind, text in entries:
        if kind == "blame":
            _arrow(ax, Arrow(x + sample, y, x, y, True))
        else:
            _outline(ax, Shape(x + sample / 2, y, sample, 0.15, kind))
        style = {"color": BLAME, "style": "italic"} if kind == "blame" else {}
        _write(ax, x + sample + 0.07, y, text, ha="left", **style)
        x += sample + 0.07 + wide(text) + space

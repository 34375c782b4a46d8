"""One function per picture. Each takes plain arrays and an axis, draws, and trains nothing.

    with plotting.figure("Loss against step: it falls.", "Where is it steepest?") as ax:
        plotting.curves(ax, None, {"train": losses}, xlabel="step", ylabel="loss")

`figure` shows the picture in the house style, with alt text and a caption; `moving` shows one
that moves. `MEANING` says what each thing of the course looks like: line style or marker
always varies with colour, so no picture needs colour to be read.
"""

from lesson5_utils.plotting.boards import leaderboard, readings
from lesson5_utils.plotting.cycles import divisors, rate_race, strips, trade_off
from lesson5_utils.plotting.figures import figure, show, show_caption
from lesson5_utils.plotting.films import film_map, judged, offers
from lesson5_utils.plotting.graph import Edge, Graph, Node, Part
from lesson5_utils.plotting.grids import counts, cross_tab, heatmaps, images, matrix
from lesson5_utils.plotting.labels import name_lines, reference
from lesson5_utils.plotting.lines import (
    bands,
    curves,
    fitted,
    histograms,
    paths,
    range_test,
    reliability,
)
from lesson5_utils.plotting.net import net_graph
from lesson5_utils.plotting.player import moving
from lesson5_utils.plotting.points import (
    joint,
    labelled_points,
    matched_maps,
    scatter,
    spread,
)
from lesson5_utils.plotting.pushes import pushes
from lesson5_utils.plotting.style import COLOURS, LINES, MARKERS, MEANING, Look, looks
from lesson5_utils.plotting.surprise import clinic, lowest, surprise
from lesson5_utils.plotting.tags import film_lists, tagged
from lesson5_utils.plotting.tastes import taste_map
from lesson5_utils.plotting.transfer import kind_map, picture_rows
from lesson5_utils.plotting.valley import ditch, rates_above, valley
from lesson5_utils.plotting.wide import wide_fit

__all__ = [
    "COLOURS",
    "LINES",
    "MARKERS",
    "MEANING",
    "Edge",
    "Graph",
    "Look",
    "Node",
    "Part",
    "bands",
    "clinic",
    "counts",
    "cross_tab",
    "curves",
    "ditch",
    "divisors",
    "figure",
    "film_lists",
    "film_map",
    "fitted",
    "heatmaps",
    "histograms",
    "images",
    "joint",
    "judged",
    "kind_map",
    "labelled_points",
    "leaderboard",
    "looks",
    "lowest",
    "matched_maps",
    "matrix",
    "moving",
    "name_lines",
    "net_graph",
    "offers",
    "paths",
    "picture_rows",
    "pushes",
    "range_test",
    "rate_race",
    "rates_above",
    "readings",
    "reference",
    "reliability",
    "scatter",
    "show",
    "show_caption",
    "spread",
    "strips",
    "surprise",
    "tagged",
    "taste_map",
    "trade_off",
    "valley",
    "wide_fit",
]

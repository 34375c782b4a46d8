"""The moving picture: what it shows, weighs and says; its script, run; nbval's view of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from lesson5_utils import plotting
from lesson5_utils.errors import ArgumentError
from lesson5_utils.plotting import figures, player

ROOT = Path(__file__).resolve().parent.parent


def draw(ax: Any, step: int) -> None:
    ax.plot([0, 1], [0, step])
    ax.set(xlim=(0, 1), ylim=(0, 9))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    displayed: list[dict[str, Any]] = []

    def display(data: dict[str, Any], *, raw: bool, metadata: Any = None) -> None:
        displayed.append(data | {"metadata": metadata})

    monkeypatch.setattr(figures, "display", display)
    monkeypatch.setattr(player, "display", display)
    return displayed


class Parts(HTMLParser):
    """Every tag with its attributes, and the text of the scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            self.scripts.append(data)


def test_it_is_the_last_frame_then_a_still_twin_then_the_caption(
    shown: list[dict[str, Any]],
) -> None:
    frames, name = range(10), "step {}".format
    plotting.moving(draw, frames, "A <line> turns.", "Watch it.", name=name, still=3)
    moving, still, caption = shown
    parts = Parts(moving["text/html"])
    assert [tag for tag, _ in parts.tags] == ["div", "img", "script", "script"]
    told = json.loads(parts.scripts[0])
    assert [frame["name"] for frame in told] == [f"step {i}" for i in frames]
    assert len({frame["src"] for frame in told}) == 10
    assert parts.tags[1][1]["src"] == told[-1]["src"]
    assert parts.tags[1][1]["alt"] == "A <line> turns."
    assert still["metadata"]["image/png"]["alt"] == (
        "The same in 3 still pictures. A <line> turns."
    )
    assert caption["text/markdown"] == "*Watch it.*"
    assert moving["text/plain"] == "<moving figure>"


def test_still_frames_stand_in_a_row_or_one_below_the_other(
    shown: list[dict[str, Any]],
) -> None:
    for stacked in (False, True):
        plotting.moving(draw, [1, 2, 3], "A line.", width=5, height=1.5, stacked=stacked)
    stills = [one["metadata"]["image/png"] for one in shown if one["metadata"]]
    sizes = [(still["width"], still["height"]) for still in stills]
    assert sizes == [(845, 221), (480, 513)]


def test_it_asks_no_other_host_and_has_no_ids_and_is_the_same_each_time(
    shown: list[dict[str, Any]],
) -> None:
    for _ in range(2):
        plotting.moving(draw, [1, 2], "A line turns.")
    first, _, second, _ = shown
    html = first["text/html"]
    assert html == second["text/html"]
    assert "http" not in html and " id=" not in html


def test_forty_frames_weigh_less_than_600_kb_and_much_more_is_refused(
    shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plotting.moving(draw, [i / 5 for i in range(40)], "A line turns.", width=4, height=3)
    assert len(shown[0]["text/html"]) < 300_000
    shown.clear()
    monkeypatch.setattr(player, "HEAVIEST", 20_000)
    with pytest.raises(ArgumentError, match=r"the frames take \d+ kB, and 20 are the most"):
        plotting.moving(draw, range(9), "A line turns.")
    assert not shown


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"frames": [1]}, "two frames or more, not 1"),
        ({"alt": ""}, "alt must say"),
        ({"seconds": 0}, "seconds must be a number of at least 0.04"),
        ({"still": 1}, "still must be a whole number from 2 to 6"),
        ({"width": 20}, "width must be"),
    ],
)
def test_what_cannot_move_is_refused(
    wrong: dict[str, Any], told: str, shown: list[dict[str, Any]]
) -> None:
    arguments = {"draw": draw, "frames": [1, 2], "alt": "A line."} | wrong
    with pytest.raises(ArgumentError, match=told):
        plotting.moving(**arguments)
    assert not shown


# --- the script, run by node on a page of a few lines -------------------------------------

PAGE = """
let timers = [];
globalThis.setInterval = (call) => timers.push(call);
globalThis.clearInterval = (timer) => { if (timer) timers[timer - 1] = null; };
const tick = () => timers.forEach((call) => call && call());
const made = (tag) => ({ tag, attrs: {}, style: {}, children: [], isConnected: true,
  setAttribute(name, value) { this.attrs[name] = value; },
  appendChild(child) { this.children.push(child); } });
const img = made("img"), box = made("div");
box.querySelector = (what) => (what === "img" ? img : { textContent: FRAMES });
globalThis.document = { createElement: made, currentScript: { parentElement: box } };
globalThis.window = { matchMedia: () => ({ matches: CALM }) };
SCRIPT
const bar = box.children[0], [play, back, next, slider, told] = bar.children;
const log = [];
const note = (what) => log.push([what, img.src, play.attrs["aria-label"]]);
note("start");
MOVES
console.log(JSON.stringify({ log, bar: bar.attrs, told: told.textContent,
  labels: bar.children.map((child) => child.attrs["aria-label"]),
  texts: bar.children.map((child) => child.textContent), live: told.attrs["aria-live"],
  ours: bar.children.map((child) => child.attrs["data-lm-suppress-shortcuts"]),
  slider: [slider.type, slider.min, slider.max, slider.attrs["aria-valuetext"]] }));
"""


def run_player(moves: str, calm: bool = False) -> dict[str, Any]:
    frames = [{"name": f"step {i}", "src": f"frame {i}"} for i in range(4)]
    parts = Parts(player.player(frames, "alt", 0.15, 4, 3))
    told, script = parts.scripts
    page = PAGE.replace("FRAMES", json.dumps(told)).replace("CALM", json.dumps(calm))
    page = page.replace("SCRIPT", script).replace("MOVES", moves)
    done = subprocess.run(["node", "-"], input=page, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


@needs_node
def test_it_stands_still_until_play_and_stops_at_the_end() -> None:
    found = run_player("tick(); note('tick'); play.onclick(); note('play');" + "tick();" * 5)
    assert found["log"] == [
        ["start", "frame 3", "Play"],
        ["tick", "frame 3", "Play"],
        ["play", "frame 0", "Pause"],
    ]
    found = run_player("play.onclick(); tick(); note('on');" + "tick();" * 5 + "note('end')")
    assert found["log"][1:] == [["on", "frame 1", "Pause"], ["end", "frame 3", "Play"]]
    assert found["told"] == " step 3"


@needs_node
def test_pause_steps_and_slider_take_over() -> None:
    found = run_player(
        "play.onclick(); tick(); play.onclick(); note('pause'); tick(); note('still');"
        "next.onclick(); note('next'); back.onclick(); back.onclick(); note('back');"
        "back.onclick(); back.onclick(); note('first');"
        "slider.value = '2'; slider.oninput(); tick(); note('slid');"
    )
    assert found["log"][1:] == [
        ["pause", "frame 1", "Play"],
        ["still", "frame 1", "Play"],
        ["next", "frame 2", "Play"],
        ["back", "frame 0", "Play"],
        ["first", "frame 0", "Play"],
        ["slid", "frame 2", "Play"],
    ]


@needs_node
def test_under_reduced_motion_play_moves_one_frame() -> None:
    found = run_player(
        "play.onclick(); tick(); note('a'); play.onclick(); note('b')", calm=True
    )
    assert found["log"][1:] == [["a", "frame 0", "Play"], ["b", "frame 1", "Play"]]


@needs_node
def test_it_stops_when_its_output_is_cleared() -> None:
    found = run_player("play.onclick(); box.isConnected = false; tick(); tick(); note('gone')")
    assert found["log"][1:] == [["gone", "frame 0", "Play"]]


@needs_node
def test_a_screen_reader_is_told_what_each_control_is() -> None:
    found = run_player("")
    assert found["labels"][:4] == ["Play", "One frame back", "One frame on", "Frame"]
    assert found["bar"]["aria-label"] and found["bar"]["role"] == "group"
    assert found["slider"] == ["range", 0, 3, "step 3"]


@needs_node
def test_while_it_moves_a_screen_reader_does_not_read_each_frame_aloud() -> None:
    assert run_player("play.onclick(); tick();")["live"] == "off"
    assert run_player("play.onclick(); tick(); play.onclick();")["live"] == "polite"
    assert run_player("play.onclick();" + "tick();" * 5)["live"] == "polite"


@needs_node
def test_keys_on_a_control_are_not_jupyterlabs() -> None:
    """Lab asks the element with the focus first: on the bar around it, it comes too late."""
    controls = run_player("")["ours"][:4]
    assert controls == ["true"] * 4


@needs_node
def test_what_stands_on_the_controls_is_in_every_font() -> None:
    play, back, following, *_ = run_player("")["texts"]
    assert (play, back, following) == ("Play", "←", "→")
    assert run_player("play.onclick()")["texts"][0] == "Pause"


# --- in a notebook ------------------------------------------------------------------------

CELL = """
from lesson5_utils import plotting
def draw(ax, step):
    ax.plot([0, 1], [0, step])
plotting.moving(draw, range(EDGE), "A line turns.", "Watch it.")
"""


def test_nbval_passes_with_it_and_still_sees_what_changes(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell(CELL.replace("EDGE", "3"))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, kernel_name="python3").execute()
    assert [out.output_type for out in cell.outputs] == ["display_data"] * 3
    pixels = r"(?<=base64,)[A-Za-z0-9+/]{100,}"
    html = cell.outputs[0].data["text/html"]
    # another machine draws other pixels
    cell.outputs[0].data["text/html"] = re.sub(pixels, "A" * 300, html)
    nbformat.write(notebook, tmp_path / "same.ipynb")
    cell.outputs[0].data["text/html"] = html.replace("A line turns", "A line stands")
    nbformat.write(notebook, tmp_path / "other.ipynb")
    options = "-q -p no:cacheprovider --nbval --nbval-current-env --nbval-sanitize-with"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options.split(), ROOT / "tests" / "nbval.cfg", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "1 failed, 1 passed" in done.stdout, done.stdout[-2000:]
    assert "A line stands" in done.stdout

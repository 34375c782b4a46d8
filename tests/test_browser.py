"""In a real browser: pages (nothing asked of another host, no error, no sideways scroll), and
the widgets in JupyterLab, by mouse, keys and finger.

Skipped without playwright (`pip install playwright`) and a Chromium on the path.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_markdown_cell, new_notebook
from small_course import cell, small_course
from small_lab import Lab, running_lab

from lesson5_utils import widgets
from lesson5_utils.book import copies, index
from lesson5_utils.book.pages import render

pytestmark = pytest.mark.slow

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in NAMES if (found := shutil.which(name))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]

WORDS = """A formula, $x^2$, and `a_long_name_of_some_function_with_logits(model, batch)`.

| term | in one sentence | em português |
|---|---|---|
| superconvergence | training that needs several times fewer epochs | superconvergência |
| learning rate | how far a step goes | taxa de aprendizado |
"""
RATE = """
from lesson5_utils import datasets, widgets
widgets.RateFilms(datasets.load_ratings())
"""
PAD = """
import torch
x, y = datasets.load_digits().train
means = torch.stack([x[y == digit].mean(dim=0) for digit in range(10)])
def scores(digit):
    return (-(means - digit).square().sum(dim=1)).softmax(dim=0)
def why(digit):
    return means[scores(digit).argmax()] * digit
pad = widgets.DrawingPad(scores, why)
pad
"""
SCORES = """
from lesson5_utils import widgets
names = ["cat", "dog", "plane", "fish", "building"]
widgets.ScoreSliders([0, 2, -1, 1, 0.5], names, truth=1)
"""
FITS = """
from torch import nn, ones
from lesson5_utils import training
data = ones(400, 1), ones(400, 1)
for seed in range(9):
    training.fit(nn.Linear(1, 1), data, data, 2, 0.01, batch_size=4, progress=True)
print("All fitted.")
"""
MOVING = """
from lesson5_utils import plotting
def draw(ax, step):
    ax.plot([0, 1], [0, step])
    ax.set(ylim=(0, 9))
with plotting.figure("A line.", "Where to?", width=8.8) as ax:
    draw(ax, 3)
plotting.moving(draw, range(10), "A line turns.", "Watch it.")
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    drawn = new_notebook(cells=[cell("moving", MOVING)])
    NotebookClient(drawn, kernel_name="python3").execute()
    course = small_course(
        tmp_path_factory.mktemp("course"), new_markdown_cell(WORDS), *drawn.cells
    )
    shutil.copytree(course.notebooks, course.executed("sample", "sample"))
    return render(course, course.executed("sample", "sample")).parent / "00_first.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium on the path")
    with driver.sync_playwright() as running:
        started = running.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.mark.parametrize("wide", [1280, 390, 320])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_quiet_and_as_wide_as_its_window(
    wide: int, scheme: str, page: Path, browser: Any
) -> None:
    opened = browser.new_page(viewport={"width": wide, "height": 800}, color_scheme=scheme)
    said: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(page.as_uri())
    opened.wait_for_selector(".MathJax", timeout=20_000)
    opened.wait_for_timeout(500)  # for its fonts
    assert said == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    assert opened.evaluate("document.documentElement.scrollWidth") == wide
    still = opened.locator("img").first.bounding_box()
    assert round(still["width"]) == min(845, round(wide - 2 * 1.2 * 16)), "its nominal size"
    opened.close()


def test_the_player_is_played_by_keys(page: Path, browser: Any) -> None:
    opened = browser.new_page()
    opened.goto(page.as_uri())
    told = opened.locator(".lesson5-moving output")
    assert told.inner_text().strip() == "9"
    opened.get_by_role("button", name="Play").focus()
    opened.keyboard.press("Enter")
    opened.wait_for_timeout(400)
    opened.keyboard.press("Enter")
    assert 0 < int(told.inner_text()) < 9
    for keys, frame in {
        "Tab Tab Tab Home": 0,
        "ArrowRight": 1,
        "End": 9,
        "ArrowLeft": 8,
    }.items():
        for key in keys.split():
            opened.keyboard.press(key)
        assert int(told.inner_text()) == frame
    opened.close()


def test_without_scripts_the_last_frame_is_seen(page: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(page.as_uri())
    assert opened.locator(".lesson5-moving img").bounding_box()["width"] > 500
    assert opened.locator(".lesson5-moving button").count() == 0
    context.close()


# --- widgets in JupyterLab ----------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> index.Course:
    cells = [cell("rate", RATE), cell("pad", PAD), cell("last", "pad")]
    course = small_course(tmp_path_factory.mktemp("desk"), *cells, second=SCORES, third=FITS)
    copies.make(course)
    return course


@pytest.fixture(scope="module")
def lab(
    course: index.Course, browser: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lab]:
    with running_lab(course, tmp_path_factory.mktemp("jupyter")) as running:
        yield running


class Desk:
    """A notebook of widgets, all its cells run, in one window; `ready` is then seen."""

    def __init__(
        self, lab: Lab, browser: Any, name: str, cells: int, ready: str, **window: Any
    ) -> None:
        self.cells, self.ready = cells, ready
        self.said: list[str] = []
        self.asked: set[str] = set()
        self.window = browser.new_context(
            viewport={"width": 1200, "height": 1000}, has_touch=True, **window
        )
        self.page = self.window.new_page()
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url.split("/")[2]))
        place = f"lab/workspaces/{name}/tree/work/{name}.ipynb"  # alone on its desk
        self.page.goto(f"{lab.address}{place}?token={lab.token}")
        self.page.wait_for_selector("text=| Idle", timeout=60_000)
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_selector(ready, timeout=90_000)
        self.pad = self.page.locator(".lesson5-pad").first
        self.paper = self.pad.locator(".lesson5-paper")
        self.films = self.page.locator(".lesson5-film")

    def tells(self, text: str) -> None:
        """The pad, or the list of films, tells this within five seconds."""
        self.page.wait_for_selector(f"text=/{text}/ >> visible=true", timeout=5_000)

    def at(self, x: float, y: float) -> tuple[float, float]:
        edge = self.paper.bounding_box()
        return edge["x"] + x / 28 * edge["width"], edge["y"] + y / 28 * edge["height"]

    def keys(self, keys: str) -> None:
        for key in keys.split():
            self.page.keyboard.press(key)

    def close(self) -> None:
        assert self.said == []
        assert {host.split(":")[0] for host in self.asked} <= {"127.0.0.1", ""}
        cells = self.page.locator(".jp-Cell").all_inner_texts()
        assert len(cells) == self.cells, ("a key has cut or made a cell", cells)
        self.window.close()


@pytest.fixture
def desk(lab: Lab, browser: Any) -> Iterator[Desk]:
    opened = Desk(lab, browser, "00_first", 4, ".lesson5-pad >> nth=1")
    yield opened
    opened.close()


@pytest.fixture
def scores(lab: Lab, browser: Any) -> Iterator[Desk]:
    opened = Desk(lab, browser, "01_second", 2, ".lesson5-scores")
    yield opened
    opened.close()


def test_films_are_rated_by_mouse_and_by_keys(desk: Desk, course: index.Course) -> None:
    desk.films.nth(0).get_by_role("radio", name="5 stars").click()
    desk.tells("1 of 10 rated. Kept in work/ratings.csv.")
    desk.films.nth(1).get_by_role("radio").nth(0).focus()
    desk.keys("ArrowRight ArrowRight ArrowRight x")
    desk.tells("2 of 10 rated")
    desk.keys("Tab ArrowRight")
    desk.tells("3 of 10 rated")
    kept = (course.work / "ratings.csv").read_text(encoding="utf-8").splitlines()
    assert [line[-1] for line in kept[1:]] == ["5", "3", "1"]
    assert desk.films.nth(1).get_by_role("radio", name="3 stars").is_checked()


def test_a_digit_is_drawn_with_the_mouse_and_undone(desk: Desk) -> None:
    desk.paper.scroll_into_view_if_needed()
    desk.page.mouse.move(*desk.at(14, 4))
    desk.page.mouse.down()
    desk.page.mouse.move(*desk.at(14, 24), steps=10)
    desk.tells("The model says 1")  # while it is drawn
    desk.page.mouse.up()
    bars = desk.pad.get_by_role("listitem")
    assert bars.nth(1).inner_text().split() == ["1", "100", "%"]
    desk.pad.get_by_role("button", name="Undo").click()
    desk.tells("Draw a digit, or choose")
    desk.pad.get_by_role("combobox", name="Saved drawings").select_option(label="a zero")
    desk.tells("The model says 0")
    desk.pad.get_by_role("button", name="Clear").click()
    desk.tells("Draw a digit, or choose")
    desk.pad.get_by_role("button", name="Undo").click()
    desk.tells("The model says 0")


def test_a_digit_is_drawn_with_keys(desk: Desk) -> None:
    desk.paper.focus()
    desk.keys("ArrowUp " * 9 + "Space " + "ArrowDown " * 18 + "Space x")
    desk.tells("The model says 1")
    assert desk.pad.get_by_text("pen up, column 14, row 23").count() == 1
    desk.keys("Backspace")
    desk.tells("Draw a digit, or choose")


def test_a_digit_is_drawn_with_a_finger_and_both_views_show_it(desk: Desk) -> None:
    desk.paper.scroll_into_view_if_needed()
    touch = desk.window.new_cdp_session(desk.page)
    for y in range(4, 25, 2):
        x, y_ = desk.at(14, y)
        kind = "touchStart" if y == 4 else "touchMove"
        points = [{"x": x, "y": y_}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    desk.tells("The model says 1")
    for view in desk.page.locator(".lesson5-said").all():
        assert view.inner_text().startswith("The model says 1")


def test_saved_by_its_key_a_drawing_is_there_after_a_reload(desk: Desk) -> None:
    choose = desk.pad.get_by_role("combobox", name="Saved drawings")
    choose.select_option(label="a seven")
    desk.tells("The model says 7")
    choose.focus()
    desk.keys("Control+s")  # goes to JupyterLab, though the pad has the focus
    desk.page.wait_for_timeout(2_000)
    desk.page.reload()
    desk.page.wait_for_selector(".lesson5-pad", timeout=60_000)
    desk.tells("The model says 7")


def test_widgets_fit_their_window(desk: Desk) -> None:
    desk.keys("Control+b")  # without the list of files
    for wide in (1200, 420):
        desk.page.set_viewport_size({"width": wide, "height": 1000})
        desk.page.wait_for_timeout(1_000)
        for box in (*desk.films.all(), desk.pad):
            inside = box.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
            assert inside, (wide, box.inner_text())


def losses(desk: Desk) -> list[str]:
    """Both losses, as they stand above the sliders."""
    return desk.page.locator(".lesson5-scores tbody td:nth-child(2)").all_inner_texts()


def test_scores_are_moved_by_mouse_keys_and_finger(scores: Desk) -> None:
    page = scores.page
    assert losses(scores) == ["0.57", "0.26"]
    slider = page.get_by_role("slider", name="score of dog")
    edge = slider.bounding_box()
    middle = edge["y"] + edge["height"] / 2
    page.mouse.move(edge["x"] + edge["width"] * 8 / 12, middle)
    page.mouse.down()
    page.mouse.move(edge["x"] + 2, middle, steps=12)
    scores.tells(r"\+1\.00")  # while it is dragged
    page.mouse.up()
    scores.tells("−6.00")
    assert slider.get_attribute("aria-valuetext") == "−6.00, probability 0.00"
    scores.keys("End x")
    scores.tells("The truth is dog, p 0.99")
    scores.keys("ArrowLeft ArrowLeft")
    scores.tells("5.80")
    page.get_by_role("radio", name="dog is the true class").focus()
    scores.keys("ArrowDown ArrowDown x")
    scores.tells("The truth is fish, p 0.01: cross-entropy 4.82")
    edge = page.get_by_role("slider", name="score of fish").bounding_box()
    page.touchscreen.tap(edge["x"] + edge["width"] - 1, edge["y"] + edge["height"] / 2)
    scores.tells("The truth is fish, p 0.5")
    page.get_by_role("button", name="Reset").tap()
    scores.tells("The truth is dog, p 0.56")
    assert losses(scores) == ["0.57", "0.26"]


def test_scores_are_there_after_a_reload(scores: Desk) -> None:
    scores.page.get_by_role("slider", name="score of dog").focus()
    scores.keys("Home Control+s")
    scores.tells("The truth is dog, p 0.00: cross-entropy 7.75")
    scores.page.wait_for_timeout(2_000)
    scores.page.reload()
    scores.page.wait_for_selector(scores.ready, timeout=60_000)
    assert losses(scores) == ["7.75", "1.34"]


def test_scores_fit_their_window(scores: Desk) -> None:
    scores.keys("Control+b")  # without the list of files
    for wide in (1200, 420, 360):
        scores.page.set_viewport_size({"width": wide, "height": 1000})
        scores.page.wait_for_timeout(1_000)
        box = scores.page.locator(".lesson5-scores")
        assert box.evaluate("one => one.scrollWidth <= one.clientWidth + 1"), wide


def test_finished_bars_leave_nothing_also_after_a_reload(lab: Lab, browser: Any) -> None:
    opened = Desk(lab, browser, "02_third", 2, "text=/^All fitted/ >> visible=true")
    page = opened.page
    for _ in range(2):
        told = page.locator(".jp-OutputArea-output").all_inner_texts()
        assert [text.strip() for text in told] == ["", "All fitted."]
        opened.keys("Control+s")
        page.wait_for_timeout(2_000)
        page.reload()
        page.wait_for_selector(opened.ready, timeout=60_000)
    opened.close()


# A widget without JupyterLab: its own script, and a model whose changes Python answers.
STAGE = """
const listeners = {};
let state, waiting = {};
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = waiting[name] = value; },
  save_changes: () => { const sent = waiting; waiting = {}; python(sent, null).then(receive); },
  send: (message) => python({}, message).then(receive),
  on: (names, does) => names.split(" ").forEach((one) => (listeners[one] ??= []).push(does)),
  off: () => {},
};
function receive(fresh) {
  const old = state;
  state = fresh;
  for (const name of Object.keys(fresh)) {
    if (JSON.stringify(old[name]) === JSON.stringify(fresh[name])) continue;
    (listeners["change:" + name] ?? []).forEach((does) => does());
  }
}
state = await python({}, null);
widget.render({ model, el: document.body });
"""


def stage(widget: Any, browser: Any, scheme: str = "light") -> tuple[Any, list[str]]:
    """A page that shows the widget, and what it says or asks for that it should not."""
    opened = browser.new_page(color_scheme=scheme)
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text))
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("request", lambda request: wrong.append(request.url))

    def python(changes: dict[str, Any], message: Any) -> dict[str, Any]:
        for name, value in changes.items():
            setattr(widget, name, value)
        if message:
            widget._handle_custom_msg(message, [])
        return {key: value for key, value in widget.get_state().items() if key[:4] != "_ano"}

    opened.expose_function("python", python)
    module = widget._esm.replace("export default", "const widget =")
    opened.set_content(
        f"<style>{widget._css}</style><body><script type=module>{module}{STAGE}</script>"
    )
    opened.wait_for_selector("[role=status]")
    return opened, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_graph_of_a_net_is_played_by_keys(scheme: str, browser: Any) -> None:
    net = widgets.SmallNet(x=2, weights=[0.5, 0.8], biases=[0.1, None], target=3)
    graph = widgets.NetGraph(net, lr=0.05)
    opened, wrong = stage(graph, browser, scheme)
    told, picture = opened.get_by_role("status"), opened.get_by_role("img")
    assert told.inner_text() == "prediction 0.88, target 3.00, loss 4.4944"
    assert picture.locator(".lit").count() == 0
    opened.get_by_role("slider", name="w1").focus()
    assert picture.locator(".lit").count() == 1, "the number it moves is framed"
    opened.keyboard.press("ArrowRight")
    opened.wait_for_function("document.body.innerText.includes('prediction 0.96')")
    assert graph.values == pytest.approx([0.55, 0.1, 0.8])
    assert "w1 0.55" in picture.text_content()
    assert "prediction 0.96" in picture.get_attribute("aria-label")
    opened.get_by_role("button", name="Step").focus()
    opened.keyboard.press("Enter")
    opened.wait_for_function("document.body.innerText.includes('After 1 step')")
    assert graph.steps == 1 and told.inner_text() == graph.told()
    slider = opened.get_by_role("slider", name="w2")
    assert slider.get_attribute("aria-valuetext") == f"{graph.values[2]:.2f}"
    opened.keyboard.press("Tab")
    opened.keyboard.press("Space")
    opened.wait_for_function("document.body.innerText.includes('loss 4.4944')")
    assert graph.values == net.values()
    assert wrong == []
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_scores_are_told_in_words_when_they_rest(scheme: str, browser: Any) -> None:
    names = ["cat", "dog", "a very long name of a class"]
    sliders = widgets.ScoreSliders([0.25, 9, -1], names, truth=1)
    opened, wrong = stage(sliders, browser, scheme)
    spoken, slider = opened.get_by_role("status"), opened.get_by_role("slider", name="dog")
    assert spoken.inner_text() == "", "nothing is said before something moves"
    assert slider.get_attribute("aria-valuetext") == "9.00, probability 1.00"
    assert slider.get_attribute("max") == "9", "a score beyond the bounds has room"
    opened.evaluate("""
        window.heard = [];
        const aloud = document.querySelector("[role=status]");
        new MutationObserver(() => heard.push(aloud.textContent)).observe(
          aloud, { childList: true });
    """)
    slider.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        opened.keyboard.press(key)
        opened.wait_for_timeout(150)
    opened.wait_for_function("heard.length > 0")
    assert opened.evaluate("heard") == [sliders._shown["said"]], "not at every step"
    assert sliders.scores == pytest.approx([0.25, -5.7, -1]), "the others stay as they were"
    arrows = opened.get_by_role("img", name="cross-entropy pushes up by 1.00; MSE pushes up by")
    assert arrows.count() == 1
    opened.set_viewport_size({"width": 320, "height": 700})
    opened.wait_for_timeout(300)
    assert opened.evaluate("document.documentElement.scrollWidth") == 320
    assert wrong == []
    opened.close()

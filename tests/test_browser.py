"""Pages in a real browser: nothing asked of another host, no error, no sideways scroll.

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

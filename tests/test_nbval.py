"""What nbval leaves out when it compares outputs: one number after ≈, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook, new_output

from lesson5_utils.exercises import about

CONFIG = Path(__file__).with_name("nbval.cfg")
PAIRS = re.findall("^regex: (.*)$\n^replace: (.*)$", CONFIG.read_text("ascii"), re.M)


def left(text: str) -> str:
    """What nbval compares of a text: it applies the pairs in their order, as here."""
    for pattern, replacement in PAIRS:
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("text", "compared"),
    [
        (
            "body: ≈ 0.90 (guessing: 0.20) · beats: yes",
            "body: ABOUT (guessing: 0.20) · beats: yes",
        ),
        ("10 labels: ≈ 0.90", "10 labels: ABOUT"),
        ("≈ 0.90 against ≈ 0.77, 3 seeds", "ABOUT against ABOUT, 3 seeds"),
        ("≈ 1,285 numbers", "ABOUT numbers"),
        ("≈ 1,234,567.8", "ABOUT"),
        ("≈ 90 % of 500", "ABOUT % of 500"),
        ("≈ 90%", "ABOUT%"),
        ("≈ −0.5", "ABOUT"),
        ("≈ -0.5, ≈ +2", "ABOUT, ABOUT"),
        ("≈ 1e-05 and ≈ 2.5e+10", "ABOUT and ABOUT"),
        ("*≈ 0.90*, <b>≈ 0.90</b>", "*ABOUT*, <b>ABOUT</b>"),
        ("≈ 5, 6, 7", "ABOUT, 6, 7"),
        ("≈ 5,6", "ABOUT,6"),
        ("≈ 12,3456", "ABOUT,3456"),
        ("≈ 0.90.", "ABOUT."),
        ("≈ 0.90 0.80", "ABOUT 0.80"),
        ("≈ 3-4", "ABOUT-4"),
        # not a finite number: compared as it is
        ("≈ nan", "≈ nan"),
        ("≈ inf", "≈ inf"),
        ("≈ −inf", "≈ −inf"),
        ("≈ None", "≈ None"),
        ("≈ [0.9]", "≈ [0.9]"),
        ("≈\n0.90", "≈\n0.90"),
        ("≈  0.90", "≈  0.90"),
        ("0.90 ≈", "0.90 ≈"),
        ("0.90", "0.90"),
        ("~ 0.90", "~ 0.90"),
    ],
)
def test_one_number_after_the_sign_is_left_out_and_nothing_else(
    text: str, compared: str
) -> None:
    assert left(text) == compared


@given(st.floats(-1e9, 1e9), st.integers(0, 6), st.booleans())
def test_whatever_about_prints_is_left_out_whole(
    number: float, digits: int, percent: bool
) -> None:
    text = f"before 1.5 {about(number, digits, percent=percent)} after 2.5"
    assert left(text) == f"before 1.5 ABOUT{' %' if percent else ''} after 2.5"


@pytest.mark.parametrize("pad", ["", "=", "=="])
def test_frames_of_a_moving_picture_are_left_out(pad: str) -> None:
    frame = "iVBORw0KGgo/+" * 8 + "Q" * 20
    assert left(f'<img src="data:image/png;base64,{frame}{pad}" alt="a ball">') == (
        '<img src="data:image/png;base64,PICTURE" alt="a ball">'
    )
    assert left("a" * 99) == "a" * 99, "words are shorter"


def test_the_file_is_plain_ascii_because_nbval_opens_it_in_the_locales_encoding() -> None:
    assert CONFIG.read_bytes().isascii() and len(PAIRS) == 4


# --- nbval itself -------------------------------------------------------------------------

HTML = "from IPython.display import HTML, Markdown\n"
PRINTED = [  # what the cell prints now, and what was saved
    ("≈ 0.91 · yes", "≈ 0.90 · yes", True),
    ("≈ 1,285", "≈ 985", True),
    ("≈ −0.5", "≈ 0.4", True),
    ("≈ 91 %", "≈ 90 %", True),
    ("≈ 91 %", "≈ 0.91", False),
    ("≈ 0.91 · no", "≈ 0.90 · yes", False),
    ("11 labels ≈ 0.90", "10 labels ≈ 0.90", False),
    ("≈ nan", "≈ 0.90", False),
    ("≈ 0.90 (guessing 0.25)", "≈ 0.90 (guessing 0.20)", False),
    ("≈ 0.90 against 0.8", "≈ 0.90 against ≈ 0.8", False),
]


def test_nbval_itself_leaves_out_that_number_and_nothing_else(tmp_path: Path) -> None:
    cells = []
    for now, saved, _ in PRINTED:
        cell = new_code_cell(f"print({now!r})", execution_count=len(cells) + 1)
        cell.outputs = [new_output("stream", text=f"{saved}\n")]
        cells.append(cell)
    for kind, mime in (("Markdown", "text/markdown"), ("HTML", "text/html")):
        for now, count in (("≈ 0.91 *so*", 0), ("≈ 0.91 *no*", 0)):
            cell = new_code_cell(f"{HTML}{kind}({now!r})", execution_count=len(cells) + 1)
            data = {mime: "≈ 0.90 *so*", "text/plain": f"<IPython.core.display.{kind} object>"}
            cell.outputs = [new_output("execute_result", data, execution_count=count)]
            cells.append(cell)
    nbformat.write(new_notebook(cells=cells), tmp_path / "book.ipynb")
    asked = [sys.executable, "-m", "pytest", "-q", "-rfp", "-p", "no:cacheprovider"]
    asked += ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", str(CONFIG)]
    told = subprocess.run([*asked, "book.ipynb"], cwd=tmp_path, capture_output=True, text=True)
    passed = {int(n) for n in re.findall(r"^PASSED .*Cell (\d+)$", told.stdout, re.M)}
    failed = {int(n) for n in re.findall(r"^FAILED .*Cell (\d+)", told.stdout, re.M)}
    same = [same for _, _, same in PRINTED] + [True, False] * 2
    assert passed == {i for i, one in enumerate(same) if one}, told.stdout
    assert failed == {i for i, one in enumerate(same) if not one}, told.stdout

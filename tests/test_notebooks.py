"""Rules that every notebook keeps, and its exercises played through: stub, solution, check."""

from __future__ import annotations

import ast
import base64
import copy
import importlib
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest

from lesson5_utils.book import index
from lesson5_utils.book.output import Client
from lesson5_utils.exercises import Exercise, Report

ROOT = Path(__file__).resolve().parent.parent
PATHS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
Cell = nbformat.NotebookNode
Notebook = nbformat.NotebookNode
PARTS = ("answer", "check", "solution")


@cache
def read(path: Path) -> Notebook:
    return nbformat.read(path, as_version=4)


def cells(notebook: Notebook, kind: str) -> list[Cell]:
    return [cell for cell in notebook.cells if cell.cell_type == kind]


def prose(notebook: Notebook) -> str:
    return "\n\n".join(cell.source for cell in cells(notebook, "markdown"))


def by_id(notebook: Notebook) -> dict[str, Cell]:
    return {cell.id: cell for cell in notebook.cells}


def exercise_names(notebook: Notebook, part: str = "answer") -> list[str]:
    found = [cell.id for cell in notebook.cells if cell.id.startswith(f"{part}-")]
    return [name.removeprefix(f"{part}-") for name in found]


def in_section(notebook: Notebook, heading: str) -> str:
    """The markdown below a heading, up to the next one of its kind."""
    found = re.findall(rf"^## {heading}[^\n]*\n(.*?)(?=^## |\Z)", prose(notebook), re.M | re.S)
    assert len(found) == 1, f"{len(found)} sections {heading!r}"
    return found[0]


every_notebook = pytest.mark.parametrize(
    "notebook", [pytest.param(read(path), id=path.stem) for path in PATHS]
)
every_exercise = pytest.mark.parametrize(
    ("notebook", "name"),
    [
        pytest.param(read(path), name, id=f"{path.stem}-{name}")
        for path in PATHS
        for name in exercise_names(read(path))
    ],
)


def test_there_are_notebooks_and_the_course_lists_them() -> None:
    listed = {lesson.name for lesson in index.load(ROOT).lessons}
    assert len(PATHS) >= 2 and {path.stem for path in PATHS} <= listed


# --- the header, the sections, the end ----------------------------------------------------


@every_notebook
def test_the_header_promises_something_and_lists_the_facts(notebook: Notebook) -> None:
    header = notebook.cells[0].source
    assert re.match(r"# \d\d · \S", header)
    assert re.search(r"^> After this notebook you can .+\.$", header, re.M)
    facts = re.findall(r"^\| (\w[\w ]*) \| .+ \|$", header, re.M)
    assert facts == ["Time", "Video", "Data", "Know first"]


@every_notebook
def test_the_minutes_of_the_sections_add_up_to_the_headers_time(notebook: Notebook) -> None:
    headings = re.findall(r"^## (?!If you want more$)(.+)$", prose(notebook), re.M)
    assert len(headings) >= 5
    minutes = {heading: re.search(r" \((\d+) min\)$", heading) for heading in headings}
    assert all(minutes.values()), minutes
    said = re.search(
        r"^\| Time \| (\d+) min(?: \+ (\d+) optional)? \|$", notebook.cells[0].source, re.M
    )
    total = {"core": 0, "optional": 0}
    for heading, found in minutes.items():
        assert found
        total["optional" if ". Optional: " in heading else "core"] += int(found[1])
    assert said and total == {"core": int(said[1]), "optional": int(said[2] or 0)}


@every_notebook
def test_numbered_sections_count_from_1(notebook: Notebook) -> None:
    numbers = re.findall(r"^## (\d+)\. ", prose(notebook), re.M)
    assert numbers == [str(i + 1) for i in range(len(numbers))] and numbers


@every_notebook
def test_there_are_five_questions_with_hidden_answers(notebook: Notebook) -> None:
    section = in_section(notebook, "Five questions")
    numbers = re.findall(r"^(\d+)\. .+$", section, re.M)
    hidden = re.findall(
        r"^<details><summary>Answer</summary>\n\n.+?\n\n</details>$", section, re.M | re.S
    )
    assert numbers == ["1", "2", "3", "4", "5"] and len(hidden) == 5


@pytest.mark.parametrize(
    "lesson", index.load(ROOT).choose(), ids=lambda lesson: str(lesson.name)
)
def test_the_post_has_a_theme_that_course_yaml_gives_this_notebook(
    lesson: index.Lesson,
) -> None:
    (path,) = (path for path in PATHS if path.stem == lesson.name)
    section = in_section(read(path), "Write your post")
    theme = re.search(r"^\*\*Theme: (.+?)\.\*\*", section, re.M)
    assert theme and theme[1] in lesson.themes


@every_notebook
def test_the_glossary_has_eight_terms_with_their_portuguese(notebook: Notebook) -> None:
    lines = in_section(notebook, "Glossary").strip().splitlines()
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines]
    assert rows[0] == ["term", "in one sentence", "em português"]
    terms = [row[0] for row in rows[2:]]
    assert len(terms) >= 8 and len(set(terms)) == len(terms)
    assert all(len(row) == 3 and all(row) for row in rows)


# --- cells --------------------------------------------------------------------------------


@every_notebook
def test_cell_ids_are_unique_and_say_what_the_cell_is(notebook: Notebook) -> None:
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for name in ids:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name), name
        assert not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?|\d+|cell-\d+", name), name


@every_notebook
def test_no_cell_has_more_than_15_lines_of_code(notebook: Notebook) -> None:
    for cell in cells(notebook, "code"):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert 0 < len(lines) <= 15, cell.id


@every_notebook
def test_everything_is_imported_by_name_in_one_cell_at_the_top(notebook: Notebook) -> None:
    code = cells(notebook, "code")
    assert code[0].id == "imports"
    for cell in code:
        imports = [
            node
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert cell.id == "imports" or not imports, cell.id
        assert not any(name.name == "*" for node in imports for name in node.names)


@every_notebook
def test_hidden_parts_are_opened_and_closed(notebook: Notebook) -> None:
    for cell in cells(notebook, "markdown"):
        tags = re.findall(r"</?details>", cell.source)
        assert tags == ["<details>", "</details>"] * (len(tags) // 2), cell.id
        assert cell.source.count("<summary>") == len(tags) // 2, cell.id
        assert cell.source.count("```") % 2 == 0, cell.id


@every_notebook
def test_every_picture_has_alt_text_and_stays_small(notebook: Notebook) -> None:
    for cell in cells(notebook, "code"):
        for picture in (out for out in cell.outputs if "image/png" in out.get("data", {})):
            alt = picture.metadata.get("image/png", {}).get("alt", "")
            assert alt.strip(), cell.id
            assert len(base64.b64decode(picture.data["image/png"])) <= 200_000, cell.id


@every_notebook
def test_a_caption_stands_below_its_picture_in_italics_and_is_not_its_alt_text(
    notebook: Notebook,
) -> None:
    captions = 0
    for cell in cells(notebook, "code"):
        for above, out in pairwise(cell.outputs):
            if "image/png" in above.get("data", {}) and out.output_type == "display_data":
                caption, alt = out.data, above.metadata["image/png"]["alt"]
                assert re.fullmatch(r"\*\S.*\S\*", caption["text/markdown"]), cell.id
                assert caption["text/plain"].strip() != alt.strip(), cell.id
                captions += 1
        told = "".join(out.get("text", "") for out in cell.outputs)
        assert "Figure: " not in told, cell.id
    assert captions


@every_notebook
def test_a_long_cell_that_only_draws_is_folded(notebook: Notebook) -> None:
    for cell in cells(notebook, "code"):
        draws = cell.source.startswith("with plotting.figure(")
        if draws and len(cell.source.splitlines()) > 6:
            assert cell.metadata.get("jupyter", {}).get("source_hidden"), cell.id


@every_notebook
def test_there_is_at_least_one_picture_in_the_code(notebook: Notebook) -> None:
    assert any("plotting." in cell.source for cell in cells(notebook, "code"))


@every_notebook
def test_it_was_saved_after_a_run_in_order_from_a_fresh_start(notebook: Notebook) -> None:
    counts = [cell.execution_count for cell in cells(notebook, "code")]
    assert counts == list(range(1, len(counts) + 1)), "run `make notebooks`"


@every_notebook
def test_nothing_was_saved_with_an_error_or_a_warning(notebook: Notebook) -> None:
    for cell in cells(notebook, "code"):
        kinds = {out.output_type for out in cell.outputs}
        streams = {out.get("name") for out in cell.outputs}
        assert "error" not in kinds and "stderr" not in streams, cell.id


@every_notebook
def test_at_most_one_in_four_text_outputs_is_not_compared(notebook: Notebook) -> None:
    tags = [
        cell.metadata.get("tags", [])
        for cell in cells(notebook, "code")
        if any("image/png" not in out.get("data", {}) for out in cell.outputs)
    ]
    assert sum("nbval-ignore-output" in one for one in tags) <= len(tags) / 4


# --- exercises ----------------------------------------------------------------------------


def imports(notebook: Notebook) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(by_id(notebook)["imports"].source, namespace)
    return namespace


def check(notebook: Notebook, name: str, namespace: dict[str, Any]) -> Report:
    """The value of the check cell's last line."""
    body = ast.parse(by_id(notebook)[f"check-{name}"].source).body
    last = body.pop()
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(body, []), name, "exec"), namespace)
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace)


def solution(notebook: Notebook, name: str) -> str:
    hidden = re.findall(
        r"<details><summary>Solution</summary>\n\n(.+?)\n\n</details>",
        by_id(notebook)[f"solution-{name}"].source,
        re.S,
    )
    assert len(hidden) == 1
    blocks = re.findall(r"^```python\n(.+?)\n```$", hidden[0], re.M | re.S)
    assert len(blocks) == 1
    return blocks[0]


@every_notebook
def test_there_are_four_exercises_with_stub_check_and_solution(notebook: Notebook) -> None:
    names = exercise_names(notebook)
    assert len(names) >= 4
    assert all(exercise_names(notebook, part) == names for part in PARTS)
    places = [cell.id for cell in notebook.cells]
    for name in names:
        start = places.index(f"answer-{name}")
        assert places[start - 1] == f"exercise-{name}", "the task stands above"
        assert places[start : start + 3] == [f"{part}-{name}" for part in PARTS]


@every_notebook
def test_exercises_are_numbered_from_1(notebook: Notebook) -> None:
    numbers = re.findall(r"^### Exercise (\d+): \S", prose(notebook), re.M)
    assert numbers == [str(i + 1) for i in range(len(exercise_names(notebook)))]


@every_notebook
def test_each_check_of_the_module_is_used_once_and_in_order(notebook: Notebook) -> None:
    module = re.search(
        r"from lesson5_utils\.exercises import (\w+) as check",
        by_id(notebook)["imports"].source,
    )
    assert module
    contents = vars(importlib.import_module(f"lesson5_utils.exercises.{module[1]}"))
    made = {name for name, value in contents.items() if isinstance(value, Exercise)}
    code = "\n".join(cell.source for cell in cells(notebook, "code"))
    used = re.findall(r"\bcheck\.(\w+)\(", code)
    assert used == [name.replace("-", "_") for name in exercise_names(notebook)]
    assert sorted(used) == sorted(made)


@every_exercise
def test_the_stub_is_unanswered(notebook: Notebook, name: str) -> None:
    namespace = imports(notebook)
    exec(by_id(notebook)[f"answer-{name}"].source, namespace)
    assert check(notebook, name, namespace).status == "unanswered"


@every_exercise
def test_the_solution_is_right(notebook: Notebook, name: str) -> None:
    namespace = imports(notebook)
    exec(solution(notebook, name), namespace)
    report = check(notebook, name, namespace)
    assert report.status == "right", report.text


@every_exercise
def test_stub_and_solution_define_the_same_name_with_the_same_arguments(
    notebook: Notebook, name: str
) -> None:
    def signature(source: str) -> list[tuple[str, list[str]]]:
        kinds = ast.FunctionDef | ast.ClassDef
        made = [node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)]
        if not made:  # the answer is a value: a prediction, a diagnosis
            assigned = [node for node in ast.parse(source).body if isinstance(node, ast.Assign)]
            return [(ast.unparse(node.targets[0]), []) for node in assigned]
        return [
            (
                node.name,
                [] if isinstance(node, ast.ClassDef) else [arg.arg for arg in node.args.args],
            )
            for node in made
        ]

    stub = signature(by_id(notebook)[f"answer-{name}"].source)
    assert stub and stub == signature(solution(notebook, name))


@every_exercise
def test_a_hint_stands_before_the_solution(notebook: Notebook, name: str) -> None:
    source = by_id(notebook)[f"solution-{name}"].source
    assert re.findall(r"<summary>(\w+)</summary>", source) == ["Hint", "Solution"]
    assert "```python" not in source.split("<summary>Solution")[0]


@every_exercise
def test_the_saved_check_says_that_it_is_unanswered(notebook: Notebook, name: str) -> None:
    outputs = by_id(notebook)[f"check-{name}"].outputs
    assert len(outputs) == 1 and "not answered yet" in outputs[0].data["text/plain"]


def told(cell: Cell) -> str:
    """All text that a cell has put out, without the figures that may differ (after ≈)."""
    texts = [
        out.get("text") or out.get("data", {}).get("text/plain", "") for out in cell.outputs
    ]
    return re.sub(r"≈ *\S+", "≈", "".join(texts))


@pytest.mark.slow
@every_notebook
def test_it_runs_whole_with_all_solutions_filled_in(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later cells use a right answer; so they must work with one, and tell the same."""
    monkeypatch.setenv("LESSON5_PROGRESS", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # as in the run that saved the outputs
    solved = nbformat.from_dict(copy.deepcopy(notebook))
    for name in exercise_names(solved):
        by_id(solved)[f"answer-{name}"].source = solution(solved, name)
    Client(solved, resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
    for name in exercise_names(solved):
        (output,) = by_id(solved)[f"check-{name}"].outputs
        assert output.data["text/plain"].startswith("✓ "), output.data["text/plain"]
    for cell, saved in zip(cells(solved, "code"), cells(notebook, "code"), strict=True):
        compared = "nbval-ignore-output" not in saved.metadata.get("tags", [])
        if compared and not saved.id.startswith("check-"):
            assert told(cell) == told(saved), cell.id

"""The house itself: who may import whom, and how large a room and a function may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "lesson5_utils"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the ground up: a room may import those before it, and of its own floor only itself.
FLOORS = [
    {"errors"},
    {"arguments", "saving"},
    {"datasets", "models", "optimizers", "schedules", "lr_range"},
    {"layers", "batching", "bars", "entries"},
    {"hooks"},
    {"training"},
    {"interpret", "plotting", "exercises"},
    {"widgets"},
]
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
LINES, FUNCTION = 350, 45


def room(path: Path) -> str:
    """The first name inside the package: `datasets` for datasets/registry.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    """Names of our own package's modules that are imported, wherever it is done."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "lesson5_utils":
                yield from (f"lesson5_utils.{one.name}" for one in node.names)
            elif node.module.startswith("lesson5_utils."):
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith("lesson5_utils."))


def is_checks(path: Path) -> bool:
    """A module of checks, one for each notebook, may be long."""
    return path.parent == PACKAGE / "exercises"


every_module = pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)


def test_every_room_has_a_floor() -> None:
    rooms = {room(path) for path in MODULES} - {"__init__", "book", "cli"}
    assert rooms == set(FLOOR)


@every_module
def test_nothing_imports_upward(path: Path) -> None:
    here = room(path)
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        there = name.split(".")[1]
        if there == here:
            continue
        if here == "cli":
            allowed = True
        elif here == "book":
            allowed = there in {"errors", "arguments", "saving"}  # it knows nothing of the net
        else:
            allowed = there in FLOOR and FLOOR[there] < FLOOR[here]
        assert allowed, f"{here} imports {there}"


@every_module
def test_a_module_is_no_longer_than_a_few_screens(path: Path) -> None:
    n = len(path.read_text(encoding="utf-8").splitlines())
    assert n <= LINES or is_checks(path), f"{n} lines"


@every_module
def test_a_function_can_be_held_in_the_head(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno
            n = node.end_lineno - node.lineno + 1
            if ast.get_docstring(node, clean=False) is not None:
                said = node.body[0]
                assert said.end_lineno
                n -= said.end_lineno - said.lineno + 1
            assert n <= FUNCTION, f"{node.name}: {n} lines without its docstring"


@every_module
def test_every_public_function_and_class_says_what_it_does(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = next(
        (
            {one.value for one in ast.walk(node.value) if isinstance(one, ast.Constant)}
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "__all__"
        ),
        set(),
    )
    if is_checks(path):
        return  # an exercise is explained in its notebook
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in public:
            assert ast.get_docstring(node), node.name

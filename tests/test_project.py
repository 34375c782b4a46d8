"""Promises of the frame: versions, addresses, licences, imports and READMEs in step."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import conftest
import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lesson5_utils
from lesson5_utils.book import index

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SUFFIXES = {".csv", ".gz", ".json", ".npz"}  # of bundled data
CONDA_NAMES = {"torch": "pytorch-cpu"}  # where conda-forge has another name


def direct(*extras: str) -> list[Requirement]:
    named = [*PROJECT["dependencies"]]
    for extra in extras:
        named += PROJECT["optional-dependencies"][extra]
    return [Requirement(line) for line in named]


def pinned(lines: list[str], mark: str) -> dict[str, list[str]]:
    """Package → every version that the lines pin it to."""
    pins: dict[str, list[str]] = {}
    for line in lines:
        if found := re.fullmatch(rf"([\w.-]+){mark}([\w.]+)", line):
            pins.setdefault(canonicalize_name(found[1]), []).append(found[2])
    return pins


CONSTRAINTS = pinned((ROOT / "constraints.txt").read_text().splitlines(), "==")
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("need", direct("dev", "rebuild"), ids=str)
def test_each_direct_dependency_is_pinned_once_within_its_range(need: Requirement) -> None:
    versions = CONSTRAINTS.get(canonicalize_name(need.name), [])
    assert len(versions) == 1
    assert need.specifier.contains(versions[0])


@pytest.mark.parametrize("need", direct("dev"), ids=str)
def test_conda_gets_the_same_version(need: Requirement) -> None:
    lines = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]
    name = canonicalize_name(need.name)
    conda = pinned(lines, "=")[canonicalize_name(CONDA_NAMES.get(name, name))]
    assert conda == CONSTRAINTS[name]


def test_no_constraint_is_said_twice() -> None:
    assert [name for name, versions in CONSTRAINTS.items() if len(versions) > 1] == []


def test_conda_uses_a_python_that_the_package_accepts_and_links_the_course() -> None:
    python = next(
        str(line) for line in ENVIRONMENT["dependencies"] if str(line).startswith("python=")
    )
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(python[7:])
    assert {"pip": ["-e ."]} in ENVIRONMENT["dependencies"]


def test_one_version_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"] == lesson5_utils.__version__
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# --- addresses and licences ---------------------------------------------------------------


COURSE = yaml.safe_load((ROOT / "notebooks" / "course.yaml").read_text(encoding="utf-8"))


def test_addresses_are_those_of_course_yaml() -> None:
    """The public repository has no address yet; with one, links appear in all these places."""
    repository = COURSE["repository"]
    source = {"Source": repository} if repository else {}
    assert PROJECT["urls"] == {"Lecture": COURSE["video"], **source}
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation.get("repository-code") == repository
    for readme in ("README.md", "README.pt-BR.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert ("mybinder.org/v2/" in text) == bool(repository)
        assert not repository or repository in text


def test_the_licence_is_that_of_the_code_and_of_every_bundled_file() -> None:
    """SPDX writes CC-BY-SA-3.0 where people write CC BY-SA 3.0."""
    table = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w.]+)` \|.*\| ([^|]+) \|$", table, re.M))
    bundled = {path.name for path in (ROOT / "data").iterdir() if path.suffix in SUFFIXES}
    assert set(rows) == bundled
    assert set(PROJECT["license"].split(" AND ")) == {
        "MIT",
        *(licence.replace(" ", "-") for licence in rows.values()),
    }
    assert PROJECT["license-files"] == ["LICENSE", "data/README.md"]


# --- what is tracked ----------------------------------------------------------------------


def tracked() -> list[Path]:
    asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in listed.stdout.split("\0") if (path := ROOT / name).is_file()]


def test_no_file_names_the_host_of_a_package_registry() -> None:
    """Whoever installs chooses the index: a mirror, a bundle on a stick, the public one."""
    # in two halves each, so that this file does not name them either
    hosts = ["pypi" + ".org", "python" + "hosted", "anaconda" + ".", "download" + ".pytorch"]
    hosts += ["registry" + ".npmjs", "deb" + ".debian"]
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        assert not [host for host in hosts if host in text], path


@pytest.mark.parametrize(
    ("set_to", "wanted"),
    [
        ({}, False),
        ({"LESSON5_REAL_DATA": "0"}, False),
        ({"LESSON5_REAL_DATA": "1"}, True),
        ({"LESSON5_DATA_DIR": "/copies"}, True),
    ],
)
def test_real_data_are_tested_with_copies_or_where_downloads_are_allowed(
    monkeypatch: pytest.MonkeyPatch, set_to: dict[str, str], wanted: bool
) -> None:
    for name in ("LESSON5_DATA_DIR", "LESSON5_REAL_DATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in set_to.items():
        monkeypatch.setenv(name, value)
    assert conftest.real_data_wanted() == wanted


def test_nothing_large_is_tracked() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > 5_000_000] == []


# --- imports ------------------------------------------------------------------------------

FOLDERS = {  # where code stands → the extras that its reader has installed
    "lesson5_utils": (),
    "notebooks": (),
    "tests": ("dev",),
    "benchmarks": ("dev",),
    "data": ("rebuild",),
}
COMPARED_WITH_IF_THERE = {"surprise"}  # benchmarks/ratings.py says how to get it


def code_of(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


def imported(code: str) -> set[str]:
    """Every module outside the standard library that the code imports, by its first name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def test_imports_are_found_wherever_they_stand() -> None:
    code = "import os, a.b as c\ndef f():\n    from d.e import f\nfrom . import g\n"
    assert imported(code) == {"a", "d"}


@pytest.mark.parametrize(("folder", "extras"), FOLDERS.items())
def test_every_direct_import_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    declared = {canonicalize_name(need.name) for need in direct(*extras)}
    ours = {"lesson5_utils", *(path.stem for path in (ROOT / folder).glob("*.py"))}
    providers = packages_distributions()
    files = [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).glob("*.ipynb")]
    assert files
    for path in files:
        for module in imported(code_of(path)) - ours - COMPARED_WITH_IF_THERE:
            givers = {canonicalize_name(name) for name in providers.get(module, [module])}
            assert givers & declared, f"{path.name} imports {module}: {givers}"


# --- notebooks and READMEs ----------------------------------------------------------------


def test_nbval_as_make_runs_it_compares_every_text_and_no_addresses(tmp_path: Path) -> None:
    same = new_code_cell("print('same', object())", execution_count=1)
    same.outputs = [new_output("stream", text="same <object object at 0x7f00deadbeef>\n")]
    differs = new_code_cell("print(3)", execution_count=2)
    differs.outputs = [new_output("stream", text="2\n")]
    warns = new_code_cell("import sys; print('careful', file=sys.stderr)", execution_count=3)
    nbformat.write(new_notebook(cells=[same, differs, warns]), tmp_path / "book.ipynb")
    strict = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-sanitize-with",
        ROOT / "tests/nbval.cfg",
    ]
    asked = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        *strict,
        "book.ipynb",
    ]
    told = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    assert "2 failed, 1 passed" in told.stdout, told.stdout


def test_pictures_of_the_readme_are_those_of_the_notebooks() -> None:
    whole = index.load(ROOT)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert whole.pictures
    for file in whole.pictures:
        assert file in readme
        assert (ROOT / file).read_bytes() == index.saved_picture(whole, file)


@pytest.mark.parametrize("readme", ["README.md", "README.pt-BR.md"])
def test_readmes_list_every_notebook_with_its_minutes(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    rows = {row[:6]: row for row in text.splitlines() if re.match(r"\| \d\d \|", row)}
    assert len(rows) == len(index.load(ROOT).lessons)
    for lesson in index.load(ROOT).lessons:
        row = rows[f"| {lesson.name[:2]} |"]
        if lesson.exists:
            assert f"(notebooks/{lesson.name}.ipynb)" in row
            assert f"{lesson.minutes} min" in row
        else:
            assert "notebooks/" not in row

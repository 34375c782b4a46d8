"""Promises of the frame: versions in step, commands, licences, and what the wheel carries."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

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


def test_nothing_large_is_tracked() -> None:
    assert [path.name for path in tracked() if path.stat().st_size > 5_000_000] == []


# --- make and CI --------------------------------------------------------------------------

TARGETS = ("setup", "run", "lab", "notebooks", "test", "bench", "bundle", "clean", "help")
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def make(*arguments: str) -> str:
    asked = ["make", "--no-print-directory", *arguments]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@needs_make
def test_make_alone_lists_every_target() -> None:
    told = make()
    assert all(re.search(rf"^  make {target} ", told, re.M) for target in TARGETS)


@needs_make
def test_make_test_is_strict_on_the_bundled_data() -> None:
    told = make("--dry-run", "test", "RATINGS=ml-100k")
    for part in (
        "ruff check",
        "ruff format --check",
        "mypy",
        " --nbval ",
        "LESSON5_RATINGS=sample",
    ):
        assert part in told
    assert "--nbval-lax" not in told


@needs_make
def test_an_old_python_is_refused_in_one_sentence(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    old = tmp_path / "old python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    asked = ["make", "setup", f"PYTHON={old}"]
    told = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode and "needs Python 3.11 or newer" in told.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="CI's script is for Linux")
def test_ci_points_the_tests_at_the_shared_data_when_they_are_there(tmp_path: Path) -> None:
    (tmp_path / "course" / ".ci").mkdir(parents=True)
    script = shutil.copy(ROOT / ".ci" / "run", tmp_path / "course" / ".ci")
    fake = tmp_path / "bin" / "make"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "$@ in $PWD with ${LESSON5_DATA_DIR:-nothing}"\n')
    fake.chmod(0o755)

    def run() -> str:
        env = {"PATH": f"{fake.parent}:/usr/bin:/bin"}
        done = subprocess.run(
            ["bash", script], env=env, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert run() == f"test in {tmp_path}/course with nothing"
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert run() == f"test in {tmp_path}/course with {tmp_path}/shared/data"


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


# --- the wheel ----------------------------------------------------------------------------


def test_the_wheel_carries_the_data_and_the_page_template(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    inside = set(zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist())
    data = [path for path in tracked() if path.parent == ROOT / "data"]
    for path in data:
        carried = f"lesson5_utils/data/{path.name}" in inside
        assert carried == (path.suffix != ".py"), path.name
    assert {
        "lesson5_utils/cli.py",
        "lesson5_utils/book/page/index.html.j2",
        "lesson5_utils/book/lab/jupyter_server_config.json",
        "lesson5_utils/book/lab/labconfig/default_setting_overrides.json",
    } <= inside
    assert not [name for name in inside if name.startswith(("data/", "tests/", "notebooks/"))]


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

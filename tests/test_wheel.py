"""The wheel, as a stranger has it: in an environment of its own, far from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from lesson5_utils import __version__

ROOT = Path(__file__).resolve().parent.parent
BIN, EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once for all tests here."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def stranger(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with nothing but the wheel in it."""
    folder = tmp_path_factory.mktemp("stranger")
    venv.create(folder / "venv", with_pip=False)
    into = ["--python", str(folder / "venv"), "install", "--quiet", "--no-deps", "--no-index"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", *into, str(wheel)]
    subprocess.run(pip, cwd=folder, capture_output=True, check=True)
    return folder


def run(stranger: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the stranger's environment in a folder that is not the course.

    The libraries are ours, since to install them again would take minutes. The repository is
    not among them: an editable install puts it on the path by a .pth file, which is not
    followed from PYTHONPATH.
    """
    settings = {name: value for name, value in os.environ.items() if "LESSON5" not in name}
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    settings["PYTHONPATH"] = os.pathsep.join(sorted(libraries))
    asked = [str(stranger / "venv" / BIN / (program + EXE)), *arguments]
    return subprocess.run(asked, cwd=stranger, env=settings, capture_output=True, text=True)


def test_the_wheel_carries_the_package_and_the_data_and_nothing_else(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    parts = [path for path in (ROOT / "lesson5_utils").rglob("*") if path.is_file()]
    parts = [path for path in parts if "__pycache__" not in path.parts and path.name[0] != "."]
    wanted = {path.relative_to(ROOT).as_posix() for path in parts}
    data = [path for path in (ROOT / "data").iterdir() if path.is_file()]
    wanted |= {f"lesson5_utils/data/{path.name}" for path in data if path.suffix != ".py"}
    tables = (ROOT / "benchmarks").glob("*.csv")
    wanted |= {f"lesson5_utils/benchmarks/{path.name}" for path in tables}
    assert {name for name in inside if ".dist-info/" not in name} == wanted


def test_the_wheel_carries_every_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
        told = opened.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    for file in ("LICENSE", "data/README.md"):
        assert any(name.endswith(f".dist-info/licenses/{file}") for name in names)
        assert f"License-File: {file}" in told
    assert "License-Expression: MIT AND CC0-1.0 AND CC-BY-SA-3.0" in told


def test_the_command_of_the_wheel_works_far_from_the_repository(stranger: Path) -> None:
    version = run(stranger, "lesson5", "--version")
    assert (version.returncode, version.stdout.split()[-1:]) == (0, [__version__]), version
    listed = run(stranger, "lesson5", "data", "list")
    assert listed.returncode == 0 and "bundled" in listed.stdout, listed.stderr


def test_without_the_course_run_says_in_one_sentence_where_to_get_it(stranger: Path) -> None:
    told = run(stranger, "lesson5", "run")
    assert told.returncode == 1 and told.stdout == ""
    assert "get the whole course" in told.stderr and told.stderr.count("\n") == 1


def test_the_bundled_data_load_from_the_wheel(stranger: Path) -> None:
    code = (
        "import lesson5_utils; from lesson5_utils import datasets\n"
        "print(lesson5_utils.__file__)\n"
        "print(len(datasets.load_ratings()), len(datasets.load_digits().train[1]))\n"
    )
    told = run(stranger, "python", "-c", code)
    assert told.returncode == 0, told.stderr
    where, sizes = told.stdout.splitlines()
    assert Path(where).resolve().is_relative_to(stranger.resolve())
    assert sizes == "35000 4000"


RIGHT = """
from lesson5_utils import datasets, models, training

train, valid = datasets.load_ratings("sample").split()
model = models.DotProductBias(800, 200)
losses: list[float] = training.fit(model, train, valid, epochs=1, lr=5e-3).valid
"""


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("", "", None),
        ('load_ratings("sample")', "load_ratings(100)", 'expected "str | None"'),
        ("epochs=1", 'epochs="five"', 'expected "int"'),
        ("list[float]", "list[str]", 'expression has type "list[float]"'),
    ],
)
def test_a_strangers_mypy_sees_the_types(
    stranger: Path, right: str, wrong: str, complaint: str | None
) -> None:
    """Without torch in sight, which would take a minute: what is ours is typed all the same."""
    script = stranger / "script.py"
    script.write_text(RIGHT.replace(right, wrong), encoding="utf-8")
    python = stranger / "venv" / BIN / ("python" + EXE)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python)]
    told = subprocess.run([*mypy, script.name], cwd=stranger, capture_output=True, text=True)
    assert told.returncode == (complaint is not None), told.stdout + told.stderr
    if complaint:
        assert complaint in told.stdout and "Found 1 error" in told.stdout, told.stdout

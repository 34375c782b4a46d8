"""Promises of the Makefile, and of the script that CI calls."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TARGETS = (
    *("setup", "run", "lab", "notebooks", "test", "test-all"),
    *("bench", "bundle", "clean", "help"),
)
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="no make here")


def make(*arguments: str) -> str:
    asked = ["make", "--no-print-directory", *arguments]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@needs_make
def test_make_alone_lists_every_target() -> None:
    told = make()
    assert all(re.search(rf"^  make {target} ", told, re.M) for target in TARGETS)
    assert all(len(line) < 80 for line in told.splitlines()), "fits a usual terminal"


@needs_make
def test_make_test_is_strict_on_the_bundled_data() -> None:
    told = make("--dry-run", "test", "RATINGS=ml-100k")
    for part in (
        "ruff check",
        "ruff format --check",
        "mypy",
        "--nbval ",
        "LESSON5_RATINGS=sample",
        "LESSON5_WORK_DIR= ",
    ):
        assert part in told
    assert "--nbval-lax" not in told


@needs_make
def test_make_test_leaves_out_only_what_is_slow_and_test_all_nothing() -> None:
    chosen = {target: make("--dry-run", target) for target in ("test", "test-all")}
    assert "-m 'not slow'" in chosen["test"] and "-m ''" in chosen["test-all"]
    assert chosen["test-all"] == chosen["test"].replace("-m 'not slow'", "-m ''")


@needs_make
def test_clean_removes_what_make_made_and_keeps_the_learners_work(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    made = ["build/html", "tests/__pycache__", "notebooks/.ipynb_checkpoints", ".venv/bin"]
    kept = ["work/.ipynb_checkpoints", "notebooks", "data"]
    for folder in (*made, *kept):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, check=True)
    assert [folder for folder in made if (tmp_path / folder).exists()] == []
    assert [folder for folder in kept if not (tmp_path / folder).exists()] == []


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


@needs_make
@pytest.mark.parametrize("pip", [True, False])
def test_a_venv_that_was_interrupted_before_pip_came_is_made_anew(
    tmp_path: Path, pip: bool
) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python, here = tmp_path / "python", tmp_path / ".venv" / "bin" / "python"
    here.parent.mkdir(parents=True)
    answers = f'case "$*" in *"import pip"*) exit {0 if pip else 1};; esac'
    for place, name in ((here, "inside"), (python, "outside")):
        place.write_text(f'#!/bin/sh\n{answers}\necho "{name} $1 $2" >> log\n')
        place.chmod(0o755)
    asked = ["make", "setup", f"PYTHON={python}"]
    subprocess.run(asked, cwd=tmp_path, capture_output=True, check=True)
    said = (tmp_path / "log").read_text()
    assert "inside -m pip" in said
    assert ("outside -m venv" in said) is (not pip)


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

"""The command line: what it says, how it ends, and that asking for help is quick."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_course import ROOT, cell, kernels_of, small_course

import lesson5_utils
from lesson5_utils import cli, datasets, entries, saving
from lesson5_utils.book import copies, index, pages, runner
from lesson5_utils.entries import Entry, Goal
from lesson5_utils.errors import DataError

COMMANDS = [["run"], ["lab"], ["notebooks"], ["challenge"]]
COMMANDS += [["data"], ["data", "list"], ["data", "fetch"]]
SLOW = "import pathlib, time; pathlib.Path('{}').touch(); time.sleep(60)"
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX")


def lesson5(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Run `lesson5 ARGUMENTS` here; returns what it exits with (a message means 1)."""
    monkeypatch.setattr(sys, "argv", ["lesson5", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where the kernels of this test have their connection files."""
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


@pytest.fixture
def env(temporary: Path) -> dict[str, str]:
    """For a process of its own: bars as usual, and a folder that tells its kernels."""
    ours = {key: value for key, value in os.environ.items() if key != "LESSON5_PROGRESS"}
    path = os.pathsep.join([str(ROOT), *sys.path])
    return {**ours, "PYTHONPATH": path, "TMPDIR": str(temporary)}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "lesson5_utils.cli", *arguments]


# --- what it says -------------------------------------------------------------------------


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'matplotlib', 'nbclient', 'nbconvert'} & set(sys.modules)"
    code = f"import sys, lesson5_utils.cli; print({heavy} or 'light')"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "light"


def test_version_and_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lesson5(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"lesson5 {lesson5_utils.__version__}\n"
    assert lesson5(monkeypatch, "--help") == 0
    told = capsys.readouterr().out
    assert all(f" {name} " in told for name in ("run", "lab", "notebooks", "challenge", "data"))


@pytest.mark.parametrize("names", [[], *COMMANDS], ids=" ".join)
def test_each_help_has_an_example_of_that_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], names: list[str]
) -> None:
    assert lesson5(monkeypatch, *names, "--help") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"Example: {' '.join(['lesson5', *names])}" in told


def test_data_list_says_what_there_is_and_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lesson5(monkeypatch, "data", "list") == 0
    told = capsys.readouterr().out
    for source in datasets.catalogue():
        assert source.name in told and source.about in told and source.licence in told
    assert "bundled" in told


@pytest.fixture
def challenges(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A small course in which 00 has a challenge; the learner's folder for entries."""
    small = small_course(tmp_path / "course")
    goal = Goal("first.best", "a large sum", 0.9, False, True, 1)
    rows = [
        (goal, Entry(goal.challenge, name, score)) for name, score in (("a", 0.8), ("b", 1))
    ]
    (small.root / "benchmarks").mkdir()
    (small.root / "benchmarks" / entries.TABLE).write_text(entries.table(rows))
    monkeypatch.setattr(datasets.registry, "bundled", lambda: small.root / "data")
    monkeypatch.chdir(small.root)
    monkeypatch.delenv("LESSON5_WORK_DIR")
    return small.work / entries.FOLDER


@pytest.mark.parametrize("named", [[], ["00"], ["0"], ["00_first"]])
def test_challenge_lists_the_courses_entries_and_how_to_enter(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    challenges: Path,
    named: list[str],
) -> None:
    assert lesson5(monkeypatch, "challenge", *named) == 0
    assert capsys.readouterr().out.splitlines() == [
        "00_first · a large sum",
        "     1  100.0 %  course  b",
        "  mark   90.0 %  ------  the score to reach",
        "     2   80.0 %  course  a",
        "        none of yours yet: `lesson5 lab 00`, write your function, run its check",
        "",
    ]
    monkeypatch.setenv("LESSON5_WORK_DIR", "")
    assert lesson5(monkeypatch, "challenge", *named) == 0
    assert "nothing is kept while LESSON5_WORK_DIR is set" in capsys.readouterr().out


def test_challenge_lists_yours_among_them_and_says_what_it_cannot_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], challenges: Path
) -> None:
    mine = entries.keep(Entry("first.best", "mine", 0.85, "2026-11-30 20:41", "code"))
    lost = entries.keep(Entry("gone.best", "lost", 0.5, "2026-11-30 20:41"))
    assert mine and lost
    (challenges / "odd.py").write_text("odd")
    assert lesson5(monkeypatch, "challenge") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[3] == f"     2   85.0 %  yours   mine, 2026-11-30 20:41, {mine.name}"
    place = os.path.join("work", "challenges")
    assert told[6] == f"Yours are in {place}, with the code; delete what you want to forget."
    assert told[7] == f"{lost} is for gone.best, no challenge of this course"
    assert (
        told[8].startswith(f"{challenges / 'odd.py'} is not read as an entry (")
        and told[9:] == []
    )


def test_a_notebook_without_a_challenge_is_told_which_have_one(
    monkeypatch: pytest.MonkeyPatch, challenges: Path
) -> None:
    told = "lesson5: 01_second has no challenge; these have one: 00_first"
    assert lesson5(monkeypatch, "challenge", "01") == told
    (challenges.parents[1] / "benchmarks" / entries.TABLE).unlink()
    assert "nor has any other yet" in str(lesson5(monkeypatch, "challenge", "01"))
    assert lesson5(monkeypatch, "challenge") == 0


def test_challenges_are_listed_without_torch(challenges: Path) -> None:
    code = (
        "import sys\nfrom lesson5_utils import cli\nsys.argv = ['lesson5', 'challenge']\n"
        "try: cli.main()\nexcept SystemExit: print({'torch', 'numpy'} & set(sys.modules))"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    told = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert told.stdout.splitlines()[-1] == "set()", told.stderr


@pytest.mark.parametrize("command", ["run", "lab"])
def test_a_device_that_is_not_here_is_refused_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(cli, "_start_jupyter", lambda *_: pytest.fail("it started"))
    monkeypatch.setattr("lesson5_utils.book.runner.run", lambda *_: pytest.fail("it ran"))
    monkeypatch.setenv("LESSON5_DEVICE", "abacus")
    assert "device 'abacus' is not available here" in str(lesson5(monkeypatch, command))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "11_nothing"], "unknown notebook '11_nothing'"),
        (["lab", "11_nothing"], "unknown notebook '11_nothing'"),
        (["challenge", "11_nothing"], "unknown notebook '11_nothing'"),
        (["run", "--ratings", "ml-100"], "unknown ratings data set 'ml-100'"),
        (["run", "--digits", "ml-100k"], "unknown digits data set 'ml-100k'"),
        (["lab", "--ratings", "ml-100"], "unknown ratings data set 'ml-100'"),
        (["data", "fetch", "mnst"], "did you mean 'mnist'"),
        (["lab", "02", "03"], "lab opens one notebook, not 02 and 03"),
        (["lab", "02", "--", "--port", "9000"], "have an =, such as"),
    ],
)
def test_a_wrong_name_ends_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.setattr(cli, "_start_jupyter", lambda *_: pytest.fail("it started"))
    told = lesson5(monkeypatch, *arguments)
    assert isinstance(told, str) and told.startswith("lesson5: ") and sentence in told
    assert "\n" not in told


def test_an_unknown_notebook_is_answered_with_all_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = str(lesson5(monkeypatch, "run", "11_nothing"))
    assert all(lesson.name in told for lesson in index.load(ROOT).choose())


def test_outside_the_course_one_sentence_says_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saving, "PACKAGE", tmp_path / "site-packages" / "lesson5_utils")
    assert "get the whole course" in str(lesson5(monkeypatch, "run"))


@pytest.mark.parametrize("name", ["run", "lab"])
def test_real_data_are_fetched_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def no_network(name: str) -> None:
        raise DataError(f"no network for {name}")

    monkeypatch.setattr(datasets, "fetch", no_network)
    monkeypatch.setattr(runner, "run", lambda *_: pytest.fail("it ran"))
    monkeypatch.setattr(copies, "make", lambda *_: pytest.fail("it copied"))
    monkeypatch.setenv("LESSON5_RATINGS", "ml-100k")
    assert lesson5(monkeypatch, name) == "lesson5: no network for ml-100k"


def test_pages_are_made_also_when_a_notebook_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise runner.NotebookError("a cell failed")

    rendered: list[Path] = []
    monkeypatch.setattr(runner, "run", fails)
    monkeypatch.setattr(pages, "render", lambda _, folder: rendered.append(folder) or folder)
    assert lesson5(monkeypatch, "run", "--digits", "sample") == "lesson5: a cell failed"
    assert [folder.name for folder in rendered] == ["sample-sample"]


# --- runs, as a learner sees them ---------------------------------------------------------


def test_without_a_terminal_a_run_leaves_a_line_for_each_notebook(
    tmp_path: Path, env: dict[str, str]
) -> None:
    small_course(tmp_path, cell("one", "1"), second="2")
    done = subprocess.run(command("run"), cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    first, second, count, read, work = done.stdout.splitlines()
    assert {first.split(" done in ")[0].strip(), second.split(" done in ")[0].strip()} == {
        "00_first",
        "01_second",
    }
    assert re.fullmatch(r"2 notebooks in \d+ s", count)
    assert read == f"To read: {Path('build/html/index.html')}"
    assert work == "To work in your own copies: make lab (or lesson5 lab)"


@pytest.mark.parametrize("name", ["build", "build/html"])
def test_a_file_in_the_place_of_results_or_pages_is_told_before_anything_runs(
    tmp_path: Path, env: dict[str, str], name: str
) -> None:
    small_course(tmp_path, cell("one", "1"))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    done = subprocess.run(command("run"), cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(
        rf"lesson5: \S+{name} is a file, where a folder is needed.*\n", done.stderr
    )


@on_posix
@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
def test_make_run_in_a_terminal_leaves_a_clean_screen_and_a_link(
    tmp_path: Path, env: dict[str, str]
) -> None:
    from terminal import Terminal

    waits = "import time; time.sleep(1.2)"
    small_course(tmp_path, cell("one", waits), cell("two", "2"), second=waits)
    # the Makefile's own recipe; nothing is set up, since this Python has everything
    make = ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "run"]
    make += [f"PY={sys.executable}", "STAMP=notebooks/course.yaml"]
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
        os.utime(tmp_path / name, (1e9, 1e9))  # older than the stamp
    seen = Terminal(make, tmp_path, env | {"COLUMNS": "60"}, columns=60)
    bar = re.compile(r"^00 and 01 .* [0-3] of 3 cells, 00:0\d$")
    seen.until(lambda: any(bar.match(line) for line in seen.lines()))
    assert len(seen.lines()) == 1, "the bar fits into its line"
    seen.until(lambda: seen.lines()[2:] == ["Making the pages ..."])
    assert seen.end() == 0, seen.lines()

    lines = seen.lines()
    assert [re.sub(r"\d+ s$", "n s", line) for line in sorted(lines[:2])] == [
        "00_first         done in n s",
        "01_second        done in n s",
    ]
    assert re.fullmatch(r"2 notebooks in \d+ s", lines[2])
    address = (tmp_path / "build" / "html" / "index.html").as_uri()
    assert "".join(lines[3:-1]) == f"To read: {address}", "wrapped by the terminal"
    assert lines[-1] == "To work in your own copies: make lab (or lesson5 lab)"
    assert f"\033]8;;{address}\033\\".encode() in seen.raw, "to be clicked on"


@on_posix
def test_ctrl_c_ends_notebooks_in_words_on_a_clean_screen(
    tmp_path: Path, temporary: Path, env: dict[str, str]
) -> None:
    from terminal import Terminal

    small = small_course(tmp_path, cell("one", "1 + 1"), second=SLOW.format("there"))
    seen = Terminal(command("notebooks"), tmp_path, env)
    seen.until(lambda: "00_first" in str(seen.lines()) and (small.notebooks / "there").exists())
    began = time.monotonic()
    seen.press(b"\x03")
    seen.until(lambda: "stopped" in seen.lines()[-1])
    assert time.monotonic() - began < 2
    assert seen.end() == 130
    assert [re.sub(r"\d+ s$", "n s", line) for line in seen.lines()] == [
        "00_first         saved in n s",
        "lesson5: stopped; what was finished is kept",
    ]
    assert '"2"' in (small.notebooks / "00_first.ipynb").read_text()
    assert kernels_of(temporary) == []


@on_posix
def test_ctrl_c_while_pages_are_made_leaves_a_clean_screen(
    tmp_path: Path, env: dict[str, str]
) -> None:
    from terminal import Terminal

    small_course(tmp_path, cell("one", "1"))
    seen = Terminal(command("run", "00"), tmp_path, env)
    seen.until(lambda: seen.lines()[1:] == ["Making the pages ..."])
    seen.press(b"\x03")
    assert seen.end() == 130
    first, last = seen.lines()
    assert first.startswith("00_first         done in ")
    assert last == "lesson5: stopped; what was finished is kept"


@on_posix
@pytest.mark.parametrize("at", ["while a kernel starts", "while cells run"])
def test_an_interrupted_run_ends_within_two_seconds_and_keeps_what_was_finished(
    tmp_path: Path, temporary: Path, env: dict[str, str], at: str
) -> None:
    small = small_course(
        tmp_path, cell("one", "1"), second=SLOW.format("second"), third=SLOW.format("third")
    )
    results = small.executed("sample", "sample")
    starts = at == "while a kernel starts"
    running = subprocess.Popen(
        command("run"), cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True
    )
    try:
        ends = time.monotonic() + 60
        ready = [small.notebooks / "second", small.notebooks / "third"]
        while not (any(temporary.iterdir()) if starts else all(map(Path.exists, ready))):
            assert running.poll() is None and time.monotonic() < ends
            time.sleep(0.01)
        assert starts or len(kernels_of(temporary)) == 2
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        told = running.stderr.readline() if running.stderr else ""
        assert time.monotonic() - began < 2, "the kernels have ended and it is said"
        rest = running.communicate(timeout=30)[1]
        assert time.monotonic() - began < 4, "beside other tests Python itself needs its time"
    finally:
        running.kill()
    assert running.returncode == 130
    assert (told, rest) == ("lesson5: stopped; what was finished is kept\n", "")
    assert kernels_of(temporary) == [] and list(temporary.iterdir()) == []
    kept = [] if starts else ["00_first.ipynb"]
    assert sorted(path.name for path in results.iterdir()) == kept


# --- lab ----------------------------------------------------------------------------------


def test_lab_opens_the_learners_own_copy_with_what_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[str] = []
    fetched: list[str] = []
    small = small_course(tmp_path, cell("one", "1"))
    monkeypatch.chdir(small.notebooks)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(datasets, "fetch", fetched.append)
    monkeypatch.setattr(cli, "_start_jupyter", started.extend)
    monkeypatch.setattr(cli, "_is_root", lambda: False)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    asked = ["lab", "01", "--ratings", "ml-1m", "--", "--no-browser", "--ServerApp.port=9"]
    assert lesson5(monkeypatch, *asked) == 0
    assert started == [
        f"--ServerApp.root_dir={tmp_path}",
        "--LabApp.default_url=/lab/tree/work/01_second.ipynb",
        "--no-browser",
        "--ServerApp.port=9",
    ]
    assert (tmp_path / "work" / "00_first.ipynb").is_file() and fetched == ["ml-1m"]
    assert os.environ["LESSON5_RATINGS"] == "ml-1m" and "MPLBACKEND" not in os.environ
    assert os.environ["JUPYTER_CONFIG_PATH"] == f"{copies.SETTINGS}{os.pathsep}/mine"


def test_lab_opens_notebook_00_without_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[str] = []
    small_course(tmp_path, cell("one", "1"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(cli, "_start_jupyter", started.extend)
    monkeypatch.setattr(cli, "_is_root", lambda: True)
    assert lesson5(monkeypatch, "lab", "--allow-root", "--", "--no-browser") == 0
    assert started[1:] == [
        "--LabApp.default_url=/lab/tree/work/00_first.ipynb",
        "--no-browser",
        "--allow-root",
    ]


def test_as_root_one_sentence_says_how(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small_course(tmp_path, cell("one", "1"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_start_jupyter", lambda *_: pytest.fail("it started"))
    monkeypatch.setattr(cli, "_is_root", lambda: True)
    told = str(lesson5(monkeypatch, "lab"))
    assert "`lesson5 lab --allow-root`" in told and "\n" not in told
    assert not (tmp_path / "work").exists()

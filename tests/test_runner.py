"""book/runner.py: two kernels at once, each with its own environment; what ends them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from textwrap import dedent

import pytest
from small_course import cell, kernels_of, small_course

from lesson5_utils.book import files, keys, runner
from lesson5_utils.errors import ArgumentError, Lesson5Error

LOG = """
    import os, pathlib, time
    def say(what):
        with open("log", "a") as log:
            log.write(what + chr(10))
    say("+")
    {meanwhile}
    say("-")
    print(os.environ["LESSON5_RATINGS"], os.path.basename(os.getcwd()))
"""
# each waits for the other to begin, so they end only if they run at the same time
OTHER = "while open('log').read().count('+') < 2: time.sleep(0.01)"
SLOW = "import pathlib, time; pathlib.Path('there').touch(); time.sleep(60)"


def logged(meanwhile: str) -> str:
    return dedent(LOG.format(meanwhile=meanwhile))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the kernels of this test have their connection files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_two_run_at_once_and_never_three(
    tmp_path: Path, temporary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = logged(OTHER)
    small = small_course(
        tmp_path, cell("log", code), second=code, third=logged("time.sleep(0.2)")
    )
    before = {path: path.read_bytes() for path in small.notebooks.iterdir()}

    runner.run(small, small.choose(), "ml-100k", "sample")

    here = most = 0
    for sign in (small.notebooks / "log").read_text().split():
        here += 1 if sign == "+" else -1
        most = max(most, here)
    assert most == runner.AT_ONCE == 2
    for lesson in small.choose():
        done = files.read(small.executed("ml-100k", "sample") / lesson.path.name).cells[1]
        assert done.outputs[0].text == "ml-100k notebooks\n" and done.execution_count == 1
    assert before == {path: path.read_bytes() for path in before}, "sources stay as they are"
    assert kernels_of(temporary) == []
    told = capsys.readouterr()
    assert sorted(line.split(" in ")[0] for line in told.out.splitlines()) == [
        "00_first         done",
        "01_second        done",
        "02_third         done",
    ]
    assert told.err == "", "stderr is no terminal here"


def test_what_would_come_out_the_same_is_not_executed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    executed: list[str] = []

    async def execute(lesson: object, notebook: object, variables: dict[str, str], *_: object):
        executed.append(variables["LESSON5_RATINGS"])

    monkeypatch.setattr(runner, "_execute", execute)
    small = small_course(tmp_path, cell("one", "1"))

    def run(ratings: str) -> None:
        runner.run(small, small.choose(["00"]), ratings, "sample")

    run("ml-100k")
    run("ml-100k")
    assert executed == ["ml-100k"]
    assert "00_first         nothing changed since its last run" in capsys.readouterr().out
    run("sample")
    assert executed == ["ml-100k", "sample"], "other data"
    run("ml-100k")
    assert executed == ["ml-100k", "sample"], "one setting does not overwrite the other"
    (tmp_path / "data" / "films.csv").write_text("new")
    run("sample")
    assert executed == ["ml-100k", "sample", "sample"], "the data changed"


def test_a_failing_cell_is_named_the_finished_kept_and_the_running_stopped(
    tmp_path: Path, temporary: Path
) -> None:
    slow_is_there = "import os, time\nwhile not os.path.exists('there'): time.sleep(0.01)"
    small = small_course(
        tmp_path,
        cell("fine", "1 + 1"),
        second=SLOW,
        third=f"{slow_is_there}\nraise ValueError('nine is not ten')",
    )
    with pytest.raises(runner.NotebookError) as failed:
        runner.run(small, small.choose(), "sample", "sample")
    assert str(failed.value).startswith(
        "02_third: cell 'only' raised ValueError: nine is not ten (what ran is in "
    )
    results = small.executed("sample", "sample")
    assert {path.name for path in results.iterdir()} == {"00_first.ipynb", "02_third.ipynb"}
    assert keys.saved(results / "00_first.ipynb")
    part = results / "02_third.ipynb"
    assert files.read(part).cells[1].outputs[0].ename == "ValueError"
    assert keys.saved(part) is None, "a partial result does not count as done"
    assert kernels_of(temporary) == []


@pytest.mark.parametrize(
    ("raises", "said"),
    [("ValueError('one\\ntwo')", "ValueError: one"), ("AssertionError", "AssertionError")],
)
def test_of_a_long_error_the_first_line_is_told(tmp_path: Path, raises: str, said: str) -> None:
    small = small_course(tmp_path, cell("fails", f"raise {raises}"))
    with pytest.raises(runner.NotebookError, match=rf"'fails' raised {said} \(what ran is"):
        runner.run(small, small.choose(["00"]), "sample", "sample")


def test_a_kernel_that_dies_is_told_with_its_cell(tmp_path: Path) -> None:
    small = small_course(tmp_path, cell("fine", "1"), cell("dies", "import os; os._exit(1)"))
    with pytest.raises(runner.NotebookError, match="00_first: cell 'dies' ended the kernel"):
        runner.run(small, small.choose(["00"]), "sample", "sample")


def test_a_file_in_the_place_of_build_is_refused_before_anything_runs(tmp_path: Path) -> None:
    small = small_course(tmp_path, cell("one", "open('ran', 'w')"))
    (tmp_path / "build").write_text("")
    with pytest.raises(Lesson5Error, match="build is a file, where a folder is needed"):
        runner.run(small, small.choose(["00"]), "sample", "sample")
    assert not (small.notebooks / "ran").exists()


def test_saving_in_place_repeats_on_the_bundled_data_the_cpu_and_one_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in keys.SETTINGS:
        monkeypatch.setenv(name, "7")
    names = [*keys.SETTINGS, "OMP_NUM_THREADS", "LESSON5_PROGRESS"]
    small = small_course(tmp_path, cell("asks", f"import os; [os.environ[n] for n in {names}]"))
    runner.save_in_place(small, small.choose(["00"]))
    saved = (small.notebooks / "00_first.ipynb").read_bytes()
    asked = files.read(small.notebooks / "00_first.ipynb").cells[1]
    assert asked.outputs[0].data["text/plain"] == str(
        ["sample", "sample", "cpu", "1", "1", "0"]
    )
    runner.save_in_place(small, small.choose(["00"]))
    assert (small.notebooks / "00_first.ipynb").read_bytes() == saved
    told = [line.split(" in ")[0].split() for line in capsys.readouterr().out.splitlines()]
    assert told == [["00_first", "saved"], ["00_first", "unchanged"]]


def test_neither_pages_nor_saved_outputs_show_what_a_learner_has_rated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterLab, whose environment this is too, does show it."""
    monkeypatch.setenv("LESSON5_WORK_DIR", str(tmp_path / "mine"))
    small = small_course(tmp_path, cell("asks", "import os; os.environ['LESSON5_WORK_DIR']"))
    runner.run(small, small.choose(["00"]), "sample", "sample")
    runner.save_in_place(small, small.choose(["00"]))
    folders = (small.executed("sample", "sample"), small.notebooks)
    for path in (folder / "00_first.ipynb" for folder in folders):
        (asked,) = files.read(path).cells[1].outputs
        assert asked.data["text/plain"] == "''"
    assert runner.environment("sample", "sample")["LESSON5_WORK_DIR"] == str(tmp_path / "mine")


def test_a_kernels_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("ANYTHING", "else")
    monkeypatch.delenv("LESSON5_THREADS", raising=False)
    made = runner.environment("ml-1m", "mnist")
    assert "MPLBACKEND" not in made and made["ANYTHING"] == "else"
    assert (made["LESSON5_RATINGS"], made["LESSON5_DIGITS"]) == ("ml-1m", "mnist")
    assert (made["LESSON5_DEVICE"], made["LESSON5_THREADS"]) == ("cpu", "1")
    monkeypatch.setenv("LESSON5_DEVICE", "cuda")
    monkeypatch.setenv("LESSON5_THREADS", "3")
    made = runner.environment("sample", "sample")
    assert made["LESSON5_DEVICE"] == "cuda"
    for name in ("LESSON5_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        assert made[name] == "3"
    assert "OMP_NUM_THREADS" not in os.environ or os.environ["OMP_NUM_THREADS"] != "3"


@pytest.mark.parametrize("threads", ["many", "0", "-1", "1.5"])
def test_threads_that_cannot_be_are_refused(
    monkeypatch: pytest.MonkeyPatch, threads: str
) -> None:
    monkeypatch.setenv("LESSON5_THREADS", threads)
    with pytest.raises(
        ArgumentError, match=f"must be a whole number, such as 2, not '{threads}'"
    ):
        runner.environment("sample", "sample")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (9.6, "10 s"), (59.7, "1 min 0 s"), (192, "3 min 12 s")],
)
def test_time_in_words(seconds: float, words: str) -> None:
    assert runner.in_words(seconds) == words

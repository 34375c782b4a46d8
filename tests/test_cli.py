"""The command line: what it says, how it ends, and that asking for help is quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lesson5_utils import cli, course, datasets
from lesson5_utils.errors import DataError


def lesson5(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """Run `lesson5 ARGUMENTS` here; returns what it exits with (a message means 1)."""
    monkeypatch.setattr(sys, "argv", ["lesson5", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = "{'torch', 'pandas', 'matplotlib', 'nbclient', 'nbconvert'} & set(sys.modules)"
    code = f"import sys, lesson5_utils.cli; print({heavy} or 'light')"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "light"


def test_help_names_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lesson5(monkeypatch, "--help") == 0
    told = capsys.readouterr().out
    assert all(f" {name} " in told for name in ("run", "lab", "notebooks", "data"))


def test_data_list_says_what_there_is_and_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lesson5(monkeypatch, "data", "list") == 0
    told = capsys.readouterr().out
    for source in datasets.catalogue():
        assert source.name in told and source.about in told and source.licence in told
    assert "bundled" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "11_nothing"], "unknown notebook '11_nothing'"),
        (["run", "--ratings", "ml-100"], "unknown ratings data set 'ml-100'"),
        (["run", "--digits", "ml-100k"], "unknown digits data set 'ml-100k'"),
        (["data", "fetch", "mnst"], "did you mean 'mnist'"),
    ],
)
def test_a_wrong_name_ends_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    told = lesson5(monkeypatch, *arguments)
    assert isinstance(told, str) and told.startswith("lesson5: ") and sentence in told
    assert "\n" not in told


def test_outside_the_course_one_sentence_says_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(course, "PACKAGE", tmp_path / "site-packages" / "lesson5_utils")
    assert "get the whole course" in str(lesson5(monkeypatch, "run"))


def test_real_data_are_fetched_before_any_notebook_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_network(name: str) -> None:
        raise DataError(f"no network for {name}")

    monkeypatch.setattr(datasets, "fetch", no_network)
    monkeypatch.setattr(course, "run", lambda *_: pytest.fail("it ran"))
    monkeypatch.setenv("LESSON5_RATINGS", "ml-100k")
    assert lesson5(monkeypatch, "run") == "lesson5: no network for ml-100k"


def test_pages_are_made_also_when_a_cell_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise DataError("a cell failed")

    rendered: list[Path] = []
    monkeypatch.setattr(course, "run", fails)
    monkeypatch.setattr(course, "render", lambda _, folder: rendered.append(folder) or folder)
    assert lesson5(monkeypatch, "run", "--digits", "sample") == "lesson5: a cell failed"
    assert [folder.name for folder in rendered] == ["sample-sample"]


def test_lab_stays_on_this_machine_and_keeps_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    started: dict[str, object] = {}

    def call(command: list[str], **how: object) -> int:
        started.update(how, command=command)
        return 0

    monkeypatch.setattr(subprocess, "call", call)
    assert lesson5(monkeypatch, "lab", "--ratings", "ml-1m") == 0
    command = started["command"]
    assert "--ServerApp.ip=127.0.0.1" in command and "token" not in " ".join(command)
    assert Path(str(started["cwd"])).name == "notebooks"
    assert started["env"]["LESSON5_RATINGS"] == "ml-1m"

"""Promises of the workflows, as far as they can be read without running them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CLASSIFIER = "Programming Language :: Python :: 3."
PYTHONS = [f"3.{one[len(CLASSIFIER) :]}" for one in PROJECT["classifiers"] if CLASSIFIER in one]


def read(name: str) -> dict[Any, Any]:
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    workflow: dict[Any, Any] = yaml.safe_load(text)
    workflow["on"] = workflow.pop(True)  # to YAML, `on` is a way to write true
    return workflow


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def commands(workflow: dict[Any, Any]) -> str:
    return "\n".join(step.get("run", "") for step in steps(workflow))


def test_there_are_three_workflows() -> None:
    assert [path.name for path in FILES] == ["ci.yml", "nightly.yml", "pages.yml"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text(encoding="utf-8"))
    assert used
    for line in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_commit_everywhere() -> None:
    used = {step["uses"] for path in FILES for step in steps(read(path.name)) if "uses" in step}
    names = [one.partition("@")[0] for one in used]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_job_may_read_ends_in_time_and_never_runs_twice_at_once(path: Path) -> None:
    workflow = read(path.name)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 90
        wants_more = {"pages": "write", "id-token": "write"} if name == "publish" else None
        assert job.get("permissions") == wants_more


def test_pythons_are_those_of_the_classifiers_and_no_other() -> None:
    jobs = read("ci.yml")["jobs"]
    assert jobs["linux"]["strategy"]["matrix"]["python"] == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    every = [step.get("with", {}).get("python-version") for step in steps(read("ci.yml"))]
    every += [step.get("with", {}).get("python-version") for step in steps(read("nightly.yml"))]
    assert set(filter(None, every)) <= {"${{ matrix.python }}", *PYTHONS}


def test_a_push_is_tested_once() -> None:
    """A push to a branch with a pull request would otherwise run for both."""
    events = read("ci.yml")["on"]
    assert events["push"] == {"branches": ["main"]} and "pull_request" in events
    assert "make test UV=1" in commands(read("ci.yml"))


def test_the_lowest_job_asks_for_the_lowest_versions_on_the_oldest_python() -> None:
    lowest = {"jobs": {"lowest": read("ci.yml")["jobs"]["lowest"]}}
    assert "--resolution lowest-direct" in commands(lowest)
    assert "constraints.txt" not in commands(lowest)
    assert PYTHONS[0] in [step.get("with", {}).get("python-version") for step in steps(lowest)]


def test_each_night_every_real_data_set_is_fetched_and_tests_do_not_skip_it() -> None:
    nightly = read("nightly.yml")
    (make,) = (step for step in steps(nightly) if "make test-all" in step.get("run", ""))
    assert make["env"] == {"LESSON5_REAL_DATA": "1"}
    fetched = re.search(r"for name in ([\w -]+); do\s+\S+ data fetch", commands(nightly))
    listed = tomllib.loads((ROOT / "data" / "sources.toml").read_text(encoding="utf-8"))["data"]
    assert fetched
    assert set(fetched[1].split()) == {one["name"] for one in listed if "archives" in one}
    assert any(
        step.get("with", {}).get("path") == "~/.cache/lesson5" for step in steps(nightly)
    )


def test_pages_are_published_from_main_where_they_are_on() -> None:
    jobs = read("pages.yml")["jobs"]
    assert "refs/heads/main" in jobs["make"]["if"] and "has_pages" in jobs["make"]["if"]
    assert jobs["publish"]["needs"] == "make"
    assert "make run UV=1" in commands(read("pages.yml"))
    assert any(
        step.get("with", {}).get("path") == "build/html" for step in jobs["make"]["steps"]
    )

"""A running `lesson5 lab` on a small course, for the tests that ask it or drive it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from small_course import ROOT

from lesson5_utils.book import index


class Lab:
    """A running `lesson5 lab`, asked over its API."""

    def __init__(self, address: str, token: str) -> None:
        self.address, self.token = address, token

    def ask(self, path: str, data: Any = None, method: str = "GET") -> Any:
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        body = None if data is None else json.dumps(data).encode()
        request = Request(self.address + path, body, headers, method=method)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        try:
            self.ask("api/status")
        except URLError:
            return False
        return True

    def open_and_save(self, path: str) -> None:
        """What JupyterLab does to a notebook that is only looked at."""
        notebook = self.ask(f"api/contents/{path}")["content"]
        notebook["metadata"]["kernelspec"]["display_name"] = "Python 3 (ipykernel)"
        notebook["metadata"]["language_info"] |= {"version": "3.11.7", "file_extension": ".py"}
        for one in notebook["cells"]:
            one["metadata"] |= {"collapsed": True}
        model = {"type": "notebook", "format": "json", "content": notebook}
        self.ask(f"api/contents/{path}", model, "PUT")


@contextmanager
def running_lab(course: index.Course, own: Path) -> Iterator[Lab]:
    """JupyterLab on a port that the system chooses, with folders of its own, in `own`, for
    settings. It sees what the learner has rated, as it does for a learner."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    env.pop("LESSON5_WORK_DIR", None)
    for name in ("RUNTIME", "CONFIG", "DATA"):
        env[f"JUPYTER_{name}_DIR"] = str(own / name)
    command = [sys.executable, "-m", "lesson5_utils.cli", "lab", "--allow-root"]
    command += ["--", "--no-browser", "--ServerApp.port=0"]
    with (own / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=course.root, env=env, stdout=log, stderr=log)
    try:
        ends = time.monotonic() + 60
        found, text = (own / "RUNTIME").glob, ""
        while not text.rstrip().endswith("}"):  # the file is there before what is in it
            said = (own / "log").read_text()
            assert server.poll() is None and time.monotonic() < ends, said
            time.sleep(0.05)
            text = "".join(one.read_text() for one in found("jpserver-*.json"))
        told = json.loads(text)
        one = Lab(told["url"], told["token"])
        while not one.answers():  # the file is there before the server listens
            assert server.poll() is None and time.monotonic() < ends, "it does not answer"
            time.sleep(0.05)
        yield one
    finally:
        server.terminate()
        server.wait(30)

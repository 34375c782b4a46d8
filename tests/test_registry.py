"""Files good and bad: the catalogue, local copies, the download cache, and the network."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import hashlib
import io
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pooch
import pytest

from lesson5_utils import datasets
from lesson5_utils.datasets import DataSet, registry
from lesson5_utils.errors import ArgumentError, DataError

PIXELS = bytes(range(24))
RATINGS = b"1\t2\t5\t0\n3\t2\t4\t0\n"
TITLES = "2|Cidade Baixa é (2005)".encode("latin-1")
NOWHERE = ("https://example.invalid/",)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr("ml-100k/u.data", RATINGS)
        opened.writestr("ml-100k/u.item", TITLES)
    return packed.getvalue()


ARCHIVE = archive()
SMALL = DataSet(
    "ml-100k",
    "ratings",
    "two ratings",
    "none",
    archives={"ml-100k.zip": sha(ARCHIVE)},
    contents={"u.data": sha(RATINGS), "u.item": sha(TITLES)},
    urls=NOWHERE,
)
GREY = DataSet(
    "mnist",
    "digits",
    "two pictures",
    "none",
    archives={"pictures.gz": sha(gzip.compress(PIXELS, mtime=0))},
    contents={"pictures.gz": sha(PIXELS)},
    urls=NOWHERE,
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A catalogue of two tiny data sets, an empty cache, no local copies. The cache."""
    cache = tmp_path / "cache" / "lesson5"
    monkeypatch.delenv("LESSON5_DATA_DIR", raising=False)
    monkeypatch.setenv("LESSON5_CACHE_DIR", str(cache))
    monkeypatch.setattr(registry, "catalogue", lambda: (SMALL, GREY))
    monkeypatch.setattr(pooch.get_logger(), "level", logging.ERROR)
    return cache


@pytest.fixture
def local(small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Good local copies of both; whoever asks the network fails."""
    folder = tmp_path / "copies"
    for name in ("ml-100k", "mnist"):
        (folder / name).mkdir(parents=True)
    (folder / "ml-100k" / "u.data").write_bytes(RATINGS)
    (folder / "ml-100k" / "u.item").write_bytes(TITLES)
    (folder / "mnist" / "pictures.gz").write_bytes(gzip.compress(PIXELS))
    monkeypatch.setenv("LESSON5_DATA_DIR", str(folder))
    monkeypatch.setattr(pooch.Pooch, "fetch", lambda *_, **__: pytest.fail("asked the network"))
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# --- the catalogue ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "name", "sentence"),
    [
        (datasets.load_ratings, "ml-100", "unknown ratings data set 'ml-100'.*mean 'ml-100k'"),
        (datasets.load_ratings, "mnist", "unknown ratings data set"),
        (datasets.load_digits, "ml-100k", "unknown digits data set"),
        (datasets.fetch, "mnst", "unknown data set 'mnst'.*mean 'mnist'"),
    ],
)
def test_an_unknown_name_is_refused(
    load: Callable[[str], object], name: str, sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        load(name)


def test_the_bundled_data_need_no_fetching() -> None:
    datasets.fetch("sample")
    assert {one.where for one in datasets.catalogue() if one.name == "sample"} == {"bundled"}


def test_entries_of_the_catalogue_can_be_compared_and_hashed() -> None:
    known = datasets.catalogue()
    assert len(set(known)) == len(known)
    assert dataclasses.replace(known[1]) == known[1] != dataclasses.replace(known[1], about="")


def test_the_catalogue_is_read_without_torch_and_pandas() -> None:
    code = (
        "import sys; from lesson5_utils import datasets; "
        "datasets.catalogue(); hasattr(datasets, 'load_pictures'); "
        "print({'torch', 'pandas', 'numpy', 'pooch'} & set(sys.modules) or 'light')"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "light"


def test_every_public_name_is_found_and_no_other() -> None:
    assert dir(datasets) == sorted(datasets.__all__)
    assert all(getattr(datasets, name).__name__ == name for name in datasets.__all__)
    with pytest.raises(AttributeError, match="'load_pictures'"):
        datasets.load_pictures  # noqa: B018


# --- local copies -------------------------------------------------------------------------


def test_good_local_copies_are_used_and_the_network_is_not_asked(local: Path) -> None:
    assert registry.read(SMALL, "u.item") == TITLES
    assert registry.read(GREY, "pictures.gz") == PIXELS
    datasets.fetch("ml-100k")
    assert SMALL.where == "local copy"


def remove(path: Path) -> None:
    path.unlink()


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def nonsense_inside(path: Path) -> None:
    path.write_bytes(gzip.compress(b"")[:10] + b"\xff" * 20)


def web_page(path: Path) -> None:
    path.write_bytes(b"<html>Please log in</html>")


def folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    "spoil",
    [remove, cut_in_half, change_a_byte, empty, nonsense_inside, web_page, folder_instead],
)
@pytest.mark.parametrize("member", ["ml-100k/u.data", "ml-100k/u.item", "mnist/pictures.gz"])
def test_a_bad_local_copy_is_named_in_one_sentence(
    local: Path, member: str, spoil: Callable[[Path], None]
) -> None:
    spoil(local / member)
    with pytest.raises(DataError) as told:
        datasets.fetch(member.split("/")[0])
    sentence = str(told.value)
    assert str(local / member) in sentence and "\n" not in sentence
    expected = {
        remove: "incomplete.*is missing",
        folder_instead: "cannot be read",
    }
    assert re.search(expected.get(spoil, "damaged or incomplete|cannot be read"), sentence)


@pytest.mark.parametrize("name", ["copy", "a file", "x" * 300], ids=["none", "file", "long"])
def test_a_mistyped_folder_is_an_error_and_no_reason_to_download(
    local: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (local.parent / "a file").write_text("")
    mistyped = local.parent / name
    monkeypatch.setenv("LESSON5_DATA_DIR", str(mistyped))
    sentence = f"LESSON5_DATA_DIR is {mistyped}, and no folder is there.*ml-100k/"
    for ask in (lambda: registry.read(SMALL, "u.data"), lambda: SMALL.where):
        with pytest.raises(DataError, match=sentence):
            ask()


@pytest.mark.parametrize("variable", ["LESSON5_DATA_DIR", "LESSON5_CACHE_DIR"])
def test_a_relative_folder_is_refused_because_notebooks_start_elsewhere(
    small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, "data")
    with pytest.raises(DataError) as told:
        registry.read(SMALL, "u.data")
    assert f"{variable} must be a full path, not 'data'" in str(told.value)
    assert str(tmp_path / "data") in str(told.value)


def test_a_folder_may_start_at_home(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(local.parent))
    monkeypatch.setenv("USERPROFILE", str(local.parent))
    monkeypatch.setenv("LESSON5_DATA_DIR", "~/copies")
    assert SMALL.where == "local copy"


# --- downloads ----------------------------------------------------------------------------


class Server:
    """A host on this machine: what it sends for each path, and what was asked."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.says_length: dict[str, int] = {}
        self.asked: list[str] = []
        self.wait_for_all: threading.Barrier | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                if server.wait_for_all is not None:
                    server.wait_for_all.wait(timeout=20)
                body = server.content.get(self.path)
                self.send_response(404 if body is None else 200)
                length = server.says_length.get(self.path, len(body or b""))
                self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.host = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.host.server_address[1]}"
        threading.Thread(target=self.host.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def server(small: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The catalogue's two mirrors are now a host on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Server()
    urls = (made.url + "/a/", made.url + "/b/")
    moved = tuple(dataclasses.replace(one, urls=urls) for one in (SMALL, GREY))
    monkeypatch.setattr(registry, "catalogue", lambda: moved)
    yield made
    made.host.shutdown()
    made.host.server_close()


def read(member: str = "u.data") -> bytes:
    """A file of the catalogue's first or second data set."""
    ratings, digits = registry.catalogue()
    return registry.read(digits if member == "pictures.gz" else ratings, member)


def test_a_download_is_verified_cached_and_not_asked_for_again(
    server: Server, small: Path
) -> None:
    server.content["/a/ml-100k.zip"] = ARCHIVE
    assert registry.catalogue()[0].where == "not here yet"
    assert [read("u.data"), read("u.item")] == [RATINGS, TITLES]
    assert server.asked == ["/a/ml-100k.zip"] and files(small) == ["ml-100k.zip"]
    assert registry.catalogue()[0].where == "downloaded"


def test_a_compressed_file_may_be_the_download_itself(server: Server) -> None:
    server.content["/a/pictures.gz"] = gzip.compress(PIXELS, mtime=0)
    assert read("pictures.gz") == PIXELS


def test_what_the_local_folder_lacks_is_downloaded(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "copies" / "mnist").mkdir(parents=True)
    monkeypatch.setenv("LESSON5_DATA_DIR", str(tmp_path / "copies"))
    server.content["/a/ml-100k.zip"] = ARCHIVE
    assert read() == RATINGS


def test_without_a_setting_the_cache_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LESSON5_CACHE_DIR", raising=False)
    assert registry._cache(SMALL) == Path(pooch.os_cache("lesson5")) / "ml-100k"


def test_a_second_source_is_asked_when_the_first_fails(server: Server) -> None:
    server.content["/b/ml-100k.zip"] = ARCHIVE
    assert read() == RATINGS
    assert server.asked == ["/a/ml-100k.zip", "/b/ml-100k.zip"]


def test_a_second_source_is_asked_when_the_first_sends_something_else(server: Server) -> None:
    server.content = {"/a/ml-100k.zip": b"<html>", "/b/ml-100k.zip": ARCHIVE}
    assert read() == RATINGS


@pytest.mark.parametrize(
    ("answer", "kind"), [(None, "ConnectionError"), (ARCHIVE[:-1] + b"?", "ValueError")]
)
def test_a_failed_download_is_one_sentence_that_says_what_to_do(
    server: Server, small: Path, answer: bytes | None, kind: str
) -> None:
    server.content = {f"/{mirror}/ml-100k.zip": answer or b"" for mirror in "ab"}
    if answer is None:
        server.host.shutdown()
        server.host.server_close()
    with pytest.raises(DataError) as told:
        read()
    sentence = str(told.value)
    assert f"ml-100k could not be downloaded ({kind})" in sentence and "\n" not in sentence
    assert "lesson5 data fetch ml-100k" in sentence and "LESSON5_DATA_DIR/ml-100k" in sentence
    assert told.value.__suppress_context__ and files(small) == []


def test_a_broken_download_is_never_used_and_the_next_one_starts_afresh(
    server: Server, small: Path
) -> None:
    server.content["/a/ml-100k.zip"] = ARCHIVE[:100]
    server.says_length["/a/ml-100k.zip"] = len(ARCHIVE)
    with pytest.raises(DataError, match="could not be downloaded"):
        read()
    assert files(small) == []
    server.content["/a/ml-100k.zip"] = ARCHIVE
    assert read() == RATINGS


@pytest.mark.parametrize(("setting", "shown"), [("0", False), ("1", True)])
def test_the_bar_of_a_download_can_be_silenced(
    small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, shown: bool
) -> None:
    def fetched(keeper: pooch.Pooch, name: str, progressbar: bool) -> str:
        assert progressbar is shown
        (tmp_path / name).write_bytes(ARCHIVE)
        return str(tmp_path / name)

    monkeypatch.setattr(pooch.Pooch, "fetch", fetched)
    monkeypatch.setenv("LESSON5_PROGRESS", setting)
    assert read() == RATINGS


def test_a_damaged_file_in_the_cache_is_replaced(server: Server, small: Path) -> None:
    (small / "ml-100k").mkdir(parents=True)
    (small / "ml-100k" / "ml-100k.zip").write_bytes(ARCHIVE[:50])
    server.content["/a/ml-100k.zip"] = ARCHIVE
    assert read() == RATINGS


def test_two_notebooks_that_start_at_once_both_get_good_data(
    server: Server, small: Path
) -> None:
    server.content["/a/ml-100k.zip"] = ARCHIVE
    server.wait_for_all = threading.Barrier(2)  # neither gets a byte before both have asked
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(read) for _ in range(2)]
        assert [one.result(timeout=30) for one in both] == [RATINGS, RATINGS]
    assert len(server.asked) == 2 and files(small) == ["ml-100k.zip"]


@pytest.mark.parametrize("place", ["ml-100k", "."], ids=["folder", "cache"])
def test_a_cache_that_cannot_be_made_is_not_called_a_network_fault(
    server: Server, small: Path, place: str
) -> None:
    in_its_place = small / place
    in_its_place.parent.mkdir(parents=True, exist_ok=True)
    in_its_place.write_text("a file where a folder should be")
    server.content["/a/ml-100k.zip"] = ARCHIVE
    with pytest.raises(DataError, match="downloads cannot be kept in") as told:
        read()
    sentence = str(told.value)
    assert str(small / "ml-100k") in sentence and "set LESSON5_CACHE_DIR" in sentence
    assert "\n" not in sentence and server.asked == []


@pytest.mark.parametrize(
    ("number", "call"),
    [
        (errno.EACCES, (tempfile, "NamedTemporaryFile")),  # as pooch finds out, before asking
        (errno.EROFS, (tempfile, "NamedTemporaryFile")),
        (errno.ENOSPC, (shutil, "move")),
    ],
    ids=["no permission", "read only", "full"],
)
def test_a_disk_that_refuses_is_not_called_a_network_fault(
    server: Server,
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    call: tuple[object, str],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    (small / "ml-100k").mkdir(parents=True)
    server.content["/a/ml-100k.zip"] = ARCHIVE
    monkeypatch.setattr(*call, refuse)
    with pytest.raises(DataError, match=f"cannot be kept in .*{os.strerror(number)}"):
        read()
    assert files(small) == []


# --- real data ----------------------------------------------------------------------------


@pytest.mark.real_data
def test_a_damaged_copy_of_mnist_is_refused_by_its_checksum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (source,) = (one for one in datasets.catalogue() if one.name == "mnist")
    good = registry.read(source, "t10k-labels-idx1-ubyte.gz")
    (tmp_path / "mnist").mkdir()
    bad = good[:-1] + bytes([good[-1] ^ 1])
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bad))
    monkeypatch.setenv("LESSON5_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz is damaged"):
        registry.read(source, "t10k-labels-idx1-ubyte.gz")

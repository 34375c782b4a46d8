"""Which data sets there are, and how a file of one is found and verified.

A real data set is looked for in three places: the folder `LESSON5_DATA_DIR` (local copies,
verified by their content), the download cache, and then the network (over https; an archive is
verified before it is used). Catalogue and checksums stand in `data/sources.toml`; cache,
download and verification are pooch's work.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tomllib
import zipfile
import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from lesson5_utils import arguments
from lesson5_utils.errors import DataError
from lesson5_utils.saving import folder_named_by

__all__ = ["DataSet", "bundled", "catalogue", "fetch", "find", "read"]


@dataclass(frozen=True)
class DataSet:
    """One entry of the catalogue, `data/sources.toml`; its fields are explained there."""

    name: str
    kind: str
    about: str
    licence: str
    urls: tuple[str, ...] = ()
    archives: dict[str, str] = field(default_factory=dict, hash=False)
    contents: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def where(self) -> str:
        """ "bundled", "local copy", "downloaded" or "not here yet".

        Raises:
            DataError: `LESSON5_DATA_DIR` is no folder that could be searched.
        """
        if not self.archives:
            return "bundled"
        if _local_copy(self) is not None:
            return "local copy"
        folder = _cache(self)
        here = all(os.path.exists(folder / archive) for archive in self.archives)
        return "downloaded" if here else "not here yet"


@cache
def catalogue() -> tuple[DataSet, ...]:
    """Every data set that the course knows."""
    listed = tomllib.loads((bundled() / "sources.toml").read_text(encoding="utf-8"))
    return tuple(
        DataSet(**{**entry, "urls": tuple(entry.get("urls", ()))}) for entry in listed["data"]
    )


def find(kind: str, name: str) -> DataSet:
    """The data set of that kind, "ratings", "sales" or "digits", and name.

    Raises:
        ArgumentError: an unknown name.
    """
    known = {one.name: one for one in catalogue() if one.kind == kind}
    return known[arguments.choice(f"{kind} data set", name, known)]


def fetch(name: str) -> None:
    """Make sure that a real data set is on this machine, downloading it if it is not.

    Raises:
        ArgumentError: an unknown name.
        DataError: no network, or a file that is damaged.
    """
    names = dict.fromkeys(one.name for one in catalogue())
    arguments.choice("data set", name, names)
    for source in catalogue():
        for member in source.contents if source.name == name else ():
            read(source, member)


def read(source: DataSet, member: str) -> bytes:
    """The content of one file, unpacked and verified: a local copy, else a download.

    Raises:
        DataError: the file is missing or damaged, or could not be downloaded or kept.
    """
    folder = _local_copy(source)
    return _downloaded(source, member) if folder is None else _copied(source, folder / member)


def bundled() -> Path:
    """The folder of bundled data: inside an installed wheel, or beside a checkout's package."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "data", package.parent / "data"):
        if (folder / "films.csv").exists():
            return folder
    raise DataError("the bundled data is missing: install lesson5-utils again")


# --- local copies ------------------------------------------------------------------------


def _local_copy(source: DataSet) -> Path | None:
    """The folder in `LESSON5_DATA_DIR` that holds a data set; None without either."""
    root = folder_named_by("LESSON5_DATA_DIR")
    if root is None:
        return None
    if not os.path.isdir(root):  # unlike Path's, it never raises
        raise DataError(
            f"LESSON5_DATA_DIR is {root}, and no folder is there: set it to the one that holds "
            f"{source.name}/, or unset it to download"
        )
    folder = root / source.name
    return folder if os.path.isdir(folder) else None


def _copied(source: DataSet, path: Path) -> bytes:
    """The content of a local copy, which must be the content that we know."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except FileNotFoundError:
        raise DataError(
            f"{source.name} in LESSON5_DATA_DIR is incomplete: {path} is missing; copy it "
            "there, or unset LESSON5_DATA_DIR to download"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}): copy it again") from None
    wanted = source.contents[path.name]
    if wanted and hashlib.sha256(content).hexdigest() != wanted:
        raise DataError(
            f"{source.name}: {path.name} is damaged or incomplete (its checksum differs): "
            f"replace {path}"
        )
    return content


# --- downloads ---------------------------------------------------------------------------


def _cache(source: DataSet) -> Path:
    """Where the downloads of a data set are kept."""
    import pooch

    root = folder_named_by("LESSON5_CACHE_DIR") or Path(pooch.os_cache("lesson5"))
    return root / source.name


def _downloaded(source: DataSet, member: str) -> bytes:
    """The content of a file out of a verified archive: its own .gz, or the only .zip.

    Unpacked in memory: pooch's own processors unpack beside the archive, where they later
    trust what an interrupted or a second run has left half written.
    """
    if member in source.archives:
        return gzip.decompress(_archive(source, member).read_bytes())
    (name,) = source.archives
    with zipfile.ZipFile(_archive(source, name)) as opened:
        return opened.read(f"{source.name}/{member}")


def _archive(source: DataSet, name: str) -> Path:
    """One archive in the cache, downloaded from the first host that gives the right one.

    pooch writes beside the target and moves a verified file into place, so two notebooks
    may start at once, and a broken or partial download is never used.
    """
    import pooch

    folder = _cache(source)
    problem: Exception | None = None
    for url in source.urls:
        keeper = pooch.create(folder, base_url=url, registry=source.archives)
        try:
            progress = os.environ.get("LESSON5_PROGRESS") != "0"
            return Path(keeper.fetch(name, progressbar=progress))
        except (OSError, ValueError) as error:
            if refused := _refusal(error):
                raise DataError(
                    f"downloads cannot be kept in {folder} ({refused}): make room for them "
                    "there, or set LESSON5_CACHE_DIR to a folder that can be written"
                ) from None
            problem = error
    raise DataError(
        f"{source.name} could not be downloaded ({type(problem).__name__}): connect and run "
        f"`lesson5 data fetch {source.name}` again, put a copy in LESSON5_DATA_DIR/"
        f"{source.name}, or use the bundled data ('sample')"
    ) from None  # the reasons of the network library fill a screen and help nobody


def _refusal(error: Exception) -> str | None:
    """What the system says of a full disk, a file in a folder's place …; None of anything else.

    Errors of the network library and wrong checksums carry no such words, nor does the
    PermissionError that pooch makes itself.
    """
    words: str | None = getattr(error, "strerror", None)
    return "Permission denied" if isinstance(error, PermissionError) else words

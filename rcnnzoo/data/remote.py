"""Packed data sets on a web server: fetched once into a local folder, each file checked by its hash.

Files are fetched before anything reads them, so that a server that fails does so before training rather than in it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from rcnnzoo.data.shards import INDEX, index_of, read_index
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError, reason
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.locks import LOCK, locked
from rcnnzoo.progress import progress, say
from rcnnzoo.writing import atomic_write, file_name

WAITS = (1, 2, 4, 8, 16, 32)
"""Seconds before each further attempt; the client's own, which go on where a file broke off, come on top."""
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses of a server that may soon answer otherwise."""
SPARE = 2**28
"""Bytes that stay free on the disk."""


def is_url(source: str) -> bool:
    """Whether DATA is on a web server.

    >>> is_url("https://example.org/ecoset"), is_url("ecoset")
    (True, False)
    """
    return source.startswith(("http://", "https://"))


def name_of(url: str) -> str:
    """The name of a data set on a web server: the last part of its address.

    >>> name_of("https://example.org/sets/ecoset%20160/")
    'ecoset 160'
    """
    address = urlsplit(url)
    return file_name(unquote(address.path.rstrip("/").rpartition("/")[2]) or address.netloc)


def fetch(url: str, within: Path | None = None) -> Path:
    """The local folder of a packed data set on a web server; what is missing there is fetched.

    A file that broke off is continued, by another call as well. Without a connection, a copy that is complete is used,
    and a warning says so.

    Args:
        url: Address of the folder that holds `index.json`.
        within: Folder for copies; by default that of the user's caches.

    Raises:
        DataError: The server doesn't give what it should, or there is no room.
    """
    within = within or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rcnnzoo"
    folder = within / f"{name_of(url)}-{hashlib.sha256(url.encode()).hexdigest()[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK, folder, wait=True):
        fresh = folder / "fresh" / INDEX
        fresh.parent.mkdir(exist_ok=True)
        try:
            fresh.unlink(missing_ok=True)
            _download(f"{url}/{INDEX}", fresh)
        except DataError as error:
            if not (folder / INDEX).is_file():
                raise
            warnings.warn(f"{error}; the copy in {folder} is used", DataWarning, stacklevel=3)
            return folder
        known = (folder / INDEX).is_file() and bytes_hash(folder / INDEX) == bytes_hash(fresh)
        if not known:
            (folder / INDEX).unlink(missing_ok=True)  # until all files are those of the new one, there is none
        _fetch_files(url, folder, read_index(fresh.parent), checked=known)
        if not known:
            with atomic_write(folder / INDEX) as temporary:
                shutil.copyfile(fresh, temporary)
        return folder


def _fetch_files(url: str, folder: Path, index: dict[str, Any], *, checked: bool) -> None:
    """Fetch what is missing; of files that were checked before, the size is enough."""
    wanted = _files(url, index)
    missing = {}
    for name, (sha256, size) in wanted.items():
        file = folder / name
        is_same = file.is_file() and (size in (None, _size(file)) if checked else bytes_hash(file) == sha256)
        if not is_same:
            missing[name] = (sha256, size)
    if not missing:
        return
    needed = sum((size or 0) - _size(folder / f"{name}.part") for name, (_, size) in missing.items()) + SPARE
    if (free := shutil.disk_usage(folder).free) < needed:
        raise DataError(
            f"{url}: needs {needed / 1e9:.1f} GB in {folder}, where {free / 1e9:.1f} GB are free: make room, or give "
            "another folder (`data_dir`)"
        )
    with progress(f"fetching {url}", len(wanted), len(wanted) - len(missing)) as advance:
        for name, (sha256, size) in missing.items():
            _fetch_file(f"{url}/{quote(name)}", folder / name, sha256, size)
            advance(1)


def _files(url: str, index: dict[str, Any]) -> dict[str, tuple[str, int | None]]:
    """Hash and size of every file but the index itself.

    Raises:
        DataError: The index is damaged, or names files outside its folder.
    """
    files: dict[str, tuple[str, int | None]] = {}
    try:
        for split, described in index["splits"].items():
            files[index_of(split)] = str(described["index_sha256"]), None
            files |= {str(each["file"]): (str(each["sha256"]), int(each["bytes"])) for each in described["shards"]}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{url}/{INDEX}: can't be read ({reason(error)})") from error
    for name in files:
        if file_name(name) != name:
            raise DataError(f"{url}/{INDEX}: names a file {name!r}, which is not in its folder: don't trust it")
    return files


def _fetch_file(url: str, file: Path, sha256: str, size: int | None) -> None:
    part = file.with_name(f"{file.name}.part")
    for attempt in (1, 2):
        _download(url, part, size)
        if bytes_hash(part) == sha256:
            part.replace(file)
            return
        part.unlink()
        if attempt == 1:
            say(f"{url}: is not what its hash says; fetching it again")
    raise DataError(f"{url}: was changed or damaged, by its hash; ask whoever serves it to pack the data again")


def _download(url: str, file: Path, size: int | None = None) -> None:
    """Fetch a file, or go on with it where it broke off.

    Raises:
        DataError: The server has no such file, or doesn't give all of it however often it is asked.
    """
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars("huggingface_hub.http_get")  # ours are shown
    for wait in (*WAITS, None):
        try:
            with file.open("ab") as stream:
                if size is None or stream.tell() > size:
                    stream.truncate(0)
                http_get(url, stream, resume_size=stream.tell(), expected_size=size)
            return
        # What it raises depends on the client that this version of huggingface_hub comes with.
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status is not None and status not in PASSING:
                raise DataError(f"{url}: the server answers {status}; check the address") from error
            if wait is None:
                raise DataError(
                    f"{url}: can't be fetched ({reason(error)}); try again later, which goes on from here"
                ) from error
            say(f"{url}: {status or reason(error)}; trying again in {wait} s")
            time.sleep(wait)


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0

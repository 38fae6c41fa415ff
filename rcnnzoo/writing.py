"""Writing files so that they are never seen half written."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FIGURE_FORMATS = ("png", "svg")
"""Formats of figures unless others are asked for."""
WEIGHTS = "model.safetensors"
"""File name of the weights in a run folder."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, renamed to it when the block ends well and removed when it doesn't.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("all of it")
    >>> [file.name for file in folder.iterdir()]
    ['a.txt']
    """
    temporary = temporary_name(path)
    try:
        with naming_the_file(path):
            yield temporary
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """The same for a folder, which must not be there yet; those above it are made.

    Raises:
        FileExistsError: It is there.
    """
    if folder.exists():
        raise FileExistsError(errno.EEXIST, "is there already: name a new folder", str(folder))
    temporary = temporary_name(folder)
    try:
        with naming_the_file(folder):
            temporary.mkdir(parents=True)
            yield temporary
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def naming_the_file(path: Path) -> Iterator[None]:
    """Add the file to an error of the disk: a write to a full disk doesn't name it."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def temporary_name(path: Path) -> Path:
    """A hidden name beside `path` for an unfinished file; it can't be guessed, so no link can be put there."""
    # The suffix stays last: matplotlib and others choose their format by it.
    return path.with_name(f".{path.stem}.{secrets.token_hex(8)}.part{path.suffix}")


def remove_unfinished(folder: Path, stem: str = "*") -> None:
    """Remove the temporary files of processes that were killed.

    Args:
        folder: Where; no other process may be writing there.
        stem: Name, without suffix, of the files or folders that were to be written.
    """
    for part in folder.glob(f".{stem}.{'[0-9a-f]' * 16}.part*"):
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or the folder itself where it isn't there yet."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def as_utf8(name: str) -> str:
    r"""A name as UTF-8 can represent it, as not every file name on a disk can be.

    >>> as_utf8("caf\udce9")
    'caf\\udce9'
    """
    return name.encode("utf-8", "backslashreplace").decode()


def file_name(name: str) -> str:
    """A name as part of a file name, which can't lead out of the folder, wherever the name comes from.

    >>> file_name("timm/resnet18"), file_name("../../etc")
    ('timm-resnet18', '-..-etc')
    """
    return re.sub(r"[/\\\x00-\x1f]", "-", name).lstrip(".") or "-"

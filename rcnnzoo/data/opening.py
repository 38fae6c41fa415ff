"""From what a user types after `--data` to splits."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from rcnnzoo import plugins
from rcnnzoo.data.folders import WHOLE, read_folder
from rcnnzoo.data.remote import fetch, is_url, name_of
from rcnnzoo.data.shards import is_packed, read_shards
from rcnnzoo.data.splits import Split, check_splits, hold_out
from rcnnzoo.errors import DataError, OptionError
from rcnnzoo.hookspecs import DataSet
from rcnnzoo.writing import as_utf8

ENVIRONMENT = "RCNNZOO_DATA"


@dataclass(frozen=True)
class Data:
    """A data set as opened.

    Attributes:
        name: What it is called.
        splits: Its parts by name.
        mirrored: Whether mirrored images keep their category.
        source: What opens it again from any folder: a registered name, an absolute path or a URL; empty if nothing can.
        folder: The folder of a registered data set, or for the copy of a URL, as an absolute path; empty if it is
            bundled, opened as a folder, or was not given.
    """

    name: str
    splits: dict[str, Split]
    mirrored: bool = True
    source: str = ""
    folder: str = ""

    @property
    def categories(self) -> tuple[str, ...]:
        """Category names, in the order of the labels."""
        return next(iter(self.splits.values())).categories

    def split(self, name: str) -> Split:
        """A split by name.

        Raises:
            DataError: There is no such split.
        """
        if name in self.splits:
            return self.splits[name]
        raise DataError(f"{self.name} has no split {name!r}: there are {', '.join(self.splits)} (`split`)")

    def best_test(self) -> str:
        """The split to report on: test, otherwise val (ImageNet's test labels are not public), or the first."""
        return next((name for name in ("test", "val") if name in self.splits), next(iter(self.splits)))


def open_data(source: str, data_dir: Path | None = None, *, val_fraction: float | None = None, seed: int = 0) -> Data:
    """Open a registered data set, a folder, or one that `rcnnzoo pack` wrote, which may be on a web server.

    Args:
        source: A registered name, a path to a folder, or the URL of a packed data set.
        data_dir: Folder of a registered data set: its own, or one that holds it under its name. Without
            it, `$RCNNZOO_DATA`. Of a URL, the folder for its copy.
        val_fraction: Hold out this part of train as val (needed when a folder without splits is trained on).
        seed: Random seed of the images held out.

    Raises:
        UnknownName: No data set or folder of that name.
        DataError: The images are missing or have the wrong layout; the message says how to get them.
    """
    if is_url(source):
        url = source.rstrip("/")
        splits, mirrored = read_shards(fetch(url, _given(data_dir)))
        data = Data(as_utf8(name_of(url)), splits, mirrored, url, "" if data_dir is None else str(data_dir.resolve()))
    elif source not in plugins.names("data") and (Path(source).exists() or os.sep in source):
        path = Path(source).resolve()
        splits, mirrored = read_shards(path) if is_packed(path) else (read_folder(Path(source)), True)
        data = Data(as_utf8(path.name), splits, mirrored, source=str(path))
    else:
        data = _open_registered(source, data_dir)
    check_splits(data.splits, source)
    return data if val_fraction is None else _with_val(data, val_fraction, seed)


def _open_registered(name: str, data_dir: Path | None) -> Data:
    entry = plugins.look_up("data", name)
    description = cast(DataSet, entry.member)
    read = entry.load()
    folder = find_folder(description, data_dir)
    where = "" if folder is None else str(folder.resolve())
    return Data(name, read(folder), description.mirrored, name, where)


def is_same_source(typed: str, source: str) -> bool:
    """Whether what a user typed opens what `Data.source` does."""
    if is_url(typed):
        return typed.rstrip("/") == source
    return typed == source or (typed not in plugins.names("data") and str(Path(typed).resolve()) == source)


def _with_val(data: Data, fraction: float, seed: int) -> Data:
    if "val" in data.splits:
        raise OptionError(f"`val_fraction` {fraction:g}: {data.name} has its own val split; leave the option out")
    source = "train" if "train" in data.splits else WHOLE
    train, val = hold_out(data.split(source), fraction, seed)
    rest = {name: split for name, split in data.splits.items() if name != source}
    return replace(data, splits={"train": train, "val": val, **rest})


def _given(data_dir: Path | None) -> Path | None:
    """The folder for data sets that a user gave, here or in the environment."""
    return data_dir or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)


def find_folder(description: DataSet, data_dir: Path | None) -> Path | None:
    """The folder of a registered data set; None if it is bundled.

    Raises:
        DataError: It is missing; the message says how to get it.
    """
    if description.bundled:
        return None
    name = description.name
    given = _given(data_dir)
    terms = "; ".join(filter(None, (description.size, description.licence)))
    page = f"get it from {description.page}{terms and f' ({terms})'}, " if description.page else ""
    unpack = (
        f"unpack it so that DIR/{name} holds {description.layout}" if description.layout else f"put it in DIR/{name}"
    )
    get = f"{page}{unpack}, and give `data_dir` DIR or ${ENVIRONMENT}"
    if given is None:
        raise DataError(f"data set {name!r}: no folder was given: {get}")
    for folder in (given / name, given):
        if folder.is_dir() and any(folder.iterdir()):
            return folder
    raise DataError(f"data set {name!r}: {given} is empty or missing; {get}")

"""What every data set must do: say where to get it, refuse what it can't read, and match its description."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from rcnnzoo import plugins
from rcnnzoo.checking.rows import Check, Fault, Row, run_all
from rcnnzoo.data.folders import WHOLE
from rcnnzoo.data.splits import SPLITS, Split, check_splits, fingerprint
from rcnnzoo.errors import RcnnzooError
from rcnnzoo.hookspecs import DataSet
from rcnnzoo.plugins import one_line

Reader = Callable[[Path | None], Mapping[str, Split]]


@dataclass(frozen=True)
class Source:
    """A data set: its description, and what reads it."""

    description: DataSet
    read: Reader


def check_data(name: str) -> Iterator[Row]:
    """One row per check of the data set of that name; only the first, where its reader can't be imported."""
    description = cast(DataSet, plugins.look_up("data", name).member)
    checks = BUNDLED if description.bundled else CHECKS
    return run_all(
        f"data set {name}", "imported", lambda: Source(description, plugins.look_up("data", name).load()), checks
    )


def says_how_to_get_it(source: Source) -> None:
    """A user who doesn't have its folder yet is told what to do."""
    fields = ("page", "size", "licence", "layout")
    missing = [name for name in fields if not getattr(source.description, name)]
    if missing:
        raise Fault(f"its description lacks {', '.join(missing)}: add that, or bundled=True where no folder is needed")


def refuses_what_is_not_there(source: Source) -> None:
    """A folder that is missing, or holds something else, is one of rcnnzoo's errors, which users see in one line."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "notes.txt").write_text("no image")
        for place, what in ((Path(folder, "missing"), "a missing folder"), (Path(folder), "a folder without images")):
            try:
                source.read(place)
            except RcnnzooError:
                continue
            except Exception as error:
                raise Fault(f"for {what} it raises {one_line(error)}: raise rcnnzoo.plugin.DataError") from error
            raise Fault(f"for {what} its message is empty: raise rcnnzoo.plugin.DataError")


def opens(source: Source) -> str:
    """Splits with known names, whose images can be read and whose labels are categories."""
    splits = source.read(None)
    if not splits or not set(splits) <= {*SPLITS, WHOLE}:
        raise Fault(f"its splits are {', '.join(splits) or 'none'}: name them among {', '.join(SPLITS)}")
    for name, split in splits.items():
        _check_split(name, split)
    check_splits(splits, source.description.name)
    return ", ".join(f"{name} {len(split):,}" for name, split in splits.items())


def _check_split(name: str, split: object) -> None:
    if not isinstance(split, Split):
        raise Fault(f"{name} is a {type(split).__name__}: a rcnnzoo.plugin.Split is needed")
    labels = np.asarray(split.labels)
    if len(labels) != len(split.files) or not len(labels):
        raise Fault(f"{name} has {len(labels)} labels for {len(split.files)} images")
    if labels.dtype != np.int64:
        raise Fault(f"labels of {name} are {labels.dtype}: int64 is needed")
    if labels.min() < 0 or labels.max() >= len(split.categories):
        raise Fault(
            f"labels of {name} range from {labels.min()} to {labels.max()}; categories: {len(split.categories)}"
        )
    for position in (0, len(labels) - 1):
        image: object = split.read(position)
        if not isinstance(image, Image.Image) or image.mode != "RGB":
            what = image.mode if isinstance(image, Image.Image) else type(image).__name__
            raise Fault(f"image {position} of {name} is {what}: read must give RGB images of Pillow's")


def stays_the_same(source: Source) -> None:
    """Opened twice it has the same images, in the same order."""
    one, other = ({name: fingerprint(split) for name, split in source.read(None).items()} for _ in range(2))
    if one != other:
        raise Fault("opened twice, its images, labels or their order differ: use random numbers only with a seed")


def reaches_worker_processes(source: Source) -> None:
    """Large images are decoded by other processes, to which the reader is sent."""
    for name, split in source.read(None).items():
        try:
            pickle.dumps(split)
        except Exception as error:
            raise Fault(
                f"{name} can't be sent to the processes that decode images ({one_line(error)}): let read be a "
                "function, or an object of a class, at the top of a module"
            ) from error


CHECKS: dict[str, Check[Source]] = {
    "description": says_how_to_get_it,
    "refuses a missing folder": refuses_what_is_not_there,
}
BUNDLED: dict[str, Check[Source]] = {
    "opens": opens,
    "stays the same": stays_the_same,
    "reaches worker processes": reaches_worker_processes,
}

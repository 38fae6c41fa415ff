"""Trials in which images follow one another, as a CSV file lists them: one row per trial and position."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from rcnnzoo.data.folders import split_of_files
from rcnnzoo.data.rows import find_image, read_rows
from rcnnzoo.data.splits import UNKNOWN, Split, fingerprint
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError, UnknownName

WANTED = ("trial", "position", "image", "steps")
OPTIONAL = ("target", "category")
BLANK, NOISE = "blank", "noise"
"""What `image` may say in place of a file: mid-grey, or pixels drawn evenly."""
MOST_ROWS = 1_000_000
MOST_STEPS = 10_000
"""Time steps of a trial above which a number must be a mistake."""


@dataclass(frozen=True)
class Item:
    """What is shown at a position of a trial.

    Attributes:
        image: A file under the folder, `blank` or `noise`.
        steps: For how many time steps.
        category: Of the image, as the file says; empty if it doesn't.
        target: Whether it is one, where the file says so.
        row: Where it stands in the file.
    """

    image: str
    steps: int
    category: str = ""
    target: bool | None = None
    row: int = 0

    @property
    def is_file(self) -> bool:
        """Whether an image is read for it."""
        return self.image not in (BLANK, NOISE)


@dataclass(frozen=True)
class Sequences:
    """Trials, and what is shown in each.

    Attributes:
        file: Where they were read.
        folder: What files of images are relative to.
        trials: The items of each trial in order, by its name.
    """

    file: Path
    folder: Path
    trials: dict[str, tuple[Item, ...]]

    @property
    def steps(self) -> int:
        """Time steps of the longest trial."""
        return max(sum(item.steps for item in items) for items in self.trials.values())

    @property
    def files(self) -> list[str]:
        """The different image files, sorted."""
        return sorted({item.image for items in self.trials.values() for item in items if item.is_file})

    @property
    def has_noise(self) -> bool:
        """Whether anything shown depends on a random seed."""
        return any(item.image == NOISE for items in self.trials.values() for item in items)

    @property
    def has_targets(self) -> bool:
        """Whether the file says which items are targets."""
        return any(item.target is not None for items in self.trials.values() for item in items)

    @property
    def changes(self) -> bool:
        """Whether any trial shows more than one item."""
        return any(len(items) > 1 for items in self.trials.values())

    def categories(self) -> list[str]:
        """The categories that are named, sorted: in the file's column, else by the folder that an image is in."""
        named = {
            item.category or PurePosixPath(item.image).parent.name
            for items in self.trials.values()
            for item in items
            if item.is_file
        }
        return sorted(named - {""})

    def images(self) -> Split:
        """The different image files."""
        return split_of_files(self.folder, (), self.files, [UNKNOWN] * len(self.files))

    def labels(self, categories: Sequence[str]) -> list[list[int]]:
        """Category of each item of each trial: that in the file, else the nearest folder that is called like one.

        `UNKNOWN` for `blank`, `noise`, and images of no such category, of which a warning says how many there are.

        Raises:
            UnknownName: The file names a category that is not among these.
        """
        index = {name: place for place, name in enumerate(categories)}
        labels = [[self._label(item, index) for item in items] for items in self.trials.values()]
        shown = [
            label
            for items, of in zip(self.trials.values(), labels, strict=True)
            for item, label in zip(items, of, strict=True)
            if item.is_file
        ]
        if unknown := shown.count(UNKNOWN):
            warnings.warn(
                f"{self.file}: images in no folder that is called like one of the network's categories: {unknown:,} of "
                f"{len(shown):,}; how often they win can't be counted (a column category names them)",
                DataWarning,
                stacklevel=2,
            )
        return labels

    def _label(self, item: Item, index: dict[str, int]) -> int:
        if item.category:
            if item.category not in index:
                raise UnknownName("category", item.category, index, f"{self.file}, row {item.row}")
            return index[item.category]
        folders = reversed(PurePosixPath(item.image).parent.parts) if item.is_file else ()
        return next((index[name] for name in folders if name in index), UNKNOWN)

    def by_step(self, values: Sequence[Sequence[int]], after: int) -> npt.NDArray[np.int64]:
        """A number for each item of each trial, at each time step of the item: [N, T]; `after` the trial's end."""
        table = np.full((len(self.trials), self.steps), after, dtype=np.int64)
        for row, items, of in zip(table, self.trials.values(), values, strict=True):
            spread = np.repeat(of, [item.steps for item in items])
            row[: len(spread)] = spread
        return table

    def fingerprint(self) -> str:
        """SHA-256 over all that is shown, and the name, size and date of each image."""
        listed = {name: [astuple(item)[:-1] for item in items] for name, items in self.trials.items()}
        total = hashlib.sha256(json.dumps([listed, fingerprint(self.images())]).encode("utf-8", "surrogateescape"))
        return total.hexdigest()


def read_sequences(file: Path, folder: Path) -> Sequences:
    """Trials from a file.

    Args:
        file: CSV in UTF-8 with the columns `trial, position, image, steps`, and if wanted `target` (1 or 0) and
            `category`. Positions of a trial count from 1; its rows may be in any order.
        folder: What paths in `image` are relative to.

    Raises:
        DataError: There is no such folder, or a row is wrong; the message says which.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder; give the folder of the images (`images`)")
    rows = list(read_rows(file, "one row per trial and position"))
    if not rows:
        raise DataError(f"{file}, row 1: no rows follow the header; give one row per trial and position")
    columns = list(rows[0][1])
    missing = [name for name in WANTED if name not in columns]
    if missing:
        raise DataError(f"{file}, row 1: no column {missing[0]!r}; it has {', '.join(columns)}")
    if unused := [name for name in columns if name not in WANTED + OPTIONAL]:
        warnings.warn(f"{file}: columns not used: {', '.join(unused)}", DataWarning, stacklevel=2)
    trials: dict[str, dict[int, Item]] = {}
    for number, cells in rows:
        try:
            position, item = _whole(cells, "position", MOST_ROWS), _item(number, cells, folder)
            items = trials.setdefault(_filled(cells, "trial"), {})
        except DataError as error:
            raise DataError(f"{file}, row {number}: {error}") from error
        if position in items:
            raise DataError(
                f"{file}, row {number}: trial {cells['trial']} has position {position} in row {items[position].row} "
                "already; number positions from 1"
            )
        items[position] = item
    for name, items in trials.items():
        _check_trial(file, name, items)
    return Sequences(
        file, folder, {name: tuple(items[place] for place in sorted(items)) for name, items in trials.items()}
    )


def _check_trial(file: Path, name: str, items: dict[int, Item]) -> None:
    for place in range(1, len(items) + 1):
        if place not in items:
            raise DataError(
                f"{file}: trial {name} has {len(items)} rows, but none for position {place}; number positions from 1 "
                "without gaps"
            )
    if (total := sum(item.steps for item in items.values())) > MOST_STEPS:
        raise DataError(f"{file}: trial {name} has {total:,} time steps; take at most {MOST_STEPS:,}")


def _filled(cells: dict[str, str], name: str) -> str:
    if not cells[name]:
        raise DataError(f"no {name}; fill it in")
    return cells[name]


def _whole(cells: dict[str, str], name: str, most: int) -> int:
    """A whole number from 1."""
    text = _filled(cells, name)
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise DataError(f"{name} is {text!r}; give a whole number from 1 to {most:,}")
    return int(text)


def _item(number: int, cells: dict[str, str], folder: Path) -> Item:
    typed, category = _filled(cells, "image"), cells.get("category", "")
    target = _filled(cells, "target") if "target" in cells else None
    if target not in (None, "0", "1"):
        raise DataError(f"target is {target!r}; give 1 or 0")
    if typed in (BLANK, NOISE):
        if category:
            raise DataError(f"category is {category!r}, but {typed} is of none; leave it empty")
        image = typed
    else:
        image = find_image(folder, typed)
        if image in (BLANK, NOISE):
            raise DataError(f"image {typed} is a file, but {image} stands for what is drawn; rename the file")
    return Item(
        image,
        _whole(cells, "steps", MOST_STEPS),
        category,
        None if target is None else target == "1",
        number,
    )

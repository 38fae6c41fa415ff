"""A part of a data set: which images, in which order, with which labels."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from rcnnzoo.data.decoding import Jpeg
from rcnnzoo.errors import DataError, OptionError

SPLITS = ("train", "val", "test")
UNKNOWN = -1
"""Label of an image whose category is unknown or not among the network's, such as a stimulus from elsewhere."""
What = TypeVar("What")


def no_stamp(position: int) -> str:
    """The stamp of images that are known not to change."""
    return ""


@dataclass(frozen=True)
class Split:
    """Labelled images in a fixed order; pixels are read when asked for.

    Attributes:
        categories: Names, in the order of the labels.
        files: A name for each image.
        labels: Index into `categories` of each image, int64 [N].
        read: Position -> RGB image; raises whatever the decoder raises.
        stamp: Position -> a value that changes when the image does and is quick to get (a file's size and date).
        folder: What names of files are relative to; empty if they are not files.
        read_lazily: As `read`, but JPEGs are not decoded yet, so that a smaller copy can be asked for; None if there is
            no such way.
    """

    categories: tuple[str, ...]
    files: Sequence[str] = field(repr=False)
    labels: npt.NDArray[np.int64] = field(repr=False)
    read: Callable[[int], Image.Image] = field(repr=False)
    stamp: Callable[[int], str] = field(repr=False, default=no_stamp)
    folder: str = field(repr=False, default="")
    read_lazily: Callable[[int], Image.Image | Jpeg] | None = field(repr=False, default=None)

    def __len__(self) -> int:
        return len(self.files)


@dataclass(frozen=True)
class Chosen(Generic[What]):
    """Reads an image (or its stamp) in a part of a split by its position in the part."""

    read: Callable[[int], What]
    positions: npt.NDArray[np.int64]

    def __call__(self, position: int) -> What:
        """The item at that position of the part."""
        return self.read(int(self.positions[position]))


def choose(split: Split, positions: npt.NDArray[np.int64]) -> Split:
    """The part of a split at these positions, in their order."""
    return replace(
        split,
        files=[split.files[i] for i in positions],
        labels=split.labels[positions],
        read=Chosen(split.read, positions),
        stamp=Chosen(split.stamp, positions),
        read_lazily=None if split.read_lazily is None else Chosen(split.read_lazily, positions),
    )


def fingerprint(split: Split, *, stamps: bool = True) -> str:
    """SHA-256 over the categories, and the name, label and, if wanted, stamp of each image."""
    total = hashlib.sha256("\n".join(split.categories).encode("utf-8", "surrogateescape"))
    for position, (file, label) in enumerate(zip(split.files, split.labels, strict=True)):
        stamp = split.stamp(position) if stamps else ""
        total.update(f"\0{file}\0{label}\0{stamp}".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def hold_out(split: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Divide a split at random, each category in proportion: what stays, and the fraction held out.

    Raises:
        OptionError: The fraction leaves a category without images on either side.
    """
    from sklearn.model_selection import train_test_split

    if not 0 < fraction < 1:
        raise OptionError(f"`val_fraction` {fraction:g}: take a number between 0 and 1")
    try:
        stays, held = train_test_split(
            np.arange(len(split)), test_size=fraction, random_state=seed, stratify=split.labels
        )
    except ValueError as error:
        raise OptionError(
            f"`val_fraction` {fraction:g} can't be held out of {len(split)} images in "
            f"{len(split.categories)} categories ({error}): take another fraction or add images"
        ) from error
    return choose(split, np.sort(stays)), choose(split, np.sort(held))


def check_categories(wanted: Sequence[str], found: Sequence[str], wanted_by: str, found_in: str) -> None:
    """Refuse categories that differ; the message names the first differences.

    Raises:
        DataError: They differ in number, name or order.

    >>> check_categories(["cat", "dog"], ["cat", "fox"], "the network", "pets/test")
    Traceback (most recent call last):
    ...
    rcnnzoo.errors.DataError: categories of pets/test differ from those of the network: 1 is 'fox', not 'dog'
    """
    if list(wanted) == list(found):
        return
    differences = [f"{i} is {b!r}, not {a!r}" for i, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b][
        :3
    ]
    if len(wanted) != len(found):
        differences.insert(0, f"{len(found)} categories, not {len(wanted)}")
    raise DataError(f"categories of {found_in} differ from those of {wanted_by}: {'; '.join(differences)}")


def check_splits(splits: Mapping[str, Split], where: str) -> None:
    """Refuse a data set that no network can be trained or tested on.

    Raises:
        DataError: A split has one category or none, or categories that differ from the first split's.
    """
    if not splits:
        raise DataError(f"{where}: holds no images: its reader gave no splits")
    first = next(iter(splits))
    for name, split in splits.items():
        for category in split.categories:
            if not category.isprintable():
                raise DataError(f"{where}: category {category!r} holds characters that are not text: rename its folder")
        if len(split.categories) < 2:
            raise DataError(f"{where}: {len(split.categories)} category in {name}: a classifier needs at least 2")
        check_categories(splits[first].categories, split.categories, f"its {first} split", f"{where}'s {name} split")

"""Folders of class folders, by themselves or under train/, val/ and test/: what is a split, a category, an image."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from rcnnzoo.data.decoding import Jpeg, open_image, read_image
from rcnnzoo.data.splits import Split
from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError

SUFFIXES = frozenset(
    {".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
JPEGS = frozenset({".jfif", ".jpe", ".jpeg", ".jpg"})
WHOLE = "all"  # the name of the one split of a folder that has none
SPLIT_OF = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
SPLIT_OF |= {"test": "test", "testing": "test"}
"""What folders of splits may be called, and which split that is."""
SYSTEM = frozenset({"@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "System Volume Information", "__MACOSX"})
"""Folders that file servers and archives add; the images in them are copies, thumbnails or deleted ones."""


def read_folder(folder: Path) -> dict[str, Split]:
    """The splits train, val and test of a folder that has them; otherwise one split named `all`.

    A folder is a split if it has such a name (`SPLIT_OF`) and holds folders but no images; `train` with
    images in it is a category.

    Raises:
        DataError: There is no such folder, it holds no class folders, one of them holds no image, or it holds both
            splits and categories.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give one that holds class folders, or train/, val/ and test/")
    found = _Found(folder)
    inside = found.folders(_entries(folder))
    named = {name: SPLIT_OF[name.lower()] for name in inside if name.lower() in SPLIT_OF and _is_split(folder / name)}
    others = [name for name in inside if name not in named and _has_images(folder / name)]
    if not named:
        return {WHOLE: read_class_folders(folder)}
    if others:
        raise DataError(
            f"{folder}: holds both splits ({', '.join(named)}) and folders with images ({', '.join(others[:3])}"
            f"{', ...' * (len(others) > 3)}): move or rename one kind"
        )
    twice = [split for split in named.values() if list(named.values()).count(split) > 1]
    if twice:
        names = [name for name, split in named.items() if split == twice[0]]
        raise DataError(f"{folder}: {' and '.join(names)} are both the {twice[0]} split: keep one of them")
    folder_of = {split: name for name, split in named.items()}
    return {
        split: read_class_folders(folder / folder_of[split]) for split in ("train", "val", "test") if split in folder_of
    }


def read_class_folders(folder: Path) -> Split:
    """A folder with a folder for each category; categories and files in the order of their sorted names.

    A category's images may be in folders inside its folder, and both may be links. Hidden files and folders are passed
    over; other files that are not images, and folders that a system added, are counted in a warning.

    Raises:
        DataError: There are no class folders, one of them holds no image, or is a broken link.
    """
    found = _Found(folder)
    entries = _entries(folder)
    class_folders = found.folders(entries)
    if not class_folders:
        raise DataError(f"{folder}: holds no class folders; {_where_instead(folder)}")
    found.beside = sum(not entry.is_dir() for entry in entries)
    files, labels = [], []
    for label, name in enumerate(class_folders):
        images = sorted(found.images(folder / name))
        if not images:
            raise DataError(f"{folder / name}: a class folder without images ({', '.join(sorted(SUFFIXES))})")
        files += [path.relative_to(folder).as_posix() for path in images]
        labels += [label] * len(images)
    if len(class_folders) == 1 and _is_split(folder / class_folders[0]):
        raise DataError(f"{folder}: holds only one folder; did you mean {folder / class_folders[0]}?")
    found.say_what_was_skipped()
    return split_of_files(folder, tuple(class_folders), files, labels)


def split_of_files(folder: Path, categories: tuple[str, ...], files: list[str], labels: list[int]) -> Split:
    """A split whose images are files under a folder."""
    reader = FileReader(folder, files)
    return Split(categories, files, np.array(labels, dtype=np.int64), reader, reader.stamp, str(folder), reader.lazily)


@dataclass(frozen=True)
class FileReader:
    """Reads the image at a position of a list of files."""

    folder: Path
    files: list[str]

    def __call__(self, position: int) -> Image.Image:
        """The image at that position."""
        return read_image(self.folder / self.files[position])

    def lazily(self, position: int) -> Image.Image | Jpeg:
        """The same, but a JPEG is not decoded yet."""
        path = self.folder / self.files[position]
        if os.path.splitext(path)[1].lower() in JPEGS and path.is_file():
            with suppress(UnidentifiedImageError):  # which `read_image` explains
                return open_image(path.read_bytes())
        return read_image(path)

    def stamp(self, position: int) -> str:
        """Size and date of the file at that position; empty if it is gone."""
        try:
            status = os.stat(self.folder / self.files[position])
        except OSError:
            return ""
        return f"{status.st_size} {status.st_mtime_ns}"


def images_in(folder: Path) -> list[Path]:
    """All images in a folder and in those inside it, sorted.

    Raises:
        DataError: There are none.
    """
    images = sorted(_Found(folder).images(folder))
    if not images:
        raise DataError(f"{folder}: holds no images ({', '.join(sorted(SUFFIXES))})")
    return images


def is_image(name: str) -> bool:
    """Whether a file's name says that it is an image, and that it is not hidden."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder that are not hidden."""
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


@dataclass
class _Found:
    """A walk through folders that counts what it skips.

    Attributes:
        root: Where it began, for messages.
        beside: Files beside the class folders.
        others: Files of other kinds inside class folders, by folder.
        system: Folders that a system added.
    """

    root: Path
    beside: int = 0
    others: dict[str, int] = field(default_factory=dict)
    system: set[str] = field(default_factory=set)

    def folders(self, entries: Iterable[os.DirEntry[str]]) -> list[str]:
        """Names of the folders among the entries of a folder, sorted, links to folders among them.

        Raises:
            DataError: One is a broken link: what it meant must not be left out silently.
        """
        names = []
        for entry in entries:
            if entry.name in SYSTEM:
                self.system.add(entry.path)
            elif entry.is_dir():
                names.append(entry.name)
            elif entry.is_symlink() and not os.path.splitext(entry.name)[1] and not os.path.exists(entry.path):
                raise DataError(f"{entry.path}: is a broken link: repair or remove it")
        return sorted(names)

    def images(self, folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
        """Every image file under a folder.

        Raises:
            DataError: A link leads back to a folder that contains it.
        """
        real = os.path.realpath(folder)
        if real in above:
            raise DataError(f"{folder}: is a link to a folder that contains it: remove it")
        entries = _entries(folder)
        files = [entry.name for entry in entries if not entry.is_dir()]
        images = [name for name in files if is_image(name)]
        if len(images) < len(files):
            self.others[str(folder)] = len(files) - len(images)
        yield from (folder / name for name in images)
        for name in self.folders(entries):
            yield from self.images(folder / name, (*above, real))

    def say_what_was_skipped(self) -> None:
        """Warn in one line, if there was anything."""
        parts = []
        if self.others:
            parts.append(
                f"{_count(sum(self.others.values()), 'file')} of other kinds in {_count(len(self.others), 'folder')}"
            )
        if self.beside:
            parts.append(f"{_count(self.beside, 'file')} beside the class folders")
        if self.system:
            names = ", ".join(sorted({os.path.basename(path) for path in self.system}))
            parts.append(f"{_count(len(self.system), 'system folder')} ({names})")
        if parts:
            warnings.warn(f"{self.root}: skipped {'; '.join(parts)}", DataWarning, stacklevel=3)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _is_split(folder: Path) -> bool:
    """Whether a folder holds folders but no images."""
    entries = [entry for entry in _entries(folder) if entry.name not in SYSTEM]
    has_images = any(is_image(entry.name) for entry in entries if not entry.is_dir())
    return any(entry.is_dir() for entry in entries) and not has_images


def _has_images(folder: Path) -> bool:
    """Whether there is an image in a folder, or in one inside it."""
    return next(_Found(folder).images(folder), None) is not None


def _where_instead(folder: Path) -> str:
    """What to do about a folder without folders."""
    names = [entry.name for entry in _entries(folder)]
    if any(name.endswith(".tar") for name in names):
        return "unpack its .tar files first"
    if any(is_image(name) for name in names):
        return f"it holds images; did you mean the folder above it, {folder.absolute().parent}?"
    return "it needs a folder for each category, with images in it"

"""Folders of class folders, alone or under train/, val/ and test/."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from rcnnzoo.data.splits import SPLITS, Split
from rcnnzoo.errors import DataError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
WHOLE = "all"  # the name of the one split of a folder that has none


def read_image(path: Path) -> Image.Image:
    """A file as an upright RGB image, whatever it was (grey, CMYK, palette, a PNG named .JPEG).

    Raises:
        OSError: It is missing, no image, or cut short.
    """
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def read_folder(folder: Path) -> dict[str, Split]:
    """The splits train, val and test of a folder that has them; else one split named `all`.

    Raises:
        DataError: There is no such folder, it holds no class folders, or one of them holds no image.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give one of class folders, or one with train/, val/, test/ of such")
    named = [name for name in SPLITS if (folder / name).is_dir()]
    if named:
        return {name: read_class_folders(folder / name) for name in named}
    return {WHOLE: read_class_folders(folder)}


def read_class_folders(folder: Path) -> Split:
    """A folder with a folder a category; categories and files in the order of their sorted names.

    Raises:
        DataError: There are no class folders, or one of them holds no image.
    """
    class_folders = sorted(
        entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith(".")
    )
    if not class_folders:
        shards = any(folder.glob("*.tar"))
        advice = "unpack its .tar files first" if shards else "it needs a folder a category with images in it"
        raise DataError(f"{folder}: holds no class folders; {advice}")
    files, labels = [], []
    for label, name in enumerate(class_folders):
        found = sorted(image_files(folder / name))
        if not found:
            raise DataError(f"{folder / name}: a class folder without images ({', '.join(sorted(SUFFIXES))})")
        files += [path.relative_to(folder).as_posix() for path in found]
        labels += [label] * len(found)
    return split_of_files(folder, tuple(class_folders), files, labels)


def split_of_files(folder: Path, categories: tuple[str, ...], files: list[str], labels: list[int]) -> Split:
    """A split whose images are files under a folder."""
    reader = FileReader(folder, files)
    return Split(categories, files, np.array(labels, dtype=np.int64), reader, reader.stamp, str(folder))


@dataclass(frozen=True)
class FileReader:
    """Reads the image at a position of a list of files."""

    folder: Path
    files: list[str]

    def __call__(self, position: int) -> Image.Image:
        """The image at that position."""
        return read_image(self.folder / self.files[position])

    def stamp(self, position: int) -> str:
        """Size and date of the file at that position; empty if it is gone."""
        try:
            status = os.stat(self.folder / self.files[position])
        except OSError:
            return ""
        return f"{status.st_size} {status.st_mtime_ns}"


def image_files(folder: Path) -> Iterator[Path]:
    """Every image file under a folder; hidden ones are left out."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES:
                yield Path(parent, name)

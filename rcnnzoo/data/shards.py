"""Data sets packed into tar files, as WebDataset names and reads them, with an index to read any image at once.

A folder holds `index.json`, and for each split its shards `train-000000.tar`, ... and `train-index.npz`. In a shard
each image is two files, `000000123.jpg` and `000000123.cls` (the number of its category); the name is its place in the
split.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from rcnnzoo.data.decoding import Jpeg, decode_image, open_image
from rcnnzoo.data.splits import Split
from rcnnzoo.errors import DataError, reason
from rcnnzoo.hashing import bytes_hash

INDEX = "index.json"
UNFINISHED = "packing.json"
"""What is being packed, in place of the index while it is."""
FORMAT = 1
COLUMNS = ("shard", "offset", "length", "label")
"""Arrays of an index, one number per image; `names` holds the images' names, joined by zero bytes."""


@dataclass(frozen=True)
class ShardReader:
    """Reads the image at a position of a packed split.

    Attributes:
        folder: Of the shards.
        shards: Their file names.
        shard: Which one each image is in, [N].
        offset: Its first byte there, [N].
        length: Its number of bytes, [N].
        hashes: SHA-256 of each shard.
    """

    folder: str
    shards: tuple[str, ...]
    shard: npt.NDArray[np.int32] = field(repr=False)
    offset: npt.NDArray[np.int64] = field(repr=False)
    length: npt.NDArray[np.int64] = field(repr=False)
    hashes: tuple[str, ...] = field(repr=False)

    def __call__(self, position: int) -> Image.Image:
        """The image at that position.

        Raises:
            OSError: It can't be read, or decoded.
        """
        return decode_image(io.BytesIO(self.content(position)))

    def lazily(self, position: int) -> Image.Image | Jpeg:
        """The same, but not decoded yet."""
        return open_image(self.content(position))

    def content(self, position: int) -> bytes:
        """The JPEG file at that position.

        Raises:
            OSError: The shard is missing or ends before it.
        """
        length = int(self.length[position])
        with open(os.path.join(self.folder, self.shards[self.shard[position]]), "rb", buffering=0) as shard:
            content = os.pread(shard.fileno(), length, int(self.offset[position]))
        if len(content) < length:
            raise OSError("its shard is cut short")
        return content

    def stamp(self, position: int) -> str:
        """What changes when the image does."""
        return f"{self.hashes[self.shard[position]]} {self.offset[position]}"


def is_packed(folder: Path) -> bool:
    """Whether a folder was written by `rcnnzoo pack`, completely or not."""
    return (folder / INDEX).is_file() or (folder / UNFINISHED).is_file()


def read_index(folder: Path) -> dict[str, Any]:
    """What `index.json` says of a packed data set.

    Raises:
        DataError: It can't be read, or is of another format.
    """
    file = folder / INDEX
    if not file.exists() and (folder / UNFINISHED).exists():
        raise DataError(f"{folder}: is not packed completely; run the same `rcnnzoo pack` again")
    try:
        index = json.loads(file.read_text(encoding="utf-8"))
        known = index["format"] == FORMAT and isinstance(index["splits"], dict) and bool(index["categories"])
    except OSError as error:
        raise DataError(f"{file}: can't be read ({error.strerror}); name a folder that `rcnnzoo pack` wrote") from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file}: can't be read ({reason(error)}); pack the images again") from error
    if not known:
        raise DataError(f"{file}: is not of format {FORMAT}; pack the images with this version of rcnnzoo")
    return dict(index)


def read_shards(folder: Path) -> tuple[dict[str, Split], bool]:
    """The splits of a packed data set, and whether mirrored images keep their category.

    Sizes of shards are checked; `rcnnzoo pack --verify` checks their hashes.

    Raises:
        DataError: The index is damaged, or a shard is missing or of another size.
    """
    index = read_index(folder)
    splits = {}
    for name, described in index["splits"].items():
        try:
            splits[name] = _read_split(folder, name, tuple(index["categories"]), described)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{folder / index_of(name)}: can't be read ({reason(error)}); pack it again") from error
    return splits, bool(index["mirrored"])


def _read_split(folder: Path, name: str, categories: tuple[str, ...], described: Mapping[str, Any]) -> Split:
    shards = described["shards"]
    for shard in shards:
        check_size(folder / shard["file"], shard["bytes"])
    if bytes_hash(folder / index_of(name)) != described["index_sha256"]:
        raise ValueError("it was changed or damaged")
    with np.load(folder / index_of(name), allow_pickle=False) as arrays:
        shard, offset, length, label = (arrays[column] for column in COLUMNS)
        files = arrays["names"].tobytes().decode("utf-8", "surrogateescape").split("\0")
    if not len(shard) == len(offset) == len(length) == len(label) == len(files) == described["images"]:
        raise ValueError("its columns differ in length")
    if not (0 <= shard.min() <= shard.max() < len(shards) and 0 <= label.min() <= label.max() < len(categories)):
        raise ValueError("it names shards or categories that there are not")
    names, hashes = (tuple(each[key] for each in shards) for key in ("file", "sha256"))
    reader = ShardReader(str(folder), names, shard, offset, length, hashes)
    return Split(categories, files, label.astype(np.int64), reader, reader.stamp, str(folder / name), reader.lazily)


def check_size(file: Path, size: int) -> None:
    """Refuse a shard that is missing or was cut short.

    Raises:
        DataError: It is.
    """
    try:
        found = file.stat().st_size
    except OSError as error:
        raise DataError(f"{file}: can't be read ({error.strerror}); put the shard there, or pack it again") from error
    if found != size:
        raise DataError(f"{file}: has {found:,} bytes, not {size:,}: copy it again, or pack it again")


def index_of(split: str) -> str:
    """The file with a split's index."""
    return f"{split}-index.npz"


def members(shard: Path) -> Iterator[tuple[int, str, int, int]]:
    """Place in the split, kind (`jpg` or `cls`), first byte and number of bytes of each file in a shard.

    Raises:
        DataError: It is not a tar file, or is cut short.
    """
    try:
        with tarfile.open(shard, "r:") as tar:
            for member in tar:
                key, _, kind = member.name.partition(".")
                yield int(key), kind, member.offset_data, member.size
    except (OSError, ValueError, tarfile.TarError) as error:
        raise DataError(f"{shard}: is not a shard that rcnnzoo wrote ({reason(error)}); remove it") from error

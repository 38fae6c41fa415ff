"""Packing a data set into shards: images resized once, so that training need not decode large ones at every epoch."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from rcnnzoo.data.batches import Loader
from rcnnzoo.data.images import read_at
from rcnnzoo.data.opening import Data
from rcnnzoo.data.shards import COLUMNS, FORMAT, INDEX, UNFINISHED, check_size, index_of, members, read_index
from rcnnzoo.data.splits import Split, fingerprint
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.errors import DataError
from rcnnzoo.hashing import bytes_hash
from rcnnzoo.locks import LOCK, locked
from rcnnzoo.progress import progress
from rcnnzoo.writing import atomic_write, remove_unfinished

PER_SHARD = 5_000
"""Images of a shard: about 50 MB of 160 pixels' side."""
AT_ONCE = 32
"""Images that a worker encodes before it hands them over."""
SHUFFLED = 0
"""Random seed of the order within and across shards, for other programs, which read them one after the other."""


@dataclass(frozen=True)
class Packing:
    """How images are packed.

    Attributes:
        side: Length of the shorter side in pixels; smaller images stay as they are.
        quality: Of the JPEG files, from 1 to 100.
        workers: Processes that decode and encode.
        max_bad: Images that can't be read and are left out, at most.
    """

    side: int
    quality: int
    workers: int
    max_bad: int


def pack(data: Data, folder: Path, how: Packing) -> dict[str, Any]:
    """Write shards and their index, or go on where an earlier call was interrupted; returns what `index.json` holds.

    Raises:
        DataError: The folder holds something else, or too many images can't be read.
        BusyError: Another process is packing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK, folder, wait=False):
        identity = {
            "format": FORMAT,
            "name": data.name,
            "mirrored": data.mirrored,
            "side": how.side,
            "quality": how.quality,
            "source_sha256": {name: fingerprint(split) for name, split in data.splits.items()},
        }
        if (folder / INDEX).is_file():
            found = read_index(folder)
            _check_same(found, identity, folder)
            return found
        if (folder / UNFINISHED).is_file():
            _check_same(_unfinished(folder), identity, folder)
        elif any(entry.name != LOCK for entry in folder.iterdir()):
            raise DataError(f"{folder}: holds other files; give an empty folder (`out`)")
        remove_unfinished(folder)
        _write_json(folder / UNFINISHED, identity)
        unreadable = Unreadable(how.max_bad)
        splits = {name: _pack_split(name, split, folder, how, unreadable) for name, split in data.splits.items()}
        index = {**identity, "categories": list(data.categories), "splits": splits}
        _write_json(folder / INDEX, index)
        (folder / UNFINISHED).unlink()
        return index


def verify(folder: Path) -> Iterator[tuple[str, int]]:
    """Compare each shard with its hash; yields its name and its number of images.

    Raises:
        DataError: The index can't be read, or a shard is missing or differs.
    """
    for described in read_index(folder)["splits"].values():
        for shard in described["shards"]:
            check_size(folder / shard["file"], shard["bytes"])
            if bytes_hash(folder / shard["file"]) != shard["sha256"]:
                raise DataError(f"{folder / shard['file']}: was changed or damaged: copy it again, or pack it again")
            yield shard["file"], shard["images"]


def _check_same(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    differing = [name.replace("_sha256", "") for name, value in wanted.items() if found.get(name) != value]
    if differing:
        raise DataError(
            f"{folder}: holds a packing that differs in {', '.join(differing)}; give another folder (`out`)"
        )


def _unfinished(folder: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads((folder / UNFINISHED).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    raise DataError(f"{folder / UNFINISHED}: can't be read; remove the folder, and pack again")


def _write_json(file: Path, content: dict[str, Any]) -> None:
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _pack_split(name: str, split: Split, folder: Path, how: Packing, unreadable: Unreadable) -> dict[str, Any]:
    """Write the missing shards of a split, and then its index."""
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(SHUFFLED)).tolist()
    parts = [order[start : start + PER_SHARD] for start in range(0, len(split), PER_SHARD)]
    files = [folder / f"{name}-{number:06}.tar" for number in range(len(parts))]
    todo = [(file, part) for file, part in zip(files, parts, strict=True) if not file.exists()]
    left = sum(len(part) for _, part in todo)
    plan = [part[start : start + AT_ONCE] for _, part in todo for start in range(0, len(part), AT_ONCE)]
    encoded = Loader(_Encoding(split, how.side, how.quality), how.workers).batches(plan)
    with progress(f"packing {name}", len(split), len(split) - left) as advance:
        for file, part in todo:
            with atomic_write(file) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
                for _ in range(0, len(part), AT_ONCE):
                    batch = next(encoded)
                    unreadable.see(batch.faults, batch.remarks)
                    for position, content in batch.images:
                        _add(tar, f"{position:09}.jpg", content)
                        _add(tar, f"{position:09}.cls", str(split.labels[position]).encode())
                    advance(len(batch.images) + len(batch.faults))
    return _index_split(name, split, folder, files)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file that says nothing of when and by whom it was packed, so that the same images give the same shard."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _index_split(name: str, split: Split, folder: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Write where each image of a split is, in the order of the split."""
    rows, shards = [], []
    for number, file in enumerate(files):
        own = [(place, number, start, size) for place, kind, start, size in members(file) if kind == "jpg"]
        rows += own
        entry = {"file": file.name, "sha256": bytes_hash(file), "bytes": file.stat().st_size, "images": len(own)}
        shards.append(entry)
    if not rows:
        raise DataError(f"{folder}: no image of {name} can be read")
    table = np.array(sorted(rows), dtype=np.int64)
    positions = table[:, 0]
    if len(np.unique(positions)) < len(rows) or positions[-1] >= len(split):
        raise DataError(f"{folder}: its shards of {name} are not of one packing; remove the folder, and pack again")
    columns = [table[:, 1].astype(np.int32), table[:, 2], table[:, 3], split.labels[positions]]
    names = "\0".join(split.files[place] for place in positions).encode("utf-8", "surrogateescape")
    with atomic_write(folder / index_of(name)) as temporary, temporary.open("wb") as stream:
        arrays: dict[str, Any] = dict(zip(COLUMNS, columns, strict=True))
        np.savez(stream, **arrays, names=np.frombuffer(names, dtype=np.uint8))
    return {
        "images": len(rows),
        "left_out": len(split) - len(rows),
        "index_sha256": bytes_hash(folder / index_of(name)),
        "shards": shards,
    }


@dataclass(frozen=True)
class Encoded:
    """Images of a batch as JPEG files, by their position; and those that could not be read."""

    images: list[tuple[int, bytes]]
    faults: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class _Encoding:
    """Reads, resizes and encodes images of a split."""

    split: Split
    side: int
    quality: int

    def __getitems__(self, positions: list[int]) -> Encoded:
        images, faults, remarks = [], [], []
        for position in positions:
            image, said = read_at(self.split, position)
            remarks += said
            if isinstance(image, Image.Image):
                images.append((position, self._encoded(image)))
            else:
                faults.append(image)
        return Encoded(images, tuple(faults), tuple(remarks))

    def _encoded(self, image: Image.Image) -> bytes:
        short = min(image.size)
        if short > self.side:
            width, height = (max(self.side, round(length * self.side / short)) for length in image.size)
            image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=self.quality)
        return stream.getvalue()

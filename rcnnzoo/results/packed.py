"""A data set packed into shards: `rcnnzoo pack`."""

from __future__ import annotations

from pathlib import Path

from rcnnzoo.data.opening import Data
from rcnnzoo.data.packing import Packing, pack, verify
from rcnnzoo.data.shards import read_index
from rcnnzoo.progress import progress
from rcnnzoo.results.result import Result


def pack_images(data: Data, folder: Path, how: Packing) -> Result:
    """Pack a data set, or complete what an interrupted call left.

    Raises:
        DataError: The folder holds something else, or too many images can't be read.
        BusyError: Another process is packing there.
    """
    index = pack(data, folder, how)
    rows = [
        {
            "split": name,
            "images": split["images"],
            "left out": split["left_out"],
            "shards": len(split["shards"]),
            "MB": f"{sum(shard['bytes'] for shard in split['shards']) / 1e6:,.1f}",
        }
        for name, split in index["splits"].items()
    ]
    title = f"{data.name}, shorter side at most {how.side} pixels, JPEG quality {how.quality}"
    return Result({"folder": str(folder), **index}, [(title, rows)], notes=[str(folder)])


def verify_shards(folder: Path) -> Result:
    """Compare each shard with its hash.

    Raises:
        DataError: One is missing or differs, or the folder holds no shards.
    """
    total = sum(len(split["shards"]) for split in read_index(folder)["splits"].values())
    images = 0
    with progress(f"checking {folder}", total) as advance:
        for _, count in verify(folder):
            images += count
            advance(1)
    document = {"folder": str(folder), "shards": total, "images": images, "intact": True}
    return Result(document, notes=[f"{folder}: {total:,} shards with {images:,} images are as they were packed"])

"""CIFAR-10: its binary version as published, or class folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rcnnzoo.data.digits import ArrayReader
from rcnnzoo.data.folders import read_folder
from rcnnzoo.data.splits import Split
from rcnnzoo.errors import DataError

BINARY = "cifar-10-batches-bin"
PICKLED = "cifar-10-batches-py"
CATEGORIES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
RECORD = 1 + 3 * 32 * 32  # a byte for the label, then the red, green and blue planes


def read_cifar10(folder: Path) -> dict[str, Split]:
    """The splits train (50,000 images) and test (10,000).

    Raises:
        DataError: The folder holds neither layout, or a damaged file.
    """
    binary = next((place for place in (folder / BINARY, folder) if (place / "test_batch.bin").is_file()), None)
    if binary is not None:
        training = [binary / f"data_batch_{number}.bin" for number in range(1, 6)]
        return {"train": _read_binary(training), "test": _read_binary([binary / "test_batch.bin"])}
    if (folder / PICKLED).is_dir():
        raise DataError(f"{folder / PICKLED}: pickles, which can hold code and are never opened here; get {BINARY}")
    return read_folder(folder)


def _read_binary(files: list[Path]) -> Split:
    """Records of the published binary version: label, then planes [3, 32, 32]."""
    records, names = [], []
    for file in files:
        try:
            content = np.fromfile(file, dtype=np.uint8)
        except OSError as error:
            raise DataError(f"{file}: can't be read ({error.strerror}); unpack the archive again") from error
        if len(content) == 0 or len(content) % RECORD:
            raise DataError(f"{file}: its size is not a multiple of {RECORD} bytes; unpack the archive again")
        records.append(content.reshape(-1, RECORD))
        names += [f"{file.stem}/{number:05d}" for number in range(len(records[-1]))]
    everything = np.concatenate(records)
    labels = everything[:, 0].astype(np.int64)
    if np.max(labels) >= len(CATEGORIES):
        raise DataError(
            f"{files[0].parent}: label {np.max(labels)} of 10 categories; this is not CIFAR-10's binary version"
        )
    pixels = everything[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Split(CATEGORIES, names, labels, ArrayReader(np.ascontiguousarray(pixels)))

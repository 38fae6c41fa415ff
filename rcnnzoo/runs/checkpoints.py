"""Checkpoints: everything needed to resume training, in one file, and the one before it beside."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import torch

from rcnnzoo.errors import TrainingError
from rcnnzoo.writing import atomic_write


class DamagedCheckpoint(TrainingError):  # noqa: N818 - the name says enough
    """A checkpoint that can't be read, or was written by another version."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file}: damaged, or of another version")


def previous(file: Path) -> Path:
    """Where the checkpoint before the one in a file is kept.

    >>> previous(Path("checkpoint.pt")).name
    'checkpoint-previous.pt'
    """
    return file.with_stem(f"{file.stem}-previous")


def write_checkpoint(file: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values to the disk, whole or not at all; what was there before is kept beside it."""
    # torch.save to a file turns a full disk into a RuntimeError without a name; bytes keep it an OSError.
    content = io.BytesIO()
    torch.save(state, content)
    with atomic_write(file) as temporary:
        with temporary.open("wb") as opened:
            opened.write(content.getbuffer())
            opened.flush()
            os.fsync(opened.fileno())  # otherwise a crash of the machine could leave the new name with the old blocks
        if file.is_file():
            file.replace(previous(file))
    _flush_names(file.parent)


def _flush_names(folder: Path) -> None:
    """Write the names in a folder to the disk, where the system can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_checkpoint(file: Path) -> dict[str, Any]:
    """What a checkpoint holds; only tensors and plain values are read from it.

    Raises:
        DamagedCheckpoint: It can't be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()  # torch.load doesn't look at the checksums
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        raise DamagedCheckpoint(file) from error
    if damaged is not None or not isinstance(state, dict):
        raise DamagedCheckpoint(file)
    return state

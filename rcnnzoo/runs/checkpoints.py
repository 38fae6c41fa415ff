"""Checkpoints: everything needed to resume training, in one file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch

from rcnnzoo.errors import TrainingError
from rcnnzoo.writing import atomic_write

DAMAGED = "damaged, or of another version; remove it, and `resume` starts from the beginning"


def write_checkpoint(file: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values, whole or not at all."""
    # torch.save to a file turns a full disk into a RuntimeError without a name; bytes keep it an OSError.
    content = io.BytesIO()
    torch.save(state, content)
    with atomic_write(file) as temporary:
        temporary.write_bytes(content.getbuffer())


def read_checkpoint(file: Path) -> dict[str, Any] | None:
    """What a checkpoint holds, None if there is none; only tensors and plain values are read from it.

    Raises:
        TrainingError: It is damaged.
    """
    if not file.is_file():
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()  # torch.load doesn't look at the checksums
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        raise TrainingError(f"{file}: {DAMAGED}") from error
    if damaged is not None or not isinstance(state, dict):
        raise TrainingError(f"{file}: {DAMAGED}")
    return state

"""A trace on disk: a zarr group of labelled arrays, in blocks of images, each with a checksum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec

from rcnnzoo.errors import TraceError

FORMAT = 1
BLOCK_BYTES = 2**25
"""About how much of the logits is written, read and checked at once."""


def create(path: Path, logits: tuple[int, int, int], features: Sequence[int], attributes: dict[str, Any]) -> zarr.Group:
    """An empty trace for logits of shape [N, T, C] and, a step each, this many features."""
    images, steps, categories = logits
    block = max(1, min(images, BLOCK_BYTES // (4 * steps * categories)))
    group = zarr.create_group(path, attributes={"format": FORMAT, **attributes})

    def add(name: str, shape: tuple[int, ...], dims: tuple[str, ...], dtype: str) -> None:
        chunks = tuple(block if dim == "image" else size for dim, size in zip(dims, shape, strict=True))
        group.create_array(
            name,
            shape=shape,
            chunks=chunks,
            dtype=dtype,
            dimension_names=dims,
            serializer=BytesCodec(),
            compressors=[Crc32cCodec()],  # not smaller, but damage shows
            fill_value=0,
        )

    add("logits", logits, ("image", "step", "category"), "float32")
    add("label", (images,), ("image",), "int64")
    add("macs", (steps,), ("step",), "int64")
    add("step", (steps,), ("step",), "int64")
    add("readable", (images,), ("image",), "bool")
    add("written", (images,), ("image",), "bool")
    for step, count in enumerate(features, 1):
        add(f"features_{step}", (images, count), ("image", f"feature_{step}"), "float32")
    array(group, "step")[:] = np.arange(1, steps + 1)
    return group


def array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """An array of a trace."""
    return cast("zarr.Array[Any]", group[name])


def open_group(path: Path) -> zarr.Group:
    """A trace's arrays as they are stored, complete or not.

    Raises:
        TraceError: There is no trace of this format.
    """
    if not path.exists():
        raise TraceError(f"{path}: no such trace; write one with `rcnnzoo trace`")
    try:
        group = zarr.open_group(path, mode="r+")
        version = group.attrs["format"]
        array(group, "logits"), array(group, "written")
    except Exception as error:  # zarr raises many things about what it doesn't recognise
        raise TraceError(f"{path}: no trace written by rcnnzoo, or a damaged one; write it again elsewhere") from error
    if version != FORMAT:
        raise TraceError(f"{path}: a trace of format {version}, this rcnnzoo reads {FORMAT}; write it again")
    return group


def written_images(group: zarr.Group) -> int:
    """How many images from the start are complete."""
    return int(np.cumprod(array(group, "written")[:].astype(np.int64)).sum())


def text_file(path: Path) -> Path:
    """Where file and category names stand: text has no stable form in zarr 3 yet."""
    return path / "names.json"


def read_names(path: Path) -> dict[str, list[str]]:
    """Names of files and categories.

    Raises:
        TraceError: They are missing or damaged.
    """
    try:
        names: dict[str, list[str]] = json.loads(text_file(path).read_text())
    except (OSError, ValueError) as error:
        raise TraceError(f"{text_file(path)}: missing or damaged; write the trace again elsewhere") from error
    return names

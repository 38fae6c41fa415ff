"""A trace on disk: a zarr group of labelled arrays, in blocks of images, each block with a checksum.

A block's logits are written before the block is marked as written, so a trace that was killed at any moment says
how far it got.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import zarr
import zarr.errors
from zarr.codecs import BytesCodec, Crc32cCodec, VLenUTF8Codec

from rcnnzoo.errors import TraceError
from rcnnzoo.writing import as_utf8, remove_unfinished, temporary_name

FORMAT = 1
ATTRIBUTES = ("name", "weights_sha256", "data", "data_sha256", "split", "precision", "features")
"""The version that every trace records."""
BLOCK_BYTES = 2**25
"""Approximate amount that is written, read and checked at once."""
BLOCK_IMAGES = 1000
"""At most this many images are recorded again after the process was killed."""
ALL_BLOCKS = {"array.write_empty_chunks": True}
"""Otherwise a block of zeros would not be written, and a missing one would be taken for it."""
MEND = "remove that folder, and run the same `rcnnzoo trace` again"
ARRAYS = {
    "logits": (("image", "step", "category"), "float32"),
    "features": (("image", "feature"), "float32"),
    "readable": (("image",), "bool"),
    "written": (("image",), "bool"),
    "label": (("image",), "int64"),
    "file": (("image",), "string"),
    "macs": (("step",), "int64"),
    "step": (("step",), "int64"),
    "category": (("category",), "string"),
}
"""Dimensions and type of each array; of `features_1` and its dimension `feature_1`, without the number."""
CHECKSUM = [Crc32cCodec()]
"""Does not compress, but reveals damage."""


def is_trace(path: Path) -> bool:
    """Whether a folder looks like a trace, finished or not."""
    return (path / "zarr.json").is_file()


def create(
    path: Path,
    shape: tuple[int, int],
    files: Sequence[str],
    categories: Sequence[str],
    labels: Sequence[int],
    macs: Sequence[int],
    features: Sequence[int],
    attributes: dict[str, Any],
) -> None:
    """An empty trace, written completely or not at all.

    Args:
        path: Where; it must not exist yet, and no other process may be writing there.
        shape: Time steps T and categories C of the logits.
        files: A name for each image.
        categories: A name for each category.
        labels: Category of each image.
        macs: Multiply-accumulates of each step.
        features: Number of inputs of each step's classifier; empty if they are not recorded.
        attributes: Further information about the trace.
    """
    images, (steps, count) = len(files), shape
    block = max(1, min(images, BLOCK_IMAGES, BLOCK_BYTES // (4 * (steps * count + sum(features)))))
    remove_unfinished(path.parent, path.stem)
    part = temporary_name(path)
    try:
        group = zarr.create_group(part, attributes={"format": FORMAT, **attributes})
        _add(group, "logits", (images, steps, count), ("image", "step", "category"), "float32", block)
        _add(group, "readable", (images,), ("image",), "bool", block)
        _add(group, "written", (images,), ("image",), "bool", block)
        for step, number in enumerate(features, 1):
            _add(group, f"features_{step}", (images, number), ("image", f"feature_{step}"), "float32", block)
        for name, dimension, values in (
            ("label", "image", np.array(labels, dtype=np.int64)),
            ("file", "image", np.array([as_utf8(name) for name in files], dtype=np.dtypes.StringDType())),
            ("macs", "step", np.array(macs, dtype=np.int64)),
            ("step", "step", np.arange(1, steps + 1)),
            ("category", "category", np.array(categories, dtype=np.dtypes.StringDType())),
        ):
            with zarr.config.set(ALL_BLOCKS):
                group.create_array(
                    name, data=values, chunks=values.shape, dimension_names=(dimension,), compressors=CHECKSUM
                )
        with warnings.catch_warnings():
            # Without this copy of the metadata xarray warns; with it, zarr warns that others may not support it.
            warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
            zarr.consolidate_metadata(part)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _add(
    group: zarr.Group, name: str, shape: tuple[int, ...], dimensions: tuple[str, ...], dtype: str, block: int
) -> None:
    group.create_array(
        name,
        shape=shape,
        chunks=(block, *shape[1:]),
        dtype=dtype,
        dimension_names=dimensions,
        serializer=BytesCodec(),
        compressors=CHECKSUM,
        fill_value=0,
    )


def array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """An array of a trace."""
    return cast("zarr.Array[Any]", group[name])


def write(group: zarr.Group, name: str, start: int, stop: int, values: npt.NDArray[Any] | bool) -> None:
    """Write the rows of a block."""
    with zarr.config.set(ALL_BLOCKS):
        array(group, name)[start:stop] = values


def open_group(path: Path, mode: Literal["r", "r+"]) -> zarr.Group:
    """A trace's arrays as they are stored, complete or not, for reading or also for writing.

    Raises:
        TraceError: There is no trace of this format.
    """
    if not path.exists():
        raise TraceError(f"{path}: no such trace; write one with `rcnnzoo trace`")
    if mode == "r+" and any(entry.is_symlink() for entry in path.rglob("*")):
        raise TraceError(f"{path}: holds links, and a trace is not written through links", MEND)
    try:
        group = zarr.open_group(path, mode=mode, zarr_format=3)
        version = group.attrs["format"]
        for name in ATTRIBUTES:
            group.attrs[name]
        for name in ("logits", "label", "file", "macs", "category", "readable", "written"):
            array(group, name)
        for name, values in group.arrays():
            _check_stored(name, values.metadata)
    except TraceError as error:
        raise TraceError(f"{path}: {error}", MEND) from error
    except Exception as error:  # zarr raises many things about what it doesn't recognise
        raise TraceError(f"{path}: is not a trace that rcnnzoo wrote, or is damaged", MEND) from error
    if version != FORMAT:
        raise TraceError(f"{path}: a trace of format {version}, but this rcnnzoo reads {FORMAT}", MEND)
    return group


def remove_if_empty(path: Path) -> None:
    """Remove a trace in which no block was recorded."""
    group = open_group(path, mode="r")
    if len(unwritten(group)) == len(blocks(group)):
        shutil.rmtree(path)


def _check_stored(name: str, metadata: Any) -> None:
    """Refuse an array that isn't stored as `create` does it: a codec is code that a third party may have chosen."""
    dimensions, dtype = ARRAYS.get(name.partition("_")[0], (None, None))
    codecs = [type(codec) for codec in metadata.codecs]
    wanted = [VLenUTF8Codec if dtype == "string" else BytesCodec, Crc32cCodec]
    if codecs != wanted:
        raise TraceError(
            f"{name} is stored by {', '.join(codec.__name__ for codec in codecs)}, not as rcnnzoo stores it"
        )
    kind = "string" if metadata.data_type.to_native_dtype().kind == "T" else str(metadata.data_type.to_native_dtype())
    found = tuple(part.partition("_")[0] for part in metadata.dimension_names or ())
    if (found, kind) != (dimensions, dtype):
        raise TraceError(f"{name} is {kind} [{', '.join(found)}], not as rcnnzoo stores it")


def blocks(group: zarr.Group) -> list[tuple[int, int]]:
    """First image, and the one after the last, of each block."""
    logits = array(group, "logits")
    images, block = logits.shape[0], logits.chunks[0]
    return [(start, min(start + block, images)) for start in range(0, images, block)]


def unwritten(group: zarr.Group) -> list[tuple[int, int]]:
    """The blocks that are still to be recorded."""
    try:
        written = array(group, "written")[:]
    except Exception as error:  # a wrong checksum, a file cut short, ...
        raise TraceError(f"{group.store_path}: written is damaged ({error})", MEND) from error
    return [(start, stop) for start, stop in blocks(group) if not written[start:stop].all()]

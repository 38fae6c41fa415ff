"""A trace on disk: a zarr group of labelled arrays, in blocks of images or trials, each block with a checksum.

A block's logits are written before the block is marked as written, so a trace that was killed at any moment says
how far it got.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
import zarr
import zarr.errors
from zarr.codecs import BytesCodec, Crc32cCodec, VLenUTF8Codec

from rcnnzoo import processes
from rcnnzoo.errors import TraceError
from rcnnzoo.writing import as_utf8, remove_unfinished, temporary_name

FORMAT = 1
ATTRIBUTES = ("name", "weights_sha256", "data", "data_sha256", "split", "precision", "features")
"""The version that every trace records."""
BLOCK_BYTES = 2**25
"""Approximate amount that is written, read and checked at once."""
BLOCK_ROWS = 1000
"""At most this many images or trials are recorded again after the process was killed."""
ALL_BLOCKS = {"array.write_empty_chunks": True}
"""Otherwise a block of zeros would not be written, and a missing one would be taken for it."""
MEND = "remove that folder, and run the same `rcnnzoo trace` again"
IMAGE, TRIAL = "image", "trial"
"""What there is a row of: an image, or a trial in which several are shown."""
Arrays = Mapping[str, tuple[tuple[str, ...], str]]
"""Dimensions and type of each array; of `features_1` and its dimension `feature_1`, without the number."""
OF_IMAGES: Arrays = {
    "label": ((IMAGE,), "int64"),
    "file": ((IMAGE,), "string"),
    "macs": (("step",), "int64"),
}
OF_TRIALS: Arrays = {
    "trial": ((TRIAL,), "string"),
    "shown": ((TRIAL, "step"), "string"),
    "position": ((TRIAL, "step"), "int64"),
    "label": ((TRIAL, "step"), "int64"),
    "target": ((TRIAL, "step"), "int64"),
    "macs": ((TRIAL, "step"), "int64"),
}


def _arrays(rows: str, known: Arrays) -> Arrays:
    """All arrays of a trace: those that are known before the network is run, and those that every trace has."""
    return {
        "logits": ((rows, "step", "category"), "float32"),
        "features": ((rows, "feature"), "float32"),
        "readable": ((rows,), "bool"),
        "written": ((rows,), "bool"),
        "step": (("step",), "int64"),
        "category": (("category",), "string"),
        **known,
    }


ARRAYS = {IMAGE: _arrays(IMAGE, OF_IMAGES), TRIAL: _arrays(TRIAL, OF_TRIALS)}
"""By what there is a row of."""
OPTIONAL = ("features", "target")
CHECKSUM = [Crc32cCodec()]
"""Does not compress, but reveals damage."""


def check_room(path: Path, needed: int, advice: str) -> None:
    """Refuse to begin writing more bytes than the disk has room for.

    Raises:
        TraceError: It doesn't.
    """
    there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise TraceError(f"{path}: takes {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free there", advice)


def is_trace(path: Path) -> bool:
    """Whether a folder looks like a trace, finished or not."""
    return (path / "zarr.json").is_file()


def create(
    path: Path,
    rows: str,
    steps: int,
    categories: Sequence[str],
    known: Mapping[str, npt.ArrayLike],
    features: Sequence[int],
    attributes: dict[str, Any],
) -> None:
    """An empty trace, written completely or not at all.

    Args:
        path: Where; it must not exist yet, and no other process may be writing there.
        rows: What there is a row of: `image` or `trial`.
        steps: Time steps T of the logits.
        categories: A name for each category.
        known: The arrays that are known before the network is run, among them `label`.
        features: Number of inputs of each step's classifier; empty if they are not recorded.
        attributes: Further information about the trace.
    """
    number, count = len(np.asarray(known["label"])), len(categories)
    shared = -(-number // processes.count())  # so that each process has a block
    block = max(1, min(shared, BLOCK_ROWS, BLOCK_BYTES // (4 * (steps * count + sum(features)))))
    known = {**known, "step": np.arange(1, steps + 1), "category": categories}
    with creating(path, {"format": FORMAT, **attributes}) as group:
        add_empty(group, "logits", (rows, "step", "category"), "float32", (number, steps, count), block)
        add_flags(group, rows, number, block)
        for step, width in enumerate(features, 1):
            add_empty(group, f"features_{step}", (rows, f"feature_{step}"), "float32", (number, width), block)
        for name, values in known.items():
            dimensions, kind = ARRAYS[rows][name]
            add_known(group, name, dimensions, kind, values)


@contextmanager
def creating(path: Path, attributes: dict[str, Any]) -> Iterator[zarr.Group]:
    """While it lasts, arrays are added to a new group, which then is at a path: completely or not at all."""
    remove_unfinished(path.parent, path.stem)
    part = temporary_name(path)
    try:
        yield zarr.create_group(part, attributes=attributes)
        with warnings.catch_warnings():
            # Without this copy of the metadata xarray warns; with it, zarr warns that others may not support it.
            warnings.simplefilter("ignore", zarr.errors.ZarrUserWarning)
            zarr.consolidate_metadata(part)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def add_flags(group: zarr.Group, rows: str, number: int, block: int) -> None:
    """Arrays that say which rows could be read, and which blocks of them have been written."""
    for name in ("readable", "written"):
        add_empty(group, name, (rows,), "bool", (number,), block)


def add_known(group: zarr.Group, name: str, dimensions: tuple[str, ...], kind: str, values: npt.ArrayLike) -> None:
    """An array whose values are known, of a numpy type or `string`."""
    data = _texts(values) if kind == "string" else np.asarray(values, dtype=kind)
    with zarr.config.set(ALL_BLOCKS):
        group.create_array(name, data=data, chunks=data.shape, dimension_names=dimensions, compressors=CHECKSUM)


def _texts(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """Texts of any shape, as zarr stores them."""
    plain = np.asarray(values, dtype=object)
    texts = np.array([as_utf8(text) for text in plain.ravel()], dtype=np.dtypes.StringDType())
    return texts.reshape(plain.shape)


def add_empty(
    group: zarr.Group, name: str, dimensions: tuple[str, ...], dtype: str, shape: tuple[int, ...], *chunks: int
) -> None:
    """An array to be filled, stored in chunks of this many along its first dimensions, and whole along the others."""
    group.create_array(
        name,
        shape=shape,
        chunks=(*chunks, *shape[len(chunks) :]),
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
        wanted = ARRAYS[rows_of(group)]
        for name in wanted:
            if name not in OPTIONAL:
                array(group, name)
        for name, values in group.arrays():
            _check_stored(name, values.metadata, wanted)
    except TraceError as error:
        raise TraceError(f"{path}: {error}", MEND) from error
    except Exception as error:  # zarr raises many things about what it doesn't recognise
        raise TraceError(f"{path}: is not a trace that rcnnzoo wrote, or is damaged", MEND) from error
    if version != FORMAT:
        raise TraceError(f"{path}: a trace of format {version}, but this rcnnzoo reads {FORMAT}", MEND)
    return group


def remove_if_empty(group: zarr.Group, path: Path) -> None:
    """Remove what a group at a path is stored in, if no block of it was recorded."""
    if len(unwritten(group)) == len(blocks(group)):
        shutil.rmtree(path)


def rows_of(group: zarr.Group) -> str:
    """What a trace has a row of: `image` or `trial`."""
    metadata: Any = array(group, "logits").metadata
    return TRIAL if metadata.dimension_names[0] == TRIAL else IMAGE


def _check_stored(name: str, metadata: Any, arrays: Arrays) -> None:
    """Refuse an array that isn't stored as `create` does it: a codec is code that a third party may have chosen."""
    dimensions, dtype = arrays.get(name.partition("_")[0], (None, None))
    check_codecs(name, metadata)
    kind = "string" if metadata.data_type.to_native_dtype().kind == "T" else str(metadata.data_type.to_native_dtype())
    found = tuple(part.partition("_")[0] for part in metadata.dimension_names or ())
    if (found, kind) != (dimensions, dtype):
        raise TraceError(f"{name} is {kind} [{', '.join(found)}], not as rcnnzoo stores it")


def check_codecs(name: str, metadata: Any) -> None:
    """Refuse an array that isn't stored by the codecs that rcnnzoo uses.

    Raises:
        TraceError: It isn't.
    """
    codecs = [type(codec) for codec in metadata.codecs]
    is_text = metadata.data_type.to_native_dtype().kind == "T"
    if codecs != [VLenUTF8Codec if is_text else BytesCodec, Crc32cCodec]:
        raise TraceError(
            f"{name} is stored by {', '.join(codec.__name__ for codec in codecs)}, not as rcnnzoo stores it"
        )


def blocks(group: zarr.Group) -> list[tuple[int, int]]:
    """First row, and the one after the last, of each block."""
    written = array(group, "written")
    rows, block = written.shape[0], written.chunks[0]
    return [(start, min(start + block, rows)) for start in range(0, rows, block)]


def unwritten(group: zarr.Group) -> list[tuple[int, int]]:
    """The blocks that are still to be recorded."""
    try:
        written = array(group, "written")[:]
    except Exception as error:  # a wrong checksum, a file cut short, ...
        raise TraceError(f"{group.store_path}: written is damaged ({error})", MEND) from error
    return [(start, stop) for start, stop in blocks(group) if not written[start:stop].all()]

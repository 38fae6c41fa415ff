"""Opening a trace, checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
import zarr

from rcnnzoo.data.splits import UNKNOWN
from rcnnzoo.errors import TraceError
from rcnnzoo.recording import storage


def open_trace(path: str | Path) -> xr.Dataset:
    """A trace that `rcnnzoo trace` wrote: `logits[image, step, category]`, `label[image]`, `macs[step]`.

    Every block is read once and compared with its checksum, a block at a time; the arrays then stay on disk until
    they are used. Images that could not be read are left out.

    Raises:
        TraceError: There is none, it is unfinished or damaged, or its values are not finite.
    """
    path = Path(path)
    group = storage.open_group(path, mode="r")
    verify(group, path)
    trace: xr.Dataset = xr.open_zarr(path, chunks=None, decode_cf=False).set_coords("file")
    readable = trace["readable"].values
    trace = trace.drop_vars(["readable", "written"])
    return trace if readable.all() else trace.isel(image=np.flatnonzero(readable))


def verify(group: zarr.Group, path: Path) -> None:
    """Refuse a trace that is unfinished or damaged, or whose values are not finite.

    Raises:
        TraceError: It is; the message names the array.
    """
    images, _, categories = storage.array(group, "logits").shape
    if todo := storage.unwritten(group):
        missing = sum(stop - start for start, stop in todo)
        raise TraceError(f"{path}: {missing} of {images} images are missing", "run the same `rcnnzoo trace` again")
    for name, values in group.arrays():
        if values.nchunks_initialized != values.nchunks:
            raise TraceError(f"{path}: blocks of {name} are missing", storage.MEND)
        block = values.chunks[0]
        try:
            finite = all(
                np.isfinite(part).all()
                for start in range(0, values.shape[0], block)
                if (part := np.asarray(values[start : start + block])).dtype.kind == "f"
            )
        except Exception as error:  # a wrong checksum, a file cut short, ...
            raise TraceError(f"{path}: {name} is damaged ({error})", storage.MEND) from error
        if not finite:
            raise TraceError(f"{path}: {name} holds values that are not finite", storage.MEND)
    labels = storage.array(group, "label")[:]
    if images and not (labels.min() >= UNKNOWN and labels.max() < categories):
        raise TraceError(f"{path}: labels from {labels.min()} to {labels.max()} don't fit {categories} categories")

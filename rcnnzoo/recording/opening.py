"""Opening a trace, checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr

from rcnnzoo.data.splits import UNKNOWN
from rcnnzoo.errors import TraceError
from rcnnzoo.recording import storage


def open_trace(path: str | Path) -> xr.Dataset:
    """A trace that `rcnnzoo trace` wrote: `logits[image, step, category]`, `label[image]`, `macs[step]`.

    A trace of sequences has `logits[trial, step, category]`, NaN after a trial's end, and the other arrays likewise:
    see `record_sequences`.

    Every block is read once and compared with its checksum, a block at a time; the arrays then stay on disk until
    they are used. Images that could not be read are left out.

    Raises:
        TraceError: There is none, it is unfinished or damaged, or its values are not finite.
    """
    path = Path(path)
    group = storage.open_group(path, mode="r")
    verify(group, path)
    trace: xr.Dataset = xr.open_zarr(path, chunks=None, decode_cf=False)
    readable = trace["readable"].values
    trace = trace.drop_vars(["readable", "written"])
    if storage.rows_of(group) == storage.TRIAL:
        return trace.set_coords(["shown", "position"])
    trace = trace.set_coords("file")
    return trace if readable.all() else trace.isel(image=np.flatnonzero(readable))


def verify(group: zarr.Group, path: Path) -> None:
    """Refuse a trace that is unfinished or damaged, or whose values are not finite.

    Raises:
        TraceError: It is; the message names the array.
    """
    count, _, categories = storage.array(group, "logits").shape
    rows = storage.rows_of(group)
    if todo := storage.unwritten(group):
        missing = sum(stop - start for start, stop in todo)
        raise TraceError(f"{path}: {missing} of {count} {rows}s are missing", "run the same `rcnnzoo trace` again")
    ended = _ended(group, path) if rows == storage.TRIAL else None
    for name, values in group.arrays():
        if values.nchunks_initialized != values.nchunks:
            raise TraceError(f"{path}: blocks of {name} are missing", storage.MEND)
        block = values.chunks[0]
        try:
            finite = all(
                _is_finite(part, name, None if ended is None else ended[start : start + block])
                for start in range(0, values.shape[0], block)
                if (part := np.asarray(values[start : start + block])).dtype.kind == "f"
            )
        except Exception as error:  # a wrong checksum, a file cut short, ...
            raise TraceError(f"{path}: {name} is damaged ({error})", storage.MEND) from error
        if not finite:
            raise TraceError(f"{path}: {name} holds values that are not finite", storage.MEND)
    labels = storage.array(group, "label")[:]
    if count and not (labels.min() >= UNKNOWN and labels.max() < categories):
        raise TraceError(f"{path}: labels from {labels.min()} to {labels.max()} don't fit {categories} categories")


def _ended(group: zarr.Group, path: Path) -> npt.NDArray[np.bool_]:
    """Which trials have ended at which time steps, [N, T]."""
    try:
        ended: npt.NDArray[np.bool_] = np.equal(storage.array(group, "position")[:], 0)
    except Exception as error:  # as in `verify`
        raise TraceError(f"{path}: position is damaged ({error})", storage.MEND) from error
    return ended


def _is_finite(values: npt.NDArray[Any], name: str, ended: npt.NDArray[np.bool_] | None) -> bool:
    """Whether values are finite, but for those of trials that have ended [B, T], which are NaN."""
    if ended is None:
        return bool(np.isfinite(values).all())
    over = ended if name == "logits" else ended[:, int(name.removeprefix("features_")) - 1]
    return bool(np.isfinite(values[~over]).all() and np.isnan(values[over]).all())

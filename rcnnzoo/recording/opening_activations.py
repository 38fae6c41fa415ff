"""Opening activations, checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
import zarr

from rcnnzoo.errors import TraceError
from rcnnzoo.recording import storage
from rcnnzoo.recording.blocks import Kind

KIND = "activations"
FORMAT = 1
VALUES = "activations"
"""The array of each layer."""
MEND = "remove that folder, and run the same `rcnnzoo extract` again"


def open_group(path: Path, mode: Literal["r", "r+"] = "r") -> zarr.Group:
    """Activations as they are stored, complete or not, for reading or also for writing.

    Raises:
        TraceError: There are none of this format.
    """
    if not path.exists():
        raise TraceError(f"{path}: no such activations; write them with `rcnnzoo extract`")
    if mode == "r+" and any(entry.is_symlink() for entry in path.rglob("*")):
        raise TraceError(f"{path}: holds links, and activations are not written through links", MEND)
    try:
        group = zarr.open_group(path, mode=mode, zarr_format=3)
        found, version = group.attrs.get("kind"), group.attrs["format"]
        if found == KIND:
            for name in ("readable", "written", "image", "label"):
                storage.array(group, name)
            for layer in group.attrs["layers"]:
                storage.array(group, f"{layer}/{VALUES}")
            for name, member in group.members(max_depth=None):
                if isinstance(member, zarr.Array):
                    storage.check_codecs(name, member.metadata)
    except TraceError as error:
        raise TraceError(f"{path}: {error}", MEND) from error
    except Exception as error:  # zarr raises many things about what it doesn't recognise
        raise TraceError(f"{path}: are not activations that rcnnzoo wrote, or are damaged", MEND) from error
    if found != KIND:
        raise TraceError(f"{path}: is a trace of logits; name what `rcnnzoo extract` wrote")
    if version != FORMAT:
        raise TraceError(f"{path}: activations of format {version}, but this rcnnzoo reads {FORMAT}", MEND)
    return group


def open_activations(path: str | Path) -> xr.DataTree:
    """Activations that `rcnnzoo extract` wrote: a node for each layer, with `activations[image, step, unit]`.

    Coordinates are `image` (its file), `step` (from 1, and `ms` if that was asked for), and of each unit `map`, `y` and
    `x`. Values stay on disk until they are used; each chunk is then compared with its checksum. Images that could not
    be read are left out.

    Raises:
        TraceError: There are none, or they are unfinished or damaged.
    """
    path = Path(path)
    group = open_group(path)
    if todo := storage.unwritten(group):
        missing = sum(stop - start for start, stop in todo)
        number = storage.array(group, "written").shape[0]
        raise TraceError(f"{path}: {missing} of {number} images are missing", "run the same `rcnnzoo extract` again")
    for layer in group.attrs["layers"]:
        values = storage.array(group, f"{layer}/{VALUES}")
        if values.nchunks_initialized != values.nchunks and storage.array(group, "readable")[:].all():
            raise TraceError(f"{path}: blocks of {layer} are missing", MEND)
    tree = xr.open_datatree(path, engine="zarr", chunks=None, decode_cf=False)
    readable = tree["readable"].to_numpy()
    # Stored ones come in alphabetical order, in which layer10 comes before layer2.
    layers = {f"/{name}": _labelled(tree.children[name].to_dataset(inherit=False)) for name in group.attrs["layers"]}
    tree = xr.DataTree.from_dict({"/": _labelled(tree.to_dataset()), **layers})
    if not readable.all():
        tree = tree.isel(image=np.flatnonzero(readable))
    return tree


def _labelled(node: xr.Dataset) -> xr.Dataset:
    coordinates = [name for name in node.data_vars if name != VALUES and name not in ("readable", "written")]
    return node.drop_vars(["readable", "written"], errors="ignore").set_coords(coordinates)


def _identity_of(group: zarr.Group) -> Mapping[str, Any]:
    return dict(group.attrs)


ACTIVATIONS = Kind(open_group, _identity_of, open_activations, "activations that differ")

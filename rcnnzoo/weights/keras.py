"""Reading arrays, and only arrays, from weight files of Keras 2 (HDF5).

A weight file has one group per layer, whose attribute `weight_names` lists its arrays. A whole saved model has
the same under `model_weights`, and beside it its configuration, which can hold code and is never read.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rcnnzoo.errors import WeightsError


@dataclass(frozen=True)
class KerasFile:
    """An open weight file.

    Attributes:
        path: Where it is.
        layers: The arrays of each layer that has any (h5py's data sets, by `kernel`, `gamma`, ...).
    """

    path: Path
    layers: dict[str, dict[str, Any]]

    def shape(self, layer: str, weight: str) -> tuple[int, ...] | None:
        """The shape of an array, without reading it; None if there is none of that name."""
        found = self.layers.get(layer, {}).get(weight)
        return None if found is None else tuple(found.shape)

    def read(self, layer: str, weight: str) -> Tensor:
        """An array in float32, in Keras' order of axes.

        Raises:
            WeightsError: It is damaged or holds values that are not finite.
        """
        with damage_named(self.path), np.errstate(over="ignore"):  # values beyond float32 become infinite, see below
            array = np.asarray(self.layers[layer][weight][()], dtype=np.float32)
        if not np.isfinite(array).all():
            raise WeightsError(
                f"{self.path}: {layer}'s {weight} holds values that are not finite; fetch the file again"
            )
        return torch.from_numpy(array)


@contextmanager
def open_keras(path: Path) -> Iterator[KerasFile]:
    """The layers of a weight file or of a whole saved model; arrays are read when they are asked for.

    Raises:
        WeightsError: The file is missing, damaged, or not Keras'; or h5py is not installed.
    """
    try:
        import h5py
    except ImportError as error:
        raise WeightsError(f"{path}: reading it needs h5py: pip install 'rcnnzoo[import]'") from error
    try:
        path.open("rb").close()
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror or error})") from error
    if not h5py.is_hdf5(path):
        raise WeightsError(f"{path}: is not an HDF5 file (.h5), in which Keras keeps weights")
    with damage_named(path):
        file = h5py.File(path, "r")
    with file:
        with damage_named(path):
            weights = file
            if "model_weights" in file:
                _check_hard(file, "model_weights")
                weights = file["model_weights"]
            for name in weights:
                _check_hard(weights, name)
            layers = {name: _arrays(group) for name, group in weights.items()}
        if not any(layers.values()):
            raise WeightsError(f"{path}: an HDF5 file, but without the layers of a Keras weight file ('weight_names')")
        yield KerasFile(path, {name: arrays for name, arrays in layers.items() if arrays})


@contextmanager
def damage_named(path: Path) -> Iterator[None]:
    """HDF5 has many errors for damaged files, none of which names the file."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: damaged ({error}); fetch it again") from error


def _arrays(group: Any) -> dict[str, Any]:
    """A layer's arrays by their own names: `kernel` of `Conv_Layer_0/kernel:0`."""
    names = [name.decode() if isinstance(name, bytes) else name for name in group.attrs.get("weight_names", [])]
    return {name.rpartition("/")[2].partition(":")[0]: _array(group, name) for name in names}


def _check_hard(group: Any, name: str) -> None:
    """Refuse soft and external links: they lead to something that the file's publisher did not write there."""
    import h5py

    parts = [part for part in name.split("/") if part not in ("", ".")]
    for number in range(1, len(parts) + 1):
        path = "/".join(parts[:number])
        if not isinstance(group.get(path, getlink=True), h5py.HardLink):
            raise ValueError(f"{path} is missing, or links to another file")


def _array(group: Any, name: str) -> Any:
    _check_hard(group, name)
    array = group[name]
    if array.dtype.kind != "f" or array.shape is None:
        raise TypeError(
            f"{name} is {array.dtype if array.shape is not None else 'empty'}, not an array of floating-point numbers"
        )
    if array.file != group.file or array.external or array.is_virtual:
        raise ValueError(f"{name} is in another file")
    return array

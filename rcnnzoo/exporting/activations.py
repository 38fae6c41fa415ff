"""Activations as files that other tools read; the tools themselves need not be installed, but for rsatoolbox.

One file for a layer, or for a layer and step, so that no more than one layer is in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from rcnnzoo.errors import OptionError, TraceError, UnknownName
from rcnnzoo.recording import storage
from rcnnzoo.recording.opening_activations import VALUES
from rcnnzoo.writing import as_utf8, file_name, new_folder

NETCDF_BYTES = 2**31
"""The classic netCDF format holds no larger array."""


@dataclass(frozen=True)
class Layer:
    """What a layer holds.

    Attributes:
        name: Of the area or module.
        model: Of the network.
        images: File of each image.
        values: `[image, step, unit]`, still on the disk.
        ms_per_step: Time between two steps, if steps have times.
    """

    name: str
    model: str
    images: list[str]
    values: xr.DataArray
    ms_per_step: float | None

    @property
    def steps(self) -> list[int]:
        """Time steps, from 1."""
        steps: list[int] = self.values["step"].to_numpy().tolist()
        return steps

    def read(self, step: int | None = None) -> npt.NDArray[Any]:
        """Its values at a step, [image, unit], or at all of them, [image, unit, step].

        Raises:
            TraceError: They are damaged.
        """
        chosen = self.values.transpose("image", "unit", "step") if step is None else self.values.sel(step=step)
        try:
            values: npt.NDArray[Any] = chosen.to_numpy()
        except Exception as error:  # a wrong checksum, a file cut short, ...
            raise TraceError(f"{self.name}: is damaged ({error})", "extract it again") from error
        return values

    @property
    def of_units(self) -> dict[str, Any]:
        """Map, row and column of each unit, or what else says which it is."""
        return {str(name): each.to_numpy() for name, each in self.values.coords.items() if each.dims == ("unit",)}


def export_activations(tree: xr.DataTree, form: str, out: Path) -> dict[str, list[Path]]:
    """Write activations for another tool.

    Args:
        tree: What `open_activations` gave.
        form: One of `FORMATS`.
        out: A folder that is not there yet.

    Returns:
        The files of each layer.

    Raises:
        UnknownName: There is no such format.
        FileExistsError: The folder is there.
        OptionError: The format can't hold these activations.
        TraceError: Activations are damaged, or there is no room for the files.
    """
    if form not in FORMATS:
        raise UnknownName("format", form, FORMATS, "`format`")
    layers = [_layer(tree, str(name)) for name in tree.children]
    write = FORMATS[form](layers)
    files = {}
    with new_folder(out) as part:
        storage.check_room(out, sum(layer.values.nbytes for layer in layers), "give another folder (`out`)")
        for layer in layers:
            files[layer.name] = [out / file.relative_to(part) for file in write(layer, part)]
    return files


def _layer(tree: xr.DataTree, name: str) -> Layer:
    images = [as_utf8(str(image)) for image in tree["image"].to_numpy()]
    return Layer(name, tree.attrs["name"], images, tree[name].to_dataset()[VALUES], tree.attrs["ms_per_step"])


Writer = Callable[[Layer, Path], Iterator[Path]]


def _neuroid(layers: list[Layer]) -> Writer:
    """Brain-Score's NeuroidAssembly, a netCDF file for each layer."""
    for layer in layers:
        if layer.ms_per_step is None:
            raise OptionError("`format` neuroid: needs times of steps: extract with `ms_per_step`")
        if layer.values.size * 4 >= NETCDF_BYTES:
            raise OptionError(
                f"`format` neuroid: {layer.name} takes {layer.values.size * 4 / 2**30:.1f} GiB, and its files hold 2: "
                "extract with `pool` or `project`"
            )

    def write(layer: Layer, folder: Path) -> Iterator[Path]:
        images, _, units = layer.values.shape
        assert layer.ms_per_step is not None
        starts = layer.values["ms"].to_numpy()
        bounds = np.stack([starts, starts + layer.ms_per_step])
        if (bounds == bounds.round()).all():
            bounds = bounds.astype(np.int32)  # as Brain-Score's own, which are selected by number
        assembly = xr.DataArray(
            layer.read().astype(np.float32),
            dims=("presentation", "neuroid", "time_bin"),
            name="data",
            coords={
                "stimulus_id": ("presentation", layer.images),
                "repetition": ("presentation", np.zeros(images, np.int32)),
                "neuroid_id": ("neuroid", [f"{layer.model}.{layer.name}.{unit}" for unit in range(units)]),
                "neuroid_num": ("neuroid", np.arange(units, dtype=np.int32)),
                "model": ("neuroid", [layer.model] * units),
                "layer": ("neuroid", [layer.name] * units),
                **{name: ("neuroid", each) for name, each in layer.of_units.items()},
                "time_bin_start": ("time_bin", bounds[0]),
                "time_bin_end": ("time_bin", bounds[1]),
                "step": ("time_bin", np.array(layer.steps, np.int32)),
            },
        )
        file = folder / f"{file_name(layer.name)}.nc"
        assembly.to_netcdf(file, engine="scipy")
        yield file

    return write


def _thingsvision(layers: list[Layer]) -> Writer:
    """`features.npy` [image, unit] and `file_names.txt`, as thingsvision writes, in a folder for a layer and step."""
    broken = next((image for layer in layers for image in layer.images if "\n" in image or "\r" in image), None)
    if broken is not None:
        raise OptionError(
            f"`format` thingsvision: {broken!r} has a line break, and its file names are lines: rename it"
        )

    def write(layer: Layer, folder: Path) -> Iterator[Path]:
        for step in layer.steps:
            inner = folder / file_name(layer.name) / f"step{step}"
            inner.mkdir(parents=True)
            file = inner / "features.npy"
            np.save(file, layer.read(step), allow_pickle=False)
            (inner / "file_names.txt").write_text("".join(f"{image}\n" for image in layer.images), encoding="utf-8")
            yield file

    return write


def _rsatoolbox(layers: list[Layer]) -> Writer:
    """The Dataset of rsatoolbox, an HDF5 file for each layer and step."""
    dataset = _rsatoolbox_data(layers).Dataset

    def write(layer: Layer, folder: Path) -> Iterator[Path]:
        inner = folder / file_name(layer.name)
        inner.mkdir()
        for step in layer.steps:
            file = inner / f"step{step}.hdf5"
            dataset(
                layer.read(step).astype(np.float32),
                descriptors={"model": layer.model, "layer": layer.name, "step": str(step)},  # it can't read a number
                obs_descriptors={"image": layer.images},
                channel_descriptors=layer.of_units,
            ).save(str(file))
            yield file

    return write


def _rsatoolbox_temporal(layers: list[Layer]) -> Writer:
    """The TemporalDataset of rsatoolbox, an HDF5 file for each layer."""
    temporal = _rsatoolbox_data(layers).TemporalDataset

    def write(layer: Layer, folder: Path) -> Iterator[Path]:
        steps = np.array(layer.steps)
        file = folder / f"{file_name(layer.name)}.hdf5"
        temporal(
            layer.read().astype(np.float32),
            descriptors={"model": layer.model, "layer": layer.name},
            obs_descriptors={"image": layer.images},
            channel_descriptors=layer.of_units,
            time_descriptors={
                "time": steps if layer.ms_per_step is None else layer.values["ms"].to_numpy(),
                "step": steps,
            },
        ).save(str(file))
        yield file

    return write


def _rsatoolbox_data(layers: list[Layer]) -> Any:
    names = [name for layer in layers for name in (layer.model, layer.name, *layer.images)]
    unfit = next((name for name in names if not name.isascii()), None)
    if unfit is not None:
        raise OptionError(f"`format` rsatoolbox: its files hold ASCII only, and {unfit!r} is not: rename it")
    try:
        import rsatoolbox.data
    except ImportError as error:
        raise OptionError("`format` rsatoolbox: needs that package: pip install rsatoolbox") from error
    return rsatoolbox.data


FORMATS: dict[str, Callable[[list[Layer]], Writer]] = {
    "neuroid": _neuroid,
    "thingsvision": _thingsvision,
    "rsatoolbox": _rsatoolbox,
    "rsatoolbox-temporal": _rsatoolbox_temporal,
}
"""What writes each format, checked for what it is to write."""

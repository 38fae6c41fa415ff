"""Recording what areas and modules of a network hold after each time step: one labelled array for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
import xarray as xr
import zarr

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.convolution import set_algorithm
from rcnnzoo.data.batches import Batch, evaluation_batches
from rcnnzoo.data.images import prepare
from rcnnzoo.data.splits import Split, fingerprint
from rcnnzoo.data.transforms import to_input
from rcnnzoo.data.unreadable import MOST, Unreadable
from rcnnzoo.devices import PRECISION, autocast, best_device, check_precision
from rcnnzoo.engine.activations import Source, activations, check_poolable, choose
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.errors import NetworkError, OptionError
from rcnnzoo.processes import count
from rcnnzoo.progress import progress
from rcnnzoo.recording import storage
from rcnnzoo.recording.blocks import about_network, computer, note_computer, own_blocks, recorded
from rcnnzoo.recording.opening_activations import ACTIVATIONS, FORMAT, KIND, VALUES, open_group
from rcnnzoo.recording.projection import Projection
from rcnnzoo.weights.files import weights_hash
from rcnnzoo.writing import naming_the_file

TYPES = ("float32", "float16")
BLOCK_BYTES = 2**27
"""About how much one time step of a block of images takes."""
CHUNK_UNITS = 2**16
"""Units that are stored together at most, so that some can be read without all."""


@dataclass(frozen=True)
class Extraction:
    """What is extracted, and how.

    Attributes:
        layers: Patterns of areas and modules.
        pool: `mean`: each map's mean over space; None for every unit.
        project: Number of random projections that take the units' place, where there are more units; None for none.
        dtype: `float32` or `float16`.
        ms_per_step: Milliseconds between two time steps, for a coordinate in milliseconds; None for none.
        onset_ms: Time of the first step at which the image is shown, in that coordinate.
        batch_size: Images that go through the network at once, at most.
        precision: `fp32`, `bf16` or `fp16`.
        workers: Processes that decode large images; None for as many as there are processors, at most 8.
        max_bad: Unreadable images to skip before giving up.
        conditions: What the network is shown, for how many time steps, and what is cut.
        seed: Random seed of projections.
    """

    layers: Sequence[str]
    pool: Literal["mean"] | None = None
    project: int | None = None
    dtype: str = TYPES[0]
    ms_per_step: float | None = None
    onset_ms: float = 0.0
    batch_size: int = 100
    precision: str = PRECISION
    workers: int | None = None
    max_bad: int = MOST
    conditions: Conditions = PLAIN
    seed: int = 0

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.pool not in (None, "mean"):
            raise OptionError(f"`pool` {self.pool}: take mean, or leave it out")
        if self.dtype not in TYPES:
            raise OptionError(f"`dtype` {self.dtype}: take {' or '.join(TYPES)}")
        if self.pool and self.project:
            raise OptionError("`pool` and `project` can't be combined: give one of them")
        if self.onset_ms and self.ms_per_step is None:
            raise OptionError("`onset_ms` needs `ms_per_step`")


@dataclass(frozen=True)
class _Layer:
    """A source, and what is kept of it."""

    source: Source
    pool: bool
    projection: Projection | None

    @property
    def units(self) -> int:
        """Numbers that are kept for an image and step."""
        if self.pool:
            return self.source.shape[0]
        return self.source.units if self.projection is None else self.projection.components

    def kept(self, tensor: torch.Tensor) -> npt.NDArray[np.float32]:
        """[B, ...] -> [B, units]."""
        values = tensor.float()
        if self.pool:
            values = values.mean(dim=(-2, -1))
        flat: npt.NDArray[np.float32] = values.flatten(1).cpu().numpy()
        return flat if self.projection is None else self.projection(flat)

    def coordinates(self) -> dict[str, npt.NDArray[np.int32]]:
        """Map, and row and column in it, of each unit; of what holds no maps the number of the feature alone."""
        shape = self.source.shape
        if self.projection is not None:
            return {"component": np.arange(self.units, dtype=np.int32)}
        if self.pool or len(shape) == 1:
            return {"map": np.arange(self.units, dtype=np.int32)}
        places = np.indices(shape, dtype=np.int32).reshape(len(shape), -1)
        names = ("map", "y", "x") if len(shape) == 3 else [f"axis{number}" for number in range(1, len(shape) + 1)]
        return dict(zip(names, places, strict=True))


def record_activations(
    model: RecurrentModel, name: str, images: Split, data: str, path: Path, how: Extraction
) -> xr.DataTree:
    """Write activations, or continue where it was interrupted, and open them; finished ones stay as they are.

    Convolutions are computed directly, so that the same images in the same batches give the same values.

    Args:
        model: The network.
        name: What it is called.
        images: The images.
        data: What these are called.
        path: Folder of the activations.
        how: What is extracted.

    Raises:
        OptionError: The network can't be run like this, or a layer can't be pooled.
        UnknownName: A pattern means no layer.
        TraceError: The folder holds something else, or there is no room for it.
        DataError: Too many images can't be read.
        NetworkError: Values are not finite, or too large for the type.
    """
    device = best_device()
    unrolling = how.conditions.on(model.to(device).to(memory_format=torch.channels_last).eval())
    set_algorithm(unrolling.network, "direct")
    chosen = choose(unrolling, how.layers)
    if how.pool:
        check_poolable(chosen)
    identity = {
        "weights_sha256": weights_hash(model),
        "data": data,
        "data_sha256": fingerprint(images),
        "image_size": card_of(model).image_size,
        "precision": how.precision,
        "layers": [source.name for source in chosen],
        "pool": how.pool,
        "project": how.project,
        "project_seed": None if how.project is None else how.seed,
        **({} if how.project is None else {"projection": "means of maps and units apart"}),  # not continued by another
        "dtype": how.dtype,
        "ms_per_step": how.ms_per_step,
        "onset_ms": None if how.ms_per_step is None else how.onset_ms,
        **how.conditions.identity(model.num_steps),
    }

    def write() -> None:
        layers = [_Layer(source, how.pool is not None, _projection(source, how)) for source in chosen]
        attributes = {**identity, **about_network(model, name)}
        attributes["image_onset"] = how.conditions.programme(model.num_steps).image_onset
        _write(unrolling, layers, images, path, how, attributes)

    return recorded(path, identity, write, ACTIVATIONS)


def _projection(source: Source, how: Extraction) -> Projection | None:
    if how.project is None or source.units <= how.project:
        return None
    return Projection(source.name, source.shape, how.project, how.seed)


def _write(
    unrolling: Unrolling,
    layers: Sequence[_Layer],
    images: Split,
    path: Path,
    how: Extraction,
    attributes: dict[str, Any],
) -> None:
    unreadable = Unreadable(how.max_bad)
    prepared = prepare(images, card_of(unrolling.network).image_size, unreadable, how.workers)
    device = best_device()
    now = computer(unrolling.network, device)
    if not path.exists():
        _check_room(path, layers, len(images), how)
        with naming_the_file(path):
            _create(path, layers, images, unrolling.network.num_steps, how, {**attributes, "computed_on": [now]})
    group = open_group(path, mode="r+")
    note_computer(group, now, path)
    todo = own_blocks(group)
    parts = [tuple(np.searchsorted(prepared.positions, edges).tolist()) for edges in todo]
    total = len(images) if count() == 1 else sum(stop - start for start, stop in todo)
    longest = max((last - first for first, last in parts), default=1)
    batches = iter(evaluation_batches(prepared, max(1, longest), [part for part in parts if part[1] > part[0]]))
    with progress("extracting", total, total - sum(stop - start for start, stop in todo)) as advance:
        for (start, stop), (first, last) in zip(todo, parts, strict=True):
            readable = np.zeros(stop - start, dtype=bool)
            batch = next(batches) if last > first else None
            if batch is not None:
                unreadable.see(batch.faults, batch.remarks)
            with naming_the_file(path):
                if batch is not None and len(batch.labels):
                    readable[batch.positions.numpy() - start] = True
                    _run(unrolling, layers, group, batch, (start, stop), images.files, device, how)
                storage.write(group, "readable", start, stop, readable)
                storage.write(group, "written", start, stop, True)
            advance(stop - start)


def _run(
    unrolling: Unrolling,
    layers: Sequence[_Layer],
    group: zarr.Group,
    batch: Batch,
    block: tuple[int, int],
    files: Sequence[str],
    device: torch.device,
    how: Extraction,
) -> None:
    """Write what a batch of images leads to, as soon as each time step is over.

    Raises:
        NetworkError: Values are not finite, or too large for the type.
    """
    start, stop = block
    rows = batch.positions.numpy() - start
    names = [files[position] for position in batch.positions.tolist()]
    chosen = [layer.source for layer in layers]
    with torch.inference_mode(), autocast(device, how.precision):
        inputs = to_input(batch.images.to(device, non_blocking=True))
        for step, held in activations(unrolling, chosen, inputs, names):
            for layer in layers:
                if layer.source.name not in held:
                    continue
                values = layer.kept(held[layer.source.name])
                with np.errstate(over="ignore"):  # it is seen just below
                    kept = values.astype(how.dtype)
                unfit = ~np.isfinite(kept).all(axis=1)
                if unfit.any():
                    what = f"{layer.source.name} of {names[int(unfit.argmax())]}, step {step}, {how.precision}"
                    raise NetworkError(what if np.isnan(values).any() else f"{what}, as {how.dtype}")
                if len(rows) < stop - start:
                    whole = np.zeros((stop - start, layer.units), dtype=how.dtype)
                    whole[rows] = kept
                    kept = whole
                target = storage.array(group, f"{layer.source.name}/{VALUES}")
                with zarr.config.set(storage.ALL_BLOCKS):
                    target[start:stop, layer.source.steps.index(step)] = kept


def _create(
    path: Path, layers: Sequence[_Layer], images: Split, steps: int, how: Extraction, attributes: dict[str, Any]
) -> None:
    # By what layers hold, not by what is kept of it: a block goes through the network at once.
    per_image = 4 * sum(layer.source.units for layer in layers)
    shared = -(-len(images) // count())  # so that each process has a block
    block = max(1, min(shared, how.batch_size, BLOCK_BYTES // per_image))
    with storage.creating(path, {"kind": KIND, "format": FORMAT, **attributes}) as group:
        storage.add_flags(group, "image", len(images), block)
        storage.add_known(group, "image", ("image",), "string", images.files)
        storage.add_known(group, "label", ("image",), "int64", images.labels)
        for layer in layers:
            inner = group.create_group(layer.source.name, attributes={"shape": list(layer.source.shape)})
            units, ran = layer.units, layer.source.steps
            shape, chunk = (len(images), len(ran), units), min(units, CHUNK_UNITS)
            storage.add_empty(inner, VALUES, ("image", "step", "unit"), how.dtype, shape, block, 1, chunk)
            storage.add_known(inner, "step", ("step",), "int64", ran)
            if how.ms_per_step is not None:
                onset = attributes["image_onset"] or 1
                times = how.onset_ms + how.ms_per_step * (np.array(ran) - onset)
                storage.add_known(inner, "ms", ("step",), "float64", times)
            for name, values in layer.coordinates().items():
                storage.add_known(inner, name, ("unit",), "int32", values)


def _check_room(path: Path, layers: Sequence[_Layer], images: int, how: Extraction) -> None:
    """Refuse to begin what doesn't fit on the disk.

    Raises:
        TraceError: It doesn't.
    """
    kept = sum(layer.units * len(layer.source.steps) for layer in layers)
    needed = images * kept * np.dtype(how.dtype).itemsize
    advice = "choose fewer `layers`, `pool` or `project` them, or give another folder (`out`)"
    storage.check_room(path, needed, advice)

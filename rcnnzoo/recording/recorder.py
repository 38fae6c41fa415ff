"""Recording a trace: a network's logits of all steps for every image of a split."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
import zarr
from torch import Tensor

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.convolution import algorithms_used
from rcnnzoo.data.batches import Batch, evaluation_batches
from rcnnzoo.data.folders import WHOLE
from rcnnzoo.data.images import prepare
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split, check_categories, fingerprint
from rcnnzoo.data.transforms import to_input
from rcnnzoo.data.unreadable import MOST, Unreadable
from rcnnzoo.devices import PRECISION, autocast, best_device, check_precision, device_name
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.errors import NetworkError, RcnnzooWarning, TraceError
from rcnnzoo.locks import LOCK, locked
from rcnnzoo.progress import progress
from rcnnzoo.recording import storage
from rcnnzoo.recording.opening import open_trace
from rcnnzoo.weights.files import weights_hash
from rcnnzoo.writing import naming_the_file


class OtherTrace(TraceError):  # noqa: N818 - the name says enough
    """The folder already holds a trace of something else."""


@dataclass(frozen=True)
class Recording:
    """How a trace is recorded.

    Attributes:
        batch_size: Images that go through the network at once.
        features: Whether to keep the inputs of each step's classifier.
        precision: `fp32`, `bf16` or `fp16`.
        workers: Processes that decode large images; None for as many as there are processors, at most 8.
        max_bad: Unreadable images to skip before giving up.
        conditions: What the network is shown, for how many time steps, and what is cut.
    """

    batch_size: int = 100
    features: bool = False
    precision: str = PRECISION
    workers: int | None = None
    max_bad: int = MOST
    conditions: Conditions = PLAIN

    def __post_init__(self) -> None:
        check_precision(self.precision)


def record(
    model: RecurrentModel,
    data: Data,
    split: str,
    path: Path,
    how: Recording,
    *,
    name: str = "",
    identity: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Write a trace, or continue an interrupted one, and open it; a finished one stays as it is.

    If another process is recording at `path`, this one waits for it.

    Logits are kept as float32, in which every value of fp32, bf16 and fp16 is exact: decisions made from a trace are
    those that would be made from the network's own logits.

    Args:
        model: The network.
        data: The images.
        split: Which part of them.
        path: The trace's folder.
        how: Batch size, precision and the like.
        name: Name of the network, for tables and figures.
        identity: From `identify`, which hashes weights and looks at every image, if that was done before.

    Raises:
        TraceError: The folder already holds something else.
        OptionError: The network has no card.
        DataError: The images' categories aren't the network's, or too many images can't be read.
        NetworkError: The network's output is not finite; what was recorded before stays.
    """
    part = data.split(split)
    where = data.name if split == WHOLE else f"{data.name}'s {split} split"
    check_categories(card_of(model).categories, part.categories, "the network", where)
    identity = identify(model, data, split, how) if identity is None else identity
    if _is_finished(path, identity):
        return open_trace(path)
    with naming_the_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f".{path.name}{LOCK}"), path, wait=True):
        if not _is_finished(path, identity):  # another process may have recorded it meanwhile, or something else
            try:
                _write(model, data, split, path, how, {**identity, **_about(model, name, data, split, how)})
            except NetworkError:
                storage.remove_if_empty(path)
                raise
        return open_trace(path)


def _is_finished(path: Path, identity: Mapping[str, Any]) -> bool:
    """Whether nothing is left to record.

    Raises:
        TraceError: The folder holds something else.
    """
    if not path.exists():
        return False
    found = storage.open_group(path, mode="r")
    check_identity(identity_of(found), identity, path)
    return not storage.unwritten(found)


def _write(
    model: RecurrentModel, data: Data, split: str, path: Path, how: Recording, attributes: dict[str, Any]
) -> None:
    """Record the missing part of a trace."""
    part, unreadable = data.split(split), Unreadable(how.max_bad)
    images = prepare(part, card_of(model).image_size, unreadable, how.workers)
    device = best_device()
    unrolling = how.conditions.on(model.to(device).to(memory_format=torch.channels_last).eval())
    network = unrolling.network
    counts = _feature_counts(unrolling, device, how)
    computer = _computer(network, device)
    if not path.exists():
        with naming_the_file(path):
            storage.create(
                path,
                (network.num_steps, len(part.categories)),
                part.files,
                part.categories,
                part.labels.tolist(),
                unrolling.count().macs,
                counts,
                {**attributes, "computed_on": [computer]},
            )
    group = storage.open_group(path, mode="r+")
    _note_computer(group, computer, path)
    _see_again(group, part, unreadable)
    todo = storage.unwritten(group)
    # Only readable small images are kept in memory, so a block of the split is a part of them.
    parts = [tuple(np.searchsorted(images.positions, edges).tolist()) for edges in todo]
    batches = iter(evaluation_batches(images, how.batch_size, parts))
    total = len(part)
    with progress(f"tracing {data.name} {split}", total, total - sum(stop - start for start, stop in todo)) as advance:
        for (start, stop), (first, last) in zip(todo, parts, strict=True):
            block = _Block(group, start, stop, part.files)
            for _ in range(-(-(last - first) // how.batch_size)):
                batch = next(batches)
                unreadable.see(batch.faults, batch.remarks)
                if len(batch.labels):
                    block.run(unrolling, batch, device, how)
                advance(len(batch.labels))
            with naming_the_file(path):
                block.write()


def identify(model: RecurrentModel, data: Data, split: str, how: Recording) -> dict[str, Any]:
    """What identifies a trace: weights, images, and how the network was run on them.

    Raises:
        OptionError: The network can't be run under these conditions.
        UnknownName: A lesion's pattern means no module.
        DataError: A picture can't be read.
    """
    how.conditions.on(model)  # what can't be run is refused before every image is looked at
    return {
        "weights_sha256": weights_hash(model),
        "data": data.name,
        "split": split,
        "data_sha256": fingerprint(data.split(split)),
        "image_size": card_of(model).image_size,
        "precision": how.precision,
        "features": how.features,
        **how.conditions.identity(model.num_steps),
    }


def identity_of(group: zarr.Group) -> dict[str, Any]:
    """The attributes of a trace; one that was recorded before conditions were says what they were."""
    return {**PLAIN.identity(storage.array(group, "logits").shape[1]), **group.attrs}


def check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """Refuse to continue a trace of something else.

    Raises:
        OtherTrace: It is one; the message says how it differs.
    """
    named = {"weights_sha256": "weights", "data_sha256": "images"}
    differences = [named.get(key, key.replace("_", " ")) for key, value in wanted.items() if found.get(key) != value]
    if differences:
        raise OtherTrace(
            f"{path}: holds a trace that differs in {', '.join(differences)}: remove it, or give another folder (`out`)"
        )


def _about(model: RecurrentModel, name: str, images: Data, split: str, how: Recording) -> dict[str, Any]:
    card = card_of(model)
    return {
        "name": name or card.architecture,
        "trained_on": was_trained_on(model, images, split),
        "architecture": card.architecture,
        "options": dict(card.options),
        "training_data": None if card.training is None else card.training.get("data"),
        "trained_steps": model.num_steps,
        "image_onset": how.conditions.programme(model.num_steps).image_onset,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "rcnnzoo_version": version("rcnnzoo"),
    }


def was_trained_on(model: RecurrentModel, data: Data, split: str) -> bool | None:
    """Whether a network was trained on exactly these images; None if it may have been trained on some of them."""
    training = card_of(model).training
    if not isinstance(training, Mapping):
        return False
    if training.get("data_sha256") == fingerprint(data.split(split), stamps=False):
        return True
    return None if training.get("data") == data.name and split in ("train", WHOLE) else False


def _feature_counts(unrolling: Unrolling, device: torch.device, how: Recording) -> list[int]:
    """Number of inputs of each step's classifier, none unless they are recorded, from a pass of a grey image.

    The pass also chooses the network's convolution algorithm.
    """
    size = card_of(unrolling.network).image_size
    with torch.inference_mode(), autocast(device, how.precision):
        passed = _steps(unrolling, torch.zeros(1, 3, size, size, device=device), [""], how.features)
    return [seen.shape[1] for _, seen in passed] if how.features else []


def _computer(network: RecurrentModel, device: torch.device) -> str:
    """What computes the logits: with another device, number of threads or algorithm, their last digits differ."""
    algorithms = " and ".join(algorithms_used(network))
    convolutions = [f"{algorithms} convolutions"] if algorithms else []
    return ", ".join([device_name(device), *convolutions, f"torch {torch.__version__}"])


def _note_computer(group: zarr.Group, computer: str, path: Path) -> None:
    """Note in a trace what computes the rest of it, and warn if something else computed its beginning."""
    before = list(group.attrs.get("computed_on", []))
    if computer not in before:
        message = f"{path}: was started on {'; '.join(before) or 'an unrecorded device'}, completed on {computer}"
        warnings.warn(f"{message}: logits differ in their last digits", RcnnzooWarning, stacklevel=2)
        group.attrs["computed_on"] = [*before, computer]


def _see_again(group: zarr.Group, part: Split, unreadable: Unreadable) -> None:
    """Images that could not be read before the interruption still count."""
    missing = storage.array(group, "written")[:] & ~storage.array(group, "readable")[:]
    unreadable.see((os.path.join(part.folder, part.files[row]), "as before") for row in missing.nonzero()[0])


def _steps(unrolling: Unrolling, images: Tensor, names: Sequence[str], features: bool) -> list[tuple[Tensor, Tensor]]:
    """Logits [B, C] of each step, and the features [B, F] that gave them (or nothing, [B, 0])."""
    return [
        (logits, unrolling.network.features(state) if features else logits[:, :0])
        for state, logits in unrolling.steps(images, names)
    ]


class _Block:
    """A block of images that the network is being run on, for a trace; unreadable images stay 0."""

    def __init__(self, group: zarr.Group, start: int, stop: int, files: Sequence[str]) -> None:
        self.group, self.start, self.stop, self.files = group, start, stop, files
        self.readable = np.zeros(stop - start, dtype=bool)
        self.arrays = {
            name: np.zeros((stop - start, *values.shape[1:]), dtype=np.float32)
            for name, values in group.arrays()
            if name == "logits" or name.startswith("features_")
        }

    def run(self, unrolling: Unrolling, batch: Batch, device: torch.device, how: Recording) -> None:
        """Fill the rows of a batch.

        Raises:
            NetworkError: The network gave values that are not finite.
        """
        rows = batch.positions.numpy() - self.start
        names = [self.files[position] for position in batch.positions.tolist()]
        with torch.inference_mode(), autocast(device, how.precision):
            passed = _steps(unrolling, to_input(batch.images.to(device, non_blocking=True)), names, how.features)
        for step, (logits, seen) in enumerate(passed, 1):
            values = logits.float().cpu().numpy(), seen.float().cpu().numpy()
            for unfit in (~np.isfinite(each).all(axis=1) for each in values):
                if unfit.any():
                    file = self.files[int(batch.positions[int(unfit.argmax())])]
                    raise NetworkError(f"{file}, step {step}, {how.precision}")
            self.arrays["logits"][rows, step - 1] = values[0]
            if how.features:
                self.arrays[f"features_{step}"][rows] = values[1]
        self.readable[rows] = True

    def write(self) -> None:
        """Write the block, and only then mark it as written."""
        for name, values in self.arrays.items():
            storage.write(self.group, name, self.start, self.stop, values)
        storage.write(self.group, "readable", self.start, self.stop, self.readable)
        storage.write(self.group, "written", self.start, self.stop, True)

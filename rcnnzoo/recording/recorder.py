"""Recording a trace: a network's logits of all steps for every image of a split."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
import zarr
from torch import Tensor

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.batches import Batch, evaluation_batches
from rcnnzoo.data.folders import WHOLE
from rcnnzoo.data.images import prepare
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import Split, check_categories, fingerprint
from rcnnzoo.data.transforms import to_input
from rcnnzoo.data.unreadable import MOST, Unreadable
from rcnnzoo.devices import PRECISION, autocast, best_device, check_precision
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.processes import count
from rcnnzoo.progress import progress
from rcnnzoo.recording import storage
from rcnnzoo.recording.blocks import TRACE, Block, about_network, computer, note_computer, own_blocks, recorded
from rcnnzoo.weights.files import weights_hash
from rcnnzoo.writing import naming_the_file


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
    settled, unreadable = identify(model, data, split, how) if identity is None else identity, Unreadable(how.max_bad)

    def write() -> None:
        _write(model, data, split, path, how, {**settled, **_about(model, name, data, split, how)}, unreadable)

    trace = recorded(path, settled, write, TRACE)
    if count() > 1:  # what others could not read counts and is said as well
        _see_again(storage.open_group(path, mode="r"), part, unreadable)
    return trace


def _write(
    model: RecurrentModel,
    data: Data,
    split: str,
    path: Path,
    how: Recording,
    attributes: dict[str, Any],
    unreadable: Unreadable,
) -> None:
    """Record the missing part of a trace."""
    part = data.split(split)
    images = prepare(part, card_of(model).image_size, unreadable, how.workers)
    device = best_device()
    unrolling = how.conditions.on(model.to(device).to(memory_format=torch.channels_last).eval())
    network = unrolling.network
    counts = _feature_counts(unrolling, device, how)
    now = computer(network, device)
    if not path.exists():
        with naming_the_file(path):
            storage.create(
                path,
                storage.IMAGE,
                network.num_steps,
                part.categories,
                {"label": part.labels, "file": part.files, "macs": unrolling.count().macs},
                counts,
                {**attributes, "computed_on": [now]},
            )
    group = storage.open_group(path, mode="r+")
    note_computer(group, now, path)
    _see_again(group, part, unreadable)
    todo = own_blocks(group)
    # Only readable small images are kept in memory, so a block of the split is a part of them.
    parts = [tuple(np.searchsorted(images.positions, edges).tolist()) for edges in todo]
    batches = iter(evaluation_batches(images, how.batch_size, parts))
    total = len(part) if count() == 1 else sum(stop - start for start, stop in todo)
    with progress(f"tracing {data.name} {split}", total, total - sum(stop - start for start, stop in todo)) as advance:
        for (start, stop), (first, last) in zip(todo, parts, strict=True):
            block = Block(group, start, stop)
            for _ in range(-(-(last - first) // how.batch_size)):
                batch = next(batches)
                unreadable.see(batch.faults, batch.remarks)
                if len(batch.labels):
                    _run(unrolling, batch, block, part.files, device, how)
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


def _about(model: RecurrentModel, name: str, images: Data, split: str, how: Recording) -> dict[str, Any]:
    return {
        **about_network(model, name),
        "trained_on": was_trained_on(model, images, split),
        "image_onset": how.conditions.programme(model.num_steps).image_onset,
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


def _run(
    unrolling: Unrolling, batch: Batch, block: Block, files: Sequence[str], device: torch.device, how: Recording
) -> None:
    """Fill a block's rows of a batch.

    Raises:
        NetworkError: The network gave values that are not finite.
    """
    names = [files[position] for position in batch.positions.tolist()]
    with torch.inference_mode(), autocast(device, how.precision):
        passed = _steps(unrolling, to_input(batch.images.to(device, non_blocking=True)), names, how.features)
    rows = batch.positions.numpy() - block.start
    for step, (logits, seen) in enumerate(passed, 1):
        block.fill(rows, step, logits, seen if how.features else None, names)

"""Recording a trace: a network's logits of all steps for every image of a split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import zarr
from torch import Tensor

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.data.images import Images, evaluation_batches, prepare, readable
from rcnnzoo.data.opening import Data
from rcnnzoo.data.splits import check_categories, choose, fingerprint
from rcnnzoo.data.transforms import to_input
from rcnnzoo.data.unreadable import MOST, Unreadable
from rcnnzoo.devices import autocast, best_device, check_precision
from rcnnzoo.errors import TraceError
from rcnnzoo.profiling.operations import macs_per_step
from rcnnzoo.progress import progress
from rcnnzoo.traces import storage
from rcnnzoo.weights.files import weights_hash
from rcnnzoo.writing import named


@dataclass(frozen=True)
class Recording:
    """How a trace is recorded.

    Attributes:
        batch_size: Images that go through the network at once.
        features: Whether to keep what each step's classifier saw.
        precision: `fp32`, `bf16` or `fp16`.
        workers: Processes that decode large images; None for as many as there are processors, at most 8.
        max_bad: Unreadable images to skip before giving up.
    """

    batch_size: int = 100
    features: bool = False
    precision: str = "fp32"
    workers: int | None = None
    max_bad: int = MOST

    def __post_init__(self) -> None:
        check_precision(self.precision)


def record(model: RecurrentModel, data: Data, split: str, path: Path, how: Recording, *, name: str = "") -> None:
    """Write a trace, or go on with one that was left; one that is finished stays as it is.

    Logits are kept as float32, in which every value of fp32, bf16 and fp16 is exact: what is decided from a trace is
    what would be decided from the network's own logits.

    Args:
        model: The network.
        data: The images.
        split: Which part of them.
        path: The trace's folder.
        how: Batch size, precision and the like.
        name: What people call the network, for tables and figures.

    Raises:
        TraceError: Something else is there already.
        DataError: The images' categories aren't the network's, or too many images can't be read.
    """
    part = data.split(split)
    check_categories(model.metadata["categories"], part.categories, "the network", f"{data.name}'s {split} split")
    identity = identify(model, data, split, how)
    if path.exists():
        found = storage.open_group(path, mode="r")
        check_identity(found.attrs, identity, path)
        if not storage.unwritten(found):
            return
    unreadable = Unreadable(how.max_bad)
    images = prepare(part, model.metadata["options"]["image_size"], unreadable, how.workers)
    part = choose(part, images.positions)
    device = best_device()
    network = model.to(device).to(memory_format=torch.channels_last).eval()
    if not path.exists():
        with named(path):
            storage.create(
                path,
                (model.num_steps, len(part.categories)),
                part.files,
                part.categories,
                part.labels.tolist(),
                macs_per_step(model),
                _feature_counts(network, device) if how.features else [],
                {**identity, **_about(model, name)},
            )
    group = storage.open_group(path, mode="r+")
    _see_again(group, part.files, unreadable)
    todo = storage.unwritten(group)
    total = len(part)
    with progress(f"tracing {data.name} {split}", total, total - sum(stop - start for start, stop in todo)) as advance:
        for start, stop in todo:
            block = _Block(network, images, start, stop, how)
            for number in block.run(device, unreadable):
                advance(number)
            with named(path):
                block.write(group)


def identify(model: RecurrentModel, data: Data, split: str, how: Recording) -> dict[str, Any]:
    """What makes two traces the same: weights, images, and how the one met the other."""
    return {
        "weights_sha256": weights_hash(model),
        "data": data.name,
        "split": split,
        "data_sha256": fingerprint(data.split(split)),
        "image_size": model.metadata["options"]["image_size"],
        "precision": how.precision,
        "features": how.features,
    }


def check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """Refuse to go on with a trace of something else.

    Raises:
        TraceError: It is; the message says in what it differs.
    """
    named = {"weights_sha256": "weights", "data_sha256": "images"}
    differences = [named.get(key, key.replace("_", " ")) for key, value in wanted.items() if found.get(key) != value]
    if differences:
        raise TraceError(
            f"{path}: holds a trace that differs in {', '.join(differences)}: remove it, or write to another --out"
        )


def _about(model: RecurrentModel, name: str) -> dict[str, Any]:
    return {
        "name": name or model.metadata["architecture"],
        "architecture": model.metadata["architecture"],
        "options": model.metadata["options"],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "rcnnzoo_version": version("rcnnzoo"),
    }


def _feature_counts(network: RecurrentModel, device: torch.device) -> list[int]:
    size = network.metadata["options"]["image_size"]
    with torch.inference_mode():
        return [seen.shape[1] for _, seen in _steps(network, torch.zeros(1, 3, size, size, device=device), True)]


def _see_again(group: zarr.Group, files: Sequence[str], unreadable: Unreadable) -> None:
    """What could not be read before the trace was left counts still."""
    missing = storage.array(group, "written")[:] & ~storage.array(group, "readable")[:]
    unreadable.see((files[row], "as before") for row in missing.nonzero()[0])


def _steps(network: RecurrentModel, images: Tensor, features: bool) -> list[tuple[Tensor, Tensor]]:
    """Logits [B, C] of each step, and the features [B, F] that gave them (or nothing, [B, 0])."""
    state = network.begin(images)
    passed = []
    for t in range(network.num_steps):
        state, logits = network.step(state, t)
        passed.append((logits, network.features(state) if features else logits[:, :0]))
    return passed


class _Block:
    """A block of images on its way through the network into a trace."""

    def __init__(self, network: RecurrentModel, images: Images, start: int, stop: int, how: Recording) -> None:
        self.network, self.images, self.how = network, images, how
        self.start, self.stop = start, stop
        self.readable = np.zeros(stop - start, dtype=bool)
        self.arrays: dict[str, npt.NDArray[np.float32]] = {}

    def run(self, device: torch.device, unreadable: Unreadable) -> Iterator[int]:
        """Fill the block; yields the number of images after each batch."""
        batches = evaluation_batches(self.images, self.how.batch_size, self.start, self.stop)
        with torch.inference_mode(), autocast(device, self.how.precision):
            for batch in readable(batches, unreadable):
                images = to_input(batch.images.to(device, non_blocking=True))
                rows = np.searchsorted(self.images.positions, batch.positions.numpy()) - self.start
                passed = _steps(self.network, images, self.how.features)
                self._keep("logits", rows, torch.stack([logits for logits, _ in passed], dim=1))
                for step, (_, seen) in enumerate(passed, 1):
                    if self.how.features:
                        self._keep(f"features_{step}", rows, seen)
                self.readable[rows] = True
                yield len(rows)

    def _keep(self, name: str, rows: npt.NDArray[np.int64], values: Tensor) -> None:
        kept = values.float().cpu().numpy()
        if name not in self.arrays:
            self.arrays[name] = np.zeros((self.stop - self.start, *kept.shape[1:]), dtype=np.float32)
        self.arrays[name][rows] = kept

    def write(self, group: zarr.Group) -> None:
        """Write the block, and only then that it is written."""
        here = slice(self.start, self.stop)
        for name, values in self.arrays.items():
            storage.array(group, name)[here] = values
        storage.array(group, "readable")[here] = self.readable
        storage.array(group, "written")[here] = True

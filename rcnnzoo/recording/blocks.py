"""What every recorder of traces shares: a folder that one process writes, blocks of rows, and what computed them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import zarr
from torch import Tensor

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.convolution import algorithms_used
from rcnnzoo.devices import device_name
from rcnnzoo.engine.conditions import PLAIN
from rcnnzoo.errors import DataError, NetworkError, RcnnzooWarning, TraceError
from rcnnzoo.locks import LOCK, locked
from rcnnzoo.processes import LOST, count, rank, wait_until
from rcnnzoo.recording import storage
from rcnnzoo.recording.opening import open_trace
from rcnnzoo.writing import naming_the_file

Opened = TypeVar("Opened")


class OtherTrace(TraceError):  # noqa: N818 - the name says enough
    """The folder already holds a trace of something else."""


@dataclass(frozen=True)
class Kind(Generic[Opened]):
    """What is recorded.

    Attributes:
        open_group: Opens it as it is stored, for reading, complete or not.
        identity_of: Attributes of that, among them those that tell it from others.
        open: Opens it complete and checked, as users do.
        other: What another one at its place is called.
    """

    open_group: Callable[[Path], zarr.Group]
    identity_of: Callable[[zarr.Group], Mapping[str, Any]]
    open: Callable[[Path], Opened]
    other: str


def recorded(path: Path, identity: Mapping[str, Any], write: Callable[[], None], kind: Kind[Opened]) -> Opened:
    """What is recorded at a path, what is missing of it written first; if another command writes it, this one waits.

    Of several processes that run one command, the first makes the folder, and each writes its own blocks.

    Args:
        path: The folder.
        identity: Attributes that tell it from others.
        write: Writes what is missing, of the blocks of this process.
        kind: What is recorded.

    Raises:
        TraceError: The folder already holds something else.
        NetworkError: The network's output is not finite; what was recorded before stays.
    """
    if _is_finished(path, identity, kind):
        return kind.open(path)
    if rank() != 0:
        _wait(path, path.exists, kind)
        write()
        _wait(path, lambda: _is_finished(path, identity, kind), kind)
        return kind.open(path)
    with naming_the_file(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f".{path.name}{LOCK}"), path, wait=True):
        if not _is_finished(path, identity, kind):  # another command may have recorded it meanwhile, or something else
            try:
                write()
            except (DataError, NetworkError):
                storage.remove_if_empty(kind.open_group(path), path)
                raise
        _wait(path, lambda: _is_finished(path, identity, kind), kind)
        return kind.open(path)


def own_blocks(group: zarr.Group) -> list[tuple[int, int]]:
    """The blocks that this process is still to record."""
    todo = set(storage.unwritten(group))
    return [block for block in storage.blocks(group)[rank() :: count()] if block in todo]


def _wait(path: Path, is_done: Callable[[], bool], kind: Kind[Any]) -> None:
    """Wait for the other processes of this command.

    Raises:
        TraceError: They don't come.
    """

    def left() -> object:
        return storage.unwritten(kind.open_group(path)) if path.exists() else None

    if not wait_until(is_done, left):
        raise TraceError(f"{path}: {LOST}", "run the same command again")


def _is_finished(path: Path, identity: Mapping[str, Any], kind: Kind[Any]) -> bool:
    """Whether nothing is left to record.

    Raises:
        TraceError: The folder holds something else.
    """
    if not path.exists():
        return False
    found = kind.open_group(path)
    check_identity(kind.identity_of(found), identity, path, kind.other)
    return not storage.unwritten(found)


def identity_of(group: zarr.Group) -> dict[str, Any]:
    """The attributes of a trace; one that was recorded before conditions were says what they were."""
    return {**PLAIN.identity(storage.array(group, "logits").shape[1]), **group.attrs}


TRACE = Kind(partial(storage.open_group, mode="r"), identity_of, open_trace, "a trace that differs")


def check_identity(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path, other: str) -> None:
    """Refuse to continue a trace of something else.

    Raises:
        OtherTrace: It is one; the message says how it differs.
    """
    named = {"weights_sha256": "weights", "data_sha256": "images"}
    differences = [named.get(key, key.replace("_", " ")) for key, value in wanted.items() if found.get(key) != value]
    if differences:
        raise OtherTrace(
            f"{path}: holds {other} in {', '.join(differences)}: remove it, or give another folder (`out`)"
        )


def about_network(model: RecurrentModel, name: str) -> dict[str, Any]:
    """What a trace says of its network."""
    card = card_of(model)
    return {
        "name": name or card.architecture,
        "architecture": card.architecture,
        "options": dict(card.options),
        "training_data": None if card.training is None else card.training.get("data"),
        "trained_steps": model.num_steps,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "rcnnzoo_version": version("rcnnzoo"),
    }


def computer(network: RecurrentModel, device: torch.device) -> str:
    """What computes the logits: with another device, number of threads or algorithm, their last digits differ."""
    algorithms = " and ".join(algorithms_used(network))
    convolutions = [f"{algorithms} convolutions"] if algorithms else []
    return ", ".join([device_name(device), *convolutions, f"torch {torch.__version__}"])


def note_computer(group: zarr.Group, now: str, path: Path) -> None:
    """Note in a trace what computes the rest of it, and warn if something else computed its beginning."""
    if rank() != 0:  # all compute on the same, and one file is written by one process
        return
    before = list(group.attrs.get("computed_on", []))
    if now not in before:
        message = f"{path}: was started on {'; '.join(before) or 'an unrecorded device'}, completed on {now}"
        warnings.warn(f"{message}: logits differ in their last digits", RcnnzooWarning, stacklevel=2)
        group.attrs["computed_on"] = [*before, now]


class Block:
    """A block of rows that the network is being run on, for a trace.

    What is never filled holds `empty`: 0 for images that can't be read, NaN for time steps after a trial's end.
    """

    def __init__(self, group: zarr.Group, start: int, stop: int, empty: float = 0) -> None:
        self.group, self.start, self.stop = group, start, stop
        self.readable = np.zeros(stop - start, dtype=bool)
        self.arrays = {
            name: np.full((stop - start, *values.shape[1:]), empty, dtype=np.float32)
            for name, values in group.arrays()
            if name == "logits" or name.startswith("features_")
        }

    def fill(
        self, rows: npt.NDArray[np.int64], step: int, logits: Tensor, features: Tensor | None, names: Sequence[str]
    ) -> None:
        """Fill rows, numbered from the block's first, at a time step from 1.

        Args:
            rows: Which, [B].
            step: Which step.
            logits: [B, C].
            features: [B, F], if they are recorded.
            names: What each row is, for errors.

        Raises:
            NetworkError: The network gave values that are not finite.
        """
        given = {"logits": logits} | ({} if features is None else {f"features_{step}": features})
        for name, tensor in given.items():
            values = tensor.float().cpu().numpy()
            unfit = ~np.isfinite(values).all(axis=1)
            if unfit.any():
                raise NetworkError(f"{names[int(unfit.argmax())]}, step {step}, {self.group.attrs['precision']}")
            here = self.arrays[name][:, step - 1] if name == "logits" else self.arrays[name]
            here[rows] = values
        self.readable[rows] = True

    def write(self) -> None:
        """Write the block, and only then mark it as written."""
        for name, values in self.arrays.items():
            storage.write(self.group, name, self.start, self.stop, values)
        storage.write(self.group, "readable", self.start, self.stop, self.readable)
        storage.write(self.group, "written", self.start, self.stop, True)

"""Batches of images: what is in them, in which order, and where they are decoded.

Everything random depends only on (seed, epoch, image): neither the number of workers nor where an epoch is resumed
changes the images that a network is trained on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Event
from typing import Any, Generic, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.errors import WorkerKilled

SHARED = "/dev/shm"  # noqa: S108 - only asked how full it is
ROOM = 64
"""Batches for which there must be room in shared memory: more than all workers make ahead."""


@dataclass(frozen=True)
class Batch:
    """A batch of images, and those that could not be read.

    Attributes:
        images: uint8 [B, 3, S, S]; `transforms.to_input` scales them.
        labels: int64 [B].
        positions: Place of each image in its split, int64 [B].
        faults: Name and reason of each image that is missing because it can't be read.
        remarks: Warnings of decoders about images that they could read.
    """

    images: Tensor
    labels: Tensor
    positions: Tensor
    faults: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()

    def pin_memory(self) -> Batch:
        """The same in page-locked memory, for faster copies to a GPU (torch's loader calls this)."""
        tensors = (self.images.pin_memory(), self.labels.pin_memory(), self.positions.pin_memory())
        return Batch(*tensors, self.faults, self.remarks)

    def __reduce__(self) -> tuple[Callable[..., Batch], tuple[Any, ...]]:
        """From a worker in shared memory, or as arrays through a pipe where there is little of it, as in containers."""
        if _shared_memory_left() > ROOM * self.images.nbytes:
            return Batch, (self.images, self.labels, self.positions, self.faults, self.remarks)
        arrays = self.images.permute(0, 2, 3, 1).numpy(), self.labels.numpy(), self.positions.numpy()
        return _from_worker, (*arrays, self.faults, self.remarks)


def _shared_memory_left() -> int:
    """Bytes that are free where tensors are shared between processes; 0 where that can't be told."""
    try:
        found = os.statvfs(SHARED)
    except (OSError, AttributeError):  # another system
        return 0
    return found.f_bavail * found.f_frsize


def _from_worker(
    images: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    faults: tuple[tuple[str, str], ...],
    remarks: tuple[str, ...],
) -> Batch:
    """The batch whose images were sent with channels last, [B, S, S, 3]."""
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels), torch.from_numpy(positions)
    return Batch(*tensors, faults, remarks)


class Images(Protocol):
    """A split prepared at one image size.

    Attributes:
        workers: Processes that decode images.
        positions: Place in the split of each image to draw batches from, ascending.
    """

    workers: int
    positions: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of images to draw batches from."""
        ...

    def evaluation(self, plan: Sequence[list[int]]) -> Iterable[Batch]:
        """Batches of these images as for evaluation."""
        ...

    def training(self, plan: Sequence[list[int]], seed: int, epoch: int, mirrored: bool) -> Iterable[Batch]:
        """Batches of these images as varied in one epoch."""
        ...


Item = TypeVar("Item", covariant=True)


class Source(Protocol[Item]):
    """The source of batches for torch's loader."""

    def __getitems__(self, indices: Any) -> Item:
        """The batch of what an entry of a plan stands for."""
        ...


def training_batches(
    images: Images,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    mirrored: bool,
    first: int = 0,
    part: tuple[int, int] = (0, 1),
) -> Iterable[Batch]:
    """The batches of one epoch in random order, varied, from batch `first` on.

    An incomplete last batch is left out (unless it is the only one), so that every step weighs images alike.

    Args:
        images: From `prepare`.
        batch_size: Images per batch.
        seed: Random seed of order and variation.
        epoch: Which epoch, from 0.
        mirrored: Whether images may be mirrored.
        first: Batches to skip, for an epoch that is resumed.
        part: Which part of each batch, and of how many, for one of several processes.
    """
    order = torch.randperm(len(images), generator=generator(seed, epoch, "order")).tolist()
    count = batches_an_epoch(len(images), batch_size)
    number, parts = part
    plan = [order[i * batch_size : (i + 1) * batch_size][number::parts] for i in range(first, count)]
    return images.training(plan, seed, epoch, mirrored)


def batches_an_epoch(images: int, batch_size: int) -> int:
    """Batches of one epoch: the complete ones, and at least one."""
    return max(1, images // batch_size)


def evaluation_batches(
    images: Images, batch_size: int, parts: Sequence[tuple[int, int]] | None = None
) -> Iterable[Batch]:
    """The images in order, as they are; of `parts` (from, to) if given, with no batch that spans two of them."""
    parts = [(0, len(images))] if parts is None else parts
    plan = [
        list(range(first, min(first + batch_size, stop)))
        for start, stop in parts
        for first in range(start, stop, batch_size)
    ]
    return images.evaluation(plan)


def readable(batches: Iterable[Batch], unreadable: Unreadable) -> Iterator[Batch]:
    """The batches that have images in them; unreadable images are counted.

    Raises:
        DataError: Too many files can't be read, or a process that decodes was killed.
    """
    for batch in batches:
        unreadable.see(batch.faults, batch.remarks)
        if len(batch.labels):
            yield batch


class Loader(Generic[Item]):
    """Makes the batches of plans, one plan after the other, in this process or in workers that live as long as it does.

    Args:
        source: What makes a batch of an entry of a plan; each worker gets it once.
        workers: Processes that decode.
    """

    def __init__(self, source: Source[Item], workers: int) -> None:
        self.source, self.workers = source, workers
        self._upcoming: list[Any] = []
        self._loader: DataLoader[Item] | None = None
        # Set when this is dropped, or the program ends: until then workers leave signals to the main process.
        self._ending = multiprocessing.Event()
        weakref.finalize(self, self._ending.set)

    def batches(self, plan: Sequence[Any]) -> Iterator[Item]:
        """The batch of each entry of a plan, for example of a list of indices.

        Raises:
            WorkerKilled: A process that decodes was killed.
        """
        if self._loader is None:
            self._loader = self._start()
        self._upcoming[:] = plan
        try:
            yield from self._loader
        except RuntimeError as error:
            self._loader = None
            if WorkerKilled.SIGN not in str(error):
                raise
            raise WorkerKilled from error

    def _start(self) -> DataLoader[Item]:
        return DataLoader(
            cast(Any, self.source),  # `__getitems__` is all that the loader calls with a batch sampler
            batch_sampler=self._upcoming,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            collate_fn=_as_it_is,
            worker_init_fn=partial(_leave_signals_to_others, self._ending),
            generator=torch.Generator(),  # otherwise each pass, and each resumed epoch, would draw from the global one
            pin_memory=torch.cuda.is_available(),
        )


def _as_it_is(batch: Any) -> Any:
    return batch


def _leave_signals_to_others(ending: Event, worker: int) -> None:
    """Ctrl-C reaches every process of a terminal, a cluster's signal every process of a job; the main one decides.

    Once that is ending, a signal ends the worker: Python terminates workers that are left then, and waits for them.
    """

    def leave(number: int, frame: object) -> None:
        if ending.is_set():
            os._exit(0)

    for name in ("SIGINT", "SIGTERM", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), leave)


def generator(seed: int, epoch: int, purpose: str) -> torch.Generator:
    """A generator for one purpose in one epoch."""
    return torch.Generator().manual_seed(mix_seed(seed, epoch, *purpose.encode()))


def mix_seed(*parts: int) -> int:
    """A well-mixed seed: neighbouring epochs and images must not be alike."""
    words = np.array(parts, dtype=np.uint32) if max(parts) < 2**32 else parts  # the same, in less time
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> np.uint64(1))

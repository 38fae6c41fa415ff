"""What a training takes, measured on a few updates before it starts: memory, time, disk."""

from __future__ import annotations

import ctypes
import gc
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from multiprocessing import get_context

import torch
from torch import Tensor

from rcnnzoo import plugins
from rcnnzoo.data.batches import Batch, training_batches
from rcnnzoo.data.opening import Data
from rcnnzoo.devices import computing, seconds
from rcnnzoo.errors import TrainingError
from rcnnzoo.profiling.resources import resources
from rcnnzoo.progress import progress
from rcnnzoo.training.images import RunImages
from rcnnzoo.training.loop import update
from rcnnzoo.training.memory import ran_out
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.starting import new_network
from rcnnzoo.training.state import TrainingState
from rcnnzoo.training.world import World

LONG = 3.0
"""Seconds of an update above which it is timed once."""
LONGEST = 30.0
"""Seconds that an update may take; larger batches are estimated."""
LARGE = 2**28
"""Bytes above which a processor's memory is measured in a process of its own, which takes a while to start."""
UPDATES = 3
"""Updates that are timed, after one to warm up; a single one where they take long."""
DECODING = 4.0
"""Seconds for which images are decoded, to see how many a second there are."""


@dataclass(frozen=True)
class Measured:
    """An update on a number of images.

    Attributes:
        images: How many.
        bytes: Peak memory, without what the process held before there was a network.
        seconds: Of an update.
        validation: Seconds to run the network on as many images without learning.
    """

    images: int
    bytes: int
    seconds: float
    validation: float


@dataclass(frozen=True)
class Need:
    """What training takes on this device.

    Attributes:
        measured: Updates on more and more images.
        recomputed: The same with `checkpoint_activations`.
        checkpoint_bytes: Size of one checkpoint.
    """

    measured: list[Measured]
    recomputed: list[Measured]
    checkpoint_bytes: int

    def memory(self, images: int, *, recomputed: bool = False) -> int:
        """Bytes for a batch of that many images: on the line through the two largest batches that were measured."""
        points = self.recomputed if recomputed else self.measured
        found = next((point.bytes for point in points if point.images == images), None)
        if found is not None or len(points) == 1:
            return points[-1].bytes if found is None else found
        before, last = points[-2:]
        return last.bytes + (last.bytes - before.bytes) * (images - last.images) // (last.images - before.images)


def measure_need(settings: Settings, data: Data) -> Need:
    """Train a network of these settings for a few updates on random images.

    Raises:
        UnknownName: There is no such architecture, optimizer or schedule.
        OptionError: A setting can't work.
        TrainingError: Memory runs out with the smallest batch.
    """
    settings = replace(settings, accumulate=1, micro_batch="")
    (recomputed, _), (measured, checkpoint) = (
        _tried(replace(settings, checkpoint_activations=recomputed), data) for recomputed in (True, False)
    )
    return Need(measured, recomputed, checkpoint)


def _tried(settings: Settings, data: Data) -> tuple[list[Measured], int]:
    """Updates, and the size of a checkpoint; the network is gone before another is measured."""
    trial = Trial(settings, data)
    return trial.points(), sum(tensor.nbytes for tensor in _tensors(trial.state.state_dict()))


class Trial:
    """A network that is trained for a few updates on random images."""

    def __init__(self, settings: Settings, data: Data) -> None:
        _release_memory()
        self.settings, self.data = settings, data
        self.world = World(settings.precision, compiled=settings.compile)
        with resources(self.world.device) as before:
            pass
        self.before = before.peak_bytes
        self.state = TrainingState(
            new_network(settings, data), settings, self.world, batches=1_000, share=settings.batch_size
        )

    def points(self) -> list[Measured]:
        """Updates on 2 and 4 images, and on a whole batch or as much of it as fits and doesn't take too long.

        Raises:
            TrainingError: Memory runs out with two images.
        """
        title = "measuring updates" + " with recomputed steps" * self.settings.checkpoint_activations
        with progress(title, 3) as advance:
            points: list[Measured] = []
            for images in sorted({min(few, self.settings.batch_size) for few in (2, 4)}):
                point = self.point(images)
                if point is None:
                    break
                points.append(point)
                advance(1)
            if not points:
                raise TrainingError("memory runs out with two images: take a smaller `width` or `image_size`")
            largest = self._largest(points)
            while largest > points[-1].images:
                expected = points[-1].bytes * largest // points[-1].images
                # A file given as a plugin is known to this process only.
                from_file = (plugins.package_of("architectures", self.settings.architecture) or "").endswith(".py")
                alone = self.world.device.type == "cpu" and expected > LARGE and not from_file
                point = self._alone(largest) if alone else self.point(largest)
                if point is not None:
                    points.append(point)
                    advance(1)
                    break
                largest //= 2
        return points

    def point(self, images: int) -> Measured | None:
        """An update on a number of images; None if memory runs out."""
        device, size = self.world.device, self.settings.image_size
        pixels = torch.randint(256, (images, 3, size, size), dtype=torch.uint8)
        batch = Batch(pixels, torch.zeros(images, dtype=torch.long), torch.arange(images))

        def learn() -> Tensor:
            return update(self.state, self.settings, batch, images)

        try:
            self.state.network.train()
            with resources(device) as used:
                warm = seconds(learn, device)
                took = [seconds(learn, device) for _ in range(1 if warm > LONG else UPDATES)]
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise
            return None
        return Measured(images, used.peak_bytes - self.before, statistics.median(took), _validation(self.state))

    def _largest(self, points: Sequence[Measured]) -> int:
        """The largest part of a batch, halved again and again, of which little says that it takes too long."""
        images, last = self.settings.batch_size, points[-1]
        while images > last.images and last.seconds * images / last.images > LONGEST:
            images //= 2
        return images

    def _alone(self, images: int) -> Measured | None:
        """As `point`, in a process of its own: what one has freed can't be told from what it uses."""
        task = (self.settings, self.data, images, torch.get_num_threads())
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            try:
                return pool.submit(_measure_alone, *task).result()
            except BrokenProcessPool:  # the system killed it, as memory ran out
                return None


def _measure_alone(settings: Settings, data: Data, images: int, threads: int) -> Measured | None:
    with computing("cpu", threads):
        return Trial(settings, data).point(images)


def _validation(state: TrainingState) -> float:
    """Seconds to run the network on the images of the last update."""
    images = state.last_images
    assert images is not None
    network = state.model.eval()
    with torch.no_grad(), state.world.autocast():
        took = [seconds(lambda: network(images), state.world.device) for _ in range(2)]
    return min(took)


def _tensors(values: object) -> Iterator[Tensor]:
    """All tensors in nested dictionaries and lists."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict):
        for value in values.values():
            yield from _tensors(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _tensors(value)


def images_decoded(images: RunImages, settings: Settings) -> float:
    """Images a second that reach training, from its own batches, once its workers have started.

    Raises:
        DataError: Too many images can't be read.
    """
    seen, started = 0, 0.0
    for number, batch in enumerate(_epochs(images, settings)):
        images.unreadable.see(batch.faults, batch.remarks)
        if number == 0:
            started = time.monotonic()
            continue
        seen += len(batch.labels)
        if time.monotonic() - started > DECODING:
            break
    return seen / (time.monotonic() - started)


def _epochs(images: RunImages, settings: Settings) -> Iterator[Batch]:
    """Training's batches, epoch after epoch."""
    for epoch in count():
        yield from training_batches(
            images.train, settings.batch_size, seed=settings.seed, epoch=epoch, mirrored=settings.mirrored
        )


def _release_memory() -> None:
    """Give freed memory back to the system, so that it isn't taken for what is measured next."""
    gc.collect()
    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)

"""What a training takes, measured on a few updates before it starts: memory, time, disk."""

from __future__ import annotations

import ctypes
import gc
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count

import torch
from torch import Tensor

from rcnnzoo.data.batches import Batch, training_batches
from rcnnzoo.data.opening import Data
from rcnnzoo.devices import seconds
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
"""Seconds of an update after which larger batches are estimated rather than measured, once there are two."""
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
    world = World(settings.precision, compiled=settings.compile)
    with resources(world.device) as before:
        pass
    found = {}
    for recomputed in (True, False):
        _release_memory()
        own = replace(settings, checkpoint_activations=recomputed)
        state = TrainingState(new_network(own, data), own, world, batches=1_000, share=own.batch_size)
        found[recomputed] = list(_updates(state, own, before.peak_bytes))
        checkpoint = sum(tensor.nbytes for tensor in _tensors(state.state_dict()))
        del state
    return Need(found[False], found[True], checkpoint)


def _updates(state: TrainingState, settings: Settings, before: int) -> Iterator[Measured]:
    """Updates on 2, 4, 8, ... images, up to a batch, or until one takes long or memory runs out."""
    images, device, size = min(2, settings.batch_size), state.world.device, settings.image_size
    title = "measuring updates" + " with recomputed steps" * settings.checkpoint_activations
    with progress(title, settings.batch_size.bit_length()) as advance:
        while True:
            pixels = torch.randint(256, (images, 3, size, size), dtype=torch.uint8)
            batch = Batch(pixels, torch.zeros(images, dtype=torch.long), torch.arange(images))

            def learn(batch: Batch = batch) -> Tensor:
                return update(state, settings, batch, len(batch.labels))

            try:
                state.network.train()
                warm = seconds(learn, device)
                with resources(device) as used:
                    took = [seconds(learn, device) for _ in range(1 if warm > LONG else UPDATES)]
            except (RuntimeError, MemoryError) as error:
                if not ran_out(error):
                    raise
                if images <= 2:
                    raise TrainingError(
                        "memory runs out with two images: take a smaller `width` or `image_size`"
                    ) from error
                return
            yield Measured(images, used.peak_bytes - before, statistics.median(took), _validation(state))
            advance(1)
            if images == settings.batch_size or (images > 2 and statistics.median(took) > LONG):
                return
            images = min(2 * images, settings.batch_size)


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

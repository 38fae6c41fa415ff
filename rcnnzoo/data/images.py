"""Batches of a split: small images from memory, large ones decoded by worker processes.

Everything random depends on (seed, epoch, image) alone: neither the number of workers nor where an epoch is
taken up again changes what a network sees.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from rcnnzoo.data import transforms
from rcnnzoo.data.splits import Split, choose
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.errors import DataError, reason


@dataclass(frozen=True)
class Batch:
    """Images that belong together, and what could not be read of them.

    Attributes:
        images: uint8 [B, 3, S, S]; `transforms.to_input` scales them.
        labels: int64 [B].
        positions: Place of each image in its split, int64 [B].
        faults: Name and reason of each image that is missing because it can't be read.
    """

    images: Tensor
    labels: Tensor
    positions: Tensor
    faults: tuple[tuple[str, str], ...] = ()

    def pin_memory(self) -> Batch:
        """The same in page-locked memory, for faster copies to a GPU (torch's loader calls this)."""
        return Batch(self.images.pin_memory(), self.labels.pin_memory(), self.positions.pin_memory(), self.faults)


class Images(Protocol):
    """A split made ready at a size.

    Attributes:
        workers: Processes that decode images.
        positions: Place in the split of each image to draw batches from, ascending.
    """

    workers: int
    positions: npt.NDArray[np.int64]

    def __len__(self) -> int:
        """Number of images to draw batches from."""
        ...

    def evaluation(self) -> Source:
        """The images as evaluation sees them."""
        ...

    def training(self, seed: int, epoch: int, mirrored: bool) -> Source:
        """The images as they are varied in one epoch."""
        ...


class Source(Protocol):
    """What torch's loader takes batches from."""

    def __getitems__(self, indices: list[int]) -> Batch:
        """The batch of these images."""
        ...


def native_size(split: Split) -> int:
    """Short side of a typical image, in pixels: the median over some that are spread evenly.

    Raises:
        DataError: None of them is readable.
    """
    places = {round(place) for place in np.linspace(0, len(split) - 1, 25)}
    images = (_read(split, position) for position in sorted(places))
    sides = [min(image.size) for image in images if isinstance(image, Image.Image)]
    if not sides:
        raise DataError(f"{os.path.join(split.folder, split.files[0])} and others: none is readable; are they images?")
    return int(np.median(sides))


def usual_size(split: Split) -> int:
    """Side S at which networks see these images unless a user says otherwise: 32 for small ones, else 128."""
    return 32 if native_size(split) <= transforms.SMALL else 128


def prepare(split: Split, image_size: int, unreadable: Unreadable, workers: int | None = None) -> Images:
    """Hold small images in memory; leave large ones to be decoded as they are needed.

    Args:
        split: Which images.
        image_size: Side S that the network takes, in pixels.
        unreadable: Counts what can't be decoded.
        workers: Processes that decode large images; without it, one for each processor, at most 8.

    Raises:
        DataError: No image is readable, or too many aren't.
    """
    if max(native_size(split), image_size) <= transforms.SMALL:
        return HeldImages(split, image_size, unreadable)
    return StreamedImages(split, image_size, min(os.cpu_count() or 1, 8) if workers is None else workers)


def evenly_spaced(split: Split, count: int) -> Split:
    """Up to that many images, spread evenly over a split."""
    return choose(split, np.unique(np.linspace(0, len(split) - 1, count).round().astype(np.int64)))


def sample_images(split: Split, image_size: int, count: int, unreadable: Unreadable) -> Tensor:
    """Up to that many images, spread evenly over a split, as networks take them: float [N, 3, S, S] in [-1, 1].

    Raises:
        DataError: No image is readable, or too many aren't.
    """
    images = prepare(evenly_spaced(split, count), image_size, unreadable, workers=0)
    batches = readable(evaluation_batches(images, len(images)), unreadable)
    return transforms.to_input(torch.cat([batch.images for batch in batches]))


class HeldImages:
    """Small images, decoded once and varied a batch at a time by padding, cropping and mirroring."""

    workers = 0

    def __init__(self, split: Split, image_size: int, unreadable: Unreadable) -> None:
        transform = transforms.Evaluation(image_size)
        pixels, positions = [], []
        for position in range(len(split)):
            image = _read(split, position)
            if isinstance(image, Image.Image):
                pixels.append(transform(image))
                positions.append(position)
            else:
                unreadable.see([image])
        if not pixels:
            raise DataError(
                f"{os.path.join(split.folder, split.files[0])} and others: none is readable; are they images?"
            )
        self.image_size = image_size
        self.padded = transforms.pad(torch.stack(pixels))
        self.positions = np.array(positions)
        self.labels = torch.from_numpy(split.labels[self.positions])

    def __len__(self) -> int:
        return len(self.labels)

    def evaluation(self) -> Source:
        """The images as they are."""
        border = (self.padded.shape[1] - self.image_size) // 2
        corners = torch.full((len(self), 2), border)
        return _Held(self, corners, torch.zeros(len(self), dtype=torch.bool))

    def training(self, seed: int, epoch: int, mirrored: bool) -> Source:
        """Each image cut at a random place of its padded self, and mirrored half of the time."""
        random = generator(seed, epoch, "crops")
        places = self.padded.shape[1] - self.image_size + 1
        corners = torch.randint(places, (len(self), 2), generator=random)
        flips = torch.rand(len(self), generator=random) < (0.5 if mirrored else 0)
        return _Held(self, corners, flips)


@dataclass(frozen=True)
class _Held:
    images: HeldImages
    corners: Tensor
    flips: Tensor

    def __getitems__(self, indices: list[int]) -> Batch:
        held, chosen = self.images, torch.tensor(indices)
        cut = transforms.pad_crop(held.padded[chosen], held.image_size, self.corners[chosen], self.flips[chosen])
        return Batch(cut, held.labels[chosen], torch.from_numpy(held.positions)[chosen])


class StreamedImages:
    """Large images, decoded by worker processes each time they are needed."""

    def __init__(self, split: Split, image_size: int, workers: int) -> None:
        self.split = split
        self.image_size = image_size
        self.workers = workers
        self.positions = np.arange(len(split))

    def __len__(self) -> int:
        return len(self.split)

    def evaluation(self) -> Source:
        """Each image resized, its centre cut out."""
        return _Streamed(self.split, self.image_size, transforms.Evaluation(self.image_size), None)

    def training(self, seed: int, epoch: int, mirrored: bool) -> Source:
        """A random part of each image, resized, and mirrored half of the time."""
        return _Streamed(self.split, self.image_size, transforms.training(self.image_size, mirrored), (seed, epoch))


@dataclass(frozen=True)
class _Streamed:
    split: Split
    image_size: int
    transform: Callable[[Image.Image], Tensor]
    randomness: tuple[int, int] | None

    def __getitems__(self, indices: list[int]) -> Batch:
        pixels, positions, faults = [], [], []
        with torch.random.fork_rng(devices=[]):
            for position in indices:
                image = _read(self.split, position)
                if isinstance(image, Image.Image):
                    if self.randomness is not None:
                        # torchvision's transforms draw from torch's global generator.
                        torch.default_generator.manual_seed(mix_seed(*self.randomness, position))
                    pixels.append(self.transform(image))
                    positions.append(position)
                else:
                    faults.append(image)
        size = self.image_size
        images = torch.stack(pixels) if pixels else torch.empty(0, 3, size, size, dtype=torch.uint8)
        return Batch(
            images.contiguous(memory_format=torch.channels_last),
            torch.from_numpy(self.split.labels[positions]),
            torch.tensor(positions, dtype=torch.long),
            tuple(faults),
        )


def _read(split: Split, position: int) -> Image.Image | tuple[str, str]:
    """The image, or its name and the reason why it can't be read."""
    try:
        return split.read(position)
    except Exception as error:  # decoders raise anything: OSError, SyntaxError, struct.error, ...
        return os.path.join(split.folder, split.files[position]), reason(error)


def training_batches(
    images: Images,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    mirrored: bool,
    first: int = 0,
) -> DataLoader[Batch]:
    """The batches of one epoch in random order, varied, from batch `first` on.

    An incomplete last batch is left out (unless it is the only one), so that every step weighs images alike.

    Args:
        images: From `prepare`.
        batch_size: Images a batch.
        seed: Of order and variation.
        epoch: Which epoch, from 0.
        mirrored: Whether images may be mirrored.
        first: Batches to skip, of an epoch that is taken up again.
    """
    order = torch.randperm(len(images), generator=generator(seed, epoch, "order")).tolist()
    count = batches_an_epoch(len(images), batch_size)
    plan = [order[i * batch_size : (i + 1) * batch_size] for i in range(first, count)]
    return _loader(images.training(seed, epoch, mirrored), plan, images.workers)


def batches_an_epoch(images: int, batch_size: int) -> int:
    """Batches of one epoch: the complete ones, and at least one."""
    return max(1, images // batch_size)


def evaluation_batches(
    images: Images, batch_size: int, parts: Sequence[tuple[int, int]] | None = None
) -> DataLoader[Batch]:
    """The images in order, as they are; of `parts` (from, to) if given, none of whose batches reaches into the next."""
    parts = [(0, len(images))] if parts is None else parts
    plan = [
        list(range(first, min(first + batch_size, stop)))
        for start, stop in parts
        for first in range(start, stop, batch_size)
    ]
    return _loader(images.evaluation(), plan, images.workers)


def readable(loader: DataLoader[Batch], unreadable: Unreadable) -> Iterator[Batch]:
    """The batches of a loader that have images in them; what can't be read is counted.

    Raises:
        DataError: Too many files can't be read.
    """
    for batch in loader:
        unreadable.see(batch.faults)
        if len(batch.labels):
            yield batch


def _loader(source: Source, plan: Sequence[list[int]], workers: int) -> DataLoader[Batch]:
    return DataLoader(
        cast(Any, source),  # `__getitems__` is all that the loader calls with a batch sampler
        batch_sampler=plan,
        num_workers=min(workers, len(plan)),
        collate_fn=cast(Any, _as_it_is),
        worker_init_fn=_leave_interrupts_to_others,
        generator=torch.Generator(),  # else each pass would draw from the global one, a resumed epoch once more
        pin_memory=torch.cuda.is_available(),
    )


def _as_it_is(batch: Batch) -> Batch:
    return batch


def _leave_interrupts_to_others(worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; the main one decides when to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def generator(seed: int, epoch: int, purpose: str) -> torch.Generator:
    """A generator for one purpose in one epoch."""
    return torch.Generator().manual_seed(mix_seed(seed, epoch, *purpose.encode()))


def mix_seed(*parts: int) -> int:
    """A well-mixed seed: neighbouring epochs and images must not resemble each other."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> np.uint64(1))

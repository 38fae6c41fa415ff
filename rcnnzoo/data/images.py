"""A split prepared at one image size: small images in memory, large ones decoded by worker processes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcnnzoo.data import transforms
from rcnnzoo.data.batches import Batch, Images, Loader, evaluation_batches, generator, mix_seed, readable
from rcnnzoo.data.decoding import why_unreadable
from rcnnzoo.data.splits import Split, choose
from rcnnzoo.data.unreadable import DataWarning, Unreadable
from rcnnzoo.errors import DataError

What = TypeVar("What")


def native_size(split: Split) -> int:
    """Short side of a typical image, in pixels: the median over some that are spread evenly.

    Raises:
        DataError: None of them is readable.
    """
    places = {round(place) for place in np.linspace(0, len(split) - 1, 25)}
    sides, faults = [], []
    for position in sorted(places):
        image, _ = read_at(split, position)
        if isinstance(image, Image.Image):
            sides.append(min(image.size))
        else:
            faults.append(image)
    if not sides:
        raise _none_readable(faults[0], len(split))
    return int(np.median(sides))


def _none_readable(fault: tuple[str, str], images: int) -> DataError:
    name, why = fault
    if images == 1:
        return DataError(f"{name}: can't be read as an image ({why})")
    return DataError(f"{name} and others: none can be read ({why}); are they images?")


def usual_size(split: Split) -> int:
    """Default side S of these images: 32 for small ones, otherwise 128."""
    return 32 if native_size(split) <= transforms.SMALL else 128


def prepare(split: Split, image_size: int, unreadable: Unreadable, workers: int | None = None) -> Images:
    """Hold small images in memory; leave large ones to be decoded as they are needed.

    Args:
        split: Which images.
        image_size: Side S that the network takes, in pixels.
        unreadable: Counts what can't be decoded.
        workers: Processes that decode large images; without it, one for each processor, at most 8.

    Raises:
        DataError: No image is readable, or too many are not.
    """
    if max(native_size(split), image_size) <= transforms.SMALL:
        return HeldImages(split, image_size, unreadable)
    return StreamedImages(split, image_size, number_of_workers(workers))


def number_of_workers(asked: int | None) -> int:
    """Processes that decode: as many as were asked for; otherwise one for each processor, at most 8."""
    return min(os.cpu_count() or 1, 8) if asked is None else asked


def evenly_spaced(split: Split, count: int) -> Split:
    """Up to that many images, spread evenly over a split."""
    return choose(split, np.unique(np.linspace(0, len(split) - 1, count).round().astype(np.int64)))


def sample_images(split: Split, image_size: int, count: int, unreadable: Unreadable) -> tuple[Tensor, list[str]]:
    """Up to that many images, spread evenly over a split, and their files.

    Images are as networks take them: float [N, 3, S, S] in [-1, 1].

    Raises:
        DataError: No image is readable, or too many are not.
    """
    chosen = evenly_spaced(split, count)
    images = prepare(chosen, image_size, unreadable, workers=0)
    batches = list(readable(evaluation_batches(images, len(images)), unreadable))
    files = [chosen.files[position] for batch in batches for position in batch.positions.tolist()]
    return transforms.to_input(torch.cat([batch.images for batch in batches])), files


class HeldImages:
    """Small images, decoded once and varied one batch at a time by padding, cropping and mirroring."""

    workers = 0

    def __init__(self, split: Split, image_size: int, unreadable: Unreadable) -> None:
        transform = transforms.Evaluation(image_size)
        pixels, positions, faults = [], [], []
        for position in range(len(split)):
            image, remarks = read_at(split, position)
            if isinstance(image, Image.Image):
                unreadable.see([], remarks)
                pixels.append(transform(image))
                positions.append(position)
            else:
                unreadable.see([image], remarks)
                faults.append(image)
        if not pixels:
            raise _none_readable(faults[0], len(split))
        self.image_size = image_size
        self.padded = transforms.pad(torch.stack(pixels))
        self.positions = np.array(positions)
        self.labels = torch.from_numpy(split.labels[self.positions])

    def __len__(self) -> int:
        return len(self.labels)

    def evaluation(self, plan: Sequence[list[int]]) -> Iterable[Batch]:
        """The images as they are."""
        border = (self.padded.shape[1] - self.image_size) // 2
        corners = torch.full((len(self), 2), border)
        return Loader(_Held(self, corners, torch.zeros(len(self), dtype=torch.bool)), 0).batches(plan)

    def training(self, plan: Sequence[list[int]], seed: int, epoch: int, mirrored: bool) -> Iterable[Batch]:
        """Each image cut at a random place of its padded self, and mirrored half of the time."""
        random = generator(seed, epoch, "crops")
        places = self.padded.shape[1] - self.image_size + 1
        corners = torch.randint(places, (len(self), 2), generator=random)
        flips = torch.rand(len(self), generator=random) < (0.5 if mirrored else 0)
        return Loader(_Held(self, corners, flips), 0).batches(plan)


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
        self._training: dict[bool, Loader[Batch]] = {}

    def __len__(self) -> int:
        return len(self.split)

    def evaluation(self, plan: Sequence[list[int]]) -> Iterable[Batch]:
        """Each image resized, its centre cut out."""
        source = _Streamed(self.split, self.image_size, self.split.read, transforms.Evaluation(self.image_size))
        entries = [_Entry(indices) for indices in plan]
        return Loader(source, min(self.workers, len(plan))).batches(entries)

    def training(self, plan: Sequence[list[int]], seed: int, epoch: int, mirrored: bool) -> Iterable[Batch]:
        """A random part of each image, resized, and mirrored half of the time; workers live through epochs."""
        if mirrored not in self._training:
            read = self.split.read_lazily or self.split.read
            source = _Streamed(self.split, self.image_size, read, transforms.Training(self.image_size, mirrored))
            self._training[mirrored] = Loader(source, self.workers)
        return self._training[mirrored].batches([_Entry(indices, (seed, epoch)) for indices in plan])


@dataclass(frozen=True)
class _Entry:
    """A batch to make.

    Attributes:
        indices: Of its images.
        randomness: Seed and epoch, on which with each image's position all that is random depends.
    """

    indices: list[int]
    randomness: tuple[int, int] | None = None


@dataclass(frozen=True)
class _Streamed:
    split: Split
    image_size: int
    read: Callable[[int], Any]
    transform: Callable[[Any], Tensor]

    def _pixels(self, position: int) -> Tensor:
        return self.transform(self.read(position))

    def __getitems__(self, entry: _Entry) -> Batch:
        pixels, positions, faults, remarks = [], [], [], []
        with torch.random.fork_rng(devices=[]), _remarks() as caught:
            for position in entry.indices:
                if entry.randomness is not None:
                    # torchvision's transforms draw from torch's global generator.
                    torch.default_generator.manual_seed(mix_seed(*entry.randomness, position))
                found, said = _try(self._pixels, self.split, position, caught)
                remarks += said
                if isinstance(found, Tensor):
                    pixels.append(found)
                    positions.append(position)
                else:
                    faults.append(found)
        size = self.image_size
        images = torch.empty(len(pixels), size, size, 3, dtype=torch.uint8).permute(0, 3, 1, 2)  # channels last
        for image, own in zip(images, pixels, strict=True):
            image.copy_(own)
        return Batch(
            images,
            torch.from_numpy(self.split.labels[positions]),
            torch.tensor(positions, dtype=torch.long),
            tuple(faults),
            tuple(remarks),
        )


def read_at(split: Split, position: int) -> tuple[Image.Image | tuple[str, str], list[str]]:
    """The image, or its name and the reason why it can't be read; and what the decoder remarked."""
    with _remarks() as caught:
        return _try(split.read, split, position, caught)


@contextmanager
def _remarks() -> Iterator[list[warnings.WarningMessage]]:
    """While it lasts, warnings are collected."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _try(
    read: Callable[[int], What], split: Split, position: int, caught: list[warnings.WarningMessage]
) -> tuple[What | tuple[str, str], list[str]]:
    """What reading an image gives, or why it can't be read, as `read_at`.

    Warnings are being collected in a list, which is emptied: to begin that anew for each image would be slow.
    """
    found: What | tuple[str, str]
    try:
        found = read(position)
    except Exception as error:  # decoders raise anything: OSError, SyntaxError, struct.error, ...
        found = os.path.join(split.folder, split.files[position]), why_unreadable(error)
    if not caught:
        return found, []
    name = os.path.join(split.folder, split.files[position])
    named = ("" if issubclass(one.category, DataWarning) else f"{name}: " for one in caught)  # `read` names the file
    said = (" ".join(str(one.message).split()) for one in caught)
    remarks = [f"{start}{words}" for start, words in zip(named, said, strict=True)]
    caught.clear()
    return found, remarks

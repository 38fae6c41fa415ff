"""What a network is shown at each time step: `image:8`, or `blank:2,image:3,scrambled:3`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from rcnnzoo.data.batches import mix_seed
from rcnnzoo.data.decoding import naming_the_image, read_image
from rcnnzoo.data.transforms import Evaluation, to_input
from rcnnzoo.errors import OptionError
from rcnnzoo.hashing import bytes_hash

KINDS = ("image", "blank", "noise", "scrambled")
MOST_STEPS = 10_000


@dataclass(frozen=True)
class Segment:
    """What is shown for some time steps.

    Attributes:
        kind: `image`, `blank`, `noise`, `scrambled` or `picture`.
        steps: For how many time steps.
        contrast: Of an `image`, about mid-grey.
        picture: The file of a `picture`.
        sha256: Hash of its content.
        decoded: The picture itself.
    """

    kind: str
    steps: int
    contrast: float = 1.0
    picture: str = ""
    sha256: str = ""
    decoded: Image.Image | None = field(default=None, repr=False, compare=False)

    @property
    def what(self) -> str:
        """As users write it, without the number of steps."""
        if self.kind == "picture":
            return self.picture
        return self.kind if self.contrast == 1 else f"{self.kind}@{str(self.contrast).removesuffix('.0')}"

    @property
    def is_random(self) -> bool:
        """Whether it is drawn anew each time it occurs."""
        return self.kind in ("noise", "scrambled")


@dataclass(frozen=True)
class Programme:
    """What is shown at each time step, segment after segment.

    Attributes:
        segments: At least one.
        seed: Random seed of noise and of scrambled images; what is drawn also depends on the image's name and on the
            place of the segment, and on nothing else.
    """

    segments: tuple[Segment, ...]
    seed: int = 0

    def __str__(self) -> str:
        return ",".join(f"{segment.what}:{segment.steps}" for segment in self.segments)

    @property
    def steps(self) -> int:
        """Time steps T of all segments."""
        return sum(segment.steps for segment in self.segments)

    @property
    def onsets(self) -> tuple[int, ...]:
        """The first time step of each segment, from 0."""
        return (0, *accumulate(segment.steps for segment in self.segments[:-1]))

    @property
    def image_onset(self) -> int | None:
        """The first time step, from 1, at which the image is shown, at any contrast; None if it never is."""
        starts = zip(self.onsets, self.segments, strict=True)
        return next((onset + 1 for onset, segment in starts if segment.kind == "image"), None)

    @property
    def is_random(self) -> bool:
        """Whether anything shown depends on the seed."""
        return any(segment.is_random for segment in self.segments)

    @property
    def pictures(self) -> dict[str, str]:
        """SHA-256 of each picture, by what was typed for it."""
        return {segment.picture: segment.sha256 for segment in self.segments if segment.picture}

    def shown(self, t: int, images: Tensor, names: Sequence[str]) -> Tensor:
        """What is shown at time step t, from 0, to rows with these images [B, 3, H, W] in [-1, 1], and their names."""
        number = max(place for place, onset in enumerate(self.onsets) if onset <= t)
        segment = self.segments[number]
        if segment.kind == "image":
            return images if segment.contrast == 1 else images * segment.contrast  # mid-grey is 0
        if segment.kind == "blank":
            return torch.zeros_like(images)
        if segment.decoded is not None:
            return _picture(segment.decoded, images.shape[-2:]).to(images).expand_as(images)
        # One by one, so that an image's pixels don't depend on the others of its batch even in their last digit.
        make = noise if segment.kind == "noise" else _scrambled
        frames = torch.empty_like(images)
        for row, (image, name) in enumerate(zip(images, names, strict=True)):
            frames[row] = make(image, generator_of(self.seed, name, number))
        return frames


def generator_of(seed: int, name: str, segment: int) -> torch.Generator:
    """Random numbers of an image's segment."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    words = [int.from_bytes(digest[start : start + 4], "little") for start in range(0, len(digest), 4)]
    return torch.Generator().manual_seed(mix_seed(seed, segment, *words))


def _picture(picture: Image.Image, size: Sequence[int]) -> Tensor:
    """A picture, resized as images are to the longer side and cut to that size: [1, 3, H, W]."""
    height, width = size
    pixels = Evaluation(max(size))(picture)
    top, left = ((side - length) // 2 for side, length in zip(pixels.shape[1:], size, strict=True))
    return to_input(pixels[None, :, top : top + height, left : left + width])


def noise(image: Tensor, generator: torch.Generator) -> Tensor:
    """Pixels [3, H, W], each drawn evenly from the 256 values that an image has."""
    return to_input(torch.randint(256, image.shape, generator=generator, dtype=torch.uint8)).to(image)


def _scrambled(image: Tensor, generator: torch.Generator) -> Tensor:
    """An image's own amplitudes [3, H, W] with random phases, which its colours share, clipped to [-1, 1].

    The phases are those of white noise, so that the result is real; the mean of each colour is kept.
    """
    spectrum = torch.fft.rfft2(image.float())
    noise = torch.fft.rfft2(torch.randn(image.shape[-2:], generator=generator).to(image.device))
    mixed = spectrum.abs() * torch.polar(torch.ones_like(noise.abs()), noise.angle())
    mixed[:, 0, 0] = spectrum[:, 0, 0]
    pixels: Tensor = torch.fft.irfft2(mixed, s=image.shape[-2:])
    return pixels.clamp(-1, 1).to(image)


def read_programme(text: str, seed: int = 0) -> Programme:
    """A programme as users write it: `WHAT:STEPS`, separated by commas.

    WHAT is `image`, `image@C` at a contrast C from 0 to 1 about mid-grey, `blank` (mid-grey), `noise` (pixels drawn
    evenly), `scrambled` (the image with random phases) or the path of a picture without a comma in it, which is resized
    as images are.
    Segments that show the same thing one after the other are joined; of `noise` and `scrambled`, each is drawn anew.

    Raises:
        OptionError: It can't be read as one.
        DataError: A picture can't be read.

    >>> programme = read_programme("blank:2,image:3,scrambled:3")
    >>> programme.steps, programme.onsets, programme.image_onset
    (8, (0, 2, 5), 3)
    """
    segments: list[Segment] = []
    for part in text.split(","):
        what, colon, count = part.strip().rpartition(":")
        if not part.strip():
            raise OptionError(f"`stimulus` {text!r}: has a part with nothing in it: write WHAT:STEPS, as image:3")
        if not colon or not what:
            raise OptionError(
                f"`stimulus` {text!r}: {part!r} has no number of time steps: write WHAT:STEPS, as image:3"
            )
        if not re.fullmatch(r"[0-9]{1,9}", count) or not 1 <= int(count) <= MOST_STEPS:
            raise OptionError(f"`stimulus` {text!r}: {count!r} is not a number of time steps from 1 to {MOST_STEPS:,}")
        segment = _segment(what, int(count), text)
        before = segments[-1] if segments else None
        if before is not None and before.what == segment.what and not segment.is_random:
            segment = replace(segment, steps=segments.pop().steps + segment.steps)
        segments.append(segment)
    programme = Programme(tuple(segments), seed)
    if programme.steps > MOST_STEPS:
        raise OptionError(f"`stimulus` of {programme.steps:,} time steps: take at most {MOST_STEPS:,}")
    return programme


def _segment(what: str, steps: int, text: str) -> Segment:
    kind, marked, contrast = what.partition("@")
    if kind == "image" and marked and not Path(what).exists():  # a picture may be called image@2x.png
        try:
            value = float(contrast)
        except ValueError:
            value = -1
        if not 0 <= value <= 1:
            raise OptionError(f"`stimulus` {text!r}: contrast {contrast!r} is not a number from 0 to 1")
        return Segment("image", steps, value)
    if what in KINDS:
        return Segment(what, steps)
    file = Path(what)
    if not file.exists():
        raise OptionError(f"`stimulus` {text!r}: {what!r} is none of {', '.join(KINDS)}, nor the path of a picture")
    with naming_the_image(file):
        decoded = read_image(file)
    return Segment("picture", steps, picture=what, sha256=bytes_hash(file), decoded=decoded)

"""From images to network inputs: uint8 pixels on the way, scaled to [-1, 1] at the end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from rcnnzoo.data.decoding import Jpeg

SMALL = 48
"""Images of up to this side, in pixels, are small: trained at 32 px, held in memory, cropped after padding."""

PADDING = 4
"""Pixels by which small images are padded (mirrored at the edge) before a random crop."""

FLIPPED = 0.5
"""Share of the images that are mirrored in training."""

PREPROCESSING = {"resize": "short side, bilinear, antialiased", "crop": "centre", "range": [-1, 1]}
"""What evaluation does to an image, as recorded with the weights."""


@dataclass(frozen=True)
class Evaluation:
    """Resize the short side and crop the centre: an image -> uint8 [3, S, S]."""

    image_size: int

    def __call__(self, image: Image.Image) -> Tensor:
        """The pixels of one image."""
        if image.size != (self.image_size, self.image_size):
            image = functional.center_crop(functional.resize(image, [self.image_size]), [self.image_size])
        pixels: Tensor = functional.pil_to_tensor(image)
        return pixels


@dataclass(frozen=True)
class Training:
    """A random part of the image, resized, and mirrored half of the time: an image -> uint8 [3, S, S].

    Parts and flips are those of torchvision's RandomResizedCrop and RandomHorizontalFlip. Of a JPEG, a smaller copy is
    decoded if the part is still at least S pixels wide and high in it.
    """

    image_size: int
    mirrored: bool

    @cached_property
    def _crop(self) -> v2.RandomResizedCrop:
        return v2.RandomResizedCrop(self.image_size)

    def __call__(self, image: Image.Image | Jpeg) -> Tensor:
        """The pixels of one image."""
        side, (width, height) = self.image_size, image.size
        part = self._crop.make_params([torch.empty(1, height, width, device="meta")])
        if isinstance(image, Jpeg):
            least = (-(-width * side // part["width"]), -(-height * side // part["height"]))
            whole = image.pixels(*(min(pair) for pair in zip(least, image.size, strict=True)))
        else:
            whole = np.asarray(image)
        down, across = whole.shape[0] / height, whole.shape[1] / width  # 1 unless a smaller copy was decoded
        top, left = round(part["top"] * down), round(part["left"] * across)
        high, wide = max(1, round(part["height"] * down)), max(1, round(part["width"] * across))
        # Cut out first, so that channels stay last; torchvision resizes tensors in half the time that images take.
        cut = torch.from_numpy(np.ascontiguousarray(whole[top : top + high, left : left + wide]))
        pixels: Tensor = functional.resize(cut.permute(2, 0, 1), [side, side])
        return pixels.flip(-1) if self.mirrored and torch.rand(1) < FLIPPED else pixels


def pad(images: Tensor) -> Tensor:
    """Mirror a border around small images: uint8 [B, 3, S, S] -> [B, S + 8, S + 8, 3], ready for `pad_crop`."""
    border = min(PADDING, images.shape[-1] - 1)
    padded: Tensor = functional.pad(images, [border], padding_mode="reflect")
    return padded.permute(0, 2, 3, 1).contiguous()


def pad_crop(padded: Tensor, image_size: int, corners: Tensor, flips: Tensor) -> Tensor:
    """Crop each image of a batch at its own corner and mirror some of them.

    One gather for the whole batch: torchvision cuts all images of a batch at the same place, and an image at a
    time it would take longer than a training step of `b`.

    Args:
        padded: uint8 [B, H, W, 3].
        image_size: Side S of the crop.
        corners: Row and column of each crop's corner, int64 [B, 2].
        flips: Which images to mirror, bool [B].

    Returns:
        uint8 [B, 3, S, S], its channels last in memory.
    """
    along = torch.arange(image_size)
    rows = corners[:, :1] + along
    columns = corners[:, 1:] + torch.where(flips[:, None], along.flip(0), along)
    batch = torch.arange(len(padded))[:, None, None]
    return padded[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def to_input(images: Tensor) -> Tensor:
    """Scale pixels as the networks expect them: uint8 [B, 3, S, S] -> float [B, 3, S, S] in [-1, 1].

    Source: x / 127.5 - 1, as in the authors' published code.

    >>> to_input(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    return images.float() / 127.5 - 1


def image_to_input(image: Image.Image, image_size: int) -> Tensor:
    """One image as for evaluation: float [3, S, S] in [-1, 1]."""
    return to_input(Evaluation(image_size)(image))

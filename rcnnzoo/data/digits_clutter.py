"""Digits among pieces of other digits, under noise: made from scikit-learn's digits, and harder than they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from rcnnzoo.data.digits import ArrayReader, read_digits
from rcnnzoo.data.splits import Split

SIDE = 32
"""Of an image, in pixels."""
DIGIT = 18
"""Side of the digit that is to be named."""
SHIFT = 3
"""How far it may be from the centre, in pixels."""
PIECES = 8
PIECE = (4, 8)
"""Least and greatest side of a piece of another digit."""
NOISE = 0.1
"""Standard deviation of the noise of each pixel, of a range of 1."""
VARIANTS = 2
"""Images made of each digit."""
SEEDS = {"train": 1, "test": 2}


def read_digits_clutter(folder: Path | None) -> dict[str, Split]:
    """2,694 images for training and 900 for testing, two of each digit, always the same ones; no folder is needed.

    A digit of 18 pixels lies near the centre of a grey image of 32, among 8 pieces of other digits of its split, some
    of them across it, under Gaussian noise. After the digits among debris of Spoerer, McClure & Kriegeskorte 2017,
    Frontiers in Psychology 8:1551, on which recurrent networks did better than feedforward ones.
    """
    return {name: clutter(split, SEEDS[name]) for name, split in read_digits(folder).items()}


def clutter(split: Split, seed: int) -> Split:
    """Images made of each digit of a split, without any part of other splits."""
    digits = np.stack([_enlarged(split.read(position)) for position in range(len(split))])
    rng = np.random.default_rng(seed)
    images, files = [], []
    for variant in range(VARIANTS):
        for digit, file in zip(digits, split.files, strict=True):
            images.append(_among_pieces(digit, digits, rng))
            files.append(f"{file}-{variant + 1}")
    return Split(split.categories, files, np.tile(split.labels, VARIANTS), ArrayReader(np.stack(images)))


def _enlarged(image: Image.Image) -> npt.NDArray[np.float64]:
    grey = image.convert("F").resize((DIGIT, DIGIT), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(grey, dtype=np.float64) / 255, 0, 1)


def _among_pieces(
    digit: npt.NDArray[np.float64], digits: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """One image, uint8 [H, W]: where a piece and the digit overlap, the brighter one shows."""
    image = np.zeros((SIDE, SIDE))
    top, left = (SIDE - DIGIT) // 2 + rng.integers(-SHIFT, SHIFT + 1, 2)
    image[top : top + DIGIT, left : left + DIGIT] = digit
    for _ in range(PIECES):
        size = rng.integers(PIECE[0], PIECE[1] + 1, 2)
        row, column = rng.integers(DIGIT - size + 1)
        piece = digits[rng.integers(len(digits))][row : row + size[0], column : column + size[1]]
        row, column = rng.integers(SIDE - size + 1)
        place = image[row : row + size[0], column : column + size[1]]
        np.maximum(place, piece, out=place)
    noisy = 0.1 + 0.8 * image + rng.normal(0, NOISE, image.shape)
    return np.rint(255 * np.clip(noisy, 0, 1)).astype(np.uint8)

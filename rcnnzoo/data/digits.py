"""Handwritten digits, bundled with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from rcnnzoo.data.splits import Split, hold_out

TEST_FRACTION = 0.25


def read_digits(folder: Path | None) -> dict[str, Split]:
    """1,347 images for training and 450 for testing, always the same; no folder is needed.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), as scikit-learn ships it.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    names = [f"{number:04d}" for number in range(len(pixels))]
    whole = Split(tuple("0123456789"), names, digits.target.astype(np.int64), ArrayReader(pixels))
    train, test = hold_out(whole, TEST_FRACTION, seed=0)
    return {"train": train, "test": test}


@dataclass(frozen=True)
class ArrayReader:
    """Reads the image at a position of an array, uint8 [N, H, W] or [N, H, W, 3]."""

    pixels: npt.NDArray[np.uint8]

    def __call__(self, position: int) -> Image.Image:
        """The image at that position."""
        return Image.fromarray(self.pixels[position]).convert("RGB")

"""Models that a network should do better than, or beside which its share is asked for: categories, pixels, orientation.

Each is the dissimilarity of all pairs of images, [pair].
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.signal import fftconvolve
from scipy.spatial.distance import pdist

from rcnnzoo.plugin import DataError, read_image

Floats = npt.NDArray[np.float64]
SIDE = 128
"""Pixels of the images that are compared."""
SCALES, ORIENTATIONS, BLOCKS = (4, 8, 16, 32), 8, 4
"""Wavelengths in pixels, orientations, and blocks along each side, as GIST has them (Oliva & Torralba 2001)."""


def category_models(file: Path, images: Sequence[str]) -> dict[str, Floats]:
    """1 for images of different kinds, otherwise 0, for each column of a CSV file but `image`.

    Args:
        file: One row per image: `image`, and columns such as `animate` whose values are the kinds.
        images: The images, in order.

    Raises:
        DataError: It can't be read, an image is missing in it, or a column has one kind only.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = {Path(row.get("image") or "").stem: row for row in csv.DictReader(lines)}
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{file}: can't be read ({error})") from error
    columns = [name for name in next(iter(rows.values()), {}) if name and name != "image"]
    if "" in rows or not columns:
        raise DataError(f"{file}: give a column image, and others that say of which kind each is")
    if missing := [name for name in images if Path(name).stem not in rows]:
        raise DataError(f"{file}: {len(missing)} of {len(images)} images are missing in it, for example {missing[0]}")
    models = {}
    for column in columns:
        kinds = [rows[Path(name).stem][column] for name in images]
        if len(set(kinds)) == 1:
            raise DataError(f"{file}: {column} is {kinds[0]} for all images: leave it out")
        if len(set(kinds)) < len(kinds):  # a column in which every image has its own value says nothing
            models[column] = pdist(np.unique(kinds, return_inverse=True)[1][:, None], "hamming")
    return models


def image_models(folder: Path, images: Sequence[str]) -> Mapping[str, Floats]:
    """`pixels`: Euclidean distance; `orientation`: 1 - Pearson's correlation of Gabor energies in blocks (like GIST).

    Raises:
        DataError: An image can't be read.
    """
    pixels = np.stack([_pixels(folder / name) for name in images])
    energies = np.stack([gabor_energies(image.mean(axis=-1)) for image in pixels])
    return {"pixels": pdist(pixels.reshape(len(pixels), -1)), "orientation": pdist(energies, "correlation")}


def _pixels(file: Path) -> Floats:
    try:
        image = read_image(file)
    except Exception as error:  # decoders raise anything
        raise DataError(f"{file}: can't be read ({error})") from error
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float64) / 255


@cache
def _kernel(wavelength: int, angle: float) -> npt.NDArray[np.complex128]:
    from skimage.filters import gabor_kernel  # slow to import

    return np.asarray(gabor_kernel(1 / wavelength, theta=angle))


def gabor_energies(grey: Floats) -> Floats:
    """Energy of Gabor filters by wavelength, orientation and block: [H, W] -> [features].

    Source: Oliva & Torralba 2001, Modeling the shape of the scene, doi 10.1023/A:1011139631724; scikit-image's filters.
    """
    found = []
    centred = grey - grey.mean()
    for wavelength in SCALES:
        for number in range(ORIENTATIONS):
            # By Fourier transforms: directly, the longest of these would take seconds for each image.
            energy = np.abs(fftconvolve(centred, _kernel(wavelength, np.pi * number / ORIENTATIONS), mode="same"))
            size = len(energy) // BLOCKS
            blocks = energy[: size * BLOCKS, : size * BLOCKS].reshape(BLOCKS, size, BLOCKS, size)
            found.append(blocks.mean(axis=(1, 3)).ravel())
    return np.concatenate(found)

"""From a file in any format to an upright RGB image with 8 bits per channel."""

from __future__ import annotations

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError, reason
from rcnnzoo.pointers import is_pointer

LONGEST = 100
"""How many times as long as wide an image may be: resized by its short side, a longer one would fill the memory."""
WHITE = (255, 255, 255, 255)
STEPS_OF_16_BITS = 257
"""65,535 / 255: the distance of 16-bit values that are one step of 8 bits apart."""


def decode_image(stream: Path | BinaryIO) -> Image.Image:
    """An image file's content as an upright RGB image.

    Raises:
        OSError: As `read_image`.
    """
    with Image.open(stream) as image:
        _check_shape(image)
        _check_range(image)
        return _to_rgb(_to_8_bits(ImageOps.exif_transpose(image)))


def read_image(path: Path) -> Image.Image:
    """A file as an upright RGB image (grey, CMYK, palette, a PNG named .JPEG).

    Values of 16 bits are scaled to 8. Transparent pixels become white, as on paper.

    Raises:
        OSError: It is missing, not a regular file, not an image, cut short, of values without a range (32-bit
            integers, floating point), or much longer than wide.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
        raise OSError("not a regular file")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            decoded = decode_image(path)
        except UnidentifiedImageError as error:
            if is_pointer(path):
                raise OSError("a Git LFS pointer, not the file itself: run `git lfs pull`") from error
            raise OSError("not an image, or in a format that can't be read") from error
    for text in dict.fromkeys(" ".join(str(one.message).split()) for one in caught):
        warnings.warn(f"{path}: {text}", DataWarning, stacklevel=2)
    return decoded


def why_unreadable(error: BaseException) -> str:
    """Why an image can't be read, in words: a system error would repeat the file's name."""
    return (isinstance(error, OSError) and error.strerror) or reason(error)


@contextmanager
def naming_the_image(file: Path) -> Iterator[None]:
    """While it lasts, errors are reported with the file's name.

    Raises:
        DataError: In place of whatever a decoder raises.
    """
    try:
        yield
    except Exception as error:  # decoders raise anything: OSError, SyntaxError, struct.error, ...
        raise DataError(f"{file}: can't be read as an image ({why_unreadable(error)})") from error


def _check_shape(image: Image.Image) -> None:
    short, long = sorted(image.size)
    if long > LONGEST * short:
        raise OSError(f"{image.width} x {image.height} pixels, more than {LONGEST} times as long as wide")


def _check_range(image: Image.Image) -> None:
    """Refuse values whose range is unknown; in PNG and PGM, integers (mode I) have 16 bits."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        kind = "floating-point values" if image.mode == "F" else "32-bit integers"
        raise OSError(f"{kind}, whose range is unknown: save it with 8 or 16 bits")


def _to_8_bits(image: Image.Image) -> Image.Image:
    """An image with 8 bits per channel."""
    if not image.mode.startswith("I"):
        return image
    values = np.asarray(image, dtype=np.int64)
    grey = Image.fromarray(np.rint(np.clip(values, 0, 65_535) / STEPS_OF_16_BITS).astype(np.uint8))
    invisible = image.info.get("transparency")  # one value of grey, in 16 bits
    if invisible is not None:
        grey.putalpha(Image.fromarray(np.where(values == invisible, 0, 255).astype(np.uint8)))
    return grey


def _to_rgb(image: Image.Image) -> Image.Image:
    """Transparent pixels are white, whatever colour is stored under them."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    shown = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", shown.size, WHITE), shown).convert("RGB")

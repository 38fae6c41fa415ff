"""From a file in any format to an upright RGB image with 8 bits per channel."""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from rcnnzoo.data.unreadable import DataWarning
from rcnnzoo.errors import DataError, reason
from rcnnzoo.pointers import is_pointer

LONGEST = 100
"""How many times as long as wide an image may be: resized by its short side, a longer one would fill the memory."""
ORIENTATION = 0x0112
"""EXIF's tag for how a camera was held; 1 is upright."""
MARKS = (b"Exif\0\0", b"http://ns.adobe.com/xap/")
"""What a JPEG holds if it may have that tag."""
WHITE = (255, 255, 255, 255)
STEPS_OF_16_BITS = 257
"""65,535 / 255: the distance of 16-bit values that are one step of 8 bits apart."""


def decode_image(stream: Path | BinaryIO) -> Image.Image:
    """An image file's content as an upright RGB image.

    Raises:
        OSError: As `read_image`.
    """
    with Image.open(stream) as image:
        _check_shape(image.width, image.height)
        _check_range(image)
        return _to_rgb(_to_8_bits(ImageOps.exif_transpose(image)))


@dataclass(frozen=True)
class Jpeg:
    """An upright JPEG in colour whose pixels are not decoded yet.

    Attributes:
        content: Of the file.
        size: Width and height in pixels.
    """

    content: bytes = field(repr=False)
    size: tuple[int, int]

    def pixels(self, width: int, height: int) -> npt.NDArray[np.uint8]:
        """Its pixels [H, W, 3], of a copy that is decoded at a smaller scale but has at least that width and height.

        They are those that Pillow gives, in half the time.

        Raises:
            OSError: It can't be decoded.
        """
        import simplejpeg  # in workers only

        # Other scales than these take longer to decode than the whole image.
        scale = next((n for n in (8, 4, 2) if self.size[0] >= n * width and self.size[1] >= n * height), 1)
        least = {"min_width": -(-self.size[0] // scale), "min_height": -(-self.size[1] // scale)}
        try:
            decoded: npt.NDArray[np.uint8] = simplejpeg.decode_jpeg(self.content, **least)
        except ValueError:  # Pillow is less strict, and has better words for what it refuses
            decoded = np.asarray(decode_image(io.BytesIO(self.content)))
        return decoded


def open_image(content: bytes) -> Jpeg | Image.Image:
    """As `decode_image`, but an upright JPEG in colour is not decoded yet.

    Raises:
        OSError: As `read_image`.
    """
    import simplejpeg

    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
    except ValueError:  # another format, or damaged
        colours = ""
    if colours != "YCbCr" or _is_turned(content):
        return decode_image(io.BytesIO(content))
    _check_shape(width, height)
    return Jpeg(content, (width, height))


def _is_turned(content: bytes) -> bool:
    """Whether a JPEG says that it was taken with a camera held otherwise than upright."""
    if not any(mark in content for mark in MARKS):
        return False
    with Image.open(io.BytesIO(content)) as image:
        return bool(image.getexif().get(ORIENTATION, 1) != 1)


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


def _check_shape(width: int, height: int) -> None:
    short, long = sorted((width, height))
    if long > LONGEST * short:
        raise OSError(f"{width} x {height} pixels, more than {LONGEST} times as long as wide")


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

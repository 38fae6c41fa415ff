"""Files as RGB images of 8 bits: against values computed by hand."""

import io
import os

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from rcnnzoo.data.decoding import Jpeg, open_image, read_image
from rcnnzoo.data.unreadable import DataWarning

RAMP = np.linspace(0, 65_535, 64 * 64).reshape(64, 64).astype(np.uint16)


def grey(path):
    pixels = np.asarray(read_image(path))
    assert (pixels[..., 0] == pixels[..., 1]).all()
    return pixels[..., 0].astype(int)


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tif"])
def test_16_bits_are_scaled_and_do_not_saturate(tmp_path, name):
    Image.fromarray(RAMP).save(tmp_path / name)
    np.testing.assert_allclose(grey(tmp_path / name), RAMP / 257, atol=0.5)


def test_16_bits_in_a_pgm_are_scaled(tmp_path):
    (tmp_path / "ramp.pgm").write_bytes(b"P5 64 64 65535\n" + RAMP.astype(">u2").tobytes())
    np.testing.assert_allclose(grey(tmp_path / "ramp.pgm"), RAMP / 257, atol=0.5)


@pytest.mark.parametrize(("mode", "words"), [("F", "floating-point values"), ("I", "32-bit integers")])
def test_values_without_a_range_are_refused(tmp_path, mode, words):
    Image.fromarray(RAMP.astype(np.float32 if mode == "F" else np.int32)).save(tmp_path / "x.tif")
    with pytest.raises(OSError, match=f"{words}, whose range is unknown: save it with 8 or 16 bits"):
        read_image(tmp_path / "x.tif")


def test_what_is_transparent_shows_white_whatever_lies_under_it(tmp_path):
    """A black line, half of it transparent, on hidden black pixels."""
    pixels = np.zeros((4, 4, 4), dtype=np.uint8)
    pixels[1, :, 3] = (255, 255, 128, 0)
    Image.fromarray(pixels).save(tmp_path / "line.png")
    expected = np.full((4, 4), 255)
    expected[1] = (0, 0, 127, 255)
    np.testing.assert_allclose(grey(tmp_path / "line.png"), expected, atol=1)


def test_transparent_grey_shows_white(tmp_path):
    Image.new("LA", (4, 4), (0, 0)).save(tmp_path / "x.tif")
    assert (grey(tmp_path / "x.tif") == 255).all()


def test_a_transparent_colour_of_a_palette_shows_white(tmp_path):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 0])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "x.gif", transparency=1)
    pixels = np.asarray(read_image(tmp_path / "x.gif"))
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert (pixels.reshape(-1, 3)[1:] == 255).all()


@pytest.mark.parametrize(("kind", "scale"), [(np.uint8, 1), (np.uint16, 257)])
def test_one_transparent_value_of_grey_shows_white(tmp_path, kind, scale):
    values = np.array([[3, 100], [100, 200]]) * scale
    Image.fromarray(values.astype(kind)).save(tmp_path / "x.png", transparency=3 * scale)
    assert grey(tmp_path / "x.png").tolist() == [[255, 100], [100, 200]]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")
    with pytest.raises(OSError, match="not a regular file"):
        read_image(tmp_path / "x.jpg")


def test_an_image_much_longer_than_wide_is_refused_before_it_fills_the_memory(tmp_path):
    Image.new("1", (20_000, 1)).save(tmp_path / "x.png")
    with pytest.raises(OSError, match="20000 x 1 pixels, more than 100 times as long as wide"):
        read_image(tmp_path / "x.png")


def test_a_git_lfs_pointer_is_named_as_such(tmp_path):
    (tmp_path / "x.jpg").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(OSError, match="a Git LFS pointer, not the file itself: run `git lfs pull`"):
        read_image(tmp_path / "x.jpg")


def test_what_a_decoder_remarks_is_one_line_with_the_name(tmp_path):
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\xff\xff\xff\xff"  # an entry that ends before its value
    Image.new("RGB", (8, 8)).save(tmp_path / "x.jpg", exif=exif)
    with pytest.warns(DataWarning, match=r"x\.jpg: .*EXIF") as caught:
        read_image(tmp_path / "x.jpg")
    assert len(caught) == 1


def test_comments_of_a_png_do_no_harm(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "[bold]$x$")
    Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / "x.png", pnginfo=info)
    assert (grey(tmp_path / "x.png") == 9).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("turned", [1, 6])
def test_what_is_decoded_late_is_what_is_decoded_at_once(tmp_path, form, mode, turned):
    if form == "PNG" and mode == "CMYK":
        pytest.skip("PNG has no CMYK")
    random = np.random.default_rng(0)
    image = Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8)).resize((80, 60)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = turned
    image.save(tmp_path / "a.jpg", form, exif=exif)
    late = open_image((tmp_path / "a.jpg").read_bytes())
    assert isinstance(late, Jpeg) == (form == "JPEG" and mode == "RGB" and turned == 1)
    pixels = late.pixels(*late.size) if isinstance(late, Jpeg) else np.asarray(late)
    np.testing.assert_array_equal(pixels, np.asarray(read_image(tmp_path / "a.jpg")))


def test_a_jpeg_cut_short_is_refused_in_the_same_words(tmp_path):
    stream = io.BytesIO()
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (60, 80, 3), dtype=np.uint8)).save(stream, "JPEG")
    (tmp_path / "a.jpg").write_bytes(stream.getvalue()[:-3000])
    late = open_image((tmp_path / "a.jpg").read_bytes())
    with pytest.raises(OSError, match="truncated") as at_once:
        read_image(tmp_path / "a.jpg")
    with pytest.raises(OSError, match="truncated") as later:
        late.pixels(80, 60)
    assert str(later.value) == str(at_once.value)

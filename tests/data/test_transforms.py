"""How images become network inputs, against torchvision and by hand."""

import io

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import functional, v2

from rcnnzoo.data.decoding import Jpeg, open_image
from rcnnzoo.data.transforms import Evaluation, Training, image_to_input, pad, pad_crop, to_input


def picture(width, height, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def test_pixels_are_scaled_as_the_authors_do():
    pixels = torch.arange(256, dtype=torch.uint8)
    np.testing.assert_allclose(to_input(pixels), np.arange(256) / 127.5 - 1, atol=1e-6)


def test_evaluation_resizes_the_short_side_and_takes_the_centre():
    image = picture(80, 40)
    expected = functional.pil_to_tensor(image.resize((40, 20), Image.Resampling.BILINEAR))[:, :, 10:30]
    assert torch.equal(Evaluation(20)(image), expected)


def test_an_image_of_the_right_size_is_left_as_it_is():
    image = picture(32, 32)
    np.testing.assert_array_equal(Evaluation(32)(image).permute(1, 2, 0), np.asarray(image))
    assert image_to_input(image, 32).min() >= -1


def test_training_crops_are_of_the_size_and_depend_on_torchs_generator_only():
    image = picture(80, 60)
    torch.manual_seed(1)
    first = Training(24, mirrored=True)(image)
    second = Training(24, mirrored=True)(image)
    torch.manual_seed(1)
    assert torch.equal(Training(24, mirrored=True)(image), first)
    assert not torch.equal(first, second)
    assert first.shape == (3, 24, 24)
    assert first.dtype == torch.uint8


def test_pad_crop_cuts_and_mirrors_each_image_by_itself():
    images = torch.stack([functional.pil_to_tensor(picture(8, 8, seed)) for seed in range(3)])
    corners, flips = torch.tensor([[4, 4], [0, 8], [3, 1]]), torch.tensor([False, False, True])
    cut = pad_crop(pad(images), 8, corners, flips)
    assert torch.equal(cut[0], images[0])  # the centre is the image itself
    for image, found, (row, column), flip in zip(images, cut, corners.tolist(), flips, strict=True):
        padded = np.pad(image.numpy(), ((0, 0), (4, 4), (4, 4)), mode="reflect")
        expected = padded[:, row : row + 8, column : column + 8]
        np.testing.assert_array_equal(found, expected[:, :, ::-1] if flip else expected)


def test_half_of_the_images_are_mirrored_only_where_that_keeps_the_category():
    image = Image.fromarray(np.tile(np.arange(64, dtype=np.uint8)[None, :, None], (64, 1, 3)))

    def rises(mirrored, seed):
        torch.manual_seed(seed)
        row = Training(16, mirrored)(image)[0, 0].int()
        return bool(row[-1] > row[0])

    assert all(rises(False, seed) for seed in range(40))
    assert 8 < sum(rises(True, seed) for seed in range(40)) < 32  # outside with probability below 1e-4


@pytest.mark.parametrize("mirrored", [True, False])
def test_training_is_what_torchvision_makes_of_the_same_random_numbers(mirrored):
    """But for rounding: torchvision resizes images and tensors with different kernels."""
    flip = [v2.RandomHorizontalFlip()] if mirrored else []
    theirs = v2.Compose([v2.RandomResizedCrop(24), *flip, v2.PILToTensor()])
    image = picture(80, 60).resize((300, 200))
    for seed in range(20):
        torch.manual_seed(seed)
        found = Training(24, mirrored)(image)
        torch.manual_seed(seed)
        assert (found.int() - theirs(image).int()).abs().max() <= 1


def test_a_jpeg_is_decoded_at_a_smaller_scale_where_its_part_stays_large_enough(tmp_path):
    """A smooth picture looks the same whether it is made small in the decoder or afterwards."""
    x, y = np.meshgrid(np.linspace(0, 1, 640), np.linspace(0, 1, 480))
    smooth = Image.fromarray((255 * np.stack([x, y, (x + y) / 2], -1)).astype(np.uint8))
    stream = io.BytesIO()
    smooth.save(stream, "JPEG", quality=95)
    jpeg = open_image(stream.getvalue())
    assert isinstance(jpeg, Jpeg)
    assert jpeg.size == (640, 480)
    assert jpeg.pixels(320, 240).shape == (240, 320, 3)
    assert jpeg.pixels(321, 240).shape == (480, 640, 3)
    assert jpeg.pixels(80, 60).shape == (60, 80, 3)
    np.testing.assert_array_equal(jpeg.pixels(640, 480), np.asarray(Image.open(stream)))
    for seed in range(10):
        torch.manual_seed(seed)
        lazily = Training(32, mirrored=True)(jpeg)
        torch.manual_seed(seed)
        whole = Training(32, mirrored=True)(Image.open(stream))
        assert (lazily.int() - whole.int()).abs().max() <= 8  # of 255; the part is rounded to whole pixels

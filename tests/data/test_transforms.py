"""How images become network inputs, against torchvision and by hand."""

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import functional

from rcnnzoo.data.transforms import Evaluation, image_to_input, pad, pad_crop, to_input, training


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
    first = training(24, mirrored=True)(image)
    second = training(24, mirrored=True)(image)
    torch.manual_seed(1)
    assert torch.equal(training(24, mirrored=True)(image), first)
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
        row = training(16, mirrored)(image)[0, 0].int()
        return bool(row[-1] > row[0])

    assert all(rises(False, seed) for seed in range(40))
    assert 8 < sum(rises(True, seed) for seed in range(40)) < 32  # outside with probability below 1e-4

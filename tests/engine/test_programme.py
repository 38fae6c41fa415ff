"""Programmes: what is shown when, drawn for each image alone, and read without doubt."""

import numpy as np
import pytest
import torch
from PIL import Image

from rcnnzoo.engine.programme import read_programme
from rcnnzoo.errors import DataError, OptionError

IMAGES = torch.rand(5, 3, 24, 20, generator=torch.Generator().manual_seed(2)) * 2 - 1
NAMES = [f"cats/{number}.png" for number in range(5)]


def test_segments_follow_each_other():
    programme = read_programme("blank:2, image:1,image@0.5:3,scrambled:2")
    assert str(programme) == "blank:2,image:1,image@0.5:3,scrambled:2"
    assert (programme.steps, programme.onsets, programme.image_onset) == (8, (0, 2, 3, 6), 3)
    shown = [programme.shown(t, IMAGES, NAMES) for t in range(8)]
    assert not shown[0].any()
    assert torch.equal(shown[0], shown[1])
    assert torch.equal(shown[2], IMAGES)
    assert torch.equal(shown[5], IMAGES / 2)
    assert torch.equal(shown[6], shown[7])


def test_equal_neighbours_are_one_segment_and_random_ones_are_drawn_anew():
    assert str(read_programme("image:2,image@1:3,blank:1,blank:1")) == "image:5,blank:2"
    noise = read_programme("noise:1,noise:1")
    assert noise.onsets == (0, 1)
    assert not torch.equal(noise.shown(0, IMAGES, NAMES), noise.shown(1, IMAGES, NAMES))
    assert (noise.image_onset, noise.is_random) == (None, True)
    assert not read_programme("image:2,blank:1").is_random


@pytest.mark.parametrize("what", ["noise", "scrambled"])
def test_what_is_drawn_depends_on_seed_and_name_alone(what):
    programme = read_programme(f"image:1,{what}:2", seed=3)
    whole = programme.shown(1, IMAGES, NAMES)
    order = torch.tensor([4, 0, 2])
    assert torch.equal(programme.shown(2, IMAGES[order], [NAMES[place] for place in order]), whole[order])
    assert torch.equal(read_programme(f"blank:4,{what}:1", seed=3).shown(4, IMAGES, NAMES), whole)
    assert not torch.equal(read_programme(f"image:1,{what}:2", seed=4).shown(1, IMAGES, NAMES), whole)
    same_image = programme.shown(1, IMAGES[:1].expand(2, -1, -1, -1), ["a", "b"])
    assert not torch.equal(same_image[0], same_image[1])


def test_noise_is_spread_evenly_over_the_256_values():
    pixels = read_programme("noise:1").shown(0, torch.zeros(4, 3, 64, 64), ["a", "b", "c", "d"])
    counts = torch.bincount(((pixels + 1) * 127.5).round().long().flatten(), minlength=256)
    assert len(counts) == 256
    assert (counts - 192).abs().max() < 75  # 192 expected each, with a standard deviation of 14


def test_scrambled_images_keep_amplitudes_means_and_relations_of_colours():
    quiet = IMAGES * 0.1  # so that nothing is clipped
    found = read_programme("scrambled:1").shown(0, quiet, NAMES).double().numpy()
    spectrum, before = np.fft.fft2(found), np.fft.fft2(quiet.double().numpy())
    np.testing.assert_allclose(np.abs(spectrum), np.abs(before), atol=1e-4)
    np.testing.assert_allclose(found.mean((2, 3)), quiet.mean((2, 3)).numpy(), atol=1e-6)
    turned = np.angle(spectrum / spectrum[:, :1])[:, :, 1:, 1:9]  # of each frequency, beside the first colour
    np.testing.assert_allclose(np.abs(turned), 0, atol=1e-3)
    assert np.abs(found - quiet.numpy()).max() > 0.05
    loud = read_programme("scrambled:1").shown(0, (IMAGES * 9).clamp(-1, 1), NAMES)
    assert loud.abs().max() <= 1


def test_a_picture_is_resized_as_images_are(tmp_path):
    file = tmp_path / "mask.png"
    Image.fromarray(np.full((40, 60, 3), (255, 0, 51), dtype=np.uint8)).save(file)
    programme = read_programme(f"image:1,{file}:2")
    shown = programme.shown(1, torch.zeros(2, 3, 16, 16), ["a", "b"])
    assert shown.shape == (2, 3, 16, 16)
    torch.testing.assert_close(shown[1, :, 3, 3], torch.tensor([1.0, -1.0, -0.6]))
    assert list(programme.pictures) == [str(file)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"has a part with nothing in it"),
        ("image", r"'image' has no number of time steps: write WHAT:STEPS, as image:3"),
        ("image:0", r"'0' is not a number of time steps from 1 to 10,000"),
        ("image:-3", r"'-3' is not a number of time steps"),
        ("image:2.5", r"'2.5' is not a number of time steps"),
        ("image:٣", r"is not a number of time steps"),
        ("image:3,,blank:2", r"has a part with nothing in it"),
        ("image:99999", r"`stimulus` 'image:99999': '99999' is not a number of time steps from 1 to 10,000"),
        ("picture:3", r"'picture' is none of image, blank, noise, scrambled, nor the path of a picture"),
        ("image@2:3", r"contrast '2' is not a number from 0 to 1"),
        ("image@nan:3", r"contrast 'nan' is not a number from 0 to 1"),
        ("image@:3", r"contrast '' is not a number from 0 to 1"),
        ("blank@0.5:3", r"'blank@0.5' is none of"),
    ],
)
def test_what_cannot_be_read_is_refused(text, words):
    with pytest.raises(OptionError, match=words):
        read_programme(text)


def test_a_file_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(DataError, match=r"text.png: can't be read as an image"):
        read_programme(f"image:3,{tmp_path / 'text.png'}:2")
    with pytest.raises(DataError, match=r"not a regular file"):
        read_programme(f"{tmp_path}:2")


def test_contrasts_that_differ_in_any_digit_are_told_apart():
    first, second = (read_programme(f"image@{contrast}:8") for contrast in ("0.1234561", "0.1234564"))
    assert str(first) != str(second)
    assert str(read_programme("image@0.99999999:2,image:1")) == "image@0.99999999:2,image:1"
    assert str(read_programme("image@0:2")) == "image@0:2"


def test_a_picture_fills_images_of_any_shape(tmp_path):
    """Cut to the middle of what it is resized to: of a red left and a blue right half, both are seen."""
    picture = Image.new("RGB", (64, 64), "red")
    picture.paste("blue", (32, 0, 64, 64))
    picture.save(tmp_path / "image@2x.png")
    programme = read_programme(f"image:1,{tmp_path}/image@2x.png:2")
    for height, width in ((16, 24), (24, 16)):
        shown = programme.shown(1, torch.zeros(2, 3, height, width), ["a", "b"])
        assert shown.shape == (2, 3, height, width)
        assert (shown[:, 0, :, 0] == 1).all()
        assert (shown[:, 2, :, -1] == 1).all()


def test_a_picture_called_like_a_contrast(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8), "red").save("image@2x.png")
    assert read_programme("image@2x.png:2").segments[0].kind == "picture"
    assert read_programme("image@0.5:2").segments[0].contrast == 0.5

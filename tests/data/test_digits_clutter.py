"""Digits among pieces of others: enough clutter to matter, none that gives the answer away."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from rcnnzoo.data import digits_clutter
from rcnnzoo.data.digits import ArrayReader
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.splits import Split


@pytest.fixture(scope="module")
def splits():
    return open_data("digits-clutter").splits


def pixels(split):
    return np.stack([np.asarray(split.read(position))[..., 0] for position in range(len(split))])


def test_two_images_are_made_of_each_digit(splits):
    digits = open_data("digits").splits
    assert {name: len(split) for name, split in splits.items()} == {"train": 2694, "test": 900}
    for name, split in splits.items():
        assert split.files == [f"{file}-{variant}" for variant in (1, 2) for file in digits[name].files]
        assert split.labels.tolist() == digits[name].labels.tolist() * 2
        assert split.read(0).size == (32, 32)


def test_they_are_the_same_every_time_and_differ_from_each_other(splits):
    first, second = np.split(pixels(splits["test"]), 2)
    again = pixels(open_data("digits-clutter").splits["test"])
    np.testing.assert_array_equal(again, np.concatenate([first, second]))
    assert (first != second).any(axis=(1, 2)).all()


def test_pieces_come_from_the_same_split():
    """Pieces of other splits would let a network be tested on what it was trained on: here all is half as bright."""
    grey = Split(("a", "b"), ["0", "1"], np.array([0, 1]), ArrayReader(np.full((2, 8, 8), 128, np.uint8)))
    image = pixels(digits_clutter.clutter(grey, seed=0)) / 255
    expected = 0.1 + 0.8 * 128 / 255
    assert image[:, 12:20, 12:20].mean() == pytest.approx(expected, abs=0.03)
    assert image.max() < expected + 0.1 * 5


def test_the_background_is_noise_of_the_stated_strength(splits):
    corner = pixels(splits["train"])[:, :2, :2] / 255
    dark = np.median(corner)
    assert dark == pytest.approx(0.1, abs=0.02)
    below = corner[(corner > 0) & (corner < dark)]
    assert np.sqrt(np.mean((below - dark) ** 2)) == pytest.approx(0.1 * 0.54, abs=0.02)


def test_the_digit_is_still_there_and_a_linear_classifier_is_not_enough(splits):
    train, test = (pixels(splits[name]).reshape(len(splits[name]), -1) / 255 for name in ("train", "test"))
    model = LogisticRegression(max_iter=200, C=0.01).fit(train, splits["train"].labels)
    assert 0.2 < model.score(test, splits["test"].labels) < 0.7  # chance is 0.1

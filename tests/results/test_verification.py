"""A claimed accuracy is held against what is measured."""

import pytest
import torch

import rcnnzoo
from rcnnzoo.architectures.card import Card
from rcnnzoo.errors import DataError
from rcnnzoo.results.verification import check_accuracy, claimed_precision

IMAGES = "f" * 64


def trace(right):
    """Of 1,000 images, so many are right at the first of two steps, and all at the second."""
    logits = torch.zeros(1000, 2, 2)
    logits[:right, 0, 0], logits[right:, 0, 1], logits[:, 1, 0] = 1, 1, 1
    made = rcnnzoo.make_trace(logits, torch.zeros(1000, dtype=torch.long), [1, 1])
    return made.assign_attrs(data="pets", split="test")


def card(**known):
    return Card("bl", {"image_size": 16}, ["cat", "dog"], **known)


def claim(**changes):
    metrics = {
        "accuracy": [0.7, 1.0],
        "data": "pets",
        "split": "test",
        "data_sha256": IMAGES,
        "images": 1000,
        "readout": "instantaneous",
    }
    return card(metrics=metrics | changes)


@pytest.mark.parametrize(("right", "ok"), [(700, True), (702, True), (698, True), (703, False), (650, False)])
def test_a_claimed_accuracy_holds_within_two_images_of_a_thousand(right, ok):
    assert check_accuracy(claim(), trace(right), IMAGES).ok is ok


def test_a_claim_about_other_images_is_not_judged():
    for other in ({"images": 999}, {"data_sha256": "0" * 64}):
        found = check_accuracy(claim(**other), trace(100), IMAGES)
        assert found.ok is None
        assert "other images" in found.found
    assert check_accuracy(card(), trace(700), IMAGES).ok is None


def test_a_claim_of_other_steps_or_of_nonsense():
    assert check_accuracy(claim(accuracy=[0.7]), trace(700), IMAGES).ok is False
    with pytest.raises(DataError, match="can't be read"):
        check_accuracy(claim(accuracy="high"), trace(700), IMAGES)


def test_accuracy_is_measured_in_the_precision_of_the_claim():
    assert claimed_precision(card(metrics={"precision": "fp16"}, training={"precision": "bf16"})) == "fp16"
    assert claimed_precision(card(metrics={}, training={"precision": "bf16"})) == "bf16"
    assert claimed_precision(card()) == "fp32"

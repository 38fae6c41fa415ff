"""A weight file that isn't what it says is found out, whatever was changed."""

import hashlib

import pytest
import safetensors.torch
import torch

import rcnnzoo
from rcnnzoo.analysis.verification import check_accuracy, check_file, claimed_precision
from rcnnzoo.errors import DataError
from rcnnzoo.weights.files import read_header
from tests.weights.test_files import changed

IMAGES = "f" * 64


@pytest.fixture
def file(tmp_path):
    network = rcnnzoo.build("bl", categories=["cat", "dog", "owl"], image_size=16, width=1 / 16, steps=2)
    rcnnzoo.save(network, tmp_path / "model.safetensors", metadata={"metrics": {"accuracy": [0.5, 1.0]}})
    return tmp_path / "model.safetensors"


def outcome(checks):
    return {check.name: check.ok for check in checks}


WHOLE = {"SHA-256 of the file": None, "hash of tensors and metadata": True, "tensors": True, "categories": True}


def test_a_file_as_it_was_written_is_found_whole(file):
    assert outcome(check_file(file)) == WHOLE
    of_bytes = hashlib.sha256(file.read_bytes()).hexdigest()
    assert outcome(check_file(file, of_bytes.upper())) == WHOLE | {"SHA-256 of the file": True}
    assert outcome(check_file(file, "0" * 64)) == WHOLE | {"SHA-256 of the file": False}


def test_one_changed_number_is_found(file):
    def change(tensors):
        tensors["layers.0.bottom_up.0.weight"][0, 0, 0, 0] += 1e-3
        return tensors

    assert outcome(check_file(changed(file, change))) == WHOLE | {"hash of tensors and metadata": False}


def test_exchanged_category_names_and_a_better_claim_are_found(file):
    for change in ({"categories": ["dog", "cat", "owl"]}, {"metrics": {"accuracy": [0.5, 0.9]}}):
        spoiled = changed(file, change_metadata=lambda metadata, change=change: metadata | change)
        assert outcome(check_file(spoiled))["hash of tensors and metadata"] is False


def test_strict_names_of_tensors(file):
    def drop(tensors):
        del tensors["layers.0.norm.0.bias"]
        return tensors

    *_, tensors = check_file(changed(file, drop))
    assert tensors.ok is False
    assert "1 missing (layers.0.norm.0.bias)" in tensors.found


def test_a_file_without_a_hash_is_neither_right_nor_wrong(file):
    spoiled = changed(file, change_metadata=lambda metadata: {k: v for k, v in metadata.items() if k != "sha256"})
    assert outcome(check_file(spoiled))["hash of tensors and metadata"] is None


def test_loading_and_saving_again_keeps_the_hash_true(file, tmp_path):
    rcnnzoo.save(rcnnzoo.load(file), tmp_path / "again.safetensors", metadata={"note": "new"})
    assert outcome(check_file(tmp_path / "again.safetensors")) == WHOLE
    assert (
        safetensors.torch.load_file(file).keys() == safetensors.torch.load_file(tmp_path / "again.safetensors").keys()
    )
    assert read_header(file)[0]["sha256"] != read_header(tmp_path / "again.safetensors")[0]["sha256"]


def trace(right):
    """Of 1,000 images, so many are right at the first of two steps, and all at the second."""
    logits = torch.zeros(1000, 2, 2)
    logits[:right, 0, 0], logits[right:, 0, 1], logits[:, 1, 0] = 1, 1, 1
    made = rcnnzoo.make_trace(logits, torch.zeros(1000, dtype=torch.long), [1, 1])
    return made.assign_attrs(data="pets", split="test")


def claim(**changes):
    metrics = {
        "accuracy": [0.7, 1.0],
        "data": "pets",
        "split": "test",
        "data_sha256": IMAGES,
        "images": 1000,
        "readout": "instantaneous",
    }
    return {"metrics": metrics | changes}


@pytest.mark.parametrize(("right", "ok"), [(700, True), (702, True), (698, True), (703, False), (650, False)])
def test_a_claimed_accuracy_holds_within_two_images_of_a_thousand(right, ok):
    assert check_accuracy(claim(), trace(right), IMAGES).ok is ok


def test_a_claim_about_other_images_is_not_judged():
    for other in ({"images": 999}, {"data_sha256": "0" * 64}):
        found = check_accuracy(claim(**other), trace(100), IMAGES)
        assert found.ok is None
        assert "other images" in found.found
    assert check_accuracy({}, trace(700), IMAGES).ok is None


def test_a_claim_of_other_steps_or_of_nonsense():
    assert check_accuracy(claim(accuracy=[0.7]), trace(700), IMAGES).ok is False
    with pytest.raises(DataError, match="can't be read"):
        check_accuracy(claim(accuracy="high"), trace(700), IMAGES)


def test_accuracy_is_measured_in_the_precision_of_the_claim():
    assert claimed_precision({"metrics": {"precision": "fp16"}, "training": {"precision": "bf16"}}) == "fp16"
    assert claimed_precision({"metrics": {}, "training": {"precision": "bf16"}}) == "bf16"
    assert claimed_precision({}) == "fp32"

"""A weight file that was changed in any way is detected."""

import hashlib

import pytest
import safetensors.torch

import rcnnzoo
from rcnnzoo.errors import OptionError
from rcnnzoo.weights.files import read_header
from rcnnzoo.weights.verification import check_file
from tests.weights.test_files import changed


@pytest.fixture
def file(tmp_path):
    network = rcnnzoo.build("bl", categories=["cat", "dog", "owl"], image_size=16, width=1 / 16, steps=2)
    rcnnzoo.save(network, tmp_path / "model.safetensors", metadata={"metrics": {"accuracy": [0.5, 1.0]}})
    return tmp_path / "model.safetensors"


def checks_of(path, sha256=None):
    _, checks = check_file(path, sha256)
    return checks


def outcome(checks):
    return {check.name: check.ok for check in checks}


WHOLE = {"SHA-256 of the file": None, "hash of tensors and metadata": True, "tensors": True, "categories": True}


def test_a_file_as_it_was_written_is_found_whole(file):
    assert outcome(checks_of(file)) == WHOLE
    of_bytes = hashlib.sha256(file.read_bytes()).hexdigest()
    assert outcome(checks_of(file, of_bytes.upper())) == WHOLE | {"SHA-256 of the file": True}
    assert outcome(checks_of(file, "0" * 64)) == WHOLE | {"SHA-256 of the file": False}
    with pytest.raises(OptionError, match="`sha256` abc: is not a SHA-256: give its 64 hexadecimal digits"):
        checks_of(file, "abc")


def test_one_changed_number_is_found(file):
    def change(tensors):
        tensors["layers.0.bottom_up.0.weight"][0, 0, 0, 0] += 1e-3
        return tensors

    assert outcome(checks_of(changed(file, change))) == WHOLE | {"hash of tensors and metadata": False}


def test_exchanged_category_names_and_a_better_claim_are_found(file):
    for change in ({"categories": ["dog", "cat", "owl"]}, {"metrics": {"accuracy": [0.5, 0.9]}}):
        spoiled = changed(file, change_metadata=lambda metadata, change=change: metadata | change)
        assert outcome(checks_of(spoiled))["hash of tensors and metadata"] is False


def test_strict_names_of_tensors(file):
    def drop(tensors):
        del tensors["layers.0.norm.0.bias"]
        return tensors

    *_, tensors = checks_of(changed(file, drop))
    assert tensors.ok is False
    assert "1 missing (layers.0.norm.0.bias)" in tensors.found


def test_a_file_without_a_hash_is_neither_right_nor_wrong(file):
    spoiled = changed(file, change_metadata=lambda metadata: {k: v for k, v in metadata.items() if k != "sha256"})
    assert outcome(checks_of(spoiled))["hash of tensors and metadata"] is None


def test_loading_and_saving_again_keeps_the_hash_true(file, tmp_path):
    rcnnzoo.save(rcnnzoo.load(file), tmp_path / "again.safetensors", metadata={"note": "new"})
    assert outcome(checks_of(tmp_path / "again.safetensors")) == WHOLE
    assert (
        safetensors.torch.load_file(file).keys() == safetensors.torch.load_file(tmp_path / "again.safetensors").keys()
    )
    assert read_header(file)[0]["sha256"] != read_header(tmp_path / "again.safetensors")[0]["sha256"]

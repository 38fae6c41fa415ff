"""Weights: one file rebuilds the network, and a file that can't is refused as a whole."""

import json
import pickle
import random

import pytest
import safetensors.torch
import torch

import rcnnzoo
from rcnnzoo.errors import WeightsError
from rcnnzoo.weights.files import read_header, weights_hash


@pytest.fixture
def network():
    return rcnnzoo.build("bl", categories=["cat", "dog", "owl"], image_size=16, width=1 / 16, steps=2)


@pytest.fixture
def file(network, tmp_path):
    rcnnzoo.save(network, tmp_path / "model.safetensors", metadata={"training": {"data": "pets"}})
    return tmp_path / "model.safetensors"


def changed(file, change_tensors=lambda tensors: tensors, change_metadata=lambda metadata: metadata):
    """The file with other tensors or metadata."""
    metadata, _ = read_header(file)
    tensors = change_tensors(safetensors.torch.load_file(file))
    header = {"rcnnzoo": json.dumps(change_metadata(metadata))}
    safetensors.torch.save_file(tensors, file, metadata=header)
    return file


def test_a_file_alone_rebuilds_the_network(network, file):
    loaded = rcnnzoo.load(file)
    assert loaded.num_steps == 2
    assert loaded.card.categories == ["cat", "dog", "owl"]
    assert loaded.card.training == {"data": "pets"}
    assert all(torch.equal(loaded.state_dict()[key], value) for key, value in network.state_dict().items())


def test_the_same_network_gives_the_same_file(network, file, tmp_path):
    rcnnzoo.save(network, tmp_path / "again.safetensors", metadata={"training": {"data": "pets"}})
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def test_metadata_are_one_canonical_json_key(file):
    with safetensors.safe_open(file, framework="pt") as opened:
        header = opened.metadata()
    assert list(header) == ["rcnnzoo"]
    content = json.loads(header["rcnnzoo"])
    assert header["rcnnzoo"] == json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def test_the_hash_is_of_the_weights(network):
    before = weights_hash(network)
    assert weights_hash(network) == before
    with torch.no_grad():
        network.layers[3].norm[1].bias[0] += 1
    assert weights_hash(network) != before


def test_missing_unexpected_and_misshapen_tensors_are_named(file):
    def spoil(tensors):
        tensors["intruder"] = torch.zeros(1)
        del tensors["layers.0.norm.0.bias"]
        tensors["classifier.0.weight"] = tensors["classifier.0.weight"][:, :5].contiguous()
        return tensors

    message = (
        r"1 missing \(layers.0.norm.0.bias\); 1 unexpected \(intruder\); "
        r"1 of another shape \(classifier.0.weight is \[3, 5\], not \[3, 128\]\)"
    )
    with pytest.raises(WeightsError, match=message):
        rcnnzoo.load(changed(file, spoil))


@pytest.mark.parametrize("size", [0, 5, 100, 1000, -1])
def test_a_file_cut_short_is_refused(file, size):
    content = file.read_bytes()
    file.write_bytes(content[:size])
    with pytest.raises(WeightsError, match="damaged or not a safetensors file"):
        rcnnzoo.load(file)


class Bomb:
    """What a pickle can do when it is opened."""

    def __reduce__(self):
        return pytest.fail, ("a pickle was opened",)


def test_a_pickle_is_never_opened(tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(WeightsError, match="is a pickle, which can hold code and is never opened"):
        rcnnzoo.load(file)
    torch.save({"a": torch.zeros(3)}, file)
    with pytest.raises(WeightsError, match="is a pickle"):
        rcnnzoo.load(file)


def test_other_peoples_safetensors_are_told_apart(tmp_path):
    safetensors.torch.save_file({"a": torch.zeros(3)}, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="not written by rcnnzoo"):
        rcnnzoo.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: {**m, "architecture": "cornet"}, "its network can't be rebuilt: unknown architecture 'cornet'"),
        (lambda m: {**m, "options": {**m["options"], "sauce": 1}}, "do not say how to rebuild the network"),
        (lambda m: {k: v for k, v in m.items() if k != "categories"}, r"rebuild the network \(KeyError\('categories'"),
        (lambda m: {**m, "options": 3}, "do not say how to rebuild"),
        (lambda m: [1, 2], "are not a JSON object"),
        (lambda m: {**m, "categories": "cat"}, "categories are not a list of names"),
        (lambda m: {**m, "categories": ["cat", "cat", "dog"]}, "can't be rebuilt: categories: two have the same name"),
        (lambda m: {**m, "options": {**m["options"], "width": 1e9}}, "`width` 1e.09: take at most 1000"),
    ],
)
def test_metadata_that_rebuild_nothing_are_refused(file, change, message):
    with pytest.raises(WeightsError, match=message):
        rcnnzoo.load(changed(file, change_metadata=change))


def test_values_that_are_no_numbers_are_refused(file):
    def spoil(tensors):
        tensors["layers.1.lateral.0.weight"][0, 0, 0, 0] = float("nan")
        return tensors

    with pytest.raises(WeightsError, match=r"holds values that are not finite \(layers.1.lateral.0.weight\)"):
        rcnnzoo.load(changed(file, spoil))


def test_bits_that_flipped_are_noticed_wherever_they_are(file):
    """A hundred of them, in numbers and metadata alike: none is accepted."""
    content = file.read_bytes()
    rng = random.Random(0)
    for place in range(8, len(content), len(content) // 100):
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << rng.randrange(8)
        file.write_bytes(spoiled)
        with pytest.raises(WeightsError):
            rcnnzoo.load(file)


def test_edited_category_names_are_noticed(file):
    edited = changed(file, change_metadata=lambda metadata: {**metadata, "categories": ["a", "b", "c"]})
    with pytest.raises(WeightsError, match="was changed after it was written, its hash is not the one that it records"):
        rcnnzoo.load(edited)


def test_half_of_the_precision_is_noticed(file):
    halved = changed(file, lambda tensors: {name: tensor.half() for name, tensor in tensors.items()})
    with pytest.raises(WeightsError, match="was changed after it was written"):
        rcnnzoo.load(halved)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(WeightsError, match=r"none.safetensors: can't be read \(No such file"):
        rcnnzoo.load(tmp_path / "none.safetensors")


def test_nothing_is_written_when_writing_fails(network, tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        rcnnzoo.save(network, tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_tensors_that_two_names_share_are_saved_for_each(tmp_path):
    network = rcnnzoo.build("bl", categories=3, image_size=8, width=1 / 16, steps=2).eval()
    network.layers[1].norm[1] = network.layers[1].norm[0]
    rcnnzoo.save(network, tmp_path / "tied.safetensors")
    images = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(rcnnzoo.load(tmp_path / "tied.safetensors")(images), network(images))


@pytest.mark.parametrize("content", [{"architecture": None}, {"options": [1]}, {"options": {"steps": "x"}}])
def test_metadata_of_other_types_are_refused(tmp_path, content):
    network = rcnnzoo.build("b", categories=3, image_size=8, width=1 / 16)
    rcnnzoo.save(network, tmp_path / "odd.safetensors", metadata=content)
    with pytest.raises(WeightsError, match="odd"):
        rcnnzoo.load(tmp_path / "odd.safetensors")


def test_a_git_lfs_pointer_is_named_as_such(tmp_path):
    (tmp_path / "x.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(WeightsError, match="is a Git LFS pointer, not the file itself: run `git lfs pull`"):
        rcnnzoo.load(tmp_path / "x.safetensors")


def test_a_run_folder_is_loaded_by_its_weights(tmp_path):
    network = rcnnzoo.build("b", categories=3, image_size=8, width=1 / 16)
    rcnnzoo.save(network, tmp_path / "run" / "model.safetensors")
    assert rcnnzoo.load(tmp_path / "run").card.architecture == "b"

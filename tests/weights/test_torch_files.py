"""Files of torch.save, good and bad."""

from collections import OrderedDict

import pytest
import torch

from rcnnzoo.architectures.build import build
from rcnnzoo.errors import WeightsError
from rcnnzoo.weights.torch_files import fill, read_torch
from tests.weights.pickled import Runs


@pytest.fixture
def network():
    return build("b", categories=3, image_size=32, width=1 / 16, seed=1)


@pytest.mark.parametrize("wrap", ["", "module.", "_orig_mod.", "module._orig_mod."])
@pytest.mark.parametrize("place", [None, "state_dict", "model_state_dict", "model"])
def test_the_tensors_are_found_in_checkpoints_and_behind_prefixes(network, tmp_path, wrap, place):
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.randn(2, 3, 32, 32)).sum().backward()
    optimiser.step()
    tensors = OrderedDict((wrap + name, tensor) for name, tensor in network.state_dict().items())
    checkpoint = {place: tensors, "optimizer": optimiser.state_dict(), "epoch": 7, "best": 0.5, "arch": "b"}
    torch.save(tensors if place is None else checkpoint, tmp_path / "file.pth")
    found = read_torch(tmp_path / "file.pth")
    assert found.keys() == network.state_dict().keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in network.state_dict().items())


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_refused_and_not_executed(tmp_path, zipped):
    content = {"state_dict": {"a": torch.zeros(1)}, "args": Runs(f"touch {tmp_path / 'executed'}")}
    torch.save(content, tmp_path / "file.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(
        WeightsError, match=r"file.pth: names posix.system, which could execute code, and is not opened"
    ):
        read_torch(tmp_path / "file.pth")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(1)], "holds a list, not a network's tensors by name"),
        ({}, "holds no network's tensors by name"),
        ({"epoch": 1, "a": torch.zeros(1)}, r"holds no network's tensors by name \(it has epoch\)"),
        ({"a": torch.tensor([1, float("nan")])}, "a holds values that are not finite"),
        ({"state_dict": {"b": torch.tensor([float("inf")])}}, "b holds values that are not finite"),
        ({"bn.running_var": torch.tensor([1.0, -1.0])}, "bn.running_var has negative values"),
        ({"a": torch.ones(2, dtype=torch.complex64)}, "a is not a dense tensor of real numbers"),
        ({"a": torch.eye(3).to_sparse()}, "a is not a dense tensor of real numbers"),
        ({"a": torch.empty(3, device="meta")}, "a is not a dense tensor of real numbers"),
        (
            {"state_dict": {"a": torch.ones(1)}, "model": {"b": torch.ones(1)}},
            r"holds several networks' tensors \(state_dict, model\)",
        ),
    ],
)
def test_what_holds_no_weights_is_refused(tmp_path, content, message):
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(WeightsError, match=f"file.pth: {message}"):
        read_torch(tmp_path / "file.pth")


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_cut_short_is_refused(network, tmp_path, share, zipped):
    file = tmp_path / "file.pth"
    torch.save(network.state_dict(), file, _use_new_zipfile_serialization=zipped)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(WeightsError, match=r"file.pth: .*fetch it again"):
        read_torch(file)


def test_a_changed_byte_of_a_tensor_is_seen(network, tmp_path):
    file = tmp_path / "file.pth"
    torch.save(network.state_dict(), file)
    content = bytearray(file.read_bytes())
    where = content.index(network.state_dict()["layers.3.bottom_up.0.weight"].numpy().tobytes())
    content[where + 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(WeightsError, match=r"file.pth: is damaged, the checksum of .* is wrong"):
        read_torch(file)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="can't be read"):
        read_torch(tmp_path / "none.pth")
    with pytest.raises(WeightsError, match="can't be read"):
        read_torch(tmp_path)
    (tmp_path / "file.pth").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(WeightsError, match="Git LFS pointer"):
        read_torch(tmp_path / "file.pth")


def test_names_and_shapes_must_agree(network, tmp_path):
    tensors = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    other = build("b", categories=3, image_size=32, width=1 / 16, seed=2)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    wrong = {**tensors, "classifier.0.bias": torch.zeros(4), "extra": torch.zeros(1)}
    del wrong["layers.0.norm.0.weight"]
    with pytest.raises(
        WeightsError, match=r"1 missing \(layers.0.norm.0.weight\); 1 unexpected \(extra\); 1 of another sh"
    ):
        fill(other, wrong, tmp_path / "file.pth")
    assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in before.items())
    kinds = {**tensors, "classifier.0.bias": torch.zeros(3, dtype=torch.int64)}
    with pytest.raises(WeightsError, match=r"classifier.0.bias is torch.int64, not torch.float32"):
        fill(other, kinds, tmp_path / "file.pth")
    older = {name: tensor for name, tensor in tensors.items() if not name.endswith("num_batches_tracked")}
    fill(other, older, tmp_path / "file.pth")
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(other.eval()(images), network.eval()(images), rtol=0, atol=0)

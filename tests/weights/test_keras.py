"""Keras' files are read as arrays, and other files are refused."""

import pickle
import sys

import h5py
import numpy as np
import pytest

from rcnnzoo.errors import WeightsError
from rcnnzoo.weights.keras import open_keras
from tests.weights.published import replace, unpack


@pytest.fixture
def file(tmp_path):
    return unpack("b", tmp_path)


def test_only_layers_with_arrays_are_there(file):
    with open_keras(file) as opened:
        assert len(opened.layers) == 7 + 7 + 1
        assert opened.shape("Conv_Layer_0", "kernel") == (7, 7, 3, 2)
        assert opened.shape("Conv_Layer_0", "bias") is None
        assert opened.shape("ReLU_Layer_0", "kernel") is None
        kernel = opened.read("Conv_Layer_0", "kernel")
    with h5py.File(file) as opened:
        assert np.array_equal(kernel, opened["Conv_Layer_0/Conv_Layer_0/kernel:0"])


def test_names_are_bytes_in_older_files(file):
    with h5py.File(file, "r+") as opened:
        names = opened["ReadoutDense"].attrs["weight_names"]
        opened["ReadoutDense"].attrs["weight_names"] = np.array([name.encode() for name in names], dtype="S")
    with open_keras(file) as opened:
        assert list(opened.layers["ReadoutDense"]) == ["kernel", "bias"]


def refused(file):
    """The message about a file."""
    with pytest.raises(WeightsError) as caught, open_keras(file) as opened:
        for layer, arrays in opened.layers.items():
            for array in arrays:
                opened.read(layer, array)
    return str(caught.value)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_refused(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    assert "damaged (" in refused(file)


@pytest.mark.parametrize("block", [b"TREE", b"SNOD", b"HEAP"])
def test_a_damaged_file_is_refused(file, block):
    """Without the signatures of a kind of HDF5's blocks."""
    file.write_bytes(file.read_bytes().replace(block, b"????"))
    assert "damaged (" in refused(file)


def test_what_is_not_hdf5_is_refused(tmp_path):
    (tmp_path / "a.h5").write_bytes(pickle.dumps([1, 2]))
    assert "is not an HDF5 file" in refused(tmp_path / "a.h5")
    assert "can't be read (No such file" in refused(tmp_path / "none.h5")
    assert "can't be read (Is a directory" in refused(tmp_path)


def test_hdf5_of_another_kind_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as opened:
        opened["images"] = np.zeros(3)
        opened.create_group("layers/dense/vars")["0"] = np.zeros(3)
    assert "without the layers of a Keras weight file" in refused(tmp_path / "a.h5")


def test_what_is_not_a_floating_point_number_is_refused(file):
    replace(file, "ReadoutDense", "bias", np.arange(5))
    assert "bias:0 is int64" in refused(file)
    replace(file, "ReadoutDense", "bias", h5py.Empty("f4"))
    assert "bias:0 is empty" in refused(file)


def test_arrays_of_other_files_are_not_read(file, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(20))
    with h5py.File(tmp_path / "other.h5", "w") as opened:
        opened["secret"] = np.zeros(5, "f4")
    replace(file, "ReadoutDense", "bias", h5py.ExternalLink("other.h5", "secret"))
    assert "ReadoutDense/bias:0 is missing, or links to another file" in refused(file)
    with h5py.File(file, "r+") as opened:
        del opened["ReadoutDense/ReadoutDense/bias:0"]
        external = [(str(tmp_path / "secret"), 0, 20)]
        opened.create_dataset("ReadoutDense/ReadoutDense/bias:0", (5,), "f4", external=external)
    assert "is in another file" in refused(file)


def test_links_are_not_followed(file):
    """To another place of the same file either: what was published there is another array."""
    with h5py.File(file, "r+") as opened:
        opened["elsewhere"] = np.zeros(5, "f4")
    replace(file, "ReadoutDense", "bias", h5py.SoftLink("/elsewhere"))
    assert "ReadoutDense/bias:0 is missing, or links to another file" in refused(file)


def test_a_layer_in_another_file_is_not_read(file, tmp_path):
    with h5py.File(file, "r+") as opened, h5py.File(tmp_path / "other.h5", "w") as other:
        opened.copy("ReadoutDense", other)
        del opened["ReadoutDense"]
        opened["ReadoutDense"] = h5py.ExternalLink("other.h5", "ReadoutDense")
    assert "ReadoutDense is missing, or links to another file" in refused(file)


def test_without_h5py_it_is_said_what_to_install(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "needs h5py: pip install 'rcnnzoo[import]'" in refused(file)

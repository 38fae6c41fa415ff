"""Real photographs, if they are beside the repository."""

import tarfile
from pathlib import Path
from typing import Any

import pytest

from rcnnzoo.cli import main
from rcnnzoo.data.cifar10 import CATEGORIES
from rcnnzoo.data.opening import open_data
from rcnnzoo.weights.files import read_header

SHARED = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/data beside the repository")


def unpack(tar, folder, wanted):
    """The members of an archive that are wanted."""
    with tarfile.open(SHARED / tar) as archive:
        # Python has the filter since 3.11.4.
        safely: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, members=[m for m in archive if wanted(m.name)], **safely)  # noqa: S202
    return folder


def test_cifar10_as_jpeg_class_folders_is_learned(tmp_path, monkeypatch):
    """1,000 photographs and a few epochs are enough: chance gets about 100 of 1,000 right, and hardly ever 200."""
    monkeypatch.chdir(tmp_path)
    for split, number in (("train", "/00"), ("test", "/01")):
        unpack("cifar10/test.tar", tmp_path / "cifar10" / split, lambda name, number=number: number in name)
    data = open_data("cifar10", tmp_path)
    assert data.categories == CATEGORIES
    typed = ["--width", "0.125", "--epochs", "8", "--batch-size", "32", "--precision", "fp32", "--data-dir", "."]
    assert main(["train", "b", "--data", "cifar10", *typed]) == 0
    metadata, _ = read_header(Path("runs/b-cifar10-seed0/model.safetensors"))
    assert metadata["metrics"]["accuracy"][0] > 0.2


@pytest.mark.filterwarnings("always::rcnnzoo.errors.RcnnzooWarning")
def test_photographs_of_other_sizes_are_decided_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    unpack("animal_gonogo/images.tar", tmp_path, lambda name: name.endswith(("00.jpg", "55.jpg")))
    photographs = [str(path) for path in tmp_path.rglob("*.jpg")]
    assert photographs
    assert main(["predict", "b", *photographs, "--json"]) == 0
    assert capsys.readouterr().out.count('"category"') == len(photographs)

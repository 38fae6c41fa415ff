"""`rcnnzoo export` of networks; of activations in `test_extract`."""

import shutil
from pathlib import Path

import pytest

from tests.cli.calling import document, printed, refused

pytest.importorskip("onnxruntime")


def test_a_run_is_exported_step_by_step(trained, capsys):
    found = document(capsys, "export", trained, "--format", "onnx-steps", "--out", "steps")
    assert found["files"] == [f"steps/{name}" for name in ("begin.onnx", "step1.onnx", "later.onnx", "steps.json")]
    assert 0 <= found["largest_difference"] < 1e-4
    assert all(Path(file).is_file() for file in found["files"])


def test_a_network_with_random_weights_is_exported_as_one_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = printed(capsys, "export", "timm/resnet10t", "--format", "torch", "--out", "resnet.pt2")
    assert "torch; logits within" in said
    assert Path("resnet.pt2").is_file()


def test_what_can_t_be_exported_is_said_in_one_line(trained, capsys):
    refused(capsys, f"export {trained} --format onyx --out x.onnx", "unknown format 'onyx': did you mean 'onnx'")
    refused(capsys, f"export {trained} --format onnx --out x", "--out x: the file's name must end in .onnx")
    refused(
        capsys, f"export {trained} --format neuroid --out x", "is a network, whose formats are onnx, onnx-steps, torch"
    )
    refused(capsys, "export x.zarr --format onnx --out x.onnx", "x.zarr holds activations, whose formats are neuroid,")
    refused(capsys, f"export {trained} --format onnx --out x.onnx --seed 3", "is trained: leave that out")
    refused(capsys, "export blx --format onnx --out x.onnx", "unknown architecture 'blx'")
    for seed in (0, 1):
        shutil.copytree(trained, Path("bl", f"seed{seed}"))
    refused(
        capsys,
        "export bl --format onnx --out x.onnx",
        "bl holds several networks, and a file has one: name one, such as bl/seed0",
    )

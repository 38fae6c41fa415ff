"""Several processes record one trace, each its own blocks."""

import json
import os
import subprocess
import sys

import numpy as np

import rcnnzoo
from rcnnzoo.recording import storage
from tests.data.lookalikes import make_classes

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def called(folder, processes, *typed):
    """Standard output and standard error of a command on that many processes."""
    done = subprocess.run(
        [*TORCHRUN, str(processes), "-m", "rcnnzoo", *map(str, typed)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_the_trace_is_that_of_one_process_and_one_of_them_reports(tmp_path):
    net = rcnnzoo.build("bl", categories=list("0123456789"), image_size=8, width=1 / 16, steps=3)
    rcnnzoo.save(net, tmp_path / "net.safetensors")
    asked = ["evaluate", "net.safetensors", "--data", "digits", "--json", "--threads", "1"]
    found = []
    for processes in (1, 3):
        folder = tmp_path / str(processes)
        folder.mkdir()
        (folder / "net.safetensors").write_bytes((tmp_path / "net.safetensors").read_bytes())
        said, _ = called(folder, processes, *asked)
        found.append((json.loads(said), rcnnzoo.open_trace(folder / "traces" / "net" / "digits-test.zarr")))
    (one, trace), (three, shared) = found
    assert one["accuracy"] == three["accuracy"]
    np.testing.assert_allclose(shared["logits"], trace["logits"], rtol=1e-5, atol=1e-6)
    blocks = storage.blocks(storage.open_group(tmp_path / "3" / "traces" / "net" / "digits-test.zarr", "r"))
    assert blocks == [(0, 150), (150, 300), (300, 450)]


def test_images_that_another_process_could_not_read_are_said(tmp_path):
    make_classes(tmp_path / "pets")  # so large that each process decodes its own
    broken = sorted((tmp_path / "pets").rglob("*.jpg"))[-1]  # in the block of the last process
    broken.write_text("no picture")
    small = ["--width", 0.0625, "--image-size", 8]
    _, said = called(tmp_path, 2, "trace", "b", "--data", "pets", *small, "--out", "t.zarr")
    assert sum("unreadable, skipped" in line for line in said.splitlines()) == 1
    assert broken.name in said

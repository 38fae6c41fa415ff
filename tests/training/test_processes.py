"""Several processes train as one does: the same batches, the same losses, and one of them writes."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import rcnnzoo
from rcnnzoo.data.batches import training_batches
from rcnnzoo.data.images import prepare
from rcnnzoo.data.opening import open_data
from rcnnzoo.data.packing import Packing, pack
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.errors import OptionError
from rcnnzoo.training.images import prepare_images
from rcnnzoo.training.settling import settle
from tests.data.lookalikes import make_imagenet
from tests.training.runs import TINY, run

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def losses(folder, processes, **changes):
    """The losses of all updates."""
    typed = [f"{name}={json.dumps(value)}" for name, value in changes.items()]
    command = [*TORCHRUN, str(processes), "-m", "tests.training.one_of_several", str(folder), *typed]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def noise(tmp_path):
    """Images without flat parts, in which rounding would decide ties between neighbouring pixels."""
    random = np.random.default_rng(0)
    for category in "abcde":
        folder = tmp_path / "noise" / "train" / category
        folder.mkdir(parents=True)
        for number in range(64):
            pixels = random.integers(0, 256, (16, 16, 3), dtype="uint8")
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return str(tmp_path / "noise")


def test_two_processes_learn_as_one_does(tmp_path, noise):
    """Over 50 updates, with statistics of batch norm over both, but for the rounding of double precision."""
    changes = {"data": noise, "batch_size": 32, "epochs": 5, "sync_batch_norm": True}
    one, two = (losses(tmp_path / str(number), number, **changes) for number in (1, 2))
    assert len(one) == 50
    np.testing.assert_allclose(two, one, rtol=1e-10)
    networks = [rcnnzoo.load(tmp_path / str(number)).state_dict() for number in (1, 2)]
    for name, tensor in networks[0].items():
        if "running" in name:
            torch.testing.assert_close(networks[1][name], tensor, rtol=1e-9, atol=1e-9)


def test_parts_of_a_batch_add_up_to_it(tmp_path):
    """Without batch norm, whose statistics are of parts: the classifiers alone."""
    changes = {"epochs": 1, "classifiers_only": True}
    whole = losses(tmp_path / "whole", 1, **changes)
    np.testing.assert_allclose(losses(tmp_path / "parts", 1, accumulate=3, **changes), whole, rtol=1e-5)
    np.testing.assert_allclose(losses(tmp_path / "both", 2, accumulate=2, **changes), whole, rtol=1e-5)


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_image_is_seen_once_an_epoch_whatever_the_number_of_processes(processes):
    settings, data = settle({**TINY, "batch_size": 50})
    images = prepare_images(settings, data).train
    seen = []
    for epoch, first in ((0, 0), (1, 11)):  # the second is resumed in its middle
        parts = [
            list(training_batches(images, 50, seed=3, epoch=epoch, mirrored=False, first=first, part=(part, processes)))
            for part in range(processes)
        ]
        whole = list(training_batches(images, 50, seed=3, epoch=epoch, mirrored=False, first=first))
        for number, batch in enumerate(whole):
            together = [part[number] for part in parts]
            positions = torch.cat([part.positions for part in together])
            assert sorted(positions.tolist()) == sorted(batch.positions.tolist())
            order = [positions.tolist().index(place) for place in batch.positions.tolist()]
            assert torch.equal(torch.cat([part.images for part in together])[order], batch.images)  # cropped alike
        seen.append(torch.cat([batch.positions for batch in whole]))
    assert len(seen[0].unique()) == len(seen[0]) == 26 * 50
    assert len(seen[1]) == 15 * 50


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """27 images that are decoded each time: in a folder, and packed into shards."""
    folder = tmp_path_factory.mktemp("photographs")
    data = open_data(str(make_imagenet(folder / "folder", each=9)))
    pack(data, folder / "shards", Packing(side=64, quality=90, workers=0, max_bad=0))
    return folder


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than processors
@pytest.mark.parametrize("workers", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["folder", "shards"])
def test_so_is_every_large_image_whatever_the_number_of_workers(kind, workers, photographs):
    split = open_data(str(photographs / kind)).split("train")
    alone = prepare(split, 48, Unreadable(), 0)
    images = prepare(split, 48, Unreadable(), workers)
    for processes in (1, 2, 3):
        for epoch, first in ((0, 0), (1, 1)):  # the second is resumed after its first batch
            how: dict[str, Any] = {"seed": 3, "epoch": epoch, "mirrored": True, "first": first}
            whole = list(training_batches(alone, 9, **how))
            parts = [list(training_batches(images, 9, **how, part=(part, processes))) for part in range(processes)]
            for number, batch in enumerate(whole):
                together = [part[number] for part in parts]
                positions = torch.cat([part.positions for part in together]).tolist()
                assert sorted(positions) == sorted(batch.positions.tolist())
                order = [positions.index(place) for place in batch.positions.tolist()]
                assert torch.equal(torch.cat([part.images for part in together])[order], batch.images)
            seen = torch.cat([batch.positions for batch in whole]).tolist()
            assert len(set(seen)) == len(seen) == (27 if first == 0 else 18)


def start(folder, processes, *more):
    arguments = ["bl", "--data", "digits", "--image-size", "8", "--width", "0.0625", "--steps", "3", "--epochs", "12"]
    arguments += ["--precision", "fp32", "--threads", "1", "--out", str(folder), "--resume", *more]
    command = [*TORCHRUN, str(processes), "-m", "rcnnzoo", "train", *arguments]
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def workers_of(process):
    """The processes that a launcher started, in order of their number."""
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    with open(children) as file:
        return [int(number) for number in file.read().split()]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks up processes in /proc")
def test_if_one_process_is_killed_all_end_and_the_run_resumes(tmp_path):
    """Of 12 epochs, some are done by then."""
    process = start(tmp_path / "run", 2)
    while not (tmp_path / "run" / "metrics.csv").exists() and process.poll() is None:
        time.sleep(0.05)
    os.kill(workers_of(process)[1], signal.SIGKILL)
    started = time.monotonic()
    process.communicate(timeout=60)
    assert time.monotonic() - started < 60
    assert process.returncode != 0
    whole = start(tmp_path / "whole", 2)
    again = start(tmp_path / "run", 2)
    for each in (whole, again):
        _, said = each.communicate(timeout=120)
        assert each.returncode == 0, said
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "run")]
    assert weights[0] == weights[1]
    assert len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) == 13


def test_several_processes_train_several_networks_in_turn(tmp_path):
    process = start(tmp_path / "several", 2, "--epochs", "1", "--seeds", "0-1")
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert all((tmp_path / "several" / f"seed{seed}" / "model.safetensors").is_file() for seed in (0, 1))


def test_a_batch_that_is_too_small_for_its_parts_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"`batch_size` 2: is too small for 3 parts"):
        run(tmp_path / "run", batch_size=2, accumulate=3)

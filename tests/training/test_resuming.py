"""A run can be stopped anywhere, by anybody, and ends as if it had not been."""

import errno
import itertools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import torch

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.devices import computing
from rcnnzoo.errors import RcnnzooWarning, TrainingError
from rcnnzoo.runs.checkpoints import read_checkpoint, write_checkpoint
from rcnnzoo.runs.folder import Run
from rcnnzoo.training import loop
from rcnnzoo.training.loop import train
from rcnnzoo.training.settling import settle
from tests.data.lookalikes import make_classes
from tests.training.runs import TINY, Stops, run, stopped


@pytest.mark.parametrize("batches", [3, 10])  # in the middle of an epoch, and at its end
def test_a_run_that_is_left_and_resumed_ends_the_same(finished, tmp_path, monkeypatch, batches):
    update, count = loop.update, 0

    def interrupted(*arguments):
        nonlocal count
        count += 1
        if count == batches:
            os.kill(os.getpid(), signal.SIGINT)
        return update(*arguments)

    monkeypatch.setattr(loop, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "left")
    assert not Run(tmp_path / "left").finished
    monkeypatch.undo()
    resumed = run(tmp_path / "left", resume=True)
    assert resumed.weights.read_bytes() == finished.weights.read_bytes()
    quantities = ["epoch", "lr", "train_loss", "train_accuracy_1", "train_accuracy_3"]
    pd.testing.assert_frame_equal(pd.read_csv(resumed.metrics)[quantities], pd.read_csv(finished.metrics)[quantities])


def test_a_killed_run_resumes_from_its_last_checkpoint(finished, tmp_path):
    """A kill -9 leaves no time to save anything."""
    folder = tmp_path / "killed"
    arguments = ["bl", "--data", "digits", "--image-size", "8", "--width", "0.0625", "--steps", "3", "--epochs", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "rcnnzoo", "train", *arguments, "--precision", "fp32", "--out", str(folder)],
        stderr=subprocess.DEVNULL,
    )
    while not (folder / "metrics.csv").exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert run(folder, resume=True).weights.read_bytes() == finished.weights.read_bytes()


def test_resuming_a_finished_run_changes_nothing(finished):
    before = {path.name: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
    assert run(finished.folder, resume=True).finished
    assert {path.name: path.stat().st_mtime_ns for path in finished.folder.iterdir()} == before


def test_resuming_nothing_starts_afresh(finished, tmp_path):
    assert run(tmp_path / "new", resume=True).weights.read_bytes() == finished.weights.read_bytes()


@pytest.mark.filterwarnings("ignore:.*no images are held out")
def test_a_run_is_not_resumed_with_other_images(tmp_path, monkeypatch):
    make_classes(tmp_path / "pets" / "train", each=8, size=(20, 20))
    stopped(tmp_path / "run", monkeypatch, batches=4, data=str(tmp_path / "pets"), batch_size=4)
    (tmp_path / "pets" / "train" / "cat").rename(tmp_path / "pets" / "train" / "zebra")
    with pytest.raises(TrainingError, match="its training images are not those it was started with"):
        run(tmp_path / "run", resume=True, data=str(tmp_path / "pets"), batch_size=4)
    (tmp_path / "pets" / "train" / "zebra").rename(tmp_path / "pets" / "train" / "cat")
    assert run(tmp_path / "run", resume=True, data=str(tmp_path / "pets"), batch_size=4).finished


def damage(file, place=0.5):
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize("place", [0.1, 0.3, 0.6])
def test_a_damaged_checkpoint_gives_way_to_the_one_before(finished, tmp_path, monkeypatch, place):
    stopped(tmp_path / "run", monkeypatch)
    damage(tmp_path / "run" / "checkpoint.pt", place)
    said = r"checkpoint.pt: damaged, or of another version: resumes from the one before, after batch \d+ of epoch \d"
    with pytest.warns(RcnnzooWarning, match=said):
        resumed = run(tmp_path / "run", resume=True)
    assert resumed.weights.read_bytes() == finished.weights.read_bytes()


def test_if_both_checkpoints_are_damaged_nothing_is_resumed(tmp_path, monkeypatch):
    stopped(tmp_path / "run", monkeypatch)
    for name in ("checkpoint.pt", "checkpoint-previous.pt"):
        damage(tmp_path / "run" / name)
    with pytest.raises(TrainingError, match=r"checkpoint.pt: damaged, or of another version; remove both checkpoints"):
        run(tmp_path / "run", resume=True)


def test_a_checkpoint_that_is_missing_gives_way_to_the_one_before(finished, tmp_path, monkeypatch):
    """As if the process had been killed between its two renames."""
    stopped(tmp_path / "run", monkeypatch)
    (tmp_path / "run" / "checkpoint.pt").unlink()
    assert run(tmp_path / "run", resume=True).weights.read_bytes() == finished.weights.read_bytes()


def test_checkpoints_of_another_format_are_not_resumed(tmp_path, monkeypatch):
    stopped(tmp_path / "run", monkeypatch)
    file = tmp_path / "run" / "checkpoint.pt"
    for _ in range(2):
        write_checkpoint(file, {**read_checkpoint(file), "format": 1})
    with pytest.raises(TrainingError, match=r"checkpoint.pt: damaged, or of another version; remove both"):
        run(tmp_path / "run", resume=True)


def test_a_full_disk_leaves_both_checkpoints(finished, tmp_path, monkeypatch):
    stopped(tmp_path / "run", monkeypatch)
    files = [tmp_path / "run" / name for name in ("checkpoint.pt", "checkpoint-previous.pt")]
    before = [file.read_bytes() for file in files]

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left") as raised:
        patch.setattr(os, "fsync", full)
        run(tmp_path / "run", resume=True)
    assert raised.value.filename == str(files[0])
    assert [file.read_bytes() for file in files] == before
    assert run(tmp_path / "run", resume=True).weights.read_bytes() == finished.weights.read_bytes()


def test_a_clock_that_is_set_back_changes_nothing(finished, tmp_path, monkeypatch):
    moments = itertools.count(2e9, -3600)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: next(moments))
        stopped(tmp_path / "run", monkeypatch)
        files = run(tmp_path / "run", resume=True)
    assert files.weights.read_bytes() == finished.weights.read_bytes()


ARGUMENTS = ["bl", "--data", "digits", "--image-size", "8", "--width", "0.0625", "--steps", "3", "--epochs", "2"]
ARGUMENTS += ["--precision", "fp32", "--checkpoint-minutes", "0.0001", "--resume"]


def test_killed_at_random_moments_a_run_ends_the_same(finished, tmp_path):
    """Checkpoints are written all the time, so that some kills come while one is."""
    folder, moments = tmp_path / "run", random.Random(0)
    command = [sys.executable, "-m", "rcnnzoo", "train", *ARGUMENTS, "--threads", "1", "--out", str(folder)]
    for _ in range(4):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not (folder / "checkpoint.pt").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.wait()
    assert subprocess.run(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode == 0
    assert (folder / "model.safetensors").read_bytes() == finished.weights.read_bytes()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_clusters_signal_writes_a_checkpoint_and_says_so_by_its_status(finished, tmp_path, name):
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "rcnnzoo", "train", *ARGUMENTS, "--threads", "1", "--out", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    while not (folder / "checkpoint-previous.pt").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    _, said = process.communicate(timeout=30)
    assert process.returncode == 75
    assert said.splitlines()[-1].startswith("interrupted: resume with `rcnnzoo train --config")
    assert run(folder, resume=True).weights.read_bytes() == finished.weights.read_bytes()


@pytest.mark.filterwarnings("ignore:.*no images are held out")
def test_a_run_and_its_images_may_be_moved(tmp_path, monkeypatch):
    make_classes(tmp_path / "pets" / "train", each=8, size=(20, 20))
    whole = run(tmp_path / "whole", data=str(tmp_path / "pets"), batch_size=4)
    stopped(tmp_path / "run", monkeypatch, batches=4, data=str(tmp_path / "pets"), batch_size=4)
    (tmp_path / "run").rename(tmp_path / "moved")
    (tmp_path / "pets").rename(tmp_path / "cats")
    moved = run(tmp_path / "moved", resume=True, data=str(tmp_path / "cats"), batch_size=4)
    assert rcnnzoo.load(moved.weights).state_dict().keys() == rcnnzoo.load(whole.weights).state_dict().keys()
    for name, tensor in rcnnzoo.load(whole.weights).state_dict().items():
        assert torch.equal(rcnnzoo.load(moved.weights).state_dict()[name], tensor)


def test_the_network_that_a_run_started_from_may_be_gone(finished, tmp_path, monkeypatch):
    start = shutil.copytree(finished.folder, tmp_path / "start")
    more = {"start_from": str(start), "epochs": 1}
    whole = run(tmp_path / "whole", **more)
    stopped(tmp_path / "run", monkeypatch, batches=4, **more)
    shutil.rmtree(start)
    out = str(tmp_path / "run")
    assert main(["train", "--config", f"{out}/config.toml", "--out", out, "--resume"]) == 0
    assert Run(tmp_path / "run").weights.read_bytes() == whole.weights.read_bytes()


def test_damaged_metrics_are_written_again(finished, tmp_path, monkeypatch):
    stopped(tmp_path / "run", monkeypatch)
    (tmp_path / "run" / "metrics.csv").write_text('"')
    table = pd.read_csv(run(tmp_path / "run", resume=True).metrics)
    assert table["train_loss"].tolist() == pd.read_csv(finished.metrics)["train_loss"].tolist()


def test_a_finished_run_that_is_given_more_epochs_ends_as_if_it_had_had_them_from_the_start(tmp_path):
    long = run(tmp_path / "long", epochs=3, schedule="constant")
    run(tmp_path / "short", epochs=2, schedule="constant")
    longer = run(tmp_path / "short", resume=True, epochs=3, schedule="constant")
    assert longer.weights.read_bytes() == long.weights.read_bytes()
    assert len(pd.read_csv(longer.metrics)) == 3
    for file in longer.checkpoints:
        file.unlink()
    with pytest.raises(TrainingError, match=r"can't be given more epochs, its checkpoint.pt is missing"):
        run(tmp_path / "short", resume=True, epochs=4, schedule="constant")
    assert longer.finished


def test_another_number_of_threads_is_said_when_a_run_resumes(tmp_path):
    settings, data = settle(TINY)
    with pytest.raises(KeyboardInterrupt), computing(threads=1):
        train(settings, data, tmp_path / "run", watchers=[Stops()])
    said = pytest.warns(RcnnzooWarning, match=r"was started on cpu with 1 thread and resumes on cpu with 2 threads")
    with said, computing(threads=2):
        train(settings, data, tmp_path / "run", resume=True)


def test_ctrl_c_says_where_the_run_is_and_how_it_is_resumed(tmp_path):
    settings, data = settle(TINY)
    folder = tmp_path / "run"
    resume = f"resume with `rcnnzoo train --config {folder}/config.toml --out {folder} --resume`"
    with pytest.raises(KeyboardInterrupt, match=f"^interrupted: {re.escape(resume)}$"):
        train(settings, data, folder, watchers=[Stops()])

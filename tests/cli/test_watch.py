"""Curves of a run in the terminal."""

import os
import shutil
import time

import pytest
from rich.console import Console

from rcnnzoo.cli import main
from tests.cli.calling import document, printed, refused


def test_a_finished_run_is_drawn_once(run, capsys):
    shown = printed(capsys, "watch", run)
    assert "loss (nats)" in shown
    assert "finished" in shown
    found = document(capsys, "watch", run)
    assert found["finished"]
    assert found["epochs"] == found["epochs_done"] == found["last_epoch"]["epoch"]
    assert "accuracy on test by step" in found["log"]


def test_a_run_is_watched_until_it_is_finished(run, capsys, tmp_path, monkeypatch):
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "model.safetensors").rename(tmp_path / "kept")
    looks = []

    def wait(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            (tmp_path / "kept").rename(copy / "model.safetensors")

    monkeypatch.setattr(Console, "is_terminal", property(lambda self: True))
    monkeypatch.setattr(time, "sleep", wait)
    shown = printed(capsys, "watch", copy, "--every", 3)
    assert looks == [3, 3]
    assert "not finished" in shown
    monkeypatch.setattr(time, "sleep", lambda seconds: os.kill(os.getpid(), 2))
    (copy / "model.safetensors").unlink()
    assert main(["watch", str(copy)]) == 0  # Ctrl-C ends it


def test_before_the_first_epoch_and_without_a_run(run, capsys, tmp_path):
    (tmp_path / "new").mkdir()
    shutil.copy(run / "config.toml", tmp_path / "new")
    assert "no epoch is finished yet" in printed(capsys, "watch", tmp_path / "new")
    refused(capsys, "watch none", "none: is not a run folder, it has no config.toml")
    (tmp_path / "new" / "metrics.csv").write_text("")
    refused(capsys, f"watch {tmp_path / 'new'}", "metrics.csv: can't be read")


@pytest.mark.parametrize("line", ["a\x1b[31m line", "\x00"])
def test_what_a_log_holds_does_nothing_to_the_terminal(run, capsys, tmp_path, line):
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "log.txt").write_text(f"{line}\n")
    shown = printed(capsys, "watch", copy)
    assert "\x1b[31m" not in shown
    assert "\x00" not in shown

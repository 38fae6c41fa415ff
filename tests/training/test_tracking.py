"""Experiment trackers."""

import pytest

from rcnnzoo.errors import OptionError, UnknownName
from rcnnzoo.training import tracking, watchers
from tests.training.runs import run, stopped


def scalars(folder):
    """What TensorBoard reads, by name: step and value."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_tensorboard_reads_each_epoch_once_however_often_a_run_is_resumed(tmp_path, monkeypatch):
    stopped(tmp_path / "run", monkeypatch, batches=15, tracker="tensorboard")
    state = run(tmp_path / "run", resume=True, tracker="tensorboard")
    rows = state.metrics.read_text().splitlines()
    values = dict(zip(rows[0].split(","), map(float, rows[2].split(",")), strict=True))
    found = scalars(tmp_path / "run")
    assert [step for step, _ in found["train_loss"]] == [1, 2]
    assert found["train_loss"][1][1] == pytest.approx(values["train_loss"])
    assert found["train_accuracy_3"][1][1] == pytest.approx(values["train_accuracy_3"])


def test_a_tracker_that_is_not_there_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match=r"`tracker` wandb: is not installed: pip install 'rcnnzoo\[wandb\]'"):
        run(tmp_path / "run", tracker="wandb")
    assert not (tmp_path / "run").exists()
    with pytest.raises(UnknownName, match="unknown tracker 'wandby': did you mean 'wandb'"):
        run(tmp_path / "run", tracker="wandby")


def test_a_long_epoch_is_logged_in_between(tmp_path, monkeypatch):
    monkeypatch.setattr(watchers, "LOG_EVERY", 0.0)
    run(tmp_path / "run", epochs=1)
    assert "epoch 1: batch 7 of 10, loss " in (tmp_path / "run" / "log.txt").read_text()

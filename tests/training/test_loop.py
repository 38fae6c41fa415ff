"""Runs: what is written, that the same seed reproduces it, and that a run can be stopped anywhere and resumed."""

import os
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import torch

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.data.opening import open_data
from rcnnzoo.devices import computing
from rcnnzoo.errors import BusyError, OptionError, RcnnzooWarning, TrainingError, WeightsError
from rcnnzoo.runs.checkpoints import read_checkpoint, write_checkpoint
from rcnnzoo.runs.folder import Run
from rcnnzoo.training import loop
from rcnnzoo.training.loop import train
from rcnnzoo.training.session import open_session
from rcnnzoo.training.settings import read_settings
from rcnnzoo.training.settling import settle
from rcnnzoo.training.watchers import Watcher
from tests.data.lookalikes import make_classes

TINY = {
    "architecture": "bl",
    "data": "digits",
    "image_size": 8,
    "width": 1 / 16,
    "steps": 3,
    "epochs": 2,
    "precision": "fp32",
}
BATCHES = 10  # of 128, in 1,347 images


def run(folder, resume=False, **changes):
    settings, data = settle({**TINY, **changes})
    return train(settings, data, folder, resume=resume)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "one")


def test_a_run_learns_and_writes_what_it_promises(finished):
    names = {path.name for path in finished.folder.iterdir()}
    promised = {"model.safetensors", "config.toml", "metrics.csv", "log.txt"}
    assert names == promised | {"checkpoint.pt"}
    table = pd.read_csv(finished.metrics)
    assert list(table["epoch"]) == [1, 2]
    assert {"train_loss", "train_loss_3", "train_accuracy_1"} <= set(table.columns)
    assert table["train_loss"].iloc[1] < table["train_loss"].iloc[0]


def test_the_weights_say_what_they_are(finished):
    card = rcnnzoo.load(finished.weights).card
    assert card.architecture == "bl"
    assert card.categories == list("0123456789")
    assert card.training["data"] == "digits"
    assert card.metrics["split"] == "test"
    assert card.metrics["images"] == 450


def test_the_claimed_accuracy_is_the_loaded_networks(finished):
    """Measured again by a separate loop over the test images."""
    network = rcnnzoo.load(finished.weights)
    test = open_data("digits").split("test")
    from rcnnzoo.data.transforms import image_to_input

    images = torch.stack([image_to_input(test.read(i), 8) for i in range(len(test))])
    with torch.inference_mode():
        probabilities = torch.softmax(network(images), -1)
    accuracy = []
    for step in range(1, 4):
        answers = probabilities[:, :step].mean(dim=1).argmax(dim=-1)
        accuracy.append((answers == torch.from_numpy(test.labels)).double().mean().item())
    assert network.card.metrics["accuracy"] == pytest.approx(accuracy, abs=2 / 450)


def test_the_same_seed_gives_the_same_file_and_another_seed_another(finished, tmp_path):
    content = finished.weights.read_bytes()
    assert run(tmp_path / "elsewhere", workers=1).weights.read_bytes() == content
    assert run(tmp_path / "other", seed=1).weights.read_bytes() != content
    for word in (str(tmp_path), str(finished.folder), "data_dir"):
        assert word.encode() not in content


def test_variables_from_the_environment_change_nothing(finished, tmp_path, monkeypatch):
    """Accelerate reads from the environment whatever its caller doesn't set."""
    for name, value in (("GRADIENT_ACCUMULATION_STEPS", "4"), ("MIXED_PRECISION", "bf16"), ("DYNAMO_BACKEND", "eager")):
        monkeypatch.setenv(f"ACCELERATE_{name}", value)
    assert run(tmp_path / "run").weights.read_bytes() == finished.weights.read_bytes()
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(TrainingError, match="ACCELERATE_USE_FSDP is set, and rcnnzoo trains without that engine"):
        run(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_deterministic_algorithms_are_of_one_run(tmp_path):
    run(tmp_path / "run", deterministic=True, epochs=1)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.skipif(torch.accelerator.is_available(), reason="fp16 trains on a GPU")
def test_fp16_is_refused_on_a_processor_which_would_train_in_fp32(tmp_path):
    with pytest.raises(OptionError, match="`precision` fp16: training in fp16 needs a GPU: take bf16 or fp32"):
        run(tmp_path / "run", precision="fp16")
    assert not (tmp_path / "run").exists()


def test_the_learning_rate_in_the_metrics_is_the_one_that_was_used(finished):
    """One-cycle ends at its lowest, 1/250,000 of its highest (Smith & Topin; torch's default)."""
    lr = pd.read_csv(finished.metrics)["lr"]
    assert lr.iloc[-1] == pytest.approx(4e-3 / 25 / 1e4)
    assert lr.iloc[0] > 1e-3


def test_the_settings_file_repeats_the_run(finished, tmp_path):
    settings, data = settle(read_settings(finished.settings))
    assert train(settings, data, tmp_path / "again").weights.read_bytes() == finished.weights.read_bytes()


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


def test_a_run_can_not_become_another(finished):
    with pytest.raises(TrainingError, match="started with architecture 'bl', not 'b'"):
        run(finished.folder, resume=True, architecture="b", steps=1)
    with pytest.raises(TrainingError, match="already holds a run: resume it"):
        run(finished.folder)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(TrainingError, match="exists and is not a run folder"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_loss_that_is_not_a_number_says_where_and_keeps_the_checkpoint_before(tmp_path, monkeypatch):
    losses, count = loop.losses_by_step, 0

    def poisoned(*arguments):
        nonlocal count
        count += 1
        return losses(*arguments) * (float("nan") if count == 14 else 1)

    monkeypatch.setattr(loop, "losses_by_step", poisoned)
    with pytest.raises(TrainingError, match="loss is nan at batch 4 of epoch 2"):
        run(tmp_path / "run")
    state = read_checkpoint(Run(tmp_path / "run").checkpoint)
    assert state is not None
    assert state["epoch"] == 1
    assert all(torch.isfinite(tensor).all() for tensor in state["model"].values())
    assert not Run(tmp_path / "run").finished


def test_an_update_that_spoils_the_network_is_seen_before_it_is_saved(tmp_path, monkeypatch):
    """The loss is computed before an update, so the effect of an epoch's last update is not in any loss."""
    update, count = loop.update, 0

    def spoiling(state, *arguments):
        nonlocal count
        count += 1
        loss = update(state, *arguments)
        if count == 2 * BATCHES:
            with torch.no_grad():
                state.model.layers[2].norm[1].bias[0] = float("inf")
        return loss

    monkeypatch.setattr(loop, "update", spoiling)
    with pytest.raises(TrainingError, match="the network gives values that are not finite after batch"):
        run(tmp_path / "run")
    assert not Run(tmp_path / "run").finished
    state = read_checkpoint(Run(tmp_path / "run").checkpoint)
    assert state is not None
    assert state["epoch"] == 1


def test_a_run_that_fails_before_its_first_update_leaves_its_folder_to_the_next_try(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(loop, "update", lambda *arguments: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(tmp_path / "run", epochs=1)
    assert not (tmp_path / "run").exists()
    assert run(tmp_path / "run", epochs=1).finished


def test_one_that_fails_later_keeps_what_it_has(tmp_path, monkeypatch):
    update, calls = loop.update, []

    def failing(*arguments):
        calls.append(1)
        return 1 / 0 if len(calls) > 3 else update(*arguments)

    monkeypatch.setattr(loop, "update", failing)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "run", epochs=1)
    assert (tmp_path / "run" / "checkpoint.pt").is_file()


SHARED = """
    import torch
    from torch import nn

    from rcnnzoo.architectures.contract import RecurrentModel
    from rcnnzoo.hookspecs import Architecture, hookimpl

    @hookimpl
    def rcnnzoo_architectures():
        return [Architecture("shared", "one batch norm for all time steps", f"{__name__}:Shared", steps=5)]

    class Shared(RecurrentModel):
        def __init__(self, *, categories, image_size, width, steps):
            super().__init__()
            self.num_steps = steps
            self.drive = nn.Conv2d(3, 16, 3, padding="same")
            self.lateral = nn.Conv2d(16, 16, 3, padding="same")
            self.norm = nn.BatchNorm2d(16)
            self.classifier = nn.Linear(16, categories)

        def begin(self, images):
            drive = self.drive(images)
            return drive, torch.zeros_like(drive)

        def step(self, state, t):
            drive, before = state
            state = drive, self.norm(drive + 5 * t + self.lateral(before)).relu()
            return state, self.classifier(self.features(state))

        def features(self, state):
            return state[1].mean(dim=(-2, -1))
"""


def test_a_network_that_evaluation_spoils_is_told_so_and_why(tmp_path, write_plugin):
    plugins.load_file(write_plugin("shared.py", SHARED))
    with pytest.warns(RcnnzooWarning) as warned:
        one = run(tmp_path / "run", architecture="shared", steps=5, epochs=4, lr=0.02, batch_size=40)
    (message,) = {str(warning.message) for warning in warned}
    found = re.fullmatch(
        r"(.*): of 500 training images it gets (\d+)% right in evaluation, and got (\d+)% in the last epoch of "
        "training; norm, a batch norm, mixes statistics of 5 time steps: take BatchNormByStep",
        message,
    )
    assert found is not None, message
    assert found[1] == str(one.folder)
    assert int(found[3]) == round(100 * pd.read_csv(one.metrics)["train_accuracy_5"].iloc[-1])
    claimed = rcnnzoo.load(one.weights).card.metrics["accuracy"][-1]
    assert abs(int(found[2]) / 100 - claimed) < 0.1  # the test images are treated in the same way
    assert message in one.log.read_text()


def stopped(folder, monkeypatch, batches=BATCHES, **changes):
    """A run that was stopped in its second epoch."""
    update, count = loop.update, 0

    def leaving(*arguments):
        nonlocal count
        count += 1
        if count > batches:
            raise KeyboardInterrupt
        return update(*arguments)

    monkeypatch.setattr(loop, "update", leaving)
    with pytest.raises(KeyboardInterrupt):
        run(folder, **changes)
    monkeypatch.setattr(loop, "update", update)


@pytest.mark.filterwarnings("ignore:pets. no images are held out")
def test_a_run_is_not_resumed_with_other_images(tmp_path, monkeypatch):
    make_classes(tmp_path / "pets" / "train", each=8, size=(20, 20))
    stopped(tmp_path / "run", monkeypatch, batches=4, data=str(tmp_path / "pets"), batch_size=4)
    (tmp_path / "pets" / "train" / "cat").rename(tmp_path / "pets" / "train" / "zebra")
    with pytest.raises(TrainingError, match="its training images are not those it was started with"):
        run(tmp_path / "run", resume=True, data=str(tmp_path / "pets"), batch_size=4)
    (tmp_path / "pets" / "train" / "zebra").rename(tmp_path / "pets" / "train" / "cat")
    assert run(tmp_path / "run", resume=True, data=str(tmp_path / "pets"), batch_size=4).finished


@pytest.mark.parametrize("place", [0.1, 0.3, 0.6])
def test_a_damaged_checkpoint_is_not_gone_on_with(tmp_path, monkeypatch, place):
    stopped(tmp_path / "run", monkeypatch)
    file = tmp_path / "run" / "checkpoint.pt"
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= 4
    file.write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint.pt: damaged, or of another version; remove it"):
        run(tmp_path / "run", resume=True)


def test_a_checkpoint_of_another_format_is_not_gone_on_with(tmp_path, monkeypatch):
    stopped(tmp_path / "run", monkeypatch)
    file = tmp_path / "run" / "checkpoint.pt"
    write_checkpoint(file, {**(read_checkpoint(file) or {}), "format": 1})
    with pytest.raises(TrainingError, match=r"checkpoint.pt: damaged, or of another version; remove it"):
        run(tmp_path / "run", resume=True)


def test_damaged_metrics_are_written_again(finished, tmp_path, monkeypatch):
    stopped(tmp_path / "run", monkeypatch)
    (tmp_path / "run" / "metrics.csv").write_text('"')
    table = pd.read_csv(run(tmp_path / "run", resume=True).metrics)
    assert table["train_loss"].tolist() == pd.read_csv(finished.metrics)["train_loss"].tolist()


def test_damaged_weights_of_a_finished_run_are_not_passed_over(tmp_path):
    weights = run(tmp_path / "run", epochs=1).weights
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="damaged"):
        run(tmp_path / "run", resume=True, epochs=1)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "lion"])
def test_optimisers_of_timm_follow_the_schedule(tmp_path, optimizer):
    assert run(tmp_path / "run", optimizer=optimizer, epochs=1, lr=0.01).finished


def test_a_running_average_is_what_is_saved(tmp_path):
    """At a decay of almost 1 the average is still where training began."""
    network = rcnnzoo.load(run(tmp_path / "run", ema=0.999999, epochs=1).weights)
    start = rcnnzoo.build("bl", categories=10, image_size=8, width=1 / 16, steps=3)
    weight = "layers.0.bottom_up.0.weight"
    torch.testing.assert_close(network.state_dict()[weight], start.state_dict()[weight], atol=1e-4, rtol=0)


def test_the_sequels_recipe_reaches_the_network(tmp_path):
    settings, data = settle({**TINY, "recipe": "spoerer2020", "epochs": 1})
    state = open_session(settings, data, Run(tmp_path / "run")).state
    norms = [module for module in state.model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert {norm.momentum for norm in norms} == {0.01}
    assert {group["epsilon_hat"] for group in state.optimizer.param_groups} == {0.1}


def test_validation_images_are_measured_after_every_epoch(tmp_path):
    table = pd.read_csv(run(tmp_path / "run", val_fraction=0.2, epochs=1).metrics)
    assert 0 < table["val_accuracy_3"].item() <= 1


class StartsAnother(Watcher):
    """Starts a second run in the same folder while the first is training."""

    error = None

    def validation_starts(self, session):
        raise AssertionError("digits have no validation images")

    def epoch_ends(self, session):
        try:
            run(session.run.folder, resume=True)
        except BusyError as error:
            self.error = error


def test_two_runs_started_into_one_folder_never_mix(tmp_path, finished):
    settings, data = settle(TINY)
    watcher = StartsAnother()
    train(settings, data, tmp_path / "run", watchers=[watcher])
    assert "another process is writing there" in str(watcher.error)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == finished.weights.read_bytes()


def test_a_finished_run_in_a_read_only_folder_is_returned(finished):
    finished.folder.chmod(0o500)
    try:
        assert run(finished.folder, resume=True).weights == finished.weights
        assert not (finished.folder / ".lock").exists()
    finally:
        finished.folder.chmod(0o700)


def test_a_finished_run_that_is_given_more_epochs_ends_as_if_it_had_had_them_from_the_start(tmp_path):
    long = run(tmp_path / "long", epochs=3, schedule="constant")
    run(tmp_path / "short", epochs=2, schedule="constant")
    longer = run(tmp_path / "short", resume=True, epochs=3, schedule="constant")
    assert longer.weights.read_bytes() == long.weights.read_bytes()
    assert len(pd.read_csv(longer.metrics)) == 3
    longer.checkpoint.unlink()
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


class Stops(Watcher):
    """Asks to stop after the first batch."""

    def batch_ends(self, session, loss):
        session.request.asked = True

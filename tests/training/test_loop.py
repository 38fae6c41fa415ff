"""Runs: what is written, and that the same seed reproduces it."""

import re

import pandas as pd
import pytest
import torch

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.data.opening import open_data
from rcnnzoo.errors import BusyError, OptionError, RcnnzooWarning, TrainingError, WeightsError
from rcnnzoo.runs.checkpoints import read_checkpoint
from rcnnzoo.runs.folder import Run
from rcnnzoo.training import loop
from rcnnzoo.training.loop import train
from rcnnzoo.training.session import open_session
from rcnnzoo.training.settings import read_settings
from rcnnzoo.training.settling import settle
from rcnnzoo.training.watchers import Watcher
from tests.training.runs import BATCHES, TINY, run


def test_a_run_learns_and_writes_what_it_promises(finished):
    names = {path.name for path in finished.folder.iterdir()}
    promised = {"model.safetensors", "config.toml", "metrics.csv", "log.txt"}
    assert names == promised | {"checkpoint.pt", "checkpoint-previous.pt"}
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

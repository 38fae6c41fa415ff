"""Training the classifiers of a network that otherwise stays as it is."""

import os
import signal

import pandas as pd
import pytest
import torch

import rcnnzoo
from rcnnzoo.architectures.freezing import evaluate_all_but_classifiers, freeze_all_but_classifiers
from rcnnzoo.errors import OptionError, TrainingError
from rcnnzoo.training import loop
from rcnnzoo.training.loop import train
from rcnnzoo.training.settings import read_settings
from rcnnzoo.training.settling import settle

GIVEN = {
    "architecture": "bl",
    "data": "digits",
    "image_size": 8,
    "width": 1 / 8,
    "steps": 2,
    "epochs": 4,
    "lr": 1.0,
    "precision": "fp32",
    "classifiers_only": True,
}


def run(folder, resume=False, **changes):
    settings, data = settle({**GIVEN, **changes})
    return train(settings, data, folder, resume=resume)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return run(tmp_path_factory.mktemp("runs") / "one")


def test_nothing_but_classifiers_changes(finished):
    after = rcnnzoo.load(finished.weights)
    before = rcnnzoo.build("bl", categories=after.card.categories, image_size=8, width=1 / 8, steps=2)
    changed = {
        name.split(".")[0]
        for (name, old), new in zip(before.state_dict().items(), after.state_dict().values(), strict=True)
        if not torch.equal(old, new)
    }
    assert changed == {"classifier"}


def test_it_is_recorded(finished):
    assert read_settings(finished.settings)["classifiers_only"] is True
    assert rcnnzoo.load(finished.weights).card.training["classifiers_only"] is True


def test_a_run_that_is_left_and_resumed_ends_the_same(finished, tmp_path, monkeypatch):
    update, count = loop.update, 0

    def interrupted(*arguments):
        nonlocal count
        count += 1
        if count == 13:
            os.kill(os.getpid(), signal.SIGINT)
        return update(*arguments)

    monkeypatch.setattr(loop, "update", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "left")
    monkeypatch.undo()
    with pytest.raises(TrainingError, match="it was started with classifiers_only True, not False"):
        run(tmp_path / "left", resume=True, classifiers_only=False)
    assert run(tmp_path / "left", resume=True).weights.read_bytes() == finished.weights.read_bytes()


def test_a_run_from_before_there_was_the_option_can_be_resumed(tmp_path):
    folder = run(tmp_path / "old", classifiers_only=False, epochs=1, lr=0.001).folder
    (folder / "model.safetensors").unlink()
    config = folder / "config.toml"
    kept = [line for line in config.read_text().splitlines() if not line.startswith(("classifiers", "pretrained"))]
    config.write_text("\n".join(kept))
    assert run(folder, classifiers_only=False, epochs=1, lr=0.001, resume=True).finished


def test_the_rest_is_in_evaluation_mode_while_classifiers_learn():
    network = rcnnzoo.build("b", categories=5, image_size=8, width=1 / 16)
    freeze_all_but_classifiers(network)
    evaluate_all_but_classifiers(network)
    assert {name.split(".")[0] for name, weight in network.named_parameters() if weight.requires_grad} == {"classifier"}
    assert {name.split(".")[0] for name, module in network.named_modules() if module.training} == {"classifier"}


NETWORK = """
    from rcnnzoo.hookspecs import Architecture, hookimpl

    @hookimpl
    def rcnnzoo_architectures():
        return [Architecture("pixels", "a linear classifier of pixels", "{module}:build", steps=1)]

    def build(*, categories, image_size, width, steps):
        import torch
        from rcnnzoo.architectures.contract import RecurrentModel

        class Pixels(RecurrentModel):
            def __init__(self):
                super().__init__()
                self.num_steps = 1
                self.norm = torch.nn.BatchNorm2d(3)
                self.{attribute} = torch.nn.Linear(3 * image_size**2, categories)

            def begin(self, images):
                return (self.norm(images).flatten(1),)

            def step(self, state, t):
                return state, self.{attribute}(self.features(state))

            def features(self, state):
                return state[0]

        return Pixels()
"""


def test_classifiers_learn(install, tmp_path):
    install("zoo-pixels", NETWORK.format(module="{module}", attribute="classifier"))
    learnt = run(tmp_path / "run", architecture="pixels", steps=1, lr=0.01, image_size=32)
    accuracy = pd.read_csv(learnt.metrics)["train_accuracy_1"]
    assert accuracy.iloc[-1] > 0.5 > accuracy.iloc[0]
    statistics = rcnnzoo.load(learnt.weights).state_dict()
    assert statistics["norm.num_batches_tracked"] == 0
    assert torch.equal(statistics["norm.running_mean"], torch.zeros(3))


def test_a_network_without_the_attribute_is_refused(install, tmp_path):
    install("zoo-pixels", NETWORK.format(module="{module}", attribute="head"))
    with pytest.raises(OptionError, match="`classifiers_only`: pixels has no module 'classifier'"):
        run(tmp_path / "run", architecture="pixels", steps=1)
    assert not (tmp_path / "run").exists()

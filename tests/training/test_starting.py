"""Starting from a network: everything but the classifier of other categories is taken over."""

import pytest
import torch

import rcnnzoo
from rcnnzoo.errors import OptionError, WeightsError
from rcnnzoo.training.loop import train
from rcnnzoo.training.session import open_session
from rcnnzoo.training.settling import settle
from rcnnzoo.training.starting import new_network
from tests.data.lookalikes import make_classes

SIZES = {"architecture": "bl", "image_size": 8, "width": 1 / 16, "steps": 2}


@pytest.fixture
def start(tmp_path):
    network = rcnnzoo.build("bl", categories=["cat", "dog", "eel"], image_size=8, width=1 / 16, steps=2, seed=7)
    rcnnzoo.save(network, tmp_path / "start.safetensors")
    return tmp_path / "start.safetensors"


def opened(tmp_path, start, categories, **given):
    make_classes(tmp_path / "pets", categories, size=(8, 8))
    settings, data = settle(
        {"data": str(tmp_path / "pets"), "val_fraction": 0.5, "image_size": 8, "start_from": str(start), **given}
    )
    from rcnnzoo.runs.folder import Run

    return open_session(settings, data, Run(tmp_path / "run"))


def test_other_categories_get_a_new_classifier_and_the_rest_is_loaded(tmp_path, start):
    session = opened(tmp_path, start, ("cat", "fox"))
    before, now = rcnnzoo.load(start).state_dict(), session.state.model.state_dict()
    assert session.settings.architecture == "bl"
    assert (session.settings.width, session.settings.steps) == (1 / 16, 2)
    assert now["classifier.0.weight"].shape[0] == 2
    for name in before:
        if not name.startswith("classifier."):
            assert torch.equal(before[name], now[name]), name


def test_the_same_categories_keep_the_classifier_and_others_in_the_same_number_do_not(tmp_path, start):
    before = rcnnzoo.load(start).state_dict()["classifier.0.weight"]
    same = opened(tmp_path / "a", start, ("cat", "dog", "eel"))
    assert torch.equal(same.state.model.state_dict()["classifier.0.weight"], before)
    assert same.state.started_from["classifier"] == "kept"
    other = opened(tmp_path / "b", start, ("cat", "dog", "fox"))
    assert not torch.equal(other.state.model.state_dict()["classifier.0.weight"], before)


def test_the_card_says_where_training_started(tmp_path, start):
    make_classes(tmp_path / "pets", ("cat", "fox"), each=10, size=(8, 8))
    settings, data = settle(
        {"data": str(tmp_path / "pets"), "val_fraction": 0.5, "image_size": 8, "start_from": str(start), "epochs": 1}
    )
    run = train(settings, data, tmp_path / "run")
    training = rcnnzoo.load(run.folder).card.training
    assert training is not None
    assert training["started_from"] == {
        "file": "start.safetensors",
        "sha256": rcnnzoo.load(start).card.sha256,
        "classifier": "new",
    }
    assert "start_from" not in training  # the path is private


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"architecture": "b"}, OptionError, "`architecture` b: .*start.safetensors has bl"),
        ({"width": 1.0}, OptionError, "`width` 1.0: .* has 0.0625"),
        ({"pretrained": True}, OptionError, "`start_from` and `pretrained` can't be combined"),
        ({"start_from": "nowhere"}, WeightsError, "nowhere: can't be read"),
    ],
)
def test_what_does_not_go_with_the_start_is_refused(tmp_path, start, given, error, message):
    with pytest.raises(error, match=message):
        opened(tmp_path, start, ("cat", "fox"), **given)


def test_one_step_has_no_later_one_to_learn_from():
    settings, data = settle({"architecture": "bl", "data": "digits", "width": 1 / 16, "steps": 1, "td_lambda": 0.5})
    with pytest.raises(OptionError, match=r"`td_lambda` 0\.5: bl has one time step, and no later one to learn from"):
        new_network(settings, data)

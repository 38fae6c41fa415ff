"""Options of a network."""

import sys

import pytest
import torch

import rcnnzoo
from rcnnzoo.cli import main
from rcnnzoo.errors import OptionError, UnknownName, WeightsError
from rcnnzoo.training.loop import train
from rcnnzoo.training.settings import load_settings
from rcnnzoo.training.settling import settle


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categories": 1}, "1 categories: a network needs at least 2"),
        ({"image_size": 1}, "`image_size` 1 is too small: take at least 2"),
        ({"steps": 0}, "`steps` 0 is too few: take at least 1"),
        ({"width": 0}, "`width` 0 leaves no feature maps: take a positive number"),
        ({"width": float("nan")}, "`width` nan leaves no feature maps: take a positive number"),
    ],
)
def test_what_can_not_work_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        rcnnzoo.build("bl", **options)


def test_a_feedforward_network_has_one_step():
    assert rcnnzoo.build("b", categories=5, width=1 / 16).num_steps == 1
    with pytest.raises(OptionError, match="`steps` 2: b is feedforward"):
        rcnnzoo.build("b", steps=2)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown architecture 'b-l': did you mean 'bl'"):
        rcnnzoo.build("b-l")


def test_category_names_travel_with_the_network():
    network = rcnnzoo.build("b", categories=["cat", "dog"], width=1 / 16)
    assert network.card.categories == ["cat", "dog"]
    assert network.classifier[0].out_features == 2


@pytest.fixture
def family(install):
    """Networks `zoo/N` whose own number of time steps is N."""
    install(
        "zoo-family",
        """
        from rcnnzoo.hookspecs import Architecture, hookimpl

        @hookimpl
        def rcnnzoo_architectures():
            return [Architecture("zoo/*", "any number of steps", "{module}:build", steps=None, pretrained=True)]

        fetched = []

        def build(*, variant, categories, image_size, width, steps, pretrained):
            import torch
            from rcnnzoo.architectures.contract import RecurrentModel
            from rcnnzoo.errors import UnknownName

            class Counting(RecurrentModel):
                def __init__(self):
                    super().__init__()
                    self.num_steps = steps or int(variant)
                    self.classifier = torch.nn.Linear(1, categories)
                    if pretrained:
                        fetched.append(variant)
                        torch.nn.init.constant_(self.classifier.bias, 7)

                def begin(self, images):
                    return (images.mean((1, 2, 3))[:, None],)

                def step(self, state, t):
                    return state, self.classifier(state[0])

                def features(self, state):
                    return state[0]

            if not variant.isdigit():
                raise UnknownName("number", variant, ["1", "2"])
            return Counting()
        """,
    )


def test_a_networks_own_number_of_steps_is_recorded(family):
    assert rcnnzoo.build("zoo/5").num_steps == 5
    assert rcnnzoo.build("zoo/5").card.options["steps"] == 5
    assert rcnnzoo.build("zoo/5", steps=3).card.options["steps"] == 3
    with pytest.raises(UnknownName, match="unknown number 'five'"):
        rcnnzoo.build("zoo/five")


def test_a_run_records_a_networks_own_number_of_steps(family, tmp_path):
    settings, data = settle({"architecture": "zoo/5", "data": "digits", "epochs": 1, "precision": "fp32"})
    assert settings.steps == 5
    run = train(settings, data, tmp_path / "run")
    assert rcnnzoo.load(run.weights).num_steps == 5
    assert load_settings(run.settings).steps == 5


def test_a_run_from_pretrained_weights_says_so_and_is_resumed_without_them(family, tmp_path):
    given = {"architecture": "zoo/1", "data": "digits", "epochs": 1, "lr": 1e-6, "pretrained": True}
    settings, data = settle({**given, "precision": "fp32"})
    run = train(settings, data, tmp_path / "run")
    content = run.weights.read_bytes()
    network = rcnnzoo.load(run.weights)
    assert network.card.pretrained is network.card.training["pretrained"] is True
    torch.testing.assert_close(
        network.get_parameter("classifier.bias").detach(), torch.full((10,), 7.0), atol=1e-3, rtol=0
    )
    run.weights.unlink()
    assert train(settings, data, tmp_path / "run", resume=True).weights.read_bytes() == content
    assert sys.modules["zoo_family"].fetched == ["1"]


def test_only_where_there_are_pretrained_weights_they_can_be_asked_for(family, tmp_path):
    network = rcnnzoo.build("zoo/1", categories=2, pretrained=True)
    assert network.get_parameter("classifier.bias").tolist() == [7, 7]
    with pytest.raises(OptionError, match="`pretrained`: bl has no pretrained weights: leave that out"):
        rcnnzoo.build("bl", pretrained=True)


def test_loading_never_asks_for_pretrained_weights(family, tmp_path):
    network = rcnnzoo.build("zoo/1", categories=2, pretrained=True)
    network.card.options["pretrained"] = True
    rcnnzoo.save(network, tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="its metadata do not say how to rebuild the network"):
        rcnnzoo.load(tmp_path / "a.safetensors")


def test_what_belongs_to_a_member_of_a_family_has_no_slash_in_its_name(family, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "zoo/2", "--data", "digits", "--epochs", "1", "--precision", "fp32"]) == 0
    assert (tmp_path / "runs" / "zoo-2-digits-seed0" / "model.safetensors").is_file()
    assert main(["evaluate", "zoo/2", "--data", "digits", "--json"]) == 0
    assert [path.name for path in (tmp_path / "traces").iterdir()] == ["zoo-2-seed0"]
    assert main(["list", "architectures"]) == 0
    assert main(["profile", "--sweep"]) == 0
    assert "zoo-2-digits-seed0" in capsys.readouterr().out


def test_a_word_is_not_a_list_of_categories():
    with pytest.raises(OptionError, match="`categories` 'cats': give a list of names, or how many there are"):
        rcnnzoo.build("b", categories="cats")

"""timm's names, options that can't work with them, and weights from the Hugging Face Hub (here, a folder)."""

import huggingface_hub.constants
import pytest
import safetensors.torch
import timm
import torch

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.errors import OptionError, RcnnzooError, UnknownName, WeightsError

HUB = "models--timm--test_resnet.r160_in1k"


def build(name, **options):
    return rcnnzoo.build(name, categories=5, **{"image_size": 32, **options})


@pytest.mark.parametrize(
    ("name", "options", "kind", "message"),
    [
        ("timm/resnet81", {}, UnknownName, "unknown timm network 'resnet81': did you mean 'resnet18"),
        ("timm/resnet18.none", {}, UnknownName, "unknown timm network 'resnet18.none': did you mean 'resnet18"),
        ("timm/hf-hub:somebody/resnet18", {}, UnknownName, "unknown timm network 'hf-hub:somebody/resnet18'"),
        ("timm/*", {}, UnknownName, r"unknown timm network '\*'"),
        ("timm/test_resnet", {"width": 0.5}, OptionError, "`width` 0.5: timm's networks have a fixed width"),
        ("timm/test_resnet", {"steps": 6}, OptionError, "`steps` 6: timm/test_resnet has 5 stages: take at most"),
        ("timm/test_vit", {"image_size": 40}, OptionError, "test_vit can't be run stage by stage at `image_size` 40"),
        ("timm/tnt_s_legacy_patch16_224", {}, OptionError, "legacy_patch16_224 can't be run stage by stage"),
    ],
)
def test_what_can_not_work_is_said_in_one_line(name, options, kind, message):
    with pytest.raises(kind, match=message) as caught:
        build(name, **options)
    assert "\n" not in str(caught.value)


def test_a_name_may_say_which_weights_are_meant():
    assert build("timm/test_resnet.r160_in1k").card.architecture == "timm/test_resnet.r160_in1k"


def test_the_family_is_listed_once():
    assert [name for name in plugins.names("architectures") if name.startswith("timm/")] == ["timm/*"]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A function that puts a file where the Hub's client keeps what it has downloaded; there is no network."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def put(name):
        snapshot = tmp_path / HUB / "snapshots" / "abc"
        snapshot.mkdir(parents=True, exist_ok=True)
        (tmp_path / HUB / "refs").mkdir(exist_ok=True)
        (tmp_path / HUB / "refs" / "main").write_text("abc")
        return snapshot / name

    return put


@pytest.fixture
def published():
    """Timm's whole network, with a head, as on the Hub."""
    torch.manual_seed(5)
    return timm.create_model("test_resnet").eval()


def test_pretrained_weights_are_those_of_the_file(hub, published, tmp_path):
    safetensors.torch.save_file(published.state_dict(), hub("model.safetensors"))
    network = build("timm/test_resnet", pretrained=True).eval()
    assert network.card.pretrained is True
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = published.forward_features(network.begin(images)[0]).mean(dim=(2, 3))
        state = network.begin(images)
        for t in range(5):
            state, _ = network.step(state, t)
    torch.testing.assert_close(network.features(state), expected)
    assert not torch.equal(expected, torch.zeros_like(expected))
    # The classifiers are new: they depend on the seed, the rest doesn't.
    other = build("timm/test_resnet", pretrained=True, seed=1).state_dict()
    differing = {
        name.split(".")[0] for name, value in network.state_dict().items() if not torch.equal(value, other[name])
    }
    assert differing == {"classifier"}


def test_what_was_saved_is_loaded_without_the_hub(hub, published, tmp_path):
    file = hub("model.safetensors")
    safetensors.torch.save_file(published.state_dict(), file)
    network = build("timm/test_resnet", pretrained=True).eval()
    rcnnzoo.save(network, tmp_path / "a.safetensors")
    file.unlink()
    loaded = rcnnzoo.load(tmp_path / "a.safetensors")
    assert loaded.card.pretrained is True
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded(images), network(images))


def test_without_a_network_the_download_fails_in_one_line(hub):
    with pytest.raises(WeightsError, match=r"timm/test_resnet: its pretrained weights .*can't be fetched") as caught:
        build("timm/test_resnet", pretrained=True)
    assert "\n" not in str(caught.value)
    assert "model.safetensors of timm/test_resnet.r160_in1k on huggingface.co" in str(caught.value)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_pickle_is_never_opened(hub, published, name, monkeypatch):
    torch.save(published.state_dict(), hub(name))
    monkeypatch.setattr(torch, "load", lambda *_, **__: pytest.fail("a pickle was opened"))
    with pytest.raises(WeightsError, match="can't be fetched"):
        build("timm/test_resnet", pretrained=True)


def test_a_damaged_file_is_an_error(hub, published):
    file = hub("model.safetensors")
    safetensors.torch.save_file(published.state_dict(), file)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="can't be fetched: Error while deserializing"):
        build("timm/test_resnet", pretrained=True)


def test_none_are_invented_where_there_are_none():
    without = next(name for name in timm.list_models("resnet*") if not timm.get_pretrained_cfg(name).hf_hub_id)
    with pytest.raises(WeightsError, match=f"timm/{without} has no pretrained weights in safetensors format"):
        build(f"timm/{without}", pretrained=True)
    with pytest.raises(RcnnzooError, match="`pretrained`: b has no pretrained weights"):
        rcnnzoo.build("b", pretrained=True)


def test_nothing_is_fetched_unasked(hub, monkeypatch):
    monkeypatch.setattr("timm.models._hub.hf_hub_download", lambda *_, **__: pytest.fail("a download"))
    build("timm/test_resnet")

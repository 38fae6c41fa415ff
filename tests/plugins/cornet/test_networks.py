"""CORnet-RT and CORnet-S as networks of the zoo."""

import contextlib
from functools import cache

import pytest
import torch

import rcnnzoo
from rcnnzoo.checking.architectures import CHECKS
from rcnnzoo.checking.rows import Skipped
from rcnnzoo.checking.specimen import specimen
from rcnnzoo.cli import main
from rcnnzoo.errors import OptionError
from rcnnzoo.profiling.operations import macs_per_step
from tests.plugins.exits import reaction_times, thresholds_between

specimen_of = cache(specimen)
NAMES = ["cornet-rt", "cornet-s"]


def images(count, image_size=32):
    """Images of noise."""
    return torch.rand(count, 3, image_size, image_size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", NAMES)
def test_the_contract_is_kept(name, check):
    with contextlib.suppress(Skipped):
        CHECKS[check](specimen_of(name))


def test_a_step_of_cornet_rt_is_a_pass_and_the_first_is_four():
    """Multiply-accumulates by hand at 32 pixels and width 1/8, where maps are 8x8, 4x4, 2x2 and 1x1.

    V1 has 8 maps, V2 16, V4 32, IT 64; biases count one addition for each output.
    """
    drive_of_v1 = 64 * 8 * (3 * 49 + 1)
    drives = 16 * 16 * (8 * 9 + 1) + 4 * 32 * (16 * 9 + 1) + 1 * 64 * (32 * 9 + 1)
    own = 64 * 8 * 8 * 9 + 16 * 16 * 16 * 9 + 4 * 32 * 32 * 9 + 1 * 64 * 64 * 9
    classifier = 64 * 10 + 10
    network = rcnnzoo.build("cornet-rt", categories=10, image_size=32, width=1 / 8, steps=3)
    later = drives + own + classifier
    assert macs_per_step(network) == [drive_of_v1 + 4 * own + 3 * drives + classifier, later, later]


def test_a_step_of_cornet_s_is_a_pass_of_it_and_the_first_runs_all_areas_below():
    """Multiply-accumulates by hand at 32 pixels and width 1/8: maps of V1 8x8, V2 4x4, V4 2x2, IT 1x1."""

    def first(below, maps, side):
        taken = (2 * side) ** 2 * (below * maps + maps * 4 * maps)  # at the size of the area below
        return taken + side**2 * (maps * maps + 9 * 16 * maps**2 + 4 * maps**2)

    def again(maps, side):
        return side**2 * (4 * maps**2 + 9 * 16 * maps**2 + 4 * maps**2)

    below = 16**2 * 8 * 3 * 49 + 64 * 8 * 8 * 9
    below += first(8, 16, 4) + again(16, 4) + first(16, 32, 2) + 3 * again(32, 2)
    classifier = 64 * 10 + 10
    network = rcnnzoo.build("cornet-s", categories=10, image_size=32, width=1 / 8)
    assert macs_per_step(network) == [below + first(32, 64, 1) + classifier, again(64, 1) + classifier]


@pytest.mark.parametrize(("name", "parameters"), [("cornet-rt", 5_208_936), ("cornet-s", 53_416_616)])
def test_networks_are_as_large_as_the_authors(name, parameters):
    """As counted from the authors' code; CORnet-S: 53.4 million in the paper."""
    network = rcnnzoo.build(name, categories=1000, image_size=224)
    assert sum(weight.numel() for weight in network.parameters()) == parameters


@pytest.mark.parametrize("name", NAMES)
def test_areas_are_maps_of_the_network_at_each_step(name):
    network = rcnnzoo.build(name, categories=5, image_size=64, width=1 / 8).eval()
    state = network.begin(images(2, 64))
    before: dict[str, torch.Tensor] = {}
    for t in range(network.num_steps):
        state, logits = network.step(state, t)
        areas = network.activations(state)
        sizes = {area: tuple(maps.shape) for area, maps in areas.items()}
        assert sizes == {"V1": (2, 8, 16, 16), "V2": (2, 16, 8, 8), "V4": (2, 32, 4, 4), "IT": (2, 64, 2, 2)}
        weight, bias = network.get_parameter("classifier.weight"), network.get_parameter("classifier.bias")
        torch.testing.assert_close(areas["IT"].mean((-2, -1)) @ weight.T + bias, logits)
        changed = {area for area in before if not torch.equal(before[area], areas[area])}
        assert not before or changed == ({"V1", "V2", "V4", "IT"} if name == "cornet-rt" else {"IT"})
        before = areas


def test_what_is_shown_to_cornet_rt_may_change_and_takes_three_passes_to_arrive():
    network = rcnnzoo.build("cornet-rt", categories=5, image_size=32, width=1 / 8).eval()
    changed = rcnnzoo.run(network, images(2), "image:1,blank:5")
    still = rcnnzoo.run(network, images(2), steps=6)
    same = [torch.equal(changed[:, t], still[:, t]) for t in range(6)]
    assert same == [True, True, True, True, False, False]


def test_what_is_shown_to_cornet_s_can_not_change():
    network = rcnnzoo.build("cornet-s", categories=5, image_size=32, width=1 / 8)
    with pytest.raises(OptionError, match="can't change while it runs"):
        rcnnzoo.run(network, images(2), "image:1,blank:1")


@pytest.mark.parametrize("name", NAMES)
def test_images_that_leave_early_decide_as_in_a_trace(name):
    """With a classifier that is surest of different images at different steps."""
    network = rcnnzoo.build(name, categories=5, image_size=32, width=1 / 8, steps=4).train()
    shown = images(24)
    with torch.no_grad():
        for _ in range(20):  # so that batch norm has statistics
            network(shown)
        network.eval()
        spread = network(shown).std((0, 1))
        network.get_parameter("classifier.weight").mul_(3 / spread[:, None])
        network.get_parameter("classifier.bias").sub_(network(shown).mean((0, 1)))
        probabilities = rcnnzoo.readout("instantaneous")(network(shown))
    confidence = probabilities.amax(-1)
    reached = {float(x): reaction_times(confidence, x) for x in thresholds_between(confidence)}
    threshold = max(reached, key=lambda x: len(reached[x].unique()))
    expected = reached[threshold]
    decisions = rcnnzoo.decide(network, shown, "max-prob", threshold, "instantaneous", rows=7)
    assert decisions.reaction_time.tolist() == expected.tolist()
    assert decisions.category.tolist() == probabilities[torch.arange(24), expected - 1].argmax(-1).tolist()
    assert len(expected.unique()) >= 3


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_trained_saved_and_loaded(name, tmp_path):
    typed = ["--data", "digits", "--epochs", "1", "--width", "0.0625", "--image-size", "32", "--precision", "fp32"]
    assert main(["train", name, *typed, "--out", str(tmp_path / "run")]) == 0
    file = tmp_path / "run" / "model.safetensors"
    first, second = (rcnnzoo.load(file) for _ in range(2))
    new = rcnnzoo.build(name, categories=10, image_size=32, width=0.0625).eval()
    with torch.no_grad():
        torch.testing.assert_close(first(images(3)), second(images(3)), rtol=0, atol=0)
        assert not torch.allclose(first(images(3)), new(images(3)))
    rcnnzoo.save(first, tmp_path / "again.safetensors")
    with torch.no_grad():
        again = rcnnzoo.load(tmp_path / "again.safetensors")(images(3))
        torch.testing.assert_close(again, first(images(3)), rtol=0, atol=0)


@pytest.mark.parametrize(("name", "width", "advice"), [("cornet-rt", 0.01, "0.0187"), ("cornet-s", 0.005, "0.00937")])
def test_a_width_without_maps_is_refused_with_one_that_has_some(name, width, advice):
    with pytest.raises(OptionError, match=f"`width` {width} leaves no feature maps: take at least {advice}"):
        rcnnzoo.build(name, categories=5, width=width)
    rcnnzoo.build(name, categories=5, image_size=32, width=float(advice) * 1.01)

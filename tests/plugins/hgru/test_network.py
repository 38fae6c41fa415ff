"""The hGRU as a network of the zoo."""

import contextlib
import warnings
from functools import cache

import pytest
import torch
from torch.nn.functional import conv2d

import rcnnzoo
from rcnnzoo.checking.architectures import CHECKS
from rcnnzoo.checking.rows import Doubt, Skipped
from rcnnzoo.checking.specimen import specimen
from rcnnzoo.cli import main
from rcnnzoo.errors import OptionError
from rcnnzoo.profiling.operations import macs_per_step
from rcnnzoo_hgru.importing import read_hgru
from rcnnzoo_hgru.network import HGRU, Horizontal
from tests.plugins.exits import reaction_times, thresholds_between
from tests.plugins.hgru.goldens import write

specimen_of = cache(specimen)
NAMES = ["hgru", "hgru-cued"]
SHARED = "no batch norm mixes steps"


def images(count, image_size=16):
    """Images of noise."""
    return torch.rand(count, 3, image_size, image_size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def network_of(name, image_size=16, **options):
    """A small one in evaluation mode, whose batch norm has some statistics."""
    network = rcnnzoo.build(name, categories=5, image_size=image_size, width=0.2, **options)
    with torch.no_grad():
        for _ in range(5):
            network(images(12, image_size))
    return network.eval()


@pytest.mark.parametrize("check", [name for name in CHECKS if name != SHARED])
@pytest.mark.parametrize("name", NAMES)
def test_the_contract_is_kept(name, check):
    with contextlib.suppress(Skipped):
        CHECKS[check](specimen_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_batch_norm_is_shared_by_all_steps_as_in_the_published_networks(name):
    with pytest.raises(Doubt, match=r"horizontal.inhibition_norm, a batch norm, is called"):
        CHECKS[SHARED](specimen_of(name))


def test_a_step_is_inhibition_then_excitation():
    """One unit of one map, whose kernels are a number at their centre: the equations by hand."""
    network = rcnnzoo.build("hgru", categories=2, image_size=16, width=0.04, steps=2).eval()
    layer = network.get_submodule("horizontal")
    assert isinstance(layer, Horizontal)
    numbers = {"alpha": 0.3, "mu": 0.7, "gamma": 1.1, "kappa": 0.4, "omega": 0.6}
    with torch.no_grad():
        for name, value in numbers.items():
            layer.get_parameter(name).fill_(value)
        for convolution, weight in ((layer.inhibition, 0.8), (layer.excitation, -0.5)):
            convolution.weight.zero_()
            convolution.weight[..., 7, 7] = weight
        for gate, weight, bias in ((layer.inhibition_gate, 0.9, 0.2), (layer.excitation_gate, -0.3, 0.1)):
            gate.weight.fill_(weight)
            gate.get_parameter("bias").fill_(bias)
        state = network.begin(images(1))
        drive, before = state
        for t in range(2):
            state, _ = network.step(state, t)
            gated = before * torch.sigmoid(0.9 * before + 0.2)
            inhibition = 0.1 * 0.8 * gated / 1.001**0.5  # batch norm of a new network: weight 0.1, variance 1
            inhibited = soft(drive - soft(inhibition * (0.3 * before + 0.7)))
            share = torch.sigmoid(-0.3 * inhibited + 0.1)
            excitation = 0.1 * -0.5 * inhibited / 1.001**0.5
            candidate = soft(0.4 * inhibited + 1.1 * excitation + 0.6 * inhibited * excitation)
            before = soft((1 - share) * before + share * candidate)
            torch.testing.assert_close(state[1], before)


def soft(x):
    return torch.log1p(torch.exp(x))


@pytest.mark.parametrize(("name", "channels"), [("hgru", [0, 1, 2]), ("hgru-cued", [0, 1, 1, 2])])
def test_the_drive_is_squared_and_of_pixels_from_0_to_1(name, channels):
    network = rcnnzoo.build(name, categories=2, image_size=16, width=0.2)
    pixels = torch.randint(256, (2, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    scaled = (pixels / 255)[:, channels]
    assert isinstance(network, HGRU)
    expected = conv2d(scaled, network.bottom_up.weight, network.bottom_up.bias, padding=3) ** 2
    torch.testing.assert_close(network.begin(pixels / 127.5 - 1)[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("name", "kernel", "inputs"), [("hgru", 15, 3), ("hgru-cued", 5, 4)])
def test_costs_are_those_of_the_convolutions(name, kernel, inputs):
    """By hand, with one addition per output for a bias: 5 maps of 16x16, 3 categories."""
    network = rcnnzoo.build(name, categories=3, image_size=16, width=0.2, steps=2)
    step = 256 * (2 * 5 * 5 * kernel**2 + 2 * (5 * 5 + 5) + 3 * 5 + 3) + 3 * 3 + 3
    assert macs_per_step(network) == [step + 256 * (5 * inputs * 49 + 5), step]


def test_the_published_network_is_as_large_as_the_authors_print():
    """Their notebook `uncertainty_curves.ipynb`: 37,862, with two batch norms that are never run."""
    network = rcnnzoo.build("hgru-cued", categories=2, image_size=150)
    assert sum(weight.numel() for weight in network.parameters()) + 2 * (25 + 25) == 37_862


@pytest.mark.parametrize("name", NAMES)
def test_the_area_is_what_the_classifier_reads(name):
    network = network_of(name)
    state = network.begin(images(2))
    for t in range(3):
        state, logits = network.step(state, t)
        areas = network.activations(state)
        assert {area: tuple(maps.shape) for area, maps in areas.items()} == {"excitation": (2, 5, 16, 16)}
        read = network.readout_norm(network.readout(areas["excitation"])).mean((-2, -1))
        torch.testing.assert_close(network.classifier(read), logits)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_may_change(name):
    network = network_of(name)
    changed = rcnnzoo.run(network, images(2), "image:2,blank:2")
    still = rcnnzoo.run(network, images(2), steps=4)
    assert [torch.equal(changed[:, t], still[:, t]) for t in range(4)] == [True, True, False, False]


@pytest.mark.parametrize("name", NAMES)
def test_images_that_leave_early_decide_as_in_a_trace(name, tmp_path):
    """With random weights at which images differ more than steps."""
    network = read_hgru(write(tmp_path, name, timesteps=6), name)
    squares = torch.rand(24, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shown = squares.repeat_interleave(4, 2).repeat_interleave(4, 3)
    with torch.no_grad():
        network.get_parameter("classifier.weight").mul_(3)
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
    typed = ["--data", "digits", "--epochs", "1", "--width", "0.16", "--image-size", "16", "--precision", "fp32"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["train", name, *typed, "--steps", "3", "--out", str(tmp_path / "run")]) == 0
    trained = rcnnzoo.load(tmp_path / "run" / "model.safetensors")
    new = rcnnzoo.build(name, categories=10, image_size=16, width=0.16, steps=3).eval()
    rcnnzoo.save(trained, tmp_path / "again.safetensors")
    with torch.no_grad():
        again = rcnnzoo.load(tmp_path / "again.safetensors")(images(3))
        torch.testing.assert_close(again, trained(images(3)), rtol=0, atol=0)
        assert not torch.allclose(again, new(images(3)))


def test_a_width_without_maps_is_refused_with_one_that_has_some():
    with pytest.raises(OptionError, match=r"`width` 0.02 leaves no feature maps: take at least 0.024"):
        rcnnzoo.build("hgru", categories=5, width=0.02)
    assert rcnnzoo.build("hgru", categories=5, width=0.024).bottom_up.out_channels == 1

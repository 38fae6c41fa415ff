"""Residual networks as cascades, beside timm's own networks and the paper's description."""

import contextlib
from functools import cache
from itertools import pairwise

import pytest
import timm
import torch
from torch import nn

import rcnnzoo
from rcnnzoo.checking.architectures import CHECKS
from rcnnzoo.checking.rows import Skipped
from rcnnzoo.checking.specimen import specimen
from rcnnzoo.cli import main
from rcnnzoo.errors import OptionError
from rcnnzoo_timm.cascade import Cascade

SMALL = ["resnet10t", "resnet26d", "seresnet18"]


def backbone(name, seed=0):
    """One of timm's networks in evaluation mode, all of its weights and statistics away from where they start."""
    torch.manual_seed(seed)
    network = timm.create_model(name, num_classes=5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.data.uniform_(0.5, 1)
            module.bias.data.normal_(0, 0.1)
    return network.eval()


def cascade(network, steps):
    built = Cascade(network, steps, [0.5] * 3, [0.5] * 3, 5).eval()
    built.classifier.load_state_dict(network.fc.state_dict())
    return built


@pytest.mark.parametrize("name", SMALL)
def test_one_step_after_the_last_block_it_gives_what_the_network_gives_without_delays(name):
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    network = backbone(name)
    with torch.no_grad():
        expected = network(images)  # its mean of 0.5 and deviation of 0.5 take [-1, 1] to [-1, 1]
        blocks = sum(len(getattr(network, f"layer{number}")) for number in range(1, 5))
        logits = cascade(network, blocks + 3)(images)
    torch.testing.assert_close(logits[:, blocks], expected, rtol=1e-4, atol=1e-5)
    for later in (blocks + 1, blocks + 2):
        torch.testing.assert_close(logits[:, later], expected, rtol=1e-4, atol=1e-5)
    assert (logits[:, 0] - expected).abs().max() > 0.01 * expected.abs().max()
    assert not torch.equal(logits[:, blocks - 1], logits[:, blocks])


def test_residuals_arrive_a_step_late_and_shortcuts_at_once():
    """By hand: at the first step, shortcuts alone; at the second, each residual of what its block received first."""
    network, images = backbone("resnet18"), torch.randn(2, 3, 64, 64)

    def residual(block, x):
        return block.bn2(block.conv2(block.bn1(block.conv1(x)).relu()))

    def shortcut(block, x):
        return x if block.downsample is None else block.downsample(x)

    blocks = [block for number in range(1, 5) for block in getattr(network, f"layer{number}")]
    with torch.no_grad():
        stem = network.maxpool(network.bn1(network.conv1(images)).relu())
        received, expected = [], []
        now = stem
        for block in blocks:
            received.append(now)
            now = shortcut(block, now).relu()
        expected.append(network.fc(now.mean(dim=(-2, -1))))
        now = stem
        for block, before in zip(blocks, received, strict=True):
            now = (shortcut(block, now) + residual(block, before)).relu()
        expected.append(network.fc(now.mean(dim=(-2, -1))))
        logits = cascade(network, 2)(images)
    torch.testing.assert_close(logits, torch.stack(expected, dim=1), rtol=1e-5, atol=1e-5)


specimen_of = cache(lambda: specimen("timm/test_resnet", cascaded=True))


@pytest.mark.parametrize("check", CHECKS)
def test_the_contract_is_kept(check):
    with contextlib.suppress(Skipped):
        CHECKS[check](specimen_of())


def test_each_step_has_statistics_of_its_own():
    network = rcnnzoo.build("timm/resnet10t", categories=3, image_size=32, cascaded=True)
    assert network.num_steps == 5
    for name, weight in network.named_parameters():
        if "residual" in name:  # timm starts residuals at 0, where all steps are alike
            torch.nn.init.normal_(weight)
    network.train()
    for _ in range(3):
        network(torch.randn(8, 3, 32, 32))
    norms = network.blocks[1].residual[1]
    means = [norm.running_mean for norm in norms]
    assert len(means) == 4  # no residual arrives at the first step
    assert all((one - other).abs().max() > 1e-4 for one, other in pairwise(means))


def test_the_first_step_costs_its_shortcuts_alone():
    """Residuals are 1.81 GMACs of ResNet-18's at 224 px, less its stem, shortcuts and classifier."""
    from rcnnzoo.profiling.operations import macs_per_step

    network = rcnnzoo.build("timm/resnet18", categories=1000, image_size=224, cascaded=True)
    first, *later = macs_per_step(network)
    stem = 112 * 112 * 64 * 3 * 49
    shortcuts = 28 * 28 * 64 * 128 + 14 * 14 * 128 * 256 + 7 * 7 * 256 * 512
    classifier = 512 * 1000 + 1000
    convolutions = 4 * 56 * 56 * 64 * 64 * 9 + (28 * 28 * 128 * 9) * (64 + 3 * 128)
    convolutions += (14 * 14 * 256 * 9) * (128 + 3 * 256) + (7 * 7 * 512 * 9) * (256 + 3 * 512)
    assert first == stem + shortcuts + classifier
    assert later == [convolutions + shortcuts + classifier] * 8


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("timm/test_vit", {"cascaded": True}, "`cascaded`: VisionTransformer can't be run as a cascade"),
        ("timm/resnet10t", {"cascaded": True, "steps": 1}, "`steps` 1: a cascade has at least 2"),
        ("bl", {"cascaded": True}, "`cascaded`: bl can't be built as a cascade: leave that out"),
    ],
)
def test_what_cannot_be_a_cascade_is_said(name, options, message):
    with pytest.raises(OptionError) as raised:
        rcnnzoo.build(name, categories=3, image_size=32, **options)
    assert message in str(raised.value)


def test_it_is_trained_saved_and_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    typed = ["train", "timm/resnet10t", "--data", "digits", "--cascaded", "--td-lambda", "0.5", "--epochs", "1"]
    assert main([*typed, "--image-size", "32", "--steps", "3"]) == 0
    network = rcnnzoo.load("runs/timm-resnet10t-cascaded-digits-seed0")
    assert isinstance(network, Cascade)
    assert network.card.options == {"image_size": 32, "steps": 3, "width": 1.0, "cascaded": True}
    images = torch.randn(4, 3, 32, 32)
    decisions = rcnnzoo.decide(network, images, "entropy", 0.5)
    probabilities = rcnnzoo.readout("cumulative")(network(images))
    stops = rcnnzoo.policy("entropy").scores(probabilities) <= 0.5
    stops[:, -1] = True
    assert torch.equal(decisions.reaction_time, stops.int().argmax(dim=1) + 1)
    capsys.readouterr()
    assert main(["info", "timm/resnet10t", "--cascaded", "--image-size", "32"]) == 0
    assert main(["evaluate", "runs/timm-resnet10t-cascaded-digits-seed0"]) == 0

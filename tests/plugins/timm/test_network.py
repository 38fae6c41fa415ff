"""Backbones with exits, as networks of the zoo."""

import contextlib
from functools import cache

import pytest
import timm
import torch
from timm.data import create_transform, resolve_data_config
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms.v2.functional import to_pil_image

import rcnnzoo
from rcnnzoo.checking.architectures import CHECKS
from rcnnzoo.checking.rows import Skipped
from rcnnzoo.checking.specimen import specimen
from rcnnzoo.data.transforms import to_input
from rcnnzoo.profiling.operations import count_operations, macs_per_step

specimen_of = cache(specimen)
TINY = ["timm/test_convnext", "timm/test_efficientnet", "timm/test_vit"]


def network(name="timm/test_resnet", **options):
    return rcnnzoo.build(name, categories=5, image_size=32, **options).eval()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", TINY)
def test_the_contract_is_kept(name, check):
    with contextlib.suppress(Skipped):
        CHECKS[check](specimen_of(name))


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])  # of two different normalisations
def test_images_are_as_timm_would_make_them(name):
    pixels = torch.randint(256, (3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    config = resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
    transform = create_transform(**{**config, "input_size": (3, 32, 32), "crop_pct": 1.0})
    (images,) = network(f"timm/{name}").begin(to_input(pixels)[None])
    torch.testing.assert_close(images[0], transform(to_pil_image(pixels)))


def test_steps_cost_what_their_stages_compute():
    """Torch's own counter on timm's network; it leaves out what a bias adds, which here only classifiers have."""
    built = network()
    backbone = timm.create_model("test_resnet", features_only=True).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        backbone(torch.zeros(1, 3, 32, 32))
    classifiers = sum(weight.numel() for weight in built.classifier.parameters())
    assert sum(macs_per_step(built)) == counter.get_total_flops() / 2 + classifiers
    assert all(macs > 0 for macs in macs_per_step(built))


def test_later_stages_are_not_computed_when_the_network_is_sure():
    built, seen = network(), []
    for number, stage in enumerate(built.stages):
        stage.register_forward_hook(lambda _, inputs, __, number=number: seen.append((number, len(inputs[0]))))
    images = torch.randn(6, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    decisions = rcnnzoo.decide(built, images, "fixed-steps", 2)
    assert seen == [(0, 6), (1, 6)]
    assert decisions.macs.tolist() == [sum(macs_per_step(built)[:2])] * 6


def test_images_that_stay_decide_as_in_a_full_run():
    """With classifiers that differ from image to image, and more from step to step, so that some leave at each."""
    built = network()
    images = torch.randn(20, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for t, classifier in enumerate(built.classifier):
            logits = built(images)[:, t]
            scale = (1 + t) / logits.std(0)
            classifier.bias.sub_(logits.mean(0)).mul_(scale)
            classifier.weight.mul_(scale[:, None])
        probabilities = rcnnzoo.readout("instantaneous")(built(images))
    confidence = probabilities.amax(-1)
    threshold = float(confidence[:, 0].quantile(0.8))
    sure = confidence >= threshold + 1e-4
    sure[:, -1] = True
    expected = sure.int().argmax(1) + 1
    decisions = rcnnzoo.decide(built, images, "max-prob", threshold + 1e-4, "instantaneous", rows=7)
    assert decisions.reaction_time.tolist() == expected.tolist()
    assert len(expected.unique()) >= 3


def test_the_state_is_one_map_and_what_the_classifier_saw():
    built = network()
    widths = [classifier.in_features for classifier in built.classifier]
    state, sizes = built.begin(torch.zeros(1, 3, 32, 32)), []
    for t in range(5):
        state, _ = built.step(state, t)
        sizes.append([tensor.numel() for tensor in state])
    backbone = timm.create_model("test_resnet", features_only=True).eval()
    maps = [feature[0].numel() for feature in backbone(torch.zeros(1, 3, 32, 32))]
    assert [size[-1] for size in sizes] == widths == backbone.feature_info.channels()
    assert [size[:-1] for size in sizes] == [[maps[0]], [maps[1]], [maps[2]], [maps[3]], []]
    assert count_operations(built).state_bytes == 4 * max(sum(size) for size in sizes)


def test_fewer_steps_are_the_first_stages():
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    short, all_of_it = network(steps=2), network()
    assert short.num_steps == 2
    assert short.card.options["steps"] == 2
    weights = all_of_it.state_dict()
    assert set(short.state_dict()) < set(weights)
    short.load_state_dict({name: weights[name] for name in short.state_dict()})
    with torch.no_grad():
        torch.testing.assert_close(short(images), all_of_it(images)[:, :2])


def test_in_other_precisions_and_with_channels_last():
    built = network("timm/test_efficientnet").to(memory_format=torch.channels_last)
    images = torch.randn(3, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        full = built(images)
        with torch.autocast("cpu", torch.bfloat16):
            low = built(images)
    torch.testing.assert_close(low.float(), full, rtol=0.1, atol=0.1)

"""Networks under other conditions, against unrollings written by hand in plain torch."""

from typing import Any

import pytest
import torch
from torch.nn import functional

import rcnnzoo
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.lesions import matching
from rcnnzoo.architectures.spoerer import Spoerer
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.errors import OptionError, UnknownName
from rcnnzoo.profiling.operations import macs_by_module
from tests.engine.test_decide import IMAGES, NETWORKS, network

FRAMES = torch.rand(3, 12, 3, 16, 16, generator=torch.Generator().manual_seed(5)) * 2 - 1


def by_hand(model, frames, norm_of_step):
    """The paper's equations, one convolution after the other: frames [B, T, 3, H, W] -> logits [B, T, C]."""
    weights = model.state_dict()
    maps: list[Any] = [None] * 7
    logits = []
    for t in range(frames.shape[1]):
        before, below = list(maps), frames[:, t]
        for layer in range(7):
            name = f"layers.{layer}"
            if layer and min(below.shape[-2:]) >= 4:
                below = functional.max_pool2d(below, 2)
            kernel = weights[f"{name}.bottom_up.0.weight"]
            total = functional.conv2d(below, kernel, padding=kernel.shape[-1] // 2)
            if t:
                total = total + functional.conv2d(
                    before[layer], weights[f"{name}.lateral.0.weight"], padding=kernel.shape[-1] // 2
                )
                if f"{name}.top_down.0.weight" in weights:
                    stride = total.shape[-1] // before[layer + 1].shape[-1]
                    total = total + functional.conv_transpose2d(
                        before[layer + 1],
                        weights[f"{name}.top_down.0.weight"],
                        stride=stride,
                        padding=kernel.shape[-1] // 2,
                        output_padding=stride - 1,
                    )
            norm = f"{name}.norm.{norm_of_step(t)}"
            total = functional.batch_norm(
                total,
                weights[f"{norm}.running_mean"],
                weights[f"{norm}.running_var"],
                weights[f"{norm}.weight"],
                weights[f"{norm}.bias"],
                eps=1e-3,
            )
            below = maps[layer] = functional.relu(total)
        logits.append(
            functional.linear(below.mean((2, 3)), weights["classifier.0.weight"], weights["classifier.0.bias"])
        )
    return torch.stack(logits, dim=1)


@pytest.mark.parametrize("name", ["bl", "blt"])
def test_other_images_at_each_step_and_more_steps_than_trained(name):
    model = NETWORKS[name]
    first_eight = rcnnzoo.run(model, FRAMES[:, :8])
    torch.testing.assert_close(first_eight, by_hand(model, FRAMES[:, :8], lambda t: t), rtol=1e-5, atol=1e-5)
    twelve = rcnnzoo.run(model, FRAMES)
    torch.testing.assert_close(twelve, by_hand(model, FRAMES, lambda t: min(t, 7)), rtol=1e-5, atol=1e-5)
    of_third = rcnnzoo.run(model, FRAMES, norm_step=3)
    torch.testing.assert_close(of_third, by_hand(model, FRAMES, lambda t: 2), rtol=1e-5, atol=1e-5)
    assert (of_third - twelve).abs().max() > 0.01


def test_a_still_image_is_what_it_was_before_there_were_programmes():
    model, images = NETWORKS["bl"], IMAGES[:4]
    plain = model(images)
    for same in ({}, {"stimulus": "image:8"}, {"stimulus": "image:3,image:5"}, {"steps": 8}, {"stimulus": "image@1:8"}):
        assert torch.equal(rcnnzoo.run(model, images, **same), plain)
    assert torch.equal(rcnnzoo.run(model, images[:, None].expand(-1, 8, -1, -1, -1)), plain)
    assert PLAIN.on(model).network is model


def test_a_programme_is_the_frames_that_it_stands_for():
    model, images = NETWORKS["blt"], IMAGES[:3]
    blank = torch.zeros_like(images)
    frames = torch.stack([blank, blank, images, images, images * 0.25, blank], dim=1)
    found = rcnnzoo.run(model, images, "blank:2,image:2,image@0.25:1,blank:1")
    assert torch.equal(found, rcnnzoo.run(model, frames))
    torch.testing.assert_close(found, by_hand(model, frames, lambda t: t), rtol=1e-5, atol=1e-5)


def test_fewer_steps_are_the_first_ones():
    for name in ("bl", "b-u", "blt"):
        assert torch.equal(rcnnzoo.run(NETWORKS[name], IMAGES[:2], steps=3), NETWORKS[name](IMAGES[:2])[:, :3])


def test_the_network_itself_stays_as_it_is():
    model = network()
    before, text = model(IMAGES[:2]), repr(model)
    rcnnzoo.run(model, IMAGES[:2], "noise:2,image:10", norm_step=2, lesions=["layers.*.lateral"])
    assert (model.num_steps, repr(model)) == (8, text)
    assert torch.equal(model(IMAGES[:2]), before)


def without(model, names):
    """A network some of whose convolutions have weights of zero."""
    for name in names:
        torch.nn.init.zeros_(model.get_parameter(f"{name}.weight"))
    return model


def test_cut_lateral_connections_are_those_of_weight_zero():
    cut = rcnnzoo.run(network(), IMAGES[:3], lesions=["layers.*.lateral"])
    expected = without(network(), [f"layers.{layer}.lateral.0" for layer in range(7)])(IMAGES[:3])
    torch.testing.assert_close(cut, expected)
    some = rcnnzoo.run(network(), IMAGES[:3], lesions=["layers.[0-2].lateral", "layers.6.lateral.0"])
    expected = without(network(), [f"layers.{layer}.lateral.0" for layer in (0, 1, 2, 6)])(IMAGES[:3])
    torch.testing.assert_close(some, expected)


@pytest.mark.parametrize("layer", [0, 3])
def test_what_is_cut_for_some_steps_is_zero_at_these_alone(layer):
    """Layer 0's bottom-up drive is computed when an image is presented, and cut all the same."""
    model, silent = network(), without(network(), [f"layers.{layer}.bottom_up.0"])
    state, logits = model.begin(IMAGES[:3]), []
    for t in range(8):
        at_work = silent if t in (2, 3, 6) else model
        state = at_work.present(state, IMAGES[:3])
        state, now = at_work.step(state, t)
        logits.append(now)
    found = rcnnzoo.run(model, IMAGES[:3], lesions=[f"layers.{layer}.bottom_up@3-4,7"])
    torch.testing.assert_close(found, torch.stack(logits, dim=1))


def test_cut_norms_and_classifiers_give_zero():
    logits = rcnnzoo.run(NETWORKS["bl"], IMAGES[:2], lesions=["classifier@2"])
    assert (logits[:, 1] == 0).all()
    assert torch.equal(logits[:, [0, 2, 7]], NETWORKS["bl"](IMAGES[:2])[:, [0, 2, 7]])
    silent = rcnnzoo.run(NETWORKS["bl"], IMAGES[:2], lesions=["layers.6.norm"])
    assert torch.equal(silent, NETWORKS["bl"].classifier[0].bias.expand(2, 8, -1))


def test_what_is_cut_costs_nothing():
    model = network()
    plain = PLAIN.on(model).count().macs
    by_module = {
        (name, t): macs
        for name in ("layers.0.lateral.0", "layers.0.bottom_up.0", "layers.2.bottom_up.0")
        for t, macs in enumerate(macs_by_module(model)[name])
    }
    cut = Conditions(lesions=("layers.0.lateral@3-8",)).on(model).count().macs
    assert cut == [macs - by_module["layers.0.lateral.0", 1] * (t >= 2) for t, macs in enumerate(plain)]
    cut = Conditions(lesions=("layers.2.bottom_up@1",)).on(model).count().macs
    assert cut == [plain[0] - by_module["layers.2.bottom_up.0", 0], *plain[1:]]
    drive = by_module["layers.0.bottom_up.0", 0]
    assert Conditions(lesions=("layers.0.bottom_up",)).on(model).count().macs == [plain[0] - drive, *plain[1:]]
    # Cut at steps 3 and 4, the drive is computed again at step 5.
    cut = Conditions(lesions=("layers.0.bottom_up@3-4",)).on(model).count().macs
    assert cut == [macs + drive * (t == 4) for t, macs in enumerate(plain)]


def test_a_changed_image_costs_its_drive_at_the_step_where_it_changes():
    model = network()
    plain, drive = PLAIN.on(model).count().macs, 16 * 16 * 3 * 6 * 7 * 7
    shown = Conditions("blank:2,image:3,noise:3").on(model)
    assert shown.count().macs == [macs + drive * (t in (2, 5)) for t, macs in enumerate(plain)]
    assert Conditions("blank:8").on(model).count().macs == plain
    longer = Conditions(steps=11).on(model).count().macs
    assert longer == [plain[0], *plain[1:2] * 10]


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "more steps than weights": ("b-u", {"steps": 9}, r"`steps` 9: b-u has weights or shapes of its own at each of its"),
    "one step": ("b", {"steps": 2}, r"`steps` 2: b has exactly one time step"),
    "one step, a mask": (
        "b",
        {"stimulus": "image:1,noise:1"},
        "`stimulus` .image:1,noise:1.: b has exactly one time step",
    ),
    "no steps": ("bl", {"steps": 0}, r"`steps` 0: give a whole number from 1"),
    "contradiction": ("bl", {"stimulus": "image:3,blank:2", "steps": 8}, r"has 5 time steps: leave out `steps`"),
    "no such norm": ("bl", {"norm_step": 9}, r"`norm_step` 9: bl has statistics of steps 1 to 8"),
    "no norm": ("timm/resnet10t", {"norm_step": 1}, r"has no batch norm by time step"),
    "can't present": ("timm/resnet10t", {"stimulus": "image:2,blank:1"}, r"can't change while it runs"),
    "a layer": ("bl", {"lesions": ["layers.2"]}, r"layers.2 is a Layer, not a convolution, normalisation or linear"),
    "one norm": ("bl", {"lesions": ["layers.2.norm.3"]}, r"is a step of layers.2.norm: write layers.2.norm@4"),
    "late": ("bl", {"lesions": ["layers.*.lateral@7-9"]}, r"step 9, but the network runs 8 steps"),
    "no steps of a lesion": (
        "bl",
        {"lesions": ["layers.*.lateral@"]},
        r"'' is not a step or a range of steps: write them like 3 or 3-8",
    ),
    "backwards": ("bl", {"lesions": ["layers.*.lateral@5-3"]}, r"'5-3' is not a step or a range of steps"),
    "nothing": ("bl", {"lesions": ["@3"]}, r"names no modules"),
    "no effect": (
        "bl",
        {"lesions": ["layers.*.lateral@1"]},
        r"bl doesn't call layers.0.lateral.0 at step 1, so nothing would be cut",
    ),
    "another copy": ("b-u", {"lesions": ["layers.0.lateral.1@4-5"]}, r"b-u doesn't call layers.0.lateral.1 at these"),
    "lesions as a text": ("bl", {"lesions": "readout"}, r"`lesions` 'readout': give a list of texts"),
    "a number as stimulus": ("bl", {"stimulus": 8}, r"`stimulus` 8: give a programme as text"),
    "a seed below 0": ("bl", {"stimulus": "noise:8", "seed": -1}, r"`seed` -1: give a whole number from 0"),
    "half a step": ("bl", {"steps": 2.5}, r"`steps` 2.5: give a whole number from 1"),
    "a name that is none": ("bl", {"stimulus": "noise:8", "names": [1]}, r"`names`: 1 is not a text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_run_is_refused(case):
    name, conditions, words = REFUSED[case]
    model = NETWORKS.get(name) or rcnnzoo.build(name, categories=5, image_size=32)
    with pytest.raises(OptionError, match=words):
        rcnnzoo.run(model, torch.zeros(1, 3, 32, 32), **conditions)


def test_a_pattern_that_means_nothing_gets_the_nearest_names():
    with pytest.raises(UnknownName, match=r"unknown module 'layers.3.latteral': did you mean 'layers.3.lateral.0'"):
        rcnnzoo.run(NETWORKS["bl"], IMAGES[:1], lesions=["layers.3.latteral"])


def test_wildcards_mean_what_can_be_cut():
    """A layer of `bl` holds a list of bottom-up convolutions, one of lateral ones, and its batch norm."""
    names = matching(NETWORKS["bl"], "layers.6.*")
    assert sorted(names) == ["layers.6.bottom_up.0", "layers.6.lateral.0", "layers.6.norm"]
    with pytest.raises(OptionError, match=r"layers.0 is a Layer"):
        matching(NETWORKS["bl"], "layers.*")


def test_order_and_repetition_of_lesions_make_no_other_trace():
    one, other = (Conditions(lesions=lesions) for lesions in (("a", "b@2"), ("b@2", "a", "b@2")))
    assert one.identity(8) == other.identity(8)
    assert one.label(8) == other.label(8)


def test_steps_beyond_training_are_counted_once():
    """All cost the same, but for what is shown anew and what is cut: 1,000 steps take no longer than some."""
    model, counted = network(), []
    plain, drive = PLAIN.on(model).count().macs, 16 * 16 * 3 * 6 * 7 * 7
    lateral = macs_by_module(model)["layers.0.lateral.0"][1]

    class Counting(Spoerer):
        def step(self, state, t):
            counted.append(t)
            return super().step(state, t)

    model.__class__ = Counting
    macs = Conditions("blank:100,image:800,noise:100", lesions=("layers.0.lateral@200-300",)).on(model).count().macs
    assert len(counted) < 40
    expected = [plain[0], *plain[1:2] * 999]
    for t in range(199, 300):
        expected[t] -= lateral
    for t in (100, 900):
        expected[t] += drive
    assert macs == expected


def test_a_module_that_is_never_called_cannot_be_cut():
    model = network()
    model.spare = torch.nn.Linear(2, 2)
    with pytest.raises(OptionError, match="bl doesn't call spare, so nothing would be cut"):
        rcnnzoo.run(model, IMAGES[:1], lesions=["spare"])


def test_weights_that_end_in_another_way_are_found_out():
    class Ends(RecurrentModel):
        num_steps = 3

        def __init__(self):
            super().__init__()
            self.gains = torch.nn.ParameterList(torch.ones(1) for _ in range(3))

        def begin(self, images):
            return (images.mean((2, 3)),)

        def step(self, state, t):
            return state, state[0] * self.gains[t]

        def features(self, state):
            return state[0]

    assert rcnnzoo.run(Ends(), IMAGES[:2], steps=2).shape == (2, 2, 3)
    with pytest.raises(OptionError, match=r"`steps` 4: Ends can't be run for that many \(index 3 is out of range\)"):
        rcnnzoo.run(Ends(), IMAGES[:2], steps=4)


def test_shapes_that_are_not_images_are_refused():
    with pytest.raises(OptionError, match="images have 3 dimensions"):
        rcnnzoo.run(NETWORKS["bl"], IMAGES[0])
    with pytest.raises(OptionError, match="the images are 12 frames, which set the time steps: leave it out"):
        rcnnzoo.run(NETWORKS["bl"], FRAMES, "image:12")
    with pytest.raises(OptionError, match="`steps`: the images are 12 frames"):
        rcnnzoo.run(NETWORKS["bl"], FRAMES, steps=3)
    with pytest.raises(OptionError, match="the images have no frame"):
        rcnnzoo.run(NETWORKS["bl"], FRAMES[:, :0])
    with pytest.raises(OptionError, match="frames of up to 12 time steps: b has exactly one time step"):
        rcnnzoo.run(NETWORKS["b"], FRAMES)
    with pytest.raises(OptionError, match="1 name for 2 images"):
        rcnnzoo.run(NETWORKS["bl"], IMAGES[:2], "noise:3", names=["a"])

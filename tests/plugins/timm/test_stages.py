"""Networks cut into stages, against their features all at once."""

import pytest
import timm
import torch
from torch import nn

from rcnnzoo_timm.stages import Uncut, cut

SIZE = 64
KINDS = {  # timm's ways to get features, and networks that are awkward in their own way
    "test_resnet": "modules one after the other",
    "test_convnext": "the same, in sequences",
    "test_efficientnet": "a class of its own",
    "test_byobnet": "several blocks a stage",
    "test_nfnet": "activations in place where stages meet",
    "test_vit": "blocks, sizes that are looked at, a feature that is tokens put back in place",
    "test_vit3": "no token beside the patches",
    "test_maxvit": "attention and convolutions",
    "swin_s3_tiny_224": "channels last",
    "hrnet_w18_small": "several maps from stage to stage, in a list",
    "pit_ti_224": "maps and tokens, in a tuple",
}


def uncut(name, **options):
    """A network of timm's, each of its features one of its outputs, with statistics that are not those of the start."""
    if timm.get_pretrained_cfg(name).fixed_input_size:
        options["img_size"] = SIZE
    torch.manual_seed(0)
    number = len(timm.create_model(name, features_only=True, **options).feature_info.info)
    torch.manual_seed(0)
    network = timm.create_model(name, features_only=True, out_indices=tuple(range(number)), **options)
    with torch.no_grad():
        network(noise_images(4))
    return network.eval()


def noise_images(number):
    return torch.randn(number, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def step_by_step(stages, images):
    """What each stage gives, and what it hands on."""
    features, handed_on, state = [], [], (images,)
    for stage in stages:
        *state, feature = stage.run(*state[: stage.taken])
        features.append(feature)
        handed_on.append(tuple(state))
    return features, handed_on


@pytest.mark.parametrize("name", KINDS)
def test_stages_give_what_timm_gives(name):
    images = noise_images(2)
    with torch.no_grad():
        expected = [feature.clone() for feature in uncut(name)(images)]
    stages = cut(uncut(name), SIZE)
    features, _ = step_by_step(stages, images)
    for stage, feature, wanted in zip(stages, features, expected, strict=True):
        torch.testing.assert_close(feature, wanted)
        assert feature.shape[1:] == stage.feature


def test_hooks_that_timm_sets_are_obeyed_and_taken_off():
    """For `expansion` features, a hook is inside a block."""
    network = uncut("test_efficientnet", feature_location="expansion")
    with torch.no_grad():
        expected = [feature.clone() for feature in network(noise_images(2))]
    assert any(module._forward_pre_hooks for module in network.modules())
    features, _ = step_by_step(cut(network, SIZE), noise_images(2))
    for feature, wanted in zip(features, expected, strict=True):
        torch.testing.assert_close(feature, wanted)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize(("name", "tensors"), [("test_resnet", [1, 1, 1, 1, 0]), ("hrnet_w18_small", [1, 3, 2, 1, 0])])
def test_a_stage_hands_on_what_is_needed_and_nothing_else(name, tensors):
    _, handed_on = step_by_step(cut(uncut(name), SIZE), noise_images(1))
    assert [len(state) for state in handed_on] == tensors


class Two(nn.Module):
    """Gives two features; a test says how the second comes from the images and the first."""

    def __init__(self, second):
        super().__init__()
        self.convolve, self.again, self.second = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1), second
        self.act = nn.ReLU(inplace=True)
        self.shift: torch.Tensor
        self.register_buffer("shift", torch.arange(4.0), persistent=False)

    def forward(self, x):
        first = self.convolve(x)
        return [first, self.second(self, x, first)]


class WithPositions(Two):
    """What it adds to tokens does not have one row per image, so a state can't hold it."""

    def forward(self, x):
        images, _, height, _ = x.shape
        shift = (self.shift.cumsum(0) + torch.arange(4))[:, None, None]
        first = (self.convolve(x) + shift).reshape(images, 4, height, -1)
        return [first, self.again((first * shift).reshape(images, 4, -1, height))]


class WithRows(Two):
    """Works on all rows of all images as if these were images."""

    def forward(self, x):
        images = x.shape[0]
        rows = self.convolve(x).permute(0, 2, 1, 3).flatten(0, 1)
        first = rows.unflatten(0, (images, -1))
        return [first, self.again(rows[..., None]).unflatten(0, (images, -1))]


@pytest.mark.parametrize("kind", [WithPositions, WithRows])
def test_what_is_not_a_tensor_of_the_images_is_made_again_where_it_is_needed(kind):
    network = kind(None)
    stages = cut(network, 8)
    assert [stage.taken for stage in stages] == [1, 1]
    network.shift.add_(1)  # nothing of it was taken for a constant
    for number in (1, 3):  # as many images as it was never followed with
        images = torch.randn(number, 3, 8, 8)
        features, handed_on = step_by_step(stages, images)
        assert [len(state) for state in handed_on] == [1, 0]
        for feature, wanted in zip(features, network(images), strict=True):
            torch.testing.assert_close(feature, wanted)


def test_what_a_stage_handed_on_stays_as_it_is():
    """The second feature would overwrite the first here in timm itself."""
    stages = cut(Two(lambda self, x, first: self.act(first)), 8)
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        state, first = stages[0].run(images)
        copy = state.clone()
        (second,) = stages[1].run(state)
    assert torch.equal(state, copy)
    assert torch.equal(second, first.relu())
    assert not torch.equal(second, first)


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (lambda self, x, first: first if first.sum() > 0 else -first, "its computation depends on the images' content"),
        (lambda self, x, first: first if x.shape[0] > 1 else -first, "its computation depends on the number of images"),
        (lambda self, x, first: self.convolve(first[:, :3]), "its stages share weights"),
        (lambda self, x, first: self.shift.sum(), "its feature 2 is not a tensor with one row per image"),
        (lambda self, x, first: (first, first), "it does not give a list of features"),
        (lambda self, x, first: self.again(x), "Invalid channel dimensions"),
    ],
)
def test_what_can_not_be_cut_says_why(second, reason):
    with pytest.raises(Uncut, match=reason):
        cut(Two(second), 8)

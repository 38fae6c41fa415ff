"""Networks that see people's images: the random ones."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import rcnnzoo
from rcnnzoo.data.transforms import to_input
from rcnnzoo.weights.files import weights_hash
from rcnnzoo_behaviour.stimuli import random_twin
from tests.plugins.behaviour.crowd import make_images


def test_a_random_twin_has_other_weights_and_the_images_own_statistics(tmp_path):
    names = make_images(tmp_path)
    model = rcnnzoo.build("bl", categories=3, image_size=8, width=1 / 16, seed=0, steps=3)
    twin = random_twin(model, tmp_path, names, seed=1).cpu()
    assert weights_hash(twin) == weights_hash(random_twin(model, tmp_path, names, seed=1))
    assert weights_hash(twin) != weights_hash(random_twin(model, tmp_path, names, seed=2))
    own, others = (next(net.parameters()) for net in (twin, model))
    assert own.shape == others.shape
    assert not torch.equal(own, others)

    seen = []
    norms = [module for module in twin.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.register_forward_hook(
            lambda norm, inputs, output: seen.append(output.clone())
        )  # before it is rectified in place
    pixels = np.stack([np.asarray(Image.open(tmp_path / name).convert("RGB")) for name in names])
    assert not twin.training
    with torch.inference_mode():
        twin(to_input(torch.from_numpy(pixels).permute(0, 3, 1, 2)))
    assert len(seen) == len(norms) > 10
    for output in seen:  # standardised at each depth and step
        assert output.mean(dim=(0, 2, 3)).abs().max() < 0.05
        varied = output.var(dim=(0, 2, 3))
        assert varied.max() == pytest.approx(1, abs=0.05)

"""Files as the authors publish them: their names and shapes, with random weights that can be drawn again anywhere.

The script that makes the goldens draws the same weights and images for the authors' own code.
"""

from __future__ import annotations

import math

import torch

MAPS = {"Retina": 32, "LGN": 32, "V1": 576, "V2": 480, "V3": 352, "V4": 256, "LOC": 352}
KERNELS = {224: (7, 7, 5, 1, 5, 3, 3, 5), 128: (5, 3, 3, 1, 3, 3, 3, 3)}
LATERAL, SKIP = {224: 5, 128: 3}, {224: 7, 128: 5}
UPSAMPLED = ("LGN", "V4", "LOC")  # where feedback doubles the size, so that a quarter of a kernel adds up


def shapes(categories, image_size, width=1.0):
    """The shape of each tensor in a file, by the authors' name for it."""
    maps = {area: round(number * width) for area, number in MAPS.items()} | {"Readout": categories + 100}
    areas, kernels, found = list(maps), KERNELS[image_size], {}

    def add(name, *shape, biases=None):
        found[f"connections.{name}.weight"] = shape
        found[f"connections.{name}.bias"] = (biases or shape[0],)

    def add_separable(name, inputs, number, kernel):
        add(f"{name}_depthwise", number, inputs // math.gcd(inputs, number), kernel, kernel)
        add(f"{name}_pointwise", number, number, 1, 1)

    for position, area in enumerate(areas[:-1]):
        number, kernel = maps[area], kernels[position]
        add(f"{area}.bu_conv", number, maps[areas[position - 1]] if position else 3, kernel, kernel)
        if position:
            above = kernels[position + 1]
            add(f"{area}.td_conv", maps[areas[position + 1]], number, above, above, biases=number)
        if position > 1:
            add_separable(f"{area}.bu_l_conv", number, number, LATERAL[image_size])
            add_separable(f"{area}.td_l_conv", number, number, LATERAL[image_size])
        add(f"{area}.layer_norm_bu", number)
        add(f"{area}.layer_norm_td", number)
    add_separable("V4.skip_bu", maps["V1"], maps["V4"], SKIP[image_size])
    add_separable("V1.skip_td", maps["V4"], maps["V1"], 3)
    add("Readout.readout_conv", maps["Readout"], maps["LOC"], kernels[-1], kernels[-1])
    add("Readout.layer_norm_td", maps["Readout"])
    return found


def weights(categories=5, image_size=128, width=1.0, seed=0):
    """Random tensors by the authors' names, of a size at which every connection has an effect."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {}
    for name, shape in sorted(shapes(categories, image_size, width).items()):
        area, layer, kind = name.split(".")[1:]
        values = torch.randn(shape, generator=generator)
        if "layer_norm" in layer or kind == "bias":
            drawn[name] = 0.3 * values + (kind == "weight")
        elif layer == "td_conv":
            drawn[name] = values / math.sqrt(shape[0] * shape[2] * shape[3] / (4 if area in UPSAMPLED else 1))
        else:
            drawn[name] = values / math.sqrt(math.prod(shape[1:]))
    return drawn


def images(image_size, number=2, seed=1):
    """Squares of random colours, of 8, 16, ... pixels: [B, 3, H, W] in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for position in range(number):
        side = 8 * 2**position
        squares = torch.rand(3, image_size // side, image_size // side, generator=generator) * 2 - 1
        drawn.append(squares.repeat_interleave(side, 1).repeat_interleave(side, 2))
    return torch.stack(drawn)


GOLDENS = {
    "blt-vs": {"image_size": 128, "timesteps": 6, "bio_unroll": False},
    "blt-vs-biological": {"image_size": 128, "timesteps": 12, "bio_unroll": True},
    "blt-vs-224": {"image_size": 224, "timesteps": 2, "bio_unroll": False},
    "blt-vs-biological-224": {"image_size": 224, "timesteps": 6, "bio_unroll": True},
}
"""What each golden file is of: arguments of the authors' BLT_VS. At 224 pixels, few steps show larger kernels."""


def at_a_place(maps):
    """One value of each map, off its centre: [B, K, H, W] -> [K], of the last image."""
    return maps[-1, :, maps.shape[2] // 2, maps.shape[3] // 3]

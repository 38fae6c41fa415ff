"""Random weights and images that the script of the goldens and the tests both draw, so that none are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """Values for the tensors of the authors' network, by their names, drawn in the order of these.

    Of a size at which all layers have an effect and none lets values grow from pass to pass.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = {}
    for name in sorted(shapes):
        shape, (layer, _, kind) = tuple(shapes[name]), name.rpartition(".")
        if kind == "num_batches_tracked":
            drawn[name] = torch.tensor(1)
        elif kind == "running_var" or (kind == "weight" and len(shape) == 1):
            # Batch norm's statistics here are not those of its inputs, so with larger weights values would grow.
            scale = 0.5 if f"{layer}.running_var" in shapes and kind == "weight" else 1
            drawn[name] = scale * (0.5 + torch.rand(shape, generator=generator))
        elif kind == "weight":
            inputs = torch.Size(shape[1:]).numel()
            drawn[name] = torch.randn(shape, generator=generator) * (2 / inputs) ** 0.5
        else:
            drawn[name] = 0.3 * torch.randn(shape, generator=generator)
    return drawn


def pixels(image_size: int) -> Tensor:
    """Two images of coloured squares, seven by seven: uint8 [2, 3, S, S]."""
    squares = torch.randint(256, (2, 3, 7, 7), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    side = -(-image_size // 7)
    return squares.repeat_interleave(side, 2).repeat_interleave(side, 3)[..., :image_size, :image_size]

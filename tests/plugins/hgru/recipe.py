"""Random weights and images that the script of the goldens and the tests both draw, so that none are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

VECTORS = {"alpha": 0.1, "gamma": 1.0, "kappa": 0.5, "w": 0.5, "mu": 1.0}
"""Means of the parameters with one number per map: the values with which the authors' network begins."""


def weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """Values for the tensors of the authors' network, by their names, drawn in the order of these.

    Of a size at which all of them have an effect and the state neither dies nor grows.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = {}
    for name in sorted(shapes):
        shape, kind = tuple(shapes[name]), name.rpartition(".")[2]
        if kind == "num_batches_tracked":
            drawn[name] = torch.tensor(1)
        elif kind in VECTORS:
            drawn[name] = VECTORS[kind] * (0.5 + torch.rand(shape, generator=generator))
        elif kind == "running_var":
            drawn[name] = 0.5 + torch.rand(shape, generator=generator)
        elif kind == "weight" and len(shape) == 1:
            drawn[name] = 0.3 * (0.5 + torch.rand(shape, generator=generator))
        elif len(shape) > 1:
            inputs = torch.Size(shape[1:]).numel()
            drawn[name] = torch.randn(shape, generator=generator) * 2 * inputs**-0.5
        else:
            drawn[name] = 0.3 * torch.randn(shape, generator=generator)
    return drawn


def pixels(image_size: int) -> Tensor:
    """Two images of squares, four by four, whose red and green are the same: uint8 [2, 3, S, S]."""
    squares = torch.randint(256, (2, 2, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    side = image_size // 4
    return squares[:, [0, 0, 1]].repeat_interleave(side, 2).repeat_interleave(side, 3)

"""Sums of convolutions in bfloat16 on a processor, their weights converted and laid out once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d


class PackedConvolutions:
    """Convolutions whose outputs are added up, as one convolution of their inputs side by side: a sum rounded once.

    The inputs given first say which sizes the layout is for; it serves any others.
    """

    def __init__(self, convolutions: Sequence[nn.Conv2d], inputs: Sequence[Tensor]) -> None:
        weight = torch.cat([convolution.weight for convolution in convolutions], dim=1).bfloat16()
        self.padding = weight.shape[-1] // 2
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        if _can_pack():
            self.weight = _pack(self.weight, self.padding, [len(inputs[0]), weight.shape[1], *inputs[0].shape[2:]])

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """The sum of the convolutions of each input [B, K_in, H, W] -> [B, K, H, W], bfloat16 and channels last."""
        x = torch.cat([each.bfloat16() for each in inputs], dim=1).contiguous(memory_format=torch.channels_last)
        if self.weight.is_mkldnn:
            return _convolve_packed(x, self.weight, self.padding)
        return conv2d(x, self.weight, padding=self.padding)


@cache
def _can_pack() -> bool:
    """Whether torch's private functions for it are there and right; without them each call lays weights out anew."""
    x, weight = torch.ones(1, 16, 3, 3).bfloat16(), torch.ones(16, 16, 3, 3).bfloat16()
    try:
        found = _convolve_packed(x, _pack(weight, 1, x.shape), 1)
    except (AttributeError, RuntimeError, TypeError):
        return False
    return torch.equal(found, conv2d(x, weight, padding=1))


def _pack(weight: Tensor, padding: int, size: Sequence[int]) -> Tensor:
    """A weight in the layout that oneDNN prefers for inputs of a size [B, K_in, H, W]."""
    packed: Tensor = torch.ops.mkldnn._reorder_convolution_weight(weight, [padding] * 2, [1, 1], [1, 1], 1, list(size))
    return packed


def _convolve_packed(x: Tensor, weight: Tensor, padding: int) -> Tensor:
    out: Tensor = torch.ops.mkldnn._convolution_pointwise(
        x, weight, None, [padding] * 2, [1, 1], [1, 1], 1, "none", [], ""
    )
    return out

"""The readout of the authors' published code."""

from __future__ import annotations

import torch
from torch import Tensor


def cumulative_logits(logits: Tensor) -> Tensor:
    """Softmax of the logits summed over all steps so far: [..., T, C] -> [..., T, C].

    Source: `cumulative_readout=True` in cjspoerer/rcnn-sat.
    """
    return torch.softmax(logits.float().cumsum(dim=-2), dim=-1)

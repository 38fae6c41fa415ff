"""The paper's readout."""

from __future__ import annotations

import torch
from torch import Tensor


def cumulative(logits: Tensor) -> Tensor:
    """Mean of the probabilities of all steps so far: [..., T, C] -> [..., T, C].

    Source: Spoerer, Kietzmann & Kriegeskorte 2019, where confidence accumulates over time.
    """
    probabilities = torch.softmax(logits.float(), dim=-1)
    steps = torch.arange(1, logits.shape[-2] + 1, device=logits.device)
    return probabilities.cumsum(dim=-2).div_(steps[:, None])

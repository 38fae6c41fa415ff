"""The category that a readout chooses."""

from __future__ import annotations

import torch
from torch import Tensor


def first_best(probabilities: Tensor) -> Tensor:
    """The most probable category, the lowest index among equals: [..., C] -> [...].

    torch's argmax does not say which of equals it gives; numpy's gives the first, in one pass.

    >>> first_best(torch.tensor([[0.2, 0.4, 0.4], [0.6, 0.1, 0.3]]))
    tensor([1, 0])
    """
    if probabilities.device.type == "cpu" and probabilities.dtype in (torch.float32, torch.float64):
        return torch.as_tensor(probabilities.detach().numpy().argmax(axis=-1))
    count = probabilities.shape[-1]
    best = probabilities == probabilities.amax(dim=-1, keepdim=True)
    return torch.where(best, torch.arange(count, device=best.device), count).amin(dim=-1)

"""The step by itself."""

from __future__ import annotations

import torch
from torch import Tensor


def instantaneous(logits: Tensor) -> Tensor:
    """Softmax of each step's own logits: [..., T, C] -> [..., T, C]."""
    return torch.softmax(logits.float(), dim=-1)

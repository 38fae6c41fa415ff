"""The same number of steps for every image."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor


class FixedSteps:
    """Number of time steps so far: what a network without a rule for stopping does."""

    direction: Literal["below", "above"] = "above"
    unit = "steps"

    def scores(self, probabilities: Tensor) -> Tensor:
        """The number of each step, from 1: [..., T, C] -> [..., T]."""
        shape = probabilities.shape[:-1]
        return torch.arange(1, shape[-1] + 1, dtype=torch.float32, device=probabilities.device).expand(shape)

    def bounds(self, categories: int, steps: int) -> tuple[float, float]:
        """From the first step to the last."""
        return 1.0, float(steps)

"""Confidence in the winner."""

from __future__ import annotations

from typing import Literal

from torch import Tensor


class MaxProb:
    """Probability of the most probable category."""

    direction: Literal["below", "above"] = "above"
    unit = "probability"

    def scores(self, probabilities: Tensor) -> Tensor:
        """The highest probability of each step: [..., T, C] -> [..., T]."""
        return probabilities.amax(dim=-1)

    def bounds(self, categories: int, steps: int) -> tuple[float, float]:
        """From equal probabilities to certainty."""
        return 1 / categories, 1.0

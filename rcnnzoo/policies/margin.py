"""The winner's lead."""

from __future__ import annotations

from typing import Literal

from torch import Tensor


class Margin:
    """Difference between the two highest probabilities."""

    direction: Literal["below", "above"] = "above"
    unit = "probability"

    def scores(self, probabilities: Tensor) -> Tensor:
        """The lead at each step: [..., T, C] -> [..., T]."""
        best = probabilities.topk(2, dim=-1).values
        return best[..., 0] - best[..., 1]

    def bounds(self, categories: int, steps: int) -> tuple[float, float]:
        """From a tie to certainty."""
        return 0.0, 1.0

"""What an exit policy is."""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor


class ExitPolicy(Protocol):
    """A causal score and a direction.

    Attributes:
        direction: The side of a threshold on which the network is sure: it stops at the first step whose score is at
            or "below" (or "above") it.
        unit: Unit of scores and thresholds, for people.
    """

    direction: Literal["below", "above"]
    unit: str

    def scores(self, probabilities: Tensor) -> Tensor:
        """Score of each step: [..., T, C] -> [..., T]; a step's score depends on no later one."""
        ...

    def bounds(self, categories: int, steps: int) -> tuple[float, float]:
        """The lowest and the highest threshold that make sense; -inf and inf are allowed too."""
        ...

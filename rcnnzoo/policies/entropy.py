"""The paper's policy."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor


class Entropy:
    """Shannon entropy of the readout, in nats: 0 when certain, log C when all categories are equally likely.

    Source: Spoerer, Kietzmann & Kriegeskorte 2019.
    """

    direction: Literal["below", "above"] = "below"
    unit = "nats"

    def scores(self, probabilities: Tensor) -> Tensor:
        """Entropy of each step by itself: [..., T, C] -> [..., T]."""
        entropies: Tensor = torch.special.entr(probabilities).sum(dim=-1)
        return entropies

    def bounds(self, categories: int, steps: int) -> tuple[float, float]:
        """From certainty to equal probabilities."""
        return 0.0, math.log(categories)

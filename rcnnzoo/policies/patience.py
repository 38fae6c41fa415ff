"""How long the winner has been the same."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from rcnnzoo.readouts.best import first_best


class Patience:
    """Number of steps in a row, this one included, in which the same category was the most probable.

    Source: Zhou et al. 2020, BERT loses patience (there counted from the second step on).
    """

    direction: Literal["below", "above"] = "above"
    unit = "steps"

    def scores(self, probabilities: Tensor) -> Tensor:
        """1 at a step with a new winner, otherwise one more than before: [..., T, C] -> [..., T]."""
        winners = first_best(probabilities)
        places = torch.arange(1, winners.shape[-1] + 1, device=winners.device).expand(winners.shape)
        new = torch.ones_like(winners, dtype=torch.bool)
        new[..., 1:] = winners[..., 1:] != winners[..., :-1]
        since = torch.where(new, places, 0).cummax(dim=-1).values
        return (places - since + 1).to(torch.float32)

    def bounds(self, categories: int, steps: int) -> tuple[float, float]:
        """From stopping at once to the same winner at all steps."""
        return 1.0, float(steps)

"""Readouts by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import Tensor

from rcnnzoo import plugins

DEFAULT = "cumulative"


def readout(name: str = DEFAULT) -> Callable[[Tensor], Tensor]:
    """The readout of that name: a function, logits [..., T, C] -> probabilities [..., T, C].

    Raises:
        UnknownName: There is no such readout.

    >>> import torch
    >>> logits = torch.log(torch.tensor([[0.5, 0.5], [1.0, 3.0]]))
    >>> readout("cumulative")(logits)
    tensor([[0.5000, 0.5000],
            [0.3750, 0.6250]])
    """
    return cast(Callable[[Tensor], Tensor], plugins.look_up("readouts", name).load())

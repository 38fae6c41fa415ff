"""Multiply-accumulates a time step, counted by ptflops at the level of operators (its `aten` backend)."""

from __future__ import annotations

from copy import deepcopy

import torch
from ptflops.aten_engine import FlopCounterMode

from rcnnzoo.architectures.contract import RecurrentModel


def macs_per_step(model: RecurrentModel) -> list[int]:
    """MACs of convolutions and classifiers for one image, at each step; `begin` counts towards the first.

    The pass runs on torch's `meta` device, which computes shapes and no values, so it takes no time to speak of.

    >>> from rcnnzoo.architectures.build import build
    >>> first, later = macs_per_step(build("bl", categories=1000, steps=2))
    >>> f"{first / 1e9:.3f} G, then {later / 1e9:.3f} G"
    '1.991 G, then 11.645 G'
    """
    size = model.metadata["options"]["image_size"]
    network = deepcopy(model).to("meta").eval()
    macs = []
    with torch.no_grad():
        counter = FlopCounterMode()
        with counter:
            state = network.begin(torch.empty(1, 3, size, size, device="meta"))
        beginning = counter.complexity
        for t in range(network.num_steps):
            counter = FlopCounterMode()
            with counter:
                state, _ = network.step(state, t)
            macs.append(int(counter.complexity))
    macs[0] += int(beginning)
    return macs

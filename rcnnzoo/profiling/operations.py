"""Multiply-accumulates a time step, counted by ptflops at the level of operators (its `aten` backend)."""

from __future__ import annotations

import torch
from ptflops.aten_engine import FlopCounterMode

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.profiling.shapes import blank_image, without_values


def macs_per_step(model: RecurrentModel) -> list[int]:
    """MACs of convolutions and classifiers for one image, at each step; `begin` counts towards the first.

    >>> from rcnnzoo.architectures.build import build
    >>> first, later = macs_per_step(build("bl", categories=1000, steps=2))
    >>> f"{first / 1e9:.3f} G, then {later / 1e9:.3f} G"
    '1.991 G, then 11.645 G'
    """
    network = without_values(model)
    macs = []
    with torch.no_grad():
        counter = FlopCounterMode()
        with counter:
            state = network.begin(blank_image(model))
        beginning = counter.complexity
        for t in range(network.num_steps):
            counter = FlopCounterMode()
            with counter:
                state, _ = network.step(state, t)
            macs.append(int(counter.complexity))
    macs[0] += int(beginning)
    return macs

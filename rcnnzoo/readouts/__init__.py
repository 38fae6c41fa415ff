"""Readouts: rules by which logits become category probabilities at a step.

A readout is a function, logits [..., T, C] -> probabilities [..., T, C] in float32. It is causal: what it gives for
a step does not depend on later ones. This module is the plugin that registers the built-in ones.
"""

from __future__ import annotations

from rcnnzoo.hookspecs import Readout, hookimpl


@hookimpl
def rcnnzoo_readouts() -> list[Readout]:
    """The readouts of the paper, of the authors' published code, and of the step by itself."""
    here = "rcnnzoo.readouts"
    return [
        Readout("cumulative", "mean probability of all steps so far", f"{here}.cumulative:cumulative"),
        Readout("instantaneous", "this step alone", f"{here}.instantaneous:instantaneous"),
        Readout(
            "cumulative-logits",
            "softmax of the summed logits so far",
            f"{here}.cumulative_logits:cumulative_logits",
        ),
    ]

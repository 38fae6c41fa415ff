"""Exit policies: rules by which a network stops as soon as it is sure.

A policy gives a causal score of a readout's probabilities, and the side of a threshold on which the network is sure:
it stops at the first step whose score is at or beyond the threshold on that side, else at its last. What a policy must
be is in `policies.contract`. This module is the plugin that registers the built-in ones.
"""

from __future__ import annotations

from rcnnzoo.hookspecs import Policy, hookimpl


@hookimpl
def rcnnzoo_policies() -> list[Policy]:
    """The paper's entropy, and the usual alternatives."""
    here = "rcnnzoo.policies"
    return [
        Policy("entropy", "entropy of the probabilities, in nats", f"{here}.entropy:Entropy"),
        Policy("max-prob", "probability of the most probable category", f"{here}.max_prob:MaxProb"),
        Policy("margin", "lead of the most probable category over the next", f"{here}.margin:Margin"),
        Policy("patience", "steps in a row with the same most probable category", f"{here}.patience:Patience"),
        Policy("fixed-steps", "a number of time steps, the same for every image", f"{here}.fixed_steps:FixedSteps"),
    ]

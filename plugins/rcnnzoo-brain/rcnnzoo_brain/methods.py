"""The paragraph for a paper."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from rcnnzoo_brain.entries import Network, Options
from rcnnzoo_brain.inference import EXACT
from rcnnzoo_brain.reading import Brain


def methods(
    brain: Brain, networks: Sequence[Network], controls: Sequence[str], images: Sequence[str], options: Options
) -> str:
    """A paragraph for a paper."""
    states = sum(int(np.isfinite(network.correlations).all(axis=(0, 3)).sum()) for network in networks)
    seeds = max(len(network.members) for network in networks)
    number = len(brain.subjects)
    number_of_subjects = f"{number} subject{'s' * (number != 1)}"
    parts = [
        f"Dissimilarities of {len(images)} images ({options.metric}) were computed from the activations of "
        f"{', '.join(network.name for network in networks)} at each layer and time step ({states} in all), and "
        f"compared with those of {number_of_subjects} by {options.method} (rsatoolbox "
        f"{version('rsatoolbox')}{f', {len(brain.times)} times' if brain.times else ''})."
    ]
    if brain.sessions.shape[1] > 1:
        parts.append(f"Dissimilarities were averaged over {brain.sessions.shape[1]} sessions.")
    if seeds > 1:
        parts.append("Correlations were averaged over training seeds of a network.")
    if controls:
        what = "taken out of both by partial correlation" if options.partial else "compared in the same way"
        parts.append(f"Models of {', '.join(controls)} were {what}.")
    if number > 1:
        parts.append(
            "Subjects were the random factor: signs of their correlations were flipped"
            f"{'' if number <= EXACT else f' in {options.flips:,} random patterns'}, and p values corrected over all "
            "layers, steps and times of a network by the largest mean (one-sided; differences from the first step "
            "two-sided). Noise ceilings are those of Nili et al. (2014). Networks and models were compared two-sided "
            "at the state that was best for the other subjects, with Holm's correction."
        )
    if options.bootstraps and number > 1 and not options.partial:
        parts.append(
            f"Intervals are from {options.bootstraps:,} bootstrap samples of subjects and images (Schütt et al. 2023); "
            "they are of the best state, which was chosen on the same data."
        )
    parts.append(f"rcnnzoo {version('rcnnzoo')}.")
    return " ".join(parts) + "\n"

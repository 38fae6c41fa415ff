"""The score of each image and step, and whether the network would be right if it stopped there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import xarray as xr

from rcnnzoo.analysis.traces import in_blocks
from rcnnzoo.errors import TraceError
from rcnnzoo.policies.checks import checked_scores
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.readouts.best import first_best
from rcnnzoo.readouts.lookup import readout as look_up_readout


@dataclass(frozen=True)
class Outcomes:
    """A trace as a policy and a readout see it.

    Attributes:
        scores: The policy's score of each image and step, float32 [N, T].
        right: Whether the most probable category, the lowest index among equals, is the true one; bool [N, T].
        macs: Multiply-accumulates up to and including each step, int64 [T].
        below: Whether the network is sure at or below a threshold; otherwise at or above it.
    """

    scores: npt.NDArray[np.float32]
    right: npt.NDArray[np.bool_]
    macs: npt.NDArray[np.int64]
    below: bool

    @property
    def doubt(self) -> npt.NDArray[np.float32]:
        """The scores turned so that low is sure, [N, T]."""
        return self.scores if self.below else -self.scores

    def exits(self, threshold: float) -> npt.NDArray[np.int64]:
        """The step, from 0, at which each image stops by a threshold, [N]."""
        sure = self.doubt <= np.float32(threshold if self.below else -threshold)
        sure[:, -1] = True
        steps: npt.NDArray[np.int64] = sure.argmax(axis=1)
        return steps

    def of(self, images: npt.NDArray[np.int64]) -> Outcomes:
        """The same for some images, by their numbers; a number may occur more than once."""
        return replace(self, scores=self.scores[images], right=self.right[images])


def find_outcomes(trace: xr.Dataset, policy: str, readout: str) -> Outcomes:
    """Scores and right answers of every image and step of a trace, which is read in blocks.

    Raises:
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.
    """
    return find_outcomes_of_all(trace, [policy], readout)[policy]


def find_outcomes_of_all(trace: xr.Dataset, policies: Sequence[str], readout: str) -> dict[str, Outcomes]:
    """The same for several policies, by name, from reading the trace once.

    Raises:
        UnknownName: There is no such policy or readout.
        PluginError: A policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.
    """
    images, steps, _ = trace["logits"].shape
    if not images:
        raise TraceError("the trace has no images: nothing to measure")
    rules, probabilities_of = {name: look_up_policy(name) for name in policies}, look_up_readout(readout)
    # Filled in place: small arrays kept between the large ones of a block would split the heap, and memory would grow.
    scores = {name: np.empty((images, steps), dtype=np.float32) for name in policies}
    right = np.empty((images, steps), dtype=np.bool_)
    start = 0
    for logits, labels in in_blocks(trace):
        probabilities = probabilities_of(logits)
        here = slice(start, start + len(labels))
        for name, rule in rules.items():
            scores[name][here] = checked_scores(rule, probabilities, name)
        right[here] = first_best(probabilities) == labels[:, None]
        start += len(labels)
    costs = np.cumsum(trace["macs"].to_numpy())
    return {name: Outcomes(scores[name], right, costs, rule.direction == "below") for name, rule in rules.items()}

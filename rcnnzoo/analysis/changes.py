"""What changes as a threshold lets images stop earlier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcnnzoo.analysis.outcomes import Outcomes

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Changes:
    """All events between no image stopping before the last step and all images stopping at the first.

    An event is an image that now stops at an earlier step than before. K thresholds have events, E in all.

    Attributes:
        thresholds: Where something changes, the strictest first, in scores turned so that low is sure, [K].
        starts: The first event of each threshold, [K].
        image: The image of each event, [E].
        right: Change in the number of right answers: 1, 0 or -1, [E].
        steps: Change in the steps, [E].
        macs: Change in the multiply-accumulates, [E].
        right_at_last: Whether each image is right at the last step, [N].
        last_step: Number of the last step.
        last_macs: Multiply-accumulates of all steps.
    """

    thresholds: npt.NDArray[np.float32]
    starts: Integers
    image: Integers
    right: Integers
    steps: Integers
    macs: Integers
    right_at_last: Integers
    last_step: int
    last_macs: int

    def totals(self, at_last: int, added: Integers) -> Integers:
        """A sum over images before and after each threshold: its value at the last step and [E] -> [K + 1]."""
        by_threshold = np.add.reduceat(added, self.starts) if len(self.starts) else added
        return at_last + np.concatenate([[0], np.cumsum(by_threshold)])

    def accuracy_by_cost(self, counts: Integers) -> tuple[Floats, Floats]:
        """The curve of images with these counts, [N]: mean MACs, rising, and accuracy, both [K + 1]."""
        images, weights = counts.sum(), counts[self.image]
        cost = self.totals(int(images) * self.last_macs, weights * self.macs)
        right = self.totals(int(counts @ self.right_at_last), weights * self.right)
        return cost[::-1] / images, right[::-1] / images


def changes_of(outcomes: Outcomes) -> Changes:
    """All events of a trace, sorted by threshold.

    An image stops at the first step whose doubt is at or below the threshold. As the threshold rises, that step
    changes only where the doubt is lower than at all steps before; every image stops at the last step.
    """
    doubt, right, macs = outcomes.doubt, outcomes.right.astype(np.int64), outcomes.macs
    images, steps = doubt.shape
    least_before = np.minimum.accumulate(
        np.concatenate([np.full((images, 1), np.inf, dtype=np.float32), doubt[:, :-1]], axis=1), axis=1
    )
    record = doubt < least_before
    record[:, -1] = True
    record[:, 0] = True  # an infinite doubt is not below infinity, but at the first step it counts
    image, step = np.nonzero(record)
    following = np.concatenate([step[1:], [0]])
    leaves_early = step < steps - 1
    image, step, before = image[leaves_early], step[leaves_early], following[leaves_early]
    order = np.argsort(doubt[image, step], kind="stable")
    image, step, before = image[order], step[order], before[order]
    thresholds, starts = np.unique(doubt[image, step], return_index=True)
    return Changes(
        thresholds,
        starts,
        image,
        right=right[image, step] - right[image, before],
        steps=step - before,
        macs=macs[step] - macs[before],
        right_at_last=right[:, -1],
        last_step=steps,
        last_macs=int(macs[-1]),
    )

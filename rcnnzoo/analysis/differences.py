"""Mean differences between networks that saw the same images, with intervals over seeds and over images.

Letters of shapes: N images, S seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from rcnnzoo.analysis.bands import accuracy_at, resampled_accuracy_at
from rcnnzoo.analysis.changes import changes_of
from rcnnzoo.analysis.comparison import mcnemar
from rcnnzoo.analysis.intervals import LEVEL, Bootstrap, mean_of_seeds, percentiles
from rcnnzoo.analysis.outcomes import Outcomes

Floats = npt.NDArray[np.floating[Any]]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """A mean difference, and how much it would vary.

    Attributes:
        mean: Over seeds and images.
        seeds: Its 95 % interval over seeds (Student's t), if there are several.
        images: Its 95 % interval over images.
        p: With one seed, of an exact test against 0, where there is one.
    """

    mean: float
    seeds: tuple[float, float] | None
    images: tuple[float, float]
    p: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Of the interval that decides: over seeds where it is known."""
        return self.seeds or self.images

    @property
    def sign(self) -> int:
        """1 if it is above 0 by more than chance, -1 if below, else 0."""
        if self.seeds is None and self.p is not None and self.p > 1 - LEVEL:
            return 0
        low, high = self.ends
        return int(low > 0) - int(high < 0)


def of_means(values: Sequence[Floats]) -> Difference:
    """The mean of a quantity of each image, [N] for each seed.

    The interval over images is that of the mean over seeds: normal, from the standard error over images.
    """
    table = np.stack(values)  # [S, N]
    by_image = table.mean(axis=0)
    half = norm.ppf((1 + LEVEL) / 2) * by_image.std(ddof=1) / np.sqrt(len(by_image))
    mean = float(table.mean())
    return Difference(mean, _over_seeds(table.mean(axis=1)), (mean - half, mean + half))


def of_accuracies(pairs: Sequence[tuple[Truths, Truths]]) -> Difference:
    """Accuracy of the first minus that of the second, from right answers, [N] each, of a pair for each seed.

    With one seed the test is McNemar's exact one.
    """
    found = of_means([a.astype(np.float64) - b for a, b in pairs])
    if len(pairs) > 1:
        return found
    ((a, b),) = pairs
    return Difference(found.mean, None, found.images, mcnemar(a, b)["p"])


def of_groups(values: Sequence[Floats], groups: Sequence[Truths]) -> Difference:
    """The mean of a quantity on the images of a group minus that on the others, [N] and [N] for each seed.

    The interval over images follows from each image's influence on that difference.
    """
    influences = []
    for value, group in zip(values, groups, strict=True):
        share, inside, outside = group.mean(), value[group].mean(), value[~group].mean()
        influence = np.where(group, (value - inside) / share, -(value - outside) / (1 - share))
        influences.append(inside - outside + influence)
    return of_means(influences)


def at_equal_cost(pairs: Sequence[tuple[Outcomes, Outcomes]], cost: float, bootstrap: Bootstrap) -> Difference:
    """Accuracy of the first minus that of the second at one mean cost in MACs, of a pair for each seed.

    The interval over images is a paired bootstrap of both curves, averaged over seeds.
    """
    costs = [cost]
    changes = [(changes_of(a), changes_of(b)) for a, b in pairs]
    found = [float((accuracy_at(a, costs) - accuracy_at(b, costs))[0]) for a, b in changes]
    resampled = [
        resampled_accuracy_at(a, costs, bootstrap) - resampled_accuracy_at(b, costs, bootstrap) for a, b in changes
    ]
    low, high = percentiles(np.mean(resampled, axis=0))
    return Difference(float(np.mean(found)), _over_seeds(np.array(found)), (float(low[0]), float(high[0])))


def _over_seeds(means: Floats) -> tuple[float, float] | None:
    if len(means) < 2:
        return None
    _, low, high = mean_of_seeds(means)
    return float(low), float(high)

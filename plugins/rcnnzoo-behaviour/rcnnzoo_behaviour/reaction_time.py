"""Finer readings of a time course than whole steps, which tie; they give feedforward networks a fair entry as well.

Letters of shapes: N images, T time steps, R repeats of cross-validation, Q thresholds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from rcnnzoo_behaviour.fitting import Floats, Integers

IGNORANCE = float(np.log(2))
"""Entropy in nats before the first step: animate and inanimate are equally likely."""
QUANTILES = 64
"""Thresholds to choose from for graded times: evenly spaced quantiles of all entropies, and minus infinity."""


def graded_times(entropies: Floats, threshold: float) -> Floats:
    """When entropy crosses the threshold, on a straight line from step to step: [N, T] -> [N].

    Time 0 is ignorance. Of an image that crosses in step t the time lies between t - 1 and t; of one that never
    crosses it is T.

    >>> graded_times(np.array([[0.6, 0.2], [0.6, 0.5]]), 0.4).round(6).tolist()
    [1.5, 2.0]
    """
    images, steps = entropies.shape
    crossed = entropies <= threshold
    step = crossed.argmax(axis=1)
    before = np.concatenate([np.full((images, 1), IGNORANCE), entropies], axis=1)[np.arange(images), step]
    after = entropies[np.arange(images), step]
    falls = before > after
    part = np.divide(before - threshold, before - after, where=falls, out=np.ones(images))
    return np.where(crossed.any(axis=1), step + np.clip(part, 0, 1), float(steps))


def read_graded(entropies: Floats, uncertainty: npt.ArrayLike, folds: Integers) -> tuple[Floats, Floats]:
    """Graded times at cross-validated thresholds: times, and midranks within folds as in `Reading`; both [R, N].

    As in `read`, the lowest of the best thresholds wins, and unless one is better than 0 all run to the last step.
    """
    doubt = np.asarray(uncertainty)
    quantiles = np.unique(np.quantile(entropies, np.linspace(0, 1, QUANTILES + 2)[1:-1]))
    candidates = np.stack([graded_times(entropies, threshold) for threshold in (-np.inf, *quantiles)], axis=1)  # [N, Q]
    times, standardised = np.empty(folds.shape), np.empty(folds.shape)
    for repeat, fold in enumerate(folds):
        for left_out in range(fold.max() + 1):
            here = fold == left_out
            correlations = _correlations(candidates[~here], doubt[~here])
            chosen = candidates[here, correlations.argmax()]
            times[repeat, here] = chosen
            standardised[repeat, here] = (rankdata(chosen) - 0.5) / here.sum()
    return times, standardised


def _correlations(candidates: Floats, uncertainty: Floats) -> Floats:
    """Spearman's of each column; 0 where all are equal."""
    ranks = rankdata(candidates, axis=0) - (len(candidates) + 1) / 2
    of_people = rankdata(uncertainty) - (len(candidates) + 1) / 2
    scale = np.sqrt((ranks**2).sum(axis=0) * (of_people**2).sum())
    correlations: Floats = np.divide(of_people @ ranks, scale, where=scale > 0, out=np.zeros(candidates.shape[1]))
    return correlations


def area_under(entropies: Floats) -> Floats:
    """Mean entropy over the steps, in nats: the area under the uncertainty curve, [N, T] -> [N]; nothing is fitted."""
    area: Floats = entropies.mean(axis=1)
    return area


def tied_share(values: npt.ArrayLike) -> float:
    """Share of pairs of images whose values are equal.

    >>> tied_share([1, 1, 2, 3]).__round__(4)
    0.1667
    """
    counts = np.unique(np.asarray(values), return_counts=True)[1]
    return float((counts * (counts - 1)).sum() / (counts.sum() * (counts.sum() - 1)))

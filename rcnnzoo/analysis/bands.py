"""How much a speed-accuracy curve would vary with other images of the same kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rcnnzoo.analysis.changes import Changes, Floats, changes_of
from rcnnzoo.analysis.intervals import Bootstrap, percentiles
from rcnnzoo.analysis.outcomes import Outcomes

POINTS = 201
"""Number of costs at which a band is given."""


def accuracy_at(changes: Changes, costs: Sequence[float] | Floats) -> Floats:
    """Accuracy at each mean cost in MACs, [G]: linear between the curve's points.

    A point in between is reached by using one neighbour's threshold for a random part of the images, and
    the other's for the rest.
    """
    everyone = np.ones(len(changes.right_at_last), dtype=np.int64)
    return np.interp(costs, *changes.accuracy_by_cost(everyone))


def resampled_accuracy_at(changes: Changes, costs: Sequence[float] | Floats, bootstrap: Bootstrap) -> Floats:
    """The same for each resample of the images, whose curve is computed again: [resamples, G]."""
    draws = bootstrap.draws(len(changes.right_at_last))
    return np.stack([np.interp(costs, *changes.accuracy_by_cost(counts)) for counts in draws])


def band_of(outcomes: Outcomes, bootstrap: Bootstrap) -> pd.DataFrame:
    """A pointwise 95 % band of accuracy along mean cost: `mean_macs, accuracy, low, high`.

    It says, for each cost separately, how much accuracy would vary with other images of the same kind; not that a whole
    curve is inside, nor what other weights would do. Every curve runs from the first step's cost to the last's, so
    the band does as well.
    """
    costs = np.unique(np.linspace(outcomes.macs[0], outcomes.macs[-1], POINTS))
    changes = changes_of(outcomes)
    low, high = percentiles(resampled_accuracy_at(changes, costs, bootstrap))
    return pd.DataFrame({"mean_macs": costs, "accuracy": accuracy_at(changes, costs), "low": low, "high": high})

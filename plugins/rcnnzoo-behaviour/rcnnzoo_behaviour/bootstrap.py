"""Bootstrap intervals over images, all thresholds fitted anew.

An image's copies share its fold, so that none is left out of the fit to its twin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcnnzoo_behaviour.fitting import Courses, Floats, Integers, correlate_again

Advance = Callable[[int], None] | None
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A percentile interval: its ends, and the bootstrap's values [P]."""

    low: float
    high: float
    values: Floats


def bootstrap_interval(
    courses: Courses,
    uncertainty: npt.ArrayLike,
    folds: Integers,
    number: int,
    seed: int,
    advance: Advance = None,
) -> Interval:
    """The 95 % interval of a network's correlation.

    Args:
        courses: Of the images, in their order.
        uncertainty: Of each image, [N].
        folds: Fold of each image in each repeat, [R, N].
        number: Samples of images.
        seed: Of the samples; the same seed gives the same samples.
        advance: Told how many are done.
    """
    copies = draw_copies(folds.shape[1], number, seed)
    return percentiles(correlate_again(courses, uncertainty, folds, weights=copies, advance=advance))


def bootstrap_difference(
    first: Courses,
    second: Courses,
    uncertainty: npt.ArrayLike,
    folds: Integers,
    number: int,
    seed: int,
    advance: Advance = None,
) -> Interval:
    """The 95 % interval of the difference between two networks' correlations, each sample the same for both."""
    one = bootstrap_interval(first, uncertainty, folds, number, seed, advance)
    other = bootstrap_interval(second, uncertainty, folds, number, seed, advance)
    return percentiles(one.values - other.values)


def draw_copies(images: int, number: int, seed: int) -> Floats:
    """How often each image is drawn in each sample: [P, N]."""
    random = np.random.default_rng(seed)
    return random.multinomial(images, np.full(images, 1 / images), size=number).astype(np.float64)


def percentiles(values: Floats) -> Interval:
    """The middle 95 % of a bootstrap's values."""
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high), values)

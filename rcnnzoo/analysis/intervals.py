"""Uncertainty from the number of images: 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, t

LEVEL = 0.95


def wilson(right: int, images: int) -> tuple[float, float]:
    """The Wilson interval of a proportion of images.

    >>> low, high = wilson(5, 10)
    >>> f"{low:.3f} to {high:.3f}"
    '0.237 to 0.763'
    """
    interval = binomtest(right, images).proportion_ci(LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def mean_of_seeds(values: npt.ArrayLike) -> tuple[Any, Any, Any]:
    """Mean over networks that differ in their seed, and its 95 % interval by Student's t; NaN for a single network.

    Args:
        values: A number for each network, [S], or several, [S, ...].

    Returns:
        Mean, lower and upper end: numbers, or arrays [...].

    >>> mean, low, high = mean_of_seeds([0.70, 0.72, 0.74])  # standard error 0.0115, t of 2 degrees of freedom 4.303
    >>> f"{mean:.2f}, {low:.3f} to {high:.3f}"
    '0.72, 0.670 to 0.770'
    """
    found = np.asarray(values, dtype=np.float64)
    number, mean = len(found), found.mean(axis=0)
    if number < 2:
        return mean, mean * np.nan, mean * np.nan
    half = t.ppf((1 + LEVEL) / 2, number - 1) * found.std(axis=0, ddof=1) / np.sqrt(number)
    return mean, mean - half, mean + half


@dataclass(frozen=True)
class Bootstrap:
    """As many images as there are, drawn again with replacement.

    Attributes:
        resamples: Number of resamples.
        seed: Random seed. The same seed draws the same images for every network, so that differences are paired.
    """

    resamples: int = 1000
    seed: int = 0

    def draws(self, images: int) -> Iterator[npt.NDArray[np.int64]]:
        """How often each image was drawn, [N], one resample at a time."""
        random = np.random.default_rng(self.seed)
        for _ in range(self.resamples):
            yield np.bincount(random.integers(images, size=images), minlength=images)


def percentiles(resampled: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The ends of the percentile interval of each quantity: [resamples, ...] -> twice [...].

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high

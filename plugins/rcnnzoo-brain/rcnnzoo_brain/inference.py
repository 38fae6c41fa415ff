"""Tests over subjects by flipping signs, corrected by the largest statistic."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
EXACT = 12
"""Subjects up to which all patterns of signs are tried."""


def signs(subjects: int, flips: int, seed: int) -> Floats:
    """Patterns of signs of the subjects, [flips, subject], the observed one first; all of them where they are few."""
    if subjects <= EXACT:
        return np.array(list(product((1.0, -1.0), repeat=subjects)))
    random = np.random.default_rng(seed)
    return np.vstack([np.ones(subjects), random.choice((-1.0, 1.0), size=(flips - 1, subjects))])


def flip_signs(values: Floats, flips: int = 10_000, seed: int = 0, *, two_sided: bool = False) -> tuple[Floats, Floats]:
    """Whether the mean over subjects is above zero, for each of several measures: p values, and corrected ones.

    Under the hypothesis that a subject's values are as likely to have the other sign, all patterns of signs are alike.
    The corrected p of a measure is the share of patterns in which the largest mean of all measures is at least its own
    (Nichols & Holmes 2002, doi 10.1002/hbm.1058), so with few subjects it can't be small: of S subjects 2^-S at least.

    Args:
        values: [subject, ...]; NaN where a measure is not there.
        flips: Patterns that are drawn where there are too many to try all.
        seed: Random seed of these.
        two_sided: Whether means below zero count as well.

    Returns:
        Twice [...]; NaN where a measure is not there, or there is a single subject.
    """
    subjects, shape = len(values), values.shape[1:]
    flat = values.reshape(subjects, -1)
    there = np.isfinite(flat).all(axis=0)
    p, corrected = np.full(flat.shape[1], np.nan), np.full(flat.shape[1], np.nan)
    if subjects > 1 and there.any():
        means = signs(subjects, flips, seed) @ flat[:, there] / subjects
        if two_sided:
            means = np.abs(means)
        least = means[0] - 1e-12  # sums in another order
        p[there] = (means >= least).mean(axis=0)
        corrected[there] = (means.max(axis=1)[:, None] >= least).mean(axis=0)
    return p.reshape(shape), corrected.reshape(shape)

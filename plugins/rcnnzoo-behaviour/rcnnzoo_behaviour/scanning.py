"""The loops that fitting thresholds comes down to, compiled by numba.

Letters of shapes: N images, M time courses, T time steps, E events, R repeats, K folds, P rearrangements.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

Array = Any
"""numba infers what each array holds."""

compiled = numba.njit(nogil=True, cache=True)


@compiled
def fit_threshold(step: Array, course: Array, value: Array, steps: int, weights: Array, ranks: Array) -> float:
    """The threshold with the highest Spearman correlation, from one pass over the events of a rising threshold.

    With A[t] the number of images that take longer than t steps and B[t] the sum of their centred ranks of uncertainty,
    the covariance of ranks is half the sum over t of B[t] (A[t-1] - A[t+1]), and 12 times the sum of squares of the
    ranks of reaction times is N^3 less the cubes of the numbers that tie, A[t-1] - A[t]. An event changes one A and one
    B. All are sums of integers and halves, exact in floats.

    Args:
        step: Of each event, from 0, [E].
        course: Of each event, [E].
        value: Entropy of each event, ascending, [E].
        steps: T.
        weights: How many images show each course, [M].
        ranks: The sum of their centred midranks of uncertainty, [M].

    Returns:
        The lowest threshold among the best; minus infinity (no image stops before the last step, correlation 0) unless
        another is better.
    """
    longer, rank_sums = np.zeros(steps + 1), np.zeros(steps + 1)
    longer[:steps] = weights.sum()
    covariance = squares = best = 0.0  # twice the covariance; 12 times the sum of squares
    threshold = -np.inf
    for event in range(len(value)):
        moved = weights[course[event]]
        if moved > 0:
            moved_ranks, t = ranks[course[event]], step[event] + 1
            span = longer[t - 1] - longer[t + 1]
            covariance += moved * (rank_sums[t - 1] - rank_sums[t + 1]) - moved_ranks * span
            squares += 3 * moved * span * (2 * longer[t] - longer[t - 1] - longer[t + 1] - moved)
            longer[t] -= moved
            rank_sums[t] -= moved_ranks
        if event + 1 < len(value) and value[event + 1] == value[event]:
            continue  # no threshold lies between equals
        if covariance > 0 and squares > 0:
            correlation = covariance / np.sqrt(squares)
            if correlation > best:
                best, threshold = correlation, value[event]
    return threshold


@compiled
def midranks(level: Array, weights: Array, part: Array, number: int) -> Array:
    """Midranks of `number` levels among the images of a part, with weights as copies: [number]."""
    counts = np.zeros(number)
    for image in range(len(level)):
        if part[image]:
            counts[level[image]] += weights[image]
    ranks, below = np.empty(number), 0.0
    for place in range(number):
        ranks[place] = below + (counts[place] + 1) / 2
        below += counts[place]
    return ranks


@compiled
def pearson(x: Array, y: Array, weights: Array) -> float:
    """Pearson correlation with weights as copies; 0 where either is constant."""
    total = weights.sum()
    x, y = x - (weights * x).sum() / total, y - (weights * y).sum() / total
    xx, yy = (weights * x * x).sum(), (weights * y * y).sum()
    if xx <= 1e-9 * total or yy <= 1e-9 * total:
        return 0.0
    correlation: float = (weights * x * y).sum() / np.sqrt(xx * yy)
    return correlation


@compiled
def read_repeat(
    step: Array,
    course: Array,
    value: Array,
    least: Array,
    level: Array,
    fold: Array,
    weights: Array,
    shown: Array,
) -> tuple[Array, Array, Array, float]:
    """One cross-validation: thresholds [K], reaction times [N], standardised ranks [N], correlation.

    Args:
        step: Of each event, [E].
        course: Of each event, [E].
        value: Entropy of each event, [E].
        least: Least entropy up to each step but the last, [M, T - 1].
        level: Place of each image's uncertainty among the distinct ones, [N].
        fold: Of each image, [N].
        weights: Copies of each image, [N].
        shown: Course that each image shows, [N].
    """
    images, (courses, early) = len(level), least.shape
    number, folds = level.max() + 1, fold.max() + 1
    thresholds = np.empty(folds)
    times = np.empty(images, dtype=np.int64)
    standardised = np.zeros(images)
    for left_out in range(folds):
        here = fold == left_out
        of_level = midranks(level, weights, ~here, number)
        course_weights, course_ranks = np.zeros(courses), np.zeros(courses)
        mean = (weights[~here].sum() + 1) / 2
        for image in range(images):
            if not here[image]:
                course_weights[shown[image]] += weights[image]
                course_ranks[shown[image]] += weights[image] * (of_level[level[image]] - mean)
        threshold = fit_threshold(step, course, value, early + 1, course_weights, course_ranks)
        thresholds[left_out] = threshold
        for image in range(images):
            if here[image]:
                times[image] = 1 + (least[shown[image]] > threshold).sum()
        of_time = midranks(times - 1, weights, here, early + 1)
        size = max(weights[here].sum(), 1.0)
        for image in range(images):
            if here[image]:
                standardised[image] = (of_time[times[image] - 1] - 0.5) / size
    ranks = midranks(level, weights, np.ones(images, dtype=np.bool_), number)[level]
    return thresholds, times, standardised, pearson(standardised, ranks, weights)


@compiled
def reread(
    step: Array,
    course: Array,
    value: Array,
    least: Array,
    level: Array,
    folds: Array,
    weights: Array,
    shown: Array,
) -> Array:
    """As `read_repeat`, the correlation alone, averaged over repeats [R, N], for rearrangements [P, N]: [P]."""
    correlations = np.zeros(len(shown))
    for place in range(len(shown)):
        for fold in folds:
            _, _, _, correlation = read_repeat(step, course, value, least, level, fold, weights[place], shown[place])
            correlations[place] += correlation / len(folds)
    return correlations


@compiled
def correlate_copies(x: Array, y: Array, copies: Array) -> Array:
    """Spearman correlations of two variables, given as levels [N], in each sample of copies [P, N]: [P]."""
    everything = np.ones(len(x), dtype=np.bool_)
    found = np.empty(len(copies))
    for sample in range(len(copies)):
        ranks = midranks(x, copies[sample], everything, x.max() + 1)[x]
        others = midranks(y, copies[sample], everything, y.max() + 1)[y]
        found[sample] = pearson(ranks, others, copies[sample])
    return found

"""Fitting the threshold at which a network's reaction times go best with people's uncertainty, exactly and quickly.

Letters of shapes: N images, M time courses, T time steps, R repeats of cross-validation, K folds, P rearrangements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcnnzoo_behaviour.parallel import Advance, in_parts
from rcnnzoo_behaviour.scanning import read_repeat, reread

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
LEAST_OF_FOLD = 10
"""Images in a fold: ranks within a smaller one are so coarse that correlations come out too small."""


class Courses:
    """Entropy time courses, with all events of a rising threshold in order.

    A network reacts at the first step whose entropy is at or below the threshold, else at its last. So it takes longer
    than t steps where the least entropy of steps 1 to t is above the threshold, for t < T. As the threshold rises from
    minus infinity, reaction times change only where it meets one of those M (T - 1) least entropies.

    Attributes:
        least: Least entropy up to each step but the last, in nats, [M, T - 1].
        step: Step (from 0) of each event, ascending by entropy, [M (T - 1)].
        course: Course of each event.
        value: Entropy of each event.
    """

    def __init__(self, entropies: npt.NDArray[np.floating]) -> None:
        least = np.minimum.accumulate(np.asarray(entropies, dtype=np.float64)[:, :-1], axis=1)
        order = np.argsort(least, axis=None, kind="stable")
        self.least: Floats = np.ascontiguousarray(least)
        self.value: Floats = least.ravel()[order]
        course, step = np.divmod(order, max(1, least.shape[1]))
        self.course: Integers = course
        self.step: Integers = step

    def __len__(self) -> int:
        return len(self.least)


@dataclass(frozen=True)
class Reading:
    """What cross-validated thresholds make of a network.

    Attributes:
        thresholds: Of each repeat and fold, in nats, [R, K]; minus infinity: all images run to the last step.
        reaction_times: Time steps of each image under the threshold that was fitted without its fold, [R, N].
        standardised: Midranks of reaction times within the fold, from 0 to 1 with mean 1/2, [R, N].
        correlation: Spearman correlation with uncertainty, averaged over repeats.
    """

    thresholds: Floats
    reaction_times: Integers
    standardised: Floats
    correlation: float


def read(courses: Courses, uncertainty: npt.ArrayLike, folds: Integers) -> Reading:
    """Reaction times at cross-validated thresholds, and their correlation with uncertainty.

    The threshold of a fold is the one with the highest Spearman correlation on all other folds: every distinct one is
    tried, reaction times that are all equal count as 0, and of equal correlations the lowest threshold wins (at which
    the network takes longest). Thresholds differ between folds and shift whole folds, so reaction times become midranks
    within each fold before folds are pooled: (midrank - 1/2) / images of the fold.

    Args:
        courses: Of the images, in their order.
        uncertainty: Of each image, [N].
        folds: Fold of each image in each repeat, [R, N], from `stratified_folds`.
    """
    level = levels(uncertainty)
    alike, shown = np.ones(len(level)), np.arange(len(level))
    parts = [
        read_repeat(courses.step, courses.course, courses.value, courses.least, level, fold, alike, shown)
        for fold in folds
    ]
    thresholds, times, standardised, correlations = (np.array(part) for part in zip(*parts, strict=True))
    return Reading(thresholds, times, standardised, float(np.mean(correlations)))


def correlate_again(
    courses: Courses,
    uncertainty: npt.ArrayLike,
    folds: Integers,
    *,
    shown: Integers | None = None,
    weights: Floats | None = None,
    advance: Advance = None,
) -> Floats:
    """The correlation of `read`, all thresholds fitted anew, for each of P rearrangements: [P].

    Args:
        courses: M of them.
        uncertainty: Of each image, [N].
        folds: Fold of each image in each repeat, [R, N].
        shown: Which course each image shows, [P, N]; its own unless given.
        weights: How many copies of each image there are, [P, N]; one unless given. Copies share a fold.
        advance: Told how many are done.
    """
    level = levels(uncertainty)
    number = len(shown) if shown is not None else len(weights) if weights is not None else 1
    if not len(courses.value):  # one time step: all react alike, however they are rearranged
        return np.zeros(number)
    shown = np.broadcast_to(np.arange(len(level)), (number, len(level))) if shown is None else shown
    weights = np.broadcast_to(1.0, (number, len(level))) if weights is None else weights

    def correlate_part(part: slice) -> Floats:
        result: Floats = reread(
            courses.step,
            courses.course,
            courses.value,
            courses.least,
            level,
            folds,
            np.array(weights[part]),  # a copy: numba compiles anew for what may not be written to
            np.array(shown[part]),
        )
        return result

    return np.concatenate(in_parts(correlate_part, number, advance))


def levels(values: npt.ArrayLike) -> Integers:
    """Place of each value among the distinct ones, ascending from 0: [N].

    >>> levels([0.5, 0.0, 0.5, 0.2]).tolist()
    [2, 0, 2, 1]
    """
    return np.unique(np.asarray(values), return_inverse=True)[1].astype(np.int64)


def random_stream(seed: int, purpose: str) -> np.random.Generator:
    """Random numbers for one purpose, independent of those for any other.

    >>> bool(random_stream(0, "folds").random() == random_stream(0, "copies").random())
    False
    """
    return np.random.default_rng((seed, *purpose.encode()))


def number_of_folds(images: int, most: int) -> int:
    """K for a number of images: `most`, or as many as leave ten images in each; two at least.

    >>> [number_of_folds(images, 10) for images in (5000, 94, 20, 12)]
    [10, 9, 2, 2]
    """
    return max(2, min(most, images // LEAST_OF_FOLD))


def stratified_folds(strata: npt.ArrayLike, folds: int, repeats: int, seed: int, purpose: str = "folds") -> Integers:
    """Folds of each repeat, [R, N]: images are shuffled, sorted by stratum, and each fold takes one in turn.

    Folds differ by at most one image in size, and by at most one image in any stratum. scikit-learn's
    `RepeatedStratifiedKFold` does the same, but warns of a stratum smaller than the number of folds, and refuses
    to do it if all are: categories with an image or two each are no fault here.

    >>> stratified_folds(["a", "a", "b", "b", "b", "b"], folds=2, repeats=1, seed=0)[0].tolist().count(0)
    3
    """
    kind = levels(strata)
    random = random_stream(seed, purpose)
    folds_of = np.empty((repeats, len(kind)), dtype=np.int64)
    for fold in folds_of:
        fold[np.lexsort((random.random(len(kind)), kind))] = np.arange(len(kind)) % folds
    return folds_of

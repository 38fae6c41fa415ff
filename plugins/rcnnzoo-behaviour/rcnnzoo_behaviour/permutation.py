"""Permutation tests. Each refits all thresholds, but for the one that says that it doesn't.

Letters of shapes: N images, R repeats of cross-validation, P rearrangements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from rcnnzoo_behaviour.fitting import Courses, Floats, Integers, correlate_again, levels, random_stream
from rcnnzoo_behaviour.parallel import Advance

EXACT = 13
"""Up to so many images that differ, all their exchanges are tried: 8,192."""
TOLERANCE = 1e-12
"""Equal up to rounding counts as equal."""


@dataclass(frozen=True)
class Permuted:
    """The outcome of a permutation test.

    Attributes:
        observed: The statistic as it is.
        null: The statistic of each rearrangement, [P].
        p: Share of rearrangements at least as extreme, the observed one counted among them.
        exact: Whether the rearrangements are all there are.
    """

    observed: float
    null: Floats
    p: float
    exact: bool = False


def against_zero(
    members: Sequence[Courses],
    uncertainty: npt.ArrayLike,
    folds: Integers,
    number: int,
    seed: int,
    *,
    within: npt.ArrayLike | None = None,
    advance: Advance = None,
) -> Permuted:
    """Whether reaction times go with uncertainty more than they would by chance: one-tailed.

    Null: time courses are independent of uncertainty (given the category, with `within`). Time courses are shuffled
    over images, which keep their uncertainty, category and fold; thresholds are fitted anew.

    Args:
        members: Courses of each network of an entry; their correlations are averaged, their courses shuffled alike.
        uncertainty: Of each image, [N].
        folds: Fold of each image in each repeat, [R, N].
        number: P.
        seed: Of the shuffles.
        within: Category of each image, if time courses change places only within a category.
        advance: Told how many are done, for each member.
    """
    kind = np.zeros(folds.shape[1], dtype=np.int64) if within is None else levels(within)
    shown = _shuffles(kind, number, random_stream(seed, "shuffles"))
    observed = np.mean([correlate_again(courses, uncertainty, folds)[0] for courses in members])
    null: Floats = np.mean(
        [correlate_again(courses, uncertainty, folds, shown=shown, advance=advance) for courses in members], axis=0
    )
    return Permuted(float(observed), null, p_value(null >= observed - TOLERANCE))


def _shuffles(kind: Integers, number: int, random: np.random.Generator) -> Integers:
    """Each image's place taken by another of its kind: [P, N]."""
    shown = np.empty((number, len(kind)), dtype=np.int64)
    places = np.argsort(kind, kind="stable")
    for row in shown:
        row[places] = np.lexsort((random.random(len(kind)), kind))
    return shown


def exchange_ranks(first: Floats, second: Floats, uncertainty: npt.ArrayLike, number: int, seed: int) -> Permuted:
    """Whether two networks correlate differently with uncertainty: two-tailed, thresholds as they are.

    Null: the two networks' readings are exchangeable given the image. Their standardised ranks change places image by
    image, the same ones in all repeats. With at most 13 images that differ all exchanges are tried.

    Args:
        first: A network's standardised ranks, [R, N].
        second: Another's, of the same images and folds.
        uncertainty: Of each image, [N].
        number: P.
        seed: Of the exchanges.
    """
    ranks = rankdata(uncertainty)
    ranks -= ranks.mean()
    mean, half = (first + second).T / 2, (first - second).T / 2
    mean = mean - mean.mean(axis=0)  # [N, R]

    def differences(signs: Floats) -> Floats:
        """Of correlations, for exchanges [P, N] of 1 (as it is) and -1: [P]."""
        size = len(ranks)
        moved = signs @ half / size
        squares = (mean**2).sum(axis=0) + (half**2).sum(axis=0) - size * moved**2
        crossed, covariance = 2 * signs @ (mean * half), signs @ (half * ranks[:, None])
        common = ranks @ mean
        result: Floats = (
            _ratio(common + covariance, squares + crossed, ranks)
            - _ratio(common - covariance, squares - crossed, ranks)
        ).mean(axis=1)
        return result

    observed = differences(np.ones((1, len(ranks))))[0]
    differing = np.flatnonzero((half != 0).any(axis=1))
    if len(differing) <= EXACT:
        signs = np.ones((2 ** len(differing), len(ranks)))
        signs[:, differing] = list(product((1, -1), repeat=len(differing)))
        null = differences(signs)
        return Permuted(float(observed), null, float(np.mean(abs(null) >= abs(observed) - TOLERANCE)), exact=True)
    random = random_stream(seed, "exchanges of ranks")
    sizes = [min(1000, number - start) for start in range(0, number, 1000)]
    null = np.concatenate([differences(random.choice((-1.0, 1.0), (size, len(ranks)))) for size in sizes])
    return Permuted(float(observed), null, p_value(abs(null) >= abs(observed) - TOLERANCE))


def _ratio(covariance: Floats, squares: Floats, ranks: Floats) -> Floats:
    """Covariance to correlation; 0 where either side is constant."""
    scale = squares * (ranks**2).sum()
    usable = scale > TOLERANCE * len(ranks) ** 3
    return np.divide(covariance, np.sqrt(np.where(usable, scale, 1)), where=usable, out=np.zeros_like(covariance))


def exchange_refitted(
    both: Courses, uncertainty: npt.ArrayLike, folds: Integers, number: int, seed: int, advance: Advance = None
) -> Permuted:
    """As `exchange_ranks`, but entropy time courses change places, and both networks' thresholds are fitted anew.

    Args:
        both: The first network's N courses, then the second's.
        uncertainty: Of each image, [N].
        folds: Fold of each image in each repeat, [R, N].
        number: P.
        seed: Of the exchanges.
        advance: Told how many are done, two an exchange.
    """
    images = folds.shape[1]
    exchanged = random_stream(seed, "exchanges").random((number + 1, images)) < 0.5
    exchanged[0] = False
    own = np.arange(images)
    first, second = (
        correlate_again(both, uncertainty, folds, shown=own + images * which, advance=advance)
        for which in (exchanged, ~exchanged)
    )
    observed, null = (first - second)[0], (first - second)[1:]
    return Permuted(float(observed), null, p_value(abs(null) >= abs(observed) - TOLERANCE))


def p_value(as_extreme: npt.NDArray[np.bool_]) -> float:
    """(k + 1) / (n + 1): the observed arrangement is one of the possible ones (Phipson & Smyth 2010).

    >>> p_value(np.array([False, True, False]))
    0.5
    """
    return float((as_extreme.sum() + 1) / (len(as_extreme) + 1))

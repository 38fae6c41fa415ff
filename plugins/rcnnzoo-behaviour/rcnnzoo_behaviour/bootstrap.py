"""Bootstrap intervals over images, all thresholds fitted anew.

An image's copies share its fold, so that none is left out of the fit to its twin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcnnzoo.plugin import percentiles
from rcnnzoo_behaviour.fitting import Courses, Floats, Integers, correlate_again, levels, random_stream
from rcnnzoo_behaviour.parallel import Advance
from rcnnzoo_behaviour.scanning import correlate_copies


@dataclass(frozen=True)
class Interval:
    """A percentile interval: its ends, and the bootstrap's values [P]."""

    low: float
    high: float
    values: Floats


def bootstrap_interval(
    members: Sequence[Courses],
    uncertainty: npt.ArrayLike,
    folds: Integers,
    number: int,
    seed: int,
    name: str = "",
    advance: Advance = None,
) -> Interval:
    """The 95 % interval of an entry's correlation: over images and, where it has several networks, over these too.

    Args:
        members: Courses of each network of an entry; their correlations are averaged.
        uncertainty: Of each image, [N].
        folds: Fold of each image in each repeat, [R, N].
        number: Samples of images, and of networks.
        seed: Of the samples; the same seed gives the same samples of images.
        name: Of the entry: each draws its networks by itself, for no seed of one belongs to a seed of another.
        advance: Told how many are done, for each member.
    """
    copies = draw_copies(folds.shape[1], number, seed)
    values = np.array(
        [correlate_again(courses, uncertainty, folds, weights=copies, advance=advance) for courses in members]
    )
    return _interval(_over_members(values, seed, name))


def _over_members(values: Floats, seed: int, name: str) -> Floats:
    """Networks of an entry drawn with replacement in each sample, and averaged: [members, P] -> [P]."""
    drawn = random_stream(seed, f"networks of {name}").integers(len(values), size=values.shape)
    mean: Floats = np.take_along_axis(values, drawn, axis=0).mean(axis=0)
    return mean


def draw_copies(images: int, number: int, seed: int) -> Floats:
    """How often each image is drawn in each sample: [P, N]."""
    random = random_stream(seed, "copies")
    return random.multinomial(images, np.full(images, 1 / images), size=number).astype(np.float64)


def difference(first: Interval, second: Interval) -> Interval:
    """The 95 % interval of the difference between two entries' correlations, from the same samples of images."""
    return _interval(first.values - second.values)


def _interval(values: Floats) -> Interval:
    low, high = percentiles(values)
    return Interval(float(low), float(high), values)


def bootstrap_ranks(
    members: Sequence[Floats], uncertainty: npt.ArrayLike, number: int, seed: int, name: str = ""
) -> Interval:
    """As `bootstrap_interval`, for measures [N] for which nothing is fitted; the same samples for the same seed."""
    level, copies = levels(uncertainty), draw_copies(len(members[0]), number, seed)
    values = np.array([correlate_copies(levels(member), level, copies) for member in members])
    return _interval(_over_members(values, seed, name))

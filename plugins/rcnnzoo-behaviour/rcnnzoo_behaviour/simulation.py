"""Simulated crowds and networks whose hesitation has a known relation: what the statistics are checked against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, ndtr
from scipy.stats import rankdata, spearmanr

from rcnnzoo_behaviour.fitting import Courses, Floats, read
from rcnnzoo_behaviour.scanning import fit_threshold

STEPS = 8
PEOPLE = 40
LARGE = 40_000
"""Images that stand for all there could be."""


@dataclass(frozen=True)
class Simulated:
    """Images, people and networks.

    Attributes:
        uncertainty: D = 0.5 - |0.5 - PC| of simulated people, [N].
        entropies: Time courses of each network, in nats, each [N, T].
    """

    uncertainty: Floats
    entropies: list[Floats]


def simulate(images: int, link: float, seed: int, networks: int = 1) -> Simulated:
    """People find some images hard; networks find the same ones hard as far as `link` (0 to 1) goes.

    Given the image, networks are independent and alike: what they read is exchangeable.
    """
    random = np.random.default_rng((seed, 20190913))  # not the streams that tests draw from
    difficulty = random.standard_normal(images)
    correct = random.binomial(PEOPLE, ndtr(1.2 - 0.8 * difficulty)) / PEOPLE
    entropies = []
    for _ in range(networks):
        doubt = link * difficulty + np.sqrt(1 - link**2) * random.standard_normal(images)
        course = 2 + 2 * doubt[:, None] - np.arange(1, STEPS + 1) + 0.3 * random.standard_normal((images, STEPS))
        entropies.append(np.log(2) * expit(course))
    return Simulated(0.5 - abs(0.5 - correct), entropies)


def population_correlation(link: float, images: int = LARGE, seed: int = 0) -> float:
    """The Spearman correlation with D at the best threshold, among very many images."""
    if link == 0:
        return 0.0
    population = simulate(images, link, seed)
    # Every image is left out of one of two folds that are alike in so many: no gain from fitting is left.
    folds = (np.arange(images) % 2)[None]
    reading = read(Courses(population.entropies[0]), population.uncertainty, folds)
    return float(spearmanr(reading.reaction_times[0], population.uncertainty).statistic)


def link_for(correlation: float, images: int = LARGE) -> float:
    """The link at which the population correlation is this one."""
    if correlation == 0:
        return 0.0
    link: float = brentq(lambda link: population_correlation(link, images) - correlation, 0.0, 1.0, xtol=1e-3)
    return link


def leaky_correlation(courses: Courses, uncertainty: Floats) -> float:
    """What comes out if the threshold is fitted with the images it is then applied to: too much, by design."""
    ranks = rankdata(uncertainty)
    threshold = fit_threshold(
        courses.step,
        courses.course,
        courses.value,
        courses.least.shape[1] + 1,
        np.ones(len(ranks)),
        ranks - ranks.mean(),
    )
    return float(spearmanr((courses.least > threshold).sum(axis=1), uncertainty).statistic)

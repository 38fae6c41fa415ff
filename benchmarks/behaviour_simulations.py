"""Whether the statistics of rcnnzoo-behaviour are valid, on simulated crowds and networks.

    python benchmarks/behaviour_simulations.py bias       # 500 images, 400 runs at each of four true correlations
    python benchmarks/behaviour_simulations.py paired     # 2,000 pairs of networks that correlate equally
    python benchmarks/behaviour_simulations.py single     # 2,000 networks that do not correlate at all
    python benchmarks/behaviour_simulations.py intervals  # coverage of the bootstrap intervals

A test at 5 % should reject about 100 of 2,000 true nulls; 81 to 120 is what chance allows (95 %).
"""

from __future__ import annotations

import sys
import time

import numpy as np

from rcnnzoo_behaviour.bootstrap import bootstrap_interval, difference
from rcnnzoo_behaviour.fitting import Courses, read, stratified_folds
from rcnnzoo_behaviour.permutation import against_zero, exchange_ranks, exchange_refitted
from rcnnzoo_behaviour.simulation import leaky_correlation, link_for, population_correlation, simulate

TRUTHS = (0.0, 0.25, 0.5, 0.7)
PERMUTATIONS = 199
RUNS = 2000


def bias(runs: int = 400, images: int = 500) -> None:
    """Mean estimate against the population's correlation, and a leaky variant at 0."""
    for truth in TRUTHS:
        link = link_for(truth)
        population = population_correlation(link)
        estimates, leaky = [], []
        for seed in range(runs):
            simulated = simulate(images, link, seed + 1)
            courses = Courses(simulated.entropies[0])
            folds = stratified_folds(simulated.uncertainty > 0, 10, 10, seed)
            estimates.append(read(courses, simulated.uncertainty, folds).correlation)
            leaky.append(leaky_correlation(courses, simulated.uncertainty))
        error = np.std(estimates) / np.sqrt(runs)
        print(
            f"population {population:.3f}: mean estimate {np.mean(estimates):.3f} (bias "
            f"{np.mean(estimates) - population:+.3f}, standard error {error:.3f}); leaky variant {np.mean(leaky):.3f}",
            flush=True,
        )


def paired(runs: int = RUNS, images: int = 200) -> None:
    """Rejections of a true null by both paired tests."""
    for truth in (0.0, 0.5):
        link = link_for(truth)
        rejected, constant = np.zeros(2, dtype=int), 0
        for seed in range(runs):
            simulated = simulate(images, link, seed, networks=2)
            folds = stratified_folds(simulated.uncertainty > 0, 5, 2, seed)
            readings = [read(Courses(course), simulated.uncertainty, folds) for course in simulated.entropies]
            constant += any(np.ptp(reading.reaction_times) == 0 for reading in readings)
            first, second = (reading.standardised for reading in readings)
            exchange = exchange_ranks(first, second, simulated.uncertainty, PERMUTATIONS, seed)
            both = Courses(np.concatenate(simulated.entropies))
            refitted = exchange_refitted(both, simulated.uncertainty, folds, PERMUTATIONS, seed)
            rejected += np.array([exchange.p, refitted.p]) <= 0.05
            if (seed + 1) % 500 == 0:
                print(
                    f"both correlate {truth}: of {seed + 1} true nulls, ranks exchanged rejects {rejected[0]}, "
                    f"refitted {rejected[1]} ({constant} with constant reaction times)",
                    flush=True,
                )


def single(runs: int = RUNS, images: int = 200) -> None:
    """Rejections of a true null by the test against zero, and by the same within categories."""
    rejected = np.zeros(2, dtype=int)
    for seed in range(runs):
        simulated = simulate(images, 0.0, seed)
        category = np.arange(images) % 10
        folds = stratified_folds(category * 2 + (simulated.uncertainty > 0), 5, 2, seed)
        courses = Courses(simulated.entropies[0])
        for place, within in enumerate((None, category)):
            test = against_zero([courses], simulated.uncertainty, folds, PERMUTATIONS, seed, within=within)
            rejected[place] += test.p <= 0.05
        if (seed + 1) % 500 == 0:
            print(f"of {seed + 1} true nulls, against zero {rejected[0]}, within category {rejected[1]}", flush=True)


def intervals(runs: int = 400, images: int = 500) -> None:
    """How often the 95 % intervals hold the population's correlation, and a difference of 0."""
    for truth in TRUTHS:
        link = link_for(truth)
        population = population_correlation(link)
        covered = np.zeros(2, dtype=int)
        for seed in range(runs):
            simulated = simulate(images, link, seed + 1, networks=2)
            folds = stratified_folds(simulated.uncertainty > 0, 10, 2, seed)
            one, other = (
                bootstrap_interval([Courses(course)], simulated.uncertainty, folds, 200, seed)
                for course in simulated.entropies
            )
            two = difference(one, other)
            covered += [one.low <= population <= one.high, two.low <= 0 <= two.high]
        print(f"population {population:.3f}: of {runs} intervals {covered[0]} hold it, {covered[1]} a difference of 0")


if __name__ == "__main__":
    for name in sys.argv[1:] or ["bias", "paired", "single", "intervals"]:
        start = time.perf_counter()
        {"bias": bias, "paired": paired, "single": single, "intervals": intervals}[name]()
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)

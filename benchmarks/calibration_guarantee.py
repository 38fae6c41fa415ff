"""How often a calibrated threshold fails its guarantee, on a trace and on simulated populations.

The images of a trace serve as a population. Calibration sets are drawn from it with replacement, a threshold is
chosen on each, and its risk is measured on the whole population. The promise is that it exceeds the limit in at most
5 % of the sets; of 500, more than 33 would be more than chance explains. Beside it, what comes of the naive choice: the
cheapest threshold whose loss on the calibration set is at most the limit. Then the same with a new simulated population
for each set.

    python benchmarks/calibration_guarantee.py TRACE
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np

import rcnnzoo
from rcnnzoo.analysis.calibration import CONFIDENCE, in_sequence
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes

LIMITS = (0.005, 0.01, 0.02, 0.05)


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trace", type=Path)
    parser.add_argument("--policy", default="entropy")
    parser.add_argument("--readout", default="cumulative")
    parser.add_argument("--images", type=int, default=1000, help="of a calibration set")
    parser.add_argument("--sets", type=int, default=500)
    options = parser.parse_args()
    trace = rcnnzoo.open_trace(options.trace)
    outcomes = find_outcomes(trace, options.policy, options.readout)
    print(f"{options.trace}: {len(outcomes.right):,} images, {options.policy}, {options.readout}")
    print(f"{options.sets} sets of {options.images} images; confidence {CONFIDENCE}")
    print(f"{'population':<12}{'limit':>7}{'sets that break it':>20}{'naively':>9}{'MACs saved, mean':>18}")
    for limit in LIMITS:
        for name, populations in (
            ("trace", repeat(outcomes, options.sets)),
            ("simulated", (simulated(seed) for seed in range(options.sets))),
        ):
            broken, naively, saved = count(populations, options.images, limit)
            print(f"{name:<12}{limit:>7}{broken:>20}{naively:>9}{100 * saved:>16.1f} %", flush=True)


def count(populations: Iterable[Outcomes], images: int, limit: float) -> tuple[int, int, float]:
    """A set from each population: how many fail the guarantee, how many naive choices do, and the mean saving."""
    random = np.random.default_rng(0)
    broken = naively = 0
    saved = []
    for population in populations:
        drawn = random.integers(0, len(population.right), images)
        sample = replace(population, scores=population.scores[drawn], right=population.right[drawn])
        table = in_sequence(sample, limit, CONFIDENCE)
        chosen = table[table["passed"]].iloc[-1]
        broken += risk(population, chosen["threshold"]) > limit
        naively += risk(population, table[table["loss"] <= limit].iloc[-1]["threshold"]) > limit
        saved.append(1 - chosen["mean_macs"] / population.macs[-1])
    return broken, naively, float(np.mean(saved))


def risk(outcomes: Outcomes, threshold: float) -> float:
    """Share of images that are right after all steps and wrong where they stop, without the code under test."""
    sure = outcomes.scores <= threshold if outcomes.below else outcomes.scores >= threshold
    sure[:, -1] = True
    at = outcomes.right[np.arange(len(sure)), sure.argmax(axis=1)]
    return float((outcomes.right[:, -1] & ~at).mean())


def simulated(seed: int, images: int = 5000) -> Outcomes:
    """Images whose early answers are worse the higher the score; scores tie, go up and down, either way."""
    random = np.random.default_rng(seed)
    steps = random.integers(2, 9)
    levels = random.choice([4, 30, 10**6])
    scores = np.cumsum(random.normal(-0.3, 1, (images, steps)), axis=1)
    scores = (np.round(scores * levels) / levels).astype(np.float32)
    fine = 1 / (1 + np.exp(random.uniform(0, 2) * scores - random.uniform(0, 2)))
    below = bool(random.integers(2))
    right = random.random((images, steps)) < fine
    return Outcomes(scores if below else -scores, right, np.arange(1, steps + 1), below)


if __name__ == "__main__":
    main()

"""How often `rcnnzoo rsa` finds the layer and step that simulated brains are made of, and how often it is wrong.

Brains of 8 subjects, whose dissimilarities of 92 images are a mixture of two states of a network, mostly of one, with
independent noise; or of nothing but noise. The noise makes two subjects correlate as two people's IT do (0.21).

    python benchmarks/brain_simulations.py
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from early_exit import noise_images, untrained_network
from scipy.stats import zscore

from rcnnzoo.analysis.dissimilarity import dissimilarities
from rcnnzoo.data.digits import ArrayReader
from rcnnzoo.data.splits import Split
from rcnnzoo.recording.activations import Extraction, record_activations
from rcnnzoo_brain.analysis import correlate
from rcnnzoo_brain.inference import flip_signs

BETWEEN = 0.21
"""Correlation of two subjects (objects92 of Kriegeskorte et al. 2008, two people's IT)."""
SHARE = 0.8
"""Of the state that is to be found, in the mixture; the rest is another."""


def states(images: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    """Dissimilarities of a network's layers and steps, [layer, step, pair]."""
    size = 32
    shown = noise_images(images, size)
    network = untrained_network("bl", size, shown, width=1 / 8)
    pixels = ((shown.permute(0, 2, 3, 1) + 1) * 127.5).round().byte().numpy()
    split = Split((), [str(number) for number in range(images)], np.full(images, -1), ArrayReader(pixels))
    with tempfile.TemporaryDirectory() as folder:
        tree = record_activations(network, "bl", split, "noise", Path(folder, "x.zarr"), Extraction(["layer*"]))
        return np.asarray(dissimilarities([tree]))


def main() -> None:
    """Print both rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brains", type=int, default=100)
    parser.add_argument("--empty", type=int, default=2000, help="brains of nothing but noise")
    parser.add_argument("--subjects", type=int, default=8)
    parser.add_argument("--images", type=int, default=92)
    options = parser.parse_args()
    given = states(options.images)
    layers, steps, pairs = given.shape
    random, noise = np.random.default_rng(0), np.sqrt(1 / BETWEEN - 1)
    found, between = 0, []
    for _ in range(options.brains):
        layer, step, other = random.integers(layers), random.integers(steps), random.integers(layers * steps)
        mixed = SHARE * zscore(given[layer, step]) + (1 - SHARE) * zscore(given.reshape(-1, pairs)[other])
        brain = zscore(mixed) + noise * random.normal(size=(options.subjects, 1, pairs))
        between.append(np.corrcoef(brain[:, 0])[np.triu_indices(options.subjects, 1)].mean())
        mean = correlate(given, brain).mean(axis=0)[..., 0]
        found += int(np.unravel_index(mean.argmax(), mean.shape) == (layer, step))
    print(
        f"layer and step found in {found} of {options.brains} ({layers} x {steps} states, {SHARE:.0%} of the mixture; "
        f"subjects correlate {np.mean(between):.2f})"
    )
    rejected = sum(
        int(flip_signs(correlate(given, random.normal(size=(options.subjects, 1, pairs))))[1].min() < 0.05)
        for _ in range(options.empty)
    )
    print(f"without any relation, p < 0.05 (corrected) in {rejected} of {options.empty}")


if __name__ == "__main__":
    main()

"""Brains whose dissimilarities are a known mixture of a network's, or of nothing, with noise."""

import numpy as np
from scipy.stats import zscore

IMAGES, LAYERS, STEPS = 24, 4, 3


def states(seed, images=IMAGES):
    """Dissimilarities of layers and steps that resemble each other, [layer, step, pair]."""
    random = np.random.default_rng(seed)
    pairs = images * (images - 1) // 2
    shared = random.normal(size=pairs)
    layers = random.normal(size=(LAYERS, 1, pairs))
    return shared + layers + 0.7 * random.normal(size=(LAYERS, STEPS, pairs)) + 10


def brain(seed, subjects=8, of=None, noise=1.0):
    """Dissimilarities of subjects, [subject, 1, pair]: z-scored ones of a state, if any, and noise."""
    random = np.random.default_rng(seed)
    pairs = IMAGES * (IMAGES - 1) // 2 if of is None else len(of)
    drawn = noise * random.normal(size=(subjects, 1, pairs))
    return drawn + 10 if of is None else drawn + zscore(of) + 10

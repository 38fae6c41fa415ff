"""Reaction times by hand, for comparison with `decide`."""


def thresholds_between(confidence):
    """Those far enough from every score that rounding doesn't matter."""
    ordered = confidence.flatten().sort().values
    return ((ordered[1:] + ordered[:-1]) / 2)[ordered.diff() > 1e-3]


def reaction_times(confidence, threshold):
    """The first step, from 1, of [B, T] at which each image is sure, or the last."""
    sure = confidence >= threshold
    sure[:, -1] = True
    return sure.int().argmax(1) + 1

"""What early exit is measured at."""

import pytest

import rcnnzoo
from rcnnzoo.engine.conditions import PLAIN
from rcnnzoo.results.measurement import fitting_thresholds
from tests.engine.test_decide import IMAGES, NETWORKS

BL = NETWORKS["bl"]


def test_thresholds_are_spread_over_the_steps():
    thresholds = fitting_thresholds(PLAIN.on(BL), IMAGES, [""] * len(IMAGES), "entropy", "cumulative")
    steps = [
        rcnnzoo.decide(BL, IMAGES, "entropy", threshold).reaction_time.double().mean().item()
        for threshold in thresholds
    ]
    assert steps == pytest.approx([2.75, 4.5, 6.25], abs=0.8)
    assert fitting_thresholds(PLAIN.on(NETWORKS["b"]), IMAGES, [""] * len(IMAGES), "entropy", "cumulative") == []

"""Times and memory of deciding: results computed from them, and that they are of this device."""

import itertools
import math

import pytest
import torch

import rcnnzoo
from rcnnzoo.engine import measure
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.engine.measure import measure_decisions
from rcnnzoo.errors import OptionError, UnknownName
from rcnnzoo.profiling.operations import macs_per_step
from tests.engine.test_decide import IMAGES, MIDDLING, NETWORKS

BL = NETWORKS["bl"]

NAMES = [f"{number}.png" for number in range(len(IMAGES))]


def test_the_first_row_runs_all_steps_and_the_others_are_decided():
    thresholds = [MIDDLING["entropy"], math.inf]
    table = measure_decisions(PLAIN.on(BL), IMAGES, NAMES, "entropy", thresholds, "cumulative", rounds=1).table
    assert table["threshold"].tolist() == [-math.inf, *thresholds]
    decisions = [rcnnzoo.decide(BL, IMAGES, "entropy", threshold) for threshold in table["threshold"]]
    assert table["mean_steps"].tolist() == [d.reaction_time.double().mean().item() for d in decisions]
    macs = macs_per_step(BL)
    assert table["mean_macs"].iloc[[0, -1]].tolist() == [sum(macs), macs[0]]
    assert table["macs_saving"].iloc[-1] == pytest.approx(sum(macs) / macs[0])
    assert (table[["latency_ms", "images_per_second", "peak_memory"]] > 0).all(axis=None)
    assert table["joules"].isna().all()  # a processor doesn't say


def test_savings_are_the_medians_of_rounds(monkeypatch):
    """In each of three rounds all steps take 8 s, 8 s and 80 s, a threshold 2 s, 2 s and 0.1 s; alone 1 s and 0.5 s."""
    rounds = [8.0, 2.0, 8.0, 2.0, 80.0, 0.1]
    times = itertools.chain(rounds, [1.0] * measure.ALONE, [0.5] * measure.ALONE)
    monkeypatch.setattr(measure, "seconds", lambda run, device: next(times))
    table = measure_decisions(PLAIN.on(BL), IMAGES, NAMES, "max-prob", [0.2], "cumulative").table
    assert table["images_per_second"].tolist() == [30 / 8, 30 / 2]
    assert table["saving"].tolist() == [1, 4]
    assert table["latency_ms"].tolist() == [1000, 500]


def test_another_precision_is_compared_with_fp32():
    measured = measure_decisions(
        PLAIN.on(BL), IMAGES, NAMES, "entropy", [MIDDLING["entropy"]], "cumulative", "bf16", rounds=1
    )
    assert measured.agreement is not None
    low, full = (
        rcnnzoo.decide(BL, IMAGES, "entropy", MIDDLING["entropy"], precision=precision)
        for precision in ("bf16", "fp32")
    )
    assert not torch.equal(low.confidence, full.confidence)
    row = measured.agreement.iloc[-1]
    assert row["same_category"] == (low.category == full.category).double().mean().item() > 0.8
    assert row["same_reaction_time"] == (low.reaction_time == full.reaction_time).double().mean().item()


def test_what_can_not_be_measured_is_refused():
    with pytest.raises(OptionError, match="outside entropy's bounds"):
        measure_decisions(PLAIN.on(BL), IMAGES, NAMES, "entropy", [9.0], "cumulative")
    with pytest.raises(UnknownName, match="unknown precision 'bf15': did you mean 'bf16'"):
        measure_decisions(PLAIN.on(BL), IMAGES, NAMES, "entropy", [], "cumulative", "bf15")


def test_noise_is_that_of_the_images_of_these_names():
    unrolling = Conditions("image:1,noise:7").on(BL)
    table = measure_decisions(unrolling, IMAGES, NAMES, "entropy", [MIDDLING["entropy"]], "cumulative", rounds=1).table
    named, numbered = (
        rcnnzoo.decide(BL, IMAGES, "entropy", MIDDLING["entropy"], stimulus="image:1,noise:7", names=names)
        for names in (NAMES, None)
    )
    assert not torch.equal(named.confidence, numbered.confidence)
    assert table["mean_steps"].iloc[-1] == named.reaction_time.double().mean().item()

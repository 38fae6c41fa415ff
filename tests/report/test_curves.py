"""Curves for the page: what `decide` would do at each threshold."""

import numpy as np
import pytest
import torch

from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.analysis.sat_curve import at_threshold
from rcnnzoo.recording.labelled import make_trace
from rcnnzoo.report.curves import POINTS, curve


def a_trace(seed, images=300, steps=4, categories=5):
    random = np.random.default_rng(seed)
    labels = random.integers(categories, size=images)
    logits = (
        random.normal(size=(images, steps, categories))
        + np.arange(1, steps + 1)[None, :, None] * 0.5 * (np.eye(categories)[labels][:, None])
    )
    return make_trace(logits, labels, macs=[10, 30, 30, 30])


@pytest.mark.parametrize("policy", ["entropy", "max-prob", "fixed-steps"])
def test_a_point_is_what_stopping_by_its_threshold_does(policy):
    trace = a_trace(0)
    found = curve([find_outcomes(trace, policy, "cumulative")])
    assert 2 <= len(found["threshold"]) <= POINTS
    for number, threshold in enumerate(found["threshold"]):
        if threshold is None:
            continue
        expected = at_threshold(trace, policy, "cumulative", threshold)
        assert found["accuracy"][number] == pytest.approx(expected["accuracy"])
        assert found["macs"][number] == pytest.approx(expected["mean_macs"])
        assert found["steps"][number] == pytest.approx(expected["mean_steps"])
    shares = np.array(found["shares"])
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(shares @ [1, 2, 3, 4], found["steps"], atol=1e-3)
    np.testing.assert_allclose(shares @ [10, 40, 70, 100], found["macs"], atol=1e-2)


def test_the_ends_are_all_at_the_first_step_and_all_at_the_last():
    found = curve([find_outcomes(a_trace(1), "entropy", "cumulative")])
    assert found["shares"][0] == [1, 0, 0, 0]
    assert found["shares"][-1] == [0, 0, 0, 1]
    assert found["macs"][-1] == 100


def test_seeds_are_averaged_with_students_interval():
    """Two members: the interval is the mean plus and minus 12.706 standard errors (t of one degree of freedom)."""
    members = [find_outcomes(a_trace(seed), "entropy", "cumulative") for seed in (2, 3)]
    found = curve(members)
    last = [one.right[:, -1].mean() for one in members]
    mean, half = np.mean(last), 12.7062 * np.std(last, ddof=1) / np.sqrt(2)
    assert found["accuracy"][-1] == pytest.approx(mean)
    assert (found["low"][-1], found["high"][-1]) == pytest.approx((mean - half, mean + half), abs=1e-5)


def test_exits_are_the_first_step_at_which_the_score_is_low_enough():
    logits = torch.tensor([[[0.0, 0], [9, 0], [0, 0]], [[9, 0], [0, 0], [0, 0]], [[0, 0], [0, 0], [0, 0]]])
    outcomes = find_outcomes(make_trace(logits, [0, 0, 0], macs=[1, 1, 1]), "entropy", "instantaneous")
    assert outcomes.exits(0.5).tolist() == [1, 0, 2]
    assert outcomes.exits(float("inf")).tolist() == [0, 0, 0]
    assert outcomes.exits(float("-inf")).tolist() == [2, 2, 2]
    sure = find_outcomes(make_trace(logits, [0, 0, 0], macs=[1, 1, 1]), "max-prob", "instantaneous")
    assert sure.exits(0.9).tolist() == [1, 0, 2]

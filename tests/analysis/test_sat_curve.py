"""The curve, against a brute-force loop over every image and threshold."""

from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.analysis.profile import profile
from rcnnzoo.analysis.sat_curve import area_under, evenly_spaced_rows, oracle_curve, row_at
from rcnnzoo.errors import PluginError, TraceError
from rcnnzoo.policies.checks import checked_scores
from rcnnzoo.readouts.best import first_best


def brute_force(trace, policy, readout, threshold):
    """Accuracy, mean steps and mean MACs at one threshold, image by image and step by step."""
    rule = rcnnzoo.policy(policy)
    right = steps = macs = 0
    for logits, label in zip(trace["logits"].values, trace["label"].values, strict=True):
        for t in range(len(logits)):
            so_far = rcnnzoo.readout(readout)(torch.from_numpy(logits[: t + 1].copy()))
            score = rule.scores(so_far)[t].item()
            sure = score <= threshold if rule.direction == "below" else score >= threshold
            if sure or t == len(logits) - 1:
                now = so_far[t].tolist()
                right += now.index(max(now)) == label
                steps += t + 1
                macs += int(trace["macs"].values[: t + 1].sum())
                break
    count = trace.sizes["image"]
    return right / count, steps / count, macs / count


@st.composite
def traces(draw):
    """Small traces of many shapes; with few distinct logits, so that scores tie."""
    images, steps, categories = draw(st.integers(1, 12)), draw(st.integers(1, 5)), draw(st.integers(2, 4))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    levels = draw(st.sampled_from([1, 2, 3, 1000]))
    logits = random.integers(0, levels, (images, steps, categories)).astype(np.float32) * (3 / levels)
    macs = random.integers(1, 100, steps)
    return rcnnzoo.make_trace(logits, random.integers(0, categories, images), macs)


@pytest.mark.parametrize("readout", plugins.names("readouts"))
@pytest.mark.parametrize("policy", plugins.names("policies"))
@given(trace=traces())
def test_the_curve_is_the_brute_force_loops(policy, readout, trace):
    curve = rcnnzoo.sat_curve(trace, policy, readout)
    for row in curve.itertuples():
        expected = brute_force(trace, policy, readout, row.threshold)
        assert (row.accuracy, row.mean_steps, row.mean_macs) == pytest.approx(expected)
    # Between its thresholds nothing changes, and no outcome is missing.
    scores = find_outcomes(trace, policy, readout).scores
    reached = {brute_force(trace, policy, readout, float(s))[1:] for s in [*np.unique(scores), np.inf, -np.inf]}
    assert len(reached) == len(curve)


@given(trace=traces())
def test_the_curve_goes_from_the_first_step_to_the_last(trace):
    curve = rcnnzoo.sat_curve(trace)
    right = find_outcomes(trace, "entropy", "cumulative").right
    steps = trace.sizes["step"]
    assert curve["mean_steps"].is_monotonic_increasing
    assert curve["mean_steps"].iloc[0] == 1
    assert curve["accuracy"].iloc[0] == pytest.approx(right[:, 0].mean())
    assert curve["mean_steps"].iloc[-1] == steps
    assert curve["accuracy"].iloc[-1] == pytest.approx(right[:, -1].mean())
    assert curve["threshold"].iloc[-1] == -np.inf
    assert curve["threshold"].is_monotonic_decreasing


@given(trace=traces())
def test_no_policy_beats_the_oracle(trace):
    outcomes = find_outcomes(trace, "entropy", "cumulative")
    oracle = oracle_curve(outcomes)
    curve = rcnnzoo.sat_curve(trace)
    bound = np.interp(curve["mean_macs"], oracle["mean_macs"], oracle["accuracy"])
    assert oracle["accuracy"].iloc[-1] == pytest.approx(outcomes.right.any(axis=1).mean())
    if (np.diff(trace["macs"].values) == 0).all():  # otherwise cost and order of steps may disagree
        assert (curve["accuracy"] <= bound + 1e-9).all()
    assert (curve["accuracy"] <= oracle["accuracy"].iloc[-1] + 1e-9).all()


def test_the_oracle_by_hand():
    """Right at step 1; right from step 2 on; never right; right only at step 3."""
    right = [[1, 0, 1], [0, 1, 1], [0, 0, 0], [0, 0, 1]]
    logits = [[[2.0, 0.0] if now else [0.0, 2.0] for now in image] for image in right]
    trace = rcnnzoo.make_trace(logits, [0, 0, 0, 0], [100, 10, 10])
    oracle = oracle_curve(find_outcomes(trace, "entropy", "instantaneous"))
    assert oracle["accuracy"].tolist() == [0.25, 0.5, 0.75]
    assert oracle["mean_steps"].tolist() == [1, 1.25, 1.75]
    assert oracle["mean_macs"].tolist() == [100, 102.5, 107.5]


def test_the_area_is_the_mean_accuracy_over_cost():
    trace = rcnnzoo.make_trace(np.zeros((3, 1, 2)), [0, 0, 1], [5])
    assert area_under(rcnnzoo.sat_curve(trace)) == pytest.approx(2 / 3)


@given(trace=traces())
def test_the_oracles_area_is_the_greatest(trace):
    if (np.diff(trace["macs"].values) == 0).all():
        found = profile(trace, "entropy", "cumulative")
        assert found.oracle_area >= found.area - 1e-9


@given(trace=traces(), threshold=st.floats(-0.5, 1.5), name=st.sampled_from(plugins.names("policies")))
def test_any_threshold_finds_its_row(trace, threshold, name):
    below = rcnnzoo.policy(name).direction == "below"
    row = row_at(rcnnzoo.sat_curve(trace, name), threshold, below=below)
    expected = brute_force(trace, name, "cumulative", float(np.float32(threshold)))
    assert (row.accuracy, row.mean_steps, row.mean_macs) == pytest.approx(expected)


def test_rows_for_people_keep_the_ends():
    random = np.random.default_rng(0)
    trace = rcnnzoo.make_trace(random.normal(size=(200, 4, 5)), random.integers(0, 5, 200), [10, 5, 5, 5])
    curve = rcnnzoo.sat_curve(trace)
    rows = evenly_spaced_rows(curve, 6)
    assert len(rows) == 6
    assert rows.iloc[0].equals(curve.iloc[0])
    assert rows.iloc[-1].equals(curve.iloc[-1])


def test_ties_between_categories_go_to_the_lowest_index():
    assert first_best(torch.tensor([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]])).tolist() == [0, 1]


class Broken:
    """A policy whose scores are not finite."""

    direction: Literal["below", "above"] = "below"
    unit = "-"

    def __init__(self, scores):
        self.scores = scores

    def bounds(self, categories, steps):
        return 0.0, 1.0


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (lambda p: p[..., 0] * float("nan"), r"policy 'mine' gave a score that is not a number \(NaN\)"),
        (lambda p: p, r"policy 'mine' gave scores of shape \[3, 2\] for probabilities of shape \[3, 2\]"),
    ],
)
def test_a_policy_that_does_not_give_scores_is_named(scores, message):
    with pytest.raises(PluginError, match=message):
        checked_scores(Broken(scores), torch.full((3, 2), 0.5), "mine")


def test_a_trace_without_images_is_refused():
    with pytest.raises(TraceError, match="the trace has no images"):
        rcnnzoo.sat_curve(rcnnzoo.make_trace(np.zeros((0, 1, 3)), [], [1]))

"""Bootstrap bands, against traces that are resampled image by image, and for their coverage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

import rcnnzoo
from rcnnzoo.analysis.bands import accuracy_at, band_of, resampled_accuracy_at
from rcnnzoo.analysis.changes import changes_of
from rcnnzoo.analysis.intervals import Bootstrap, wilson
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from tests.analysis.test_sat_curve import traces


@given(trace=traces(), seed=st.integers(0, 1000), policy=st.sampled_from(["entropy", "max-prob", "patience"]))
def test_a_resampled_curve_is_the_curve_of_the_resampled_trace(trace, seed, policy):
    (counts,) = Bootstrap(1, seed).draws(trace.sizes["image"])
    again = trace.isel(image=np.repeat(np.arange(len(counts)), counts))
    expected = rcnnzoo.sat_curve(again, policy)[["mean_macs", "accuracy"]].to_numpy()
    points = np.stack(changes_of(find_outcomes(trace, policy, "cumulative")).accuracy_by_cost(counts), axis=1)
    # Images that were not drawn change nothing: their events repeat the point before.
    moves = np.concatenate([[True], (np.diff(points, axis=0) != 0).any(axis=1)])
    np.testing.assert_allclose(points[moves], expected)


@given(trace=traces(), seed=st.integers(0, 1000))
def test_accuracy_at_a_cost_lies_on_the_straight_line_between_two_thresholds(trace, seed):
    curve = rcnnzoo.sat_curve(trace)
    changes = changes_of(find_outcomes(trace, "entropy", "cumulative"))
    low, high = np.random.default_rng(seed).integers(0, len(curve), 2)
    ends = curve.iloc[sorted((low, min(low + 1, len(curve) - 1)))]
    middle = ends["mean_macs"].mean()
    assert accuracy_at(changes, [middle])[0] == pytest.approx(ends["accuracy"].mean())
    assert accuracy_at(changes, [curve["mean_macs"][high]])[0] == pytest.approx(curve["accuracy"][high])


def test_draws_are_of_as_many_images_and_repeat_with_their_seed():
    first, again, other = ([*Bootstrap(300, seed).draws(40)] for seed in (1, 1, 2))
    assert {counts.sum() for counts in first} == {40}
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    # Each image is drawn a binomial number of times: mean 1, variance 39 / 40.
    assert np.mean(first, axis=0) == pytest.approx(np.ones(40), abs=5 / np.sqrt(300))
    assert np.var(first) == pytest.approx(39 / 40, rel=0.1)


def test_the_band_of_a_network_of_one_step_is_the_binomial_one():
    right = np.arange(400)[:, None] < 280
    outcomes = Outcomes(np.zeros((400, 1), np.float32), right, np.array([7]), below=True)
    band = band_of(outcomes, Bootstrap(5000))
    assert band[["mean_macs", "accuracy"]].to_numpy().tolist() == [[7, 0.7]]
    assert band["low"][0] == pytest.approx(binom.ppf(0.025, 400, 0.7) / 400, abs=0.005)
    assert band["high"][0] == pytest.approx(binom.ppf(0.975, 400, 0.7) / 400, abs=0.005)


def test_the_wilson_interval_is_the_formulas():
    """Wilson 1927, with 1.959964 for 95 %."""
    z, share, images = 1.959964, 0.3, 50
    middle, half = share + z**2 / 100, z * np.sqrt(share * 0.7 / images + z**2 / 10_000)
    expected = (middle - half) / (1 + z**2 / images), (middle + half) / (1 + z**2 / images)
    assert wilson(15, images) == pytest.approx(expected, abs=1e-6)


def simulate(random, images):
    """Outcomes of a network of three steps that is more confident where it is right, and is right more often later."""
    scores = random.random((images, 3)).astype(np.float32)
    return Outcomes(
        scores, random.random((images, 3)) < np.array([0.9, 1.0, 1.1]) - 0.6 * scores, np.arange(1, 4), True
    )


def test_a_band_holds_the_true_accuracy_as_often_as_it_says():
    """Of 200 samples the interval at a cost misses the population's accuracy in about 10; more than 20 in 0.2 %."""
    random = np.random.default_rng(0)
    costs = [1.0, 1.5, 2.2, 3.0]
    truth = accuracy_at(changes_of(simulate(random, 400_000)), costs)
    missed = np.zeros(len(costs))
    for seed in range(200):
        resampled = resampled_accuracy_at(changes_of(simulate(random, 200)), costs, Bootstrap(200, seed))
        low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
        missed += (truth < low) | (truth > high)
    for count in missed:
        assert binomtest(int(count), 200, 0.05).pvalue > 0.001


def test_a_band_runs_from_the_first_step_to_the_last():
    outcomes = simulate(np.random.default_rng(1), 300)
    band = band_of(outcomes, Bootstrap(100))
    assert (band["mean_macs"].iloc[0], band["mean_macs"].iloc[-1]) == (1, 3)
    assert (band["accuracy"].iloc[0], band["accuracy"].iloc[-1]) == tuple(outcomes.right.mean(axis=0)[[0, 2]])
    assert ((band["low"] < band["accuracy"]) & (band["accuracy"] < band["high"])).all()

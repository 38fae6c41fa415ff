"""Differences between networks on the same images, against hand calculations and other libraries."""

import numpy as np
import pytest
from scipy import stats

from rcnnzoo.analysis.comparison import compare
from rcnnzoo.analysis.differences import at_equal_cost, of_accuracies, of_groups, of_means
from rcnnzoo.analysis.intervals import Bootstrap
from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.recording.labelled import make_trace


def test_a_mean_has_intervals_over_seeds_and_over_images():
    """Seeds whose means are 0.2, 0.3, 0.4: t of two degrees of freedom is 4.3027, the standard error 0.1/sqrt 3."""
    values = [np.repeat([1.0, 0.0], [n, 10 - n]) for n in (2, 3, 4)]
    one = of_means(values)
    assert one.mean == pytest.approx(0.3)
    assert one.seeds == pytest.approx((0.3 - 4.3027 * 0.1 / 3**0.5, 0.3 + 4.3027 * 0.1 / 3**0.5), abs=1e-4)
    by_image = np.mean(values, axis=0)
    half = 1.95996 * by_image.std(ddof=1) / 10**0.5
    assert one.images == pytest.approx((0.3 - half, 0.3 + half), abs=1e-4)
    assert of_means(values[:1]).seeds is None


def test_with_one_seed_accuracies_are_tested_by_mcnemars_exact_test():
    """Five images that only one network gets right: p = 2 / 2**5, so nothing is decided, whatever the interval."""
    a = np.array([True] * 50 + [False] * 50)
    b = a.copy()
    b[:5] = False
    found = of_accuracies([(a, b)])
    assert found.p == pytest.approx(0.0625)
    assert found.images[0] > 0
    assert found.sign == 0
    b[5] = False
    assert of_accuracies([(a, b)]).sign == 1
    assert of_accuracies([(b, a)]).sign == -1
    assert of_accuracies([(a, a)]).p == 1


def test_of_groups_the_interval_is_that_of_welch():
    """Two means of independent images; by the normal distribution, as there are many images."""
    random = np.random.default_rng(0)
    values, group = random.normal(size=4000), random.random(4000) < 0.3
    values[group] += 0.2
    found = of_groups([values], [group])
    expected = stats.ttest_ind(values[group], values[~group], equal_var=False).confidence_interval(0.95)
    assert found.mean == pytest.approx(values[group].mean() - values[~group].mean())
    assert found.images == pytest.approx((expected.low, expected.high), abs=2e-4)


def test_at_equal_cost_it_is_what_compare_says():
    random = np.random.default_rng(1)
    labels = random.integers(4, size=500)
    traces = {}
    for name, macs, gain in (("a", [10, 20, 20], 1.0), ("b", [25], 1.5)):
        truth = np.eye(4)[labels][:, None] * gain * np.arange(1, len(macs) + 1)[None, :, None]
        traces[name] = make_trace(random.normal(size=(500, len(macs), 4)) + truth, labels, macs=macs)
    outcomes = [find_outcomes(trace, "entropy", "cumulative") for trace in traces.values()]
    found = at_equal_cost([(outcomes[0], outcomes[1])], 25, Bootstrap(200))
    row = compare(traces, bootstrap=Bootstrap(200)).pairs.iloc[0]
    assert (found.mean, *found.images) == pytest.approx((row["difference"], row["low"], row["high"]))
    assert found.seeds is None

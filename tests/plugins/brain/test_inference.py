"""Tests by flipped signs: by hand, by SciPy, and how often they are wrong where nothing is there."""

import numpy as np
import pytest
from scipy.stats import permutation_test

from rcnnzoo_brain.analysis import correlate
from rcnnzoo_brain.inference import flip_signs, signs
from tests.plugins.brain.simulated import brain, states


def test_by_hand():
    """Of three subjects' eight patterns, the observed sum 6 of 1, 2, 3 is reached by one; 4 of 3, 2, -1 by two."""
    p, corrected = flip_signs(np.array([[1.0, 3.0], [2.0, 2.0], [3.0, -1.0]]))
    assert p.tolist() == [1 / 8, 2 / 8]
    # The larger of both sums is 6, 6, 2, 2, 4, 0, 0 and -4 in these patterns, and observed were 6 and 4.
    assert corrected[0] == 2 / 8
    assert corrected[1] == 3 / 8


@pytest.mark.parametrize("two_sided", [False, True])
def test_it_is_scipys(two_sided):
    values = np.random.default_rng(0).normal(0.3, 1, 9)
    expected = permutation_test(
        (values,),
        np.mean,
        permutation_type="samples",
        n_resamples=np.inf,
        alternative="two-sided" if two_sided else "greater",
    )
    assert flip_signs(values[:, None], two_sided=two_sided)[0][0] == pytest.approx(expected.pvalue)


def test_many_subjects_have_drawn_patterns_with_the_observed_one_first():
    drawn = signs(20, 500, seed=0)
    assert drawn.shape == (500, 20)
    assert (drawn[0] == 1).all()
    assert set(np.unique(drawn)) == {-1, 1}


def test_one_subject_has_no_p_and_missing_states_stay_missing():
    assert np.isnan(flip_signs(np.ones((1, 3)))[0]).all()
    p, corrected = flip_signs(np.array([[1.0, np.nan], [2.0, np.nan]]))
    assert np.isnan([p[1], corrected[1]]).all()
    assert p[0] == corrected[0] == 1 / 4


def test_without_any_relation_the_corrected_test_rejects_at_its_level():
    """12 of 8 subjects' 256 patterns are below 5 %: 9.4 of 200 brains are rejected on average, above 19 once in 500."""
    given, rejected = states(0), 0
    for seed in range(200):
        found = correlate(given, brain(seed))
        rejected += int(np.nanmin(flip_signs(found)[1]) < 0.05)
    assert 2 <= rejected <= 19


def test_the_layer_and_step_that_a_brain_is_made_of_are_found():
    """Noise as large as the signal, 8 subjects."""
    found = 0
    for seed in range(20):
        given = states(seed)
        layer, step = seed % 4, seed % 3
        mean = correlate(given, brain(seed + 100, of=given[layer, step])).mean(axis=0)[..., 0]
        found += int(np.unravel_index(mean.argmax(), mean.shape) == (layer, step))
    assert found >= 19

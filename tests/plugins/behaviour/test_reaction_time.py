"""Graded times and ties, against hand calculations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from rcnnzoo_behaviour.fitting import Courses, read, stratified_folds
from rcnnzoo_behaviour.reaction_time import area_under, graded_times, read_graded, tied_share
from rcnnzoo_behaviour.simulation import simulate


def test_graded_times_by_hand():
    entropies = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.1], [0.6, 0.5, 0.45], [0.6, 0.5, 0.2]])
    times = graded_times(entropies, 0.4)
    first = (math.log(2) - 0.4) / (math.log(2) - 0.2)  # from ignorance at time 0
    np.testing.assert_allclose(times, [1 + 2 / 3, first, 3, 2 + 1 / 3])
    np.testing.assert_allclose(area_under(entropies), [1 / 3, 0.8 / 3, 1.55 / 3, 1.3 / 3])


@given(arrays(float, (12, 4), elements=st.floats(0, math.log(2))), st.floats(0, 0.7))
def test_a_graded_time_lies_within_the_step_that_crossed(entropies, threshold):
    times = graded_times(entropies, threshold)
    steps = [min([*(t + 1 for t, entropy in enumerate(course) if entropy <= threshold), 4]) for course in entropies]
    assert ((times >= np.array(steps) - 1) & (times <= steps)).all()


def test_graded_times_give_a_feedforward_network_an_entry_that_whole_steps_do_not():
    crowd = simulate(200, 0.9, 0)
    folds = stratified_folds(crowd.uncertainty > 0, 5, 2, 0)
    one_step = crowd.entropies[0][:, 3:4]
    _, standardised = read_graded(one_step, crowd.uncertainty, folds)
    graded = np.mean([np.corrcoef(ranks, rankdata(crowd.uncertainty))[0, 1] for ranks in standardised])
    assert graded > 0.5
    assert read(Courses(one_step), crowd.uncertainty, folds).correlation == 0


def test_graded_times_are_not_turned_round_where_the_relation_is_negative():
    """As whole steps: no threshold is better than none, so all run to the last step."""
    hard = np.linspace(0, 1, 40)
    entropies = np.stack([0.6 - 0.3 * hard, 0.5 - 0.4 * hard], axis=1)
    times, standardised = read_graded(entropies, hard, stratified_folds(np.zeros(40), 4, 1, 0))
    assert (times == 2).all()
    assert (standardised == 0.5).all()


def test_the_share_of_ties_is_a_count_of_pairs():
    values = [1, 1, 1, 2, 2, 5]
    pairs = [a == b for i, a in enumerate(values) for b in values[i + 1 :]]
    assert tied_share(values) == pytest.approx(np.mean(pairs))

"""Thresholds from one pass over all events, against trying each and asking scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from rcnnzoo_behaviour.fitting import Courses, correlate_again, levels, read, stratified_folds


def react(entropies, threshold):
    """Reaction times as the words define them."""
    times = []
    for course in entropies:
        steps = [step for step, entropy in enumerate(course, 1) if entropy <= threshold]
        times.append(min([*steps, len(course)]))
    return np.array(times)


def best_threshold(entropies, uncertainty):
    """Every distinct threshold tried; the lowest of the best, none unless it is above 0."""
    best, found = 0.0, -np.inf
    for threshold in np.unique(entropies[:, :-1]):
        times = react(entropies, threshold)
        constant = len(set(times)) == 1 or len(set(uncertainty)) == 1
        correlation = 0.0 if constant else spearmanr(times, uncertainty).statistic
        if correlation > best + 1e-12:
            best, found = correlation, threshold
    return found


@pytest.mark.parametrize("decimals", [1, 6])  # with ties in entropy and without
@pytest.mark.parametrize("steps", [2, 5])
@pytest.mark.parametrize("seed", range(5))
def test_reading_is_what_slow_cross_validation_gives(seed, steps, decimals):
    random = np.random.default_rng(seed)
    entropies = np.round(random.random((31, steps)), decimals)
    uncertainty = np.round(random.random(31), 1)
    folds = stratified_folds(np.zeros(31), folds=4, repeats=2, seed=seed)
    reading = read(Courses(entropies), uncertainty, folds)
    correlations = []
    for repeat, fold in enumerate(folds):
        standardised = np.empty(31)
        for left_out in range(4):
            here = fold == left_out
            threshold = best_threshold(entropies[~here], uncertainty[~here])
            times = react(entropies[here], threshold)
            same = react(entropies[~here], threshold), react(entropies[~here], reading.thresholds[repeat, left_out])
            np.testing.assert_array_equal(*same)
            np.testing.assert_array_equal(times, reading.reaction_times[repeat, here])
            standardised[here] = (rankdata(times) - 0.5) / here.sum()
        np.testing.assert_allclose(reading.standardised[repeat], standardised)
        constant = np.ptp(standardised) == 0
        correlations.append(0 if constant else np.corrcoef(standardised, rankdata(uncertainty))[0, 1])
    assert reading.correlation == pytest.approx(np.mean(correlations))


def test_of_equal_correlations_the_lowest_threshold_wins():
    # At 0.2 and at 0.3 the same three images stop early, at 0.4 a fourth does.
    entropies = np.array([[0.1, 0], [0.2, 0], [0.2, 0], [0.4, 0], [0.9, 0], [0.9, 0]])
    uncertainty = np.array([0, 0, 0, 0.5, 0.5, 0.5])
    both = read(Courses(np.tile(entropies, (2, 1))), np.tile(uncertainty, 2), np.repeat([[0, 1]], 6, axis=1))
    assert both.thresholds.tolist() == [[0.2, 0.2]]
    assert both.correlation == pytest.approx(1)


@pytest.mark.parametrize("entropies", [np.full((20, 4), 0.3), np.random.default_rng(0).random((20, 1))])
def test_equal_reaction_times_count_as_0_even_in_folds_of_different_sizes(entropies):
    folds = stratified_folds(np.zeros(20), folds=3, repeats=2, seed=0)
    reading = read(Courses(entropies), np.arange(20) / 40, folds)
    assert reading.correlation == 0
    assert np.ptp(reading.reaction_times) == 0


def test_a_negative_relation_is_not_turned_round():
    hard = np.linspace(0, 1, 40)
    reading = read(Courses(np.stack([1 - hard, 1 - hard], axis=1)), hard, stratified_folds(np.zeros(40), 4, 1, 0))
    assert reading.thresholds.tolist() == [[-np.inf] * 4]
    assert reading.correlation == 0


def test_copies_count_as_if_the_image_were_there_so_often():
    random = np.random.default_rng(3)
    entropies, uncertainty = random.random((25, 4)), np.round(random.random(25), 1)
    folds = stratified_folds(np.zeros(25), 3, 2, 0)
    copies = random.integers(0, 4, 25)
    (weighed,) = correlate_again(Courses(entropies), uncertainty, folds, weights=copies[None].astype(float))
    places = np.repeat(np.arange(25), copies)
    there = read(Courses(entropies[places]), uncertainty[places], folds[:, places]).correlation
    assert weighed == pytest.approx(there)


def test_courses_that_are_shown_elsewhere_are_read_there():
    random = np.random.default_rng(4)
    entropies, uncertainty = random.random((25, 4)), random.random(25)
    folds = stratified_folds(np.zeros(25), 5, 2, 0)
    shown = np.array([random.permutation(25) for _ in range(3)])
    again = correlate_again(Courses(entropies), uncertainty, folds, shown=shown)
    expected = [read(Courses(entropies[order]), uncertainty, folds).correlation for order in shown]
    np.testing.assert_allclose(again, expected)


@given(st.lists(st.sampled_from("abc"), min_size=6, max_size=60), st.integers(2, 6), st.integers(0, 9))
def test_folds_are_fair(strata, folds, seed):
    (fold,) = stratified_folds(strata, folds, 1, seed)
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.max() - sizes.min() <= 1
    for kind in set(strata):
        counts = np.bincount(fold[np.array(strata) == kind], minlength=folds)
        assert counts.max() - counts.min() <= 1


def test_folds_differ_between_repeats_and_come_again_with_the_seed():
    one, two = stratified_folds(np.zeros(50), 5, 2, seed=1)
    assert (one != two).any()
    np.testing.assert_array_equal(stratified_folds(np.zeros(50), 5, 2, seed=1)[0], one)
    assert levels(["b", "a", "b"]).tolist() == [1, 0, 1]

"""Permutation tests and bootstrap, against rearranging by hand."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import rankdata

from rcnnzoo_behaviour.bootstrap import bootstrap_interval, bootstrap_ranks, difference, draw_copies
from rcnnzoo_behaviour.fitting import Courses, random_stream, read, stratified_folds
from rcnnzoo_behaviour.permutation import against_zero, exchange_ranks, exchange_refitted
from rcnnzoo_behaviour.simulation import simulate


def correlation(standardised, uncertainty):
    return np.mean([np.corrcoef(ranks, rankdata(uncertainty))[0, 1] for ranks in standardised])


def test_few_images_that_differ_are_exchanged_in_all_ways():
    random = np.random.default_rng(0)
    uncertainty = random.random(12)
    one = random.random((2, 12))
    two = one.copy()
    two[:, [1, 4, 7]] += random.random((2, 3))
    test = exchange_ranks(one, two, uncertainty, number=99, seed=0)
    null = []
    for swapped in product([False, True], repeat=3):
        a, b = one.copy(), two.copy()
        for image, swap in zip([1, 4, 7], swapped, strict=True):
            if swap:
                a[:, image], b[:, image] = two[:, image], one[:, image]
        null.append(correlation(a, uncertainty) - correlation(b, uncertainty))
    assert test.exact
    assert test.observed == pytest.approx(null[0])
    np.testing.assert_allclose(np.sort(test.null), np.sort(null))
    assert test.p == np.mean(np.abs(null) >= abs(null[0]) - 1e-9)


def test_many_are_exchanged_at_random_the_same_in_all_repeats():
    random = np.random.default_rng(1)
    uncertainty, one, two = random.random(40), random.random((3, 40)), random.random((3, 40))
    test = exchange_ranks(one, two, uncertainty, number=2000, seed=0)
    null = []
    for _ in range(2000):
        swap = random.random(40) < 0.5
        pair = np.where(swap, two, one), np.where(swap, one, two)
        null.append(correlation(pair[0], uncertainty) - correlation(pair[1], uncertainty))
    assert not test.exact
    assert len(test.null) == 2000
    assert np.std(test.null) == pytest.approx(np.std(null), rel=0.06)
    assert test.p == pytest.approx(np.mean(np.abs(null) >= abs(test.observed)), abs=0.04)


def test_a_constant_network_correlates_0_before_and_after_exchanges():
    random = np.random.default_rng(2)
    uncertainty, other = random.random(30), random.random((1, 30))
    test = exchange_ranks(np.full((1, 30), 0.5), other, uncertainty, number=199, seed=0)
    assert test.observed == pytest.approx(-correlation(other, uncertainty))
    assert np.isfinite(test.null).all()


def test_refitting_after_an_exchange_is_reading_the_exchanged_courses():
    pair = simulate(40, 0.5, seed=0, networks=2)
    folds = stratified_folds(np.zeros(40), 4, 2, 0)
    test = exchange_refitted(Courses(np.concatenate(pair.entropies)), pair.uncertainty, folds, number=3, seed=5)
    exchanged = random_stream(5, "exchanges").random((4, 40)) < 0.5
    for place, swap in enumerate(exchanged[1:, :, None]):
        one = np.where(swap, pair.entropies[1], pair.entropies[0])
        two = np.where(swap, pair.entropies[0], pair.entropies[1])
        wanted = [read(Courses(part), pair.uncertainty, folds).correlation for part in (one, two)]
        assert test.null[place] == pytest.approx(wanted[0] - wanted[1])
    own = [read(Courses(part), pair.uncertainty, folds).correlation for part in pair.entropies]
    assert test.observed == pytest.approx(own[0] - own[1])


def test_a_network_does_not_differ_from_itself():
    one = simulate(40, 0.5, seed=0).entropies[0]
    doubt = simulate(40, 0.5, seed=0).uncertainty
    folds = stratified_folds(np.zeros(40), 4, 1, 0)
    assert exchange_refitted(Courses(np.concatenate([one, one])), doubt, folds, 19, 0).p == 1
    alike = read(Courses(one), doubt, folds).standardised
    assert exchange_ranks(alike, alike, doubt, 19, 0).p == 1


def test_a_relation_is_found_and_the_p_value_counts_what_is_as_extreme():
    crowd = simulate(100, 0.9, seed=0)
    folds = stratified_folds(crowd.uncertainty > 0, 5, 1, 0)
    test = against_zero([Courses(crowd.entropies[0])], crowd.uncertainty, folds, 99, 0)
    assert test.p == 0.01
    assert test.observed > test.null.max()


def test_shuffles_within_a_category_keep_what_the_category_alone_explains():
    random = np.random.default_rng(0)
    category = np.repeat([0, 1], 100)
    # Both hesitate in category 1 and know no difference within: all is category.
    doubt = np.round(0.2 * category + 0.05 * random.random(200), 2)
    entropies = 0.4 * category[:, None] + 0.1 * random.random((200, 3)) - np.array([0, 0.05, 0.1])
    folds = stratified_folds(category, 5, 1, 0)
    free = against_zero([Courses(entropies)], doubt, folds, 99, 0)
    given = against_zero([Courses(entropies)], doubt, folds, 99, 0, within=category)
    assert free.p == 0.01
    assert free.observed > 0.5
    assert given.p > 0.05
    assert np.mean(given.null) == pytest.approx(given.observed, abs=0.1)
    assert abs(np.mean(free.null)) < 0.1


def test_samples_hold_as_many_images_and_come_again():
    copies = draw_copies(30, 5, seed=1)
    assert (copies.sum(axis=1) == 30).all()
    np.testing.assert_array_equal(copies, draw_copies(30, 5, seed=1))


def test_an_interval_holds_the_estimate_and_narrows_with_more_images():
    widths = []
    for images in (60, 600):
        crowd = simulate(images, 0.7, seed=1)
        folds = stratified_folds(crowd.uncertainty > 0, 5, 1, 0)
        courses = Courses(crowd.entropies[0])
        interval = bootstrap_interval([courses], crowd.uncertainty, folds, 100, seed=0)
        assert interval.low < read(courses, crowd.uncertainty, folds).correlation < interval.high
        widths.append(interval.high - interval.low)
    assert widths[1] < 0.5 * widths[0]


def test_a_network_beside_itself_differs_by_nothing_and_seeds_widen_an_interval():
    crowds = simulate(80, 0.7, 0)
    folds = stratified_folds(crowds.uncertainty > 0, 5, 1, 0)
    one = Courses(crowds.entropies[0])
    interval = bootstrap_interval([one], crowds.uncertainty, folds, 50, seed=0)
    same = difference(interval, bootstrap_interval([one], crowds.uncertainty, folds, 50, seed=0))
    assert (same.low, same.high) == (0, 0)
    unrelated = Courses(simulate(80, 0.0, 7).entropies[0])
    mixed = bootstrap_interval([one, unrelated], crowds.uncertainty, folds, 200, seed=0)
    assert mixed.high - mixed.low > interval.high - interval.low


def test_entries_of_several_networks_draw_them_each_by_itself():
    """No seed of one entry belongs to a seed of another: even the same networks then differ, by chance."""
    crowds = simulate(80, 0.7, 0)
    pair = [crowds.entropies[0], simulate(80, 0.0, 7).entropies[0]]
    folds = stratified_folds(crowds.uncertainty > 0, 5, 1, 0)
    courses, areas = [Courses(part) for part in pair], [part.mean(axis=1) for part in pair]
    for one, other in (
        [bootstrap_interval(courses, crowds.uncertainty, folds, 200, 0, name) for name in "ab"],
        [bootstrap_ranks(areas, crowds.uncertainty, 200, 0, name) for name in "ab"],
    ):
        apart = np.mean(one.values != other.values)
        # Of two networks an entry draws (1, 1), (1, 2), (2, 1) or (2, 2), averages of which are three: equal in 3 of 8.
        assert apart == pytest.approx(5 / 8, abs=0.12)
        both = difference(one, other)
        assert both.low < -0.3
        assert both.high > 0.3


def test_ranks_in_samples_are_what_scipy_makes_of_the_images_repeated():
    random = np.random.default_rng(0)
    values, doubt = np.round(random.random(20), 1), np.round(random.random(20), 1)
    found = bootstrap_ranks([values], doubt, 5, seed=3)
    for copies, value in zip(draw_copies(20, 5, seed=3), found.values, strict=True):
        places = np.repeat(np.arange(20), copies.astype(int))
        assert value == pytest.approx(np.corrcoef(rankdata(values[places]), rankdata(doubt[places]))[0, 1])

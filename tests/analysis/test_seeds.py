"""Several seeds: the paired tests by scipy and by hand, means and intervals by hand."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

import rcnnzoo
from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.analysis.comparison import compare
from rcnnzoo.analysis.sat_curve import sat_curve
from rcnnzoo.analysis.seeds import accuracy_over_seeds, compare_seeds
from rcnnzoo.errors import OptionError, TraceError
from tests.analysis.test_comparison import answers

IMAGES = 40


def members(*right, first_seed=0):
    """Members that are right on these numbers of images."""
    return {
        seed: answers([1] * number + [0] * (IMAGES - number), parameters=7)
        for seed, number in enumerate(right, first_seed)
    }


def test_the_tests_are_scipys_over_seeds():
    a, b = (30, 33, 31, 36, 34), (28, 30, 30, 31, 30)
    found = compare_seeds({"a": members(*a), "b": members(*b)})
    (pair,) = found.pairs.to_dict("records")
    expected = ttest_rel(np.array(a) / IMAGES, np.array(b) / IMAGES)
    assert (pair["t"], pair["p_t"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert (pair["low"], pair["high"]) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert pair["difference"] == pytest.approx(3 / IMAGES)
    # All five differences have the same sign: two of the 2 ** 5 patterns of signs are as extreme.
    assert pair["p_w"] == pytest.approx(2 / 32)
    assert found.models["accuracy"].tolist() == pytest.approx([np.mean(a) / IMAGES, np.mean(b) / IMAGES])
    assert found.models["seeds"].tolist() == [5, 5]
    assert found.models["parameters"].tolist() == [7, 7]


def test_within_each_seed_stands_mcnemar_of_its_networks():
    a, b = members(30, 33), members(20, 35)
    within = compare_seeds({"a": a, "b": b}).within
    assert within["seed"].tolist() == [0, 1]
    for seed, row in zip((0, 1), within.to_dict("records"), strict=True):
        (alone,) = compare({"a": a[seed], "b": b[seed]}).pairs.to_dict("records")
        assert {name: row[name] for name in ("only_a", "only_b", "p")} == {
            name: alone[name] for name in ("only_a", "only_b", "p")
        }


def test_seeds_are_paired_by_number_and_others_left_out():
    a, b = members(30, 20, 32), members(18, 31, 5, first_seed=1)
    found = compare_seeds({"a": a, "b": b})
    assert found.pairs["difference"].tolist() == pytest.approx([((20 - 18) + (32 - 31)) / 2 / IMAGES])
    assert found.alone == {("a", "b", "a"): [0], ("a", "b", "b"): [3]}


def test_three_networks_are_corrected_for_three_pairs():
    networks = {"a": members(30, 33, 31), "b": members(28, 30, 30), "c": members(20, 30, 31)}
    pairs = compare_seeds(networks).pairs
    assert pairs["p_corrected"].tolist() == pytest.approx([min(1, 3 * p) for p in pairs["p_t"]])
    assert pairs["p_w_corrected"].tolist() == pytest.approx([min(1, 3 * p) for p in pairs["p_w"]])


def test_networks_that_do_not_differ_are_not_said_to():
    (pair,) = compare_seeds({"a": members(30, 33), "b": members(30, 33)}).pairs.to_dict("records")
    assert [pair[name] for name in ("difference", "t", "p_t", "p_w")] == [0, 0, 1, 1]


def test_the_same_difference_at_every_seed_is_certain():
    (pair,) = compare_seeds({"a": members(30, 34), "b": members(20, 24)}).pairs.to_dict("records")
    assert pair["difference"] == pair["low"] == pair["high"] == 0.25
    assert pair["p_t"] == 0


def test_what_can_not_be_compared_is_refused():
    with pytest.raises(OptionError, match="a and b have 1 of their seeds in common"):
        compare_seeds({"a": members(1, 2), "b": members(1, 2, first_seed=1)})
    with pytest.raises(OptionError, match="a comparison needs two networks"):
        compare_seeds({"a": members(1, 2)})
    with pytest.raises(OptionError, match="`cost` 99: no two of these networks"):
        compare_seeds({"a": members(1, 2), "b": members(1, 2)}, cost=99)
    fewer = {seed: trace.isel(image=slice(5)) for seed, trace in members(1, 2).items()}
    with pytest.raises(TraceError, match="a seed 0 and b seed 0 differ in their images"):
        compare_seeds({"a": members(1, 2), "b": fewer})


def recurrent(seed):
    random = np.random.default_rng(seed)
    return rcnnzoo.make_trace(random.normal(size=(60, 3, 12)) * 2, np.zeros(60), [10, 20, 20])


def test_at_equal_cost_each_seed_stops_by_its_own_threshold():
    networks = {name: {seed: recurrent(10 * number + seed) for seed in (0, 1)} for number, name in enumerate("ab")}
    (pair,) = compare_seeds(networks, cost=30.0).pairs.to_dict("records")

    def accuracy(trace):
        curve = sat_curve(trace)
        return np.interp(30.0, curve["mean_macs"], curve["accuracy"])

    one, two = (accuracy(networks["a"][seed]) - accuracy(networks["b"][seed]) for seed in (0, 1))
    assert pair["difference_at_cost"] == pytest.approx((one + two) / 2)
    # Of two values the standard error is half of their difference; t of one degree of freedom is 12.706.
    assert pair["high_at_cost"] - pair["difference_at_cost"] == pytest.approx(12.706 * abs(one - two) / 2, rel=1e-3)


def test_mean_accuracy_by_step_has_an_interval_over_seeds():
    tables = [measure_accuracy(recurrent(seed)).by_step for seed in (0, 1)]
    mean = accuracy_over_seeds(tables)
    for name, high in (("accuracy", "high"), ("top5", "top5_high")):
        one, two = (table[name].to_numpy() for table in tables)
        assert mean[name].tolist() == pytest.approx((one + two) / 2)
        assert (mean[high] - mean[name]).tolist() == pytest.approx(12.706 * abs(one - two) / 2, rel=1e-3)
    assert mean["nll"].tolist() == pytest.approx((tables[0]["nll"] + tables[1]["nll"]).to_numpy() / 2)
    assert accuracy_over_seeds(tables[:1])["low"].isna().all()  # one network says nothing about others

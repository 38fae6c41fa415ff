"""Comparisons: McNemar by hand and by scipy, the paired bootstrap by resampled traces."""

import numpy as np
import pytest
from scipy.stats import binomtest

import rcnnzoo
from rcnnzoo.analysis.bands import accuracy_at, resampled_accuracy_at
from rcnnzoo.analysis.changes import changes_of
from rcnnzoo.analysis.comparison import compare
from rcnnzoo.analysis.intervals import Bootstrap, percentiles, wilson
from rcnnzoo.analysis.outcomes import Outcomes
from rcnnzoo.errors import OptionError, TraceError


def answers(right, macs=(10,), **attributes):
    """A trace of two categories whose network is right where `right` says so: [N] or [N, T]."""
    right = np.array(right, dtype=bool).reshape(len(right), -1)
    logits = np.where(right[..., None], [3.0, 0.0], [0.0, 3.0])
    return rcnnzoo.make_trace(logits, np.zeros(len(right)), macs, attributes=attributes)


def pair(only_a, only_b, both=5, neither=3):
    """Two networks that differ on these numbers of images."""
    a = [1] * only_a + [0] * only_b + [1] * both + [0] * neither
    b = [0] * only_a + [1] * only_b + [1] * both + [0] * neither
    return {"a": answers(a), "b": answers(b)}


def test_mcnemar_by_hand():
    """1 against 7: twice the chance of at most one head in eight throws, 2 * (1 + 8) / 256."""
    (row,) = compare(pair(1, 7)).pairs.to_dict("records")
    assert (row["a"], row["b"], row["only_a"], row["only_b"], row["statistic"]) == ("a", "b", 1, 7, 1)
    assert row["p"] == pytest.approx(18 / 256)
    assert row["p_corrected"] == row["p_holm"] == row["p"]  # one pair: nothing to correct


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (4, 4), (3, 60), (200, 150), (5, 0)])
def test_mcnemar_is_the_binomial_test_however_many_differ(only_a, only_b):
    found = compare(pair(only_a, only_b)).pairs["p"][0]
    assert found == pytest.approx(binomtest(only_a, only_a + only_b, 0.5).pvalue)


def test_networks_that_never_differ_give_one():
    (row,) = compare(pair(0, 0)).pairs.to_dict("records")
    assert (row["p"], row["p_corrected"], row["p_holm"]) == (1, 1, 1)
    assert (row["difference"], row["low"], row["high"]) == (0, 0, 0)


def test_three_networks_are_three_pairs_corrected_by_hand():
    """`a` and `b` differ on 0 : 10, `a` and `c` on 0 : 6, `b` and `c` on 4 : 0."""
    right = {"a": [0] * 10, "b": [1] * 10, "c": [1] * 6 + [0] * 4}
    found = compare({name: answers([*values, 1, 1], parameters=7) for name, values in right.items()})
    p = [2 / 2**10, 2 / 2**6, 2 / 2**4]
    assert found.pairs[["a", "b"]].to_numpy().tolist() == [["a", "b"], ["a", "c"], ["b", "c"]]
    assert found.pairs["p"].tolist() == pytest.approx(p)
    assert found.pairs["p_corrected"].tolist() == pytest.approx([3 * p[0], 3 * p[1], 3 * p[2]])
    assert found.pairs["p_holm"].tolist() == pytest.approx([3 * p[0], 2 * p[1], p[2]])
    assert found.models["accuracy"].tolist() == pytest.approx([2 / 12, 1, 8 / 12])
    assert found.models[["low", "high"]].to_numpy()[2].tolist() == pytest.approx(wilson(8, 12))
    assert found.models["parameters"].tolist() == [7, 7, 7]


def test_only_the_last_steps_answers_are_tested():
    early, late = answers([[1, 0]] * 6, [10, 10]), answers([[0, 1]] * 6, [10, 10])
    row = compare({"early": early, "late": late}, readout="instantaneous").pairs.iloc[0]
    assert (row["only_a"], row["only_b"]) == (0, 6)


def noisy(seed, macs, strength, labels):
    random = np.random.default_rng(seed)
    logits = random.normal(size=(len(labels), len(macs), 4))
    logits[np.arange(len(labels)), :, labels] += strength
    return rcnnzoo.make_trace(logits, labels, macs)


def three(images=80, seed=0):
    """A recurrent network, a feedforward one whose cost it can have, and one that is cheaper than its first step."""
    labels = np.random.default_rng(seed).integers(0, 4, images)
    return {
        "recurrent": noisy(seed + 1, [20, 30, 30], [0.5, 1.0, 2.0], labels),
        "middle": noisy(seed + 2, [45], [1.2], labels),
        "small": noisy(seed + 3, [10], [0.8], labels),
    }


def test_the_interval_at_equal_cost_is_that_of_resampled_traces():
    networks = three()
    row = compare(networks, bootstrap=Bootstrap(100, seed=4)).pairs.iloc[0]
    assert row["mean_macs"] == 45
    random = np.random.default_rng(4)
    differences = []
    for _ in range(100):
        drawn = random.integers(80, size=80)
        curve = rcnnzoo.sat_curve(networks["recurrent"].isel(image=drawn))
        of_middle = rcnnzoo.sat_curve(networks["middle"].isel(image=drawn))["accuracy"].item()
        differences.append(np.interp(45, curve["mean_macs"], curve["accuracy"]) - of_middle)
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])))
    assert row["difference"] == pytest.approx(row["accuracy_a"] - row["accuracy_b"])
    assert row["accuracy_b"] == rcnnzoo.sat_curve(networks["middle"])["accuracy"].item()


def test_a_network_that_cannot_cost_the_same_is_not_compared_there():
    found = compare(three(), bootstrap=Bootstrap(100)).pairs
    assert found["mean_macs"].isna().tolist() == [False, True, True]  # `small` costs less than a first step
    assert found.loc[1:, ["accuracy_a", "difference", "low", "high"]].isna().all(axis=None)
    assert found["p"].notna().all()


def test_another_cost_can_be_asked_for():
    networks = three()
    networks["small"] = noisy(9, [20, 30, 30], [0.2, 0.5, 1.0], networks["middle"]["label"].to_numpy())
    found = compare(networks, cost=60, bootstrap=Bootstrap(100)).pairs
    assert found["mean_macs"].isna().tolist() == [True, False, True]
    assert found["mean_macs"][1] == 60
    curve = rcnnzoo.sat_curve(networks["recurrent"])
    assert found["accuracy_a"][1] == pytest.approx(np.interp(60, curve["mean_macs"], curve["accuracy"]))
    with pytest.raises(OptionError, match="`cost` 1e\\+06: no two of these networks can both have that mean cost"):
        compare(networks, cost=1e6)


def test_the_paired_interval_holds_the_true_difference_as_often_as_it_says():
    """Of 100 samples about 5 miss; images that are hard for one network are hard for the other."""
    a, b = hard_for_both(np.random.default_rng(0), 100_000)
    truth = accuracy_at(changes_of(a), [25]) - accuracy_at(changes_of(b), [25])
    missed = 0
    for seed in range(100):
        a, b = hard_for_both(np.random.default_rng(seed + 1), 150)
        resampled = [resampled_accuracy_at(changes_of(one), [25], Bootstrap(200, seed)) for one in (a, b)]
        low, high = percentiles(resampled[0] - resampled[1])
        missed += not low <= truth <= high
    assert binomtest(missed, 100, 0.05).pvalue > 0.001


def hard_for_both(random, images):
    """Outcomes of two networks; one is better, and half of the images are easy."""
    easy = random.random((images, 1)) < 0.5
    for strength in (0.6, 0.5):
        scores = random.random((images, 2)).astype(np.float32)
        yield Outcomes(
            scores, random.random((images, 2)) < strength + 0.4 * easy - 0.2 * scores, np.array([10, 40]), True
        )


def test_one_network_is_not_a_comparison():
    with pytest.raises(OptionError, match="needs two networks"):
        compare({"a": answers([1, 0])})


@pytest.mark.parametrize(
    "other",
    [
        {"labels": [0, 1], "files": ["x", "y"]},
        {"labels": [1, 1], "files": ["x", "z"]},
        {"labels": [0, 1, 1], "files": ["x", "z", "y"]},
    ],
)
def test_traces_of_other_images_are_refused(other):
    first = rcnnzoo.make_trace(np.zeros((2, 1, 2)), [0, 1], [1], files=["x", "z"])
    second = rcnnzoo.make_trace(np.zeros((len(other["labels"]), 1, 2)), macs=[1], **other)
    with pytest.raises(TraceError, match="a and b differ in their images"):
        compare({"a": first, "b": second})

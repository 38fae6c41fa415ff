"""Thresholds that meet a budget or an accuracy, against brute force on the halves."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rcnnzoo
from rcnnzoo.analysis.half_split import choose_threshold, halves
from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.errors import OptionError
from tests.analysis.test_sat_curve import brute_force


@given(labels=st.lists(st.integers(0, 5), min_size=2, max_size=60), seed=st.integers(0, 100))
def test_halves_share_the_images_of_each_category(labels, seed):
    labels = np.array(labels)
    first, second = halves(labels, seed)
    assert sorted([*first, *second]) == list(range(len(labels)))
    assert 0 <= len(first) - len(second) <= 1
    for category, count in Counter(labels.tolist()).items():
        assert abs(2 * (labels[first] == category).sum() - count) <= 1


def test_halves_are_drawn_by_their_seed():
    labels = np.repeat(np.arange(5), 20)
    one, again, other = (halves(labels, seed)[0].tolist() for seed in (0, 0, 1))
    assert one == again != other
    # Whether an image is in the first half does not depend on its place: of 20 images of a category, 10 are.
    shares = np.mean([np.isin(np.arange(100), halves(labels, seed)[0]) for seed in range(400)], axis=0)
    assert shares == pytest.approx(np.full(100, 0.5), abs=0.12)


def learned(seed=0, images=60):
    """A trace whose network is right more often at later steps."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, images)
    logits = random.normal(size=(images, 3, 4))
    logits[np.arange(images), :, labels] += [0.5, 1.0, 2.0]
    return rcnnzoo.make_trace(logits, labels, [10, 30, 30])


@pytest.mark.parametrize("policy", ["entropy", "margin"])
@pytest.mark.parametrize(("wish", "value"), [("budget", 35.0), ("budget", 70.0), ("accuracy", 0.5), ("accuracy", 0.0)])
def test_the_threshold_is_the_brute_force_one(policy, wish, value):
    trace = learned()
    selection = choose_threshold(trace, policy, "cumulative", **{wish: value}, seed=3)
    first, second = halves(trace["label"].to_numpy(), 3)
    thresholds = np.unique(find_outcomes(trace.isel(image=first), policy, "cumulative").scores).astype(float)
    outcomes = [
        (*brute_force(trace.isel(image=first), policy, "cumulative", t), t) for t in [*thresholds, np.inf, -np.inf]
    ]
    if wish == "budget":
        accuracy, cost = max((a, -macs) for a, _, macs, _ in outcomes if macs <= value)
        expected = accuracy, -cost
    else:
        expected = min(((a, macs) for a, _, macs, _ in outcomes if a >= value), key=lambda found: found[1])
    assert (selection.chosen_on.accuracy, selection.chosen_on.mean_macs) == pytest.approx(expected)
    for images, half in ((first, selection.chosen_on), (second, selection.reported_on)):
        assert half.images == len(images)
        found = half.accuracy, half.mean_steps, half.mean_macs
        assert found == pytest.approx(brute_force(trace.isel(image=images), policy, "cumulative", selection.threshold))
        assert half.interval[0] < half.accuracy < half.interval[1]


def test_the_report_is_not_flattered():
    """A network at chance: a threshold chosen for accuracy on one half is still at chance on the other."""
    chosen, reported = [], []
    for seed in range(40):
        random = np.random.default_rng(seed)
        trace = rcnnzoo.make_trace(random.normal(size=(60, 3, 4)), random.integers(0, 4, 60), [10, 30, 30])
        selection = choose_threshold(trace, "entropy", "instantaneous", budget=70)
        chosen.append(selection.chosen_on.accuracy)
        reported.append(selection.reported_on.accuracy)
    assert np.mean(reported) == pytest.approx(0.25, abs=0.05)
    assert np.mean(chosen) > 0.30


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"budget": 9.0}, "`budget` 9: no threshold meets it, the first step alone takes 10 MACs per image"),
        ({"accuracy": 1.0}, r"`accuracy` 1: no threshold meets it, the best reaches 0\.\d{4} on the 30 images"),
        ({}, "give one of them"),
        ({"budget": 20.0, "accuracy": 0.5}, "`budget` and `accuracy` can't be combined"),
    ],
)
def test_what_cannot_be_met_is_said(wish, message):
    with pytest.raises(OptionError, match=message):
        choose_threshold(learned(), "entropy", "cumulative", **wish)


def test_what_an_error_advises_can_be_had():
    """Numbers in it are rounded to the side on which they work when they are typed again."""
    random = np.random.default_rng(1)
    trace = rcnnzoo.make_trace(random.normal(size=(59, 2, 4)), random.integers(0, 4, 59), [3_869_194, 7])
    with pytest.raises(OptionError, match="`budget` 1M: ") as refusal:
        choose_threshold(trace, "entropy", "cumulative", budget=1e6)
    (advised,) = re.findall(r"alone takes (\d+) MACs", str(refusal.value))
    choose_threshold(trace, "entropy", "cumulative", budget=float(advised))
    with pytest.raises(OptionError, match="`accuracy` 1: ") as refusal:
        choose_threshold(trace, "entropy", "cumulative", accuracy=1.0)
    (advised,) = re.findall(r"the best reaches (0\.\d+)", str(refusal.value))
    choose_threshold(trace, "entropy", "cumulative", accuracy=float(advised))


def test_one_image_has_no_halves():
    with pytest.raises(OptionError, match="1 image is too few"):
        choose_threshold(learned(images=1), "entropy", "cumulative", budget=20)

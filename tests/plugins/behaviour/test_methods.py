"""The paragraph for a methods section says what was done, and nothing else."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rcnnzoo_behaviour.entries import Entry, TimeCourses
from rcnnzoo_behaviour.human import People
from rcnnzoo_behaviour.methods import methods
from rcnnzoo_behaviour.simulation import simulate
from tests.plugins.behaviour.simulated import IMAGES, SETTINGS, entry, found, people_of


@pytest.fixture(scope="module")
def crowd():
    made = simulate(IMAGES, 0.8, 1, networks=3)
    return replace(made, uncertainty=np.round(made.uncertainty, 3))


def counted(crowd):
    """With how many of 40 people were right."""
    return people_of(crowd.uncertainty, n=40, n_correct=np.rint(40 * (1 - crowd.uncertainty)).astype(int))


def words(people, *entries, elsewhere=None, **changes):
    settings = replace(SETTINGS, **changes)
    return methods(people, entries, found(people, *entries, **changes), settings, "cumulative", elsewhere)


def test_without_tests_or_intervals_none_is_claimed(crowd):
    text = words(people_of(crowd.uncertainty), entry("net", crowd.entropies[0]))
    assert "5-fold cross-validation stratified by category and D > 0, 2 repeats, seed 3)" in text
    assert "cross-fitted over images (5 folds)" in text
    for absent in ("shuffle", "percentile", "exchange", "Holm", "randomly", "are from", "Human reaction", "entry of"):
        assert absent not in text
    assert "no ceiling from people, since it is not known how many people judged each image" in text
    assert "area under uncertainty and of the last step's entropy were tested one-tailed by the t approximation" in text


def test_what_a_single_network_went_through(crowd):
    random = [simulate(IMAGES, 0.0, seed).entropies[0] for seed in (5, 6)]
    one = entry("net", crowd.entropies[0], random=random)
    text = words(counted(crowd), one, elsewhere=300, folds=8, refits=19, bootstraps=19, simulations=30)
    assert "fitted to 300 other images" in text
    assert "; fewer folds, of at least ten images each, in parts of the images: animate: 6, inanimate: 6)" in text
    assert "percentile intervals over 19 bootstrap samples of images, copies" in text
    assert "one-tailed against 19 shuffles of time courses over images" in text
    assert "For each of net, 2 randomly initialised networks of the same architecture" in text
    assert "shuffled time courses 19 times over images of the same category or, separately, of the same kind" in text
    assert "Ceilings are from the 120 images with at least 4 judgements: random halves of judgements" in text
    assert "Holm" not in text  # nothing to correct for
    assert "compared" not in text


def test_what_each_network_is_and_how_right_its_classifiers_were(crowd):
    course = crowd.entropies[0]
    known = TimeCourses("net", course, 1 - course, [0.6, *[0.7] * 6, 0.75], "bl, width 0.125 (training data: ecoset)")
    text = words(people_of(crowd.uncertainty), Entry("net", [known]), refits=99)
    assert text.startswith("The networks were net: bl, width 0.125 (training data: ecoset). Human uncertainty")
    assert "right about these shares of the images: net 60.0 % (step 1) to 75.0 % (step 8)." in text
    assert "the entropy of animate against inanimate (nats)" in text
    assert "99 shuffles of time courses over images, thresholds refitted; p can't be below 0.01" in text


def test_pairs_are_said_to_be_tested_as_they_were(crowd):
    one, two, three = crowd.entropies
    people = people_of(crowd.uncertainty)
    text = words(people, entry("a", one), entry("b", two), refits=19)
    assert "time courses with thresholds refitted (19 exchanges; p)" in text
    assert "thresholds as they were (199 exchanges; p_ranks)" in text
    assert "P values of correlations were corrected by Holm's method" in text
    exact = words(people, entry("a", one[:, -1:]), entry("b", one[:, -1:]))  # no image differs
    assert "a and b have no reaction times, since all images take equally long" in exact
    assert "image by image: ranks of the area under uncertainty, which has no threshold (all 1 exchanges)." in exact
    assert "p_ranks" not in exact
    seeds = words(people, entry("a", one, two), entry("b", three), bootstraps=19)
    assert "a is an entry of 2 networks, whose correlations were averaged" in seeds
    assert "bootstrap samples of images and of an entry's networks" in seeds
    assert "Pairs with an entry of several networks were compared by an interval of the difference only" in seeds
    assert "exchanges" not in seeds
    assert "corrected by" not in seeds
    several = words(people, entry("a", one), entry("b", two), entry("c", three), refits=19)
    assert "P values of correlations and comparisons (p, not p_ranks) were corrected" in several


def test_human_reaction_times_and_a_model_that_is_not_to_be_trusted(crowd, monkeypatch):
    trials = pd.DataFrame({"subject": "a", "image": np.arange(IMAGES).astype(str), "answer": "correct"})
    images = people_of(crowd.uncertainty, n_rt=3, rt_centred_ms=np.arange(IMAGES)).images
    text = words(People(images, trials), entry("net", crowd.entropies[0]))
    assert "judged by 1 people (120 responses; 0 missing and 0 late ones, which were not filled in)" in text
    assert "Human reaction times were those of correct responses of at least 100 ms" in text
    assert f"averaged over an image's people, of {IMAGES} images;" in text
    monkeypatch.setattr("rcnnzoo_behaviour.ceiling._reproduces", lambda crowds, wanted: False)
    with pytest.warns(UserWarning, match="can't be trusted"):
        doubtful = words(counted(crowd), entry("net", crowd.entropies[0]))
    assert doubtful.endswith("as it did not reproduce halves and the share of D = 0, it can't be trusted.")

"""The whole analysis of simulated networks: each figure against one that was computed apart from it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from rcnnzoo_behaviour.entries import Entry, TimeCourses
from rcnnzoo_behaviour.fitting import Courses, read, stratified_folds
from rcnnzoo_behaviour.human import People
from rcnnzoo_behaviour.permutation import exchange_refitted
from rcnnzoo_behaviour.simulation import simulate
from tests.plugins.behaviour.simulated import IMAGES, SETTINGS, entry, found, people_of, row


def folds_of(people, part, folds):
    """Dealt anew: stratified by category and D > 0."""
    images = people.images[part]
    strata = [f"{kind} {doubt > 0}" for kind, doubt in zip(images["category"], images["uncertainty"], strict=True)]
    return stratified_folds(strata, folds, SETTINGS.repeats, SETTINGS.seed)


@pytest.fixture(scope="module")
def crowd():
    made = simulate(IMAGES, 0.8, 1, networks=2)
    return replace(made, uncertainty=np.round(made.uncertainty, 3))


def test_correlations_are_readings_in_stratified_folds_and_of_parts_by_themselves(crowd):
    people = people_of(crowd.uncertainty)
    table = found(people, entry("net", crowd.entropies[0]), folds=8).correlations
    animate = people.images["animate"] == 1
    parts = {"all": crowd.uncertainty >= 0, "D > 0": crowd.uncertainty > 0, "animate": animate, "inanimate": ~animate}
    for name, part in parts.items():
        folds = min(8, part.sum() // 10)
        reading = read(Courses(crowd.entropies[0][part]), crowd.uncertainty[part], folds_of(people, part, folds))
        found_here = row(table, images=name, measure="reaction time")
        assert (found_here["n"], found_here["folds"]) == (part.sum(), folds)
        assert found_here["spearman"] == pytest.approx(reading.correlation, abs=1e-12)


def test_human_reaction_times_are_predicted_where_trials_have_them(crowd):
    """They go with a second network's hesitation, and D doesn't."""
    random = np.random.default_rng(0)
    times = 100 * simulate(IMAGES, 0.8, 1, networks=2).entropies[1].mean(axis=1)
    number = random.integers(0, 6, IMAGES)
    trials = pd.DataFrame({"subject": "a", "image": np.arange(IMAGES).astype(str), "answer": "correct"})
    images = people_of(random.permutation(crowd.uncertainty), n_rt=number, rt_centred_ms=times).images
    people = People(images, trials)
    table = found(people, entry("net", crowd.entropies[0])).correlations
    part = number >= 3
    reading = read(Courses(crowd.entropies[0][part]), times[part], folds_of(people, part, 5))
    predicted = row(table, predicted="human reaction time")
    assert predicted["n"] == part.sum()
    assert predicted["spearman"] == pytest.approx(reading.correlation)
    assert predicted["spearman"] > 0.3
    assert "human reaction time" not in set(
        found(People(images), entry("net", crowd.entropies[0])).correlations["predicted"]
    )


def test_p_values_of_networks_and_pairs_are_corrected_by_holm(crowd):
    noise = [simulate(IMAGES, link, seed).entropies[0] for link, seed in ((0.0, 8), (0.0, 9))]
    people = people_of(crowd.uncertainty)
    entries = [entry(name, course) for name, course in zip("abc", [crowd.entropies[0], *noise], strict=True)]
    tables = found(people, *entries, refits=39)
    for table, alike in (
        (tables.correlations, ["images", "measure"]),
        (tables.comparisons, ["measure"]),
    ):
        several = 0
        for _, part in table.dropna(subset="p").groupby(alike):
            part = part.sort_values("p")
            by_hand, so_far = [], 0.0
            for place, p in enumerate(part["p"]):
                so_far = max(so_far, min(1.0, (len(part) - place) * p))
                by_hand.append(so_far)
            np.testing.assert_allclose(part["p_corrected"], by_hand)
            several += part["p_corrected"].iloc[0] > part["p"].iloc[0]
        assert several


def test_a_network_without_reaction_times_is_not_tested_but_by_its_area(crowd):
    """Against a constant any correlation would pass for a difference."""
    people = people_of(crowd.uncertainty)
    one, eight = entry("one", crowd.entropies[1][:, -1:]), entry("eight", crowd.entropies[0])
    tables = found(people, one, eight, refits=39, bootstraps=5)
    for images in ("all", "D > 0", "animate", "inanimate"):
        empty = row(tables.correlations, network="one", images=images, measure="reaction time")
        assert empty["test"] == "not applicable: all reaction times are equal"
        assert all(np.isnan(empty[name]) for name in ("spearman", "low", "high", "p", "p_corrected"))
        alone = row(tables.correlations, network="eight", images=images, measure="reaction time")
        assert alone["p_corrected"] == alone["p"]  # one test: nothing to correct for
    assert "graded crossing" not in set(tables.correlations.query("network == 'one'")["measure"])
    times, area = (row(tables.comparisons, measure=name) for name in ("reaction time", "area under uncertainty"))
    assert times["test"] == "not applicable: one has no times"
    assert all(np.isnan(times[name]) for name in ("difference", "p", "low"))
    assert area["p"] > 0
    assert area["difference"] == pytest.approx(
        spearmanr(crowd.entropies[1][:, -1], crowd.uncertainty).statistic
        - spearmanr(crowd.entropies[0].mean(axis=1), crowd.uncertainty).statistic
    )
    assert set(tables.controls["network"]) == {"eight"}
    assert set(tables.ceilings["network"]) <= {"eight", ""}


def test_a_network_of_fewer_steps_is_compared_with_one_of_eight(crowd):
    """Whoever has two steps never takes longer."""
    people, weak = people_of(crowd.uncertainty), simulate(IMAGES, 0.3, 1).entropies[0]
    two, eight = entry("two", crowd.entropies[1][:, 3:5]), entry("eight", weak)
    tables = found(people, two, eight, refits=199)
    alone = [
        row(tables.correlations, network=name, images="all", measure="reaction time")["spearman"]
        for name in ("two", "eight")
    ]
    compared = row(tables.comparisons, measure="reaction time")
    assert compared["difference"] == pytest.approx(alone[0] - alone[1])
    # By hand: after its own steps it is sure, however low the threshold.
    never = np.hstack([crowd.entropies[1][:, 3:4], np.full((IMAGES, 6), -np.inf), crowd.entropies[1][:, 4:5]])
    both = Courses(np.concatenate([never, weak]))
    folds = folds_of(people, slice(None), 5)
    test = exchange_refitted(both, crowd.uncertainty, folds, 199, SETTINGS.seed)
    assert test.observed == pytest.approx(alone[0] - alone[1])
    assert compared["p"] == test.p


def test_two_networks_differ_whichever_is_the_better(crowd):
    people = people_of(crowd.uncertainty)
    good, bad = entry("good", crowd.entropies[0]), entry("bad", simulate(IMAGES, 0.0, 7).entropies[0])
    for first, second, sign in ((good, bad, 1), (bad, good, -1)):
        compared = row(found(people, first, second, refits=99).comparisons, measure="reaction time")
        assert sign * compared["difference"] > 0.2
        assert compared["p"] <= 0.05
        assert compared["p_ranks"] <= 0.05


def test_graded_times_are_not_fitted_to_the_images_that_they_are_read_on():
    """At truth 0 a leak correlates 0.1; the mean of 12 has a standard error of 0.03."""
    estimates = []
    for seed in range(12):
        null = simulate(100, 0.0, seed)
        table = found(people_of(null.uncertainty), entry("net", null.entropies[0])).correlations
        estimates.append(row(table, measure="graded crossing")["spearman"])
    assert np.mean(estimates) < 0.05


def test_shuffles_within_category_keep_what_the_category_explains(crowd):
    """Categories differ in D and in entropy, animate and inanimate ones don't."""
    category = np.arange(IMAGES) % 4
    hard = np.isin(category, [2, 3])
    random = np.random.default_rng(0)
    doubt = np.round(0.2 * hard + 0.1 * random.random(IMAGES), 3)
    entropies = 0.3 * hard[:, None] + 0.2 * random.random((IMAGES, 3)) - np.array([0, 0.05, 0.1])
    tables = found(people_of(doubt), entry("net", entropies), refits=99)
    controls, main = tables.controls, tables.correlations
    assert row(controls, control="shuffled within category")["spearman"] > 0.4
    assert row(main, measure="reaction time within category")["p"] > 0.05
    assert row(controls, control="shuffled within animate or not")["spearman"] < 0.2
    assert row(main, measure="reaction time within animate or not")["p"] == 0.01
    assert "p" not in controls  # it is the network's, not the control's
    observed = row(main, measure="reaction time", images="all")["spearman"]
    assert row(main, measure="reaction time within category")["spearman"] == pytest.approx(observed)


def test_random_networks_go_through_the_same_steps(crowd):
    people = people_of(crowd.uncertainty)
    random = [simulate(IMAGES, 0.3, seed).entropies[0] for seed in (5, 6)]
    control = row(
        found(people, entry("net", crowd.entropies[0], random=random)).controls, control="randomly initialised"
    )
    folds = folds_of(people, slice(None), 5)
    values = [read(Courses(part), crowd.uncertainty, folds).correlation for part in random]
    assert (control["low"], control["high"]) == pytest.approx((min(values), max(values)))
    assert control["spearman"] == pytest.approx(np.mean(values))


def test_seeds_of_a_network_are_averaged_and_their_ties_too(crowd):
    people = people_of(crowd.uncertainty)
    slow, quick = crowd.entropies[0], crowd.entropies[1] * [1, 1, 0, 0, 0, 0, 0, 0]  # at most three steps: other ties
    tables = found(people, entry("both", slow, quick), entry("other", simulate(IMAGES, 0.5, 2).entropies[0]))
    readings = [read(Courses(course), crowd.uncertainty, folds_of(people, slice(None), 5)) for course in (slow, quick)]
    correlation = row(tables.correlations, network="both", images="all", measure="reaction time")
    assert correlation["networks"] == 2
    assert correlation["spearman"] == pytest.approx(np.mean([reading.correlation for reading in readings]))
    # Of every reaction time as many as both have: these many images of least D, and so on, are tied.
    ends = np.cumsum([np.mean([(one.reaction_times == time).mean() for one in readings]) for time in range(1, 8)])
    tied = np.searchsorted(np.rint(ends * IMAGES), np.arange(IMAGES), side="right")
    wanted = spearmanr(tied, np.sort(crowd.uncertainty)).statistic
    assert row(tables.ceilings, ceiling="noise-free", network="both")["value"] == pytest.approx(wanted)
    assert "p" not in tables.comparisons  # entries of several networks are compared without a test


def test_two_entries_draw_their_networks_each_by_itself(crowd):
    """No seed of the one belongs to a seed of the other, so even the same networks differ, by chance."""
    good, bad = crowd.entropies[0], simulate(IMAGES, 0.0, 7).entropies[0]
    tables = found(people_of(crowd.uncertainty), entry("a", good, bad), entry("b", good, bad), bootstraps=40)
    assert (tables.comparisons["difference"].abs() < 1e-12).all()
    assert (tables.comparisons["low"] < -0.2).all()
    assert (tables.comparisons["high"] > 0.2).all()


def test_accuracy_is_that_of_the_probability_at_reaction_time_and_even_is_wrong(crowd):
    people = people_of(crowd.uncertainty)
    course = crowd.entropies[0]
    even = Entry("even", [TimeCourses("even", course, np.full(course.shape, 0.5))])
    beyond = found(people, even).beyond
    assert row(beyond, quantity="share correct at the last step")["value"] == 0
    assert row(beyond, quantity="share correct at reaction time")["value"] == 0


def test_a_category_an_image_and_a_network_that_is_always_sure_are_no_reason_to_warn(crowd):
    images = people_of(crowd.uncertainty, n=12, n_correct=12).images
    trials = pd.DataFrame({"subject": "a", "image": images["image"], "answer": "correct"})
    people = People(images.assign(category=images["image"]), trials)
    sure = np.zeros((IMAGES, 3))
    tables = found(people, entry("sure", sure), refits=5, bootstraps=5)
    assert not tables.beyond["quantity"].str.startswith("partial").any()  # nothing to correlate
    times = tables.correlations.query("measure == 'reaction time'")
    assert times["spearman"].isna().all()
    assert (tables.correlations.query("measure == 'area under uncertainty'")["spearman"] == 0).all()

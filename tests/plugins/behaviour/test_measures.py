"""Graded times, ceilings, controls and the animacy readout, against hand calculations and other libraries."""

import math
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.stats import rankdata, spearmanr

from rcnnzoo.errors import DataError
from rcnnzoo_behaviour.animacy import accumulate, check_kinds, cross_fit, fit_elsewhere
from rcnnzoo_behaviour.ceiling import (
    APPROXIMATE,
    CeilingWarning,
    ResponseModel,
    ceilings,
    correlate,
    fit_responses,
    halves_of_counts,
    halves_of_people,
    share_to_uncertainty,
    tie,
    tied_shares,
)
from rcnnzoo_behaviour.controls import agreement, image_statistics, is_correct, kappa, partial_correlation
from rcnnzoo_behaviour.fitting import Courses, read, stratified_folds
from rcnnzoo_behaviour.human import People
from rcnnzoo_behaviour.reaction_time import area_under, graded_times, read_graded, tied_share
from rcnnzoo_behaviour.simulation import simulate

SHARED = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the human data do not lie beside the repository")


def test_graded_times_by_hand():
    entropies = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.1], [0.6, 0.5, 0.45], [0.6, 0.5, 0.2]])
    times = graded_times(entropies, 0.4)
    first = (math.log(2) - 0.4) / (math.log(2) - 0.2)  # from ignorance at time 0
    np.testing.assert_allclose(times, [1 + 2 / 3, first, 3, 2 + 1 / 3])
    np.testing.assert_allclose(area_under(entropies), [1 / 3, 0.8 / 3, 1.55 / 3, 1.3 / 3])


@given(arrays(float, (12, 4), elements=st.floats(0, math.log(2))), st.floats(0, 0.7))
def test_a_graded_time_lies_within_the_step_that_crossed(entropies, threshold):
    times = graded_times(entropies, threshold)
    whole = [min([*(t + 1 for t, entropy in enumerate(course) if entropy <= threshold), 4]) for course in entropies]
    assert ((times >= np.array(whole) - 1) & (times <= whole)).all()


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


def counts(images, weights, a, b, people, seed=0):
    random = np.random.default_rng(seed)
    which = random.choice(2, images, p=weights)
    share = random.beta(np.array(a)[which], np.array(b)[which])
    n = np.full(images, people)
    return n, random.binomial(n, share), share


def test_a_response_model_finds_the_distribution_that_made_the_counts():
    n, right, _ = counts(4000, [0.7, 0.3], [30, 4], [0.5, 2], 40)
    model = fit_responses(n, right)
    random = np.random.default_rng(1)
    found, made = np.sort(model.draw(20_000, random)), np.sort(counts(20_000, [0.7, 0.3], [30, 4], [0.5, 2], 40, 2)[2])
    assert np.abs(found - made).mean() < 0.01


def people_of(n, right):
    pc = right / n
    table = pd.DataFrame({"image": np.arange(len(n)).astype(str), "animate": np.arange(len(n)) % 2})
    return People(table.assign(n=n, n_correct=right, pc=pc, uncertainty=0.5 - abs(0.5 - pc)))


def test_ceilings_reproduce_the_people_and_know_the_truth():
    n, right, share = counts(3000, [0.7, 0.3], [30, 4], [0.5, 2], 40)
    table = ceilings(people_of(n, right), {"net": np.ones(8) / 8}, 60, 0)
    value = table.groupby("ceiling")["value"].first()
    assert value["half, modelled"] == pytest.approx(value["half, of judgements"], abs=0.02)
    assert value["share of D = 0, modelled"] == pytest.approx(value["share of D = 0"], abs=0.02)
    # What the shares that made the counts would reach.
    truth, doubt = 0.5 - abs(0.5 - share), share_to_uncertainty(right / n)
    assert value["true D, without ties"] == pytest.approx(spearmanr(truth, doubt).statistic, abs=0.03)
    assert value["half, of judgements"] < value["true D"] < value["noise-free"] < 1


def test_ceilings_of_a_model_that_does_not_reproduce_the_people_are_marked_and_warned_of(monkeypatch):
    n, right, _ = counts(400, [0.7, 0.3], [30, 4], [0.5, 2], 40)
    wrong = ResponseModel(np.array([1.0, 0.0]), np.array([2.0, 1.0]), np.array([2.0, 1.0]))
    monkeypatch.setattr("rcnnzoo_behaviour.ceiling.fit_responses", lambda n, n_correct: wrong)
    with pytest.warns(CeilingWarning, match="not to be trusted, and not drawn"):
        table = ceilings(people_of(n, right), {"net": np.ones(8) / 8}, 20, 0)
    doubtful = set(table.loc[~table["trusted"], "ceiling"])
    assert doubtful == {"half, modelled", "share of D = 0, modelled", "true D, without ties", "true D"}


def test_images_with_few_judgements_are_left_out_of_ceilings_and_counted():
    n, right, _ = counts(300, [0.7, 0.3], [30, 4], [0.5, 2], 40)
    few = n.copy()
    few[:7] = 3
    some = ceilings(people_of(few, np.minimum(right, few)), {"net": np.ones(8) / 8}, 20, 0)
    number = some.groupby("ceiling")["images"].first()
    assert number["half, of judgements"] == number["true D"] == 293
    assert number["noise-free"] == 300
    none = ceilings(people_of(np.full(300, 3), np.minimum(right, 3)), {"net": np.ones(8) / 8}, 20, 0)
    assert none["ceiling"].tolist() == ["noise-free"]


def test_one_person_has_no_halves():
    trials = pd.DataFrame({"subject": "a", "image": np.repeat(np.arange(40).astype(str), 4), "answer": "correct"})
    trials.loc[::5, "answer"] = "wrong"
    assert math.isnan(halves_of_people(trials, 5, np.random.default_rng(0)))
    right = trials["answer"].eq("correct").to_numpy().reshape(40, 4).sum(axis=1)
    people = replace(people_of(np.full(40, 4), right), trials=trials)
    assert ceilings(people, {"net": np.ones(8) / 8}, 5, 0)["ceiling"].tolist() == ["noise-free"]


def test_nothing_that_is_tied_alike_beats_the_noise_free_ceiling():
    doubt = np.array([0, 0, 0, 0.1, 0.1, 0.3, 0.5])
    shares = np.array([3, 2, 2]) / 7
    best = correlate(tie(doubt, shares, np.random.default_rng(0)).astype(float), doubt)
    times = [1, 1, 1, 2, 2, 3, 3]
    assert best == pytest.approx(max(spearmanr(order, doubt).statistic for order in set(permutations(times))))


def test_the_ties_of_a_network_are_counted_over_repeats():
    assert tied_shares(np.array([[1, 1, 2, 4], [1, 2, 2, 4]]), 4).tolist() == [3 / 8, 3 / 8, 0, 2 / 8]


def test_halves_of_people_are_halves_of_judgements_where_people_are_alike():
    random = np.random.default_rng(0)
    share = random.beta(4, 1, 300)
    right = random.random((16, 300)) < share
    trials = pd.DataFrame(
        [
            {"subject": person, "image": image, "answer": "correct" if right[person, image] else "wrong"}
            for person in range(16)
            for image in range(300)
        ]
    )
    by_person = halves_of_people(trials, 60, np.random.default_rng(0))
    by_judgement = halves_of_counts(np.full(300, 16), right.sum(axis=0), 60, np.random.default_rng(0))
    assert by_person == pytest.approx(by_judgement, abs=0.03)


@needs_data
@pytest.mark.parametrize("file", ["cifar10/animacy_cifar10h.csv", "animal_gonogo/animal_gonogo.csv"])
def test_the_response_model_reproduces_real_people(file):
    images = pd.read_csv(SHARED / file)
    table = ceilings(People(images), {}, 40, 0)
    value = table.set_index("ceiling")["value"]
    assert value["half, modelled"] == pytest.approx(value["half, of judgements"], abs=APPROXIMATE)
    assert value["share of D = 0, modelled"] == pytest.approx(value["share of D = 0"], abs=APPROXIMATE)


def test_partial_correlations_are_pingouins():
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(60, 3)), columns=["time", "doubt", "given"])
    table["time"] += table["given"]
    wanted = pingouin.partial_corr(table, "time", "doubt", "given", method="spearman")["r"].iloc[0]
    ranks = rankdata(table["time"])[None] / 60
    assert partial_correlation(ranks, table["doubt"], table[["given"]]) == pytest.approx(wanted)
    assert partial_correlation(np.full((1, 60), 0.5), table["doubt"], table[["given"]]) == 0


def test_given_a_category_only_what_is_left_within_counts():
    random = np.random.default_rng(1)
    category = np.repeat(["a", "b", "c"], 40)
    base = np.repeat([0.0, 1.0, 2.0], 40)
    time, doubt = base + 0.1 * random.random(120), base + 0.1 * random.random(120)
    standardised = (rankdata(time) / 120)[None]
    assert np.corrcoef(standardised[0], rankdata(doubt))[0, 1] > 0.8
    assert abs(partial_correlation(standardised, doubt, pd.DataFrame({"category": category}))) < 0.25


def test_given_nearly_a_category_an_image_there_is_nothing_to_correlate():
    random = np.random.default_rng(1)
    standardised = random.random((2, 40))
    for values, known in ((38, False), (21, False), (20, True)):
        category = pd.DataFrame({"category": (np.arange(40) % values).astype(str)})
        assert math.isfinite(partial_correlation(standardised, random.random(40), category)) == known


def test_statistics_of_images_by_hand(tmp_path):
    flat, edge = np.full((8, 8), 100, dtype=np.uint8), np.zeros((8, 8), dtype=np.uint8)
    edge[:, 4:] = 255
    for name, pixels in (("flat.png", flat), ("edge.png", edge)):
        Image.fromarray(pixels).save(tmp_path / name)
    people = People(pd.DataFrame({"image": ["flat.png", "edge.png"]}), places=["x.csv, row 2", "x.csv, row 3"])
    table = image_statistics(tmp_path, people)
    assert table["contrast"].tolist() == [0, 0.5]
    # Two of eight columns touch the edge; a step of 1 is a gradient of 1/2 on each side.
    np.testing.assert_allclose(table["clutter"], [0, 2 / 8 * 0.5])
    (tmp_path / "edge.png").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"x\.csv, row 3: .*edge.png is unreadable \(.*\); mend it, or leave it out"):
        image_statistics(tmp_path, people)


def test_kappa_by_hand():
    one = np.array([1, 1, 1, 0] * 10, dtype=float)
    other = np.array([1, 1, 0, 0] * 10, dtype=float)
    expected = 0.75 * 0.5 + 0.25 * 0.5
    assert kappa(one, other) == pytest.approx((0.75 - expected) / (1 - expected))
    assert math.isnan(kappa(one, np.ones(40)))
    people = pd.DataFrame(
        [
            {"subject": person, "image": str(image), "answer": "correct" if values[image] else "wrong"}
            for person, values in (("a", one), ("b", other))
            for image in range(40)
        ]
    )
    with_network, between = agreement(one[None] == 1, people, [str(image) for image in range(40)])
    assert between == pytest.approx(kappa(one, other))
    assert with_network == pytest.approx((1 + kappa(one, other)) / 2)


def test_a_network_is_right_at_its_reaction_time():
    probabilities = np.array([[0.4, 0.9], [0.4, 0.9]])
    right = is_correct(probabilities, np.array([[1, 2], [2, 1]]), np.array([1, 1]))
    assert right.tolist() == [[False, True], [True, False]]
    even = is_correct(np.full((2, 1), 0.5), np.ones((1, 2), dtype=int), np.array([1, 0]))
    assert even.tolist() == [[False, False]]


def test_probabilities_accumulate_as_readouts_do():
    probabilities, entropies = accumulate(np.array([[0.0, math.log(3)]]), "cumulative")
    np.testing.assert_allclose(probabilities, [[0.5, (0.5 + 0.75) / 2]], atol=1e-6)
    wanted = -(0.625 * math.log(0.625) + 0.375 * math.log(0.375))
    np.testing.assert_allclose(entropies, [[math.log(2), wanted]], atol=1e-6)


@pytest.fixture(scope="module")
def features():
    random = np.random.default_rng(0)
    animate = np.arange(120) % 2
    useful = (animate[:, None] + random.normal(0, 0.4, (120, 3))).astype(np.float32)
    return [random.normal(size=(120, 5)).astype(np.float32), useful], animate


def test_classifiers_are_fitted_a_step_and_never_to_the_image_itself(features):
    seen, animate = features
    odds = cross_fit(seen, animate, animate, 10, seed=0)
    right = ((odds > 0) == animate[:, None]).mean(axis=0)
    assert right[1] > 0.9
    assert 0.3 < right[0] < 0.7  # on noise, an image that was fitted would be known
    elsewhere = fit_elsewhere([part[:60] for part in seen], animate[:60], seen, seed=0)
    assert ((elsewhere[60:, 1] > 0) == animate[60:]).mean() > 0.9


@pytest.mark.parametrize(("number", "folds"), [(6, 6), (6, 2), (10, 10)])
def test_as_few_of_a_kind_as_are_let_through_are_enough_for_all_folds(features, number, folds):
    seen, _ = features
    few = np.where(np.arange(120) < number, 1, 0)
    check_kinds(few, Path("people.csv"), folds)
    strata = np.arange(120)  # a category an image
    assert np.isfinite(cross_fit([seen[1]], few, strata, folds, seed=0)).all()


def test_fewer_of_a_kind_are_said_to_be_too_few():
    few = np.where(np.arange(120) < 5, 1, 0)
    with pytest.raises(DataError, match=r"x: 5 of the images are animate; classifiers need 10, give more$"):
        check_kinds(few, Path("x"), 10)
    with pytest.raises(DataError, match=r"x: 5 of the images are inanimate; classifiers need 6, give more$"):
        check_kinds(1 - few, Path("x"))
    few[:8] = 1
    with pytest.raises(DataError, match=r"x: 8 of .* need 10, give more, or fewer `folds` than 10$"):
        check_kinds(few, Path("x"), 10)

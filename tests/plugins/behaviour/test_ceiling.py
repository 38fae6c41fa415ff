"""Ceilings: crowds whose truth is known, and real people's counts."""

import math
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

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
from rcnnzoo_behaviour.human import People

SHARED = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason="the human data do not lie beside the repository")


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
    table, crowds = ceilings(people_of(n, right), {"net": np.ones(8) / 8}, 60, 0)
    value = table.groupby("ceiling")["value"].first()
    assert crowds["quantity"].tolist() == ["correlation of halves", "share of images with D = 0"]
    np.testing.assert_allclose(crowds["modelled"], crowds["people"], atol=0.02)
    assert crowds["people"].tolist() == [
        value["half, of judgements"],
        np.mean(share_to_uncertainty(right / n) == 0),
    ]
    assert not any("share" in name for name in value.index)  # which is not a ceiling of anything
    # What the shares that made the counts would reach.
    truth, doubt = 0.5 - abs(0.5 - share), share_to_uncertainty(right / n)
    assert value["true D, without ties"] == pytest.approx(spearmanr(truth, doubt).statistic, abs=0.03)
    assert value["half, of judgements"] < value["true D"] < value["noise-free"] < 1


def test_ceilings_of_a_model_that_does_not_reproduce_the_people_are_marked_and_warned_of(monkeypatch):
    n, right, _ = counts(400, [0.7, 0.3], [30, 4], [0.5, 2], 40)
    wrong = ResponseModel(np.array([1.0, 0.0]), np.array([2.0, 1.0]), np.array([2.0, 1.0]))
    monkeypatch.setattr("rcnnzoo_behaviour.ceiling.fit_responses", lambda n, n_correct: wrong)
    with pytest.warns(CeilingWarning, match="can't be trusted and aren't drawn"):
        table, _ = ceilings(people_of(n, right), {"net": np.ones(8) / 8}, 20, 0)
    doubtful = set(table.loc[~table["trusted"], "ceiling"])
    assert doubtful == {"true D, without ties", "true D"}


def test_images_with_few_judgements_are_left_out_of_ceilings_and_counted():
    n, right, _ = counts(300, [0.7, 0.3], [30, 4], [0.5, 2], 40)
    few = n.copy()
    few[:7] = 3
    some, _ = ceilings(people_of(few, np.minimum(right, few)), {"net": np.ones(8) / 8}, 20, 0)
    number = some.groupby("ceiling")["images"].first()
    assert number["half, of judgements"] == number["true D"] == 293
    assert number["noise-free"] == 300
    none, _ = ceilings(people_of(np.full(300, 3), np.minimum(right, 3)), {"net": np.ones(8) / 8}, 20, 0)
    assert none["ceiling"].tolist() == ["noise-free"]


def test_one_person_has_no_halves():
    trials = pd.DataFrame({"subject": "a", "image": np.repeat(np.arange(40).astype(str), 4), "answer": "correct"})
    trials.loc[::5, "answer"] = "wrong"
    assert math.isnan(halves_of_people(trials, 5, np.random.default_rng(0)))
    right = trials["answer"].eq("correct").to_numpy().reshape(40, 4).sum(axis=1)
    people = replace(people_of(np.full(40, 4), right), trials=trials)
    found, crowds = ceilings(people, {"net": np.ones(8) / 8}, 5, 0)
    assert found["ceiling"].tolist() == ["noise-free"]
    assert not len(crowds)


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
    _, crowds = ceilings(People(images), {}, 40, 0)
    np.testing.assert_allclose(crowds["modelled"], crowds["people"], atol=APPROXIMATE)

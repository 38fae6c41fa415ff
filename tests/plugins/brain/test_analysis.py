"""Correlations, ceilings and comparisons, by SciPy, statsmodels and by hand."""

import numpy as np
import pytest
import statsmodels.api
from scipy.stats import kendalltau, pearsonr, rankdata, spearmanr

from rcnnzoo.plugin import OptionError
from rcnnzoo_brain.analysis import (
    ceilings,
    chosen_elsewhere,
    compare_all,
    correlate,
    reliability,
    state_table,
    with_first_step,
)
from rcnnzoo_brain.reading import Brain
from tests.plugins.brain.simulated import brain, states

TIMES = (None,)


def test_spearman_is_scipys_and_tau_a_without_ties_kendalls():
    given, people = states(0), brain(1, subjects=3)
    found = correlate(given, people)
    assert found.shape == (3, 4, 3, 1)
    assert found[2, 1, 0, 0] == pytest.approx(spearmanr(given[1, 0], people[2, 0]).statistic)
    tau = correlate(given, people, "tau-a")
    assert tau[2, 1, 0, 0] == pytest.approx(kendalltau(given[1, 0], people[2, 0]).statistic)
    assert np.isfinite(correlate(given, people, "corr_cov")).all()


def test_partial_correlation_is_that_of_what_regression_leaves():
    given, people, other = states(0), brain(1, subjects=2), states(5)[:2, 0]
    found = correlate(given, people, partial=other)
    design = statsmodels.api.add_constant(rankdata(other, axis=1).T)

    def rest(values):
        return statsmodels.api.OLS(rankdata(values), design).fit().resid

    assert found[1, 2, 1, 0] == pytest.approx(pearsonr(rest(given[2, 1]), rest(people[1, 0])).statistic)
    with pytest.raises(OptionError, match="`method` corr: other models are taken out by Spearman's"):
        correlate(given, people, "corr", other)


def test_what_a_model_explains_is_gone_when_it_is_taken_out():
    given = states(0)
    people = brain(1, of=given[2, 1], noise=0.3)
    assert correlate(given, people).mean(axis=0)[2, 1, 0] > 0.8
    assert abs(correlate(given, people, partial=given[2, 1][None]).mean(axis=0)[1]).max() < 0.1


def test_missing_states_have_no_correlation():
    given = states(0)
    given[1, 2] = np.nan
    found = correlate(given, brain(1))
    assert np.isnan(found[:, 1, 2]).all()
    assert np.isfinite(np.delete(found.reshape(8, 12), 5, axis=1)).all()
    table = state_table(found, list("abcd"), [1, 2, 3], TIMES, 100, 0)
    assert len(table) == 11


def test_ceilings_by_hand():
    people = brain(0, subjects=3, of=states(0)[0, 0])
    ranks = rankdata(people[:, 0], axis=1)
    upper = np.mean([spearmanr(each, ranks.mean(0)).statistic for each in ranks])
    lower = np.mean([spearmanr(ranks[s], np.delete(ranks, s, 0).mean(0)).statistic for s in range(3)])
    assert ceilings(people)[:, 0].tolist() == pytest.approx([lower, upper])
    assert np.isnan(ceilings(people[:1])).all()


def test_reliability_is_between_sessions():
    sessions = np.random.default_rng(0).normal(size=(1, 2, 1, 15))
    found = reliability(Brain("x", ("1",), sessions, None))
    assert found == [pytest.approx(spearmanr(sessions[0, 0, 0], sessions[0, 1, 0]).statistic)]
    assert np.isnan(reliability(Brain("x", ("1",), sessions[:, :1], None))[0])


def test_later_steps_are_set_against_the_first_that_is_there():
    values = np.zeros((8, 2, 3, 1))
    values[:, 0, 1] = 0.2 + 0.01 * np.arange(8)[:, None]
    values[:, 1, 0] = np.nan
    values[:, 1, 2] = -0.1
    table = with_first_step(values, ["a", "b"], [1, 2, 3], TIMES, 100, 0)
    assert table[["layer", "step", "first"]].to_numpy().tolist() == [["a", 2, 1], ["a", 3, 1], ["b", 3, 2]]
    assert table["difference"].tolist() == pytest.approx([0.235, 0, -0.1])
    assert table["p"].tolist() == pytest.approx([2 / 256, 1, 2 / 256])


def test_the_best_state_is_chosen_on_other_subjects():
    """Of noise, the best of 1,000 states is well above zero; chosen elsewhere it is not: standard error 0.035."""
    values = np.random.default_rng(0).normal(0, 0.1, (8, 1000))
    assert values.mean(axis=0).max() > 0.09
    assert abs(chosen_elsewhere(values).mean()) < 0.07
    assert np.isnan(chosen_elsewhere(values[:1])).all()


def test_pairs_are_corrected_for_their_number():
    same = np.linspace(0.1, 0.8, 8)
    table = compare_all({"a": same, "b": same - 0.05, "c": same - 0.1}, 100, 0)
    assert table["difference"].tolist() == pytest.approx([0.05, 0.1, 0.05])
    assert table["p"].tolist() == pytest.approx([2 / 256] * 3)
    assert table["p_holm"].tolist() == pytest.approx([6 / 256] * 3)

"""Exit policies, against scipy and by hand; and the contract that all must keep."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rcnnzoo import plugins
from rcnnzoo.checking.policies import CHECKS, check_policy
from rcnnzoo.errors import UnknownName
from rcnnzoo.policies.lookup import policy

PROBABILITIES = torch.softmax(3 * torch.randn(4, 2, 5, 7, generator=torch.Generator().manual_seed(0)), -1)


def test_entropy_is_scipys_in_nats():
    expected = stats.entropy(PROBABILITIES.double().numpy(), axis=-1)
    np.testing.assert_allclose(policy("entropy").scores(PROBABILITIES), expected, rtol=1e-5)


def test_entropy_of_certainty_is_zero_and_not_nan():
    certain = torch.tensor([[1.0, 0.0, 0.0]])
    assert policy("entropy").scores(certain).item() == 0
    lost = torch.full((1, 3), 1 / 3)
    assert policy("entropy").scores(lost).item() == pytest.approx(math.log(3))


def test_max_prob_and_margin_are_numpys():
    ordered = np.sort(PROBABILITIES.numpy(), axis=-1)
    np.testing.assert_array_equal(policy("max-prob").scores(PROBABILITIES), ordered[..., -1])
    np.testing.assert_allclose(policy("margin").scores(PROBABILITIES), ordered[..., -1] - ordered[..., -2], atol=1e-7)


def test_patience_counts_steps_with_the_same_winner():
    winners = torch.tensor([[0, 0, 0, 0], [0, 1, 1, 1], [2, 1, 2, 2], [0, 1, 0, 1]])
    scores = policy("patience").scores(torch.nn.functional.one_hot(winners, 3).float())
    assert scores.tolist() == [[1, 2, 3, 4], [1, 1, 2, 3], [1, 1, 1, 2], [1, 1, 1, 1]]


def test_fixed_steps_are_the_steps_own_numbers():
    assert policy("fixed-steps").scores(PROBABILITIES)[2, 1].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", plugins.names("policies"))
def test_every_policy_keeps_the_contract(name):
    assert [row for row in check_policy(name) if row.outcome != "ok"] == []


@pytest.mark.parametrize("name", plugins.names("policies"))
@given(steps=st.integers(1, 6), categories=st.integers(2, 5), seed=st.integers(0, 999), scale=st.floats(0, 50))
def test_every_policy_keeps_the_contract_whatever_the_probabilities(name, steps, categories, seed, scale):
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.softmax(scale * torch.randn(4, steps, categories, generator=generator), -1)
    for check in CHECKS.values():
        check(policy(name), probabilities)


def test_an_unknown_policy_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown policy 'entropie': did you mean 'entropy'"):
        policy("entropie")

"""Readouts, against numpy and scipy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

import rcnnzoo
from rcnnzoo import plugins
from rcnnzoo.checking.readouts import CHECKS
from rcnnzoo.errors import UnknownName

LOGITS = torch.randn(3, 2, 5, 4, generator=torch.Generator().manual_seed(0)) * 5


def test_instantaneous_is_each_steps_softmax():
    np.testing.assert_allclose(rcnnzoo.readout("instantaneous")(LOGITS), softmax(LOGITS.numpy(), -1), rtol=1e-5)


def test_cumulative_is_the_mean_of_the_probabilities_so_far():
    each = softmax(LOGITS.numpy().astype(np.float64), -1)
    expected = np.stack([each[..., : t + 1, :].mean(-2) for t in range(5)], axis=-2)
    np.testing.assert_allclose(rcnnzoo.readout("cumulative")(LOGITS), expected, rtol=1e-5)
    np.testing.assert_array_equal(rcnnzoo.readout()(LOGITS), rcnnzoo.readout("cumulative")(LOGITS))


def test_cumulative_logits_is_the_softmax_of_the_sum():
    summed = np.stack([LOGITS.numpy()[..., : t + 1, :].sum(-2) for t in range(5)], axis=-2)
    np.testing.assert_allclose(rcnnzoo.readout("cumulative-logits")(LOGITS), softmax(summed, -1), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", plugins.names("readouts"))
@given(steps=st.integers(1, 6), categories=st.integers(2, 5), seed=st.integers(0, 999), scale=st.floats(0, 200))
def test_every_readout_keeps_the_contract(name, steps, categories, seed, scale):
    logits = scale * torch.randn(2, steps, categories, generator=torch.Generator().manual_seed(seed))
    for check in CHECKS.values():
        check(rcnnzoo.readout(name), logits)


def test_an_unknown_readout_gets_the_nearest():
    with pytest.raises(UnknownName, match="unknown readout 'cumulativ': did you mean 'cumulative'"):
        rcnnzoo.readout("cumulativ")

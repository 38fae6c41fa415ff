"""Batch normalisation by step, against one of torch's per step."""

import pytest
import torch
from torch import nn

from rcnnzoo.architectures.normalisation import BatchNormByStep

MAPS, STEPS = 4, 3


def trained():
    """One whose steps have seen images of different brightness and contrast, and one of torch's for each step."""
    torch.manual_seed(0)
    norm = BatchNormByStep(MAPS, STEPS, epsilon=1e-3)
    theirs = [nn.BatchNorm2d(MAPS, eps=1e-3) for _ in range(STEPS)]
    for t, single in enumerate(theirs):
        for parameter in norm[t].parameters():
            nn.init.normal_(parameter)
        single.load_state_dict(norm[t].state_dict())
        x = (1 + t) * torch.randn(8, MAPS, 5, 5) + 10 * t
        torch.testing.assert_close(norm(x, t), single(x))
    return norm.eval(), [single.eval() for single in theirs]


def test_a_step_has_the_statistics_of_its_inputs():
    norm, theirs = trained()
    x = torch.randn(6, MAPS, 5, 5)
    for t, single in enumerate(theirs):
        torch.testing.assert_close(norm(x, t), single(x))
    assert not torch.allclose(norm(x, 0), norm(x, 2))


def test_rows_at_different_steps_get_each_their_own():
    norm, theirs = trained()
    x, at = torch.randn(6, MAPS, 5, 5), torch.tensor([2, 0, 1, 1, 2, 0])
    expected = torch.stack([theirs[t](row[None])[0] for row, t in zip(x, at.tolist(), strict=True)])
    torch.testing.assert_close(norm(x, at), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("t", [0, torch.tensor([0, 1])])
def test_half_precision_stays_half(t):
    norm, _ = trained()
    assert norm.bfloat16()(torch.randn(2, MAPS, 5, 5).bfloat16(), t).dtype == torch.bfloat16

"""Packed weights give what torch's own convolution gives, with or without its private functions."""

import pytest
import torch
from torch import nn

from rcnnzoo.architectures import packing
from rcnnzoo.architectures.packing import PackedConvolutions


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize("kernel", [1, 3, 5])
@torch.no_grad()
def test_packed_convolutions_round_an_exact_sum_once(private, kernel, monkeypatch):
    if private and not packing._can_pack():
        pytest.skip("this version of torch has no such functions, or others")
    monkeypatch.setattr(packing, "_can_pack", lambda: private)
    convolutions = [nn.Conv2d(maps, 32, kernel, padding="same", bias=False) for maps in (16, 48)]
    for convolution in convolutions:  # small integers over 8, of which sums are exact in float32
        convolution.weight.copy_(torch.randint(-8, 9, convolution.weight.shape) / 8)
    inputs = [torch.randint(0, 9, (2, maps, 6, 6)).float() for maps in (16, 48)]
    packed = PackedConvolutions(convolutions, inputs)
    expected = sum(convolution(x) for convolution, x in zip(convolutions, inputs, strict=True))
    assert torch.equal(packed(inputs), expected.bfloat16())
    others = [torch.randint(0, 9, (3, maps, 9, 4)).float().bfloat16() for maps in (16, 48)]
    expected = sum(convolution(x.float()) for convolution, x in zip(convolutions, others, strict=True))
    assert torch.equal(packed(others), expected.bfloat16())
    assert packed(others).is_contiguous(memory_format=torch.channels_last)


def test_a_torch_without_the_private_functions_is_noticed(monkeypatch):
    packing._can_pack.cache_clear()
    monkeypatch.setattr(packing, "_pack", lambda *_: torch.ops.mkldnn.there_is_no_such_function())
    assert not packing._can_pack()
    packing._can_pack.cache_clear()

"""Convolution by transforms, against torch's direct convolution in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import conv2d

from rcnnzoo.architectures import transforms
from rcnnzoo.architectures.transforms import TransformedConvolutions, transform_for, transform_kernels

CPU = torch.device("cpu")


def transformed(weights, side):
    transform = transform_for(weights[0].shape[-1], side, CPU)
    return TransformedConvolutions(transform, [transform_kernels(transform, weight) for weight in weights])


@settings(max_examples=60)
@given(
    kernel=st.sampled_from([3, 5, 7, 11]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    images=st.integers(1, 3),
    maps_in=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    at_once=st.sampled_from([1, 2**22]),
)
def test_transforms_give_what_direct_convolution_gives(kernel, height, width, images, maps_in, at_once):
    generator = torch.Generator().manual_seed(height * 41 + width)
    inputs = [torch.randn(images, count, height, width, generator=generator) for count in maps_in]
    weights = [torch.randn(3, count, kernel, kernel, generator=generator) for count in maps_in]
    convolutions = transformed(weights, max(height, width))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(transforms.AT_ONCE, "cpu", at_once)
        found = convolutions(inputs)
    pairs = zip(inputs, weights, strict=True)
    expected = sum(conv2d(x.double(), weight.double(), padding=kernel // 2) for x, weight in pairs)
    torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5 * kernel)


@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_gradients_are_those_of_direct_convolution(kernel):
    transforms._transform_for.cache_clear()
    with torch.inference_mode():
        transform_for(kernel, 12, CPU)  # whoever asks first
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 12, 12, generator=generator, requires_grad=True)
    weight = torch.randn(4, 3, kernel, kernel, generator=generator, requires_grad=True)
    found = transformed([weight], 12)([x]).square().sum()
    expected = conv2d(x, weight, padding=kernel // 2).square().sum()
    for a, b in zip(torch.autograd.grad(found, [x, weight]), torch.autograd.grad(expected, [x, weight]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def multiplications_an_output(kernel, side):
    """A complex multiplication is four real ones."""
    transform = transform_for(kernel, side, CPU)
    count, parts = len(transform.kernels[0]) // len(transform.rows), len(transform.rows)
    return count * parts**2 / transform.outputs**2


def test_fewer_multiplications_are_left():
    """By hand: 22 x 12 frequencies for 16 x 16 outputs; Winograd's 4 x 4 for 2 x 2."""
    assert multiplications_an_output(7, 128) == 22 * 12 * 4 / 256 < 49 / 10
    assert multiplications_an_output(3, 32) == 16 / 4

"""Sums of convolutions, by the fastest way that a device has: directly, or by transforms (`transforms`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

from rcnnzoo.architectures.transforms import TransformedKernels, transform_for
from rcnnzoo.devices import seconds
from rcnnzoo.errors import UnknownName

Algorithm = Literal["auto", "direct", "transformed"]

WORTH_MEASURING = 20_000_000
"""Multiply-accumulates an image below which convolutions are direct: there is little to win, so nothing is measured."""
ROWS = 2
"""Images that algorithms are measured on."""


@dataclass(frozen=True)
class Shape:
    """What the time of a sum of convolutions depends on, the number of images aside."""

    device: str
    threads: int
    height: int
    width: int
    maps_in: tuple[int, ...]
    maps: int
    kernel: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of direct convolution, for one image."""
        return self.height * self.width * sum(self.maps_in) * self.maps * self.kernel**2


MEASURED: dict[Shape, dict[Algorithm, float]] = {}
"""Seconds an image of each algorithm, measured once a process; `ConvolutionSum` chooses by them."""


class ConvolutionSum(nn.Module):
    """Adds up convolutions, of an input each, that keep the size of a map.

    Both algorithms give the same within the rounding of float32. Set to "auto", inference takes the faster one,
    measured at first use; training takes the direct one, so that a seed settles its result. Whatever is no plain
    convolution in float32 (under autocast, with a hook on it, another module in its place, being counted or compiled)
    is computed directly, by the modules themselves.

    Transformed kernels are kept for inference until weights change. Assignments and operations in place are noticed;
    what is written through `weight.data` is not.

    Attributes:
        algorithm: "auto", "direct", or "transformed": by transforms wherever kernels are larger than 1, and in training
            as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self.algorithm: Algorithm = "auto"
        self._kept: dict[tuple[int, ...], _Kept] = {}

    def __getstate__(self) -> dict[str, Any]:
        """A copy transforms its kernels itself."""
        return {**self.__dict__, "_kept": {}}

    def forward(self, inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Tensor:
        """Inputs [B, K_in, H, W], one a convolution -> the sum of what they become, [B, K, H, W]."""
        if self._choose(inputs, convolutions) == "direct":
            return _directly(inputs, convolutions)
        if torch.is_grad_enabled():
            return _transform(inputs, convolutions)(inputs)
        return self._keep(inputs, convolutions)(inputs)

    def _choose(self, inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Algorithm:
        learning = torch.is_grad_enabled()
        if learning:
            self._kept.clear()
        if self.algorithm == "direct" or not _are_plain(inputs, convolutions):
            return "direct"
        if self.algorithm == "auto":
            return "direct" if learning else _fastest(inputs, convolutions)
        return self.algorithm

    def _keep(self, inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> TransformedKernels:
        weights = [convolution.weight for convolution in convolutions]
        state = [(weight.data_ptr(), weight._version) for weight in weights]
        place = (*inputs[0].shape[-2:], *map(id, convolutions))
        if place not in self._kept or self._kept[place].state != state:
            # The storages are held, else another weight could come to lie where one lay.
            storages = [weight.untyped_storage() for weight in weights]
            self._kept[place] = _Kept(state, storages, _transform(inputs, convolutions))
        return self._kept[place].kernels


@dataclass(frozen=True)
class _Kept:
    state: list[tuple[int, int]]
    storages: list[torch.UntypedStorage]
    kernels: TransformedKernels


def set_algorithm(model: nn.Module, algorithm: Algorithm) -> None:
    """Say how a network's convolutions are computed.

    Raises:
        UnknownName: There is no such algorithm.
    """
    if algorithm not in get_args(Algorithm):
        raise UnknownName("algorithm", algorithm, get_args(Algorithm))
    for module in model.modules():
        if isinstance(module, ConvolutionSum):
            module.algorithm = algorithm


def _are_plain(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> bool:
    """Whether transforms can stand for the modules, and nobody would notice that these weren't called."""
    device = inputs[0].device
    if device.type == "meta" or torch.is_autocast_enabled(device.type) or torch.compiler.is_compiling():
        return False
    if is_in_torch_dispatch_mode():  # somebody counts operations, and means the convolutions
        return False
    kernels = {convolution.kernel_size for convolution in convolutions}
    return len(kernels) == 1 and all(
        type(convolution) is nn.Conv2d
        and convolution.kernel_size[0] == convolution.kernel_size[1]
        and convolution.kernel_size[0] % 2 == 1
        and convolution.kernel_size[0] > 1
        and convolution.padding in ("same", (convolution.kernel_size[0] // 2,) * 2)
        and (convolution.stride, convolution.dilation, convolution.groups) == ((1, 1), (1, 1), 1)
        and (convolution.bias, convolution.padding_mode) == (None, "zeros")
        and not (convolution._forward_hooks or convolution._forward_pre_hooks)
        and (x.dtype, x.device, len(x) > 0) == (torch.float32, device, True)
        and (convolution.weight.dtype, convolution.weight.device) == (torch.float32, device)
        and not convolution.weight.is_inference()
        for x, convolution in zip(inputs, convolutions, strict=True)
    )


def _shape(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Shape:
    height, width = inputs[0].shape[-2:]
    first = convolutions[0]
    maps_in = tuple(convolution.in_channels for convolution in convolutions)
    device = str(inputs[0].device)
    return Shape(device, torch.get_num_threads(), height, width, maps_in, first.out_channels, first.kernel_size[0])


def _directly(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Tensor:
    total: Tensor = convolutions[0](inputs[0])
    for x, convolution in zip(inputs[1:], convolutions[1:], strict=True):
        total = total + convolution(x)
    return total


def _transform(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> TransformedKernels:
    transform = transform_for(convolutions[0].kernel_size[0], max(inputs[0].shape[-2:]), inputs[0].device)
    return TransformedKernels(transform, [convolution.weight for convolution in convolutions])


def _fastest(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Algorithm:
    """The algorithm to take for inference."""
    shape = _shape(inputs, convolutions)
    if shape.macs < WORTH_MEASURING:
        return "direct"
    if shape not in MEASURED:
        some = [x.new_zeros(ROWS, *x.shape[1:]).contiguous(memory_format=torch.channels_last) for x in inputs]
        kernels = _transform(some, convolutions)
        MEASURED[shape] = {
            "direct": _shortest(lambda: _directly(some, convolutions), inputs[0].device) / ROWS,
            "transformed": _shortest(lambda: kernels(some), inputs[0].device) / ROWS,
        }
    return min(MEASURED[shape], key=MEASURED[shape].__getitem__)


def _shortest(run: Callable[[], Tensor], device: torch.device) -> float:
    """Seconds of the quicker of two rounds, after one to warm up."""
    return min([seconds(run, device) for _ in range(3)][1:])

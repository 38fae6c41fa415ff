"""Sums of convolutions, by the fastest way that a device has: directly, by transforms, or with packed weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from rcnnzoo.architectures.packing import PackedConvolutions
from rcnnzoo.architectures.transforms import (
    Kernels,
    Transform,
    TransformedConvolutions,
    transform_for,
    transform_kernels,
)
from rcnnzoo.devices import has_matrix_instructions, seconds
from rcnnzoo.errors import UnknownName

Algorithm = Literal["auto", "direct", "transformed", "packed"]
Made = TypeVar("Made")

WORTH_MEASURING = 20_000_000
"""Multiply-accumulates per image below which convolutions are direct, without measuring, as there is little to gain."""
ROWS = {"cpu": 2}
ROWS_ELSEWHERE = 64
"""Number of images that algorithms are timed on: a GPU is only efficient with a full batch."""


@dataclass(frozen=True)
class Shape:
    """What the time of a sum of convolutions depends on, apart from the number of images."""

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
"""Seconds per image of each algorithm, measured once per process; `ConvolutionSum` chooses by them."""


def measured_on(device: torch.device) -> dict[Shape, dict[Algorithm, float]]:
    """The shapes that were measured on a device."""
    return {shape: took for shape, took in MEASURED.items() if torch.device(shape.device).type == device.type}


class ConvolutionSum(nn.Module):
    """Adds up convolutions, one per input, that keep the size of a map.

    In float32, directly and by transforms are the same within its rounding (of finite numbers: infinity spreads over a
    tile). Set to "auto", inference takes the faster one, measured at first use; with gradients it takes the direct one,
    so that the same seed gives the same result. On a GPU that multiplies in TF32, "auto" is direct, because they would
    differ.

    Under autocast to bfloat16 on a processor, inference set to "auto" goes by the size of kernels and not by timing,
    because algorithms then round differently enough to change a reaction time: kernels of 5 and more are transformed,
    with maps in float32 and only frequencies multiplied in bfloat16; otherwise weights are packed.

    Anything that is not a plain convolution (under other autocast, with a hook on it, another module in its place,
    being counted, traced or compiled) is computed directly, by the modules themselves.

    Transformed and packed weights are kept for inference until weights change. Assignments and in-place operations are
    noticed; changes through `weight.data` are not.

    Attributes:
        algorithm: "auto"; "direct"; "transformed": by transforms wherever kernels are larger than 1, in float32 with
            gradients as well; "packed": with packed weights in inference in bfloat16 on a processor, else directly.
        used: The algorithm by which the last sum was computed, outside compiled code; None before the first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.algorithm: Algorithm = "auto"
        self.used: Algorithm | None = None
        self._kept: dict[tuple[object, ...], _Kept] = {}

    def __getstate__(self) -> dict[str, Any]:
        """A copy transforms and packs its own weights."""
        return {**self.__dict__, "_kept": {}}

    def forward(self, inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Tensor:
        """Inputs [B, K_in, H, W], one per convolution -> the sum of their outputs, [B, K, H, W]."""
        algorithm = self._choose(inputs, convolutions)
        if not torch.compiler.is_compiling():
            self.used = algorithm
        if algorithm == "direct":
            return _directly(inputs, convolutions)
        if algorithm == "packed":
            packed = self._keep("packed", convolutions, partial(PackedConvolutions, convolutions, inputs))
            return packed(inputs)
        device = inputs[0].device
        dtype = _computed_in(device) or torch.float32
        transform = _transform(inputs, convolutions)
        with torch.autocast(device.type, enabled=False):
            kernels = [
                self._keep((transform.outputs, dtype), [each], partial(_transformed, transform, each, dtype))
                for each in convolutions
            ]
            return TransformedConvolutions(transform, kernels)([x.float() for x in inputs])

    def _choose(self, inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Algorithm:
        learning = torch.is_grad_enabled()
        if learning:
            self._kept.clear()
        if self.algorithm == "direct" or not _are_plain(inputs, convolutions):
            return "direct"
        halved = _computed_in(inputs[0].device) == torch.bfloat16
        if self.algorithm == "auto":
            if learning:
                return "direct"
            return _for_bfloat16(_shape(inputs, convolutions)) if halved else _fastest(inputs, convolutions)
        fits = halved if self.algorithm == "packed" else convolutions[0].kernel_size[0] > 1
        return self.algorithm if fits else "direct"

    def _keep(self, kind: object, convolutions: Sequence[nn.Conv2d], make: Callable[[], Made]) -> Made:
        """What is made of weights; with gradients made each time, else when they changed."""
        if torch.is_grad_enabled():
            return make()
        weights = [convolution.weight for convolution in convolutions]
        state = [(weight.data_ptr(), weight._version, weight.shape, weight.stride()) for weight in weights]
        place = (kind, *map(id, convolutions))
        kept = self._kept.get(place)
        if kept is None or kept.state != state:
            # The storages are kept, since otherwise another weight could take the address of one.
            kept = _Kept(state, [weight.untyped_storage() for weight in weights], make())
            self._kept[place] = kept
        made: Made = kept.made
        return made


@dataclass(frozen=True)
class _Kept:
    state: list[tuple[int, int, torch.Size, tuple[int, ...]]]
    storages: list[torch.UntypedStorage]
    made: Any


def set_algorithm(model: nn.Module, algorithm: Algorithm) -> None:
    """Set how a network's convolutions are computed.

    Raises:
        UnknownName: There is no such algorithm.
    """
    if algorithm not in get_args(Algorithm):
        raise UnknownName("algorithm", algorithm, get_args(Algorithm))
    for module in model.modules():
        if isinstance(module, ConvolutionSum):
            module.algorithm = algorithm


def algorithms_used(model: nn.Module) -> list[Algorithm]:
    """The algorithms by which a network's convolutions were last computed; none if it has no sums of them."""
    sums = (module for module in model.modules() if isinstance(module, ConvolutionSum))
    return sorted({each.used for each in sums if each.used is not None})


def _are_plain(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> bool:
    """Whether other algorithms can replace the modules without anything depending on their being called."""
    device = inputs[0].device
    dtype = _computed_in(device)
    if dtype is None:
        return False
    if torch.compiler.is_compiling() or torch.jit.is_tracing() or _is_watched():
        return False
    kernels = {convolution.kernel_size for convolution in convolutions}
    return len(kernels) == 1 and all(
        _is_plain(convolution)
        and x.dtype in (torch.float32, dtype)
        and (x.device, len(x) > 0) == (device, True)
        and (convolution.weight.dtype, convolution.weight.device) == (torch.float32, device)
        for x, convolution in zip(inputs, convolutions, strict=True)
    )


def _computed_in(device: torch.device) -> torch.dtype | None:
    """What convolutions are multiplied in; None where that is left to the modules."""
    if device.type == "meta":
        return None
    if not torch.is_autocast_enabled(device.type):
        return torch.float32
    halved = device.type == "cpu" and torch.get_autocast_dtype("cpu") == torch.bfloat16
    return torch.bfloat16 if halved and not torch.is_grad_enabled() else None


def _is_watched() -> bool:
    """Whether something counts operations, hooks every module or transforms functions, and needs the convolutions."""
    return any(watches() for watches in _watchers())


@cache
def _watchers() -> tuple[Callable[[], bool], ...]:
    """Only torch's private functions tell. If they are missing, this can't be ruled out, which only costs speed."""
    try:
        from torch._C._functorch import peek_interpreter_stack
        from torch.nn.modules.module import _has_any_global_hook
        from torch.utils._python_dispatch import is_in_torch_dispatch_mode
    except ImportError:
        return (lambda: True,)
    return is_in_torch_dispatch_mode, _has_any_global_hook, lambda: peek_interpreter_stack() is not None


def _is_plain(convolution: nn.Conv2d) -> bool:
    """Whether a module does what `nn.Conv2d` does with the map's size kept, and nothing else."""
    height, width = convolution.kernel_size
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return (
        type(convolution) is nn.Conv2d
        and height == width
        and height % 2 == 1
        and convolution.padding in ("same", (height // 2, width // 2))
        and (convolution.stride, convolution.dilation, convolution.groups) == ((1, 1), (1, 1), 1)
        and (convolution.bias, convolution.padding_mode) == (None, "zeros")
        and "forward" not in vars(convolution)
        and not any(getattr(convolution, name) for name in hooks)
        and not convolution.weight.is_inference()
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


def _transform(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Transform:
    return transform_for(convolutions[0].kernel_size[0], max(inputs[0].shape[-2:]), inputs[0].device)


def _transformed(transform: Transform, convolution: nn.Conv2d, dtype: torch.dtype) -> Kernels:
    return [part.to(dtype) for part in transform_kernels(transform, convolution.weight)]


def _for_bfloat16(shape: Shape) -> Algorithm:
    """The algorithm to use for inference in bfloat16."""
    if shape.macs < WORTH_MEASURING:
        return "direct"
    # Where matrices are multiplied by instructions of their own, transforms would take longer than what they save.
    return "packed" if shape.kernel < 5 or has_matrix_instructions() else "transformed"


def _fastest(inputs: Sequence[Tensor], convolutions: Sequence[nn.Conv2d]) -> Algorithm:
    """The algorithm to use for inference in float32."""
    shape = _shape(inputs, convolutions)
    if shape.macs < WORTH_MEASURING or shape.kernel == 1:
        return "direct"
    if inputs[0].device.type == "cuda" and torch.backends.cudnn.allow_tf32:
        return "direct"
    if shape not in MEASURED:
        rows = ROWS.get(inputs[0].device.type, ROWS_ELSEWHERE)
        blank = [x.new_zeros(rows, *x.shape[1:]).contiguous(memory_format=torch.channels_last) for x in inputs]
        transform = _transform(blank, convolutions)
        kernels = [transform_kernels(transform, convolution.weight) for convolution in convolutions]
        transformed = TransformedConvolutions(transform, kernels)
        MEASURED[shape] = {
            "direct": _shortest(lambda: _directly(blank, convolutions), inputs[0].device) / rows,
            "transformed": _shortest(lambda: transformed(blank), inputs[0].device) / rows,
        }
    return min(MEASURED[shape], key=MEASURED[shape].__getitem__)


def _shortest(run: Callable[[], Tensor], device: torch.device) -> float:
    """Seconds of the quicker of two rounds, after one to warm up."""
    return min([seconds(run, device) for _ in range(3)][1:])

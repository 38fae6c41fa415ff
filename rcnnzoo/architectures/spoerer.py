"""The networks of Spoerer, Kietzmann & Kriegeskorte (2019, CCN; 2020, doi 10.1371/journal.pcbi.1008215).

One class and a table of eight rows. A layer pools, convolves, adds its lateral input from one time step ago
(`bl`, `blt`, `b-u`) and from the layer above one time step ago (`bt`, `blt`), normalises with separate statistics for
every time step, and rectifies. Letters: `contract`.

Top-down connections are those of Spoerer, McClure & Kriegeskorte (2017, doi 10.3389/fpsyg.2017.01551) and Kietzmann et
al. (2019, doi 10.1073/pnas.1905544116), transposed convolutions that undo the pooling, in the geometry of the networks
of 2019: neither paper trained `bt` or `blt` with these layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from torch import Tensor, nn

from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.architectures.convolution import ConvolutionSum
from rcnnzoo.architectures.normalisation import BatchNormByStep
from rcnnzoo.errors import OptionError

ModuleKind = TypeVar("ModuleKind", bound=nn.Module)
EPSILON = 1e-3  # batch normalisation's, as in the authors' code (Keras' default)


@dataclass(frozen=True)
class Layout:
    """A row of the table: what distinguishes one network of the family from the others.

    Attributes:
        maps: Feature maps of each layer at width 1.
        kernels: Kernel size of each layer, the same for all its inputs.
        pools: Whether each layer halves its input first.
        lateral: Whether each layer takes input from itself one time step ago.
        top_down: Whether each layer but the last takes input from the one above it one time step ago.
        shared: Whether the weights are the same at all time steps.
    """

    maps: tuple[int, ...] = (96, 128, 192, 256, 512, 1024, 2048)
    kernels: tuple[int, ...] = (7, 5, 3, 3, 3, 3, 1)
    pools: tuple[bool, ...] = (False, True, True, True, True, True, True)
    lateral: bool = False
    top_down: bool = False
    shared: bool = True

    def build(self, *, categories: int, image_size: int, width: float, steps: int) -> Spoerer:
        """The network of this row; the same weights serve images of any size.

        Raises:
            OptionError: `width` leaves a layer without feature maps.
        """
        scaled = self.scaled(width)
        if min(scaled.maps) < 1:
            raise OptionError(f"`width` {width:g} leaves no feature maps: take at least {0.6 / min(self.maps):.3g}")
        return Spoerer(scaled, categories, steps)

    def scaled(self, width: float) -> Layout:
        """The same with different numbers of feature maps."""
        return replace(self, maps=tuple(round(number * width) for number in self.maps))


B = Layout()
B_K = replace(B, kernels=(11, 7, 5, 5, 5, 5, 3))
B_F = replace(B, maps=(192, 256, 384, 512, 1024, 2048, 4096))
B_D = Layout(
    maps=(96, 96, 128, 128, 192, 192, 256, 256, 512, 512, 1024, 1024, 2048, 2048),
    # The paper lists fifteen numbers for fourteen layers; these fourteen match its code and parameter count.
    kernels=(7, 7, 5, 5, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1),
    pools=(False, False) + (True, False) * 6,
)
BL = replace(B, lateral=True)
B_U = replace(BL, shared=False)
BT = replace(B, top_down=True)
BLT = replace(BL, top_down=True)


class Spoerer(RecurrentModel):
    """A network of the family: layers, then the mean over space, then a linear classifier."""

    def __init__(self, layout: Layout, categories: int, num_steps: int) -> None:
        super().__init__()
        self.num_steps = num_steps
        self.rows_mix_steps = layout.shared
        inputs = (3, *layout.maps[:-1])
        self.layers = module_list(
            Layer(layout, number, maps_below, num_steps) for number, maps_below in enumerate(inputs)
        )
        copies = 1 if layout.shared else num_steps
        self.classifier = module_list(nn.Linear(layout.maps[-1], categories) for _ in range(copies))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def begin(self, images: Tensor) -> State:
        """The first layer's bottom-up drive [B, K, H, W], the same at every step for a still image.

        `b-u` has different weights at each step, so it keeps the images instead.
        """
        return (self.layers[0].drive(0, images),) if self.rows_mix_steps else (images,)

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """The inputs of each layer are the layer below now, and itself and the layer above one step ago.

        state: what `begin` gave and, once a step has run, a map [B, K, H, W] per layer. Returns the next state and
        the logits [B, C].
        """
        start, *before = state
        assert isinstance(t, int) or self.rows_mix_steps
        shared_step = t if isinstance(t, int) else 0
        now: list[Tensor] = []
        for number, layer in enumerate(self.layers):
            itself = before[number] if before and layer.lateral else None
            if now or not self.rows_mix_steps:
                drive = layer.drive(shared_step, now[-1] if now else start, itself)
            else:
                drive = start if itself is None else start + layer.drive(shared_step, None, itself)
            if before and layer.top_down:
                # As with lateral ones, the copies begin with the second step.
                drive = drive + at_step(layer.top_down, shared_step - 1)(before[number + 1], drive.shape[-2:])
            now.append(layer.norm(drive, t).relu_())
        state = (start, *now)
        return state, at_step(self.classifier, shared_step)(self.features(state))

    def present(self, state: State, images: Tensor) -> State:
        """The maps of all layers stay; the drive (for `b-u` the images) is that of other images."""
        return (*self.begin(images), *state[1:])

    def activations(self, state: State) -> dict[str, Tensor]:
        """The maps of each layer after rectification, [B, K, H, W]: `layer1`, `layer2`, ..."""
        return {f"layer{number}": maps for number, maps in enumerate(state[1:], 1)}

    def features(self, state: State) -> Tensor:
        """The last layer's maps, averaged over space: [B, K]."""
        return state[-1].mean(dim=(-2, -1))


class Layer(nn.Module):
    """Pooling, the layer's convolutions, and a batch normalisation for every time step."""

    def __init__(self, layout: Layout, number: int, maps_below: int, num_steps: int) -> None:
        super().__init__()
        maps, kernel = layout.maps[number], layout.kernels[number]
        copies = 1 if layout.shared else num_steps
        later_copies = min(copies, num_steps - 1)  # for inputs that are absent at the first step
        is_last = number == len(layout.maps) - 1

        def convolution(inputs: int) -> nn.Conv2d:
            return nn.Conv2d(inputs, maps, kernel, padding="same", bias=False)

        self.pools = layout.pools[number]
        self.bottom_up = module_list(convolution(maps_below) for _ in range(copies))
        self.lateral = module_list(convolution(maps) for _ in range(later_copies if layout.lateral else 0))
        self.top_down = module_list(
            TopDown(layout.maps[number + 1], maps, kernel)
            for _ in range(later_copies if layout.top_down and not is_last else 0)
        )
        self.norm = BatchNormByStep(maps, num_steps, EPSILON)
        self.convolve = ConvolutionSum()

    def drive(self, t: int, below: Tensor | None, itself: Tensor | None = None) -> Tensor:
        """The layer's input at step t, from the layer below [B, K_below, H, W] and itself: [B, K, H', W'].

        A map is never pooled below 2x2: at 128x128 that keeps the paper's geometry, and it lets the
        same table serve 32x32 images.
        """
        inputs, convolutions = [], []
        if below is not None:
            if self.pools and min(below.shape[-2:]) >= 4:
                below = nn.functional.max_pool2d(below, 2)
            inputs.append(below)
            convolutions.append(at_step(self.bottom_up, t))
        if itself is not None:
            # There is no lateral input at the first step, so the copies begin with the second.
            inputs.append(itself)
            convolutions.append(at_step(self.lateral, t - 1))
        summed: Tensor = self.convolve(inputs, convolutions)
        return summed


class TopDown(nn.ConvTranspose2d):
    """A transposed convolution back to the size that a map had before the layer above pooled it."""

    def __init__(self, maps_above: int, maps: int, kernel: int) -> None:
        super().__init__(maps_above, maps, kernel, bias=False)

    def forward(self, above: Tensor, size: Sequence[int]) -> Tensor:  # type: ignore[override]
        """The layer above [B, K_above, H', W'] -> its top-down input, [B, K, H, W] with H and W from `size`."""
        stride = 1 if tuple(above.shape[-2:]) == tuple(size) else 2
        unpooled = nn.functional.conv_transpose2d(
            above, self.weight, stride=stride, padding=self.kernel_size[0] // 2, output_padding=stride - 1
        )
        # Pooling drops the last row or column of a map of odd size: the layer above has no input from it.
        height, width = (whole - part for whole, part in zip(size, unpooled.shape[-2:], strict=True))
        return nn.functional.pad(unpooled, (0, width, 0, height)) if height or width else unpooled


def module_list(items: Iterable[ModuleKind]) -> Sequence[ModuleKind]:
    """A ModuleList that keeps the type of its items."""
    return cast(Sequence[ModuleKind], nn.ModuleList(items))


def at_step(copies: Sequence[ModuleKind], t: int) -> ModuleKind:
    """The copy number t, or the only one where weights are shared."""
    return copies[t if len(copies) > 1 else 0]

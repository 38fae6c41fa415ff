"""CORnet-S (Kubilius, Schrimpf et al. 2019, arXiv 1909.06161; dicarlolab/CORnet, `cornet/cornet_s.py`).

Areas run one after the other: V2 makes its two passes before V4 makes its four and IT its two, and each area takes
input from the one below once, in its first pass. The classifier's input is IT, so a time step is a pass of IT, and the
first one runs all areas below as well. Layers have the authors' names. Letters: rcnnzoo's `contract`.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from rcnnzoo.plugin import BatchNormByStep, OptionError, RecurrentModel, State
from rcnnzoo_cornet.preprocessing import ImageNetScale

MAPS = {"V1": 64, "V2": 128, "V4": 256, "IT": 512}
"""Feature maps of each area, at width 1."""

PASSES = {"V2": 2, "V4": 4}
"""Passes of the areas that run before the first time step; IT makes one for each step."""

EXPANSION = 4
"""Feature maps inside an area, for each of its own."""


def build(*, categories: int, image_size: int, width: float, steps: int) -> CORnetS:
    """An untrained network with `steps` passes of IT; the authors' has two.

    Raises:
        OptionError: `width` leaves an area without feature maps.
    """
    maps = {area: round(number * width) for area, number in MAPS.items()}
    if min(maps.values()) < 1:
        raise OptionError(f"`width` {width:g} leaves no feature maps: take at least {0.6 / min(MAPS.values()):.3g}")
    return CORnetS(maps, categories, steps)


class CORnetS(RecurrentModel):
    """Four areas, then the mean of IT's maps over space, then a linear classifier.

    What it is shown can't change while it runs, so it has no method `present`: IT takes input only once.

    Args:
        maps: Feature maps by area.
        categories: How many.
        num_steps: Time steps T: passes of IT.
    """

    def __init__(self, maps: dict[str, int], categories: int, num_steps: int) -> None:
        super().__init__()
        self.num_steps = num_steps
        self.scale = ImageNetScale()
        self.V1 = FirstArea(maps["V1"])
        self.V2 = Area(maps["V1"], maps["V2"], NormByPass, PASSES["V2"])
        self.V4 = Area(maps["V2"], maps["V4"], NormByPass, PASSES["V4"])
        self.IT = Area(maps["V4"], maps["IT"], BatchNormByStep, num_steps)
        self.classifier = nn.Linear(maps["IT"], categories)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                outputs = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
                nn.init.normal_(module.weight, std=math.sqrt(2 / outputs))

    def begin(self, images: Tensor) -> State:
        """The maps [B, K, H, W] of V1, V2 and V4 after their last passes."""
        held = [self.V1(self.scale(images))]
        for area, passes in ((self.V2, PASSES["V2"]), (self.V4, PASSES["V4"])):
            maps = area.first(held[-1])
            for number in range(1, passes):
                maps = area.again(maps, number)
            held.append(maps)
        return tuple(held)

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """One pass of IT: the first takes V4, each later one what IT held after the pass before.

        state: what `begin` gave and, once a step has run, the maps [B, K, H, W] of IT. Returns the next state and the
        logits [B, C].
        """
        *below, last = state
        started = len(state) == len(MAPS)
        state = (*below, self.IT.again(last, t)) if started else (*state, self.IT.first(last))
        return state, self.classifier(self.features(state))

    def activations(self, state: State) -> dict[str, Tensor]:
        """The maps of V1, V2, V4 and IT after rectification, [B, K, H, W]; only those of IT change."""
        return dict(zip(MAPS, state, strict=True))

    def features(self, state: State) -> Tensor:
        """The maps of IT, averaged over space: [B, K]."""
        return state[-1].mean(dim=(-2, -1))


class FirstArea(nn.Module):
    """V1, which has no recurrence: two convolutions with a pooling between them.

    Args:
        maps: Its feature maps.
    """

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, maps, 7, stride=2, padding=3, bias=False)
        self.norm1 = nn.BatchNorm2d(maps)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(maps)

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] -> maps [B, K, H / 4, W / 4]."""
        held: Tensor = self.norm2(self.conv2(self.pool(self.norm1(self.conv1(images)).relu()))).relu()
        return held


class Area(nn.Module):
    """A bottleneck whose weights all passes share, with normalisations of their own and a shortcut around it.

    Args:
        maps_below: Feature maps of the area below.
        maps: Its own.
        norm: Kind of its normalisations, `norm(maps, passes)`.
        passes: How many it makes.
    """

    def __init__(self, maps_below: int, maps: int, norm: type[NormByPass | BatchNormByStep], passes: int) -> None:
        super().__init__()
        inside = EXPANSION * maps
        self.conv_input = nn.Conv2d(maps_below, maps, 1, bias=False)
        self.skip = nn.Conv2d(maps, maps, 1, stride=2, bias=False)
        self.norm_skip = nn.BatchNorm2d(maps)
        self.conv1 = nn.Conv2d(maps, inside, 1, bias=False)
        self.norm1 = norm(inside, passes)
        self.conv2 = StridedConvolution(inside, inside, 3, padding=1, bias=False)
        self.norm2 = norm(inside, passes)
        self.conv3 = nn.Conv2d(inside, maps, 1, bias=False)
        self.norm3 = norm(maps, passes)

    def first(self, below: Tensor) -> Tensor:
        """The first pass, which halves height and width: [B, K_below, H, W] -> [B, K, H / 2, W / 2]."""
        maps = self.conv_input(below)
        return self._bottleneck(maps, self.norm_skip(self.skip(maps)), 2, 0)

    def again(self, held: Tensor, number: int | Tensor) -> Tensor:
        """A later pass, with its number from 0 (a LongTensor [B]: each row's own): [B, K, H, W]."""
        return self._bottleneck(held, held, 1, number)

    def _bottleneck(self, maps: Tensor, shortcut: Tensor, stride: int, number: int | Tensor) -> Tensor:
        maps = self.norm1(self.conv1(maps), number).relu()
        maps = self.norm2(self.conv2(maps, stride), number).relu()
        maps = self.norm3(self.conv3(maps), number)
        return (maps + shortcut).relu()


class StridedConvolution(nn.Conv2d):
    """A convolution that has its stride from its caller."""

    def forward(self, maps: Tensor, stride: int) -> Tensor:  # type: ignore[override]
        """Maps [B, K_in, H, W] -> [B, K_out, H / stride, W / stride]."""
        return nn.functional.conv2d(maps, self.weight, stride=stride, padding=self.padding)


class NormByPass(nn.ModuleList):
    """Batch normalisation with its own statistics, scale and shift for each pass of an area below IT.

    As `BatchNormByStep`, except that these passes all run before the first time step.

    Args:
        maps: Feature maps K.
        passes: How many.
    """

    def __init__(self, maps: int, passes: int) -> None:
        super().__init__(nn.BatchNorm2d(maps) for _ in range(passes))

    def forward(self, maps: Tensor, number: int) -> Tensor:
        """Maps [B, K, H, W] of a pass, with its number from 0."""
        normalised: Tensor = self[number](maps)
        return normalised

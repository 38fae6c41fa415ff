"""CORnet-RT (Kubilius et al. 2018, doi 10.1101/408385; dicarlolab/CORnet, `cornet/cornet_rt.py`).

In each pass, all areas compute at once: an area's inputs are what the area below it and itself held after the pass
before. So an image reaches IT, and the classifier, only in the fourth pass. The first time step runs these four passes,
and each later one another pass. Layers have the authors' names. Letters: rcnnzoo's `contract`.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from rcnnzoo.plugin import OptionError, RecurrentModel, State
from rcnnzoo_cornet.preprocessing import ImageNetScale

GROUPS = 32
"""Groups of maps that are normalised together in each area, at width 1."""

MAPS_OF_GROUP = {"V1": 2, "V2": 4, "V4": 8, "IT": 16}
"""Feature maps of each group, by area."""

SILENT_PASSES = 3
"""Passes before the one in which the image reaches the classifier."""


def build(*, categories: int, image_size: int, width: float, steps: int) -> CORnetRT:
    """An untrained network; `steps` is the authors' `times` less three.

    Raises:
        OptionError: `width` leaves no feature maps.
    """
    groups = round(GROUPS * width)
    if groups < 1:
        raise OptionError(f"`width` {width:g} leaves no feature maps: take at least {0.6 / GROUPS:.3g}")
    return CORnetRT(groups, categories, steps)


class CORnetRT(RecurrentModel):
    """Four areas, then the mean of IT's maps over space, then a linear classifier.

    Args:
        groups: Groups of maps in each area.
        categories: How many.
        num_steps: Time steps T.
    """

    def __init__(self, groups: int, categories: int, num_steps: int) -> None:
        super().__init__()
        self.num_steps = num_steps
        self.scale = ImageNetScale()
        maps = {area: groups * number for area, number in MAPS_OF_GROUP.items()}
        self.V1 = Area(3, maps["V1"], groups, kernel=7, stride=4)
        self.V2 = Area(maps["V1"], maps["V2"], groups)
        self.V4 = Area(maps["V2"], maps["V4"], groups)
        self.IT = Area(maps["V4"], maps["IT"], groups)
        self.classifier = nn.Linear(maps["IT"], categories)

    @property
    def areas(self) -> Sequence[Area]:
        """From V1 to IT."""
        return self.V1, self.V2, self.V4, self.IT

    def begin(self, images: Tensor) -> State:
        """The image's drive of V1, the same in every pass: [B, K, H, W]."""
        return (self.V1.drive(self.scale(images)),)

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        """One pass; at the first time step, all those until the image has reached IT.

        state: what `begin` gave and, once a step has run, the maps [B, K, H, W] of each area. Returns the next state
        and the logits [B, C].
        """
        drive, *held = state
        for _ in range(1 if held else SILENT_PASSES + 1):
            held = self._pass(drive, held)
        state = (drive, *held)
        return state, self.classifier(self.features(state))

    def _pass(self, drive: Tensor, held: Sequence[Tensor]) -> list[Tensor]:
        """What the areas hold next; in the first pass, when they hold nothing, V1 alone has an input."""
        if held:
            drives = [drive] + [area.drive(below) for area, below in zip(self.areas[1:], held, strict=False)]
            return [area(its + own) for area, its, own in zip(self.areas, drives, held, strict=True)]
        now = [self.V1(drive)]
        for area in self.areas[1:]:
            height, width = ((side + 1) // 2 for side in now[-1].shape[-2:])
            now.append(area(now[-1].new_zeros(len(drive), area.maps, height, width)))
        return now

    def present(self, state: State, images: Tensor) -> State:
        """The maps of all areas stay; the drive of V1 is that of other images."""
        return (*self.begin(images), *state[1:])

    def activations(self, state: State) -> dict[str, Tensor]:
        """The maps of V1, V2, V4 and IT after rectification, [B, K, H, W]."""
        return dict(zip(MAPS_OF_GROUP, state[1:], strict=True))

    def features(self, state: State) -> Tensor:
        """The maps of IT, averaged over space: [B, K]."""
        return state[-1].mean(dim=(-2, -1))


class Area(nn.Module):
    """Two convolutions, each with group normalisation and rectification: of the area below, then of the area itself.

    Args:
        maps_below: Feature maps of the area below.
        maps: Its own.
        groups: Groups of them.
        kernel: Kernel size of the first convolution.
        stride: Its stride.
    """

    def __init__(self, maps_below: int, maps: int, groups: int, kernel: int = 3, stride: int = 2) -> None:
        super().__init__()
        self.maps = maps
        self.conv_input = nn.Conv2d(maps_below, maps, kernel, stride, padding=kernel // 2)
        self.norm_input = nn.GroupNorm(groups, maps)
        self.conv1 = nn.Conv2d(maps, maps, 3, padding=1, bias=False)
        self.norm1 = nn.GroupNorm(groups, maps)

    def drive(self, below: Tensor) -> Tensor:
        """What the area below contributes: [B, K_below, H_below, W_below] -> [B, K, H, W]."""
        driven: Tensor = self.norm_input(self.conv_input(below)).relu()
        return driven

    def forward(self, inputs: Tensor) -> Tensor:
        """What it holds next, from the sum of the drive and of what it held before: both [B, K, H, W]."""
        held: Tensor = self.norm1(self.conv1(inputs)).relu()
        return held

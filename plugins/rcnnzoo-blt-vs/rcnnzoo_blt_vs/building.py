"""From options to a network: numbers of maps by width, sizes of kernels by image size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from rcnnzoo.plugin import OptionError
from rcnnzoo_blt_vs.areas import Area, Readout, Retina, Separable
from rcnnzoo_blt_vs.network import BLTVS, BiologicalBLTVS, SweepingBLTVS

Network = TypeVar("Network", bound=BLTVS)

AREAS = ("Retina", "LGN", "V1", "V2", "V3", "V4", "LOC", "Readout")
MAPS = (32, 32, 576, 480, 352, 256, 352)
"""Of each area but the readout, at width 1."""
STRIDES = (2, 2, 2, 1, 1, 1, 2, 2)
OTHERS = 100
"""Maps of the readout beside those of the categories, at any width."""
WITHOUT_LATERAL = ("Retina", "LGN", "Readout")
SKIP_DOWN = 3
"""Kernel size of the skip connections from V4 to V1."""


@dataclass(frozen=True)
class Kernels:
    """Sizes of kernels.

    Attributes:
        image_size: Side of the images that the authors use them for.
        bottom_up: Of each area; those of the feedback from it are the same.
        lateral: Of connections within an area.
        skip: Of connections from V1 to V4.
    """

    image_size: int
    bottom_up: tuple[int, ...]
    lateral: int
    skip: int


LARGE = Kernels(224, (7, 7, 5, 1, 5, 3, 3, 5), lateral=5, skip=7)
SMALL = Kernels(128, (5, 3, 3, 1, 3, 3, 3, 3), lateral=3, skip=5)


def build_sweeping(*, categories: int, image_size: int, width: float, steps: int) -> SweepingBLTVS:
    """The network `blt-vs`.

    Args:
        categories: How many.
        image_size: Side of the images in pixels: kernels are larger from 224 on.
        width: Multiplies the areas' numbers of maps.
        steps: Time steps.

    Raises:
        OptionError: `width` leaves an area without maps.
    """
    # In the authors' code, the sweep down gives V1 no input from V4 although there are weights for it.
    return _build(SweepingBLTVS, categories, image_size, width, steps, skips_down=False)


def build_biological(*, categories: int, image_size: int, width: float, steps: int) -> BiologicalBLTVS:
    """The network `blt-vs-biological`; arguments and errors are those of `build_sweeping`."""
    return _build(BiologicalBLTVS, categories, image_size, width, steps, skips_down=True)


def _build(
    kind: type[Network], categories: int, image_size: int, width: float, steps: int, *, skips_down: bool
) -> Network:
    kernels = LARGE if image_size >= LARGE.image_size else SMALL
    sizes = [round(number * width) for number in MAPS]
    if min(sizes) < 1:
        raise OptionError(f"`width` {width:g} leaves no feature maps: take at least {0.6 / min(MAPS):.3g}")
    maps = dict(zip(AREAS, (*sizes, categories + OTHERS), strict=True))

    def area(number: int) -> Area:
        name = AREAS[number]
        skip = None
        if name == "V4":
            skip = Separable(maps["V1"], maps["V4"], kernels.skip)
        if name == "V1" and skips_down:
            skip = Separable(maps["V4"], maps["V1"], SKIP_DOWN)
        return Area(
            (maps[AREAS[number - 1]], maps[name], maps[AREAS[number + 1]]),
            (kernels.bottom_up[number], kernels.bottom_up[number + 1]),
            (STRIDES[number], STRIDES[number + 1]),
            0 if name in WITHOUT_LATERAL else kernels.lateral,
            skip,
        )

    return kind(
        Retina(maps["Retina"], kernels.bottom_up[0], STRIDES[0]),
        {AREAS[number]: area(number) for number in range(1, len(AREAS) - 1)},
        Readout(maps["LOC"], OTHERS, categories, kernels.bottom_up[-1], STRIDES[-1]),
        categories,
        steps,
    )

"""The authors' weights (KietzmannLab/BLT-VS): a state dict of their class BLT_VS, saved with torch.save.

Their layers are those of `BLTVS` under other names. Only the readout's convolution is divided: its first maps, one per
category, are the classifier's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from rcnnzoo.plugin import RecurrentModel, WeightsError, build, fill, read_torch
from rcnnzoo_blt_vs.building import AREAS, LARGE, MAPS, OTHERS, SMALL

UNROLLINGS = {"0": "blt-vs", "1": "blt-vs-biological"}
"""What `biounroll_0` and `biounroll_1` in the name of a published file stand for; its tensors don't tell."""

READOUT = "connections.Readout.readout_conv"
LAYERS = {
    "from_below": "bu_conv",
    "from_above": "td_conv",
    "bottom_up.lateral.depthwise": "bu_l_conv_depthwise",
    "bottom_up.lateral.pointwise": "bu_l_conv_pointwise",
    "bottom_up.norm": "layer_norm_bu",
    "top_down.lateral.depthwise": "td_l_conv_depthwise",
    "top_down.lateral.pointwise": "td_l_conv_pointwise",
    "top_down.norm": "layer_norm_td",
}
"""Their names of an area's layers, by ours."""

UNUSED = tuple(f"connections.Retina.layer_norm_td.{kind}" for kind in ("weight", "bias"))
"""What every file holds and no output depends on: the retina has no top-down stream."""
UNUSED_BY_SWEEPS = tuple(
    f"connections.V1.skip_td_{layer}.{kind}" for layer in ("depthwise", "pointwise") for kind in ("weight", "bias")
)
"""The same for networks without biological unrolling: their sweep down never calls V1's skip connections."""

SIZED = {
    f"{READOUT}.bias": 1,
    f"{READOUT}.weight": 4,
    "connections.Retina.bu_conv.weight": 4,
    "connections.V1.bu_conv.bias": 1,
}
"""The tensors that say how many categories and maps there are and which kernels, and their numbers of axes."""


def read_blt_vs(path: Path, architecture: str) -> RecurrentModel:
    """A network with the weights of a file; categories, width and image size come from the file.

    Args:
        path: The file.
        architecture: `blt-vs` or `blt-vs-biological`.

    Raises:
        WeightsError: The file is missing, damaged, or of another network, or its name says the other unrolling.
    """
    named = re.search(r"biounroll_([01])", path.name)
    if named and UNROLLINGS[named[1]] != architecture:
        raise WeightsError(f"{path}: {named[0]} in its name means {UNROLLINGS[named[1]]}: give that as `arch`")
    tensors = read_torch(path)
    _check_names(path, architecture, tensors)
    for name, axes in SIZED.items():
        if tensors[name].ndim != axes:
            raise WeightsError(f"{path}: {name} is {list(tensors[name].shape)}, not an array of {axes} axes")
    categories = len(tensors[f"{READOUT}.bias"]) - OTHERS
    if categories < 2:
        raise WeightsError(f"{path}: {READOUT} has {categories + OTHERS} maps, too few for {OTHERS} and 2 categories")
    kernel = tensors["connections.Retina.bu_conv.weight"].shape[-1]
    sizes = {kernels.bottom_up[0]: kernels.image_size for kernels in (LARGE, SMALL)}
    if kernel not in sizes:
        raise WeightsError(f"{path}: the retina's kernel size is {kernel}: BLT-VS has {' or '.join(map(str, sizes))}")
    width = len(tensors["connections.V1.bu_conv.bias"]) / MAPS[AREAS.index("V1")]
    network = build(architecture, categories=categories, image_size=sizes[kernel], width=width)
    fill(network, {name: _part(name, tensors, categories) for name in network.state_dict()}, path)
    return network.eval()


def _check_names(path: Path, architecture: str, tensors: Mapping[str, Tensor]) -> None:
    own = build(architecture, categories=2, width=1 / MAPS[0]).state_dict()
    unused = {*UNUSED, *(UNUSED_BY_SWEEPS if architecture == UNROLLINGS["0"] else ())}
    differences = list(_differences({*map(_published, own), *unused}, set(tensors)))
    if differences:
        more = f" (and {len(differences) - 1} more differences)" if differences[1:] else ""
        raise WeightsError(f"{path}: not the weights of {architecture}: {differences[0]}{more}")


def _differences(expected: set[str], found: set[str]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in sorted(expected - found))
    yield from (f"{name} is not expected there" for name in sorted(found - expected))


def _published(name: str) -> str:
    """Their name of the tensor that holds one of ours."""
    layer, _, kind = name.rpartition(".")
    where, _, part = layer.partition(".")
    if where == "areas":
        area, _, part = part.partition(".")
        return f"connections.{area}.{_layer(area, part)}.{kind}"
    if where == "retina":
        return f"connections.Retina.{LAYERS.get(part) or LAYERS[f'bottom_up.{part}']}.{kind}"
    return f"connections.Readout.layer_norm_td.{kind}" if part == "norm" else f"{READOUT}.{kind}"


def _layer(area: str, part: str) -> str:
    if part.startswith("skip."):
        return part.replace("skip.", "skip_bu_" if area == "V4" else "skip_td_")
    return LAYERS[part]


def _part(name: str, tensors: Mapping[str, Tensor], categories: int) -> Tensor:
    """The values of one of our tensors."""
    tensor = tensors[_published(name)]
    if name.startswith("classifier."):
        return tensor[:categories].flatten(1) if name.endswith("weight") else tensor[:categories]
    return tensor[categories:] if name in ("readout.weight", "readout.bias") else tensor

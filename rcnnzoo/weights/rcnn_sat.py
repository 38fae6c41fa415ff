"""The Keras weights published with Spoerer, Kietzmann & Kriegeskorte 2020 (cjspoerer/rcnn-sat).

Their layers `RCL_0_BConv`, `RCL_0_LConv`, `BatchNorm_Layer_0_Time_3` (bl), `Conv_Layer_0`, `BatchNorm_Layer_0`
(feedforward) and `ReadoutDense` are those of `Spoerer` under other names: same padding, pooling, epsilon, and order of
convolutions, their sum, normalisation and ReLU. Only the order of the axes of kernels differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rcnnzoo.architectures import spoerer
from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.spoerer import Layout
from rcnnzoo.errors import WeightsError
from rcnnzoo.weights.keras import KerasFile, open_keras

LAYOUTS = {"b": spoerer.B, "b-k": spoerer.B_K, "b-f": spoerer.B_F, "b-d": spoerer.B_D, "bl": spoerer.BL}
"""The architectures for which the authors published weights."""

IMAGE_SIZE = 128
"""Side of the images they trained on, in pixels."""

NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
DENSE = "ReadoutDense"
AXES = {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}
"""Keras' axes in torch's order, by how many there are: [in, out] becomes [out, in], [H, W, in, out] [out, in, H, W]."""


@dataclass(frozen=True)
class Source:
    """Where a tensor of the network comes from.

    Attributes:
        layer: A layer of the file.
        array: One of its arrays.
        shape: The shape that it must have there.
    """

    layer: str
    array: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Fit:
    """The result of reading a file as one of the architectures.

    Attributes:
        width: Multiplier of the feature maps.
        steps: Time steps.
        categories: How many.
        sources: By the names of the network's tensors.
    """

    width: float
    steps: int
    categories: int
    sources: dict[str, Source]


class Misfit(Exception):  # noqa: N818 - the name says enough
    """The file is of another architecture, or incomplete; the message names the first difference."""


def read_rcnn_sat(path: Path, architecture: str) -> RecurrentModel:
    """A network with the weights of a file; width, time steps and number of categories come from the file.

    Args:
        path: The file.
        architecture: A key of `LAYOUTS`.

    Raises:
        WeightsError: The file is missing, damaged, or of another network.
    """
    with open_keras(path) as file:
        fit = _fit_as(architecture, file)
        tensors = {name: _read(file, source) for name, source in fit.sources.items()}
    network = build(architecture, categories=fit.categories, image_size=IMAGE_SIZE, width=fit.width, steps=fit.steps)
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    # Keras doesn't count the batches behind its statistics; nothing here reads that number.
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return network.eval()


def _fit_as(architecture: str, file: KerasFile) -> Fit:
    """The file as the given architecture, unless it belongs to another.

    b-f is b at twice the width: a file that fits several architectures belongs to one that it fits at width 1.
    """
    fits, faults = {}, {}
    for name, layout in LAYOUTS.items():
        try:
            fits[name] = _fit(layout, file)
        except Misfit as misfit:
            faults[name] = str(misfit)
    likely = [name for name, fit in fits.items() if fit.width == 1] or list(fits)
    if architecture in likely:
        return fits[architecture]
    fault = faults.get(architecture, "their number of feature maps is that of another architecture")
    advice = f"they are for {likely[0]}: give `arch` {likely[0]}" if likely else "nor of any other in rcnn-sat"
    raise WeightsError(f"{file.path}: not the weights of {architecture}: {fault}; {advice}")


def _fit(layout: Layout, file: KerasFile) -> Fit:
    """Sizes come from arrays of one axis, which can't be transposed; all other shapes must then agree."""
    times = sum(re.fullmatch(r"BatchNorm_Layer_0_Time_\d+", name) is not None for name in file.layers)
    steps = times if layout.lateral else 1
    norms = [_norm(layout, number, 0) for number in range(len(layout.maps))]
    maps = tuple(_length(file, norm, "gamma") for norm in norms)
    categories = _length(file, DENSE, "bias")
    widths = (number / at_width_1 for number, at_width_1 in zip(maps, layout.maps, strict=True))
    width = next((width for width in widths if layout.scaled(width).maps == maps), None)
    if width is None:
        raise Misfit(
            f"its numbers of feature maps ({', '.join(map(str, maps))}) are not a fixed multiple of the paper's"
        )
    sources = dict(_sources(layout.scaled(width), steps, categories))
    differences = list(_differences(sources, file))
    if differences:
        raise Misfit(differences[0] + (f" (and {len(differences) - 1} more differences)" if differences[1:] else ""))
    return Fit(width, steps, categories, sources)


def _length(file: KerasFile, layer: str, array: str) -> int:
    if layer not in file.layers:
        raise Misfit(f"{layer} is missing")
    shape = file.shape(layer, array)
    if shape is None:
        raise Misfit(f"{layer} has no {array}")
    if len(shape) != 1:
        raise Misfit(f"{layer}'s {array} is {list(shape)}, not one number per feature map or category")
    return shape[0]


def _sources(layout: Layout, steps: int, categories: int) -> Iterator[tuple[str, Source]]:
    """Each tensor of the network, and where it comes from."""
    below = 3
    for number, (maps, kernel) in enumerate(zip(layout.maps, layout.kernels, strict=True)):
        bottom_up = f"RCL_{number}_BConv" if layout.lateral else f"Conv_Layer_{number}"
        yield f"layers.{number}.bottom_up.0.weight", Source(bottom_up, "kernel", (kernel, kernel, below, maps))
        if layout.lateral and steps > 1:
            lateral = Source(f"RCL_{number}_LConv", "kernel", (kernel, kernel, maps, maps))
            yield f"layers.{number}.lateral.0.weight", lateral
        for t in range(steps):
            for ours, theirs in NORM.items():
                yield f"layers.{number}.norm.{t}.{ours}", Source(_norm(layout, number, t), theirs, (maps,))
        below = maps
    yield "classifier.0.weight", Source(DENSE, "kernel", (below, categories))
    yield "classifier.0.bias", Source(DENSE, "bias", (categories,))


def _norm(layout: Layout, number: int, t: int) -> str:
    return f"BatchNorm_Layer_{number}_Time_{t}" if layout.lateral else f"BatchNorm_Layer_{number}"


def _differences(sources: dict[str, Source], file: KerasFile) -> Iterator[str]:
    """What the file lacks, has in addition, or has in another shape."""
    layers = {source.layer for source in sources.values()}
    wanted = {(source.layer, source.array) for source in sources.values()}
    yield from (f"{layer} is missing" for layer in sorted(layers - file.layers.keys()))
    yield from (f"{layer} is not expected there" for layer in sorted(file.layers.keys() - layers))
    for layer, arrays in file.layers.items():
        yield from (
            f"{layer} has an unexpected {array}" for array in arrays if layer in layers and (layer, array) not in wanted
        )
    for source in sources.values():
        shape = file.shape(source.layer, source.array)
        if source.layer in file.layers and shape is None:
            yield f"{source.layer} has no {source.array}"
        elif shape is not None and shape != source.shape:
            transposed = ", transposed" if sorted(shape) == sorted(source.shape) else ""
            yield f"{source.layer}'s {source.array} is {list(shape)}, not {list(source.shape)}{transposed}"


def _read(file: KerasFile, source: Source) -> Tensor:
    """One tensor in torch's order of axes."""
    tensor = file.read(source.layer, source.array)
    if source.array == NORM["running_var"] and (tensor < 0).any():
        raise WeightsError(f"{file.path}: {source.layer}'s {source.array} has negative values; fetch the file again")
    return tensor.permute(AXES[tensor.ndim])

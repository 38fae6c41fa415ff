"""The layers of a network, with what goes in and comes out of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.lesions import lesionable
from rcnnzoo.profiling.shapes import blank_image, without_values


@dataclass(frozen=True)
class LayerRow:
    """A module that has weights itself, or several alike, side by side in a list.

    Attributes:
        name: The module's place in the network; the list's where several are alike.
        kind: The module's class.
        copies: Number of these.
        maps_in: Feature maps (or features) that go in; None if the module was never called.
        maps_out: Feature maps (or features) that come out.
        kernel: Kernel size, height and width; None if it has none.
        map_size: Height and width of a map that comes out; None if it gives no maps.
        parameters: Weights of all copies together.
    """

    name: str
    kind: str
    copies: int
    maps_in: int | None
    maps_out: int | None
    kernel: tuple[int, ...] | None
    map_size: tuple[int, ...] | None
    parameters: int


def layer_table(model: RecurrentModel) -> list[LayerRow]:
    """One row per layer, in the order in which the network defines them; their parameters add up to its own.

    >>> from rcnnzoo.architectures.build import build
    >>> table = layer_table(build("bl", categories=10, image_size=32, width=1 / 16))
    >>> [(row.name, row.copies, row.map_size) for row in table[3:6]]
    [('layers.1.bottom_up.0', 1, (16, 16)), ('layers.1.lateral.0', 1, (16, 16)), ('layers.1.norm', 8, (16, 16))]
    """
    network = without_values(model)
    layers = {name: module for name, module in network.named_modules() if _own_weights(module)}
    passed = _passed(network, layers.values(), blank_image(model))
    rows = []
    counted: set[nn.Parameter] = set()  # weights that two modules share belong to the first
    for name, module in layers.items():
        weights = _own_weights(module) - counted
        counted |= weights
        rows.append(_row(name, module, passed.get(module), sum(weight.numel() for weight in weights)))
    return [_joined(list(alike)) for _, alike in groupby(rows, key=_what_is_alike)]


@dataclass(frozen=True)
class ModuleRow:
    """A module that can be cut.

    Attributes:
        name: Its place in the network, as lesions name it.
        kind: Its class.
        shape: Of what it gives for an image, maps K, H, W or features F; None if it is never called.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None


def module_table(model: RecurrentModel) -> list[ModuleRow]:
    """One row per convolution, normalisation and linear layer, in the order in which the network defines them.

    >>> from rcnnzoo.architectures.build import build
    >>> module_table(build("bl", categories=10, image_size=32, width=1 / 16))[1]
    ModuleRow(name='layers.0.lateral.0', kind='Conv2d', shape=(6, 32, 32))
    """
    network = without_values(model)
    modules = lesionable(network)
    passed = _passed(network, modules.values(), blank_image(model))
    return [
        ModuleRow(name, type(module).__name__, tuple(passed[module][1].shape[1:]) if module in passed else None)
        for name, module in modules.items()
    ]


def _passed(
    network: RecurrentModel, modules: Iterable[nn.Module], images: Tensor
) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """What goes into and comes out of those of these modules that are called, the first time."""
    passed: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def remember(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
            passed.setdefault(module, (inputs[0], output))

    for module in modules:
        module.register_forward_hook(remember)
    with torch.no_grad():
        network(images)
    return passed


def _own_weights(module: nn.Module) -> set[nn.Parameter]:
    return set(module.parameters(recurse=False))


def _row(name: str, module: nn.Module, passed: tuple[Tensor, Tensor] | None, parameters: int) -> LayerRow:
    row = LayerRow(name, type(module).__name__, 1, None, None, getattr(module, "kernel_size", None), None, parameters)
    if passed is None:
        return row
    before, after = passed
    axis = 1 if after.dim() == 4 else -1  # maps [B, K, H, W]; else features come last
    maps_in, maps_out = before.shape[axis], after.shape[axis]
    return replace(row, maps_in=maps_in, maps_out=maps_out, map_size=tuple(after.shape[2:]) or None)


def _what_is_alike(row: LayerRow) -> LayerRow:
    """Neighbours in a list, `norm.0` and `norm.1`, are alike if only their numbers differ."""
    parent, _, last = row.name.rpartition(".")
    return replace(row, name=parent) if last.isdigit() else row


def _joined(alike: list[LayerRow]) -> LayerRow:
    if len(alike) == 1:
        return alike[0]
    return replace(_what_is_alike(alike[0]), copies=len(alike), parameters=sum(row.parameters for row in alike))

"""Multiply-accumulates, counted by ptflops at the level of operators (its `aten` backend)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.lesions import cut_modules, set_step
from rcnnzoo.profiling.shapes import blank_image, without_values

Size = Sequence[int] | None
"""Height and width of an image in pixels; None for the size that the network is meant for."""


@dataclass(frozen=True)
class Count:
    """What one image costs.

    Attributes:
        macs: MACs of convolutions and classifiers at each step; `begin` counts towards the first.
        state_bytes: Size of the state, at the step at which it is largest.
        categories: Number of categories, C.
    """

    macs: list[int]
    state_bytes: int
    categories: int


@dataclass(frozen=True)
class _Counted:
    """Costs that were counted already for such a network, by image size and changes."""

    about: str
    by_size: dict[tuple[int, ...], Count] = field(default_factory=dict)


_COUNTED: WeakKeyDictionary[RecurrentModel, _Counted] = WeakKeyDictionary()


def count_operations(model: RecurrentModel, size: Size = None, changes: Collection[int] = ()) -> Count:
    """The cost of an image, counted once for each size, and again if the network has changed.

    Args:
        model: The network.
        size: Of the image.
        changes: Time steps, from 1, at which another image is presented.

    Raises:
        OptionError: No size is given, and the network has no card that says one.

    >>> from rcnnzoo.architectures.build import build
    >>> count = count_operations(build("bl", categories=1000))
    >>> count.state_bytes / 2**20, count.categories  # MiB
    (15.21875, 1000)
    """
    key = (*blank_image(model, size).shape[-2:], *sorted(changes))
    about = repr(model)
    found = _COUNTED.get(model)
    if found is None or found.about != about:
        found = _COUNTED[model] = _Counted(about)
    if key not in found.by_size:
        steps, state, categories = _count(without_values(model), key[:2], changes)
        found.by_size[key] = Count([sum(count["Global"].values()) for count in steps], state, categories)
    return found.by_size[key]


def macs_per_step(model: RecurrentModel, size: Size = None, changes: Collection[int] = ()) -> list[int]:
    """MACs of convolutions and classifiers for one image, at each step; `begin` counts towards the first.

    What another image costs that is presented at a step counts towards that step.

    >>> from rcnnzoo.architectures.build import build
    >>> first, later = macs_per_step(build("bl", categories=1000, steps=2))
    >>> f"{first / 1e9:.3f} G, then {later / 1e9:.3f} G"
    '1.991 G, then 11.645 G'
    """
    return list(count_operations(model, size, changes).macs)


def macs_by_module(model: RecurrentModel, changes: Collection[int] = ()) -> dict[str, list[int]]:
    """The same for each module that computes any, by name: [T].

    >>> from rcnnzoo.architectures.build import build
    >>> macs = macs_by_module(build("bl", categories=1000, steps=2))
    >>> macs["layers.0.lateral.0"]
    [0, 7398752256]
    """
    network = without_values(model)
    names = {
        module: name for name, module in network.named_modules() if next(module.parameters(False), None) is not None
    }
    steps, _, _ = _count(network, None, changes, names)
    table = {name: [sum(counts[name].values()) for counts in steps] for name in names.values()}
    return {name: macs for name, macs in table.items() if any(macs)}


def _count(
    network: RecurrentModel, size: Size, changes: Collection[int], names: dict[nn.Module, str] | None = None
) -> tuple[list[dict[str, dict[Any, int]]], int, int]:
    """MACs of each step by the name of a module ("Global": all of them) and operator; bytes of the largest state; C."""
    from ptflops.aten_engine import FlopCounterMode  # it imports timm, which should not delay readers of traces

    trained, cut = network.trained_steps or network.num_steps, cut_modules(network).values()
    counters: list[FlopCounterMode] = []
    beyond: dict[tuple[bool, ...], FlopCounterMode] = {}  # steps beyond training cost alike, but for what is cut or new
    inside: list[str] = ["Global"]
    for module, name in (names or {}).items():
        module.register_forward_pre_hook(lambda *_, name=name: inside.append(name))
        module.register_forward_hook(lambda *_: inside.remove(inside[-1]))
    state, largest, categories = None, 0, 0
    with torch.inference_mode(False), torch.no_grad():  # in inference mode the operations could not be seen and counted
        for t in range(network.num_steps):
            kind = (t in changes, *(steps is None or t in steps for steps in cut))
            if t > trained and kind in beyond:
                counters.append(beyond[kind])
                continue
            counter = FlopCounterMode()
            counters.append(counter)
            if t >= trained:
                beyond[kind] = counter
            counter.parents = inside
            with counter:
                set_step(network, t)
                if state is None:
                    state = network.begin(blank_image(network, size))
                elif t in changes:
                    state = network.present(state, blank_image(network, size))
                state, logits = network.step(state, t)
            largest = max(largest, sum(tensor.nbytes for tensor in state))
            categories = logits.shape[-1]
    return [counter.flop_counts for counter in counters], largest, categories

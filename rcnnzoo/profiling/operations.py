"""Multiply-accumulates, counted by ptflops at the level of operators (its `aten` backend)."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from ptflops.aten_engine import FlopCounterMode
from torch import nn

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.profiling.shapes import blank_image, without_values

_COUNTED: WeakKeyDictionary[RecurrentModel, tuple[str, list[int]]] = WeakKeyDictionary()


def macs_per_step(model: RecurrentModel) -> list[int]:
    """MACs of convolutions and classifiers for one image, at each step; `begin` counts towards the first.

    >>> from rcnnzoo.architectures.build import build
    >>> first, later = macs_per_step(build("bl", categories=1000, steps=2))
    >>> f"{first / 1e9:.3f} G, then {later / 1e9:.3f} G"
    '1.991 G, then 11.645 G'
    """
    about = repr(model)  # a network that was changed is counted again
    if _COUNTED.get(model, ("", []))[0] != about:
        _COUNTED[model] = about, [sum(counts["Global"].values()) for counts in _count(without_values(model))]
    return list(_COUNTED[model][1])


def macs_by_module(model: RecurrentModel) -> dict[str, list[int]]:
    """The same of each module that computes any, by name: [T].

    >>> from rcnnzoo.architectures.build import build
    >>> macs = macs_by_module(build("bl", categories=1000, steps=2))
    >>> macs["layers.0.lateral.0"]
    [0, 7398752256]
    """
    network = without_values(model)
    names = {
        module: name for name, module in network.named_modules() if next(module.parameters(False), None) is not None
    }
    steps = _count(network, names)
    table = {name: [sum(counts[name].values()) for counts in steps] for name in names.values()}
    return {name: macs for name, macs in table.items() if any(macs)}


def _count(network: RecurrentModel, names: dict[nn.Module, str] | None = None) -> list[dict[str, dict[Any, int]]]:
    """MACs of each step by the name of a module ("Global": all of them) and operator."""
    counters = [FlopCounterMode() for _ in range(network.num_steps)]
    inside: list[str] = ["Global"]
    for module, name in (names or {}).items():
        module.register_forward_pre_hook(lambda *_, name=name: inside.append(name))
        module.register_forward_hook(lambda *_: inside.remove(inside[-1]))
    state = None
    with torch.inference_mode(False), torch.no_grad():  # in inference mode nothing would be seen to be counted
        for t, counter in enumerate(counters):
            counter.parents = inside
            with counter:
                state = network.begin(blank_image(network)) if state is None else state
                state, _ = network.step(state, t)
    return [counter.flop_counts for counter in counters]

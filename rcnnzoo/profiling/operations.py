"""Multiply-accumulates, counted by ptflops at the level of operators (its `aten` backend)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from ptflops.aten_engine import FlopCounterMode
from torch import nn

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.profiling.shapes import blank_image, without_values


@dataclass(frozen=True)
class _Counted:
    """What is known of a network that looks like this."""

    about: str
    macs: list[int]
    state: int


_COUNTED: WeakKeyDictionary[RecurrentModel, _Counted] = WeakKeyDictionary()


def macs_per_step(model: RecurrentModel) -> list[int]:
    """MACs of convolutions and classifiers for one image, at each step; `begin` counts towards the first.

    >>> from rcnnzoo.architectures.build import build
    >>> first, later = macs_per_step(build("bl", categories=1000, steps=2))
    >>> f"{first / 1e9:.3f} G, then {later / 1e9:.3f} G"
    '1.991 G, then 11.645 G'
    """
    return list(_counted(model).macs)


def state_bytes(model: RecurrentModel) -> int:
    """Size of the state that the network keeps of one image, at the step at which it is largest.

    >>> from rcnnzoo.architectures.build import build
    >>> state_bytes(build("bl", categories=1000)) / 2**20  # MiB
    15.21875
    """
    return _counted(model).state


def _counted(model: RecurrentModel) -> _Counted:
    """Counted once, and again when the network was changed."""
    about = repr(model)
    found = _COUNTED.get(model)
    if found is None or found.about != about:
        counts, state = _count(without_values(model))
        found = _COUNTED[model] = _Counted(about, [sum(count["Global"].values()) for count in counts], state)
    return found


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
    steps, _ = _count(network, names)
    table = {name: [sum(counts[name].values()) for counts in steps] for name in names.values()}
    return {name: macs for name, macs in table.items() if any(macs)}


def _count(
    network: RecurrentModel, names: dict[nn.Module, str] | None = None
) -> tuple[list[dict[str, dict[Any, int]]], int]:
    """MACs of each step by the name of a module ("Global": all of them) and operator; bytes of the largest state."""
    counters = [FlopCounterMode() for _ in range(network.num_steps)]
    inside: list[str] = ["Global"]
    for module, name in (names or {}).items():
        module.register_forward_pre_hook(lambda *_, name=name: inside.append(name))
        module.register_forward_hook(lambda *_: inside.remove(inside[-1]))
    state, largest = None, 0
    with torch.inference_mode(False), torch.no_grad():  # in inference mode nothing would be seen to be counted
        for t, counter in enumerate(counters):
            counter.parents = inside
            with counter:
                state = network.begin(blank_image(network)) if state is None else state
                state, _ = network.step(state, t)
            largest = max(largest, sum(tensor.nbytes for tensor in state))
    return [counter.flop_counts for counter in counters], largest

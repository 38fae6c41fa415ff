"""Lesions: modules of a network whose output is zero, at some time steps or at all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from rcnnzoo.architectures.card import name_of
from rcnnzoo.architectures.contract import RecurrentModel, State
from rcnnzoo.architectures.normalisation import BatchNormByStep
from rcnnzoo.errors import OptionError, UnknownName
from rcnnzoo.text import counted

KINDS = (_ConvNd, nn.Linear, _NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, BatchNormByStep)
"""What can be cut: modules whose output other modules add up or scale, so that zero means that nothing arrives."""
STEPS = re.compile(r"(\d+)(?:-(\d+))?")


@dataclass(frozen=True)
class Lesion:
    """What is cut, and when.

    Attributes:
        pattern: Which modules: `*` stands for any characters between two dots, and a list for all that is in it.
        steps: At which time steps, from 0; None for all.
    """

    pattern: str
    steps: frozenset[int] | None = None


def read_lesion(text: str, num_steps: int) -> Lesion:
    """A lesion as users write it, `PATTERN` or `PATTERN@STEPS`, with steps from 1: `3`, `3-8`, `1,3-5`.

    Raises:
        OptionError: The steps can't be read, or the network does not have that many.

    >>> read_lesion("layers.*.lateral@2-3", 8)
    Lesion(pattern='layers.*.lateral', steps=frozenset({1, 2}))
    """
    pattern, marked, when = text.partition("@")
    if not pattern:
        raise OptionError(f"`lesions` {text!r}: names no modules: write PATTERN or PATTERN@STEPS")
    if not marked:
        return Lesion(pattern)
    steps: set[int] = set()
    for part in when.split(","):
        found = STEPS.fullmatch(part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found and len(part) < 20 else (0, 0)
        if not 1 <= first <= last:
            raise OptionError(
                f"`lesions` {text!r}: {part!r} is not a step or a range of steps: write them like 3 or 3-8"
            )
        if last > num_steps:
            raise OptionError(f"`lesions` {text!r}: step {last}, but the network runs {counted(num_steps, 'step')}")
        steps.update(range(first - 1, last))
    return Lesion(pattern, frozenset(steps))


def lesionable(network: nn.Module) -> dict[str, nn.Module]:
    """The modules that can be cut, by name: convolutions, normalisations and linear layers."""
    inside = {
        f"{name}.{part}"
        for name, module in network.named_modules()
        if isinstance(module, BatchNormByStep)
        for part, _ in module.named_children()
    }
    return {
        name: module for name, module in network.named_modules() if isinstance(module, KINDS) and name not in inside
    }


def matching(network: nn.Module, pattern: str) -> list[str]:
    """Names of the modules that a pattern means; one with `*` means those that can be cut.

    Raises:
        UnknownName: It means none.
        OptionError: It means a module that can't be cut.
    """
    modules = dict(network.named_modules())
    can_be_cut = lesionable(network)
    named = [name for name in modules if name and _fits(name, pattern)]
    found: dict[str, None] = {}
    for name in named:
        if name in can_be_cut:
            found[name] = None
        elif isinstance(modules[name], nn.ModuleList):
            found |= dict.fromkeys(inner for inner in can_be_cut if inner.startswith(f"{name}."))
        elif "*" in pattern and any(each in can_be_cut for each in named):
            continue
        elif isinstance(modules[name.rpartition(".")[0]], BatchNormByStep):
            whole, _, place = name.rpartition(".")
            step = int(place) + modules[whole].first_step + 1
            raise OptionError(f"`lesions` {pattern!r}: {name} is a step of {whole}: write {whole}@{step}")
        else:
            kind = type(modules[name]).__name__
            raise OptionError(
                f"`lesions` {pattern!r}: {name} is a {kind}, not a convolution, normalisation or linear layer: see "
                "`rcnnzoo info MODEL --modules`"
            )
    if not found:
        where = f"`lesions` of {name_of(network)}; see `rcnnzoo info MODEL --modules`"
        raise UnknownName("module", pattern, can_be_cut, where)
    return list(found)


def _fits(name: str, pattern: str) -> bool:
    parts, patterns = name.split("."), pattern.split(".")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


@dataclass
class _Clock:
    """The time step that a lesioned network is at, from 0; of each row where they differ, [B]."""

    t: int | Tensor = 0


def cut(network: RecurrentModel, lesions: Sequence[Lesion]) -> None:
    """Cut modules of a network in place; names, weights and everything else stay as they are.

    Raises:
        UnknownName: A pattern means no module.
        OptionError: It means one that can't be cut.
    """
    when: dict[str, frozenset[int] | None] = {}
    for lesion in lesions:
        for name in matching(network, lesion.pattern):
            before = when.get(name, frozenset())
            when[name] = None if before is None or lesion.steps is None else before | lesion.steps
    clock = _Clock()
    for name, steps in when.items():
        module = network.get_submodule(name)
        module.__class__ = type(f"Cut{type(module).__name__}", (_Cut, type(module)), {})
        module.clock, module.steps = clock, steps  # type: ignore[assignment]
    network.__class__ = type(f"Lesioned{type(network).__name__}", (_Lesioned, type(network)), {})
    network.clock = clock  # type: ignore[assignment]


def cut_modules(network: RecurrentModel) -> dict[str, frozenset[int] | None]:
    """The modules that are cut, by name, and at which steps, from 0; None for all."""
    return {name: module.steps for name, module in network.named_modules() if isinstance(module, _Cut)}


def set_step(network: RecurrentModel, t: int) -> None:
    """Say at which step a network is before `begin` or `present` is called; nothing changes without lesions."""
    if isinstance(network, _Lesioned):
        network.clock.t = t


class _Lesioned(RecurrentModel):
    """A network that tells its lesions the time."""

    clock: _Clock

    def forward(self, images: Tensor) -> Tensor:
        self.clock.t = 0
        return super().forward(images)

    def step(self, state: State, t: int | Tensor) -> tuple[State, Tensor]:
        self.clock.t = t
        return super().step(state, t)


class _Cut(nn.Module):
    """A module whose output is zero at some steps, or at all: it is run on the other rows only, which may be none."""

    clock: _Clock
    steps: frozenset[int] | None

    def forward(self, *inputs: Any, **named: Any) -> Tensor:
        t, count = self.clock.t, len(inputs[0])
        rows: slice | Tensor
        if self.steps is None or (isinstance(t, int) and t in self.steps):
            rows = slice(0, 0)
        elif isinstance(t, int):
            whole: Tensor = super().forward(*inputs, **named)
            return whole
        else:
            cut_at = torch.tensor(sorted(self.steps), device=t.device)
            rows = (~torch.isin(t, cut_at)).nonzero()[:, 0]
        own = [each[rows] if isinstance(each, Tensor) and len(each) == count else each for each in inputs]
        given: Tensor = super().forward(*own, **named)
        zero = given.new_zeros(count, *given.shape[1:])
        zero[rows] = given
        return zero

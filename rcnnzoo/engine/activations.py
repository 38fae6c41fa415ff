"""What areas and modules of a network hold after each time step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from rcnnzoo.architectures.card import name_of
from rcnnzoo.architectures.lesions import set_step
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.errors import OptionError, UnknownName
from rcnnzoo.profiling.shapes import blank_image, without_values


@dataclass(frozen=True)
class Source:
    """An area that a network names, or one of its modules.

    Attributes:
        name: Its name.
        kind: `area`, or the module's class.
        shape: Of what it holds for an image: maps K, H, W or features F.
        steps: The time steps, from 1, after which it holds something new: a module may run at some steps only.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    steps: tuple[int, ...]

    @property
    def units(self) -> int:
        """How many numbers it holds for an image."""
        return torch.Size(self.shape).numel()


def sources(unrolling: Unrolling) -> list[Source]:
    """All areas and modules whose activations can be read, areas first; no image is needed.

    A module that is run twice in a step, or whose output is no tensor or changes its shape, can't.
    """
    network = without_values(unrolling.network)
    image = blank_image(unrolling.network)
    shapes: dict[str, list[tuple[int, torch.Size]]] = {}
    modules = {name: module for name, module in network.named_modules() if name}
    with torch.no_grad(), _listening(modules) as heard:
        set_step(network, 0)
        state = network.begin(image)
        for t in range(network.num_steps):
            if t in unrolling.changes:
                set_step(network, t)
                state = network.present(state, image)
            state, _ = network.step(state, t)
            areas = network.activations(state) if network.has_areas else {}
            for name, tensors in [*((name, [tensor]) for name, tensor in areas.items()), *heard.items()]:
                once = tensors[0].shape[1:] if len(tensors) == 1 and len(tensors[0]) == 1 else None
                shapes.setdefault(name, []).append((t + 1, torch.Size() if once is None else once))
            heard.clear()
    found = [
        Source(name, "area" if name not in modules else type(modules[name]).__name__, tuple(seen[0][1]), _steps(seen))
        for name, seen in shapes.items()
        if len({shape for _, shape in seen}) == 1 and len(seen[0][1])
    ]
    return sorted(found, key=lambda source: source.kind != "area")


def _steps(seen: Sequence[tuple[int, object]]) -> tuple[int, ...]:
    return tuple(step for step, _ in seen)


def choose(unrolling: Unrolling, patterns: Sequence[str]) -> list[Source]:
    """The areas and modules that patterns mean, each once; `*` stands for any characters between two dots.

    Raises:
        UnknownName: A pattern means none.
    """
    there = {source.name: source for source in sources(unrolling)}
    found: dict[str, Source] = {}
    for pattern in patterns:
        fitting = {name: source for name, source in there.items() if _fits(name, pattern)}
        if not fitting:
            where = f"`layers` of {name_of(unrolling.network)}; see `rcnnzoo info MODEL --modules`"
            raise UnknownName("layer", pattern, there, where)
        found |= fitting
    return list(found.values())


def _fits(name: str, pattern: str) -> bool:
    parts, patterns = name.split("."), pattern.split(".")
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


def activations(
    unrolling: Unrolling, chosen: Sequence[Source], images: Tensor, names: Sequence[str]
) -> Iterator[tuple[int, dict[str, Tensor]]]:
    """Each time step, from 1, and what chosen sources hold after it: [B, ...] by name, of those that ran at it.

    What modules give is copied, as the network may go on to change it in place.

    Args:
        unrolling: The network, and what it is shown.
        chosen: From `choose`.
        images: [B, 3, H, W] in [-1, 1].
        names: A name for each image.
    """
    network = unrolling.network
    areas = {source.name for source in chosen if source.kind == "area"}
    modules = {source.name: network.get_submodule(source.name) for source in chosen if source.name not in areas}
    with _listening(modules) as heard:
        for step, (state, _) in enumerate(unrolling.steps(images, names), 1):
            held = {name: tensors[0] for name, tensors in heard.items()}
            if areas:
                held |= {name: tensor for name, tensor in network.activations(state).items() if name in areas}
            heard.clear()
            yield step, held


@contextmanager
def _listening(modules: dict[str, nn.Module]) -> Iterator[dict[str, list[Tensor]]]:
    """While it lasts, copies of what modules give are collected by their names."""
    heard: dict[str, list[Tensor]] = {}

    def listener(name: str) -> Callable[..., None]:
        def keep(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                heard.setdefault(name, []).append(output.detach().clone())

        return keep

    handles = [module.register_forward_hook(listener(name)) for name, module in modules.items()]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def check_poolable(chosen: Sequence[Source]) -> None:
    """Refuse to average over space what has none.

    Raises:
        OptionError: A source holds no maps.
    """
    for source in chosen:
        if len(source.shape) != 3:
            raise OptionError(
                f"`pool` mean: {source.name} holds no maps: leave it out of `layers`, or leave out `pool`"
            )

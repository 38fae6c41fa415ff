"""A small network of an architecture, to run checks on."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from rcnnzoo import plugins
from rcnnzoo.architectures.build import build
from rcnnzoo.architectures.card import name_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.checking.rows import Fault, told
from rcnnzoo.errors import OptionError, PluginError
from rcnnzoo.hookspecs import Architecture

CATEGORIES = 5
SMALL = ((32, 1 / 16), (64, 1 / 16), (128, 1 / 16), (32, 1.0), (224, 1.0))
"""Image sizes and widths to try in turn; most networks take the first."""
SEED = 1  # `load` builds with another, so that what a file doesn't hold shows


@dataclass(frozen=True)
class Specimen:
    """A small network of an architecture, in evaluation mode, whose batch norm has seen some images."""

    architecture: str
    image_size: int
    width: float
    network: RecurrentModel
    cascaded: bool = False

    def build(self, seed: int = SEED) -> RecurrentModel:
        """Another, new one, in training mode."""
        return build(
            self.architecture,
            categories=CATEGORIES,
            image_size=self.image_size,
            width=self.width,
            seed=seed,
            cascaded=self.cascaded,
        )

    def images(self, count: int, seed: int = 7) -> Tensor:
        """Images of noise [B, 3, S, S]."""
        shape = (count, 3, self.image_size, self.image_size)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).clamp(-1, 1)


def example_of(name: str) -> str:
    """The name of an architecture itself; of a family, `zoo/*`, its example.

    Raises:
        Fault: The family names none.
    """
    example = cast(Architecture, plugins.look_up("architectures", name).member).example
    if name.endswith("/*") and not example:
        raise Fault(f"{name} is a family without an example: name a small one, Architecture(..., example=...)")
    return name.replace("*", example)


def specimen(name: str, *, cascaded: bool = False) -> Specimen:
    """A small network of an architecture, or a cascade of it.

    Raises:
        PluginError: It can't be built, lacks a method, or can't run, at any of the sizes that are tried.
    """
    failures: list[Exception] = []
    for image_size, width in SMALL:
        try:
            options: dict[str, Any] = {"image_size": image_size, "width": width, "cascaded": cascaded}
            network = build(name, categories=CATEGORIES, seed=SEED, **options)
            _check_methods(network)
            made = Specimen(name, network=network, **options)
            with torch.no_grad():
                _check_result_of_step(network, made.images(8))
                for seed in range(3):
                    network(made.images(8, seed))
        except PluginError:  # this says all that is needed, whatever the size
            raise
        except Exception as error:
            failures.append(error)
        else:
            network.eval()
            return made
    # A refusal of a size says less than what happened at a size that it takes.
    first = next((error for error in failures if not isinstance(error, OptionError)), failures[0])
    call = "; the target is called with categories, image_size, width and steps" if "keyword" in str(first) else ""
    raise Fault(f"it can't be built and run on images: {told(first)}{call}{_sizes(failures)}") from first


def _sizes(failures: list[Exception]) -> str:
    """At which sizes it was tried, unless all gave the same error apart from numbers."""
    if len({re.sub(r"\d+", "", str(error)) for error in failures}) == 1:
        return ""
    sizes = ", ".join(f"{size} pixels at width {width:g}" for size, width in SMALL)
    return f" (tried {sizes})"


def _check_methods(network: RecurrentModel) -> None:
    kind = type(network).__name__
    methods = ("begin", "step", "features")
    missing = [name for name in methods if getattr(type(network), name) is getattr(RecurrentModel, name)]
    if missing:
        raise Fault(f"{kind} has no {' or '.join(missing)}: write {', '.join(missing)} (docs/plugins.md)")
    wanted = cast(Architecture, plugins.look_up("architectures", name_of(network)).member).steps
    if wanted not in (network.num_steps, None):
        raise Fault(f"{kind}.num_steps is {network.num_steps}, and {wanted} was asked for: set self.num_steps = steps")


def _check_result_of_step(network: RecurrentModel, images: Tensor) -> None:
    """Common mistakes, before they show up as errors from torch."""
    kind = type(network).__name__
    if list(inspect.signature(network.step).parameters)[:2] == ["t", "state"]:
        raise Fault(f"{kind}.step takes t and state: write step(self, state, t), it is called in this order")
    result: object = network.step(network.begin(images), 0)
    if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], Tensor):
        raise Fault(f"{kind}.step gives {_described(result)}: it must give (state, logits)")


def _described(result: object) -> str:
    """What a value is, for an error message."""
    if isinstance(result, tuple):
        return f"({', '.join(_described(part) for part in result)})"
    if isinstance(result, Tensor):
        return f"a tensor {list(result.shape)}"
    return "nothing" if result is None else f"a {type(result).__name__}"

"""Building a network from its name and options."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch

from rcnnzoo import plugins
from rcnnzoo.architectures.card import Card
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.errors import OptionError, PluginError
from rcnnzoo.hookspecs import Architecture

MOST_CATEGORIES = 1_000_000
LACKS = {"pretrained": "has no pretrained weights", "cascaded": "can't be built as a cascade"}


def build(
    name: str,
    *,
    categories: int | Sequence[str] = 1000,
    image_size: int = 128,
    width: float = 1.0,
    steps: int | None = None,
    seed: int = 0,
    pretrained: bool = False,
    cascaded: bool = False,
) -> RecurrentModel:
    """A network with new weights; the same seed gives the same ones, and torch's global generator is left unchanged.

    Args:
        name: A registered architecture (`rcnnzoo list architectures`).
        categories: How many, or their names in the order of the logits.
        image_size: Side of the square images it is meant for, in pixels.
        width: Multiplies the number of feature maps.
        steps: Time steps T; without it the architecture's own number.
        seed: Random seed of the initial weights.
        pretrained: Start from the architecture's pretrained weights, which may be downloaded; anything they don't hold,
            such as the classifier, is drawn at random.
        cascaded: Build it as a cascade, all of whose blocks run at every step on what they received last.

    Raises:
        UnknownName: There is no such architecture.
        OptionError: An option can't work with it.
        WeightsError: Its pretrained weights can't be fetched.

    >>> import torch
    >>> net = build("bl", categories=10, image_size=32, width=1 / 16)
    >>> net(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 8, 10])
    """
    entry = plugins.look_up("architectures", name)
    description = cast(Architecture, entry.member)
    if isinstance(categories, str):
        raise OptionError(f"`categories` {categories!r}: give a list of names, or how many there are")
    if isinstance(categories, int) and categories > MOST_CATEGORIES:
        raise OptionError(f"`categories` {categories}: take at most {MOST_CATEGORIES:,}")
    category_names = [str(i) for i in range(categories)] if isinstance(categories, int) else list(categories)
    steps = description.steps if steps is None else steps
    _check(name, description, category_names, image_size, width, steps, seed)
    for option, wanted, there in (
        ("pretrained", pretrained, description.pretrained),
        ("cascaded", cascaded, description.cascaded),
    ):
        if wanted and not there:
            raise OptionError(f"`{option}`: {name} {LACKS[option]}: leave that out")
    more: dict[str, Any] = {}
    if description.name.endswith("/*"):
        more["variant"] = name.removeprefix(description.name[:-1])
    if description.pretrained:
        more["pretrained"] = pretrained
    if description.cascaded:
        more["cascaded"] = cascaded
    make = entry.load()
    with torch.random.fork_rng(devices=[]):  # weights are drawn on the processor
        torch.default_generator.manual_seed(seed)
        model = make(categories=len(category_names), image_size=image_size, width=width, steps=steps, **more)
    if not isinstance(model, RecurrentModel):
        raise PluginError(f"architecture {name!r} built a {type(model).__name__}, which is not a RecurrentModel")
    if not isinstance(getattr(model, "num_steps", None), int):
        raise PluginError(f"architecture {name!r}: {type(model).__name__}.__init__ doesn't set self.num_steps = steps")
    options: dict[str, Any] = {"image_size": image_size, "steps": model.num_steps, "width": width}
    if cascaded:
        options["cascaded"] = True
    model.card = Card(name, options, category_names, plugin=entry.origin, pretrained=pretrained)
    return model


def _check(
    name: str,
    description: Architecture,
    categories: Sequence[str],
    image_size: int,
    width: float,
    steps: int | None,
    seed: int,
) -> None:
    """Refuse options with which no network, or not this one, can be built."""
    if len(categories) < 2:
        raise OptionError(f"{len(categories)} categories: a network needs at least 2")
    if len(set(categories)) < len(categories):
        raise OptionError("categories: two have the same name")
    if image_size < 2:
        raise OptionError(f"`image_size` {image_size} is too small: take at least 2")
    if not 0 <= seed < 2**32:
        raise OptionError(f"`seed` {seed}: take a number from 0 below 2**32")
    for option, number, most in (
        ("image_size", image_size, 10_000),
        ("width", width, 1000),
        ("steps", steps or 1, 10_000),
    ):
        if number > most:
            raise OptionError(f"`{option}` {number:g}: take at most {most}")
    if not 0 < width < math.inf:
        raise OptionError(f"`width` {width:g} leaves no feature maps: take a positive number")
    if steps is not None and steps < 1:
        raise OptionError(f"`steps` {steps} is too few: take at least 1")
    if description.steps == 1 and steps != 1:
        raise OptionError(f"`steps` {steps}: {name} is feedforward, it has exactly one time step")

"""Recipes: the settings that a run starts from, by name.

`modern` is our own. `spoerer2020` follows the sequel's methods (doi 10.1371/journal.pcbi.1008215) and what its
Keras code implies; where a number means something different here, it was converted, and the comment says how.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rcnnzoo.errors import UnknownName

DEFAULT = "modern"


@dataclass(frozen=True)
class Recipe:
    """Values of `Settings`.

    Attributes:
        settings: For small images, and everything that is not named below.
        large_images: What differs for images of more than 48 pixels.
        architectures: What differs for some architectures.
    """

    settings: Mapping[str, Any]
    large_images: Mapping[str, Any] = field(default_factory=dict)
    architectures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


RECIPES = {
    "modern": Recipe(
        {
            "epochs": 30,
            "batch_size": 128,
            "lr": 4e-3,
            "optimizer": "adamw",
            "schedule": "one-cycle",
            "weight_decay": 0.05,
            "label_smoothing": 0.0,
            "ema": 0.0,
            "batch_norm_momentum": 0.1,
            "clip": 1.0,
        },
        large_images={"epochs": 60, "lr": 2e-3, "label_smoothing": 0.1},
    ),
    "spoerer2020": Recipe(
        {
            "epochs": 90,
            "batch_size": 100,
            "lr": 0.005,
            "optimizer": "adam-epsilon-hat",
            "schedule": "constant",
            # Keras adds 1e-6 * sum(w ** 2) to the loss, whose gradient is 2e-6 * w: a coupled weight decay of 2e-6.
            "weight_decay": 2e-6,
            "label_smoothing": 0.0,
            "ema": 0.0,
            # Keras' momentum 0.99 is the weight of the old statistics, PyTorch's that of the new batch.
            "batch_norm_momentum": 0.01,
            "clip": 0.0,
        },
        architectures={"b-u": {"batch_size": 64}},
    ),
}


def recipe(name: str, architecture: str, image_size: int) -> dict[str, Any]:
    """The settings of a recipe, for an architecture and image size (pixels).

    Raises:
        UnknownName: There is no such recipe.
    """
    from rcnnzoo.data.transforms import SMALL  # imports torch, which the table of recipes does not need

    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES, "`recipe`")
    chosen = RECIPES[name]
    large = chosen.large_images if image_size > SMALL else {}
    return {**chosen.settings, **large, **chosen.architectures.get(architecture, {})}

"""Recipes: how to train, by name.

`modern` is ours. `spoerer2020` follows the sequel's methods (doi 10.1371/journal.pcbi.1008215) and what its
Keras code implies; where a number means something else here than there, it was converted, and the comment says how.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rcnnzoo.data.transforms import SMALL
from rcnnzoo.errors import UnknownName

MODERN = "modern"
SPOERER_2020 = "spoerer2020"
NAMES = (MODERN, SPOERER_2020)


@dataclass(frozen=True)
class Recipe:
    """Numbers that a run starts from; each is an option of `rcnnzoo train`.

    Attributes:
        epochs: Passes through the training images.
        batch_size: Images an update.
        lr: Highest learning rate.
        optimizer: A name of timm's, or `adam-epsilon-hat`.
        schedule: `one-cycle`, `cosine`, `step` or `constant`.
        weight_decay: Of kernels; biases and batch norm are never decayed. Coupled for `adam-epsilon-hat`, as the
            optimizer has it otherwise.
        label_smoothing: Share of each label that is spread over all categories.
        ema: Decay of a running average of the weights, which is then what is saved; 0 for none.
        batch_norm_momentum: Weight of a new batch in the running statistics (PyTorch's convention).
        clip: Largest norm of a gradient; 0 for any.
    """

    epochs: int
    batch_size: int
    lr: float
    optimizer: str
    schedule: str
    weight_decay: float
    label_smoothing: float = 0.0
    ema: float = 0.0
    batch_norm_momentum: float = 0.1
    clip: float = 0.0


MODERN_SMALL = Recipe(
    epochs=30, batch_size=128, lr=4e-3, optimizer="adamw", schedule="one-cycle", weight_decay=0.05, clip=1.0
)
MODERN_LARGE = Recipe(
    epochs=60,
    batch_size=128,
    lr=2e-3,
    optimizer="adamw",
    schedule="one-cycle",
    weight_decay=0.05,
    label_smoothing=0.1,
    clip=1.0,
)
SPOERER = Recipe(
    epochs=90,
    batch_size=100,
    lr=0.005,
    optimizer="adam-epsilon-hat",
    schedule="constant",
    # Keras adds 1e-6 * sum(w ** 2) to the loss, whose gradient is 2e-6 * w: a coupled weight decay of 2e-6.
    weight_decay=2e-6,
    # Keras' momentum 0.99 weighs the old statistics, PyTorch's the new batch.
    batch_norm_momentum=0.01,
)


def recipe(name: str, architecture: str, image_size: int) -> Recipe:
    """The recipe of that name for an architecture and image size.

    Raises:
        UnknownName: There is no such recipe.
    """
    if name == MODERN:
        return MODERN_SMALL if image_size <= SMALL else MODERN_LARGE
    if name == SPOERER_2020:
        return replace(SPOERER, batch_size=64) if architecture == "b-u" else SPOERER
    raise UnknownName("recipe", name, NAMES, "--recipe")

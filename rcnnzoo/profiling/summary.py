"""A network in numbers."""

from __future__ import annotations

from typing import Any

from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.profiling.operations import macs_per_step


def summarise(model: RecurrentModel) -> dict[str, Any]:
    """A network's properties and cost, for an image of the size it is meant for.

    Parameters are the trainable ones; `weights_bytes` counts the statistics of batch norm as well; MACs are those
    of convolutions and classifiers.

    >>> from rcnnzoo.architectures.build import build
    >>> summarise(build("b", categories=565))["parameters"]
    10146453
    """
    macs, card = macs_per_step(model), card_of(model)
    return {
        "architecture": card.architecture,
        "categories": len(card.categories),
        "image_size": card.image_size,
        "steps": model.num_steps,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "macs_per_step": macs,
        "macs": sum(macs),
        "weights_bytes": sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values()),
    }

"""The golden files, and the weight files that they are logits of."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch

from tests.plugins.cornet.recipe import pixels, weights

LOGITS = Path(__file__).parent


@cache
def shapes_of(name):
    """Shapes of the authors' tensors, by name."""
    with np.load(LOGITS / f"{name}.npz") as stored:
        return json.loads(str(stored["shapes"]))


def golden(name):
    """Images [2, 3, S, S] in [-1, 1], and the logits of the authors' code for them [2, T, 1000]."""
    with np.load(LOGITS / f"{name}.npz") as stored:
        return pixels(int(stored["image_size"])) / 127.5 - 1, torch.from_numpy(stored["logits"])


def checkpoint(name):
    """What the authors' `run.py` saves of a network of theirs in DataParallel, with an optimiser's state."""
    tensors = {f"module.{key}": tensor for key, tensor in weights(shapes_of(name)).items()}
    optimiser = torch.optim.SGD([torch.zeros(3)], lr=0.1, momentum=0.9)
    return {"flags": {"model": "RT"}, "epoch": 25, "state_dict": tensors, "optimizer": optimiser.state_dict()}


def empty(name):
    """Tensors of the right names and shapes that take no space on the disk."""
    return {key: torch.zeros(1).expand(shape) if shape else torch.tensor(0) for key, shape in shapes_of(name).items()}

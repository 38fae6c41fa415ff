"""The golden files, and the weight files that they are logits of."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import torch

from tests.plugins.hgru.recipe import pixels, weights

LOGITS = Path(__file__).parent
STEPS = {"hgru": 8, "hgru-cued": 40}


@cache
def shapes_of(name):
    """Shapes of the authors' tensors, by name."""
    with np.load(LOGITS / f"{name}.npz") as stored:
        return json.loads(str(stored["shapes"]))


def golden(name):
    """Images [2, 3, 32, 32] in [-1, 1], and the logits of the authors' code for them [2, T, 2]."""
    with np.load(LOGITS / f"{name}.npz") as stored:
        return pixels(32) / 127.5 - 1, torch.from_numpy(stored["logits"])


def tensors_of(name):
    """Weights by the authors' names, as they are saved from several GPUs."""
    return {f"module.{key}": tensor for key, tensor in weights(shapes_of(name)).items()}


def write(folder, name, **options):
    """A checkpoint where the authors' `train.py` puts it, below the folder of its options; gives its path."""
    (folder / "saved_models").mkdir()
    asked = {"model": "hgru", "timesteps": STEPS[name], "activ": "softplus", "kernel_size": 5, "n_classes": 2}
    (folder / "opts.json").write_text(json.dumps({**asked, **options}))
    file = folder / "saved_models" / "model_acc_9757_epoch_24_checkpoint.pth.tar"
    torch.save({"epoch": 24, "state_dict": tensors_of(name), "acc": 0.9757}, file)
    return file

"""The golden files beside this script: logits of the authors' networks with random weights, after each time step.

From serre-lab/rnn_rts, `models/hgru.py` (commit 15fcb2a9b661dfea1676836fba60752e29f9cb74), unchanged. Put it into a
folder `models`, and from the root of this repository (made with torch 2.14.1):

    PYTHONPATH=FOLDER_OF_MODELS:. python tests/plugins/hgru/make_goldens.py
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from models.hgru import hGRU  # type: ignore[import-not-found]

from tests.plugins.hgru.recipe import pixels, weights

IMAGE_SIZE = 32


@torch.no_grad()
def write(name: str, inputs: int, kernel: int, steps: int) -> None:
    """One .npz with logits [B, T, C], and the names and shapes of the weights.

    The state begins at zero (`xavier_gain=0`), where theirs is random. Grey drawings are three equal channels; the
    fourth is that of the cues.
    """
    network = hGRU(timesteps=steps, filt_size=kernel, n_in=inputs, xavier_gain=0)
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict(weights(shapes))
    red, green, blue = (pixels(IMAGE_SIZE) / 255).split(1, dim=1)
    images = torch.cat([red, green, blue] if inputs == 3 else [red, green, red, blue], dim=1)
    network.eval()
    _, *states = network(images, epoch=0, itr=0, testmode=True)["states"]
    logits = torch.stack([network.readout(state) for state in states], dim=1)
    np.savez_compressed(Path(__file__).with_name(f"{name}.npz"), logits=logits, shapes=json.dumps(shapes))


if __name__ == "__main__":
    setattr(torch.Tensor, "cuda", lambda self: self)  # noqa: B010 - their code moves a constant to a GPU
    write("hgru", inputs=3, kernel=15, steps=8)
    write("hgru-cued", inputs=4, kernel=5, steps=40)

"""The golden files beside this script: logits of the authors' networks with random weights.

From dicarlolab/CORnet, `cornet/cornet_rt.py` (commit c04c1c027658a2184ade296feeb205b472bd46bd) and
`cornet/cornet_s.py` (commit d2cc2e019666d160d9c73bf76b425b69694ee798), unchanged. Put the two files into a folder
`cornet`, and from the root of this repository (made with torch 2.14.1 and torchvision 0.29.1):

    PYTHONPATH=FOLDER_OF_CORNET:. python tests/plugins/cornet/make_goldens.py
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cornet.cornet_rt import CORnet_RT  # type: ignore[import-not-found]
from cornet.cornet_s import CORnet_S  # type: ignore[import-not-found]
from torch import Tensor
from torchvision.transforms.functional import normalize

from tests.plugins.cornet.recipe import pixels, weights

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def recurrent(network: Any, images: Tensor) -> list[Tensor]:
    """Logits after four passes, five, and so on; those after three are the same for all images."""

    def after(passes: int) -> Tensor:
        network.times = passes
        logits: Tensor = network(images)
        return logits

    silent = after(3)
    assert torch.equal(silent[0], silent[1])
    return [after(passes) for passes in (4, 5, 6, 7)]


def sequential(network: Any, images: Tensor) -> list[Tensor]:
    """Logits after one pass of IT, and after its two."""

    def after(passes: int) -> Tensor:
        network.IT.times = passes
        logits: Tensor = network(images)
        return logits

    return [after(1), after(2)]


@torch.no_grad()
def write(name: str, network: Any, image_size: int, run: Callable[[Any, Tensor], list[Tensor]]) -> None:
    """One .npz with logits [B, T, C], the size of the images, and the names and shapes of the weights."""
    shapes = {name: list(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict(weights(shapes))
    logits = torch.stack(run(network.eval(), normalize(pixels(image_size) / 255, MEAN, DEVIATION)), dim=1)
    file = Path(__file__).with_name(f"{name}.npz")
    np.savez_compressed(file, logits=logits, image_size=image_size, shapes=json.dumps(shapes))


if __name__ == "__main__":
    write("cornet-rt", CORnet_RT(), 224, recurrent)  # its code allows no other size
    write("cornet-s", CORnet_S(), 64, sequential)

"""The golden files beside this script: what the authors' own code gives for random weights and images.

Only results are stored: weights and images are drawn by `published.py` here and in the tests. The authors' code is
not part of rcnnzoo. Fetch it first, for example

    git clone https://github.com/KietzmannLab/BLT-VS
    git -C BLT-VS checkout 03a4402a3ce69c7748f517c41e70ebba5e454075
    python -m tests.plugins.blt_vs.goldens.make_goldens BLT-VS/blt_vs_model/blt_vs.py

(made with torch 2.14.1 on one processor core; needs torch, numpy and tqdm, which that file imports).
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.plugins.blt_vs.published import GOLDENS, at_a_place, images, weights

CATEGORIES = 5


def load(file: Path) -> Any:
    """The authors' module."""
    spec = importlib.util.spec_from_file_location("blt_vs", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results(theirs: Any, image_size: int, timesteps: int, bio_unroll: int) -> dict[str, Any]:
    """Logits of all steps [B, T, C], and one value of each map of each area and stream at the last step."""
    network = theirs.BLT_VS(
        timesteps=timesteps,
        num_classes=CATEGORIES,
        bio_unroll=bool(bio_unroll),
        image_size=image_size,
        hook_type="separate",
    ).eval()
    network.load_state_dict(weights(CATEGORIES, image_size))
    held: dict[str, Tensor] = {}
    for name, module in network.named_children():
        if name.endswith((f"_{timesteps - 1}_BU", f"_{timesteps - 1}_TD")):
            module.register_forward_hook(lambda _, inputs, __, name=name: held.update({name: inputs[0]}))
    with torch.inference_mode():
        logits = torch.stack(network(images(image_size)), dim=1)
    found = {"logits": logits.numpy(), "Retina": at_a_place(held[f"Retina_{timesteps - 1}_BU"]).numpy()}
    for area in ("LGN", "V1", "V2", "V3", "V4", "LOC"):
        for stream, letters in (("bottom_up", "BU"), ("top_down", "TD")):
            found[f"{area}.{stream}"] = at_a_place(held[f"{area}_{timesteps - 1}_{letters}"]).numpy()
    return {**found, "Readout": at_a_place(held[f"Readout_{timesteps - 1}_TD"]).numpy()}


def main() -> None:
    """Write one .npz file for each network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("code", type=Path, help="The authors' blt_vs.py.")
    theirs = load(parser.parse_args().code)
    torch.set_num_threads(1)
    for name, options in GOLDENS.items():
        np.savez_compressed(Path(__file__).parent / f"{name}.npz", **results(theirs, **options))


if __name__ == "__main__":
    main()

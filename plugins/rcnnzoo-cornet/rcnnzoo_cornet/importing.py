"""The weights published with CORnet (dicarlolab/CORnet): files of `torch.save`, by the authors' names of layers."""

from __future__ import annotations

import re
from pathlib import Path

from rcnnzoo.plugin import RecurrentModel, WeightsError, build, fill, read_torch

IMAGE_SIZE = 224
"""Side of the images they were trained on, in pixels."""

MARKS = {"cornet-rt": "V2.norm_input.weight", "cornet-s": "V2.norm_skip.weight"}
"""A tensor that only files of this network have."""

BIAS = "decoder.linear.bias"
LAST_NORM = re.compile(r"IT\.norm3_\d+\.weight")

OURS = ((re.compile(r"^decoder\.linear\."), "classifier."), (re.compile(r"\.norm(\d)_(\d+)\."), r".norm\1.\2."))
"""How our names differ: the classifier's, and `norm1_0` of a pass of CORnet-S, which is `norm1.0`."""


def read_cornet(file: Path, architecture: str) -> RecurrentModel:
    """A network with the weights of a file; it has as many categories as the file and, for CORnet-S, passes of IT.

    Args:
        file: A state dict, or a checkpoint that holds one.
        architecture: A key of `MARKS`.

    Raises:
        WeightsError: The file is missing, damaged, or of another network.
    """
    found = read_torch(file)
    if MARKS[architecture] not in found:
        others = [name for name, mark in MARKS.items() if mark in found]
        advice = f"; they are for {others[0]}: give `arch` {others[0]}" if others else ""
        raise WeightsError(f"{file}: not the weights of {architecture}: {MARKS[architecture]} is missing{advice}")
    if BIAS not in found or found[BIAS].ndim != 1:
        raise WeightsError(f"{file}: not all the weights of {architecture}: {BIAS} is missing, or not a vector")
    steps = sum(LAST_NORM.fullmatch(name) is not None for name in found) or None
    network = build(architecture, categories=len(found[BIAS]), image_size=IMAGE_SIZE, steps=steps)
    tensors = {}
    for theirs, tensor in found.items():
        name = theirs
        for pattern, replacement in OURS:
            name = pattern.sub(replacement, name)
        tensors[name] = tensor
    fill(network, tensors, file)
    return network.eval()

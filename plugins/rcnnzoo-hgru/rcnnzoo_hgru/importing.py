"""The weights published with Goetschalckx et al. 2023 (serre-lab/rnn_rts): checkpoints, with their options beside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from rcnnzoo.plugin import RecurrentModel, WeightsError, build, fill, read_torch
from rcnnzoo_hgru.network import MAPS

IMAGE_SIZE = 150
"""Side of the images they were trained on, in pixels."""

OPTIONS = "opts.json"
"""Where the authors' `train.py` keeps its options: nothing else holds the number of time steps."""

ACTIVATION = "softplus"
"""The one nonlinearity, among those that the authors' options allow, that is here, and in the published networks."""

INPUTS_AND_KERNELS = {"hgru": (3, 15), "hgru-cued": (4, 5)}
"""Input channels, and size of the horizontal kernels, by architecture."""

DRIVE, HORIZONTAL, BIAS = "conv0.weight", "unit1.w_gate_inh", "fc.bias"
"""Parameters whose shapes say which network a file is for."""

OURS = {
    "conv0": "bottom_up",
    "unit1.u1_gate": "horizontal.inhibition_gate",
    "unit1.w_gate_inh": "horizontal.inhibition.weight",
    "unit1.bn.1": "horizontal.inhibition_norm",
    "unit1.u2_gate": "horizontal.excitation_gate",
    "unit1.w_gate_exc": "horizontal.excitation.weight",
    "unit1.bn.3": "horizontal.excitation_norm",
    "unit1.alpha": "horizontal.alpha",
    "unit1.mu": "horizontal.mu",
    "unit1.gamma": "horizontal.gamma",
    "unit1.kappa": "horizontal.kappa",
    "unit1.w": "horizontal.omega",
    "conv6": "readout",
    "bn": "readout_norm",
    "fc": "classifier",
}
"""Our names of layers and parameters, by theirs."""

UNUSED = ("unit1.bn.0.", "unit1.bn.2.")
"""Layers that files hold although their network never runs them."""


def read_hgru(file: Path, architecture: str) -> RecurrentModel:
    """A network with the weights of a file, and the time steps of the `opts.json` beside it or in the folder above.

    Args:
        file: A state dict, or a checkpoint that holds one.
        architecture: A key of `INPUTS_AND_KERNELS`.

    Raises:
        WeightsError: A file is missing, damaged, or of another network.
    """
    found = read_torch(file)
    maps, categories = _sizes(file, found, architecture)
    steps = _steps(file)
    network = build(architecture, categories=categories, image_size=IMAGE_SIZE, width=maps / MAPS, steps=steps)
    fill(network, {_ours(name): tensor for name, tensor in found.items() if not name.startswith(UNUSED)}, file)
    return network.eval()


def _sizes(file: Path, found: Mapping[str, Tensor], architecture: str) -> tuple[int, int]:
    """Numbers of feature maps and of categories, if the file is for this architecture."""
    for name, axes in ((DRIVE, 4), (HORIZONTAL, 4), (BIAS, 1)):
        if name not in found or found[name].ndim != axes:
            raise WeightsError(f"{file}: not the weights of an hGRU of rnn_rts: {name} is missing, or of another shape")
    maps, inputs = found[DRIVE].shape[:2]
    kernel, expected = found[HORIZONTAL].shape[-1], INPUTS_AND_KERNELS[architecture]
    if (inputs, kernel) != expected:
        others = [name for name, size in INPUTS_AND_KERNELS.items() if size == (inputs, kernel)]
        advice = f"they are for {others[0]}: give `arch` {others[0]}" if others else "no architecture here has these"
        raise WeightsError(
            f"{file}: not the weights of {architecture}: {inputs} input channels and kernels of {kernel}x{kernel}, "
            f"not {expected[0]} and {expected[1]}x{expected[1]}; {advice}"
        )
    return maps, len(found[BIAS])


def _steps(file: Path) -> int:
    """The number of time steps that a network was trained for."""
    places = [folder / OPTIONS for folder in file.absolute().parents[:2]]
    options = next((place for place in places if place.is_file()), None)
    if options is None:
        raise WeightsError(
            f"{file}: its number of time steps is in the file {OPTIONS} that was published with it: put that beside it"
        )
    try:
        read = json.loads(options.read_text(encoding="utf-8"))
        steps, activation = read["timesteps"], read.get("activ", ACTIVATION)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise WeightsError(f"{options}: can't be read as options of rnn_rts, with their timesteps") from error
    if type(steps) is not int or steps < 1:
        raise WeightsError(f"{options}: its timesteps is {steps!r}, not a number of time steps")
    if activation != ACTIVATION:
        raise WeightsError(f"{options}: its activ is {activation!r}: only networks with {ACTIVATION} can be imported")
    return steps


def _ours(name: str) -> str:
    """Our name of a tensor, by theirs; of one that they don't have, the name itself."""
    if name in OURS:
        return OURS[name]
    layer, _, kind = name.rpartition(".")
    return f"{OURS[layer]}.{kind}" if layer in OURS else name

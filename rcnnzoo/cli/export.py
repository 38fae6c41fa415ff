"""`rcnnzoo export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import MODEL
from rcnnzoo.cli.output import AsJson, show


def export(
    model: Annotated[
        str, typer.Argument(help=f"MODEL: {MODEL}. X.zarr: what `rcnnzoo extract` wrote.", metavar="MODEL|X.zarr")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="For a network: onnx, onnx-steps or torch. For activations: neuroid, thingsvision, rsatoolbox or "
            "rsatoolbox-temporal.",
            metavar="FORMAT",
        ),
    ],
    out: Annotated[Path, typer.Option(help="File to write (onnx, torch), or a new folder.")],
    seed: Annotated[int, typer.Option(min=0, help="Random seed of an untrained network's weights.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Write a network, or activations, as files that run or are read without rcnnzoo.

    onnx: all steps at once, images -> logits [B, T, C]. onnx-steps: a folder with begin, the first step and later ones,
    so that a caller can stop when it is sure; steps.json says which file is which. torch: a program of torch.export.
    Each file is run, and its logits compared with the network's.

    neuroid: Brain-Score's NeuroidAssembly, LAYER.nc. thingsvision: LAYER/stepN/features.npy with file_names.txt.
    rsatoolbox: its Dataset, LAYER/stepN.hdf5. rsatoolbox-temporal: its TemporalDataset, LAYER.hdf5.

    Example: rcnnzoo export runs/bl-ecoset-seed0 --format onnx --out bl.onnx
    """
    from rcnnzoo.results.exported import export as ask

    show(ask(model, form, out, seed), as_json=as_json)

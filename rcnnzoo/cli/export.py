"""`rcnnzoo export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show


def export(
    activations: Annotated[Path, typer.Argument(help="What `rcnnzoo extract` wrote.", metavar="X.zarr")],
    form: Annotated[
        str,
        typer.Option("--format", help="neuroid, thingsvision, rsatoolbox or rsatoolbox-temporal.", metavar="FORMAT"),
    ],
    out: Annotated[Path, typer.Option(help="New folder for the files.")],
    as_json: AsJson = False,
) -> None:
    """Write activations as files that other tools read.

    neuroid: Brain-Score's NeuroidAssembly, LAYER.nc. thingsvision: LAYER/stepN/features.npy with file_names.txt.
    rsatoolbox: its Dataset, LAYER/stepN.hdf5. rsatoolbox-temporal: its TemporalDataset, LAYER.hdf5.

    Example: rcnnzoo export activations.zarr --format thingsvision --out features
    """
    from rcnnzoo.results.exported import export as ask

    show(ask(activations, form, out), as_json=as_json)

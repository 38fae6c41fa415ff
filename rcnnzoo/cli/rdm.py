"""`rcnnzoo rdm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import FigureFormats
from rcnnzoo.cli.output import AsJson, show


def rdm(
    activations: Annotated[
        list[Path],
        typer.Argument(
            help="What `rcnnzoo extract` wrote; for crossnobis, several of the same images.", metavar="X.zarr..."
        ),
    ],
    metric: Annotated[str, typer.Option(help="correlation, cosine, euclidean or crossnobis.")] = "correlation",
    out: Annotated[
        Path | None, typer.Option(help="Folder for arrays, tables and figures.", show_default="beside X.zarr")
    ] = None,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
) -> None:
    """Measure how dissimilar images are to each layer at each time step (representational dissimilarity matrices).

    Writes rdm.nc, an array [layer, step, pair] that xarray opens, and the figure rdm; and how alike the dissimilarities
    of layers and steps are (Spearman's correlation): similarity.csv, mds.csv and the figure similarity. With a metric
    other than correlation, the files are rdm-METRIC.nc and so on.

    Example: rcnnzoo rdm activations.zarr
    """
    from rcnnzoo.results.dissimilarity import rdm as ask
    from rcnnzoo.subjects import results_folder

    show(ask(activations, metric).write(out or results_folder(activations[0]), figure_format), as_json=as_json)

"""`rcnnzoo rsa` and `rcnnzoo latency`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.plugin import AsJson, FigureFormats, show

MOST = 1_000_000
"""Patterns of signs or bootstrap samples; more would take weeks."""
Flips = Annotated[
    int, typer.Option(min=99, max=MOST, help="Patterns of signs in tests; with up to 12 subjects, all are tried.")
]


def rsa(
    activations: Annotated[
        list[str],
        typer.Argument(
            help="What `rcnnzoo extract` wrote; several training seeds of a network are joined by commas.",
            metavar="X.zarr...",
        ),
    ],
    brain: Annotated[
        Path,
        typer.Option(help="Dissimilarities of the same images by subject: .npz, netCDF (.nc) or rsatoolbox's .hdf5."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for tables, figures and the methods paragraph.")],
    metric: Annotated[
        str, typer.Option(help="Dissimilarity of activations: correlation, cosine or euclidean.")
    ] = "correlation",
    method: Annotated[
        str, typer.Option(help="Comparison: spearman, tau-a, corr, cosine, corr_cov or cosine_cov (whitened).")
    ] = "spearman",
    categories: Annotated[
        Path | None,
        typer.Option(metavar="CSV", help="Kinds of the images: `image` and columns such as `animate`, each a model."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the images, for models of pixels and of orientation.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take the models of --categories and --images out of both.")
    ] = False,
    flips: Flips = 10_000,
    bootstraps: Annotated[
        int, typer.Option(min=0, max=MOST, help="Bootstrap samples of subjects and images; 0 skips the intervals.")
    ] = 200,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed of signs and bootstrap samples.")] = 0,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
) -> None:
    """Compare what layers hold at each time step with brains or people's judgements, by dissimilarities of images.

    Each layer and step is correlated with each subject (and time). Tests take subjects as the random factor and are
    corrected over all layers, steps and times. Writes correlations.csv, subjects.csv, steps.csv (later steps against
    the first), pairs.csv (networks and models against each other), intervals.csv, methods.txt, and the figures states,
    bars and, with times, times-1 and so on.

    Example: rcnnzoo rsa bl.zarr --brain it.npz --out rsa
    """
    from rcnnzoo_brain.results import Options
    from rcnnzoo_brain.results import rsa as ask

    options = Options(metric, method, categories, images, partial, flips, bootstraps, seed)
    show(ask(activations, brain, options).write(out, figure_format), as_json=as_json)


def latency(
    predictions: Annotated[
        list[Path],
        typer.Argument(help="What `rcnnzoo predict --threshold --out` wrote, one for each network.", metavar="CSV..."),
    ],
    latencies: Annotated[
        Path,
        typer.Option(metavar="CSV", help="Columns `image`, `latency` and, with several subjects, `subject`."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for tables and the figure.")],
    flips: Flips = 10_000,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed of signs.")] = 0,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
) -> None:
    """Compare the time at which a network is sure of each image with the latency at which a brain solves it.

    Images that take a brain longer should take the network more time steps: Spearman's correlation for each subject,
    tested over subjects and over images, with the noise ceiling. Images without a latency of some subject are left out.
    Writes latency.csv (one row per network), latency-images.csv (one row per image) and the figure latency.

    Example: rcnnzoo latency predictions/bl/predictions-entropy.csv --latencies it.csv --out latency
    """
    from rcnnzoo_brain.latency_results import latency as ask

    show(ask(predictions, latencies, flips, seed).write(out, figure_format), as_json=as_json)

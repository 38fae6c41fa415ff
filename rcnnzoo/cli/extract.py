"""`rcnnzoo extract`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import (
    MODEL,
    BatchSize,
    Data,
    DataDir,
    MaxBad,
    Precision,
    Split,
    Workers,
    computes,
    under_conditions,
)
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.data.unreadable import MOST
from rcnnzoo.devices import PRECISION


class Pool(StrEnum):
    """What is kept of a map."""

    MEAN = "mean"


class Kept(StrEnum):
    """How numbers are kept."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"


@computes
@under_conditions
def extract(
    model: Annotated[str, typer.Argument(help=f"MODEL: {MODEL}.", metavar="MODEL")],
    layers: Annotated[
        list[str],
        typer.Option(
            help="Areas or modules, for example 'layer*' (`rcnnzoo info MODEL --modules`); may be repeated.",
            metavar="PATTERN",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the activations.")],
    images: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of images.")] = None,
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    pool: Annotated[Pool | None, typer.Option(help="Keep each map's mean over space only.")] = None,
    project: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Keep this many random projections of layers with more units."),
    ] = None,
    dtype: Annotated[Kept, typer.Option(help="Type of the numbers that are kept.")] = Kept.FLOAT32,
    ms_per_step: Annotated[
        float | None, typer.Option(min=0.001, max=1e6, help="Also label steps by time, with this many ms between two.")
    ] = None,
    onset_ms: Annotated[
        float, typer.Option(help="With --ms-per-step, time of the first step at which the image is shown.")
    ] = 0.0,
    batch_size: BatchSize = 100,
    precision: Precision = PRECISION,
    workers: Workers = None,
    max_bad: MaxBad = MOST,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="Random seed of projections, an untrained network's weights, noise and scrambled images."
        ),
    ] = 0,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Record what layers hold after each time step, for a folder of images or a data set; resumes if interrupted.

    Each layer is an array [image, step, unit] with labels for the image's file, the step, and each unit's map, row and
    column, which `rcnnzoo.open_activations` and xarray open. Modules that run at some steps only have those steps. The
    projection of a layer is the same at all steps, so that steps can be compared.

    Of several seeds, each has activations of its own, in OUT/seed0 and so on.

    Example: rcnnzoo extract bl --data digits --layers 'layer*' --pool mean --out activations.zarr
    """
    from rcnnzoo.recording.activations import Extraction
    from rcnnzoo.references import Reference
    from rcnnzoo.results.extracted import extract as ask
    from rcnnzoo.results.seeds import in_turn

    how = Extraction(
        layers,
        "mean" if pool else None,
        project,
        str(dtype),
        ms_per_step,
        onset_ms,
        batch_size,
        precision,
        workers,
        max_bad,
        conditions,
        seed,
    )
    Reference(model, seed).check_seed(conditions, draws=project is not None)
    show(
        in_turn(model, lambda text, place: ask(text, how, place or out, images, data, data_dir, split, seed), out),
        as_json=as_json,
    )

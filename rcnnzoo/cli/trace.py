"""`rcnnzoo trace`."""

from __future__ import annotations

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
    Seed,
    Split,
    Workers,
    computes,
    under_conditions,
)
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.devices import PRECISION


@computes
@under_conditions
def trace(
    model: Annotated[str, typer.Argument(help=f"MODEL: {MODEL}.", metavar="MODEL")],
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the trace.", show_default="RUN/traces/DATA-SPLIT.zarr")
    ] = None,
    features: Annotated[
        bool, typer.Option("--features", help="Also record the features that the classifier takes at each step.")
    ] = False,
    batch_size: BatchSize = 100,
    precision: Precision = PRECISION,
    workers: Workers = None,
    max_bad: MaxBad = 10,
    seed: Seed = 0,
    width: Annotated[float | None, typer.Option(help="Multiplier of the feature maps of an untrained network.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Image size of an untrained network, in pixels.")] = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Record the logits of all time steps for a data set; after an interruption, the same command resumes.

    Example: rcnnzoo trace bl --data digits --width 0.125
    """
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.references import Reference, open_subject
    from rcnnzoo.results.recorded import describe

    Reference(model, seed).check_seed(conditions)
    subject = open_subject(
        model, data, data_dir, split, seed=seed, width=width, image_size=image_size, conditions=conditions
    )
    how = Recording(batch_size, features, precision, workers, max_bad, conditions)
    show(describe(subject.trace(how) if out is None else subject.record(how, out)), as_json=as_json)

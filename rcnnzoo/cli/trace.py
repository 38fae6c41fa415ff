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

MAX_BAD = 10


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
    max_bad: MaxBad = MAX_BAD,
    seed: Seed = 0,
    width: Annotated[float | None, typer.Option(help="Multiplier of the feature maps of an untrained network.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Image size of an untrained network, in pixels.")] = None,
    sequences: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="In place of a data set, trials in which images follow one another: one row per trial and position.",
        ),
    ] = None,
    images: Annotated[Path | None, typer.Option(metavar="DIR", help="With --sequences, folder of the images.")] = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Record the logits of all time steps for a data set; after an interruption, the same command resumes.

    --sequences takes a CSV file with the columns trial, position (from 1), image (a file under --images, blank or
    noise) and steps; target (1 or 0) and category are optional. Trials may differ in length: after its end a trial has
    no logits (NaN). `rcnnzoo evaluate` shows how often the category of each image wins.

    Example: rcnnzoo trace bl --data digits --width 0.125
    """
    from rcnnzoo.data.sequences import read_sequences
    from rcnnzoo.errors import OptionError
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.references import Reference, open_subject
    from rcnnzoo.results.recorded import describe, trace_sequences
    from rcnnzoo.results.result import Result
    from rcnnzoo.results.seeds import in_turn

    if sequences is not None:
        given = {"data": data, "data_dir": data_dir, "split": split, "max_bad": max_bad if max_bad != MAX_BAD else None}
        if beside := [f"`{name}`" for name, value in given.items() if value is not None]:
            raise OptionError(f"{' and '.join(beside)} can't be combined with `sequences`: leave that out")
        if images is None:
            raise OptionError("`sequences` needs `images`, the folder of the images")
        shown = read_sequences(sequences, images)
        how = Recording(batch_size, features, precision, workers, conditions=conditions)
        Reference(model, seed).check_seed(conditions, draws=shown.has_noise)

        def sequences_traced(text: str, out: Path | None) -> Result:
            opened = trace_sequences(text, shown, seed=seed, how=how, out=out, width=width, image_size=image_size)
            return describe(opened)

        show(in_turn(model, sequences_traced, out), as_json=as_json)
        return
    if images is not None:
        raise OptionError("`images` needs `sequences`; a folder of class folders is named by `data`")
    Reference(model, seed).check_seed(conditions)
    how = Recording(batch_size, features, precision, workers, max_bad, conditions)

    def traced(text: str, out: Path | None) -> Result:
        subject = open_subject(
            text, data, data_dir, split, seed=seed, width=width, image_size=image_size, conditions=conditions
        )
        return describe(subject.trace(how) if out is None else subject.record(how, out))

    show(in_turn(model, traced, out), as_json=as_json)

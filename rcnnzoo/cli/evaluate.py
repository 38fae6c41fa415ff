"""`rcnnzoo evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import (
    MODEL_OR_TRACE,
    BatchSize,
    Data,
    DataDir,
    FigureFormats,
    From,
    MaxBad,
    Origin,
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
def evaluate(
    model: Annotated[str, typer.Argument(help=MODEL_OR_TRACE, metavar="MODEL|TRACE")],
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    readout: Annotated[
        str | None,
        typer.Option(
            help="Readout: from logits to probabilities (`rcnnzoo list readouts`).",
            show_default="cumulative; for sequences, instantaneous",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the tables and the figures.", show_default="beside the trace")
    ] = None,
    batch_size: BatchSize = 100,
    precision: Precision = PRECISION,
    workers: Workers = None,
    max_bad: MaxBad = 10,
    seed: Seed = 0,
    since_onset: From = Origin.START,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Measure accuracy by time step with 95 % intervals, calibration, and accuracy by category.

    Writes accuracy.csv, calibration.csv, categories.csv and confusion.csv, and the figures accuracy and confusion; with
    a readout other than cumulative, accuracy-READOUT.csv and so on. A network is traced first, and the trace is reused
    as long as weights and images are unchanged.

    For a folder of several seeds, accuracy is the mean over seeds, with its interval; accuracy.csv, seeds.csv and the
    figure accuracy are written.

    Of a trace of sequences it shows how often the category of each image wins, by position and by time step since the
    image's onset, and writes positions.csv and the figure positions.

    Example: rcnnzoo evaluate b --data digits
    """
    from rcnnzoo.analysis.sequences import DEFAULT as SEQUENCES
    from rcnnzoo.errors import OptionError
    from rcnnzoo.readouts.lookup import DEFAULT as READOUT
    from rcnnzoo.readouts.lookup import readout as look_up
    from rcnnzoo.recording.recorder import Recording
    from rcnnzoo.references import Reference
    from rcnnzoo.results import seeds
    from rcnnzoo.results.accuracy import evaluate as ask
    from rcnnzoo.results.sequences import evaluate_sequences
    from rcnnzoo.traces import trace_of, traces_of_members

    look_up(readout or READOUT)  # a wrong name should not cost a trace
    Reference(model, seed).check_seed(conditions)
    how = Recording(batch_size, precision=precision, workers=workers, max_bad=max_bad, conditions=conditions)
    if Reference(model).members:
        (name, members), *_ = traces_of_members([model], data, data_dir, split, how=how, out=out).items()
        result = seeds.evaluate(name, members, readout or READOUT, since_onset=since_onset is Origin.ONSET)
        show(result.write(out or seeds.folder(model, members), figure_format), as_json=as_json)
        return
    opened = trace_of(model, data, data_dir, split, seed=seed, how=how, out=out, sequences=True)
    if "trial" not in opened.trace.dims:
        result = ask(opened, readout or READOUT, since_onset=since_onset is Origin.ONSET)
    elif since_onset is Origin.START:
        result = evaluate_sequences(opened, readout or SEQUENCES)
    else:
        raise OptionError("`since_onset`: steps of sequences are counted from each image's onset as it is")
    show(result.write(out or opened.results, figure_format), as_json=as_json)

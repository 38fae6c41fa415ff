"""`rcnnzoo evaluate`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import BatchSize, Data, DataDir, MaxBad, Precision, Readout, Seed, Split, Workers
from rcnnzoo.cli.output import AsJson, percent, show_json, show_table


def evaluate(
    model: Annotated[str, typer.Argument(help="MODEL (run folder, .safetensors file, architecture) or TRACE.")],
    data: Data = None,
    data_dir: DataDir = None,
    split: Split = None,
    readout: Readout = "cumulative",
    out: Annotated[Path | None, typer.Option(help="Folder for tables and figure (beside the trace).")] = None,
    batch_size: BatchSize = 100,
    precision: Precision = "fp32",
    workers: Workers = None,
    max_bad: MaxBad = 10,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Measure accuracy by time step with 95 % intervals, top-1 and top-5, and calibration.

    Writes accuracy.csv, calibration.csv, accuracy.png and accuracy.svg. A network is traced first, and that trace is
    used again while weights and images are unchanged.

    Example: rcnnzoo evaluate b --data digits
    """
    from rcnnzoo.analysis.accuracy import measure_accuracy
    from rcnnzoo.figures.accuracy import draw_accuracy
    from rcnnzoo.figures.saving import save_figure, save_table
    from rcnnzoo.readouts.lookup import readout as look_up
    from rcnnzoo.traces.finding import beside, find_trace
    from rcnnzoo.traces.opening import open_trace
    from rcnnzoo.traces.recording import Recording

    look_up(readout)  # a wrong name should not cost a trace
    how = Recording(batch_size, precision=precision, workers=workers, max_bad=max_bad)
    path = find_trace(model, data, data_dir, split, seed=seed, how=how)
    trace = open_trace(path)
    measured = measure_accuracy(trace, readout)
    folder = out or beside(path)
    title = f"{trace.attrs['name']} on {trace.attrs['data']} {trace.attrs['split']}, {measured.images:,} images"
    save_table(measured.by_step, folder / "accuracy.csv")
    save_table(measured.calibration, folder / "calibration.csv")
    save_figure(
        draw_accuracy(measured.by_step, measured.calibration, f"{title}, {readout} readout"), folder / "accuracy"
    )
    if as_json:
        columns = measured.by_step.to_dict("list")
        show_json(
            {
                "images": measured.images,
                "readout": measured.readout,
                "accuracy": columns["accuracy"],
                "accuracy_interval": [list(pair) for pair in zip(columns["low"], columns["high"], strict=True)],
                **{name: columns[name] for name in ("top5", "nll", "ece", "mean_macs") if name in columns},
                **{name: trace.attrs[name] for name in ("name", "data", "split")},
                "trace": str(path),
                "out": str(folder),
            }
        )
        return
    show_table([_row(row) for row in measured.by_step.to_dict("records")], title=f"{title}, {readout} readout")
    print(folder / "accuracy.png")  # noqa: T201


def _row(step: Mapping[Any, Any]) -> dict[str, object]:
    row = {"step": step["step"], "mean MACs": step["mean_macs"]}
    for title, name, prefix in (("top-1 %", "accuracy", ""), ("top-5 %", "top5", "top5_")):
        if name in step:
            row[title] = percent(step[name])
            row[f"{title} interval"] = f"{percent(step[prefix + 'low'])} to {percent(step[prefix + 'high'])}"
    return row | {"NLL (nats)": f"{step['nll']:.3f}", "ECE": f"{step['ece']:.3f}"}

"""How accurate networks are at each time step, and how rightly sure: `rcnnzoo evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.analysis.confusion import as_table, by_category, most_confused
from rcnnzoo.devices import PRECISION
from rcnnzoo.figures.accuracy import draw_accuracy, draw_comparison
from rcnnzoo.figures.confusion import draw_confusion
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.results.naming import file_stem, images_of, images_of_all
from rcnnzoo.results.onset import STEP, steps_before_image
from rcnnzoo.results.result import Result, interval, or_none, percent
from rcnnzoo.results.saving import stacked
from rcnnzoo.subjects import OpenTrace

CONFUSED = 5
"""Wrong answers that are shown."""


def evaluate(opened: OpenTrace, readout: str = READOUT, *, since_onset: bool = False) -> Result:
    """Accuracy by time step with 95 % intervals, top-1 and top-5, and calibration.

    Args:
        opened: The trace.
        readout: A registered readout.
        since_onset: Whether to show time steps since the image's onset; tables have those of the programme as well.

    Raises:
        OptionError: That is asked for, and the image is never shown.
        UnknownName: There is no such readout.
        TraceError: The trace has no images, or their categories aren't known.
    """
    trace = opened.trace
    measured = measure_accuracy(trace, readout)
    by_step = measured.by_step
    if since_onset:
        by_step = by_step.assign(**{STEP: by_step["step"] - steps_before_image(trace)})
    title = f"{trace.attrs['name']} on {images_of(trace)}, {measured.images:,} images, {readout} readout"
    if trace.attrs["precision"] != PRECISION:
        title += f", {trace.attrs['precision']}"
    columns: dict[Any, Any] = by_step.to_dict("list")
    document = {
        "images": measured.images,
        "readout": measured.readout,
        "accuracy": columns["accuracy"],
        "accuracy_interval": [list(pair) for pair in zip(columns["low"], columns["high"], strict=True)],
        **{name: columns[name] for name in ("top5", "nll", "ece", "mean_macs", STEP) if name in columns},
        **{name: trace.attrs[name] for name in ("name", "data", "split")},
        "trace": str(opened.path),
    }
    names = trace["category"].to_numpy().tolist()
    categories = by_category(measured.confusion, names)
    document["categories"] = or_none(categories.to_dict("records"))
    stem, confusion = (file_stem(name, readout=readout) for name in ("accuracy", "confusion"))
    return Result(
        document,
        [
            (title, [_row(row) for row in by_step.to_dict("records")]),
            *_confused(measured.confusion, names),
        ],
        data={
            stem: by_step,
            file_stem("calibration", readout=readout): measured.calibration,
            file_stem("categories", readout=readout): categories,
            confusion: as_table(measured.confusion, names),
        },
        figures={
            stem: partial(draw_accuracy, by_step, measured.calibration, title),
            confusion: partial(draw_confusion, measured.confusion, names, title),
        },
    )


def _confused(confusion: npt.NDArray[np.int64], names: Sequence[str]) -> list[tuple[str, list[dict[str, object]]]]:
    """A table of the most common errors, if there are any."""
    rows = [
        {"category": row["category"], "answer": row["answer"], "images": row["images"], "%": percent(row["share"])}
        for row in most_confused(confusion, names, CONFUSED).to_dict("records")
    ]
    return [("most common errors after the last step, in % of the category's images", rows)] if rows else []


def _row(step: Mapping[Any, Any]) -> dict[str, object]:
    when = {"step since onset": step[STEP]} if STEP in step else {"step": step["step"]}
    row = when | {"mean MACs per image": step["mean_macs"]}
    for title, name, prefix in (("top-1 %", "accuracy", ""), ("top-5 %", "top5", "top5_")):
        if name in step:
            row[title] = percent(step[name])
            row[f"{title} 95 % interval"] = interval(step[f"{prefix}low"], step[f"{prefix}high"])
    return row | {"NLL (nats)": f"{step['nll']:.3f}", "ECE %": percent(step["ece"])}


def evaluate_all(traces: Mapping[str, OpenTrace], readout: str = READOUT) -> Result:
    """Accuracy by time step of several networks on the same images, beside each other.

    Raises:
        UnknownName: There is no such readout.
        TraceError: A trace has no images, or their categories aren't known.
    """
    measured = {name: measure_accuracy(opened.trace, readout) for name, opened in traces.items()}
    first = next(iter(traces.values())).trace
    images = images_of_all({name: opened.trace for name, opened in traces.items()})
    title = f"{images}, {first.sizes['image']:,} images, {readout} readout"
    by_step = {name: one.by_step for name, one in measured.items()}
    rows = [
        {
            "network": name,
            "step": row["step"],
            "top-1 %": percent(row["accuracy"]),
            "95 % interval": interval(row["low"], row["high"]),
        }
        for name, table in by_step.items()
        for row in table.to_dict("records")
    ]
    stem = file_stem("accuracy", readout=readout)
    return Result(
        {"readout": readout, "networks": {name: table.to_dict("list") for name, table in by_step.items()}},
        [(title, rows)],
        data={stem: stacked(by_step)},
        figures={stem: partial(draw_comparison, by_step, f"{title}, 95 % intervals")},
    )

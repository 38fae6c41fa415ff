"""Times of early exit beside latencies of brains: `rcnnzoo latency`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from rcnnzoo.plugin import OptionError, Result, or_none
from rcnnzoo_brain.figures import draw_latencies
from rcnnzoo_brain.latency import Latencies, latency_table, read_latencies, read_reaction_times

BY_IMAGE = ("image", "latency")
"""Columns of latency-images.csv beside those of the networks."""


def latency(files: Sequence[Path], latencies_file: Path, flips: int, seed: int) -> Result:
    """Correlations of reaction times with latencies.

    Args:
        files: Of predictions, one for each network.
        latencies_file: Of the brain.
        flips: Patterns of signs, where there are too many to try all.
        seed: Random seed of these.

    Raises:
        DataError: A file can't be used.
        OptionError: A file is named twice.
    """
    latencies = read_latencies(latencies_file)
    times = {}
    for file in files:
        if str(file) in times:
            raise OptionError(f"{file} is named twice: name each network's predictions once")
        if str(file) in BY_IMAGE:
            raise OptionError(f"{file}: is the name of a column that is written: rename the file")
        times[str(file)] = read_reaction_times(file, latencies.images)
    table = latency_table(times, latencies, flips, seed)
    number = len(latencies.subjects)
    title = f"{latencies_file.name}, {number} subject{'s' * (number != 1)}, {len(latencies.images)} images"
    mean = latencies.values.mean(axis=0)
    rows = [
        {
            "predictions": row["network"],
            "correlation": _number(row["correlation"], ".3f"),
            "p, corrected": _number(row["p_corrected"], ".3g"),
            "p over images": _number(row["p_images"], ".3g"),
            "noise ceiling": None if number == 1 else f"{row['ceiling_low']:.3f} to {row['ceiling_high']:.3f}",
        }
        for row in table.to_dict("records")
    ]
    document = {"latencies": str(latencies_file), "subjects": number, "networks": table.to_dict("records")}
    return Result(
        or_none({**document, "left_out": latencies.left_out}),
        [(title, rows)],
        data={
            "latency": table,
            "latency-images": pd.DataFrame(dict(zip(BY_IMAGE, (latencies.images, mean), strict=True)) | times),
        },
        figures={"latency": partial(draw_latencies, times, mean, title)},
        notes=_notes(table, latencies),
    )


def _number(value: float, form: str) -> str | None:
    return None if value != value else format(value, form)


def _notes(table: pd.DataFrame, latencies: Latencies) -> list[str]:
    notes = []
    if left := len(latencies.left_out):
        some = ", ".join(latencies.left_out[:3]) + ", ..." * (left > 3)
        notes.append(f"without a latency of every subject, and left out: {some} ({left} in all)")
    for name in table["network"][table["correlation"].isna()]:
        notes.append(f"{name}: all images take the same time, so there is no correlation; take another threshold")
    if len(latencies.subjects) == 1:
        notes.append("one subject: no test over subjects and no noise ceiling")
    return notes

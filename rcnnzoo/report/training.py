"""Training curves of a report, from the metrics that runs wrote."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd

from rcnnzoo.analysis.intervals import mean_of_seeds
from rcnnzoo.errors import RcnnzooWarning, reason
from rcnnzoo.report.subjects import Member, Subjects


def training(subjects: Subjects) -> dict[str, Any] | None:
    """Loss and accuracy by epoch, mean over seeds; None if no network has a run."""
    metrics = {
        name: [table for member in members.values() if (table := _metrics(member)) is not None]
        for name, members in subjects.networks.items()
    }
    metrics = {name: tables for name, tables in metrics.items() if tables}
    if not metrics:
        return None
    charts = [
        _chart("loss, mean over time steps", "loss (nats)", False, metrics, lambda prefix, table: f"{prefix}_loss")
    ]
    charts.append(
        _chart("top-1 accuracy after all time steps", "accuracy", True, metrics, lambda p, t: _last_step(p, t.columns))
    )
    rows = []
    for name, tables in metrics.items():
        last = [table.iloc[-1] for table in tables]
        minutes = [float(table["seconds"].sum()) / 60 for table in tables]
        rows.append(
            {
                "network": name,
                "epochs": int(last[0]["epoch"]),
                "training loss": round(float(np.mean([row["train_loss"] for row in last])), 4),
                "minutes of training": round(float(np.mean(minutes)), 1),
            }
        )
    return {"charts": charts, "tables": [{"title": "at the end of training", "file": "training.csv", "rows": rows}]}


def _metrics(member: Member) -> pd.DataFrame | None:
    if member.run is None:
        return None
    try:
        table = pd.read_csv(member.run.metrics).astype(float)
        table[["epoch", "seconds", "train_loss"]]
    except (OSError, ValueError, KeyError) as error:
        warnings.warn(
            f"{member.run.metrics}: can't be read, so its curves are left out ({reason(error)})", RcnnzooWarning, 2
        )
        return None
    return table if len(table) else None


def _last_step(prefix: str, columns: Iterable[str]) -> str:
    """The column of accuracy after all time steps; of a network with one, that of the first."""
    steps = [int(name.rpartition("_")[2]) for name in columns if name.startswith(f"{prefix}_accuracy_")]
    return f"{prefix}_accuracy_{max(steps, default=1)}"


def _chart(
    title: str,
    label: str,
    percent: bool,
    metrics: dict[str, list[pd.DataFrame]],
    column_of: Callable[[str, pd.DataFrame], str],
) -> dict[str, Any]:
    series = []
    for name, tables in metrics.items():
        for prefix, words in (("train", "training images"), ("val", "validation images")):
            columns = [column_of(prefix, table) for table in tables]
            held = [table[column] for table, column in zip(tables, columns, strict=True) if column in table]
            if not held:
                continue
            epochs = min(len(one) for one in held)
            mean, low, high = mean_of_seeds([one.to_numpy()[:epochs] for one in held])
            several = len(held) > 1
            series.append(
                {
                    "name": f"{name}, {words}",
                    "network": name,
                    "dashed": prefix == "val",
                    "x": list(range(1, epochs + 1)),
                    "y": _rounded(mean),
                    "low": _rounded(low) if several else None,
                    "high": _rounded(high) if several else None,
                }
            )
    return {"title": title, "x": "epoch", "y": label, "percent": percent, "series": series}


def _rounded(values: Any) -> list[float]:
    return [round(float(value), 5) for value in values]

"""Accuracy by time step, and whether confidence is deserved."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def draw_accuracy(by_step: pd.DataFrame, calibration: pd.DataFrame, title: str) -> Figure:
    """Left: accuracy by step with 95 % intervals. Right: accuracy against confidence, one line per step.

    Args:
        by_step: As in `analysis.accuracy.Accuracy`.
        calibration: Likewise.
        title: What was measured.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    _draw_steps(left, by_step, "top-1")
    if "top5" in by_step:
        columns = {"top5": "accuracy", "top5_low": "low", "top5_high": "high"}
        _draw_steps(left, by_step[["step", *columns]].rename(columns=columns), "top-5")
        left.legend(frameon=False)
    right.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1)
    steps = calibration["step"].unique()
    for number, step in enumerate(steps):
        of_step = calibration[calibration["step"] == step]
        label = f"step {step}" if step in (steps[0], steps[-1]) else None
        colour = colormaps["viridis"](0.9 * number / max(1, len(steps) - 1))
        right.plot(of_step["confidence"], of_step["accuracy"], marker=".", color=colour, label=label)
    right.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    right.legend(frameon=False)
    right.spines[["top", "right"]].set_visible(False)
    return figure


def draw_comparison(by_step: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Accuracy by step of several networks, each a table as above; a feedforward one is a level."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    most = max(len(table) for table in by_step.values())
    for name, table in by_step.items():
        if len(table) == 1 and most > 1:
            (line,) = axes.plot([1, most], [table["accuracy"].iloc[0]] * 2, linestyle="--", label=name)
            axes.axhspan(table["low"].iloc[0], table["high"].iloc[0], color=line.get_color(), alpha=0.15, linewidth=0)
        else:
            _draw_steps(axes, table, name)
    axes.legend(frameon=False)
    return figure


def _draw_steps(axes: Axes, table: pd.DataFrame, label: str) -> None:
    (line,) = axes.plot(table["step"], table["accuracy"], marker="o", label=label)
    if len(table) > 1:
        axes.fill_between(table["step"], table["low"], table["high"], color=line.get_color(), alpha=0.15, linewidth=0)
    else:
        row = table.iloc[0]
        axes.vlines(row["step"], row["low"], row["high"], color=line.get_color())
    axes.set(xlabel="time step", ylabel="accuracy")
    axes.set_xticks(table["step"])
    axes.spines[["top", "right"]].set_visible(False)

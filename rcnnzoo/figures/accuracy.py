"""Accuracy by time step, and whether confidence is deserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rcnnzoo.figures.style import entitle, name_below, plain, style

ENOUGH = 10
"""Images in a bin of confidence from which on it is drawn."""
LONGEST = 60
"""Letters of a network's name."""


def draw_accuracy(by_step: pd.DataFrame, calibration: pd.DataFrame, title: str) -> Figure:
    """Left: accuracy by step with 95 % intervals. Right: accuracy against confidence after all steps.

    Args:
        by_step: As in `analysis.accuracy.Accuracy`; drawn by the column `step_since_onset` where there is one.
        calibration: Likewise; bins with few images are left out.
        title: What was measured.
    """
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    entitle(figure, title)
    left, right = figure.subplots(1, 2)
    _draw_steps(left, by_step, "top-1, 95 % interval", 0)
    if "top5" in by_step:
        columns = {"top5": "accuracy", "top5_low": "low", "top5_high": "high"}
        top5 = by_step.drop(columns=["accuracy", "low", "high"]).rename(columns=columns)
        _draw_steps(left, top5, "top-5, 95 % interval", 1)
    _draw_calibration(right, calibration)
    name_below(figure, [left, right], columns=2)
    return figure


def draw_seeds(mean: pd.DataFrame, by_step: Sequence[pd.DataFrame], title: str) -> Figure:
    """Mean accuracy by step with its 95 % interval over seeds, and a thin line for each seed.

    Args:
        mean: As `analysis.seeds.accuracy_over_seeds`; drawn by the column `step_since_onset` where there is one.
        by_step: Of each seed, with the same columns.
        title: What was measured.
    """
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    entitle(figure, title)
    axes = figure.subplots()
    steps = mean["step_since_onset" if "step_since_onset" in mean else "step"]
    for table in by_step:
        marker = "_" if len(table) == 1 else None
        axes.plot(steps, table["accuracy"], color="grey", linewidth=0.7, marker=marker, label="each seed")
    _draw_steps(axes, mean, "mean, 95 % over seeds", 0)
    name_below(figure, [axes], columns=2)
    return figure


def _draw_calibration(axes: Axes, calibration: pd.DataFrame) -> None:
    last = calibration[calibration["step"] == calibration["step"].max()]
    shown = last[last["images"] >= ENOUGH]
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1, label="as accurate as confident")
    # One time step has no number: it is all there is.
    step = "" if calibration["step"].nunique() == 1 else f"step {last['step'].max()}, "
    look = style(2)
    axes.plot(
        shown["confidence"],
        shown["accuracy"],
        color=look.colour,
        marker=look.marker,
        label=f"{step}bins of {ENOUGH} images or more ({len(shown)} of {len(last)})",
    )
    axes.set(xlabel="confidence", ylabel="top-1 accuracy", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)


def draw_comparison(by_step: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Accuracy by step of several networks, each a table as above; a feedforward one is a level."""
    figure = Figure(figsize=(6.4, 4.2 + 0.2 * len(by_step)), layout="constrained")
    entitle(figure, title)
    axes = figure.subplots()
    most = max(len(table) for table in by_step.values())
    for number, (name, table) in enumerate(by_step.items()):
        label = plain(name, LONGEST)
        if len(table) == 1 and most > 1:
            look, level = style(number), table.iloc[0]
            label = f"{label} (one step)"
            axes.plot([1, most], [level["accuracy"]] * 2, color=look.colour, linestyle=look.line, label=label)
            axes.axhspan(level["low"], level["high"], color=look.colour, alpha=0.15, linewidth=0)
        else:
            _draw_steps(axes, table, label, number)
    name_below(figure, [axes])
    return figure


def _draw_steps(axes: Axes, table: pd.DataFrame, label: str, number: int) -> None:
    look = style(number)
    since_onset = "step_since_onset" in table
    steps = table["step_since_onset" if since_onset else "step"]
    axes.plot(steps, table["accuracy"], color=look.colour, marker=look.marker, linestyle=look.line, label=label)
    if len(table) > 1:
        axes.fill_between(steps, table["low"], table["high"], color=look.colour, alpha=0.15, linewidth=0)
    else:
        axes.vlines(steps, table["low"], table["high"], color=look.colour)
    axes.set(xlabel="time step since the image's onset" if since_onset else "time step", ylabel="accuracy")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xticks(steps)
    axes.spines[["top", "right"]].set_visible(False)

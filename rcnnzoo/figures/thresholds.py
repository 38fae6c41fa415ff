"""What thresholds would lose, and which of them passed."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rcnnzoo.figures.sat import label_cost

FEW = 20
"""Thresholds up to which each is a dot, so that a line between two is not taken for thresholds."""


def draw_thresholds(sequence: pd.DataFrame, max_loss: float, chosen: tuple[float, float], title: str) -> Figure:
    """Observed loss and the upper bound on the risk against mean multiply-accumulates, and the threshold chosen.

    The sequence of tests goes from right to left; what lies beyond its end is grey.

    Args:
        sequence: As in `analysis.calibration.Calibration`.
        max_loss: The risk that was allowed.
        chosen: Mean multiply-accumulates and bound of the threshold that was chosen.
        title: What was measured.
    """
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, wrap=True)
    reached = sequence[sequence["tested"] | sequence["passed"]]
    beyond = sequence.iloc[max(0, len(reached) - 1) :]
    marker = "." if len(sequence) <= FEW else ""
    for column, style, label in (("bound", "-", "upper bound"), ("loss", ":", "on these images")):
        axes.plot(beyond["mean_macs"], beyond[column], style, color="lightgrey", marker=marker)
        axes.plot(reached["mean_macs"], reached[column], style, color="C0", marker=marker, label=label)
    axes.axhline(max_loss, color="C3", linewidth=1, label="allowed")
    axes.plot(*chosen, "o", color="C0", label="chosen", clip_on=False, zorder=3)
    label_cost(axes)
    axes.set(ylabel="lost by stopping", ylim=(0, None))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure

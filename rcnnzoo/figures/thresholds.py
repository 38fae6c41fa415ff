"""What thresholds would lose, and which of them passed."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rcnnzoo.figures.sat import label_cost
from rcnnzoo.figures.style import COLOURS, entitle, name_below

FEW = 20
"""Thresholds up to which each is a dot, so that a line between two is not taken for thresholds."""


def draw_thresholds(
    sequence: pd.DataFrame, max_loss: float, chosen: tuple[float, float], title: str, *, confidence: float, images: int
) -> Figure:
    """Observed loss and the upper bound on the risk against mean multiply-accumulates, and the threshold chosen.

    The sequence of tests goes from right to left; what lies beyond its end is grey.

    Args:
        sequence: As in `analysis.calibration.Calibration`.
        max_loss: The risk that was allowed.
        chosen: Mean multiply-accumulates and bound of the threshold that was chosen.
        title: What was measured.
        confidence: Of the bound.
        images: How many it was measured on.
    """
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    entitle(figure, title)
    axes = figure.subplots()
    reached = sequence[sequence["tested"] | sequence["passed"]]
    beyond = sequence.iloc[max(0, len(reached) - 1) :]
    marker = "." if len(sequence) <= FEW else ""
    labels = {
        "bound": f"upper bound on the risk, {100 * confidence:g} % confidence",
        "loss": f"lost of these {images:,} images",
    }
    for column, line in (("bound", "-"), ("loss", ":")):
        axes.plot(reached["mean_macs"], reached[column], line, color=COLOURS[0], marker=marker, label=labels[column])
    for column, line in (("bound", "-"), ("loss", ":")):
        label = "not tested, as the one before failed" if column == "bound" and len(beyond) > 1 else None
        axes.plot(beyond["mean_macs"], beyond[column], line, color="lightgrey", marker=marker, label=label, zorder=1)
    axes.axhline(max_loss, color=COLOURS[1], linestyle="--", linewidth=1, label=f"allowed: {100 * max_loss:g} %")
    axes.plot(*chosen, "D", color=COLOURS[0], label="chosen", clip_on=False, zorder=3)
    label_cost(axes)
    axes.set(ylabel="lost by stopping", ylim=(0, None))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    name_below(figure, [axes], columns=1)
    return figure

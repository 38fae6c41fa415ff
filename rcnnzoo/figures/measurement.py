"""What a device makes of the multiply-accumulates that early exit saves."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from rcnnzoo.figures.style import COLOURS, entitle, name_below


def draw_measurement(table: pd.DataFrame, title: str) -> Figure:
    """Measured saving against that of multiply-accumulates, one point per threshold.

    Args:
        table: As in `engine.measure.Measurement`.
        title: What was measured.
    """
    figure = Figure(figsize=(5.6, 5), layout="constrained")
    entitle(figure, title)
    axes = figure.subplots()
    most = max(table["macs_saving"].max(), table["saving"].max())
    axes.plot([1, most], [1, most], color="grey", linestyle=":", linewidth=1, label="time saved in proportion to MACs")
    axes.plot(table["macs_saving"], table["saving"], "o", color=COLOURS[0], label="measured, with its threshold")
    for row in table.iloc[1:].itertuples():
        axes.annotate(f"{row.threshold:.3g}", (row.macs_saving, row.saving), xytext=(6, -4), textcoords="offset points")
    axes.set(xlabel="MACs of all steps / MACs at a threshold", ylabel="time of all steps / time at a threshold")
    axes.spines[["top", "right"]].set_visible(False)
    name_below(figure, [axes])
    return figure

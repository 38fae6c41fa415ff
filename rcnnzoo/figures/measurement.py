"""What a device makes of the multiply-accumulates that early exit saves."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure


def draw_measurement(table: pd.DataFrame, title: str) -> Figure:
    """Measured saving against that of multiply-accumulates, a point a threshold; on the line the device saves as much.

    Args:
        table: As in `engine.measure.Measurement`.
        title: What was measured.
    """
    figure = Figure(figsize=(5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    most = max(table["macs_saving"].max(), table["saving"].max())
    axes.plot([1, most], [1, most], color="grey", linestyle=":", linewidth=1)
    axes.plot(table["macs_saving"], table["saving"], "o")
    for row in table.iloc[1:].itertuples():
        axes.annotate(f"{row.threshold:.3g}", (row.macs_saving, row.saving), xytext=(6, -4), textcoords="offset points")
    axes.set(xlabel="all steps' MACs / MACs at a threshold", ylabel="all steps' time / time at a threshold")
    axes.spines[["top", "right"]].set_visible(False)
    return figure

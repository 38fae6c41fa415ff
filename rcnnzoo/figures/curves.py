"""A run's loss and accuracy over epochs."""

from __future__ import annotations

import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure


def draw_curves(table: pd.DataFrame) -> Figure:
    """Loss and accuracy of training and validation, one line per time step, from the rows of a run's `metrics.csv`."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = sum(name.startswith("train_loss_") for name in table.columns)
    colours = [colormaps["viridis"](0.9 * step / max(1, steps - 1)) for step in range(steps)]
    for axes, quantity in ((left, "loss"), (right, "accuracy")):
        for split, style in (("train", ":"), ("val", "-")):
            for step, colour in enumerate(colours, 1):
                name = f"{split}_{quantity}_{step}"
                if name not in table:
                    continue
                # One label a kind of line, at the first and last step; the colours in between speak for themselves.
                label = f"{split}, step {step}" if step in (1, steps) else None
                marker = "." if len(table) == 1 else ""
                axes.plot(table["epoch"], table[name], style, color=colour, label=label, marker=marker)
        axes.set(xlabel="epoch", ylabel="cross-entropy (nats)" if quantity == "loss" else quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    return figure

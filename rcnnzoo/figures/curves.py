"""A run's loss and accuracy over epochs."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from rcnnzoo.figures.style import SCALE, name_below

SPLITS: dict[str, tuple[str, Literal["-", ":"]]] = {"train": ("training", ":"), "val": ("validation", "-")}
"""What each split is called, and its line."""


def draw_curves(table: pd.DataFrame) -> Figure:
    """Loss and accuracy of training and validation, one line per time step, from the rows of a run's `metrics.csv`."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = sum(name.startswith("train_loss_") for name in table.columns)
    scale = ScalarMappable(BoundaryNorm(np.arange(0.5, steps + 1), 256), colormaps[SCALE])
    colours = scale.to_rgba(np.arange(1, steps + 1))
    for axes, quantity, label in ((left, "loss", "cross-entropy (nats)"), (right, "accuracy", "accuracy")):
        for split, (_, line) in SPLITS.items():
            for step in range(1, steps + 1):
                name = f"{split}_{quantity}_{step}"
                if name in table:
                    marker = "." if len(table) == 1 else ""
                    axes.plot(table["epoch"], table[name], line, color=colours[step - 1], marker=marker)
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
    right.yaxis.set_major_formatter(PercentFormatter(1))
    if steps > 1:
        figure.colorbar(scale, ax=right, label="time step", ticks=range(1, steps + 1))
    drawn = [split for split in SPLITS if f"{split}_loss_1" in table]
    lines = [Line2D([], [], color="black", linestyle=SPLITS[split][1], label=SPLITS[split][0]) for split in drawn]
    name_below(figure, [], columns=2, more=lines)
    return figure

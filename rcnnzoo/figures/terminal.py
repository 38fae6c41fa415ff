"""A run's curves as text."""

from __future__ import annotations

import pandas as pd

from rcnnzoo.figures.curves import SPLITS

LEAST_WIDTH, LEAST_HEIGHT = 40, 10
"""Of a plot, in characters."""
MARKERS = {"train": "dot", "val": "hd"}
"""Curves stay apart without colours."""
MOST_TICKS = 8


def curves_as_text(table: pd.DataFrame, width: int, height: int, *, coloured: bool) -> str:
    """Loss, and accuracy at the last time step, by epoch, one plot above the other.

    Args:
        table: The rows of a run's `metrics.csv`.
        width: In characters.
        height: In lines.
        coloured: Whether to add the control characters that a terminal takes for colours.
    """
    from plotext import figure  # it sets itself up for the terminal

    last = sum(name.startswith("train_loss_") for name in table.columns)
    quantities = (("loss (nats)", "loss", 1), ("accuracy at the last step (%), by epoch", f"accuracy_{last}", 100))
    figure.clear()
    figure.plot_size(max(width, LEAST_WIDTH), max(height, 2 * LEAST_HEIGHT))
    figure.subplots(len(quantities), 1)
    for row, (title, name, factor) in enumerate(quantities, 1):
        plot = figure.subplot(row, 1)
        plot.title(title)
        plot.ruler("x").ticks(_whole_numbers(table["epoch"]))
        for split, (words, _) in SPLITS.items():
            column = f"{split}_{name}"
            if column in table:
                shown = (table["epoch"].tolist(), (factor * table[column]).tolist())
                points = plot.signal(*shown, marker=MARKERS[split]).label(words)
                if len(table) > 1:
                    points.lines()
                plot.draw(points)
    built = figure.build()
    text: str = built.string(colorless=not coloured)
    return text


def _whole_numbers(epochs: pd.Series[int]) -> list[int]:
    """Some epochs, spread evenly over all."""
    return epochs.tolist()[:: -(-len(epochs) // MOST_TICKS)]

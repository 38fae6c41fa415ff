"""Which categories a network takes for which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from rcnnzoo.figures.style import SCALE, entitle, plain

NAMED = 60
"""Categories up to which their names find room."""
NUMBERED = 20
"""Categories up to which a number is written into each cell."""
LONGEST = 16
"""Letters of a category's name."""


def draw_confusion(confusion: npt.NDArray[np.int64], categories: Sequence[str], title: str) -> Figure:
    """Share of each category's images by answer after all steps; rows without images are white.

    Args:
        confusion: Images by true category (rows) and answer (columns), [C, C].
        categories: Their names.
        title: What was measured.
    """
    number = len(categories)
    side = min(12.0, 4 + 0.16 * min(number, NAMED))
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    entitle(figure, title)
    axes = figure.subplots()
    images = confusion.sum(axis=1, keepdims=True)
    shares = np.divide(confusion, images, out=np.full(confusion.shape, np.nan), where=images > 0)
    drawn = axes.imshow(shares, cmap=SCALE, vmin=0, vmax=1)
    if number <= NAMED:
        names = [plain(name, LONGEST) for name in categories]
        axes.set_xticks(range(number), names, rotation=90, fontsize="small")
        axes.set_yticks(range(number), names, fontsize="small")
    if number <= NUMBERED:
        for row, column in zip(*np.nonzero(confusion), strict=True):
            colour = "black" if shares[row, column] > 0.6 else "white"
            text = f"{100 * shares[row, column]:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize="small")
    axes.set(xlabel="answer after all steps", ylabel="category")
    figure.colorbar(drawn, ax=axes, label="of the category's images", format=PercentFormatter(1), shrink=0.8)
    return figure

"""How often each image of a sequence wins."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, PercentFormatter

from rcnnzoo.figures.style import SCALE, entitle, name_below


def draw_wins(table: pd.DataFrame, categories: int, title: str) -> Figure:
    """Share of trials in which the image's category wins, by step since its onset, a line per position.

    Args:
        table: As `analysis.sequences.wins_by_position` gives it; one panel, or one each for targets and others.
        categories: How many there are, for chance.
        title: What was measured.
    """
    panels = [("", table)]
    if "target" in table:
        kinds = (("targets", table[table["target"] == 1]), ("others", table[table["target"] == 0]))
        panels = [(name, part) for name, part in kinds if len(part)]
    figure = Figure(figsize=(1.6 + 4.6 * len(panels), 4.4), layout="constrained")
    entitle(figure, title)
    positions = int(table["position"].max())
    scale = ScalarMappable(BoundaryNorm(np.arange(0.5, positions + 1), 256), colormaps[SCALE])
    colours = scale.to_rgba(np.arange(positions + 1))
    grid = figure.subplots(1, len(panels), squeeze=False, sharex="all", sharey="all")[0]
    for axes, (name, part) in zip(grid, panels, strict=True):
        for position, course in part.groupby("position"):
            colour, steps = colours[int(str(position))], course["step_since_onset"]
            shown = course[course["still_shown"] == course["trials"]]
            axes.plot(steps, course["share"], color=colour, linestyle=":")
            axes.plot(shown["step_since_onset"], shown["share"], color=colour, marker=".")
            axes.fill_between(steps, course["low"], course["high"], color=colour, alpha=0.15, linewidth=0)
        axes.axhline(1 / categories, color="grey", linewidth=1, linestyle="--")
        axes.set(xlabel="time step since the image's onset", title=name, ylim=(0, None))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    grid[0].set_ylabel("trials in which its category wins")
    grid[0].yaxis.set_major_formatter(PercentFormatter(1))
    if positions > 1:
        ticks = MaxNLocator(min(positions, 10), integer=True).tick_values(1, positions)
        figure.colorbar(scale, ax=grid[-1], label="position", ticks=[tick for tick in ticks if 1 <= tick <= positions])
    lines: list[Artist] = [
        Line2D([], [], color="black", marker=".", label="image shown"),
        Line2D([], [], color="black", linestyle=":", label="afterwards"),
        Line2D([], [], color="grey", linestyle="--", linewidth=1, label="chance"),
    ]
    name_below(figure, [], columns=3, more=lines)
    return figure

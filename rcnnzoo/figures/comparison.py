"""Several networks: their accuracies, and what is known of each pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, PercentFormatter

from rcnnzoo.figures.style import COLOURS, entitle, plain

NAME_WIDTH = 30
"""Letters of a network's name."""


def draw_pairs(
    models: pd.DataFrame, pairs: pd.DataFrame, title: str, test: str = "McNemar", interval: str = "95 % interval"
) -> Figure:
    """Accuracies with intervals; a matrix of differences with corrected p values; differences at equal mean MACs.

    Networks are numbered from 1 and named once, on the left: a name can be as long as a path.

    Args:
        models: As in `analysis.comparison.Comparison`.
        pairs: Likewise.
        title: What was measured.
        test: What the p values come from.
        interval: What intervals are.
    """
    side = max(2.4, 0.75 * len(models), 0.3 * len(pairs))
    figure = Figure(figsize=(8 + side, 1.8 + side), layout="constrained")
    entitle(figure, title)
    left, middle, right = figure.subplots(1, 3, width_ratios=[2.5, side, 2.5])
    _draw_accuracies(left, models, interval)
    _draw_matrix(middle, models, pairs, test)
    _draw_at_equal_cost(right, models, pairs, interval)
    return figure


def _draw_accuracies(axes: Axes, models: pd.DataFrame, interval: str) -> None:
    places = range(len(models))
    axes.hlines(places, models["low"], models["high"], color=COLOURS[0])
    axes.plot(models["accuracy"], places, "o", color=COLOURS[0])
    axes.set_yticks(places, [f"{plain(name, NAME_WIDTH)}  {number}" for name, number in _numbers(models).items()])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_title("after all steps", fontsize="medium")
    axes.set(xlabel=f"top-1 accuracy, {interval}", ylim=(len(models) - 0.5, -0.5))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_matrix(axes: Axes, models: pd.DataFrame, pairs: pd.DataFrame, test: str) -> None:
    """Row minus column in points of accuracy, under it the p value corrected by Bonferroni."""
    number = _numbers(models)
    accuracy = models["accuracy"].to_numpy()
    points = 100 * (accuracy[:, None] - accuracy[None, :])
    np.fill_diagonal(points, np.nan)
    most = float(np.nanmax(np.abs(points))) or 1.0
    axes.imshow(points, cmap="RdBu_r", vmin=-2 * most, vmax=2 * most)  # pale, so that text is read on it
    for pair in pairs.to_dict("records"):
        a, b = number[pair["a"]] - 1, number[pair["b"]] - 1
        for row, column in ((a, b), (b, a)):
            text = f"{points[row, column]:+.1f}\np {_p(pair['p_corrected'])}"
            axes.text(column, row, text, ha="center", va="center", fontsize="small")
    axes.set_xticks(range(len(models)), map(str, number.values()))
    axes.set_yticks(range(len(models)), map(str, number.values()))
    axes.set_title(f"row - column after all steps, points\n(p: {test}, Bonferroni)", fontsize="medium")
    axes.spines[:].set_visible(False)


def _draw_at_equal_cost(axes: Axes, models: pd.DataFrame, pairs: pd.DataFrame, interval: str) -> None:
    axes.set_title("at equal mean MACs", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    there = pairs[pairs["mean_macs"].notna()]
    if there.empty:
        axes.text(0.5, 0.5, "no two networks\ncan cost the same", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    places = range(len(there))
    axes.axvline(0, color="grey", linestyle=":", linewidth=1)
    axes.hlines(places, 100 * there["low"], 100 * there["high"], color=COLOURS[0])
    axes.plot(100 * there["difference"], places, "o", color=COLOURS[0])
    number = _numbers(models)
    of = there[["a", "b"]].map(number.__getitem__)
    axes.set_yticks(
        places,
        [f"{a} - {b}\nat {_macs(cost)}" for a, b, cost in zip(of["a"], of["b"], there["mean_macs"], strict=True)],
    )
    axes.set(xlabel=f"difference, points, {interval}", ylim=(len(there) - 0.5, -0.5))


def _numbers(models: pd.DataFrame) -> dict[str, int]:
    return {name: number for number, name in enumerate(models["name"], 1)}


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _macs(cost: float) -> str:
    return f"{EngFormatter(places=1, sep='')(cost)} MACs"

"""Several networks: their accuracies, and what is known of each pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter


def draw_pairs(models: pd.DataFrame, pairs: pd.DataFrame, title: str) -> Figure:
    """Accuracies with intervals; a matrix of differences with corrected p values; differences at equal mean MACs.

    Args:
        models: As in `analysis.comparison.Comparison`.
        pairs: Likewise.
        title: What was measured.
    """
    side = max(2.4, 0.75 * len(models), 0.3 * len(pairs))
    figure = Figure(figsize=(8 + side, 1.8 + side), layout="constrained")
    figure.suptitle(title)
    left, middle, right = figure.subplots(1, 3, width_ratios=[2.5, side, 2.5])
    _draw_accuracies(left, models)
    _draw_matrix(middle, models, pairs)
    _draw_at_equal_cost(right, pairs)
    return figure


def _draw_accuracies(axes: Axes, models: pd.DataFrame) -> None:
    places = range(len(models))
    axes.hlines(places, models["low"], models["high"], color="C0")
    axes.plot(models["accuracy"], places, "o", color="C0")
    axes.set_yticks(places, models["name"])
    axes.set_title("after all steps", fontsize="medium")
    axes.set(xlabel="accuracy, 95 % interval", ylim=(len(models) - 0.5, -0.5))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_matrix(axes: Axes, models: pd.DataFrame, pairs: pd.DataFrame) -> None:
    """Row minus column in points of accuracy, under it the p value corrected by Bonferroni."""
    number = {name: place for place, name in enumerate(models["name"])}
    accuracy = models["accuracy"].to_numpy()
    points = 100 * (accuracy[:, None] - accuracy[None, :])
    np.fill_diagonal(points, np.nan)
    most = float(np.nanmax(np.abs(points))) or 1.0
    axes.imshow(points, cmap="RdBu_r", vmin=-2 * most, vmax=2 * most)  # pale, so that text is read on it
    for pair in pairs.to_dict("records"):
        a, b = number[pair["a"]], number[pair["b"]]
        for row, column in ((a, b), (b, a)):
            text = f"{points[row, column]:+.1f}\np {_p(pair['p_corrected'])}"
            axes.text(column, row, text, ha="center", va="center", fontsize="small")
    axes.set_xticks(range(len(models)), models["name"], rotation=30, ha="right")
    axes.set_yticks(range(len(models)), models["name"])
    axes.set_title("row - column after all steps, points\n(p: McNemar, Bonferroni)", fontsize="medium")
    axes.spines[:].set_visible(False)


def _draw_at_equal_cost(axes: Axes, pairs: pd.DataFrame) -> None:
    axes.set_title("at equal mean MACs", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    there = pairs[pairs["mean_macs"].notna()]
    if there.empty:
        axes.text(0.5, 0.5, "no two networks\ncan cost the same", ha="center", va="center", transform=axes.transAxes)
        axes.set_axis_off()
        return
    places = range(len(there))
    axes.axvline(0, color="grey", linestyle=":", linewidth=1)
    axes.hlines(places, 100 * there["low"], 100 * there["high"], color="C0")
    axes.plot(100 * there["difference"], places, "o", color="C0")
    labels = [f"{p['a']} - {p['b']}\nat {_macs(p['mean_macs'])}" for p in there.to_dict("records")]
    axes.set_yticks(places, labels, fontsize="small")
    axes.set(xlabel="difference, points, 95 % interval", ylim=(len(there) - 0.5, -0.5))


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


_macs = EngFormatter(unit="MACs", places=1)

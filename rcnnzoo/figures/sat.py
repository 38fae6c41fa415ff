"""The speed-accuracy trade-off (Fig. 1 of Spoerer, Kietzmann & Kriegeskorte 2019)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter


def draw_sat(
    curves: Mapping[str, pd.DataFrame],
    oracle: pd.DataFrame,
    title: str,
    bands: Mapping[str, pd.DataFrame] | None = None,
) -> Figure:
    """Accuracy against mean multiply-accumulates: a curve a recurrent network, a point a feedforward one.

    Args:
        curves: A table as `sat_curve` gives for each network; the first is the one that the oracle belongs to.
        oracle: As `oracle_curve`.
        title: What was measured.
        bands: As `band_of`, for the networks that have one.
    """
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    for number, (name, curve) in enumerate(curves.items()):
        colour = f"C{number}"
        if bands is not None and name in bands:
            _draw_band(axes, bands[name], colour)
        if len(curve) == 1:
            axes.plot(curve["mean_macs"], curve["accuracy"], "s", color=colour, label=name)
            continue
        axes.plot(curve["mean_macs"], curve["accuracy"], color=colour, label=name)
        _mark_ends(axes, curve, colour)
    if len(oracle) > 1:
        axes.plot(oracle["mean_macs"], oracle["accuracy"], ":", color="grey", label=f"oracle of {next(iter(curves))}")
    label_cost(axes)
    axes.set_ylabel("accuracy")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def label_cost(axes: Axes) -> None:
    """Say that the horizontal axis is mean multiply-accumulates, in thousands, millions or billions as it comes."""
    axes.set_xlabel("mean MACs per image")
    axes.xaxis.set_major_formatter(EngFormatter())


def _draw_band(axes: Axes, band: pd.DataFrame, colour: str) -> None:
    """An area along a curve, a bar at a point."""
    cost = band["mean_macs"]
    if len(band) == 1:
        axes.vlines(cost, band["low"], band["high"], color=colour)
    else:
        axes.fill_between(cost, band["low"], band["high"], color=colour, alpha=0.2, linewidth=0)


def _mark_ends(axes: Axes, curve: pd.DataFrame, colour: str) -> None:
    """All images after the first step, and all after the last."""
    ends = curve.iloc[[0, -1]]
    axes.plot(ends["mean_macs"], ends["accuracy"], "o", color=colour)

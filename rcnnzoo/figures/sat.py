"""The speed-accuracy trade-off (Fig. 1 of Spoerer, Kietzmann & Kriegeskorte 2019)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import EngFormatter, PercentFormatter

from rcnnzoo.figures.style import Style, entitle, name_below, plain, style

LONGEST = 60
"""Letters of a network's name."""


def draw_sat(
    curves: Mapping[str, pd.DataFrame],
    oracle: pd.DataFrame | None,
    title: str,
    bands: Mapping[str, pd.DataFrame] | None = None,
    over: str = "95 % over images",
) -> Figure:
    """Accuracy against mean multiply-accumulates: a curve per recurrent network, a point per feedforward one.

    Args:
        curves: A table as `sat_curve` gives for each network; the first is the one that the oracle belongs to.
        oracle: As `oracle_curve`, if there is one.
        title: What was measured.
        bands: As `band_of`, for the networks that have one.
        over: What bands say.
    """
    figure = Figure(figsize=(6.4, 4.4 + 0.2 * (len(curves) + 2)), layout="constrained")
    entitle(figure, title)
    axes = figure.subplots()
    more: list[Artist] = []
    for number, (name, curve) in enumerate(curves.items()):
        look, label = style(number), plain(name, LONGEST)
        if bands is not None and name in bands:
            _draw_band(axes, bands[name], look)
        if len(curve) == 1:
            label = f"{label} (one step)"
            axes.plot(curve["mean_macs"], curve["accuracy"], look.marker, color=look.colour, label=label)
            continue
        axes.plot(curve["mean_macs"], curve["accuracy"], color=look.colour, linestyle=look.line, label=label)
        _mark_ends(axes, curve, look)
    if oracle is not None and len(oracle) > 1:
        label = f"oracle of {plain(next(iter(curves)), LONGEST)}"
        axes.plot(oracle["mean_macs"], oracle["accuracy"], ":", color="grey", linewidth=1, label=label)
    if any(len(curve) > 1 for curve in curves.values()):
        ends = "ends: all images stop after the first step or after all steps"
        more.append(Line2D([], [], color="dimgrey", marker="o", linestyle="", label=ends))
    if bands:
        more.append(Patch(color="grey", alpha=0.3, label=over))
    label_cost(axes)
    axes.set_ylabel("accuracy")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    name_below(figure, [axes], more=more)
    return figure


def label_cost(axes: Axes) -> None:
    """Say that the horizontal axis is mean multiply-accumulates, in thousands, millions or billions as it comes."""
    axes.set_xlabel("mean MACs per image")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def _draw_band(axes: Axes, band: pd.DataFrame, look: Style) -> None:
    """An area along a curve, a bar at a point."""
    cost = band["mean_macs"]
    if len(band) == 1:
        axes.vlines(cost, band["low"], band["high"], color=look.colour)
    else:
        axes.fill_between(cost, band["low"], band["high"], color=look.colour, alpha=0.2, linewidth=0)


def _mark_ends(axes: Axes, curve: pd.DataFrame, look: Style) -> None:
    """All images after the first step, and all after the last."""
    ends = curve.iloc[[0, -1]]
    axes.plot(ends["mean_macs"], ends["accuracy"], look.marker, color=look.colour)

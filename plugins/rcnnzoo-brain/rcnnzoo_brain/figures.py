"""Layers by steps, steps by times, and the best of each network beside the ceiling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rcnnzoo.plugin import COLOURS, plain

Floats = npt.NDArray[np.float64]
ALPHA = 0.05
LONGEST = 24
"""Letters of a name."""
MARKED = "dots: above zero, p < 0.05, corrected for all of them"


def _entitle(figure: Figure, title: str) -> None:
    figure.suptitle(plain(title), fontsize="medium")


def _matrix(axes: Axes, values: Floats, marks: npt.NDArray[np.bool_], most: float) -> object:
    drawn = axes.imshow(values, cmap="RdBu_r", vmin=-most, vmax=most, aspect="auto", interpolation="none")
    rows, columns = np.nonzero(marks)
    axes.plot(columns, rows, "k.", markersize=3)
    axes.spines[:].set_visible(False)
    return drawn


def draw_states(networks: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Mean correlation by layer (rows) and step (columns) of each network, at the time at which it is largest.

    Args:
        networks: Tables as from `analysis.state_table`.
        title: What was measured.
    """
    peaks = {}
    for name, table in networks.items():
        best = table.sort_values("correlation", na_position="first").iloc[-1]["time"]
        peaks[name] = table[table["time"].isna() if best is None or best != best else table["time"] == best]
    most = max(float(table["correlation"].abs().max()) for table in peaks.values()) or 1.0
    layers = max(table["layer"].nunique() for table in peaks.values())
    width = 1.6 + max(2.2, 0.5 * max(table["step"].nunique() for table in peaks.values()))
    figure = Figure(figsize=(1.5 + width * len(peaks), 1.9 + 0.35 * layers), layout="constrained")
    _entitle(figure, title)
    axes = figure.subplots(1, len(peaks), squeeze=False)[0]
    drawn = None
    for here, (name, table) in zip(axes, peaks.items(), strict=True):
        values, marks = (_by_step(table, column) for column in ("correlation", "p_corrected"))
        drawn = _matrix(here, values.to_numpy(), (marks < ALPHA).to_numpy(), most)
        here.set_xticks(range(values.shape[1]), [str(step) for step in values.columns])
        here.set_yticks(range(len(values)), [plain(layer, LONGEST) for layer in values.index], fontsize="small")
        time = table["time"].iloc[0]
        when = "" if time is None or time != time else f", time {time:g}"
        here.set_title(f"{plain(name, LONGEST)}{when}", fontsize="medium")
        here.set_xlabel("time step")
    figure.colorbar(drawn, ax=axes, label=f"mean correlation with the brain\n({MARKED})")  # type: ignore[arg-type]
    return figure


def _by_step(table: pd.DataFrame, column: str) -> pd.DataFrame:
    order = list(dict.fromkeys(table["layer"]))
    return table.pivot_table(index="layer", columns="step", values=column, dropna=False).reindex(order)


def draw_times(table: pd.DataFrame, ceiling: Floats, title: str) -> Figure:
    """Step (rows) by time (columns) for each layer of a network; below, the noise ceiling over time.

    Args:
        table: As from `analysis.state_table`.
        ceiling: Lower and upper, [2, time].
        title: What was measured.
    """
    layers = list(dict.fromkeys(table["layer"]))
    times = sorted(table["time"].unique())
    most = float(table["correlation"].abs().max()) or 1.0
    figure = Figure(figsize=(8, 1.6 + 0.9 * (len(layers) + 1)), layout="constrained")
    _entitle(figure, title)
    axes = figure.subplots(len(layers) + 1, 1, sharex=True)
    drawn = None
    for here, layer in zip(axes, layers, strict=False):
        own = table[table["layer"] == layer]
        values, marks = (
            own.pivot_table(index="step", columns="time", values=column, dropna=False)
            for column in ("correlation", "p_corrected")
        )
        drawn = _matrix(here, values.to_numpy(), (marks < ALPHA).to_numpy(), most)
        here.set_yticks(range(len(values)), [str(step) for step in values.index], fontsize="x-small")
        here.set_ylabel(f"{plain(layer, LONGEST)}\nstep", fontsize="small")
    axes[-1].fill_between(range(len(times)), ceiling[0], ceiling[1], color="grey", alpha=0.4, label="noise ceiling")
    axes[-1].axhline(0, color="grey", linewidth=0.8)
    axes[-1].set_ylabel("ceiling", fontsize="small")
    axes[-1].spines[["top", "right"]].set_visible(False)
    shown = np.unique(np.linspace(0, len(times) - 1, min(len(times), 12)).astype(int))
    axes[-1].set_xticks(shown, [f"{times[place]:g}" for place in shown])
    axes[-1].set_xlabel("time of the brain")
    figure.colorbar(drawn, ax=axes[:-1], label=f"mean correlation\n({MARKED})")  # type: ignore[arg-type]
    return figure


def draw_bars(
    names: Sequence[str], by_subject: Sequence[Floats], ceiling: Floats, intervals: pd.DataFrame | None, title: str
) -> Figure:
    """Mean correlation of networks and other models, a dot for each subject, beside the noise ceiling.

    Args:
        names: Of the models.
        by_subject: Correlations of each, [subject].
        ceiling: Lower and upper.
        intervals: `model, low, high`, over subjects and images, if there are any.
        title: What was measured.
    """
    figure = Figure(figsize=(2.4 + 0.7 * len(names), 4.8), layout="constrained")
    _entitle(figure, title)
    axes = figure.subplots()
    if np.isfinite(ceiling).all():
        axes.axhspan(ceiling[0], ceiling[1], color="grey", alpha=0.3, label="noise ceiling")
    places = range(len(names))
    axes.bar(places, [float(values.mean()) for values in by_subject], color=COLOURS[5], width=0.7)
    for place, values in zip(places, by_subject, strict=True):
        axes.plot(place + np.linspace(-0.15, 0.15, len(values)), values, ".", color="black", markersize=5)
    if intervals is not None:
        low, high = (intervals.set_index("model")[side].loc[list(names)] for side in ("low", "high"))
        axes.vlines(places, low, high, color=COLOURS[1], label="95 % over subjects and images")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(places, [plain(name, LONGEST) for name in names], rotation=40, ha="right", fontsize="small")
    axes.set_ylabel("correlation with the brain (dots: subjects)")
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", frameon=False, ncols=2)
    return figure


def draw_latencies(times: Mapping[str, Floats], latencies: Floats, title: str) -> Figure:
    """Each image's latency and reaction time, a panel for each network.

    Args:
        times: Reaction times of each network in steps, [image].
        latencies: The mean over subjects, [image].
        title: What was measured.
    """
    figure = Figure(figsize=(1 + 3.2 * len(times), 3.6), layout="constrained")
    _entitle(figure, title)
    panels = figure.subplots(1, len(times), squeeze=False, sharey=True)[0]
    for axes, (name, steps) in zip(panels, times.items(), strict=True):
        # Steps are whole numbers: beside each other, images of equal times can be told apart.
        axes.plot(steps + np.random.default_rng(0).uniform(-0.15, 0.15, len(steps)), latencies, ".", color=COLOURS[5])
        for step in np.unique(steps):
            axes.hlines(np.median(latencies[steps == step]), step - 0.3, step + 0.3, color=COLOURS[1])
        axes.set_title(plain(name, 2 * LONGEST), fontsize="small")
        axes.set_xlabel("reaction time (steps)")
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("latency (line: median)")
    return figure

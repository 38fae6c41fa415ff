"""Dissimilarities of images by layer and time step, and how alike layers and steps are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from rcnnzoo.figures.style import SCALE, entitle, name_below, plain, style

MOST_LAYERS, MOST_STEPS = 14, 10
"""Matrices that find room in a figure."""
LONGEST = 24
"""Letters of a layer's name."""
NAMED = 40
"""States up to which each is named along a matrix."""


def draw_matrices(
    squares: npt.NDArray[np.float64], layers: list[str], steps: list[int], title: str, unit: str
) -> Figure:
    """A matrix of all images for each layer (rows) and step (columns), in one scale; of many, evenly spaced ones.

    Args:
        squares: [layer, step, image, image]; those that are NaN are left empty.
        layers: Their names.
        steps: Their numbers.
        title: What was measured.
        unit: What the numbers are.
    """
    rows, columns = _spread(len(layers), MOST_LAYERS), _spread(len(steps), MOST_STEPS)
    figure = Figure(figsize=(1.6 + 1.1 * len(columns), 1.2 + 1.1 * len(rows)), layout="constrained")
    left_out = len(rows) < len(layers) or len(columns) < len(steps)
    entitle(figure, title + left_out * f"; {len(rows)} of {len(layers)} layers, {len(columns)} of {len(steps)} steps")
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    shown = squares[np.ix_(rows, columns)]
    there = shown[np.isfinite(shown)]
    low, high = np.quantile(there, (0.02, 0.98)) if there.size else (0.0, 1.0)
    drawn = None
    for place, layer in enumerate(rows):
        for across, step in enumerate(columns):
            here = axes[place, across]
            here.set_xticks([])
            here.set_yticks([])
            here.spines[:].set_visible(False)
            if np.isfinite(shown[place, across]).any():
                drawn = here.imshow(shown[place, across], cmap=SCALE, vmin=low, vmax=high, interpolation="none")
            if place == 0:
                here.set_title(f"step {steps[step]}", fontsize="small")
            if across == 0:
                here.set_ylabel(plain(layers[layer], LONGEST), fontsize="small")
    if drawn is not None:
        figure.colorbar(drawn, ax=axes, label=unit, shrink=min(1.0, 3 / len(rows)))
    return figure


def _spread(number: int, most: int) -> list[int]:
    """Places among a number of things, evenly spread where they are too many."""
    return list(range(number)) if number <= most else np.linspace(0, number - 1, most).round().astype(int).tolist()


def draw_similarity(
    states: pd.DataFrame, correlations: npt.NDArray[np.float64], places: npt.NDArray[np.float64], title: str
) -> Figure:
    """Left: correlations of all layers and steps. Right: the same in a plane, a line from step to step of each layer.

    Args:
        states: One row per layer and step: `layer, step`.
        correlations: Spearman's correlations of their dissimilarities, [R, R].
        places: From multidimensional scaling, [R, 2].
        title: What was measured.
    """
    layers = list(dict.fromkeys(states["layer"]))
    figure = Figure(figsize=(11, 5.2 + 0.1 * len(layers)), layout="constrained")
    entitle(figure, title)
    left, right = figure.subplots(1, 2)
    drawn = left.imshow(correlations, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="none")
    figure.colorbar(drawn, ax=left, label="Spearman correlation of dissimilarities", shrink=0.8)
    first = states.reset_index().groupby("layer", sort=False)["index"].agg(["min", "max"])
    if len(states) <= NAMED:
        names = [
            f"{plain(layer, LONGEST)}, {step}" for layer, step in zip(states["layer"], states["step"], strict=True)
        ]
        left.set_yticks(range(len(states)), names, fontsize="x-small")
        left.set_xticks([])
    else:
        middles = first.mean(axis=1).to_list()
        left.set_yticks(middles, [plain(layer, LONGEST) for layer in first.index], fontsize="small")
        left.set_xticks([])
    left.set_title("layers and steps", fontsize="medium")
    for number, layer in enumerate(layers):
        own = (states["layer"] == layer).to_numpy()
        look = style(number)
        right.plot(
            *places[own].T, color=look.colour, marker=look.marker, linestyle=look.line, label=plain(layer, LONGEST)
        )
        for (x, y), step in zip(places[own], states["step"][own], strict=True):
            right.annotate(str(step), (x, y), xytext=(4, 4), textcoords="offset points", fontsize="x-small")
    right.set_aspect("equal", adjustable="datalim")
    right.set_xticks([])
    right.set_yticks([])
    right.set_title("multidimensional scaling; numbers are time steps", fontsize="medium")
    right.spines[["top", "right"]].set_visible(False)
    name_below(figure, [right], columns=min(7, len(layers)))
    return figure

"""How dissimilar images are to each layer at each time step: `rcnnzoo rdm`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from rcnnzoo.analysis.dissimilarity import (
    METRICS,
    Floats,
    arranged,
    as_square,
    check_measurements,
    dissimilarities,
    similarity,
)
from rcnnzoo.errors import OptionError
from rcnnzoo.figures.dissimilarity import draw_matrices, draw_similarity
from rcnnzoo.progress import progress
from rcnnzoo.recording.opening_activations import VALUES, open_activations
from rcnnzoo.results.result import Result, or_none
from rcnnzoo.text import counted

UNITS = {
    "correlation": "1 - Pearson correlation",
    "cosine": "1 - cosine",
    "euclidean": "Euclidean distance / sqrt(units)",
    "crossnobis": "crossnobis (squared, per unit)",
}


def rdm(paths: Sequence[Path], metric: str = METRICS[0]) -> Result:
    """Dissimilarities by layer and step, and how alike those of different layers and steps are.

    Args:
        paths: Activations; several for repeated measurements.
        metric: How dissimilarity is measured.

    Raises:
        UnknownName: There is no such metric.
        OptionError: The metric needs another number of measurements, or there are too few images.
        TraceError: Activations can't be used.
    """
    for number, path in enumerate(paths):
        if path.resolve() in (other.resolve() for other in paths[:number]):
            raise OptionError(f"{path} is named twice: name each measurement once")
    trees = [open_activations(path) for path in paths]
    check_measurements(trees, metric)  # before progress is shown
    first = trees[0]
    states = sum(node.sizes["step"] for node in first.children.values())
    with progress("dissimilarities", states) as advance:
        found = dissimilarities(trees, metric, VALUES, advance)
    table, correlations = similarity(found)
    places = arranged(correlations) if len(table) else np.empty((0, 2))
    images, layers, steps = first.sizes["image"], list(first.children), found["step"].to_numpy().tolist()
    title = f"{first.attrs['name']} on {first.attrs['data']}, {images:,} images, {UNITS[metric]}"
    rows = [
        {
            "layer": layer,
            "steps": counted(first[layer].sizes["step"], "step"),
            "units": first[layer].sizes["unit"],
            "last step with first": _with_first(table, correlations, layer),
        }
        for layer in layers
    ]
    stem = "rdm" if metric == METRICS[0] else f"rdm-{metric}"
    ends = f"-{metric}" * (metric != METRICS[0])
    squares = np.array([[as_square(pairs) for pairs in layer] for layer in found.to_numpy()])
    document = {
        "images": images,
        "metric": metric,
        "layers": layers,
        "steps": steps,
        "states": table.to_dict("records"),
        "similarity": correlations.tolist(),
        "activations": [str(path) for path in paths],
    }
    return Result(
        or_none(document),
        [(title, rows)],
        data={
            f"similarity{ends}": _long(table, correlations),
            f"mds{ends}": table.assign(x=places[:, 0], y=places[:, 1]),
        },
        arrays={stem: found.to_dataset()},
        figures={
            stem: partial(draw_matrices, squares, layers, steps, title, UNITS[metric]),
            f"similarity{ends}": partial(draw_similarity, table, correlations, places, title),
        },
        notes=_notes(found, first),
    )


def _with_first(table: pd.DataFrame, correlations: Floats, layer: str) -> str | None:
    """Correlation of a layer's dissimilarities at its last step with those at its first."""
    own = np.flatnonzero(table["layer"] == layer)
    return f"{correlations[own[0], own[-1]]:.3f}" if len(own) > 1 else None


def _long(table: pd.DataFrame, correlations: Floats) -> pd.DataFrame:
    """One row per pair of states."""
    a, b = np.triu_indices(len(table), 1)
    columns = {f"{name}_{side}": table[name].to_numpy()[rows] for side, rows in (("a", a), ("b", b)) for name in table}
    return pd.DataFrame({**columns, "spearman": correlations[a, b]})


def _notes(found: xr.DataArray, first: xr.DataTree) -> list[str]:
    notes = []
    for layer, node in first.children.items():
        for step in node["step"].to_numpy().tolist():
            missing = int((~np.isfinite(found.sel(layer=layer, step=step))).sum())
            if missing:
                notes.append(
                    f"{layer}, step {step}: {counted(missing, 'pair')} of images without a dissimilarity, as all units "
                    "hold the same for an image: left out of similarities"
                )
    return notes

"""Dissimilarities of images in what layers hold after each time step (representational dissimilarity matrices).

Source: Kriegeskorte, Mur & Bandettini 2008, doi 10.3389/neuro.06.004.2008; crossnobis: Walther et al. 2016, doi
10.1016/j.neuroimage.2015.12.012.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from rcnnzoo.errors import OptionError, TraceError, UnknownName

METRICS = ("correlation", "cosine", "euclidean", "crossnobis")
LEAST = 4
"""Images, for dissimilarities to be compared: three have only three pairs."""
READ_BYTES = 2**28
"""About how much is read at once."""
Floats = npt.NDArray[np.float64]


def dissimilarities(
    trees: Sequence[xr.DataTree],
    metric: str = METRICS[0],
    values: str = "activations",
    advance: Callable[[int], None] = lambda number: None,
) -> xr.DataArray:
    """Dissimilarities of all pairs of images by layer and step, [layer, step, pair], NaN where a layer has no step.

    `correlation` is 1 - Pearson's r and `cosine` 1 - the cosine, both over units; `euclidean` is the distance divided
    by the square root of the number of units; `crossnobis` is the squared distance across repeated measurements, mean
    over pairs of them and units, without noise normalisation, so its expectation without a difference is 0.

    Args:
        trees: Activations; several repeated measurements of the same images for `crossnobis`, otherwise one.
        metric: One of these four.
        values: Name of the arrays.
        advance: Told of each layer and step that is done.

    Returns:
        Pairs in the order of SciPy's `pdist`: (0, 1), (0, 2), ..., with coordinates `first` and `second`, the images.

    Raises:
        UnknownName: There is no such metric.
        OptionError: The metric needs another number of measurements, or there are too few images.
        TraceError: Measurements differ in images, layers or steps, or values are damaged.
    """
    first = trees[0]
    names = [str(name) for name in first["image"].to_numpy()]
    check_measurements(trees, metric)
    layers = list(first.children)
    steps = sorted({step for node in first.children.values() for step in _steps(node)})
    number = len(names)
    places = np.triu_indices(number, 1)
    table = np.full((len(layers), len(steps), len(places[0])), np.nan)
    for row, layer in enumerate(layers):
        arrays = [tree.children[layer].dataset[values] for tree in trees]
        for place, step in enumerate(_steps(first.children[layer])):
            grams, units = _grams(arrays, place, metric)
            table[row, steps.index(step)] = _of_grams(grams, units, metric)[places]
            advance(1)
    coordinates: dict[str, Any] = {
        "layer": layers,
        "step": steps,
        "first": ("pair", np.array(names)[places[0]]),
        "second": ("pair", np.array(names)[places[1]]),
    }
    # SciPy can't write an attribute that is called `data`.
    attributes = {"metric": metric, "network": first.attrs.get("name", ""), "images": first.attrs.get("data", "")}
    return xr.DataArray(table, coordinates, ("layer", "step", "pair"), "dissimilarity", attributes)


def check_measurements(trees: Sequence[xr.DataTree], metric: str) -> None:
    """Refuse activations that dissimilarities can't be measured of in this way.

    Raises:
        UnknownName: There is no such metric.
        OptionError: The metric needs another number of measurements, or there are too few images.
        TraceError: Measurements differ in images, layers or steps.
    """
    names = [str(name) for name in trees[0]["image"].to_numpy()]
    if metric not in METRICS:
        raise UnknownName("metric", metric, METRICS, "`metric`")
    if len(names) < LEAST:
        raise OptionError(f"{len(names)} images: dissimilarities are compared over at least {LEAST}")
    if metric == "crossnobis" and len(trees) < 2:
        raise OptionError(
            "`metric` crossnobis needs repeated measurements of the same images: name several activations, for example "
            "extracted with noise in the stimulus under other seeds"
        )
    if metric != "crossnobis" and len(trees) > 1:
        raise OptionError(f"`metric` {metric}: takes one measurement, and {len(trees)} are named; take crossnobis")
    for tree in trees[1:]:
        if [str(name) for name in tree["image"].to_numpy()] != names:
            raise TraceError("the activations are of other images, or of the same in another order")
        for layer, node in trees[0].children.items():
            if layer not in tree.children or _steps(node) != _steps(tree.children[layer]):
                raise TraceError(f"the activations differ in the layer {layer} or its steps")


def _steps(node: xr.DataTree) -> list[int]:
    """The time steps of a layer."""
    steps: list[int] = node["step"].to_numpy().tolist()
    return steps


def _grams(arrays: Sequence[xr.DataArray], place: int, metric: str) -> tuple[dict[tuple[int, int], Floats], int]:
    """Products of images with images, summed over units, for the pairs of measurements that are needed."""
    images, _, units = arrays[0].shape
    needed = [(0, 0)] if len(arrays) == 1 else [(a, b) for b in range(len(arrays)) for a in range(b)]
    grams = {pair: np.zeros((images, images)) for pair in needed}
    sums = np.zeros(images)
    size = max(1, READ_BYTES // (8 * images * len(arrays)))
    chunk = arrays[0].encoding.get("preferred_chunks", {}).get("unit", size)
    size = max(chunk, size // chunk * chunk)
    for start in range(0, units, size):
        try:
            parts = [array[:, place, start : start + size].to_numpy().astype(np.float64) for array in arrays]
        except Exception as error:  # a wrong checksum, a file cut short, ...
            raise TraceError(f"{arrays[0].name}: is damaged ({error})", "extract them again") from error
        for (a, b), gram in grams.items():
            gram += parts[a] @ parts[b].T
        sums += parts[0].sum(axis=1)
    if metric == "correlation":
        grams[0, 0] -= np.outer(sums, sums) / units
    return grams, units


def _of_grams(grams: Mapping[tuple[int, int], Floats], units: int, metric: str) -> Floats:
    """[N, N] from sums of products of images' centred values (`correlation`) or values (others)."""
    if metric == "crossnobis":
        between = [(gram + gram.T) / 2 for gram in grams.values()]
        mean = np.mean(between, axis=0) / units
        own = np.diagonal(mean)
        distances: Floats = own[:, None] + own[None, :] - 2 * mean
        return distances
    gram = grams[0, 0]
    own = np.diagonal(gram)
    if metric == "euclidean":
        squares = np.maximum(own[:, None] + own[None, :] - 2 * gram, 0)
        return np.asarray(np.sqrt(squares / units))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - gram / np.sqrt(np.outer(own, own)))


def similarity(rdms: xr.DataArray) -> tuple[pd.DataFrame, Floats]:
    """How alike the dissimilarities of layers and steps are: Spearman's correlation over pairs of images.

    Args:
        rdms: As from `dissimilarities`, [layer, step, pair].

    Returns:
        One row per layer and step that are there: `layer, step`; and their correlations, [R, R].
    """
    stacked = rdms.stack(state=("layer", "step")).transpose("state", "pair")
    there = np.isfinite(stacked.to_numpy()).all(axis=1)
    table = pd.DataFrame(
        {"layer": stacked["layer"].to_numpy()[there].astype(str), "step": stacked["step"].to_numpy()[there]}
    )
    ranks = rankdata(stacked.to_numpy()[there], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.atleast_2d(np.corrcoef(ranks))
    return table, found


def arranged(correlations: Floats, seed: int = 0) -> Floats:
    """Places in a plane whose distances are as near as possible to 1 - correlation: [R, R] -> [R, 2].

    Source: metric multidimensional scaling by majorisation (SMACOF), scikit-learn's.
    """
    from sklearn.manifold import smacof  # slow to import

    apart = np.clip(1 - correlations, 0, None)
    np.fill_diagonal(apart, 0)
    if len(apart) < 3:
        return np.column_stack([np.arange(len(apart)) * apart.max(initial=0), np.zeros(len(apart))])
    places: Floats = smacof((apart + apart.T) / 2, n_components=2, n_init=8, random_state=seed)[0]
    return np.asarray(places - places.mean(axis=0))


def as_square(pairs: npt.ArrayLike) -> Floats:
    """A matrix of all images from the dissimilarities of their pairs: [P] -> [N, N]."""
    return np.asarray(squareform(np.asarray(pairs, dtype=np.float64), checks=False))

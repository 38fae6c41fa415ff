"""Sparse random projections, which keep distances between images while there are far fewer numbers."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt


class Projection:
    """A layer's projection, the same for all of its time steps and images.

    Means are kept as they are: of each map, where the maps are at most half as many as the components, and of all
    units. Random projections of what is left, so of less, take the other components: that makes distances and
    correlations more exact. Without it, the mean over units, which is large after rectification, would count as a
    pattern. Each kept mean is scaled by the root of the number of units that it stands for, so that it keeps its share
    of distances.

    Source: Li, Hastie & Church 2006, Very sparse random projections (scikit-learn's `SparseRandomProjection`).

    Args:
        name: Of the layer, on which it depends together with the seed.
        shape: Of what the layer holds for an image: maps [K, H, W], or features [F].
        components: Numbers that come out.
        seed: Random seed.
    """

    def __init__(self, name: str, shape: tuple[int, ...], components: int, seed: int) -> None:
        self.units, self.components = int(np.prod(shape)), components
        self.maps = shape[0] if len(shape) == 3 and 2 * shape[0] <= components else 0
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        self._seed = int.from_bytes(digest[:4], "big")

    @cached_property
    def _fitted(self) -> Any:
        from sklearn.random_projection import SparseRandomProjection  # slow to import

        projection = SparseRandomProjection(self.components - self.maps, random_state=self._seed)
        return projection.fit(np.zeros((1, self.units), dtype=np.float32))  # only its shape counts

    def __call__(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """[B, units] -> [B, components]: the means of maps, if they are kept, then random projections."""
        mean = values.mean(axis=1, keepdims=True, dtype=np.float64)
        left = values - mean
        apart = []
        if self.maps:
            maps = left.reshape(len(left), self.maps, -1)
            means = maps.mean(axis=2)
            maps -= means[..., None]  # of `left` too, whose numbers these are
            apart = [means * np.sqrt(self.units / self.maps)]
        kept = np.concatenate([*apart, self._fitted.transform(left.astype(np.float32))], axis=1)
        shifted: npt.NDArray[np.float32] = (kept + mean * np.sqrt(self.units / self.components)).astype(np.float32)
        return shifted

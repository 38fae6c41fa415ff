"""Sparse random projections, which keep distances between images while there are far fewer numbers."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt


class Projection:
    """A layer's projection, the same for all of its time steps and images.

    An image's mean over units is taken out before and added again afterwards, so that correlations over what is kept
    are near those over units: otherwise the mean, which is large after rectification, would count as a pattern. Scaled
    by the root of units over components, it keeps its share of distances.

    Source: Li, Hastie & Church 2006, Very sparse random projections (scikit-learn's `SparseRandomProjection`).

    Args:
        name: Of the layer, on which it depends together with the seed.
        units: Numbers that go in.
        components: Numbers that come out.
        seed: Random seed.
    """

    def __init__(self, name: str, units: int, components: int, seed: int) -> None:
        self.units, self.components = units, components
        digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
        self._seed = int.from_bytes(digest[:4], "big")

    @cached_property
    def _fitted(self) -> Any:
        from sklearn.random_projection import SparseRandomProjection  # slow to import

        projection = SparseRandomProjection(self.components, random_state=self._seed)
        return projection.fit(np.zeros((1, self.units), dtype=np.float32))  # only its shape counts

    def __call__(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """[B, units] -> [B, components]."""
        mean = values.mean(axis=1, keepdims=True, dtype=np.float64)
        projected = self._fitted.transform((values - mean).astype(np.float32))
        kept: npt.NDArray[np.float32] = (projected + mean * np.sqrt(self.units / self.components)).astype(np.float32)
        return kept

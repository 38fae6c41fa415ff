"""What is compared, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from rcnnzoo_brain import analysis

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Options:
    """How brains and networks are compared.

    Attributes:
        metric: How dissimilarities of activations are measured.
        method: How these are compared with the brain's, one of `analysis.METHODS`.
        categories: CSV of the images' kinds, for models of categories.
        images: Folder of the images, for models of pixels and orientation.
        partial: Whether the share of these models is taken out.
        flips: Patterns of signs in tests, where there are too many to try all.
        bootstraps: Samples of subjects and images for intervals; 0 for none.
        seed: Random seed of both.
    """

    metric: str = "correlation"
    method: str = analysis.METHODS[0]
    categories: Path | None = None
    images: Path | None = None
    partial: bool = False
    flips: int = 10_000
    bootstraps: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Network:
    """A network's dissimilarities.

    Attributes:
        name: What it is called.
        members: Of each of its members, [layer, step, pair].
        correlations: With the brain, mean over members, [subject, layer, step, time].
    """

    name: str
    members: Sequence[xr.DataArray]
    correlations: Floats

    @property
    def layers(self) -> list[str]:
        """Names of its layers."""
        return [str(name) for name in self.members[0]["layer"].to_numpy()]

    @property
    def steps(self) -> list[int]:
        """Its time steps."""
        return [int(step) for step in self.members[0]["step"].to_numpy()]

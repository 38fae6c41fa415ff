"""The speed-accuracy curve of a network with its oracle and band, and those of others on the same images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from rcnnzoo.analysis.bands import band_of
from rcnnzoo.analysis.intervals import Bootstrap
from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.analysis.sat_curve import area_under, curve_of, oracle_curve
from rcnnzoo.analysis.traces import check_same_images


@dataclass(frozen=True)
class Profile:
    """What a network gains from its time steps under a policy and readout.

    Attributes:
        images: Number of images.
        curve: As `sat_curve`.
        oracle: As `oracle_curve`.
        area: Mean accuracy over the curve's cost.
        oracle_area: The same for the oracle.
        band: As `band_of`, if it was asked for.
    """

    images: int
    curve: pd.DataFrame
    oracle: pd.DataFrame
    area: float
    oracle_area: float
    band: pd.DataFrame | None = None


def profile(trace: xr.Dataset, policy: str, readout: str, bootstrap: Bootstrap | None = None) -> Profile:
    """The curve of a trace, what an oracle would reach, and with a bootstrap the curve's band.

    Raises:
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.
    """
    outcomes = find_outcomes(trace, policy, readout)
    curve, oracle = curve_of(outcomes), oracle_curve(outcomes)
    areas = area_under(curve), area_under(oracle, up_to=float(outcomes.macs[-1]))
    band = None if bootstrap is None else band_of(outcomes, bootstrap)
    return Profile(trace.sizes["image"], curve, oracle, *areas, band)


def profile_all(
    traces: Mapping[str, xr.Dataset], policy: str, readout: str, bootstrap: Bootstrap | None = None
) -> dict[str, Profile]:
    """The same for several networks, by name.

    Raises:
        TraceError: They differ in their images; and as `profile`.
    """
    check_same_images(traces)
    return {name: profile(trace, policy, readout, bootstrap) for name, trace in traces.items()}

"""The speed-accuracy curve of one network, and others beside it on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.analysis.sat_curve import area_under, curve_of, oracle_curve
from rcnnzoo.errors import TraceError


@dataclass(frozen=True)
class Profile:
    """What a network's time steps are worth under a policy and readout.

    Attributes:
        name: What people call the network.
        images: How many were shown.
        curve: As `sat_curve`.
        oracle: As `oracle_curve`.
        area: Mean accuracy over the curve's cost.
        oracle_area: The same of the oracle.
    """

    name: str
    images: int
    curve: pd.DataFrame
    oracle: pd.DataFrame
    area: float
    oracle_area: float


def profile(trace: xr.Dataset, policy: str, readout: str) -> Profile:
    """The curve of a trace, and what an oracle would reach.

    Raises:
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.
    """
    outcomes = find_outcomes(trace, policy, readout)
    curve, oracle = curve_of(outcomes), oracle_curve(outcomes)
    name = trace.attrs.get("name", "network")
    areas = area_under(curve), area_under(oracle, up_to=float(outcomes.macs[-1]))
    return Profile(name, trace.sizes["image"], curve, oracle, *areas)


def check_same_images(traces: Sequence[xr.Dataset]) -> None:
    """Refuse to set networks beside each other that saw different images.

    Raises:
        TraceError: They did; the message names the first two.
    """
    first, *others = traces
    for other in others:
        if first["file"].values.tolist() != other["file"].values.tolist() or not first["label"].equals(other["label"]):
            names = " and ".join(f"{t.attrs['name']} ({t.attrs['data']} {t.attrs['split']})" for t in (first, other))
            raise TraceError(f"{names} saw different images: give --data, so that all see the same")

"""Accuracy against computation for every policy and readout, as a page that responds to a mouse needs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rcnnzoo import plugins
from rcnnzoo.analysis.intervals import mean_of_seeds, wilson
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes_of_all
from rcnnzoo.analysis.sat_curve import curve_of, evenly_spaced_rows
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.progress import progress
from rcnnzoo.report.subjects import Subjects

POINTS = 60
"""Thresholds at which a curve is given; the exact one, which `rcnnzoo profile --sweep` writes, can have millions."""


def curves(subjects: Subjects, policy: str, readout: str) -> dict[str, Any]:
    """All networks' curves under all registered policies and readouts.

    Args:
        subjects: The networks.
        policy: The one that is shown first.
        readout: Likewise.
    """
    policies, readouts = plugins.names("policies"), plugins.names("readouts")
    found = []
    with progress("curves for the report", len(subjects.networks) * len(readouts)) as advance:
        for network, members in subjects.traces.items():
            for how in readouts:
                outcomes = [find_outcomes_of_all(opened.trace, policies, how) for opened in members.values()]
                found += [
                    {"network": network, "policy": rule, "readout": how, **curve([each[rule] for each in outcomes])}
                    for rule in policies
                ]
                advance(1)
    return {
        "images": subjects.images.sizes["image"],
        "interval": "95 % over seeds, which share a threshold" if subjects.several else "95 % over images",
        "policies": [{"name": name, "unit": look_up_policy(name).unit} for name in policies],
        "readouts": readouts,
        "policy": policy,
        "readout": readout,
        "steps": {name: opened.trace.sizes["step"] for name, opened in subjects.firsts.items()},
        "curves": found,
    }


def curve(members: Sequence[Outcomes]) -> dict[str, list[Any]]:
    """Accuracy with its interval, mean cost and the share of images that stop at each step, by threshold.

    Args:
        members: Of each member of a network; all of them stop by the same threshold.
    """
    thresholds = evenly_spaced_rows(curve_of(members[0]), POINTS)["threshold"].to_numpy(copy=True)
    if len(thresholds) > 1:  # all stop at step 1 there, those of other members as well
        thresholds[0] = np.inf if members[0].below else -np.inf
    rows: dict[str, list[Any]] = {
        name: [] for name in ("threshold", "accuracy", "low", "high", "macs", "steps", "shares")
    }
    for threshold in thresholds:
        accuracies, shares, macs = [], [], []
        for one in members:
            exits = one.exits(float(threshold))
            accuracies.append(float(one.right[np.arange(len(exits)), exits].mean()))
            shares.append(np.bincount(exits, minlength=one.right.shape[1]) / len(exits))
            macs.append(float(one.macs[exits].mean()))
        share: npt.NDArray[np.float64] = np.mean(shares, axis=0)
        low, high = _interval(accuracies, len(members[0].right))
        rows["threshold"].append(float(threshold) if np.isfinite(threshold) else None)
        rows["accuracy"].append(float(np.mean(accuracies)))
        rows["low"].append(low)
        rows["high"].append(high)
        rows["macs"].append(float(np.mean(macs)))
        rows["steps"].append(float(share @ np.arange(1, len(share) + 1)))
        rows["shares"].append([round(float(value), 5) for value in share])
    return rows


def _interval(accuracies: Sequence[float], images: int) -> tuple[float, float]:
    """Over seeds; over images, if there is only one."""
    if len(accuracies) == 1:
        return wilson(round(accuracies[0] * images), images)
    _, low, high = mean_of_seeds(accuracies)
    return float(low), float(high)

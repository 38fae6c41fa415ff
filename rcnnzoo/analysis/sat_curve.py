"""The speed-accuracy trade-off, exact at every threshold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from rcnnzoo.analysis.changes import changes_of
from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.policies.checks import check_threshold
from rcnnzoo.policies.lookup import DEFAULT as ENTROPY
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.readouts.lookup import DEFAULT as CUMULATIVE


def sat_curve(trace: xr.Dataset, policy: str = ENTROPY, readout: str = CUMULATIVE) -> pd.DataFrame:
    """Accuracy against mean cost at every threshold that makes a difference, from one pass over a trace.

    Args:
        trace: From `rcnnzoo.open_trace` or `rcnnzoo.make_trace`.
        policy: A registered exit policy.
        readout: A registered readout.

    Returns:
        One row per distinct outcome, from all images stopping at step 1 to none before the last: `threshold, accuracy,
        mean_steps, mean_macs`. A network that stops by a row's threshold does what the row says.

    Raises:
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.

    >>> from rcnnzoo import make_trace
    >>> trace = make_trace([[[0.0, 1.0], [3.0, 0.0]], [[0.0, 2.0], [0.0, 9.0]]], labels=[0, 1], macs=[10, 30])
    >>> sat_curve(trace, "max-prob", "instantaneous").round(3)
       threshold  accuracy  mean_steps  mean_macs
    0      0.731       0.5         1.0       10.0
    1      0.881       1.0         1.5       25.0
    2        inf       1.0         2.0       40.0
    """
    return curve_of(find_outcomes(trace, policy, readout))


def curve_of(outcomes: Outcomes) -> pd.DataFrame:
    """As `sat_curve`, from outcomes that are known."""
    changes, images = changes_of(outcomes), len(outcomes.right)
    sign = 1 if outcomes.below else -1
    table = pd.DataFrame(
        {
            "threshold": sign * np.concatenate([[-np.inf], changes.thresholds.astype(np.float64)]),
            "accuracy": changes.totals(int(changes.right_at_last.sum()), changes.right) / images,
            "mean_steps": changes.totals(images * changes.last_step, changes.steps) / images,
            "mean_macs": changes.totals(images * changes.last_macs, changes.macs) / images,
        }
    )
    return table[::-1].reset_index(drop=True)


def at_threshold(trace: xr.Dataset, policy: str, readout: str, threshold: float) -> dict[str, float]:
    """The result of stopping at one threshold: `accuracy, mean_steps, mean_macs`.

    Raises:
        OptionError: The threshold is outside the policy's bounds.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.
    """
    rule = look_up_policy(policy)
    check_threshold(rule, policy, threshold, trace.sizes["category"], trace.sizes["step"])
    row = row_at(sat_curve(trace, policy, readout), threshold, below=rule.direction == "below")
    return {name: float(row[name]) for name in ("accuracy", "mean_steps", "mean_macs")}


def row_at(curve: pd.DataFrame, threshold: float, *, below: bool) -> pd.Series:
    """The row of a curve that applies to a threshold, which may lie between those of the rows.

    Args:
        curve: From `sat_curve`.
        threshold: In the policy's unit; rounded to float32, in which scores are.
        below: Whether the policy's network is sure at or below a threshold.
    """
    sign, threshold = (1 if below else -1), float(np.float32(threshold))
    # Of the rows that are at least as strict, the least strict one: rows become stricter downwards.
    return curve[sign * curve["threshold"] <= sign * threshold].iloc[0]


def evenly_spaced_rows(curve: pd.DataFrame, most: int = 12) -> pd.DataFrame:
    """Rows spread evenly over the curve's cost, including its ends, for people to read."""
    cost = curve["mean_macs"].to_numpy()
    wanted = np.linspace(cost[0], cost[-1], most)
    return curve.iloc[np.unique(np.abs(cost[:, None] - wanted).argmin(axis=0))]


def oracle_curve(outcomes: Outcomes) -> pd.DataFrame:
    """The upper bound: an oracle stops each image at its first right step, or at step 1 if there is none.

    Images that are right at an earlier step come first: `accuracy, mean_steps, mean_macs`, one row for each number
    of steps allowed.
    """
    right, macs = outcomes.right, outcomes.macs
    steps = right.shape[1]
    first = np.where(right.any(axis=1), right.argmax(axis=1), 0)
    rows = []
    for allowed in range(steps):
        leaves = np.where(first <= allowed, first, 0)
        rows.append(
            {
                "accuracy": right[np.arange(len(right)), leaves].mean(),
                "mean_steps": (leaves + 1).mean(),
                "mean_macs": macs[leaves].mean(),
            }
        )
    return pd.DataFrame(rows)


def area_under(curve: pd.DataFrame, up_to: float | None = None) -> float:
    """Mean accuracy between the curve's least and greatest mean MACs, linear between its points.

    If the network's cost never varies, this is its accuracy.

    Args:
        curve: As `sat_curve` or `oracle_curve` gives it.
        up_to: Mean MACs at which to end, for a curve that needs no more than some; it is level from there.

    >>> area_under(pd.DataFrame({"mean_macs": [10.0, 20.0, 40.0], "accuracy": [0.0, 1.0, 1.0]}))
    0.8333333333333334
    """
    cost, accuracy = curve["mean_macs"].to_numpy(), curve["accuracy"].to_numpy()
    if up_to is not None:
        cost, accuracy = np.append(cost, up_to), np.append(accuracy, accuracy[-1])
    span = cost[-1] - cost[0]
    return float(np.trapezoid(accuracy, cost) / span) if span else float(accuracy[-1])

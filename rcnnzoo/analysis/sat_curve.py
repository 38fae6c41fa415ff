"""The speed-accuracy trade-off, exact at every threshold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.policies.lookup import DEFAULT as ENTROPY
from rcnnzoo.readouts.lookup import DEFAULT as CUMULATIVE


def sat_curve(trace: xr.Dataset, policy: str = ENTROPY, readout: str = CUMULATIVE) -> pd.DataFrame:
    """Accuracy against mean cost at every threshold that makes a difference, from one pass over a trace.

    Args:
        trace: From `rcnnzoo.open_trace` or `rcnnzoo.make_trace`.
        policy: A registered exit policy.
        readout: A registered readout.

    Returns:
        A row a distinct outcome, from all images stopping at step 1 to none before the last: `threshold, accuracy,
        mean_steps, mean_macs`. A network that stops by a row's threshold does what the row says.

    Raises:
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.

    >>> from rcnnzoo.traces.labelled import make_trace
    >>> trace = make_trace([[[0.0, 1.0], [3.0, 0.0]], [[0.0, 2.0], [0.0, 9.0]]], labels=[0, 1], macs=[10, 30])
    >>> sat_curve(trace, "max-prob", "instantaneous").round(3)
       threshold  accuracy  mean_steps  mean_macs
    0      0.731       0.5         1.0       10.0
    1      0.881       1.0         1.5       25.0
    2        inf       1.0         2.0       40.0
    """
    return curve_of(find_outcomes(trace, policy, readout))


def curve_of(outcomes: Outcomes) -> pd.DataFrame:
    """As `sat_curve`, of outcomes that are known."""
    thresholds, earlier, step, before = _exits(outcomes.doubt)
    right, macs = outcomes.right, outcomes.macs
    images, steps = right.shape
    gained = right[earlier, step].astype(np.int64) - right[earlier, before]
    # From none before the last step, each threshold lets some images go at an earlier one.
    at, starts = np.unique(thresholds, return_index=True)
    changes = (gained, step - before, macs[step] - macs[before])
    last = (right[:, -1].sum(), images * steps, images * macs[-1])
    totals = [
        np.concatenate([[total], total + np.cumsum(np.add.reduceat(change, starts))]) if len(at) else np.array([total])
        for total, change in zip(last, changes, strict=True)
    ]
    sign = 1 if outcomes.below else -1
    table = pd.DataFrame(
        {
            "threshold": sign * np.concatenate([[-np.inf], at.astype(np.float64)]),
            "accuracy": totals[0] / images,
            "mean_steps": totals[1] / images,
            "mean_macs": totals[2] / images,
        }
    )
    return table[::-1].reset_index(drop=True)


def row_at(curve: pd.DataFrame, threshold: float, *, below: bool) -> pd.Series:
    """The row of a curve that says what stopping by a threshold does, be it one of the curve's own or between them.

    Args:
        curve: From `sat_curve`.
        threshold: In the policy's unit; rounded to float32, in which scores are.
        below: Whether the policy's network is sure at or below a threshold.
    """
    sign, threshold = (1 if below else -1), float(np.float32(threshold))
    # Of the rows that are no less strict, the least strict one: rows become stricter downwards.
    return curve[sign * curve["threshold"] <= sign * threshold].iloc[0]


def some_rows(curve: pd.DataFrame, most: int = 12) -> pd.DataFrame:
    """Rows spread evenly over the curve's cost, its ends among them, for people to read."""
    cost = curve["mean_macs"].to_numpy()
    wanted = np.linspace(cost[0], cost[-1], most)
    return curve.iloc[np.unique(np.abs(cost[:, None] - wanted).argmin(axis=0))]


Indices = npt.NDArray[np.int64]


def _exits(doubt: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], Indices, Indices, Indices]:
    """Every event, sorted by threshold: threshold, image, the step it then leaves at, the step it left at before.

    An image leaves at the first step whose doubt is at or below the threshold. As the threshold rises, that step
    changes only where the doubt is lower than at all steps before; nobody needs a reason to leave at the last.
    """
    images, steps = doubt.shape
    least_before = np.minimum.accumulate(
        np.concatenate([np.full((images, 1), np.inf, dtype=np.float32), doubt[:, :-1]], axis=1), axis=1
    )
    record = doubt < least_before
    record[:, -1] = True
    record[:, 0] = True  # a doubt of infinity is no less than infinity, but the first step comes first
    image, step = np.nonzero(record)
    following = np.concatenate([step[1:], [0]])
    leaves_early = step < steps - 1
    image, before, step = image[leaves_early], following[leaves_early], step[leaves_early]
    order = np.argsort(doubt[image, step], kind="stable")
    return doubt[image, step][order], image[order], step[order], before[order]


def oracle_curve(outcomes: Outcomes) -> pd.DataFrame:
    """The upper bound: who knows the answers lets an image run to its first right step, or stop at step 1.

    Images that are right at an earlier step are let in first: `accuracy, mean_steps, mean_macs`, a row for each number
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

    A network whose cost never changes has the accuracy it has.

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

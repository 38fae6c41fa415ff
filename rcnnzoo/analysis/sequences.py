"""How often the category of each image of a sequence wins, by its position and the time since its onset."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import xarray as xr

from rcnnzoo.analysis.intervals import wilson
from rcnnzoo.analysis.traces import READ_BYTES
from rcnnzoo.errors import TraceError
from rcnnzoo.readouts.best import first_best
from rcnnzoo.readouts.lookup import readout

DEFAULT = "instantaneous"
"""Readout: the others accumulate over all images of a sequence."""


def wins_by_position(trace: xr.Dataset, readout_name: str = DEFAULT) -> pd.DataFrame:
    """How often the category of the image at each position is the most probable one, from its onset to the trial's end.

    Args:
        trace: Of sequences, from `rcnnzoo.open_trace`.
        readout_name: A registered readout.

    Returns:
        One row per position, target or not where that is known, and step since the image's onset (from 1): `position,
        target, step_since_onset, trials, still_shown, wins, share, low, high`. `trials` are those with an image of a
        known category there that run that long; `still_shown` is in how many of them the image is shown at that step;
        low and high are the 95 % Wilson interval of the share.

    Raises:
        UnknownName: There is no such readout.
        TraceError: The trace is not one of sequences, or no category is known.
    """
    if "trial" not in trace.dims:
        raise TraceError(f"{trace.attrs.get('name', 'the trace')}: is not a trace of sequences")
    positions, labels = trace["position"].to_numpy(), trace["label"].to_numpy()
    if not (labels >= 0).any():
        raise TraceError(
            f"{trace.attrs['name']}: the category of no image is known, so nothing can win; name them in a column "
            "category, or trace images in folders that are called like the network's categories"
        )
    winners = _winners(trace, readout_name)
    targets = trace["target"].to_numpy() if "target" in trace else None
    rows: list[dict[str, Any]] = []
    for position in range(1, int(positions.max()) + 1):
        onset = (positions == position).argmax(axis=1)
        trial = np.flatnonzero((positions == position).any(axis=1))
        trial = trial[labels[trial, onset[trial]] >= 0]
        kinds = [None] if targets is None else sorted(set(targets[trial, onset[trial]].tolist()))
        for kind in kinds:
            chosen = trial if targets is None else trial[targets[trial, onset[trial]] == kind]
            known = {"position": position} | ({} if kind is None else {"target": kind})
            rows += [known | row for row in _since_onset(chosen, onset[chosen], positions, labels, winners)]
    return pd.DataFrame(rows)


def _since_onset(
    trials: npt.NDArray[np.int64],
    onset: npt.NDArray[np.int64],
    positions: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64],
    winners: npt.NDArray[np.int64],
) -> list[dict[str, Any]]:
    """A row for each step since the onset of these trials' images."""
    truth, rows = labels[trials, onset], []
    for later in range(positions.shape[1]):
        step = onset + later
        running = step < positions.shape[1]
        running[running] = positions[trials[running], step[running]] > 0
        if not running.any():
            break
        here, now = trials[running], step[running]
        wins, count = int((winners[here, now] == truth[running]).sum()), len(here)
        low, high = wilson(wins, count)
        rows.append(
            {
                "step_since_onset": later + 1,
                "trials": count,
                "still_shown": int((positions[here, now] == positions[here, onset[running]]).sum()),
                "wins": wins,
                "share": wins / count,
                "low": low,
                "high": high,
            }
        )
    return rows


def _winners(trace: xr.Dataset, readout_name: str) -> npt.NDArray[np.int64]:
    """The most probable category at each step, [N, T]; without meaning after a trial's end."""
    probabilities_of = readout(readout_name)
    trials, steps, categories = trace["logits"].shape
    block = max(1, READ_BYTES // (4 * steps * categories))
    parts = []
    for start in range(0, trials, block):
        logits = torch.from_numpy(trace["logits"][start : start + block].to_numpy().copy())
        parts.append(first_best(probabilities_of(logits.nan_to_num())).numpy())
    return np.concatenate(parts)

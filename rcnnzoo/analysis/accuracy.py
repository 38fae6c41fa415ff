"""Accuracy and calibration by time step, from a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import xarray as xr
from torch import Tensor

from rcnnzoo.analysis.intervals import wilson
from rcnnzoo.analysis.traces import in_blocks
from rcnnzoo.errors import TraceError
from rcnnzoo.readouts.best import first_best
from rcnnzoo.readouts.lookup import DEFAULT, readout

BINS = 15
"""Bins of confidence, of equal width, for the calibration error: as in Guo et al. 2017."""
TOP = 5
FEW = 10
"""Categories up to which nobody would ask for the top five."""


@dataclass(frozen=True)
class Accuracy:
    """How often a network is right, and how well calibrated its confidence is.

    Attributes:
        images: Number of images.
        readout: The rule from logits to probabilities.
        by_step: One row per time step: `step, mean_macs, accuracy, low, high` (95 % Wilson interval), with more than
            ten categories `top5, top5_low, top5_high`, then `nll` (mean negative log-likelihood, nats) and `ece`
            (expected calibration error).
        calibration: One row per step and bin of confidence with images in it: `step, bin, images, confidence,
            accuracy`.
        confusion: How many images of a category got which answer after all steps, [C, C]: a row per true category, a
            column per answer.
    """

    images: int
    readout: str
    by_step: pd.DataFrame
    calibration: pd.DataFrame
    confusion: npt.NDArray[np.int64]


def measure_accuracy(trace: xr.Dataset, readout_name: str = DEFAULT) -> Accuracy:
    """Accuracy by step of a trace's images; a tie between categories goes to the lowest index.

    Args:
        trace: From `rcnnzoo.open_trace` or `rcnnzoo.make_trace`; read in blocks.
        readout_name: A registered readout.

    Raises:
        UnknownName: There is no such readout.
        TraceError: The trace has no images.

    >>> from rcnnzoo import make_trace
    >>> trace = make_trace(torch.tensor([[[2.0, 1.0], [1.0, 2.0]]]).repeat(4, 1, 1), [0, 0, 0, 1], macs=[10, 20])
    >>> measure_accuracy(trace, "instantaneous").by_step["accuracy"].tolist()
    [0.75, 0.25]
    """
    images, steps, categories = trace["logits"].shape
    if not images:
        raise TraceError("the trace has no images: nothing to measure")
    sums = _sums(trace, readout(readout_name), steps)
    rows = []
    for step in range(steps):
        row: dict[str, Any] = {"step": step + 1, "mean_macs": int(trace["macs"].to_numpy()[: step + 1].sum())}
        row |= _interval("accuracy", "", int(sums.right[step]), images)
        if categories > FEW:
            row |= _interval("top5", "top5_", int(sums.right_of_five[step]), images)
        row |= {"nll": float(sums.nll[step]) / images, "ece": _calibration_error(sums, step, images)}
        rows.append(row)
    confusion = sums.answers.numpy().reshape(categories, categories)
    return Accuracy(images, readout_name, pd.DataFrame(rows), _calibration(sums), confusion)


@dataclass
class _Sums:
    """Totals over images: of each pair of true category and answer [C * C], of steps [T], of bins [T, bins]."""

    answers: Tensor
    right: Tensor
    right_of_five: Tensor
    nll: Tensor
    bin_images: Tensor
    bin_confidence: Tensor
    bin_right: Tensor


def _sums(trace: xr.Dataset, probabilities_of: Callable[[Tensor], Tensor], steps: int) -> _Sums:
    categories = trace.sizes["category"]
    of_step = [torch.zeros(steps, dtype=torch.float64) for _ in range(3)]
    of_bin = [torch.zeros(steps, BINS, dtype=torch.float64) for _ in range(3)]
    total = _Sums(torch.zeros(categories**2, dtype=torch.int64), *of_step, *of_bin)
    for logits, labels in in_blocks(trace):
        probabilities = probabilities_of(logits)
        truth = labels[:, None, None].expand(-1, steps, 1)
        of_truth = probabilities.gather(-1, truth)
        ahead = _ahead(probabilities, of_truth, truth)
        right = (ahead == 0).double()
        total.right += right.sum(0)
        pairs = labels * categories + first_best(probabilities[:, -1])
        total.answers += torch.bincount(pairs, minlength=categories**2)
        total.right_of_five += (ahead < TOP).sum(0)
        # A probability that underflowed to 0 counts as the smallest float32, so that the mean stays finite.
        least = torch.finfo(torch.float32).tiny
        total.nll -= of_truth[..., 0].double().clamp_min(least).log().sum(0)
        confidence = probabilities.amax(-1).double()
        bins = (confidence * BINS).ceil().long().sub(1).clamp(0, BINS - 1)
        for sums, values in (
            (total.bin_images, torch.ones_like(confidence)),
            (total.bin_confidence, confidence),
            (total.bin_right, right),
        ):
            sums.scatter_add_(1, bins.T, values.T)
    return total


def _ahead(probabilities: Tensor, of_truth: Tensor, truth: Tensor) -> Tensor:
    """How many categories come before the true one: [B, T, C], [B, T, 1], [B, T, 1] -> [B, T]."""
    index = torch.arange(probabilities.shape[-1])
    ties = (probabilities == of_truth) & (index < truth)
    return ((probabilities > of_truth) | ties).sum(-1)


def _interval(name: str, prefix: str, right: int, images: int) -> dict[str, float]:
    low, high = wilson(right, images)
    return {name: right / images, f"{prefix}low": low, f"{prefix}high": high}


def _calibration_error(sums: _Sums, step: int, images: int) -> float:
    """Mean distance between confidence and accuracy of a bin, weighted by its images (Guo et al. 2017, eq. 3)."""
    return float((sums.bin_confidence[step] - sums.bin_right[step]).abs().sum()) / images


def _calibration(sums: _Sums) -> pd.DataFrame:
    steps, bins = np.nonzero(sums.bin_images.numpy())
    number = sums.bin_images.numpy()[steps, bins]
    return pd.DataFrame(
        {
            "step": steps + 1,
            "bin": bins + 1,
            "images": number.astype(int),
            "confidence": sums.bin_confidence.numpy()[steps, bins] / number,
            "accuracy": sums.bin_right.numpy()[steps, bins] / number,
        }
    )

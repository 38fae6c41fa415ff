"""Choosing a threshold fairly: on one half of the images, with results reported on the other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from rcnnzoo.analysis.intervals import wilson
from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.analysis.sat_curve import curve_of, row_at
from rcnnzoo.errors import OptionError
from rcnnzoo.text import short


@dataclass(frozen=True)
class Half:
    """How a threshold performs on one half of the images.

    Attributes:
        images: How many there are.
        accuracy: Share of them that is right.
        interval: Its 95 % Wilson interval.
        mean_steps: Mean reaction time.
        mean_macs: Mean cost.
    """

    images: int
    accuracy: float
    interval: tuple[float, float]
    mean_steps: float
    mean_macs: float


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold, and how it performs on the images that it was chosen on and on others.

    Attributes:
        threshold: In the policy's unit.
        chosen_on: The half that it was chosen on, where it looks too good.
        reported_on: The other half.
    """

    threshold: float
    chosen_on: Half
    reported_on: Half


def choose_threshold(
    trace: xr.Dataset,
    policy: str,
    readout: str,
    *,
    budget: float | None = None,
    accuracy: float | None = None,
    seed: int = 0,
) -> ChosenThreshold:
    """The threshold that meets a budget or an accuracy; give one of the two.

    Args:
        trace: From `rcnnzoo.open_trace` or `rcnnzoo.make_trace`.
        policy: A registered exit policy.
        readout: A registered readout.
        budget: Mean MACs per image to stay within: the most accurate threshold that does, the cheapest among equals.
        accuracy: Share of right answers to reach: the cheapest threshold that does.
        seed: Random seed of the halves; each holds half of the images of every category, give or take one.

    Raises:
        OptionError: No threshold meets it, or there is only one image.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: The trace has no images.
    """
    outcomes = find_outcomes(trace, policy, readout)
    first, second = (outcomes.of(half) for half in halves(trace["label"].to_numpy(), seed))
    curve = curve_of(first)
    if budget is not None and accuracy is None:
        row = _within(curve, budget)
    elif accuracy is not None and budget is None:
        row = _reaching(curve, accuracy, len(first.right))
    else:
        raise OptionError("`budget` and `accuracy` can't be combined: give one of them")
    return ChosenThreshold(
        float(row["threshold"]),
        _half(row, len(first.right)),
        _half(row_at(curve_of(second), row["threshold"], below=outcomes.below), len(second.right)),
    )


def halves(labels: npt.NDArray[np.int64], seed: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Numbers of the images in two random halves with the same shares of categories.

    Raises:
        OptionError: There are fewer than two images.
    """
    if len(labels) < 2:
        raise OptionError(
            "a threshold is chosen on half of the images and reported on the other half: 1 image is too few"
        )
    random = np.random.default_rng(seed).permutation(len(labels))
    in_turn = random[np.argsort(labels[random], kind="stable")]
    return np.sort(in_turn[::2]), np.sort(in_turn[1::2])


def _within(curve: pd.DataFrame, budget: float) -> pd.Series:
    affordable = curve[curve["mean_macs"] <= budget]
    if affordable.empty:
        raise OptionError(
            f"`budget` {short(budget, 9)}: no threshold meets it, the first step alone takes "
            f"{math.ceil(curve['mean_macs'].iloc[0])} MACs per image; ask for at least that"
        )
    return affordable.iloc[int(affordable["accuracy"].argmax())]  # the first of equals, and rows rise in cost


def _reaching(curve: pd.DataFrame, accuracy: float, images: int) -> pd.Series:
    enough = curve[curve["accuracy"] >= accuracy]
    if enough.empty:
        raise OptionError(
            f"`accuracy` {accuracy:g}: no threshold meets it, the best reaches {_rounded_down(curve['accuracy'])} on "
            f"the {images:,} images it is chosen on; ask for at most that"
        )
    return enough.iloc[0]


def _rounded_down(accuracies: pd.Series) -> str:
    """The highest, to four places; typed again, it can be reached."""
    return f"{math.floor(accuracies.max() * 10_000) / 10_000:.4f}"


def _half(row: pd.Series, images: int) -> Half:
    share = float(row["accuracy"])
    steps, macs = float(row["mean_steps"]), float(row["mean_macs"])
    return Half(images, share, wilson(round(share * images), images), steps, macs)

"""A threshold with a guarantee: how far a network may stop early without losing more images than it is allowed to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import beta, binom

from rcnnzoo.analysis.outcomes import Outcomes, find_outcomes
from rcnnzoo.analysis.sat_curve import curve_of
from rcnnzoo.errors import OptionError, PluginError
from rcnnzoo.readouts.lookup import DEFAULT as CUMULATIVE

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Calibration:
    """A threshold, how it performs on the images that it was chosen on, and how it was found.

    Attributes:
        images: Number of images.
        max_loss: The risk that was allowed.
        confidence: The probability with which it is kept.
        all_steps: Whether no threshold passed, so that the answer is to run all steps.
        threshold: In the policy's unit; -inf or inf if no image may stop before the last step.
        loss: Share of these images that are right after all steps and wrong where they stop.
        bound: Upper confidence bound on the risk of a threshold with this loss (Clopper & Pearson 1934, one-sided).
        accuracy: Of the answers where images stop.
        accuracy_all_steps: Of those after all steps.
        mean_steps: Mean reaction time.
        mean_macs: Mean multiply-accumulates of an image.
        saving: Share of the multiply-accumulates of all steps that is saved.
        images_needed: Smallest number of images with which any threshold can pass.
        sequence: The thresholds from the most cautious on, as `in_sequence` gives them.
    """

    images: int
    max_loss: float
    confidence: float
    all_steps: bool
    threshold: float
    loss: float
    bound: float
    accuracy: float
    accuracy_all_steps: float
    mean_steps: float
    mean_macs: float
    saving: float
    images_needed: int
    sequence: pd.DataFrame

    @property
    def note(self) -> str | None:
        """Why the choice is to run all steps; None if it isn't."""
        if not self.all_steps:
            return None
        if len(self.sequence) == 1:
            return "run all steps: no threshold makes this network stop earlier"
        if self.images < self.images_needed:
            few, enough = f"{self.images:,}", f"{self.images_needed:,}"
            return f"no threshold can pass with {few} images (at least {enough} are needed): run all steps"
        return "run all steps: even the most cautious threshold at which any image stops earlier does not pass"


def calibrate(
    trace: xr.Dataset, policy: str, max_loss: float, confidence: float = CONFIDENCE, readout: str = CUMULATIVE
) -> Calibration:
    """The cheapest threshold whose risk is at most `max_loss`, with a probability of at least `confidence`.

    The risk is the share of all images of this kind that are right after all steps and wrong where they stop; it is no
    less than the loss of accuracy. The promise is about the draw of the trace's images, which have to be independent
    of each other, of the network and of the choice of policy and readout. Source: learn then test (Angelopoulos,
    Bates, Candès, Jordan & Lei 2021, arXiv 2110.01052), with exact binomial tests in a fixed sequence.

    Args:
        trace: From `rcnnzoo.open_trace` or `rcnnzoo.make_trace`.
        policy: A registered exit policy.
        max_loss: Between 0 and 1.
        confidence: Between 0 and 1.
        readout: A registered readout.

    Raises:
        OptionError: `max_loss` or `confidence` is not between 0 and 1.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, have another shape, or leave no threshold cautious enough.
        TraceError: The trace has no images.

    >>> from rcnnzoo import make_trace
    >>> trace = make_trace([[[0.0, 1.0], [0.0, 2.0]]] * 60, labels=[1] * 60, macs=[10, 30])
    >>> found = calibrate(trace, "max-prob", max_loss=0.05)
    >>> round(found.threshold, 3), found.mean_macs, found.images_needed
    (0.731, 10.0, 59)
    """
    check_shares(max_loss, confidence)
    outcomes = find_outcomes(trace, policy, readout)
    if np.isinf(outcomes.doubt).any():
        raise PluginError(f"policy {policy!r} gave infinite scores: no threshold is beyond them, so none is cautious")
    sequence = in_sequence(outcomes, max_loss, confidence)
    chosen = sequence[sequence["passed"]].iloc[-1]
    return Calibration(
        images=len(outcomes.right),
        max_loss=max_loss,
        confidence=confidence,
        all_steps=bool(sequence["passed"].sum() == 1),
        **{name: float(chosen[name]) for name in ("threshold", "loss", "bound", "accuracy")},
        accuracy_all_steps=float(sequence["accuracy"].iloc[0]),
        **{name: float(chosen[name]) for name in ("mean_steps", "mean_macs")},
        saving=float(1 - chosen["mean_macs"] / outcomes.macs[-1]),
        images_needed=math.ceil(math.log(1 - confidence) / math.log1p(-max_loss)),
        sequence=sequence,
    )


def in_sequence(outcomes: Outcomes, max_loss: float, confidence: float) -> pd.DataFrame:
    """Thresholds from the most cautious on, tested one after the other until one fails.

    The hypothesis of a test is that the risk exceeds `max_loss`; its p value is the probability that this many images,
    or fewer, are lost if the risk is `max_loss`. No correction for the number of tests is needed, although the
    thresholds are themselves scores of these images. To see why, think of all real thresholds as being tested, from the
    most cautious on. The set of lost images changes only at a score, so a row represents all thresholds from its own to
    the next, and the rows together represent every real threshold. The critical one is where the true risk first
    exceeds `max_loss`; it does not depend on the images that were drawn. An image stops at a score *equal* to the
    threshold, so the risk, from cautious to bold, is continuous from the bold side, and at the critical threshold it is
    `max_loss` or more. Hence the test there passes with a probability of at most 1 - `confidence`; and if it fails, the
    sequence has ended where no risk exceeds `max_loss`. Ties, and scores rounded to float32, make no difference: the
    risk may jump at the critical threshold, and only its value there was used.

    Args:
        outcomes: Of independent images.
        max_loss: Between 0 and 1.
        confidence: Between 0 and 1.

    Returns:
        One row per distinct outcome: `threshold, loss, bound, p_value, accuracy, mean_steps, mean_macs, tested,
        passed`. The first, all steps, loses nothing by definition and isn't tested. `bound` is the upper confidence
        bound of Clopper & Pearson for one threshold by itself: it is at most `max_loss` where `p_value` is at most
        1 - `confidence`. `passed` is whether the sequence got beyond the row: its last is the choice.
    """
    lost = outcomes.right[:, -1:] & ~outcomes.right
    # Being wrong for having stopped takes the place of being right: the same events, so the same rows.
    curve = curve_of(outcomes).assign(loss=curve_of(replace(outcomes, right=lost))["accuracy"])
    table = curve[::-1].reset_index(drop=True)
    images = len(lost)
    count = np.rint(table["loss"].to_numpy() * images)
    p_value = binom.cdf(count, images, max_loss)
    bound = np.where(count < images, beta.ppf(confidence, count + 1, np.maximum(images - count, 1)), 1.0)
    p_value[0], bound[0] = np.nan, 0.0
    failures = np.flatnonzero(p_value > 1 - confidence)
    end = failures[0] if len(failures) else len(table)
    place = np.arange(len(table))
    table = table.assign(bound=bound, p_value=p_value, tested=(place > 0) & (place <= end), passed=place < end)
    return table[["threshold", "loss", "bound", "p_value", "accuracy", "mean_steps", "mean_macs", "tested", "passed"]]


def check_shares(max_loss: float, confidence: float) -> None:
    """Refuse a risk or a confidence for which no guarantee can be given.

    Raises:
        OptionError: One is not between 0 and 1.
    """
    for option, value, example in (("max_loss", max_loss, 0.01), ("confidence", confidence, CONFIDENCE)):
        if not 0 < value < 1:
            raise OptionError(f"`{option}` {value:g}: take a share between 0 and 1, like {example}")

"""Whether weights are what they claim to be: undamaged, complete, and as accurate. `rcnnzoo verify`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.architectures.card import Card
from rcnnzoo.devices import PRECISION
from rcnnzoo.errors import DataError
from rcnnzoo.results.naming import images_of
from rcnnzoo.results.result import Result
from rcnnzoo.weights.verification import Check

SHARE, IMAGES = 0.002, 2
"""By how many images an accuracy may differ, whichever is more: processors decide near ties differently."""
DIGEST = re.compile("[0-9a-f]{64}")
WORDS = {True: "holds", False: "FAILS", None: "no claim"}


def verify(file: Path, checks: Sequence[Check]) -> Result:
    """What came of checks of a weight file."""
    rows = [{"check": check.name, "": WORDS[check.ok], "found": _shortened(check.found)} for check in checks]
    hashes = [f"{check.name}: {check.found}" for check in checks if DIGEST.search(check.found)]
    return Result({"file": str(file), "checks": [asdict(check) for check in checks]}, [(str(file), rows)], notes=hashes)


def _shortened(found: str) -> str:
    """Hashes by their first digits, which a column has room for: they stand below the table in full."""
    return DIGEST.sub(lambda digest: f"{digest[0][:12]}…", found)


def claimed_precision(card: Card) -> str:
    """The precision in which a network's accuracy was measured, so that it can be measured alike."""
    claim, training = card.metrics or {}, card.training or {}
    return str(claim.get("precision") or training.get("precision") or PRECISION)


def check_accuracy(card: Card, trace: xr.Dataset, data_sha256: str) -> Check:
    """The accuracy that a network claims, against a trace of the images it claims it for.

    It holds if no time step differs by more than 0.2 % of the images, or by two images where these are few.

    Args:
        card: Of the network.
        trace: Of the network.
        data_sha256: Of the trace's images: their names, labels and categories.

    Raises:
        UnknownName: The claim's readout isn't installed.
        DataError: The claim isn't one that can be read.
    """
    name = f"accuracy on {images_of(trace)}"
    claim = card.metrics
    if claim is None:
        measured = measure_accuracy(trace).by_step["accuracy"].to_numpy()
        return Check(
            name, None, f"the file claims none; {_by_step(measured)} measured on {trace.sizes['image']} images"
        )
    try:
        claimed = np.array(claim["accuracy"], dtype=float)
        readout, images, where = claim["readout"], int(claim["images"]), f"{claim['data']} {claim['split']}"
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"the accuracy that the file claims can't be read ({error!r})") from error
    measured = measure_accuracy(trace, readout).by_step["accuracy"].to_numpy()
    if claimed.shape != measured.shape:
        return Check(name, False, f"{len(claimed)} accuracies are claimed, of {len(measured)} time steps")
    both = f"{_by_step(claimed)} claimed, {_by_step(measured)} measured ({readout}, {trace.sizes['image']} images)"
    if images != trace.sizes["image"] or claim.get("data_sha256", data_sha256) != data_sha256:
        return Check(name, None, f"{both}; the claim is about other images ({images} of {where})")
    worst = abs(claimed - measured).max()
    return Check(name, bool(worst <= max(SHARE, IMAGES / images) + 1e-9), f"{both}, apart by {100 * worst:.2f} points")


def _by_step(accuracies: np.ndarray[Any, Any]) -> str:
    first, last = 100 * accuracies[0], 100 * accuracies[-1]
    return f"{last:.2f} %" if len(accuracies) == 1 else f"{first:.2f} to {last:.2f} %"

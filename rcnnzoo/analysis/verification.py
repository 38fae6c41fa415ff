"""Whether a weight file is what it says: undamaged, complete, and as accurate as it claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import xarray as xr

from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.errors import DataError, WeightsError
from rcnnzoo.weights.files import HASH, bytes_hash, content_hash, load, read_header

SHARE, IMAGES = 0.002, 2
"""By how many images an accuracy may differ, whichever is more: processors decide near ties differently."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What.
        ok: Whether it is as it should be; None if nothing was claimed that could be checked.
        found: What was found, in words.
    """

    name: str
    ok: bool | None
    found: str


def failed(checks: Sequence[Check]) -> list[str]:
    """Names of those that found something else than they should."""
    return [check.name for check in checks if check.ok is False]


def check_file(path: Path, sha256: str | None = None) -> list[Check]:
    """What the file alone can tell.

    Args:
        path: The weight file.
        sha256: Of the file's bytes, as its publisher gives it.

    Raises:
        WeightsError: It is missing, damaged, or not rcnnzoo's, so that nothing can be checked.
    """
    metadata, shapes = read_header(path)
    found = bytes_hash(path)
    ok = None if sha256 is None else found == sha256.lower()
    checks = [Check("SHA-256 of the file", ok, found if ok is not False else f"{found}, not {sha256}")]
    checks.append(_check_content(path, metadata))
    try:
        network = load(path)
    except WeightsError as error:
        return [*checks, Check("tensors", False, str(error).removeprefix(f"{path}: "))]
    options = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in network.metadata["options"].items())
    named = f"{len(shapes)} tensors, all names and shapes those of {metadata['architecture']} ({options}), all finite"
    return [*checks, Check("tensors", True, named), _check_categories(metadata["categories"])]


def _check_content(path: Path, metadata: Mapping[str, Any]) -> Check:
    name = "hash of tensors and metadata"
    if HASH not in metadata:
        return Check(name, None, "the file records none (written by an early rcnnzoo)")
    found = content_hash(metadata, safetensors.torch.load_file(path))
    if found == metadata[HASH]:
        return Check(name, True, found)
    return Check(name, False, f"{found}, but {metadata[HASH]} is recorded: the file was changed after it was written")


def _check_categories(categories: list[str]) -> Check:
    if categories == [str(number) for number in range(len(categories))]:
        return Check("categories", None, f"{len(categories)}, numbered")
    unfit = [name for name in categories if not name.strip() or not name.isprintable()]
    named = f"{len(categories)}: {', '.join(categories[:3])}{', ...' if len(categories) > 3 else ''}"
    return Check("categories", not unfit, f"{unfit[0]!r} is no name" if unfit else named)


def claimed_precision(metadata: Mapping[str, Any]) -> str:
    """The precision in which a network's accuracy was measured, so that it can be measured alike."""
    claim, training = (metadata.get(name) or {} for name in ("metrics", "training"))
    return str(claim.get("precision") or training.get("precision") or "fp32")


def check_accuracy(metadata: Mapping[str, Any], trace: xr.Dataset, data_sha256: str) -> Check:
    """The accuracy that a network claims, against a trace of the images it claims it for.

    It holds if no time step differs by more than 0.2 % of the images, or by two images where these are few.

    Args:
        metadata: Of the network.
        trace: Of the network.
        data_sha256: Of the trace's images: their names, labels and categories.

    Raises:
        UnknownName: The claim's readout isn't installed.
        DataError: The claim isn't one that can be read.
    """
    name = f"accuracy on {trace.attrs['data']} {trace.attrs['split']}"
    claim = metadata.get("metrics")
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

"""The images that a network decides on soonest and latest, with what it makes of them over time."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from PIL import Image

from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.data.images import read_at
from rcnnzoo.data.splits import Split, choose
from rcnnzoo.errors import RcnnzooError
from rcnnzoo.policies.lookup import policy as look_up_policy
from rcnnzoo.readouts.lookup import readout as look_up_readout
from rcnnzoo.report.subjects import Member, Subjects

SHOWN = 6
"""Images of each kind."""
CATEGORIES = 3
"""Categories whose probabilities are drawn: the most probable ones over time, and the true one."""
LARGEST = 96
"""Side of a picture on the page in pixels; larger images are reduced."""


def examples(
    subjects: Subjects, policy: str, readout: str, data: str | None, data_dir: Path | None
) -> dict[str, Any] | None:
    """The easiest and the hardest images of the first network with several time steps.

    None if there is no such network, or to the policy all images are alike.

    Easy is what the network is sure of soonest: images are in the order of their mean score over time steps under the
    exit policy, the same order as the area under the curve of its uncertainty.

    Args:
        subjects: The networks.
        policy: Whose score says how sure the network is.
        readout: What gives probabilities.
        data: What a user typed for the images, if anything.
        data_dir: Likewise.
    """
    found = [(name, of) for name, of in subjects.networks.items() if _steps(next(iter(of.values()))) > 1]
    if not found:
        return None
    name, members = found[0]
    member = next(iter(members.values()))
    trace = member.opened.trace
    outcomes = find_outcomes(trace, policy, readout)
    area = outcomes.doubt.mean(axis=1)
    if area.min() == area.max():  # as under fixed-steps, to which all images are alike
        return None
    order = np.argsort(area, kind="stable")
    count = min(SHOWN, len(order) // 2)
    chosen = [(int(place), "easiest") for place in order[:count]]
    chosen += [(int(place), "hardest") for place in order[::-1][:count]]
    split, note = _split(member, data, data_dir)
    unit = look_up_policy(policy).unit
    seed = f", seed {next(iter(members))}" if len(members) > 1 else ""
    return {
        "network": name,
        "title": f"{name}{seed}: images in the order of {policy} averaged over time steps, {readout} readout",
        "note": note,
        "images": [
            {
                "kind": kind,
                "measure": f"mean {policy} {outcomes.scores[place].mean():.3g} {unit}",
                "right": bool(outcomes.right[place, -1]),
                **_example(trace, place, readout, split),
            }
            for place, kind in chosen
        ],
    }


def _steps(member: Member) -> int:
    return int(member.opened.trace.sizes["step"])


def _example(trace: xr.Dataset, place: int, readout: str, split: Split | None) -> Mapping[str, Any]:
    """An image, and its probabilities over time."""
    logits = torch.from_numpy(trace["logits"][place].to_numpy().copy())
    probabilities = look_up_readout(readout)(logits).numpy()  # [T, C]
    label = int(trace["label"][place])
    best = np.argsort(-probabilities.max(axis=0), kind="stable")[:CATEGORIES].tolist()
    names = trace["category"].to_numpy()
    drawn = list(dict.fromkeys([label, *best]))
    return {
        "file": str(trace["file"].to_numpy()[place]),
        "label": str(names[label]),
        "picture": None if split is None else _picture(split, place),
        "categories": [str(names[category]) for category in drawn],
        "probabilities": [[round(float(p), 4) for p in probabilities[:, category]] for category in drawn],
    }


def _split(member: Member, data: str | None, data_dir: Path | None) -> tuple[Split | None, str]:
    """The images of a trace, and why they can't be shown if they can't."""
    trace = member.opened.trace
    if member.reference.is_trace:
        return None, "Pictures are not shown: a trace does not hold them; name the network instead."
    try:
        split = member.reference.images(data, data_dir).split(str(trace.attrs["split"]))
    except RcnnzooError as error:
        return None, f"Pictures are not shown: {error}"
    places = {file: place for place, file in enumerate(split.files)}
    order = [places.get(str(file)) for file in trace["file"].to_numpy()]
    if any(place is None for place in order):
        return None, "Pictures are not shown: the images are no longer those that were traced."
    return choose(split, np.array(order, dtype=np.int64)), ""


def _picture(split: Split, place: int) -> str | None:
    """An image as a data URI; None if it can't be read."""
    image, _ = read_at(split, place)
    if not isinstance(image, Image.Image):
        return None
    image.thumbnail((LARGEST, LARGEST))
    content = io.BytesIO()
    image.save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode('ascii')}"

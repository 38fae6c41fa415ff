"""What stopping early saves on the device at hand: `rcnnzoo profile --measure`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rcnnzoo.analysis.sat_curve import sat_curve
from rcnnzoo.architectures.card import card_of
from rcnnzoo.architectures.convolution import Algorithm, Shape, measured_on
from rcnnzoo.data.images import sample_images
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.devices import PRECISION, best_device, device_name
from rcnnzoo.engine.conditions import PLAIN, Conditions
from rcnnzoo.engine.measure import measure_decisions
from rcnnzoo.engine.unrolling import Unrolling
from rcnnzoo.figures.measurement import draw_measurement
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.recording.labelled import make_trace
from rcnnzoo.results.naming import file_stem, in_words, rule_of
from rcnnzoo.results.onset import MEAN_STEPS, mean_steps, steps_before
from rcnnzoo.results.result import Result, or_none, percent
from rcnnzoo.subjects import Subject

IMAGES = 64
"""What early exit is measured on, unless it is said on how many images."""
AT_ONCE = 16
"""Images that go through all steps together when thresholds are looked for."""


def measure(
    subject: Subject,
    policy: str = POLICY,
    readout: str = READOUT,
    *,
    threshold: float | None = None,
    images: int = IMAGES,
    precision: str = PRECISION,
    conditions: Conditions = PLAIN,
    since_onset: bool = False,
) -> Result:
    """What deciding takes on this device: at a threshold, else at three that fit the network.

    Raises:
        UnknownName: There is no such policy, readout or precision.
        OptionError: The threshold is outside the policy's bounds, or the image whose onset is asked for is never shown.
        PluginError: The policy's scores are not numbers, or have another shape.
        DataError: No image can be read.
    """
    before = steps_before(conditions.programme(subject.model.num_steps).image_onset) if since_onset else None
    device = best_device()
    network = subject.model.to(device).to(memory_format=torch.channels_last).eval()
    unrolling = conditions.on(network)
    split = subject.data.split(subject.split)
    shown, names = sample_images(split, card_of(network).image_size, images, Unreadable())
    shown = shown.to(device)
    thresholds = fitting_thresholds(unrolling, shown, names, policy, readout) if threshold is None else [threshold]
    found = measure_decisions(unrolling, shown, names, policy, thresholds, readout, precision)
    table = found.table
    if before is not None:
        table = table.assign(**{MEAN_STEPS: table["mean_steps"] - before})
    where = f"{len(shown)} images of {subject.data.name} {subject.split} on {device_name(device)}, {precision}"
    what = ", ".join([subject.name, *in_words(conditions, network.num_steps), rule_of(policy, readout)])
    convolutions = measured_on(device)
    document: dict[str, Any] = {
        "device": device_name(device),
        "images": len(shown),
        "precision": precision,
        **conditions.identity(network.num_steps),
        "steps": unrolling.network.num_steps,
        "trained_steps": network.num_steps,
        **{str(name): values for name, values in table.to_dict("list").items()},
        "agreement": None if found.agreement is None else found.agreement.to_dict("list"),
        "convolutions": [{**asdict(shape), "seconds": took} for shape, took in convolutions.items()],
    }
    tables = [(f"{what}, {where}", [_measured_row(row) for row in table.to_dict("records")])]
    if found.agreement is not None:
        tables.append((f"{precision} beside fp32", [_agreement_row(r) for r in found.agreement.to_dict("records")]))
    if convolutions:
        rows = [_convolution_row(shape, took) for shape, took in convolutions.items()]
        tables.append(("convolutions, ms per image", rows))
    stem = file_stem("measure", policy=policy, readout=readout, precision=precision)
    figures = {stem: partial(draw_measurement, table, f"{what}\n{where}")}
    return Result(or_none(document), tables, {stem: table}, figures)


def fitting_thresholds(
    unrolling: Unrolling, images: Tensor, names: Sequence[str], policy: str, readout: str
) -> list[float]:
    """Thresholds at which a network takes about a quarter, a half and three quarters of its further steps.

    Args:
        unrolling: The network, and what it is shown.
        images: [N, 3, H, W] in [-1, 1], on which reaction times are looked at.
        names: Of each.
        policy: A registered exit policy.
        readout: A registered readout.
    """
    with torch.inference_mode():
        parts = [slice(start, start + AT_ONCE) for start in range(0, len(images), AT_ONCE)]
        logits = torch.cat([unrolling.logits(images[part], names[part]) for part in parts])
    trace = make_trace(logits, [0] * len(images), unrolling.count(images.shape[-2:]).macs)
    curve = sat_curve(trace, policy, readout)
    wanted = [1 + share * (unrolling.network.num_steps - 1) for share in (0.25, 0.5, 0.75)]
    rows = sorted({int((curve["mean_steps"] - steps).abs().argmin()) for steps in wanted} - {len(curve) - 1})
    return curve["threshold"].iloc[rows].tolist()


def _measured_row(row: Mapping[Any, Any]) -> dict[str, object]:
    energy = {} if math.isnan(row["joules"]) else {"J per image": f"{row['joules']:.3g}"}
    return {
        "threshold": f"{row['threshold']:.4g}",
        **mean_steps(row),
        "latency (ms)": f"{row['latency_ms']:.1f}",
        "images per second": f"{row['images_per_second']:.1f}",
        "times faster": f"{row['saving']:.2f}",
        "times fewer MACs": f"{row['macs_saving']:.2f}",
        "peak memory (GiB)": f"{row['peak_memory'] / 2**30:.2f}",
        **energy,
    }


def _agreement_row(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "threshold": f"{row['threshold']:.4g}",
        "same category %": percent(row["same_category"]),
        "same reaction time %": percent(row["same_reaction_time"]),
    }


def _convolution_row(shape: Shape, seconds: Mapping[Algorithm, float]) -> dict[str, object]:
    row: dict[str, object] = {
        "maps": f"{' + '.join(map(str, shape.maps_in))} -> {shape.maps}",
        "map size": f"{shape.height} x {shape.width}",
        "kernel": shape.kernel,
    }
    row |= {name: f"{1000 * took:.2f}" for name, took in seconds.items()}
    return row | {"taken": min(seconds, key=lambda name: seconds[name])}

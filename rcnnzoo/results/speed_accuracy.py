"""Accuracy against mean cost, at every threshold, at one, or at the one that meets a wish: `rcnnzoo profile`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import xarray as xr

from rcnnzoo.analysis.half_split import choose_threshold
from rcnnzoo.analysis.intervals import Bootstrap
from rcnnzoo.analysis.profile import Profile, profile_all
from rcnnzoo.analysis.sat_curve import at_threshold, evenly_spaced_rows
from rcnnzoo.figures.sat import draw_sat
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.results.naming import file_stem, images_of, images_of_all, rule_of
from rcnnzoo.results.onset import MEAN_STEPS, mean_steps, steps_before_image
from rcnnzoo.results.result import Result, interval, or_none, percent
from rcnnzoo.results.saving import stacked
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.text import short

DIGITS = 9
"""Of a budget, which is repeated as it was typed."""


def sweep(
    traces: Mapping[str, OpenTrace],
    policy: str = POLICY,
    readout: str = READOUT,
    bootstrap: Bootstrap | None = None,
    *,
    since_onset: bool = False,
) -> Result:
    """The curve of the first network with its oracle, and the others' beside it (the paper's Fig. 1).

    Args:
        traces: By name, of the same images.
        policy: A registered exit policy.
        readout: A registered readout.
        bootstrap: For a band around each curve.
        since_onset: Whether to say mean steps since the image's onset as well.

    Raises:
        OptionError: That is asked for, and the image is never shown.
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: A trace has no images, or they are of different images.
    """
    profiles = profile_all({name: opened.trace for name, opened in traces.items()}, policy, readout, bootstrap)
    if since_onset:
        profiles = {name: _since_onset(one, traces[name].trace) for name, one in profiles.items()}
    name, first = next(iter(profiles.items()))
    curves = {other: one.curve for other, one in profiles.items()}
    bands = {other: one.band for other, one in profiles.items() if one.band is not None}
    images = images_of_all({other: opened.trace for other, opened in traces.items()})
    title = f"{images}, {first.images:,} images, {rule_of(policy, readout)}"
    documents = [_document(other, one) for other, one in profiles.items()]
    document = {
        **documents[0],
        "policy": policy,
        "readout": readout,
        "images": first.images,
        "bootstrap": None if bootstrap is None else asdict(bootstrap),
        "against": documents[1:],
    }
    rows = [_row(row) for row in evenly_spaced_rows(first.curve).to_dict("records")]
    tables = [
        (f"{name} on {title}: {len(rows)} of {len(first.curve):,} distinct outcomes", rows),
        (None, [_summary(other, one) for other, one in profiles.items()]),
    ]
    stem = partial(file_stem, policy=policy, readout=readout)
    data = {stem("sat"): first.curve, stem("oracle"): first.oracle}
    if len(curves) > 1:
        data[stem("against")] = stacked(curves)
    if bootstrap is not None:
        data[stem("band")] = stacked(bands).assign(**asdict(bootstrap))
    figures = {stem("sat"): partial(draw_sat, curves, first.oracle, title, bands)}
    return Result(or_none(document), tables, data, figures)


def _since_onset(profile: Profile, trace: xr.Dataset) -> Profile:
    """A profile whose tables have a column more."""
    before = steps_before_image(trace)
    curve, oracle = (
        table.assign(**{MEAN_STEPS: table["mean_steps"] - before}) for table in (profile.curve, profile.oracle)
    )
    return replace(profile, curve=curve, oracle=oracle)


def _document(name: str, profile: Profile) -> dict[str, Any]:
    areas = {"area": profile.area, "oracle_area": profile.oracle_area}
    curve: dict[Any, Any] = profile.curve.to_dict("list")
    band = None if profile.band is None else profile.band.to_dict("list")
    return {"name": name, **areas, **curve, "band": band}


def _summary(name: str, profile: Profile) -> dict[str, object]:
    return {
        "network": name,
        "top-1 % after all steps": percent(profile.curve["accuracy"].iloc[-1]),
        "MACs per image": round(profile.curve["mean_macs"].iloc[-1]),
        "mean top-1 % over cost": f"{100 * profile.area:.2f}",
        "of an oracle": f"{100 * profile.oracle_area:.2f}",
    }


def stop_at(
    name: str, opened: OpenTrace, policy: str, readout: str, threshold: float, *, since_onset: bool = False
) -> Result:
    """What stopping by one threshold does to a network.

    Raises:
        OptionError: The threshold is outside the policy's bounds; and as `sweep`.
    """
    row = {"threshold": threshold, **at_threshold(opened.trace, policy, readout, threshold)}
    if since_onset:
        row[MEAN_STEPS] = row["mean_steps"] - steps_before_image(opened.trace)
    document = {"name": name, "policy": policy, "readout": readout, **row}
    title = f"{name} on {images_of(opened.trace)}, {rule_of(policy, readout)}"
    return Result(or_none(document), [(title, [_row(row)])])


def meet(
    name: str,
    opened: OpenTrace,
    policy: str,
    readout: str,
    *,
    budget: float | None = None,
    accuracy: float | None = None,
    seed: int = 0,
    since_onset: bool = False,
) -> tuple[Result, float]:
    """The threshold of a network that meets a wish; and that threshold, which in a document may be None.

    Raises:
        OptionError: No threshold meets it; and as `sweep`.
    """
    found = choose_threshold(opened.trace, policy, readout, budget=budget, accuracy=accuracy, seed=seed)
    halves = {part: asdict(getattr(found, part)) for part in ("chosen_on", "reported_on")}
    if since_onset:
        for half in halves.values():
            half[MEAN_STEPS] = half["mean_steps"] - steps_before_image(opened.trace)
    document = {
        "name": name,
        "policy": policy,
        "readout": readout,
        "budget": budget,
        "wanted_accuracy": accuracy,
        "seed": seed,
        "threshold": found.threshold,
        **halves,
    }
    rows = [_half(part.replace("_", " "), half) for part, half in halves.items()]
    wish = (
        f"budget of {short(budget, DIGITS)} MACs" if budget is not None else f"accuracy of {100 * (accuracy or 0):g} %"
    )
    where = f"{name} on {images_of(opened.trace)}, {rule_of(policy, readout)}"
    return Result(or_none(document), [(f"{wish}: threshold {found.threshold:.9g} for {where}", rows)]), found.threshold


def _half(part: str, half: Mapping[str, Any]) -> dict[str, object]:
    return {
        "": part,
        "images": half["images"],
        "top-1 %": percent(half["accuracy"]),
        "95 % interval": interval(*half["interval"]),
        **mean_steps(half),
        "mean MACs per image": round(half["mean_macs"]),
    }


def _row(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "threshold": f"{row['threshold']:.4g}",
        "top-1 %": percent(row["accuracy"]),
        **mean_steps(row),
        "mean MACs per image": round(row["mean_macs"]),
    }

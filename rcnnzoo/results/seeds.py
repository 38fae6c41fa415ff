"""Networks with several members, which differ in their seed alone: means and intervals over seeds.

An interval says how much the mean would vary if networks were trained with other seeds and shown these same images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rcnnzoo.analysis.accuracy import measure_accuracy
from rcnnzoo.analysis.bands import accuracy_at
from rcnnzoo.analysis.changes import changes_of
from rcnnzoo.analysis.intervals import mean_of_seeds
from rcnnzoo.analysis.outcomes import find_outcomes
from rcnnzoo.analysis.sat_curve import area_under, evenly_spaced_rows
from rcnnzoo.analysis.seeds import accuracy_over_seeds, curve_over_seeds
from rcnnzoo.analysis.traces import check_same_images
from rcnnzoo.figures.accuracy import draw_seeds
from rcnnzoo.figures.sat import draw_sat
from rcnnzoo.policies.lookup import DEFAULT as POLICY
from rcnnzoo.readouts.lookup import DEFAULT as READOUT
from rcnnzoo.references import Reference
from rcnnzoo.results.naming import file_stem, images_of_all, rule_of
from rcnnzoo.results.onset import MEAN_STEPS, STEP, mean_steps, steps_before_image
from rcnnzoo.results.result import Result, interval, or_none, percent
from rcnnzoo.results.saving import stacked
from rcnnzoo.subjects import OpenTrace
from rcnnzoo.text import counted

Members = Mapping[int, OpenTrace]
"""The traces of a network's members by their seeds."""
OVER = "95 % over seeds"


def in_turn(text: str, ask: Callable[[str, Path | None], Result], out: Path | None = None) -> Result:
    """What is found for a network; for each of its members, one after another, if there are several.

    Args:
        text: What a user typed for MODEL or TRACE.
        ask: The question, of what a user could have typed for one network, and the folder for results.
        out: The folder for results; those of members go into folders of their names in it.
    """
    members = Reference(text).members
    if not members:
        return ask(text, out)
    found = {
        seed: ask(member.text, None if out is None else out / Path(member.text).name)
        for seed, member in members.items()
    }
    return Result(
        {"members": {str(seed): result.document for seed, result in found.items()}},
        [
            (f"seed {seed}" if title is None else f"seed {seed}: {title}", rows)
            for seed, result in found.items()
            for title, rows in result.tables
        ],
        notes=[note for result in found.values() for note in result.notes],
        pictures=[picture for result in found.values() for picture in result.pictures],
    )


def folder(text: str, members: Members) -> Path:
    """Where results of several members go: beside them, in a folder named after their images."""
    return Path(text) / next(iter(members.values())).results.name


def evaluate(name: str, members: Members, readout: str = READOUT, *, since_onset: bool = False) -> Result:
    """Accuracy by time step: mean over seeds with its 95 % interval, and that of each seed.

    Args:
        name: Of the network.
        members: Traces of its members.
        readout: A registered readout.
        since_onset: Whether to show time steps since the image's onset.

    Raises:
        OptionError: That is asked for, and the image is never shown.
        UnknownName: There is no such readout.
        TraceError: A trace has no images, or they are of different images.
    """
    traces = labelled({name: members})
    check_same_images(traces)
    first = next(iter(traces.values()))
    by_step = {seed: measure_accuracy(opened.trace, readout).by_step for seed, opened in members.items()}
    if since_onset:
        before = steps_before_image(first)
        by_step = {seed: table.assign(**{STEP: table["step"] - before}) for seed, table in by_step.items()}
    mean = accuracy_over_seeds(list(by_step.values()))
    images = f"{images_of_all(traces)}, {first.sizes['image']:,} images"
    title = f"{name} on {images}, {counted(len(members), 'seed')}, {readout} readout"
    columns: dict[Any, Any] = mean.to_dict("list")
    document = {
        "name": name,
        "seeds": list(members),
        "images": first.sizes["image"],
        "readout": readout,
        "accuracy": columns["accuracy"],
        "accuracy_interval": [list(pair) for pair in zip(columns["low"], columns["high"], strict=True)],
        **{column: columns[column] for column in ("top5", "nll", "ece", "mean_macs", STEP) if column in columns},
        **{key: first.attrs[key] for key in ("data", "split")},
        "members": {
            str(seed): {"accuracy": by_step[seed]["accuracy"].to_list(), "trace": str(opened.path)}
            for seed, opened in members.items()
        },
    }
    shares = np.array([table["accuracy"] for table in by_step.values()])
    rows = [
        _step(row, lowest, highest)
        for row, lowest, highest in zip(mean.to_dict("records"), shares.min(0), shares.max(0), strict=True)
    ]
    stem, each = (file_stem(question, readout=readout) for question in ("accuracy", "seeds"))
    return Result(
        or_none(document),
        [(title, rows)],
        data={stem: mean, each: stacked(by_step, "seed")},
        figures={stem: partial(draw_seeds, mean, list(by_step.values()), title)},
    )


def _step(row: Mapping[Any, Any], lowest: float, highest: float) -> dict[str, object]:
    when = {"step since onset": row[STEP]} if STEP in row else {"step": row["step"]}
    top5 = {"top-5 %": percent(row["top5"]), f"top-5 % {OVER}": interval_of(row, "top5_")} if "top5" in row else {}
    return {
        **when,
        "mean MACs per image": row["mean_macs"],
        "mean top-1 %": percent(row["accuracy"]),
        OVER: interval_of(row),
        "lowest": percent(lowest),
        "highest": percent(highest),
        **top5,
        "NLL (nats)": f"{row['nll']:.3f}",
        "ECE %": percent(row["ece"]),
    }


def interval_of(row: Mapping[Any, Any], prefix: str = "") -> str | None:
    """An interval over seeds; there is none of a single one."""
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    return interval(low, high) if low == low else None


def sweep(networks: Mapping[str, Members], policy: str = POLICY, readout: str = READOUT) -> Result:
    """Mean accuracy against mean cost, with its band over seeds, of each network.

    Args:
        networks: Traces of members by name, of the same images.
        policy: A registered exit policy.
        readout: A registered readout.

    Raises:
        UnknownName: There is no such policy or readout.
        PluginError: The policy's scores are not numbers, or have another shape.
        TraceError: A trace has no images, or they are of different images.
    """
    traces = labelled(networks)
    check_same_images(traces)
    curves, summaries, documents = {}, [], []
    for name, members in networks.items():
        outcomes = [find_outcomes(opened.trace, policy, readout) for opened in members.values()]
        changes = [changes_of(one) for one in outcomes]
        curve = curve_over_seeds(changes, outcomes[0].macs.tolist())
        areas = mean_of_seeds(
            [area_under(curve.assign(accuracy=accuracy_at(one, curve["mean_macs"].to_numpy()))) for one in changes]
        )
        curves[name] = curve
        last = curve.iloc[-1]
        summaries.append(
            {
                "network": name,
                "seeds": len(members),
                "top-1 % after all steps": percent(last["accuracy"]),
                OVER: interval_of(last.to_dict()),
                "MACs per image": round(last["mean_macs"]),
                "mean top-1 % over cost": f"{100 * areas[0]:.2f}",
            }
        )
        columns: dict[Any, Any] = curve.to_dict("list")
        about = {"name": name, "seeds": list(members), "area": areas[0], "area_interval": areas[1:]}
        documents.append(about | columns)
    (name, first), trace = next(iter(curves.items())), next(iter(traces.values()))
    title = f"{images_of_all(traces)}, {trace.sizes['image']:,} images, {rule_of(policy, readout)}"
    rows = [_at_cost(row) for row in evenly_spaced_rows(first).to_dict("records")]
    stem = partial(file_stem, policy=policy, readout=readout)
    data = {stem("sat"): first}
    if len(curves) > 1:
        data[stem("against")] = stacked(curves)
    document = {**documents[0], "policy": policy, "readout": readout, "images": trace.sizes["image"]}
    bands = {one: curve for one, curve in curves.items() if curve["low"].notna().all()}
    return Result(
        or_none(document | {"against": documents[1:]}),
        [(f"{name} on {title}: mean over seeds at equal cost", rows), (None, summaries)],
        data,
        figures={stem("sat"): partial(draw_sat, curves, None, title, bands, OVER)},
    )


def _at_cost(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "mean MACs per image": round(row["mean_macs"]),
        "mean top-1 %": percent(row["accuracy"]),
        OVER: interval_of(row),
    }


def stop(name: str, members: Members, ask: Callable[[OpenTrace], Result]) -> Result:
    """What stopping early does to each member, and on average.

    Args:
        name: Of the network.
        members: Traces of its members.
        ask: What is asked of each, as in `results.speed_accuracy`: its document has `threshold` and, by themselves or
            under `reported_on`, `accuracy, mean_steps, mean_macs`.
    """
    traces = labelled({name: members})
    check_same_images(traces)
    found = {seed: ask(opened).document for seed, opened in members.items()}
    rows = [{"threshold": one["threshold"], **one.get("reported_on", one)} for one in found.values()]
    columns = [column for column in ("accuracy", "mean_steps", MEAN_STEPS, "mean_macs") if column in rows[0]]
    means = {column: mean_of_seeds([row[column] for row in rows]) for column in columns}
    mean = {column: of_seeds[0] for column, of_seeds in means.items()}
    first = next(iter(found.values()))
    asked = ("policy", "readout", "budget", "wanted_accuracy", "seed")
    document = {
        **{key: first[key] for key in asked if key in first},
        "name": name,
        "seeds": list(members),
        **mean,
        **{f"{column}_interval": of_seeds[1:] for column, of_seeds in means.items()},
        "members": {str(seed): one for seed, one in found.items()},
    }
    title = f"{name} on {images_of_all(traces)}, {rule_of(first['policy'], first['readout'])}"
    if "reported_on" in first:
        title += ", on the half of the images that thresholds were not chosen on"
    shown = [
        {"seed": str(seed), "threshold": _threshold(row["threshold"]), **_stopped(row)}
        for seed, row in zip(found, rows, strict=True)
    ]
    notes = [f"mean top-1 %, {OVER}: {interval(*means['accuracy'][1:])}"] if len(members) > 1 else []
    return Result(
        or_none(document), [(title, [*shown, {"seed": "mean", "threshold": None, **_stopped(mean)}])], notes=notes
    )


def _threshold(value: float | None) -> str:
    """A threshold from a document, in which infinity is None."""
    return "none" if value is None else f"{value:.4g}"


def _stopped(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "top-1 %": percent(row["accuracy"]),
        **mean_steps(row),
        "mean MACs per image": round(row["mean_macs"]),
    }


def labelled(networks: Mapping[str, Members]) -> dict[str, Any]:
    """Each member's trace by a name for messages."""
    return {f"{name} seed {seed}": opened.trace for name, of in networks.items() for seed, opened in of.items()}

"""What `rcnnzoo profile` answers to each of its questions: a document for programs, tables for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xarray as xr

from rcnnzoo.analysis.choice import Half, choose_threshold
from rcnnzoo.analysis.intervals import Bootstrap
from rcnnzoo.analysis.profile import Profile, profile_together
from rcnnzoo.analysis.sat_curve import at_threshold as find_at_threshold
from rcnnzoo.analysis.sat_curve import some_rows
from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.architectures.convolution import Algorithm, Shape, measured_on
from rcnnzoo.cli.output import Answer, or_none, percent
from rcnnzoo.data.images import some_images
from rcnnzoo.data.unreadable import Unreadable
from rcnnzoo.devices import best_device, device_name
from rcnnzoo.engine.measure import measure_decisions, some_thresholds
from rcnnzoo.figures.measurement import draw_measurement
from rcnnzoo.figures.sat import draw_sat
from rcnnzoo.figures.saving import save_figure, save_table, stacked
from rcnnzoo.profiling.operations import macs_by_module, macs_per_step
from rcnnzoo.traces.finding import Subject

Traces = Mapping[str, xr.Dataset]


def cost(network: RecurrentModel) -> Answer:
    """Multiply-accumulates a module and step."""
    modules, steps = macs_by_module(network), macs_per_step(network)
    alike = all(len(set(macs[1:])) <= 1 for macs in modules.values())
    rows = [{"module": name, **_by_step(macs, alike)} for name, macs in [*modules.items(), ("all", steps)]]
    return Answer({"macs_per_step": steps, "macs": sum(steps), "modules": modules}, [("MACs an image", rows)])


def _by_step(macs: list[int], alike: bool) -> dict[str, int]:
    """A column a step; one for all later steps where these are alike."""
    first, *later = macs
    if alike:
        columns = {"a later step": later[0]} if later else {}
    else:
        columns = {f"step {number}": here for number, here in enumerate(later, 2)}
    return {"step 1": first, **columns, "sum": sum(macs)}


def sweep(traces: Traces, policy: str, readout: str, bootstrap: Bootstrap | None, folder: Path) -> Answer:
    """The curve of the first network, the others beside it; tables and figure are written into a folder."""
    profiles = profile_together(traces, policy, readout, bootstrap)
    name, first = next(iter(profiles.items()))
    curves = {other: one.curve for other, one in profiles.items()}
    bands = {other: one.band for other, one in profiles.items() if one.band is not None}
    title = f"{_images(traces[name])}, {first.images:,} images, {policy}, {readout}"
    save_table(first.curve, folder / "sat.csv")
    save_table(first.oracle, folder / "oracle.csv")
    if len(curves) > 1:
        save_table(stacked(curves), folder / "against.csv")
    if bootstrap is not None:
        save_table(stacked(bands).assign(**asdict(bootstrap)), folder / "band.csv")
    save_figure(draw_sat(curves, first.oracle, title, bands), folder / "sat")

    documents = [_document(other, one) for other, one in profiles.items()]
    document = {
        **documents[0],
        "policy": policy,
        "readout": readout,
        "images": first.images,
        "bootstrap": None if bootstrap is None else asdict(bootstrap),
        "against": documents[1:],
        "out": str(folder),
    }
    rows = [_row(row) for row in some_rows(first.curve).to_dict("records")]
    tables = [
        (f"{name} on {title}: {len(rows)} of {len(first.curve):,} distinct outcomes", rows),
        (None, [_summary(other, one) for other, one in profiles.items()]),
    ]
    return Answer(or_none(document), tables, [folder / "sat.png"])


def _document(name: str, profile: Profile) -> dict[str, Any]:
    areas = {"area": profile.area, "oracle_area": profile.oracle_area}
    curve: dict[Any, Any] = profile.curve.to_dict("list")
    band = None if profile.band is None else profile.band.to_dict("list")
    return {"name": name, **areas, **curve, "band": band}


def _summary(name: str, profile: Profile) -> dict[str, object]:
    return {
        "network": name,
        "accuracy %, all steps": percent(profile.curve["accuracy"].iloc[-1]),
        "MACs, all steps": round(profile.curve["mean_macs"].iloc[-1]),
        "mean accuracy over cost": f"{profile.area:.4f}",
        "of an oracle": f"{profile.oracle_area:.4f}",
    }


def at_threshold(traces: Traces, policy: str, readout: str, threshold: float) -> Answer:
    """What one threshold does to the only network."""
    ((name, trace),) = traces.items()
    row = {"threshold": threshold, **find_at_threshold(trace, policy, readout, threshold)}
    document = {"name": name, "policy": policy, "readout": readout, **row}
    return Answer(or_none(document), [(f"{name} on {_images(trace)}, {policy}, {readout}", [_row(row)])])


def chosen(
    traces: Traces, policy: str, readout: str, budget: float | None, accuracy: float | None, seed: int
) -> tuple[Answer, float]:
    """The threshold of the only network that meets a wish; and that threshold, which in a document may be None."""
    ((name, trace),) = traces.items()
    choice = choose_threshold(trace, policy, readout, budget=budget, accuracy=accuracy, seed=seed)
    document = {
        "name": name,
        "policy": policy,
        "readout": readout,
        "budget": budget,
        "wanted_accuracy": accuracy,
        "seed": seed,
        **asdict(choice),
    }
    rows = [_half("chosen on", choice.chosen_on), _half("reported on", choice.reported_on)]
    wish = f"accuracy of {accuracy:g}" if budget is None else f"budget of {budget:.4g} MACs"
    title = f"{wish}: threshold {choice.threshold:.9g} for {name} on {_images(trace)}, {policy}, {readout}"
    return Answer(or_none(document), [(title, rows)]), choice.threshold


def _half(part: str, half: Half) -> dict[str, object]:
    low, high = half.interval
    return {
        "": part,
        "images": half.images,
        "accuracy %": percent(half.accuracy),
        "accuracy % interval": f"{percent(low)} to {percent(high)}",
        "mean steps": f"{half.mean_steps:.2f}",
        "mean MACs": round(half.mean_macs),
    }


def measured(
    answer: Answer,
    subject: Subject,
    policy: str,
    readout: str,
    threshold: float | None,
    images: int,
    precision: str,
    folder: Path,
) -> Answer:
    """An answer, and what deciding takes on this device: at a threshold, else at some."""
    device = best_device()
    network = subject.model.to(device).eval()
    size = network.metadata["options"]["image_size"]
    shown = some_images(subject.data.split(subject.split), size, images, Unreadable()).to(device)
    thresholds = some_thresholds(network, shown, policy, readout) if threshold is None else [threshold]
    found = measure_decisions(network, shown, policy, thresholds, readout, precision)
    where = f"{len(shown)} images of {subject.data.name} {subject.split} on {device_name(device)}, {precision}"
    title = f"{subject.name}, {policy}, {readout}, {where}"
    save_table(found.table, folder / "measure.csv")
    save_figure(draw_measurement(found.table, f"{subject.name}, {policy}, {readout}\n{where}"), folder / "measure")
    convolutions = measured_on(device)
    document = {
        "device": device_name(device),
        "images": len(shown),
        "precision": precision,
        **found.table.to_dict("list"),
        "agreement": None if found.agreement is None else found.agreement.to_dict("list"),
        "convolutions": [{**asdict(shape), "seconds": took} for shape, took in convolutions.items()],
        "out": str(folder),
    }
    tables = [(title, [_measured_row(row) for row in found.table.to_dict("records")])]
    if found.agreement is not None:
        tables.append((f"{precision} beside fp32", [_agreement_row(r) for r in found.agreement.to_dict("records")]))
    if convolutions:
        rows = [_convolution_row(shape, took) for shape, took in convolutions.items()]
        tables.append(("convolutions, ms an image", rows))
    return Answer(
        {**answer.document, "measurement": or_none(document)},
        [*answer.tables, *tables],
        [*answer.figures, folder / "measure.png"],
    )


def _measured_row(row: Mapping[Any, Any]) -> dict[str, object]:
    energy = {} if math.isnan(row["joules"]) else {"J an image": f"{row['joules']:.3g}"}
    return {
        "threshold": f"{row['threshold']:.4g}",
        "mean steps": f"{row['mean_steps']:.2f}",
        "latency (ms)": f"{row['latency_ms']:.1f}",
        "images a second": f"{row['images_per_second']:.1f}",
        "times quicker": f"{row['saving']:.2f}",
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


def _row(row: Mapping[Any, Any]) -> dict[str, object]:
    return {
        "threshold": f"{row['threshold']:.4g}",
        "accuracy %": percent(row["accuracy"]),
        "mean steps": f"{row['mean_steps']:.2f}",
        "mean MACs": round(row["mean_macs"]),
    }


def _images(trace: xr.Dataset) -> str:
    return f"{trace.attrs['data']} {trace.attrs['split']}"

"""What a training will take, before it starts: `rcnnzoo plan`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rcnnzoo.data.opening import Data
from rcnnzoo.devices import best_device, device_name
from rcnnzoo.profiling.summary import summarise
from rcnnzoo.results.result import Result
from rcnnzoo.text import counted, duration, short
from rcnnzoo.training.images import prepare_images
from rcnnzoo.training.planning import Measured, Need, images_decoded, measure_need
from rcnnzoo.training.settings import Settings
from rcnnzoo.training.starting import new_network

GIB = 2**30
LARGER = 4
"""Batches up to that many times the one that was asked for are in the table."""


def plan(settings: Settings, data: Data) -> Result:
    """Parameters and costs of a network, memory by batch size, images a second, days, and disk.

    Raises:
        UnknownName: There is no such architecture, optimizer or schedule.
        OptionError: A setting can't work.
        DataError: The images can't be used.
        TrainingError: Memory runs out with the smallest batch.
    """
    images = prepare_images(settings, data)
    decoded = images_decoded(images, settings)
    need = measure_need(settings, data)
    network = new_network(settings, data)
    summary = summarise(network)
    last = (need.recomputed if settings.checkpoint_activations else need.measured)[-1]
    learnt = last.images / last.seconds
    limit = "the network" if learnt <= decoded else "the data path"
    epoch = images.batches * settings.batch_size / min(learnt, decoded)
    if images.val is not None:
        epoch += len(images.val) * max(last.validation / last.images, 1 / decoded)
    tested = 0 if images.test is None else len(images.test)
    trace = tested * network.num_steps * len(data.categories) * 4
    sizes = _sizes(settings.batch_size, need.measured)
    memory = [
        {
            "images": size,
            "plain": need.memory(size),
            "checkpoint_activations": need.memory(size, recomputed=True),
            "measured": any(point.images == size for point in need.measured),
        }
        for size in sizes
    ]
    document: dict[str, Any] = {
        "architecture": settings.architecture,
        "data": data.name,
        "device": device_name(best_device()),
        "precision": settings.precision,
        "parameters": summary["parameters"],
        "macs": summary["macs"],
        "batch_size": settings.batch_size,
        "memory": memory,
        "images_per_second": {"network": learnt, "data_path": decoded},
        "limit": limit,
        "seconds_per_epoch": epoch,
        "days": settings.epochs * epoch / 86_400,
        "disk": {"checkpoints": 2 * need.checkpoint_bytes, "trace": trace},
        "updates": [asdict(point) for point in need.measured],
        "updates_with_checkpoint_activations": [asdict(point) for point in need.recomputed],
    }
    where = f"{document['device']}, {settings.precision}"
    tables: list[Any] = [
        (f"memory of training (GiB) by batch size, {where}", [_memory_row(row) for row in memory]),
        (f"{settings.architecture} on {data.name}, {where}", _rows(document, settings, need, last)),
    ]
    return Result(document, tables, notes=_notes(document, settings, last))


def _sizes(batch_size: int, measured: list[Measured]) -> list[int]:
    """Batch sizes of the table: those measured, and doublings up to some times the one that was asked for."""
    sizes = {point.images for point in measured} | {batch_size}
    size = measured[0].images
    while 2 * size <= LARGER * batch_size:
        size *= 2
        sizes.add(size)
    return sorted(sizes)


def _memory_row(row: dict[str, Any]) -> dict[str, object]:
    return {
        "images at once": row["images"],
        "plain": f"{row['plain'] / GIB:.2f}",
        "--checkpoint-activations": f"{row['checkpoint_activations'] / GIB:.2f}",
        "": "" if row["measured"] else "estimated",
    }


def _rows(document: dict[str, Any], settings: Settings, need: Need, last: Measured) -> list[dict[str, object]]:
    speeds, disk = document["images_per_second"], document["disk"]
    again = need.recomputed[-1]
    values = {
        "parameters": f"{document['parameters']:,}",
        "MACs per image": short(document["macs"]),
        "images a second, network": f"{speeds['network']:.1f}",
        "with --checkpoint-activations": f"{again.images / again.seconds:.1f}",
        "images a second, data path": f"{speeds['data_path']:.1f}",
        "limit": document["limit"],
        "time of an epoch": duration(document["seconds_per_epoch"]),
        f"time of {counted(settings.epochs, 'epoch')}": duration(document["days"] * 86_400),
        "disk: two checkpoints": f"{disk['checkpoints'] / 1e9:.2f} GB",
        "disk: a trace of the test images, at most": f"{disk['trace'] / 1e9:.2f} GB",
    }
    return [{"": name, "value": value} for name, value in values.items()]


def _notes(document: dict[str, Any], settings: Settings, last: Measured) -> list[str]:
    notes = [f"The network was timed on updates with {counted(last.images, 'image')}; nothing was kept."]
    if last.images < settings.batch_size:
        notes.append(
            f"An update with {settings.batch_size:,} would take long here, or not fit: its memory is estimated."
        )
    if document["limit"] == "the data path":
        notes.append("Images are decoded more slowly than the network learns: see `rcnnzoo pack` and --workers.")
    return notes

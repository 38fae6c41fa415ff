"""What a network is made of, and costs: `rcnnzoo info`."""

from __future__ import annotations

from dataclasses import asdict

from rcnnzoo.architectures.contract import RecurrentModel
from rcnnzoo.engine.activations import sources
from rcnnzoo.engine.conditions import PLAIN
from rcnnzoo.profiling.layers import layer_table, module_table
from rcnnzoo.profiling.operations import macs_by_module
from rcnnzoo.profiling.summary import summarise
from rcnnzoo.results.result import Result
from rcnnzoo.text import in_ranges

WORDS = {
    "image_size": "image size (pixels)",
    "macs": "MACs per image",
    "weights_bytes": "weights (bytes)",
}
"""What figures are called in a table."""


def describe(network: RecurrentModel) -> Result:
    """Layers, parameters and multiply-accumulates, without running it on data."""
    document = summarise(network)
    layers = [
        {
            "layer": row.name if row.copies == 1 else f"{row.name} ({row.copies} copies)",
            "kind": row.kind,
            "maps in": row.maps_in,
            "maps": row.maps_out,
            "kernel": _by(row.kernel),
            "map size": _by(row.map_size),
            "parameters": row.parameters,
        }
        for row in layer_table(network)
    ]
    shown = {WORDS.get(name, name): value for name, value in document.items() if name != "macs_per_step"}
    first, *later = document["macs_per_step"]
    if len(set(later)) > 1:
        shown |= {f"MACs of step {number}": macs for number, macs in enumerate([first, *later], 1)}
    else:
        shown |= {"MACs of the first step": first} | ({"MACs of a later step": later[0]} if later else {})
    totals = [{"": name, "total": value if isinstance(value, str) else f"{value:,}"} for name, value in shown.items()]
    notes = ["Where the kernel is empty, the layer has none."] if any(row["kernel"] is None for row in layers) else []
    return Result(document, [(None, layers), (None, totals)], notes=notes)


def list_modules(network: RecurrentModel) -> Result:
    """The modules that can be cut, with the shape of what each gives for an image, and its cost over all steps."""
    macs = macs_by_module(network)
    found = [(row, sum(macs.get(row.name, ()))) for row in module_table(network)]
    rows = [
        {"module": row.name, "kind": row.kind, "output": _by(row.shape), "MACs per image": cost} for row, cost in found
    ]
    unrolling = PLAIN.on(network)
    readable = sources(unrolling)
    layers = [
        {
            "layer": each.name,
            "kind": each.kind,
            "holds": _by(each.shape),
            "units": each.units,
            "steps": in_ranges(each.steps),
        }
        for each in readable
    ]
    uncalled = any(row.shape is None for row, _ in found)
    document = [{**asdict(row), "macs": cost} for row, cost in found]
    return Result(
        {"modules": document, "layers": [asdict(each) for each in readable]},
        [("modules that --lesion can cut", rows), ("areas and modules that --layers can read", layers)],
        notes=["Where the output is empty, the module is never called."] if uncalled else [],
    )


def _by(sides: tuple[int, ...] | None) -> str | None:
    return None if sides is None else "x".join(map(str, sides))

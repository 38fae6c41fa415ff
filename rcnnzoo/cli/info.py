"""`rcnnzoo info`."""

from __future__ import annotations

from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show_json, show_table


def info(
    model: Annotated[str, typer.Argument(help="An architecture, a run folder or a .safetensors file.")],
    categories: Annotated[int | None, typer.Option(help="Number of categories (1000).")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the images in pixels (128).")] = None,
    width: Annotated[float | None, typer.Option(help="Multiplies the number of feature maps (1).")] = None,
    steps: Annotated[int | None, typer.Option(help="Time steps (the architecture's own).")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a network's layers, parameters and multiply-accumulates (MACs) without running it on data.

    Example: rcnnzoo info bl --image-size 32
    """
    from rcnnzoo.profiling.layers import layer_table
    from rcnnzoo.profiling.summary import summarise
    from rcnnzoo.weights.models import open_model

    network = open_model(model, categories=categories, image_size=image_size, width=width, steps=steps)
    summary = summarise(network)
    if as_json:
        show_json(summary)
        return
    show_table(
        [
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
    )
    first, *later = summary.pop("macs_per_step")
    if len(set(later)) > 1:
        summary |= {f"macs of step {number}": macs for number, macs in enumerate([first, *later], 1)}
    else:
        summary |= {"macs of the first step": first} | ({"macs of a later step": later[0]} if later else {})
    show_table(
        [{"": name, "total": value if isinstance(value, str) else f"{value:,}"} for name, value in summary.items()]
    )


def _by(sides: tuple[int, ...] | None) -> str | None:
    return None if sides is None else " x ".join(map(str, sides))

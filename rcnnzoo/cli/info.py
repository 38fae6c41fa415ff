"""`rcnnzoo info`."""

from __future__ import annotations

from typing import Annotated

import typer

from rcnnzoo.cli.options import MODEL
from rcnnzoo.cli.output import AsJson, show


def info(
    model: Annotated[str, typer.Argument(help=f"MODEL: {MODEL}.", metavar="MODEL")],
    categories: Annotated[int | None, typer.Option(help="Number of categories.", show_default="1000")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the images in pixels.", show_default="128")] = None,
    width: Annotated[
        float | None, typer.Option(help="Multiplier of the number of feature maps.", show_default="1")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Number of time steps.", show_default="that of the architecture")
    ] = None,
    cascaded: Annotated[
        bool, typer.Option("--cascaded", help="Show it as a cascade, all of whose blocks run at every step.")
    ] = False,
    modules: Annotated[
        bool,
        typer.Option("--modules", help="List areas and modules by name instead, as --lesion and --layers take them."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a network's layers, parameters and multiply-accumulates (MACs) without running it on data.

    Example: rcnnzoo info bl --image-size 32
    """
    from rcnnzoo.references import Reference
    from rcnnzoo.results.network import describe, list_modules

    reference = next(iter(Reference(model).members.values()), Reference(model))  # members are built alike
    network = reference.open(
        categories=categories, image_size=image_size, width=width, steps=steps, cascaded=cascaded or None
    )
    show((list_modules if modules else describe)(network), as_json=as_json)

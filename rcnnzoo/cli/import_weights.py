"""`rcnnzoo import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.weights.formats import FORMATS


def import_weights(
    form: Annotated[str, typer.Argument(help=f"Format of the file: {', '.join(FORMATS)}.", metavar="FORMAT")],
    file: Annotated[Path, typer.Argument(help="The weights as they were published (rcnn-sat: Keras, .h5).")],
    arch: Annotated[str, typer.Option(help="Architecture of the weights (rcnn-sat: b, b-k, b-f, b-d or bl).")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    categories: Annotated[
        int | None, typer.Option(help="Number of categories that the file must have.", show_default="any")
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            help="Text file with the names of the categories, one per line.",
            show_default="those of ecoset or ImageNet, else numbers",
        ),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option(help="SHA-256 of the file, as its publisher gives it; another file is refused.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn weights that others published into a .safetensors file, which every other command takes.

    Example: rcnnzoo import rcnn-sat bl_ecoset.h5 --arch bl --out bl-ecoset.safetensors
    """
    from rcnnzoo.results.imported import describe
    from rcnnzoo.weights.importing import import_weights

    network = import_weights(form, file, arch, out, categories=categories, names=names, sha256=sha256)
    show(describe(network, out, compared=sha256 is not None), as_json=as_json)

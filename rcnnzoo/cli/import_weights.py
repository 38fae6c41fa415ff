"""`rcnnzoo import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show


def import_weights(
    form: Annotated[str, typer.Argument(help="Format of the file (`rcnnzoo list formats`).", metavar="FORMAT")],
    file: Annotated[Path, typer.Argument(help="The weights as they were published.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    arch: Annotated[
        str | None,
        typer.Option(
            help="Architecture of the weights, for example bl; an error names those that a format has.",
            show_default="the format's, where it has only one",
        ),
    ] = None,
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
    licence: Annotated[
        str | None,
        typer.Option(help="What the weights may be used for, for example MIT.", show_default="what the format says"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Turn weights that others published into a .safetensors file, which every other command takes.

    Example: rcnnzoo import rcnn-sat bl_ecoset.h5 --arch bl --out bl-ecoset.safetensors
    """
    from rcnnzoo.results.imported import describe
    from rcnnzoo.weights.importing import import_weights

    network = import_weights(form, file, arch, out, categories=categories, names=names, sha256=sha256, licence=licence)
    show(describe(network, out, compared=sha256 is not None), as_json=as_json)

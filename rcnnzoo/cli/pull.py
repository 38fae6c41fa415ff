"""`rcnnzoo pull`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show


def pull(
    address: Annotated[
        str,
        typer.Argument(
            help="The repository, OWNER/NAME; @REVISION (a branch, tag or commit) may follow.",
            metavar="OWNER/NAME[@REVISION]",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The .safetensors file to write.", show_default="NAME.safetensors")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a network that was published on the Hugging Face Hub, and check it.

    hf://OWNER/NAME can also be given wherever a MODEL is expected: the weights are then used from the Hub's cache.

    Example: rcnnzoo pull lab/bl-ecoset --out bl-ecoset.safetensors
    """
    from rcnnzoo.results.hub import pull as ask

    show(ask(address, out), as_json=as_json)

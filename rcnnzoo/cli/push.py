"""`rcnnzoo push`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show


def push(
    model: Annotated[str, typer.Argument(help="A run folder or a .safetensors file.")],
    to: Annotated[str, typer.Argument(help="The repository, OWNER/NAME; @BRANCH may follow.", metavar="OWNER/NAME")],
    licence: Annotated[str, typer.Option(help="What the weights may be used for, for example MIT or CC-BY-4.0.")],
    trace: Annotated[
        Path | None,
        typer.Option(
            help="The network's trace, of which the page shows accuracy and the speed-accuracy curve.",
            show_default="that of the run's test images, if there is one",
        ),
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Make a new repository visible to its owner alone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Publish a network on the Hugging Face Hub, with a page about it.

    The weights are published as they are. The page, README.md, says from their metadata how they were trained, how
    accurate they are at each step, what they cost, and how to load and cite them. Log in once with `hf auth login`.

    Example: rcnnzoo push runs/bl-ecoset-seed0 lab/bl-ecoset --licence CC-BY-NC-SA-4.0
    """
    from rcnnzoo.results.hub import push as ask

    show(ask(model, to, licence, trace, private=private), as_json=as_json)

"""`rcnnzoo train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import with_settings
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.training.settings import changed, read_settings
from rcnnzoo.writing import file_name


@with_settings
def train(
    out: Annotated[Path | None, typer.Option(help="Folder of the run (runs/ARCH-DATA-seedN).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's checkpoint.")] = False,
    config: Annotated[Path | None, typer.Option(help="A run's config.toml; other options override it.")] = None,
    as_json: AsJson = False,
    **settings: Any,
) -> None:
    """Train a network by back-propagation through time, with cross-entropy at every step.

    Writes model.safetensors, config.toml, metrics.csv, curves.png, curves.svg, checkpoint.pt and log.txt. Ctrl-C
    leaves a run that --resume goes on with.

    Example: rcnnzoo train bl --data digits --width 0.125 --epochs 2
    """
    from rcnnzoo.training.settling import settle

    given = read_settings(config) if config else {}
    settled, images = settle(changed(given, {name: value for name, value in settings.items() if value is not None}))
    folder = out or Path("runs", f"{file_name(settled.architecture)}-{images.name}-seed{settled.seed}")

    from rcnnzoo.results.training import train as train_network
    from rcnnzoo.runs.folder import Run

    finished = Run(folder).finished
    result = train_network(settled, images, folder, resume=resume)
    if finished:
        print(f"{folder}: finished already", file=sys.stderr)  # noqa: T201
    show(result, as_json=as_json)

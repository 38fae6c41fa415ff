"""`rcnnzoo train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import FigureFormats, computes, with_settings
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.progress import say
from rcnnzoo.training.settings import changed, read_settings
from rcnnzoo.writing import file_name


@computes
@with_settings
def train(
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run.", show_default="runs/ARCHITECTURE-DATA-seedN")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run from its checkpoint.")] = False,
    config: Annotated[Path | None, typer.Option(help="The config.toml of a run; other options override it.")] = None,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
    **settings: Any,
) -> None:
    """Train a network by back-propagation through time, with cross-entropy at every step.

    Writes model.safetensors, config.toml, metrics.csv, curves.png, curves.svg, checkpoints and log.txt. Ctrl-C stops
    safely; --resume continues. A cluster's SIGTERM or SIGUSR1 stops it too, with exit status 75. The same seed
    reproduces the result with the same number of threads on the same device. --start-from begins with the weights of
    another network. A finished run with the schedule "constant" can be trained for more epochs: --resume --epochs N.

    Example: rcnnzoo train bl --data digits --width 0.125 --epochs 2
    """
    from rcnnzoo.results.training import train as train_network
    from rcnnzoo.runs.folder import Run
    from rcnnzoo.training.settling import settle

    given = read_settings(config) if config else {}
    begun = resume and out is not None and bool(Run(out).checkpoints)
    typed = {name: value for name, value in settings.items() if value is not None}
    settled, images = settle(changed(given, typed), begun=begun)
    folder = out or Path("runs", f"{file_name(settled.architecture)}-{images.name}-seed{settled.seed}")
    run = Run(folder)
    if resume and not run.settings.is_file():
        say(f"{folder}: there is no run to resume, so a new one starts")
    finished = run.finished
    result = train_network(settled, images, folder, resume=resume, formats=figure_format)
    if finished and Run(folder).finished:
        say(f"{folder}: is already finished")
    show(result, as_json=as_json)

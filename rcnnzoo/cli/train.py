"""`rcnnzoo train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.output import AsJson, show_json
from rcnnzoo.writing import file_name


def train(
    context: typer.Context,
    architecture: Annotated[str | None, typer.Argument(help="What to train (`rcnnzoo list architectures`).")] = None,
    data: Annotated[str | None, typer.Option(help="A registered name or a folder of class folders.")] = None,
    data_dir: Annotated[str | None, typer.Option(help="Where a registered data set lies ($RCNNZOO_DATA).")] = None,
    val_fraction: Annotated[float | None, typer.Option(help="Part of the training images to hold out.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run (runs/ARCH-DATA-seedN).")] = None,
    recipe: Annotated[str | None, typer.Option(help="modern or spoerer2020: the numbers not given (modern).")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes through the images.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images an update.")] = None,
    lr: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    optimizer: Annotated[str | None, typer.Option(help="A name of timm's, or adam-epsilon-hat.")] = None,
    schedule: Annotated[str | None, typer.Option(help="one-cycle, cosine, step or constant.")] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of kernels only.")] = None,
    label_smoothing: Annotated[float | None, typer.Option(help="Share of a label spread over all.")] = None,
    ema: Annotated[float | None, typer.Option(help="Decay of a running average of the weights; 0: none.")] = None,
    clip: Annotated[float | None, typer.Option(help="Largest norm of a gradient; 0: any.")] = None,
    batch_norm_momentum: Annotated[
        float | None, typer.Option(help="Weight of a new batch in batch norm's statistics.")
    ] = None,
    image_size: Annotated[int | None, typer.Option(help="Side in pixels (32 for images up to 48, else 128).")] = None,
    width: Annotated[float | None, typer.Option(help="Multiplies the number of feature maps (1).")] = None,
    steps: Annotated[int | None, typer.Option(help="Time steps (the architecture's own).")] = None,
    pretrained: Annotated[
        bool | None, typer.Option("--pretrained", help="Start from the architecture's pretrained weights, downloaded.")
    ] = None,
    classifiers_only: Annotated[
        bool | None, typer.Option("--classifiers-only", help="Train the classifiers alone; the rest stays as it is.")
    ] = None,
    mirrored: Annotated[
        bool | None, typer.Option("--flip/--no-flip", help="Whether images may be mirrored (by the data).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of weights, order and variation (0).")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32, bf16 or fp16 (auto).")] = None,
    compile_network: Annotated[bool | None, typer.Option("--compile", help="Let torch compile the network.")] = None,
    deterministic: Annotated[
        bool | None, typer.Option("--deterministic", help="Only deterministic algorithms (CUDA needs this).")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that decode large images (one a core).")] = None,
    max_bad: Annotated[int | None, typer.Option(help="Unreadable images to skip before giving up (10).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the run's checkpoint.")] = False,
    config: Annotated[Path | None, typer.Option(help="A run's config.toml; other options override it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Train a network by back-propagation through time, with cross-entropy at every step.

    Writes model.safetensors, config.toml, metrics.csv, curves.png, curves.svg, checkpoint.pt and log.txt. Ctrl-C
    leaves a run that --resume goes on with.

    Example: rcnnzoo train bl --data digits --width 0.125 --epochs 2
    """
    from rcnnzoo.training.settings import read_settings, settle

    names = {"compile_network": "compile"}
    outside = {"out", "resume", "config", "as_json"}
    given: dict[str, Any] = read_settings(config) if config else {}
    for name, value in context.params.items():
        if value is not None and name not in outside:
            given[names.get(name, name)] = value
    settings, images = settle(given)
    folder = out or Path("runs", f"{file_name(settings.architecture)}-{images.name}-seed{settings.seed}")

    from rcnnzoo.training.loop import train as train_network
    from rcnnzoo.training.runs import Run

    finished = Run(folder).finished
    run = train_network(settings, images, folder, resume=resume)
    summary = run.summary() if as_json else None
    if finished:
        print(f"{folder}: finished already", file=sys.stderr)  # noqa: T201
    if summary is not None:
        show_json(summary)
    else:
        print(f"{run.weights}")  # noqa: T201

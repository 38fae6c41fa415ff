"""`rcnnzoo trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show_json


def trace(
    model: Annotated[str, typer.Argument(help="A run folder, a .safetensors file, or an architecture (untrained).")],
    data: Annotated[
        str | None, typer.Option(help="A registered name or a folder (what the run was trained on).")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where a registered data set lies ($RCNNZOO_DATA).")] = None,
    split: Annotated[str | None, typer.Option(help="Which part of the images (test, else val).")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the trace (RUN/traces/DATA-SPLIT.zarr).")] = None,
    features: Annotated[bool, typer.Option("--features", help="Also keep what each step's classifier saw.")] = False,
    batch_size: Annotated[int, typer.Option(min=1, help="Images at once.")] = 100,
    precision: Annotated[str, typer.Option(help="fp32, bf16 or fp16.")] = "fp32",
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that decode large images (one a core).")] = None,
    max_bad: Annotated[int, typer.Option(min=0, help="Unreadable images to skip before giving up.")] = 10,
    seed: Annotated[int, typer.Option(help="Of an untrained network's weights.")] = 0,
    width: Annotated[float | None, typer.Option(help="Of an untrained network.")] = None,
    steps: Annotated[int | None, typer.Option(help="Of an untrained network.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Of an untrained network, in pixels.")] = None,
    as_json: AsJson = False,
) -> None:
    """Record a network's logits of all steps for a data set; run it again to go on after an interruption.

    Example: rcnnzoo trace bl --data digits --width 0.125
    """
    from rcnnzoo.traces.finding import find_subject
    from rcnnzoo.traces.opening import open_trace
    from rcnnzoo.traces.recording import Recording

    subject = find_subject(model, data, data_dir, split, seed=seed, width=width, steps=steps, image_size=image_size)
    how = Recording(batch_size, features, precision, workers, max_bad)
    path = subject.record(how, out)
    if as_json:
        recorded = open_trace(path)
        show_json({"trace": str(path), "images": recorded.sizes["image"], **recorded.attrs})
    else:
        print(path)  # noqa: T201

"""`rcnnzoo predict`."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import MODEL, FigureFormats, From, Origin, ReadoutName, Seed, computes, under_conditions
from rcnnzoo.cli.output import AsJson, show


@computes
@under_conditions
def predict(
    model: Annotated[str, typer.Argument(help=f"MODEL: {MODEL}.", metavar="MODEL")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files, or folders of them.")],
    policy: Annotated[
        str | None,
        typer.Option(
            help="Exit policy: when to stop (`rcnnzoo list policies`).", show_default="entropy, with --threshold"
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Stop when the score of the policy reaches this.", show_default="run all steps")
    ] = None,
    readout: ReadoutName = "cumulative",
    figure: Annotated[
        bool, typer.Option("--figure", help="Draw the probabilities of the top categories over time steps.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the table and the figure.", show_default="predictions/NETWORK")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Images per batch.", show_default="what suits the device")
    ] = None,
    seed: Seed = 0,
    since_onset: From = Origin.START,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Classify images, one row per image: category, confidence, reaction time (steps) and multiply-accumulates.

    With --threshold, an image stops as soon as the network is sure, and later steps are not computed. --figure or --out
    writes predictions.csv; --figure also writes predictions.png and predictions.svg, which show the probabilities of
    the top categories by time step, up to the exit, for the first 16 images. With a threshold, the files are
    predictions-POLICY.csv and so on.

    Example: rcnnzoo predict runs/bl-ecoset-seed0 photo.jpg --policy entropy --threshold 0.5 --figure
    """
    from rcnnzoo.data.folders import images_in
    from rcnnzoo.errors import OptionError, RcnnzooWarning
    from rcnnzoo.references import Reference
    from rcnnzoo.results.predictions import predict as ask
    from rcnnzoo.results.result import Result
    from rcnnzoo.results.seeds import in_turn

    if policy and threshold is None:
        raise OptionError(f"`policy` {policy} needs `threshold`: see `rcnnzoo calibrate` or `rcnnzoo profile --sweep`")
    if figure_format and not figure:
        raise OptionError("`figure_format` needs `figure`")
    files = [file for path in images for file in (images_in(path) if path.is_dir() else [path])]
    Reference(model, seed).check_seed(conditions)

    def predicted(text: str, out: Path | None) -> Result:
        reference = Reference(text, seed)
        if reference.weights is None:
            warnings.warn(f"{text} is untrained: its answers come from random weights", RcnnzooWarning, stacklevel=2)
        network = reference.open(conditions)
        result = ask(
            network,
            files,
            policy or "entropy",
            threshold,
            readout,
            batch_size=batch_size,
            conditions=conditions,
            since_onset=since_onset is Origin.ONSET,
        )
        if not figure:
            result = replace(result, figures={})
        if figure or out:
            folder = conditions.named(reference.name, network.num_steps)
            result = result.write(out or Path("predictions", folder), figure_format)
        return result

    show(in_turn(model, predicted, out), as_json=as_json)

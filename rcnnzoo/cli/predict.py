"""`rcnnzoo predict`."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import Readout, Seed
from rcnnzoo.cli.output import AsJson, percent, show_json, show_table

DRAWN = 16
"""Images in a figure; more would not be looked at."""


def predict(
    model: Annotated[str, typer.Argument(help="A run folder, a .safetensors file, or an architecture (untrained).")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    policy: Annotated[
        str | None, typer.Option(help="When to stop (`rcnnzoo list policies`; entropy if a threshold is given).")
    ] = None,
    threshold: Annotated[float | None, typer.Option(help="Stop when the policy's score gets here.")] = None,
    readout: Readout = "cumulative",
    figure: Annotated[bool, typer.Option("--figure", help="Draw the top categories over time steps.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for predictions.csv and the figure (predictions).")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images at once (what suits the device).")] = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Decide on images, a line each: category, confidence, reaction time (steps) and multiply-accumulates (MACs).

    With --threshold an image stops as soon as the network is sure, and no later step is computed; else all are run.
    With --figure or --out, writes predictions.csv, and with --figure predictions.png and .svg with the top categories'
    probabilities by time step, up to the exit, for the first 16 images.

    Example: rcnnzoo predict runs/bl-ecoset-seed0 photo.jpg --policy entropy --threshold 0.5 --figure
    """
    from rcnnzoo.engine.decide import make_rule
    from rcnnzoo.engine.prediction import Prediction
    from rcnnzoo.engine.prediction import predict as decide
    from rcnnzoo.errors import OptionError
    from rcnnzoo.figures.prediction import draw_predictions, top_categories
    from rcnnzoo.figures.saving import save_figure, save_table
    from rcnnzoo.weights.models import open_model

    if policy and threshold is None:
        raise OptionError(f"--policy {policy} needs --threshold: see `rcnnzoo calibrate` or `rcnnzoo profile --sweep`")
    network = open_model(model, seed=seed)
    if threshold is None:
        rule = make_rule(network, "fixed-steps", inf, readout)
    else:
        rule = make_rule(network, policy or "entropy", threshold, readout)
    names = network.metadata["categories"]
    rows: list[dict[str, Any]] = []
    tops: list[dict[str, list[float]]] = []
    drawn: list[Prediction] = []
    for prediction in decide(network, images, rule, batch_size):
        rows.append(
            {
                "image": str(prediction.file),
                "category": prediction.category,
                "confidence": prediction.confidence,
                "reaction_time": prediction.reaction_time,
                "macs": prediction.macs,
            }
        )
        tops.append(top_categories(prediction, names))
        if len(drawn) < DRAWN:
            drawn.append(prediction)
    folder = out or Path("predictions")
    if figure or out:
        import pandas as pd

        save_table(pd.DataFrame(rows), folder / "predictions.csv")
    if figure:
        save_figure(draw_predictions(drawn, names), folder / "predictions")
    if as_json:
        show_json([row | {"top": top} for row, top in zip(rows, tops, strict=True)])
        return
    show_table(
        [
            {
                "image": row["image"],
                "category": row["category"],
                "confidence %": percent(row["confidence"]),
                "reaction time": row["reaction_time"],
                "MACs": row["macs"],
            }
            for row in rows
        ]
    )
    if figure:
        print(folder / "predictions.png")  # noqa: T201

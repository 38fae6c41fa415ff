"""`rcnnzoo predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import BatchSize, Readout, Seed
from rcnnzoo.cli.output import AsJson, percent, show_json, show_table

DRAWN = 16
"""Images in a figure; more would not be looked at."""


def predict(
    model: Annotated[str, typer.Argument(help="A run folder, a .safetensors file, or an architecture (untrained).")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    readout: Readout = "cumulative",
    figure: Annotated[bool, typer.Option("--figure", help="Draw the top categories over time steps.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for predictions.csv and the figure (predictions).")] = None,
    batch_size: BatchSize = 100,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Decide on images, a line each: category, confidence, reaction time (steps) and multiply-accumulates (MACs).

    With --figure or --out, writes predictions.csv, and predictions.png and .svg with the top categories'
    probabilities by time step for the first 16 images.

    Example: rcnnzoo predict runs/bl-ecoset-seed0 photo.jpg --figure
    """
    from rcnnzoo.engine.prediction import predict as decide
    from rcnnzoo.figures.prediction import draw_predictions, top_categories
    from rcnnzoo.figures.saving import save_figure, save_table
    from rcnnzoo.readouts.lookup import readout as look_up
    from rcnnzoo.weights.models import open_model

    probabilities_of = look_up(readout)
    network = open_model(model, seed=seed)
    predictions = decide(network, images, probabilities_of, batch_size)
    names = network.metadata["categories"]
    rows = [
        {
            "image": str(prediction.file),
            "category": prediction.category,
            "confidence": prediction.confidence,
            "reaction_time": prediction.reaction_time,
            "macs": prediction.macs,
        }
        for prediction in predictions
    ]
    folder = out or Path("predictions")
    if figure or out:
        import pandas as pd

        save_table(pd.DataFrame(rows), folder / "predictions.csv")
    if figure:
        save_figure(draw_predictions(predictions[:DRAWN], names), folder / "predictions")
    if as_json:
        tops = [top_categories(prediction, names) for prediction in predictions]
        show_json([row | {"top": top} for row, top in zip(rows, tops, strict=True)])
        return
    show_table(
        [
            {
                "image": row["image"],
                "category": row["category"],
                "confidence %": percent(prediction.confidence),
                "reaction time": row["reaction_time"],
                "MACs": row["macs"],
            }
            for row, prediction in zip(rows, predictions, strict=True)
        ]
    )
    if figure:
        print(folder / "predictions.png")  # noqa: T201

"""Options that several commands share, each with one name, one meaning and one help text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

FACTORS = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def macs(text: str) -> float:
    """A number of multiply-accumulates, as people write it.

    Raises:
        typer.BadParameter: It is none, or not above 0.

    >>> macs("20G") == macs("2e10")
    True
    """
    factor = FACTORS.get(text[-1:].upper(), 1)
    try:
        number = float(text if factor == 1 else text[:-1]) * factor
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise typer.BadParameter(f"{text!r} is no number of MACs above 0: write it like 20G or 2e10")
    return number


Data = Annotated[str | None, typer.Option(help="A registered name or a folder (what the run was trained on).")]
DataDir = Annotated[Path | None, typer.Option(help="Where a registered data set lies ($RCNNZOO_DATA).")]
Split = Annotated[str | None, typer.Option(help="Which part of the images (test, else val).")]
Policy = Annotated[str, typer.Option(help="When to stop (`rcnnzoo list policies`).")]
Readout = Annotated[str, typer.Option(help="From logits to probabilities (`rcnnzoo list readouts`).")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images at once.")]
Precision = Annotated[str, typer.Option(help="fp32, bf16 or fp16.")]
Workers = Annotated[int | None, typer.Option(min=0, help="Processes that decode large images (one a core).")]
MaxBad = Annotated[int, typer.Option(min=0, help="Unreadable images to skip before giving up.")]
Seed = Annotated[int, typer.Option(help="Of an untrained network's weights.")]
Draws = Annotated[
    int,
    typer.Option(
        "--seed", min=0, help="Of what is drawn: an untrained network's weights, resamples and halves of images."
    ),
]

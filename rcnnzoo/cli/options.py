"""Options that several commands share, each with one name, one meaning and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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

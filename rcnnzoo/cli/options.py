"""Options that several commands share, each with one name, one meaning and one help text."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, cast, get_type_hints

import typer

from rcnnzoo.devices import DTYPES
from rcnnzoo.training.settings import Settings

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
PolicyName = Annotated[str, typer.Option(help="When to stop (`rcnnzoo list policies`).")]
ReadoutName = Annotated[str, typer.Option(help="From logits to probabilities (`rcnnzoo list readouts`).")]
BatchSize = Annotated[int, typer.Option(min=1, help="Images at once.")]
Precision = Annotated[str, typer.Option(help=f"One of {', '.join(DTYPES)}.")]
Workers = Annotated[int | None, typer.Option(min=0, help="Processes that decode large images (one a core).")]
MaxBad = Annotated[int, typer.Option(min=0, help="Unreadable images to skip before giving up.")]
Seed = Annotated[int, typer.Option(help="Of an untrained network's weights.")]
Draws = Annotated[
    int,
    typer.Option(
        "--seed", min=0, help="Of what is drawn: an untrained network's weights, resamples and halves of images."
    ),
]
FLAGS = {"mirrored": "--flip/--no-flip"}
"""Settings whose options aren't called like them."""


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each field of `Settings`, in place of `**settings`; one that isn't given is None.

    The first, the architecture, is an argument.
    """
    types = get_type_hints(Settings)
    parameters = []
    for number, each in enumerate(fields(Settings)):
        flag = FLAGS.get(each.name) or f"--{each.name.replace('_', '-')}"
        text = each.metadata["help"]
        option = typer.Option(flag, help=text) if number else typer.Argument(help=text)
        hint = cast(Any, Annotated)[types[each.name] | None, option]
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(inspect.Parameter(each.name, kind, default=None, annotation=hint))
    own = inspect.signature(command, eval_str=True).parameters.values()
    parameters += [parameter for parameter in own if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    parameters.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)  # context comes first
    changed: Any = command
    changed.__signature__ = inspect.Signature(parameters)
    changed.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command

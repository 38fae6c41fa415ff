"""Options that several commands share, each with one name, one meaning and one help text."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast, get_type_hints

import typer

from rcnnzoo.devices import DTYPES, computing
from rcnnzoo.progress import quiet as quietly
from rcnnzoo.training.settings import Settings
from rcnnzoo.writing import FIGURE_FORMATS

FACTORS = {"K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


def macs(text: str) -> float:
    """A number of multiply-accumulates, as people write it.

    Raises:
        typer.BadParameter: It is not a number above 0.

    >>> macs("20G") == macs("2e10")
    True
    """
    factor = FACTORS.get(text[-1:].upper(), 1)
    try:
        number = float(text if factor == 1 else text[:-1]) * factor
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise typer.BadParameter(f"{text!r} is not a number of MACs above 0: write it like 20G or 2e10")
    return number


MODEL = (
    "a run folder, a folder of several seeds, a .safetensors file, hf://OWNER/NAME, or an architecture with random "
    "weights"
)
TRACE = "a folder written by `rcnnzoo trace`"
MODEL_OR_TRACE = f"MODEL: {MODEL}; it is traced first. TRACE: {TRACE}."

Data = Annotated[
    str | None,
    typer.Option(
        help="A registered data set, a folder of class folders, or a packed one, or the URL of that.",
        show_default="that of the run",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of a registered data set, or for the copy of a URL.", show_default="$RCNNZOO_DATA"),
]
Split = Annotated[str | None, typer.Option(help="Split of the data.", show_default="test, else val")]
PolicyName = Annotated[str, typer.Option(help="Exit policy: when to stop (`rcnnzoo list policies`).")]
ReadoutName = Annotated[str, typer.Option(help="Readout: from logits to probabilities (`rcnnzoo list readouts`).")]
BatchSize = Annotated[int, typer.Option(min=1, max=1_000_000, help="Images per batch.")]
Precision = Annotated[str, typer.Option(help=f"Precision: one of {', '.join(DTYPES)}.")]
Workers = Annotated[
    int | None,
    typer.Option(min=0, max=1024, help="Processes that decode large images.", show_default="one per core, at most 8"),
]
MaxBad = Annotated[int, typer.Option(min=0, help="Unreadable images to skip before giving up.")]
Seed = Annotated[
    int, typer.Option(min=0, help="Random seed of an untrained network's weights, noise and scrambled images.")
]
Draws = Annotated[
    int,
    typer.Option(
        "--seed",
        min=0,
        help="Random seed of resamples, halves of images, an untrained network's weights, noise and scrambled images.",
    ),
]


class Origin(StrEnum):
    """Of time."""

    START = "start"
    ONSET = "onset"


From = Annotated[
    Origin,
    typer.Option("--from", help="Count time steps from the start of the stimulus, or from the onset of the image."),
]


class Format(StrEnum):
    """Of figures."""

    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


FigureFormats = Annotated[
    list[Format] | None,
    typer.Option(
        "--figure-format",
        help="Format of the figures: png, svg or pdf; may be repeated.",
        show_default=" and ".join(FIGURE_FORMATS),
    ),
]
DEVICE = typer.Option(help="Device: cpu, cuda, cuda:1, mps, ...", show_default="a GPU if there is one, else cpu")
THREADS = typer.Option(min=1, max=4096, help="Threads on the processor.", show_default="all cores")
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
        shown = {"help": each.metadata["help"], "show_default": each.metadata["shown"] or False}
        option = typer.Option(flag, **shown) if number else typer.Argument(**shown)
        parameters.append(_parameter(each.name, types[each.name] | None, option, None))
    own = inspect.signature(command, eval_str=True).parameters.values()
    parameters += [parameter for parameter in own if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    _sign(command, parameters)
    return command


def computes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that runs networks the options --device, --threads and --quiet, which hold while it runs."""

    @functools.wraps(command)
    def run(*typed: Any, device: str | None, threads: int | None, quiet: bool, **named: Any) -> None:
        with computing(device, threads), quietly(quiet):
            command(*typed, **named)

    more = [
        _parameter("device", str | None, DEVICE, None),
        _parameter("threads", int | None, THREADS, None),
        _parameter("quiet", bool, typer.Option("--quiet", help="Show no progress."), False),
    ]
    _sign(run, [*inspect.signature(command, eval_str=True).parameters.values(), *more])
    return run


def under_conditions(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command --stimulus, --steps, --norm-step and --lesion, which it gets as `conditions`."""

    @functools.wraps(command)
    def run(
        *typed: Any,
        stimulus: str | None,
        steps: int | None,
        norm_step: int | None,
        lesions: list[str] | None,
        **named: Any,
    ) -> None:
        from rcnnzoo.engine.conditions import Conditions

        conditions = Conditions(stimulus, steps, norm_step, tuple(lesions or ()), named.get("seed", 0))
        command(*typed, conditions=conditions, **named)

    shown = "that it was trained for"
    more = [
        _parameter(
            "stimulus",
            str | None,
            typer.Option(
                metavar="PROGRAMME",
                help="What is shown when, for example blank:2,image:3,scrambled:3. Each part is WHAT:STEPS; WHAT is "
                "image, image@CONTRAST, blank, noise, scrambled or a picture's path.",
                show_default="the image at every step",
            ),
            None,
        ),
        _parameter(
            "steps",
            int | None,
            typer.Option(min=1, max=10_000, help="Time steps to run, fewer or more.", show_default=shown),
            None,
        ),
        _parameter(
            "norm_step",
            int | None,
            typer.Option(
                min=1,
                help="Step whose batch-norm statistics are used at every step.",
                show_default="its own, and the last one's beyond training",
            ),
            None,
        ),
        _parameter(
            "lesions",
            list[str] | None,
            typer.Option(
                "--lesion",
                metavar="PATTERN[@STEPS]",
                help="Modules whose output is zero, for example layers.*.lateral@3-8; may be repeated.",
            ),
            None,
        ),
    ]
    own = [each for each in inspect.signature(command, eval_str=True).parameters.values() if each.name != "conditions"]
    _sign(run, [*own, *more])
    return run


def _parameter(name: str, kind: Any, option: Any, default: Any) -> inspect.Parameter:
    hint = cast(Any, Annotated)[kind, option]
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=hint)


def _sign(command: Any, parameters: list[inspect.Parameter]) -> None:
    """Let Typer see these parameters; those without a default, as the context, come first."""
    ordered = sorted(parameters, key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    command.__signature__ = inspect.Signature(ordered)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in ordered}

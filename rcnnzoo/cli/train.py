"""`rcnnzoo train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rcnnzoo.cli.options import FigureFormats, computes, with_settings
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.progress import say
from rcnnzoo.training.settings import Settings, changed, read_settings
from rcnnzoo.writing import file_name

if TYPE_CHECKING:
    from rcnnzoo.results.result import Result
    from rcnnzoo.runs.folder import Run


@computes
@with_settings
def train(
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run.", show_default="runs/ARCHITECTURE-DATA-seedN")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run from its checkpoint.")] = False,
    seeds: Annotated[
        str | None,
        typer.Option(metavar="A-B", help="Train a network for each seed, in one folder; finished ones are kept."),
    ] = None,
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

    --seeds 0-4 trains five networks, in the folders seed0 to seed4. When run again it leaves out those that are
    finished. At the end it says the mean over seeds and its 95 % interval.

    Example: rcnnzoo train bl --data digits --width 0.125 --epochs 2
    """
    from rcnnzoo.errors import OptionError
    from rcnnzoo.results.training import members_trained
    from rcnnzoo.runs.members import member, read_seeds
    from rcnnzoo.training.settling import settle

    given = read_settings(config) if config else {}
    typed = {name: value for name, value in settings.items() if value is not None}
    if seeds is not None and "seed" in typed:
        raise OptionError("`seed` and `seeds` can't be combined: give one of them")
    if seeds is None:
        show(_train(out, changed(given, typed), resume, False, figure_format)[0], as_json=as_json)
        return
    wanted = read_seeds(seeds)
    if out is None:
        settled, images = settle(changed(given, typed))
        out = Path("runs", f"{_network(settled)}-{images.name}-seeds{seeds.strip()}")
    runs = {}
    for seed in wanted:
        _, run = _train(member(out, seed), changed(given, typed | {"seed": seed}), resume, True, figure_format)
        runs[seed] = run
    show(members_trained(out, runs), as_json=as_json)


def _network(settings: Settings) -> str:
    """What a network is called in the name of a run's folder."""
    return file_name(settings.architecture) + "-cascaded" * settings.cascaded


def _train(
    folder: Path | None, given: Mapping[str, Any], resume: bool, kept: bool, formats: Sequence[str] | None
) -> tuple[Result, Run]:
    """Train one network; a finished one is left as it is where it may be `kept`."""
    from rcnnzoo.results.training import train as train_network
    from rcnnzoo.runs.folder import Run
    from rcnnzoo.training.settling import settle

    begun = resume and folder is not None and bool(Run(folder).checkpoints)
    settings, images = settle(given, begun=begun)
    folder = folder or Path("runs", f"{_network(settings)}-{images.name}-seed{settings.seed}")
    run = Run(folder)
    if resume and not run.settings.is_file():
        say(f"{folder}: there is no run to resume, so a new one starts")
    finished = run.finished
    result = train_network(settings, images, folder, resume=resume or (kept and finished), formats=formats)
    if finished and run.finished:
        say(f"{folder}: is already finished")
    return result, run

"""`rcnnzoo reproduce`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.cli.options import DEVICE, THREADS
from rcnnzoo.cli.output import AsJson, show
from rcnnzoo.cli.statuses import INTERRUPTED, PREEMPTED
from rcnnzoo.devices import computing


def reproduce(
    recipe: Annotated[
        str, typer.Argument(help="A registered recipe (`rcnnzoo list recipes`), or a file that ends in .toml.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of everything: runs, tables, figures, the page report.html.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of the recipe's data set.", show_default="$RCNNZOO_DATA")
    ] = None,
    human: Annotated[
        list[Path] | None,
        typer.Option(help="CSV of people's answers, for Fig. 2 (plugin rcnnzoo-behaviour); may be repeated."),
    ] = None,
    images: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="With --human, the folder of the images that people saw; once for each."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="A-B", help="Seeds of each network.", show_default="those of the recipe")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of each training.", show_default="those of the recipe")
    ] = None,
    width: Annotated[
        float | None, typer.Option(help="Multiplier of the number of feature maps.", show_default="that of the recipe")
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(min=2, help="Side of the images in pixels.", show_default="that of the recipe")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the commands, their costs and the time left, and end.")
    ] = False,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="Write one training command per member for a cluster's array job, and end.")
    ] = False,
    device: Annotated[str | None, DEVICE] = None,
    threads: Annotated[int | None, THREADS] = None,
    as_json: AsJson = False,
) -> None:
    """Reproduce the paper: train the recipe's networks, compare them, draw its figures, and write one page of it all.

    It runs other commands of rcnnzoo one after another and leaves out those that are done, so the same command goes
    on where an earlier one was stopped. Before it starts it says how long training will take. OUT/commands.txt holds
    the commands as one could type them.

    Example: rcnnzoo reproduce digits --out digits
    """
    from rcnnzoo import plugins
    from rcnnzoo.cli import main
    from rcnnzoo.errors import OptionError
    from rcnnzoo.processes import count
    from rcnnzoo.progress import say
    from rcnnzoo.recipes.reading import find_recipe
    from rcnnzoo.reproduction.carrying_out import carry_out, write_jobs
    from rcnnzoo.reproduction.checking import check
    from rcnnzoo.reproduction.estimate import estimate
    from rcnnzoo.reproduction.planned import planned
    from rcnnzoo.reproduction.steps import REPORT, Reproduction, Study, adapted

    if dry_run and jobs:
        raise OptionError("`dry_run` and `jobs` can't be combined: give one of them")
    if as_json and not dry_run:
        raise OptionError("`as_json` needs `dry_run`")
    if count() > 1:
        raise OptionError("`reproduce` runs in one process: start it without a launcher, or use `jobs`")
    if len(human or []) != len(images or []):
        raise OptionError("`human` and `images` go together: give a folder of images for each CSV")
    if human and "behaviour" not in plugins.names("commands"):
        raise OptionError("`human` needs the plugin rcnnzoo-behaviour: install it with pip")
    studies = [Study(file, folder) for file, folder in zip(human or [], images or [], strict=True)]
    for study in studies:
        if not study.human.is_file():
            raise OptionError(f"`human` {study.human}: there is no such file")
        if not study.images.is_dir():
            raise OptionError(f"`images` {study.images}: there is no such folder")
    given = {"epochs": epochs, "width": width, "image_size": image_size}
    chosen = adapted(find_recipe(recipe), seeds, {name: value for name, value in given.items() if value is not None})
    reproduction = Reproduction(chosen, data_dir, studies, out)
    settled = check(reproduction)
    shared = [*(["--device", device] if device else []), *(["--threads", str(threads)] if threads else [])]
    if jobs:
        say(write_jobs(reproduction, shared))
        return
    with computing(device, threads):
        estimates = {
            network: estimate(*settled[network], reproduction.runs(network).values()) for network in chosen.networks
        }
        plan = planned(reproduction, estimates)
    if dry_run:
        show(plan, as_json=as_json)
        return
    for note in plan.notes:
        say(note)
    seconds_left = {network: one.seconds_left for network, one in estimates.items()}
    status = carry_out(reproduction, lambda command: main([*command, *shared]), seconds_left)
    if status:
        say("stopped: the same command resumes" if status in (INTERRUPTED, PREEMPTED) else "not finished: see above")
        raise typer.Exit(status)
    print(out / REPORT)  # noqa: T201

"""`rcnnzoo behaviour`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo.plugin import AsJson, ReadoutName, show


def behaviour(
    model: Annotated[str, typer.Argument(help="MODEL or TRACE; several training seeds, joined by commas, are one.")],
    images: Annotated[Path, typer.Option(help="Folder of the images that people saw.")],
    human: Annotated[Path, typer.Option(help="CSV of what they did: one row per image, or one row per trial.")],
    against: Annotated[list[str] | None, typer.Option(help="Another such MODEL or TRACE; may be repeated.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for tables, figures and traces (behaviour/NETWORK, traces in behaviour/)."),
    ] = None,
    readout: ReadoutName = "cumulative",
    classifier_images: Annotated[
        Path | None, typer.Option(help="Folder with animate/ and inanimate/: fit the classifiers to these images.")
    ] = None,
    folds: Annotated[
        int,
        typer.Option(min=2, help="Parts of each cross-validation; fewer where they would hold less than ten images."),
    ] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Cross-validations.")] = 10,
    exchanges: Annotated[int, typer.Option(min=99, help="Of two networks' ranks, thresholds as they are.")] = 10_000,
    refits: Annotated[int, typer.Option(min=0, help="Rearrangements a test with thresholds refitted; 0: none.")] = 1000,
    bootstraps: Annotated[int, typer.Option(min=0, help="Samples an interval, thresholds refitted; 0: none.")] = 1000,
    random_networks: Annotated[int, typer.Option(min=0, help="Untrained networks beside each.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Of folds, rearrangements and samples.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Ask whether people hesitate where a network does: its reaction times against human uncertainty.

    Writes correlations.csv, comparisons.csv, controls.csv, ceilings.csv, beyond.csv, reaction_times.csv,
    thresholds.csv, methods.txt, and the figures correlations, distributions and montage (.png, .svg) with the tables
    that they draw; with a readout other than cumulative, correlations-READOUT.csv and so on.

    Example: rcnnzoo behaviour runs/bl-ecoset-seed0 --images photos --human people.csv
    """
    from rcnnzoo.plugin import folder_of
    from rcnnzoo.plugin import readout as look_up
    from rcnnzoo_behaviour.analysis import analyse
    from rcnnzoo_behaviour.animacy import check_kinds
    from rcnnzoo_behaviour.controls import image_statistics
    from rcnnzoo_behaviour.entries import Settings
    from rcnnzoo_behaviour.fitting import number_of_folds
    from rcnnzoo_behaviour.human import read_people
    from rcnnzoo_behaviour.methods import methods
    from rcnnzoo_behaviour.results import behaviour as ask
    from rcnnzoo_behaviour.stimuli import other_images
    from rcnnzoo_behaviour.time_courses import AnimacyPipeline

    # Whatever may be wrong is found before anything is traced.
    look_up(readout)
    people = read_people(human, images)
    settings = Settings(folds, repeats, exchanges, refits, bootstraps, seed=seed)
    classifier_folds = number_of_folds(len(people.images), folds)
    elsewhere = None
    if classifier_images is None:
        check_kinds(people.images["animate"].to_numpy(), human, classifier_folds)
    else:
        elsewhere = other_images(classifier_images, images, people.images["image"].tolist())
    # Networks that are asked about again and again beside others are traced once.
    kept = out or Path("behaviour")
    pipeline = AnimacyPipeline(people, images, kept, readout, classifier_folds, seed, random_networks, elsewhere)
    named = pipeline.open([model, *(against or [])])
    statistics = image_statistics(images, people)
    kept.mkdir(parents=True, exist_ok=True)
    findings = analyse(people, [pipeline.entry(networks) for networks in named], statistics, settings)
    folder = out or kept / folder_of(network.file_name for networks in named for network in networks)
    text = methods(people, findings, settings, readout, None if elsewhere is None else len(elsewhere))
    show(ask(findings, text, images, readout).write(folder), as_json=as_json)

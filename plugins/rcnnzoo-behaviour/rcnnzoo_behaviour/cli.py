"""`rcnnzoo behaviour`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.plugin import AsJson, FigureFormats, From, Origin, ReadoutName, computes, show, under_conditions

MOST = 1_000_000
"""Permutations or samples; more would take weeks."""
LOCK = ".behaviour.lock"
"""One command at a time works in a folder: traces and classifiers in it are shared."""


@computes
@under_conditions
def behaviour(
    model: Annotated[
        str,
        typer.Argument(
            help="MODEL: a run folder, a folder of several seeds, a .safetensors file or an architecture. TRACE: a "
            "folder written by `rcnnzoo trace --features`. Several training seeds, in one folder or joined by commas, "
            "count as one network.",
            metavar="MODEL|TRACE",
        ),
    ],
    images: Annotated[Path, typer.Option(help="Folder of the images that people saw.")],
    human: Annotated[Path, typer.Option(help="CSV of their answers: one row per image, or one row per trial.")],
    against: Annotated[list[str] | None, typer.Option(help="Another MODEL or TRACE; may be repeated.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for tables, figures and traces.", show_default="behaviour/NETWORK, traces in behaviour/"
        ),
    ] = None,
    readout: ReadoutName = "cumulative",
    classifier_images: Annotated[
        Path | None, typer.Option(help="Fit the classifiers to other images: a folder with animate/ and inanimate/.")
    ] = None,
    folds: Annotated[
        int,
        typer.Option(min=2, help="Folds of each cross-validation; fewer if a fold would hold fewer than ten images."),
    ] = 10,
    repeats: Annotated[int, typer.Option(min=1, max=1000, help="Repeats of the cross-validation.")] = 10,
    exchanges: Annotated[
        int,
        typer.Option(
            min=99, max=MOST, help="Permutations per test of two networks' ranks, thresholds not fitted again."
        ),
    ] = 10_000,
    refits: Annotated[
        int, typer.Option(min=0, max=MOST, help="Permutations per test, thresholds fitted again; 0 skips the tests.")
    ] = 1000,
    bootstraps: Annotated[
        int, typer.Option(min=0, max=MOST, help="Bootstrap samples per interval; 0 skips the intervals.")
    ] = 1000,
    random_networks: Annotated[
        int, typer.Option(min=0, max=1000, help="Randomly initialised networks for comparison, per network.")
    ] = 10,
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=2**32 - 1, help="Random seed of folds, permutations, bootstrap samples, and of what is shown."
        ),
    ] = 0,
    since_onset: From = Origin.START,
    figure_format: FigureFormats = None,
    as_json: AsJson = False,
    *,
    conditions: Any,
) -> None:
    """Ask whether people hesitate where a network does: its reaction times against human uncertainty.

    Writes correlations.csv, comparisons.csv, controls.csv, ceilings.csv, beyond.csv, reaction_times.csv,
    thresholds.csv, classifiers.csv, crowds.csv, methods.txt, and the figures correlations, distributions and montage
    with the tables that they draw; with a readout other than cumulative, correlations-READOUT.csv and so on.

    Example: rcnnzoo behaviour runs/bl-ecoset-seed0 --images photos --human people.csv
    """
    from rcnnzoo.plugin import folder_of, locked
    from rcnnzoo.plugin import readout as look_up
    from rcnnzoo_behaviour.analysis import analyse
    from rcnnzoo_behaviour.animacy import check_kinds
    from rcnnzoo_behaviour.controls import image_statistics
    from rcnnzoo_behaviour.entries import Settings, shared_conditions
    from rcnnzoo_behaviour.fitting import number_of_folds
    from rcnnzoo_behaviour.human import read_people
    from rcnnzoo_behaviour.methods import methods
    from rcnnzoo_behaviour.results import behaviour as ask
    from rcnnzoo_behaviour.stimuli import other_images
    from rcnnzoo_behaviour.time_courses import AnimacyPipeline, check_onsets, remove_unfinished

    # Whatever may be wrong is found before anything is traced.
    look_up(readout)
    people = read_people(human, images)
    from_onset = since_onset is Origin.ONSET
    settings = Settings(folds, repeats, exchanges, refits, bootstraps, seed=seed, since_onset=from_onset)
    classifier_folds = number_of_folds(len(people.images), folds)
    elsewhere = None
    if classifier_images is None:
        check_kinds(people.images["animate"].to_numpy(), human, classifier_folds)
    else:
        elsewhere = other_images(classifier_images, images, people.images["image"].tolist())
    # Networks that are asked about again and again beside others are traced once.
    kept = out or Path("behaviour")
    pipeline = AnimacyPipeline(
        people, images, kept, readout, classifier_folds, seed, random_networks, elsewhere, conditions
    )
    named = pipeline.open([model, *(against or [])])
    check_onsets(named, since_onset=from_onset)
    statistics = image_statistics(images, people)
    name = folder_of(network.file_name for networks in named for network in networks)
    models = [network.model for networks in named for network in networks if network.model is not None]
    folder = out or kept / max([name, *(conditions.named(name, model.num_steps) for model in models)])
    kept.mkdir(parents=True, exist_ok=True)
    with locked(kept / LOCK, kept, wait=True):
        remove_unfinished(kept)
        entries = [pipeline.entry(networks) for networks in named]
        findings = analyse(people, entries, statistics, settings)
        text = methods(people, entries, findings, settings, readout, None if elsewhere is None else len(elsewhere))
        result = ask(findings, text, images, readout, shared_conditions(entries)).write(folder, figure_format)
    show(result, as_json=as_json)

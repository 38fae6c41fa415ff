"""`rcnnzoo behaviour`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import Readout
from rcnnzoo.cli.output import AsJson, show_json, show_table


def behaviour(
    model: Annotated[str, typer.Argument(help="MODEL or TRACE; several training seeds, joined by commas, are one.")],
    images: Annotated[Path, typer.Option(help="Folder of the images that people saw.")],
    human: Annotated[Path, typer.Option(help="CSV of what they did: a row an image, or a row a trial.")],
    against: Annotated[list[str] | None, typer.Option(help="Another such MODEL or TRACE; may be repeated.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for tables, figures and traces.")] = Path("behaviour"),
    readout: Readout = "cumulative",
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
    that they draw.

    Example: rcnnzoo behaviour runs/bl-ecoset-seed0 --images photos --human people.csv
    """
    from rcnnzoo.readouts.lookup import readout as look_up
    from rcnnzoo_behaviour.analysis import analyse
    from rcnnzoo_behaviour.animacy import check_kinds
    from rcnnzoo_behaviour.controls import image_statistics
    from rcnnzoo_behaviour.entries import Settings
    from rcnnzoo_behaviour.fitting import number_of_folds
    from rcnnzoo_behaviour.human import read_people
    from rcnnzoo_behaviour.methods import methods
    from rcnnzoo_behaviour.running import Judges
    from rcnnzoo_behaviour.stimuli import other_images
    from rcnnzoo_behaviour.writing import write_findings

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
    judges = Judges(people, images, out, readout, classifier_folds, seed, random_networks, elsewhere)
    opened = judges.open([model, *(against or [])])
    statistics = image_statistics(images, people)
    out.mkdir(parents=True, exist_ok=True)
    findings = analyse(people, [judges.entry(networks) for networks in opened], statistics, settings)
    text = methods(people, findings, settings, readout, None if elsewhere is None else len(elsewhere))
    write_findings(findings, text, images, out)
    if as_json:
        show_json(_document(findings, text, out))
        return
    main = findings.correlations
    shown = main[(main["predicted"] == "uncertainty") & (main["images"].isin(["all", "D > 0"]))]
    tables = {f"{len(people.images):,} images": shown, "controls": findings.controls}
    tables |= {"comparisons": findings.comparisons, "ceilings": findings.ceilings}
    for title, table in tables.items():
        if len(table):
            show_table([_row(row) for row in _records(table)], title=title)
    print(f"{text}\n{out / 'correlations.png'}")  # noqa: T201


def _row(row: dict[Any, Any]) -> dict[str, object]:
    """Numbers for people: three decimals, p values four."""

    def cell(name: str, value: object) -> object:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not isinstance(value, float):
            return value
        return f"{value:.4f}" if name.startswith("p") else f"{value:.3f}"

    return {name: cell(name, value) for name, value in row.items() if name not in ("predicted", "test")}


def _document(findings: Any, text: str, out: Path) -> dict[str, Any]:
    """All tables but those with a row an image."""
    names = ("correlations", "comparisons", "controls", "ceilings", "beyond")
    return {**{name: _records(getattr(findings, name)) for name in names}, "methods": text, "out": str(out)}


def _records(table: Any) -> list[dict[Any, Any]]:
    """Rows of a table; None where a cell is empty."""
    records: list[dict[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return records

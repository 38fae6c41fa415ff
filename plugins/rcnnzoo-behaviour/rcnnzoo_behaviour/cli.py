"""`rcnnzoo behaviour`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from rcnnzoo.cli.options import Readout
from rcnnzoo.cli.output import AsJson, or_none, show_json, show_table


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
    folds: Annotated[int, typer.Option(min=2, help="Parts of each cross-validation.")] = 10,
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
    from rcnnzoo_behaviour.controls import image_statistics
    from rcnnzoo_behaviour.entries import Settings
    from rcnnzoo_behaviour.human import read_people
    from rcnnzoo_behaviour.methods import methods
    from rcnnzoo_behaviour.running import Judges, check_names
    from rcnnzoo_behaviour.writing import write_findings

    look_up(readout)  # a wrong name should not cost a trace
    people = read_people(human, images)
    out.mkdir(parents=True, exist_ok=True)
    settings = Settings(folds, repeats, exchanges, refits, bootstraps, seed=seed)
    judges = Judges(people, images, out, readout, folds, seed, random_networks, classifier_images)
    entries = check_names([judges.entry(text) for text in [model, *(against or [])]])
    findings = analyse(people, entries, image_statistics(images, judges.files), settings)
    text = methods(people, findings, settings, readout, judges.elsewhere_count)
    write_findings(findings, text, images, out)
    if as_json:
        show_json(_document(findings, text, out))
        return
    main = findings.correlations
    shown = main[(main["predicted"] == "uncertainty") & (main["images"].isin(["all", "D > 0"]))]
    show_table([_row(row) for row in shown.to_dict("records")], title=f"{len(people.images):,} images")
    if len(findings.controls):
        show_table([_row(row) for row in findings.controls.to_dict("records")], title="controls")
    if len(findings.comparisons):
        show_table([_row(row) for row in findings.comparisons.to_dict("records")], title="comparisons")
    show_table([_row(row) for row in findings.ceilings.to_dict("records")], title="ceilings")
    print(f"{text}\n{out / 'correlations.png'}")  # noqa: T201


def _row(row: dict[Any, Any]) -> dict[str, object]:
    """Numbers for people: three decimals, p values four."""

    def cell(name: str, value: object) -> object:
        if not isinstance(value, float):
            return value
        if value != value:
            return None
        if name == "refits":
            return int(value)
        return f"{value:.4f}" if name.startswith("p") else f"{value:.3f}"

    return {name: cell(name, value) for name, value in row.items() if name not in ("predicted", "test")}


def _document(findings: Any, text: str, out: Path) -> dict[str, Any]:
    """All tables but those with a row an image."""
    names = ("correlations", "comparisons", "controls", "ceilings", "beyond")
    tables = {name: or_none(getattr(findings, name).to_dict("records")) for name in names}
    return {**tables, "methods": text, "out": str(out)}

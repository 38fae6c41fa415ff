"""All that a page shows, as one document: `report.page` makes the page of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rcnnzoo.report.claims import claims
from rcnnzoo.report.curves import curves
from rcnnzoo.report.examples import examples
from rcnnzoo.report.people import people
from rcnnzoo.report.provenance import provenance
from rcnnzoo.report.subjects import Subjects
from rcnnzoo.report.training import training
from rcnnzoo.results import comparison, seed_comparison, seeds
from rcnnzoo.results.accuracy import evaluate_all
from rcnnzoo.results.naming import images_of_all
from rcnnzoo.results.result import Result, or_none, p_value
from rcnnzoo.text import counted, in_ranges
from rcnnzoo.writing import file_name


def gather(
    subjects: Subjects,
    policy: str,
    readout: str,
    *,
    title: str | None = None,
    behaviour: Sequence[Path] = (),
    commands: Sequence[str] = (),
    data: str | None = None,
    data_dir: Path | None = None,
) -> dict[str, Any]:
    """What `report.page.render` takes.

    Args:
        subjects: The networks.
        policy: Exit policy of what is shown first, and of comparisons at equal cost.
        readout: Readout of all tables.
        title: Of the page.
        behaviour: Folders that `rcnnzoo behaviour` wrote.
        commands: What made all this.
        data: What a user typed for the images, if anything.
        data_dir: Likewise.

    Raises:
        UnknownName: There is no such policy or readout.
        TraceError: The traces have no images, or results of people can't be read.
    """
    studies = [people(folder, readout) for folder in behaviour]
    found = {
        "title": title or f"Networks on {subjects.images.attrs.get('data', 'their images')}",
        "lead": _lead(subjects, readout),
        "notes": _notes(subjects, studies, commands),
        "networks": list(subjects.networks),
        "claims": claims(subjects, policy, readout, studies),
        "accuracy": _accuracy(subjects, policy, readout),
        "sat": curves(subjects, policy, readout),
        "by_step": _by_step(subjects, readout),
        "training": training(subjects),
        "images": examples(subjects, policy, readout, data, data_dir),
        "people": studies,
        "settings": provenance(subjects, commands),
    }
    plain: dict[str, Any] = or_none(found)
    return plain


def _lead(subjects: Subjects, readout: str) -> str:
    images = images_of_all({name: opened.trace for name, opened in subjects.firsts.items()})
    words = f"{counted(len(subjects.networks), 'network')} on {subjects.images.sizes['image']:,} images of {images}"
    if subjects.several:
        return (
            f"{words}, {len(subjects.seeds)} seeds each ({in_ranges(subjects.seeds)}), {readout} readout. Intervals "
            "are over seeds unless they say otherwise: how much the mean would vary with networks from other seeds."
        )
    return (
        f"{words}, one seed each, {readout} readout. Intervals are over images: how much results would vary with other "
        "images of the same kind. Another seed gives another network."
    )


def _notes(subjects: Subjects, studies: Sequence[Mapping[str, Any]], commands: Sequence[str]) -> list[str]:
    notes = [
        f"{name}: {counted(len(seeds), 'member')} ({in_ranges(seeds)}) left out, as not all networks have them."
        for name, seeds in subjects.left_out.items()
    ]
    if len(subjects.by_architecture) < len(subjects.networks):
        used = ", ".join(subjects.by_architecture.values())
        notes.append(f"Several networks have the same architecture: the claims are about {used}.")
    for study in studies:
        unknown = {row["network"] for row in study["correlations"]} - set(subjects.networks)
        if unknown:
            notes.append(f"{study['name']}: {', '.join(sorted(unknown))} are not among the networks of this page.")
    if not studies:
        notes.append("Without human data (--behaviour) there is no Fig. 2.")
    if not commands:
        notes.append("The commands that made these results were not given (--commands).")
    return notes


def tables_of(result: Result, name: str) -> list[dict[str, Any]]:
    """A result's tables as a page takes them, with names of files for those who copy one."""
    return [
        {"title": title, "file": f"{name}-{number}.csv", "rows": [dict(row) for row in rows]}
        for number, (title, rows) in enumerate(result.tables, 1)
        if rows
    ]


def _accuracy(subjects: Subjects, policy: str, readout: str) -> dict[str, Any]:
    if len(subjects.networks) < 2:
        return {"tables": [], "notes": [], "matrix": None}
    if subjects.several:
        result = seed_comparison.compare(subjects.traces, policy, readout)
    else:
        result = comparison.compare(subjects.firsts, policy, readout)
    return {
        "tables": tables_of(result, "comparison"),
        "notes": list(result.notes),
        "matrix": _matrix(subjects, result.document),
    }


def _matrix(subjects: Subjects, document: Mapping[str, Any]) -> dict[str, Any]:
    """P values of all pairs, corrected for their number, as a triangle."""
    names = list(subjects.networks)
    cells: list[list[dict[str, str] | None]] = [[None] * len(names) for _ in names]
    for pair in document["pairs"]:
        a, b = pair["a"], pair["b"]
        if subjects.several:
            within = [row for row in document["within"] if (row["a"], row["b"]) == (a, b)]
            detail = "; ".join(
                f"seed {row['seed']}: only {a} right on {row['only_a']:,}, only {b} on {row['only_b']:,}, "
                f"McNemar's p {p_value(row['p'])}, not corrected"
                for row in within
            )
        else:
            detail = f"only {a} right on {pair['only_a']:,} images, only {b} on {pair['only_b']:,}"
        cells[names.index(a)][names.index(b)] = {"text": p_value(pair["p_corrected"]), "detail": detail}
    test = "paired t test over seeds" if subjects.several else "McNemar's exact test"
    return {"title": f"p, {test}, Bonferroni corrected", "names": names, "cells": cells}


def _by_step(subjects: Subjects, readout: str) -> dict[str, Any]:
    if subjects.several:
        results = {name: seeds.evaluate(name, of, readout) for name, of in subjects.traces.items()}
        tables = [
            table for name, result in results.items() for table in tables_of(result, f"accuracy-{file_name(name)}")
        ]
        by_step = {name: next(iter(result.data.values())) for name, result in results.items()}
    else:
        result = evaluate_all(subjects.firsts, readout)
        tables = tables_of(result, "accuracy")
        (together,) = result.data.values()
        by_step = {str(name): table for name, table in together.groupby("network", sort=False)}
    series = [
        {
            "name": name,
            "network": name,
            "dashed": False,
            "x": table["step"].tolist(),
            "y": table["accuracy"].tolist(),
            "low": table["low"].tolist(),
            "high": table["high"].tolist(),
        }
        for name, table in by_step.items()
    ]
    chart = {
        "title": "top-1 accuracy by time step",
        "x": "time step",
        "y": "accuracy",
        "percent": True,
        "series": series,
    }
    return {"charts": [chart], "tables": tables}

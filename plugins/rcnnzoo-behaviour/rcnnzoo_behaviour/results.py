"""What the analysis found, as a result: documents, tables, figures with the tables that they draw, methods."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from rcnnzoo.plugin import Result, file_stem
from rcnnzoo_behaviour.entries import Findings
from rcnnzoo_behaviour.figures import distribution, draw_correlations, draw_montage, draw_reaction_times, hardest

DOCUMENTED = ("correlations", "comparisons", "controls", "ceilings", "beyond")
"""Tables that are short enough for people and JSON: those without one row per image."""


def behaviour(findings: Findings, methods: str, images: Path, readout: str) -> Result:
    """A CSV for each table, three figures, and `methods.txt`.

    Args:
        findings: What came out.
        methods: What a methods section needs to say.
        images: Folder of the images.
        readout: By which probabilities accumulated; files of another than the usual one are named after it.
    """
    count = findings.reaction_times["image"].nunique()
    title = f"{count:,} images"
    chosen = hardest(findings.reaction_times)
    data = {table.name: getattr(findings, table.name) for table in fields(findings)}
    data |= {"distributions": distribution(findings.reaction_times), "montage": chosen}
    main = findings.correlations
    shown = main[(main["predicted"] == "uncertainty") & (main["images"].isin(["all", "D > 0"]))]
    tables = {title: shown, "controls": findings.controls}
    tables |= {"comparisons": findings.comparisons, "ceilings": findings.ceilings}
    figures = {
        "correlations": partial(
            draw_correlations, main, findings.controls, findings.ceilings, findings.comparisons, title
        ),
        "distributions": partial(draw_reaction_times, findings.reaction_times, title),
        "montage": partial(draw_montage, chosen, images, f"hesitated on most; network: {chosen['network'].iloc[0]}"),
    }
    stem = partial(file_stem, readout=readout)
    return Result(
        {**{name: records(getattr(findings, name)) for name in DOCUMENTED}, "methods": methods},
        [(name, [_row(row) for row in records(table)]) for name, table in tables.items() if len(table)],
        data={stem(name): table for name, table in data.items()},
        figures={stem(name): draw for name, draw in figures.items()},
        texts={f"{stem('methods')}.txt": methods + "\n"},
        notes=[methods],
    )


def _row(row: dict[Any, Any]) -> dict[str, object]:
    """Numbers for people: three decimals, p values four."""

    def cell(name: str, value: object) -> object:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not isinstance(value, float):
            return value
        return f"{value:.4f}" if name.startswith("p") else f"{value:.3f}"

    return {name: cell(name, value) for name, value in row.items() if name not in ("predicted", "test")}


def records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows of a table; None where a cell is empty."""
    rows: list[dict[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows

"""What the analysis found, as a result: documents, tables, figures with the tables that they draw, methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from rcnnzoo.plugin import Result, file_stem, plain
from rcnnzoo_behaviour.entries import STEP_SINCE_ONSET, Findings
from rcnnzoo_behaviour.figures import distribution, draw_correlations, draw_montage, draw_reaction_times, hardest

DOCUMENTED = ("correlations", "comparisons", "controls", "ceilings", "crowds", "classifiers", "beyond")
"""Tables that are short enough for people and JSON: those without one row per image."""
GRADED = "graded crossing"
"""Descriptive, without interval or test: it is in the files alone."""


def behaviour(findings: Findings, methods: str, images: Path, readout: str, conditions: Sequence[str] = ()) -> Result:
    """A CSV for each table, three figures, and `methods.txt`.

    Args:
        findings: What came out.
        methods: What a methods section needs to say.
        images: Folder of the images.
        readout: By which probabilities accumulated; files of another than the usual one are named after it.
        conditions: Under which all networks were run, in words.
    """
    count = findings.reaction_times["image"].nunique()
    title = ", ".join([f"{count:,} images", *conditions])
    chosen = hardest(findings.reaction_times)
    data = {table.name: getattr(findings, table.name) for table in fields(findings)}
    data |= {"distributions": distribution(findings.reaction_times), "montage": chosen}
    stem = partial(file_stem, readout=readout)
    figures = {
        "correlations": partial(
            draw_correlations,
            findings.correlations,
            findings.controls,
            findings.ceilings,
            findings.comparisons,
            title,
        ),
        "distributions": partial(draw_reaction_times, findings.reaction_times, title),
        "montage": partial(draw_montage, chosen, images, _montage_title(chosen)),
    }
    return Result(
        {**{name: records(getattr(findings, name)) for name in DOCUMENTED}, "methods": methods},
        [(name, rows) for name, rows in _tables(findings, title).items() if rows],
        data={stem(name): table for name, table in data.items()},
        figures={stem(name): draw for name, draw in figures.items()},
        texts={f"{stem('methods')}.txt": methods + "\n"},
        notes=[*_reasons(findings), methods],
    )


def _montage_title(chosen: pd.DataFrame) -> str:
    network = plain(str(chosen["network"].iloc[0]), 40)
    return f"images with the greatest hesitation of people (D), of the network {network} (reaction time), and of both"


def _tables(findings: Findings, title: str) -> dict[str, list[dict[str, object]]]:
    """What people see first, narrow enough for a terminal; all the rest is in the files."""
    shown = _shown(findings.correlations)
    return {
        f"correlation with people's uncertainty D and reaction time, {title}": [
            {
                "network": row["network"],
                "measure": row["measure"],
                "with": "D" if row["predicted"] == "uncertainty" else "human RT",
                "images": f"{row['n']} ({row['images']})" if row["images"] == "D > 0" else str(row["n"]),
                "r": _three(row["spearman"]),
                "95 % interval": _interval(row),
                "p (Holm)": _p(row.get("p_corrected")),
            }
            for row in records(shown)
        ],
        "controls": [
            {
                "network": row["network"],
                "control": row["control"],
                "mean r": _three(row["spearman"]),
                "range": _interval(row),
                "number": row["number"],
            }
            for row in records(findings.controls)
        ],
        "difference in correlation with D, first minus second": [
            {
                "networks": f"{row['a']} - {row['b']}",
                "measure": row["measure"],
                "difference": _three(row.get("difference")),
                "95 % interval": _interval(row),
                "p (Holm)": _p(row.get("p_corrected")),
            }
            for row in records(findings.comparisons)
        ],
        "ceilings of a correlation with D": [
            {
                "ceiling": row["ceiling"],
                "network": row["network"],
                "images": row["images"],
                "r": _three(row["value"]),
                "to be trusted": "yes" if row["trusted"] else "no",
            }
            for row in records(findings.ceilings)
        ],
        "people compared with the response model behind the ceilings": [
            {
                "quantity": row["quantity"],
                "images": row["images"],
                "people": _three(row["people"]),
                "model": _three(row["modelled"]),
            }
            for row in records(findings.crowds)
        ],
        "accuracy of the animacy classifiers": [
            {
                "network": name,
                **_first(part),
                "last step": f"{100 * part['accuracy'].iloc[-1]:.1f} %",
                "steps": len(part),
            }
            for name, part in findings.classifiers.groupby("network", sort=False)
        ],
    }


def _first(classifiers: pd.DataFrame) -> dict[str, str]:
    """How often a network's first classifier was right: that of the image's onset where time is counted from there."""
    if STEP_SINCE_ONSET in classifiers:
        at_onset = classifiers.loc[classifiers[STEP_SINCE_ONSET] == 1, "accuracy"].iloc[0]
        return {"step 1 since onset": f"{100 * at_onset:.1f} %"}
    return {"step 1": f"{100 * classifiers['accuracy'].iloc[0]:.1f} %"}


def _shown(correlations: pd.DataFrame) -> pd.DataFrame:
    """The rows that people see."""
    images = correlations["images"].isin(["all", "D > 0", "with human reaction times"])
    return correlations[images & (correlations["measure"] != GRADED)]


def _reasons(findings: Findings) -> list[str]:
    """Why cells of the tables are empty."""
    correlations, comparisons = findings.correlations, findings.comparisons
    without = correlations[correlations["spearman"].isna()]["network"].unique().tolist()
    lines = []
    if without:
        lines.append(
            f"Not applicable: {', '.join(without)} {'has' if len(without) == 1 else 'have'} no reaction times, "
            "since all images take equally long; compare areas under uncertainty."
        )
    shown = _shown(correlations)
    if shown["measure"].str.contains("within").any():
        lines.append("Reaction time within animate or not is tested by permutation alone, so it has no interval.")
    untested = shown.get("p_corrected", pd.Series(dtype=float)).isna() & shown["spearman"].notna()
    if untested.any() or ("p_corrected" not in comparisons and len(comparisons)):
        which = "Other empty" if without else "Empty"
        lines.append(f"{which} cells: not computed (--refits 0, --bootstraps 0, or several seeds together).")
    return lines


def _three(value: object) -> str | None:
    return None if value is None else f"{value:.3f}"


def _interval(row: dict[Any, Any]) -> str | None:
    return None if row.get("low") is None else f"{row['low']:.3f} to {row['high']:.3f}"


def _p(value: float | None) -> str | None:
    if value is None:
        return None
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def records(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows of a table; None where a cell is empty."""
    rows: list[dict[Any, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return rows

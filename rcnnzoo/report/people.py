"""What `rcnnzoo behaviour` wrote, for Fig. 2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from rcnnzoo.errors import TraceError, reason
from rcnnzoo.results.naming import file_stem
from rcnnzoo.results.result import or_none

MEASURES = ("reaction time", "area under uncertainty")
"""Those that are drawn; all of them are in the table."""
TABLES = ("correlations", "comparisons", "controls", "ceilings", "classifiers")
"""Those that are short enough to be shown."""
COLUMNS = {
    "correlations": ("network", "images", "n", "predicted", "measure", "spearman"),
    "controls": ("network", "control", "spearman"),
    "ceilings": ("ceiling", "network", "value"),
}
"""Those that the page needs, by table."""


def people(folder: Path, readout: str) -> dict[str, Any]:
    """Correlations with people's uncertainty, controls, ceilings, tables and the methods of an analysis.

    Args:
        folder: What `rcnnzoo behaviour --out` was given.
        readout: By which it was made.

    Raises:
        TraceError: It is not a folder of `rcnnzoo behaviour`, or a table in it can't be read.
    """
    stem = partial(file_stem, readout=readout)
    tables = {name: _read(folder / f"{stem(name)}.csv", name) for name in TABLES}
    correlations = tables["correlations"]
    # Uncertainty D is what the paper predicts; a network without reaction times has no correlation.
    shown = correlations[(correlations["images"] == "all") & (correlations["predicted"] == "uncertainty")]
    shown = shown[shown["spearman"].notna() & shown["measure"].isin(MEASURES)]
    methods = folder / f"{stem('methods')}.txt"
    return {
        "name": folder.name,
        "title": f"Correlation with people's uncertainty D, {folder.name}",
        "correlations": [
            {
                "network": row["network"],
                "measure": row["measure"],
                "r": row["spearman"],
                "low": row.get("low"),
                "high": row.get("high"),
                "p": row.get("p_corrected", row.get("p")),
                "n": int(row["n"]),
            }
            for row in or_none(shown.to_dict("records"))
        ],
        "controls": [
            {
                "network": row["network"],
                "control": row["control"],
                "r": row["spearman"],
                "low": row.get("low"),
                "high": row.get("high"),
            }
            for row in or_none(tables["controls"].to_dict("records"))
            if row["spearman"] is not None
        ],
        "ceilings": [
            {"ceiling": row["ceiling"], "network": row["network"], "r": row["value"]}
            for row in or_none(tables["ceilings"].to_dict("records"))
            if row["value"] is not None
        ],
        "tables": [
            {"title": name, "file": f"{stem(name)}.csv", "rows": _cells(table)}
            for name, table in tables.items()
            if len(table)
        ],
        "methods": methods.read_text(encoding="utf-8").strip() if methods.is_file() else "",
    }


def _read(file: Path, name: str) -> pd.DataFrame:
    try:
        table = pd.read_csv(file)
    except FileNotFoundError:
        raise TraceError(
            f"{file.parent}: is not a folder that `rcnnzoo behaviour` wrote with this readout, it has no {file.name}"
        ) from None
    except pd.errors.EmptyDataError:
        return pd.DataFrame(columns=list(COLUMNS.get(name, ())))
    except (OSError, ValueError) as error:
        raise TraceError(f"{file}: can't be read ({reason(error)})") from error
    missing = [column for column in COLUMNS.get(name, ()) if column not in table]
    if missing:
        raise TraceError(f"{file}: has no column {missing[0]}")
    return table


def _cells(table: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Rows as they are shown: numbers with four digits."""
    return [
        {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in row.items()}
        for row in or_none(table.to_dict("records"))
    ]

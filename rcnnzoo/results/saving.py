"""Writing a figure as PNG and SVG, a table as CSV, and a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from rcnnzoo.writing import atomic_write

FORMULAS = ("=", "+", "-", "@", "\t")
"""With these a formula begins in a spreadsheet."""


def save_figure(figure: Figure, stem: Path) -> None:
    """Write `stem.png` and `stem.svg`; the same figure gives the same files."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "rcnnzoo"}):
        for suffix, options in ((".png", {"dpi": 150}), (".svg", {"metadata": {"Date": None}})):
            with atomic_write(stem.with_name(stem.name + suffix)) as temporary:
                figure.savefig(temporary, **options)


def stacked(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of several networks as one, with the network in its first column."""
    return pd.concat(tables, names=["network"]).reset_index("network")


def save_table(table: pd.DataFrame, file: Path) -> None:
    """Write a table as CSV; texts that a spreadsheet would take for formulas begin with an apostrophe."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        table.map(_as_text).rename(columns=_as_text).to_csv(temporary, index=False, errors="surrogateescape")


def _as_text(cell: Any) -> Any:
    """A cell that no spreadsheet computes (OWASP, CSV injection): a file or a category may be called =1+1."""
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r", r"\r")  # pandas doesn't quote it, and readers take it for the end of a row
    return f"'{text}" if text.startswith(FORMULAS) else text


def save_text(text: str, file: Path) -> None:
    """Write a text in UTF-8."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        temporary.write_text(text, encoding="utf-8")

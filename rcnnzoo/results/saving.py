"""Writing a figure as PNG and SVG, a table as CSV, labelled arrays as netCDF, and a text."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from rcnnzoo.writing import FIGURE_FORMATS, atomic_write

DOTS_PER_INCH = 300
"""Of PNG: what journals ask for."""
UNDATED: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Metadata without which the same figure would not give the same file."""

FORMULAS = ("=", "+", "-", "@", "\t")
"""With these a formula begins in a spreadsheet."""


def save_figure(draw: Callable[[], Figure], stem: Path, formats: Sequence[str] = FIGURE_FORMATS) -> None:
    """Draw a figure and write it as `stem.png` and so on; the same figure gives the same files.

    It is drawn under matplotlib's own settings, whatever those of the user are.

    Args:
        draw: Draws it.
        stem: The files' path without suffix.
        formats: Some of `png`, `svg` and `pdf`.
    """
    stem.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams["svg.hashsalt"] = "rcnnzoo"
        # A box stands for a letter that the font lacks; what it is stands in the table.
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        figure = draw()
        for suffix in formats:
            with atomic_write(stem.with_name(f"{stem.name}.{suffix}")) as temporary:
                figure.savefig(temporary, dpi=DOTS_PER_INCH, metadata=UNDATED.get(suffix))


def stacked(tables: Mapping[Any, pd.DataFrame], column: str = "network") -> pd.DataFrame:
    """Tables of several networks as one, with the network, or what `column` is called, in its first column."""
    together: pd.DataFrame = pd.concat(tables, names=[column])
    return together.reset_index(column)


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


def save_array(array: xr.Dataset, file: Path) -> None:
    """Write labelled arrays as netCDF (version 3, which SciPy writes and every reader of netCDF knows)."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        array.to_netcdf(temporary, engine="scipy")


def save_text(text: str, file: Path) -> None:
    """Write a text in UTF-8."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        temporary.write_text(text, encoding="utf-8")

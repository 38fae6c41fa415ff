"""A result: what is shown, and what is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcnnzoo.locks import LOCK, locked
from rcnnzoo.processes import rank
from rcnnzoo.writing import FIGURE_FORMATS, naming_the_file

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

Rows = Sequence[Mapping[str, object]]
"""A table for people: equal keys in each row."""


@dataclass(frozen=True)
class Result:
    """What a question answers.

    Attributes:
        document: For programs, as JSON has it.
        tables: For people: title and rows of each.
        data: Tables to write as CSV, by the name of the file without its suffix.
        figures: Functions that draw, by the name of the file without its suffix; the data of each is in `data`.
        texts: Texts to write, by the name of the file.
        arrays: Labelled arrays to write as netCDF, by the name of the file without its suffix.
        notes: Lines for people that follow the tables.
        pictures: Figures that were written, to look at.
    """

    document: Any
    tables: Sequence[tuple[str | None, Rows]] = ()
    data: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Callable[[], Figure]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    arrays: Mapping[str, xr.Dataset] = field(default_factory=dict)
    notes: Sequence[str] = ()
    pictures: Sequence[Path] = ()

    def write(self, folder: Path, formats: Sequence[str] | None = None) -> Result:
        """Write all files into a folder; the result as written, whose document says where.

        Where another process is writing results into it, this one waits, so that they never mix; of several processes
        that run one command, the first writes.

        Args:
            folder: Made if it isn't there.
            formats: Of the figures: some of `png`, `svg` and `pdf`; the first two unless given.
        """
        from rcnnzoo.results.saving import save_array, save_figure, save_table, save_text

        if rank() != 0:
            return self
        formats = formats or FIGURE_FORMATS
        with naming_the_file(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / LOCK, folder, wait=True):
            for name, table in self.data.items():
                save_table(table, folder / f"{name}.csv")
            for name, array in self.arrays.items():
                save_array(array, folder / f"{name}.nc")
            for name, draw in self.figures.items():
                save_figure(draw, folder / name, formats)
            for name, text in self.texts.items():
                save_text(text, folder / name)
        document = {**self.document, "out": str(folder)} if isinstance(self.document, Mapping) else self.document
        return replace(self, document=document, pictures=[folder / f"{name}.{formats[0]}" for name in self.figures])

    def with_part(self, name: str, other: Result) -> Result:
        """This result with another after it, whose document is under a name in this one's."""
        return replace(
            self,
            document={**self.document, name: other.document},
            tables=[*self.tables, *other.tables],
            data={**self.data, **other.data},
            arrays={**self.arrays, **other.arrays},
            figures={**self.figures, **other.figures},
            texts={**self.texts, **other.texts},
            notes=[*self.notes, *other.notes],
            pictures=[*self.pictures, *other.pictures],
        )


def or_none(value: Any) -> Any:
    """A document in which infinity and NaN, which JSON doesn't know, are None.

    >>> or_none({"threshold": [float("inf"), 0.5]})
    {'threshold': [None, 0.5]}
    """
    if isinstance(value, Mapping):
        return {key: or_none(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [or_none(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def p_value(value: float) -> str:
    """A p value, for a table's cell.

    >>> p_value(0.00004), p_value(0.0312)
    ('< 0.001', '0.031')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def percent(share: float) -> str:
    """A share of images in per cent, for a table's cell."""
    return f"{100 * share:.1f}"


def interval(low: float, high: float) -> str:
    """An interval of shares in per cent, for a table's cell."""
    return f"{percent(low)} to {percent(high)}"

"""What the page's charts show, as tables: nobody needs to read a number off a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rcnnzoo.text import short

Row = dict[str, Any]
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
SPACE = "\N{NO-BREAK SPACE}"
LONGEST_NUMBER = 10_000
"""From here on numbers have separators, and no decimals."""


def macs(number: float) -> str:
    r"""Multiply-accumulates as people write them.

    >>> macs(83_509_000_000), macs(91_000_000), macs(12)
    ('83.5\xa0G', '91\xa0M', '12')
    """
    text = short(number)
    return f"{text[:-1]}{SPACE}{text[-1]}" if text[-1].isalpha() else text


def shown(value: Any, column: str) -> str:
    r"""A cell as it is read; the name of its column says what it measures.

    >>> shown(0.123456, "r"), shown(71.25, "accuracy (%)"), shown(2e9, "mean MACs"), shown(20_000, "images")
    ('0.1235', '71.2', '2\xa0G', '20,000')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if "MACs" in column:
        return macs(value)
    if "%" in column:
        return f"{value:.1f}"
    if abs(value) >= LONGEST_NUMBER:
        return f"{value:,.0f}"
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def exact(value: Any) -> str | None:
    """A number in full, for a spreadsheet; None for text.

    >>> exact(0.125), exact("-3.5"), exact("-3 to 4")
    ('0.125', '-3.5', None)
    """
    if isinstance(value, str):
        return value if NUMBER.fullmatch(value) else None
    return None if value is None or isinstance(value, bool) else repr(value)


def numeric(rows: Sequence[Row], column: str) -> bool:
    """Whether a column holds numbers, which are aligned by their last digits."""
    cells = [row[column] for row in rows if row[column] is not None]
    return bool(cells) and all(exact(cell) is not None for cell in cells)


def table(title: str | None, rows: Sequence[Row], file: str) -> dict[str, Any]:
    """A table without its empty columns."""
    empty = {column for row in rows for column in row} - {
        c for row in rows for c, cell in row.items() if cell is not None
    }
    return {
        "title": title,
        "rows": [{c: cell for c, cell in row.items() if c not in empty} for row in rows],
        "file": file,
    }


def percent(share: float | None) -> float | None:
    """A share as a number of percent, without the noise of binary fractions."""
    return None if share is None else round(100 * share, 9)


def lines(chart: Mapping[str, Any], file: str) -> dict[str, Any]:
    """One row per point of a chart of lines."""
    unit, value = (" (%)", percent) if chart["percent"] else ("", lambda number: number)
    rows = [
        {
            "line": one["name"],
            chart["x"]: one["x"][i],
            f"{chart['y']}{unit}": value(one["y"][i]),
            f"low{unit}": value(one["low"][i]) if one["low"] else None,
            f"high{unit}": value(one["high"][i]) if one["high"] else None,
        }
        for one in chart["series"]
        for i in range(len(one["x"]))
    ]
    return table(None, rows, file)


def sat(document: Mapping[str, Any], policy: Mapping[str, Any], readout: str) -> dict[str, Any]:
    """One row per point of the curves of one exit policy and one readout, with the reaction times behind it."""
    curves = [one for one in document["curves"] if (one["policy"], one["readout"]) == (policy["name"], readout)]
    ends = {False: "all stop at step 1", True: "none stops early"}
    most = max((document["steps"][one["network"]] for one in curves), default=0)
    rows = [
        {
            "network": one["network"],
            f"threshold ({policy['unit']})": ends[one["steps"][i] > 1] if threshold is None else threshold,
            "accuracy (%)": percent(one["accuracy"][i]),
            "low (%)": percent(one["low"][i]),
            "high (%)": percent(one["high"][i]),
            "mean MACs": one["macs"][i],
            "mean time steps": one["steps"][i],
            **{
                f"stop at step {step + 1} (%)": percent(one["shares"][i][step])
                if step < len(one["shares"][i])
                else None
                for step in range(most)
            },
        }
        for one in curves
        for i, threshold in enumerate(one["threshold"])
    ]
    return table(None, rows, f"speed-accuracy-{policy['name']}-{readout}.csv")


def matrix(found: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """The upper triangle, row by row: the last network has no row of its own, and the first no column."""
    return [(name, found["cells"][i][1:]) for i, name in enumerate(found["names"][:-1])]


def picture_lines(image: Mapping[str, Any]) -> dict[str, Any]:
    """The chart beside a picture: one line per category over time steps."""
    steps = list(range(1, 1 + max(map(len, image["probabilities"]), default=0)))
    return {
        "title": f"Probabilities of categories over time steps for {image['file']}",
        "x": "time step",
        "y": "probability",
        "percent": True,
        "range": [0, 1],
        "series": [
            {"name": name, "network": None, "dashed": False, "x": steps, "y": values, "low": None, "high": None}
            for name, values in zip(image["categories"], image["probabilities"], strict=True)
        ],
    }


def people(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The correlations, controls and ceilings of one set of people."""
    titled = (("correlations", "Correlations"), ("controls", "Controls"), ("ceilings", "Ceilings"))
    return [table(title, found[key], f"{found['name']}-{key}.csv") for key, title in titled if found[key]]

"""Tables on standard output, as wide as the terminal and no wider."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from textwrap import fill

from rcnnzoo.text import visible, whole

NUMBERS = re.compile(r"(< )?[+-]?(inf|[\d.,]+)(e[+-]?\d+)?[kMGT%]?( to [+-]?[\d.,]+)?")
"""A cell that is a number, or an interval: it goes to the right, and is never broken."""
PIECES = re.compile(r"(?<=[/.+-])(?=[A-Za-z])|(?<= )")
"""Where a long cell may be continued on another line."""
GAPS = (3, 2)
"""Letters between two columns of a table: fewer only if cells would otherwise be broken."""
LEAST = 8
"""Letters that a column of text keeps at least."""
LONG = 32
"""Letters of a piece that may be broken before other columns become narrower, such as those of a hash."""


def show_table(rows: Sequence[Mapping[str, object]], title: str | None = None) -> None:
    """Print rows of equal keys as a table; numbers to the right, None as an empty cell.

    On a terminal, long cells are continued on another line, between words or after / . + -; numbers are never
    broken. Into a file or a pipe each row is one line, however long.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False)
    names = list(rows[0]) if rows else []
    columns = [[_cell(row[name]) for row in rows] for name in names]
    titled = [[visible(name), *column] for name, column in zip(names, columns, strict=True)]
    gap = GAPS[0]
    if console.is_terminal:
        gap, widths = _fitted(titled, console.width)
    else:
        widths = [max(map(len, column)) for column in titled]
        console.width = max(console.width, sum(widths) + gap * len(widths) + 1)
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, gap - 2))
    for name, column, width in zip(names, columns, widths, strict=True):
        numbers = _are_numbers(column)
        table.add_column(
            Text(_continued(visible(name), width)), justify="right" if numbers else "left", width=width, overflow="fold"
        )
    for row in zip(*columns, strict=True):
        table.add_row(*(Text(_continued(cell, width)) for cell, width in zip(row, widths, strict=True)))
    if title is not None:
        show_line(title)
    with console.capture() as captured:  # rich would turn a closed pipe into an exit status of its own
        console.print(table, soft_wrap=False)
    print(captured.get(), end="")  # noqa: T201


def _cell(value: object) -> str:
    if value is None:
        return ""
    return whole(value) if isinstance(value, int) and not isinstance(value, bool) else visible(str(value))


def _are_numbers(column: Sequence[str]) -> bool:
    return any(column) and all(NUMBERS.fullmatch(cell) for cell in column if cell)


def _fitted(columns: Sequence[Sequence[str]], width: int) -> tuple[int, list[int]]:
    """The gap between columns, each with its header first, and their widths, that together fit into a width."""
    cells = [max(map(len, ["", *column[1:]])) for column in columns]
    for gap in GAPS:
        widths = _shrunk(columns, cells, width - gap * len(columns) - 1)
        if all(have >= need for have, need in zip(widths, cells, strict=True)):
            break
    return gap, widths


def _shrunk(columns: Sequence[Sequence[str]], cells: Sequence[int], available: int) -> list[int]:
    """Widths of columns that together have a width available, given the longest cell of each below its header.

    The widest column shrinks until all fit: first where only its header is that wide, then texts down to their longest
    piece, then further.
    """
    widths = [max(map(len, column)) for column in columns]
    pieces = [max(len(piece) for cell in column for piece in _pieces(cell)) for column in columns]
    numbers = [_are_numbers(column[1:]) for column in columns]
    limits = [[max(cell, *map(len, _pieces(column[0]))) for cell, column in zip(cells, columns, strict=True)]]
    for most in (LONG, LEAST):
        limits.append([piece if number else min(piece, most) for piece, number in zip(pieces, numbers, strict=True)])
    for least in limits:
        while sum(widths) > available:
            spare = [have - need for have, need in zip(widths, least, strict=True)]
            if max(spare) <= 0:
                break
            widest = max((place for place, more in enumerate(spare) if more > 0), key=widths.__getitem__)
            widths[widest] -= 1
    return widths


def _pieces(cell: str) -> list[str]:
    return [cell] if NUMBERS.fullmatch(cell) else [piece.rstrip() for piece in PIECES.split(cell)]


def _continued(cell: str, width: int) -> str:
    """A cell in lines of a width, broken between its pieces; a piece that is longer is broken where the line ends."""
    lines = [""]
    for piece in PIECES.split(cell):
        if lines[-1] and len(lines[-1]) + len(piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return "\n".join(line.rstrip() for line in lines)


def show_line(line: str) -> None:
    """Print a line; on a terminal it is continued on another between words."""
    from rich.console import Console

    console = Console(file=sys.stdout)
    text = visible(line)
    if console.is_terminal:
        text = fill(text, console.width, break_long_words=False, break_on_hyphens=False)
    print(text)  # noqa: T201

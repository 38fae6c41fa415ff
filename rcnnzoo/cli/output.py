"""Results on standard output: a table for people, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rcnnzoo.results.result import Result


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]


def show(result: Result, *, as_json: bool) -> None:
    """Print a result as one JSON document, or as tables, notes and where its figures lie."""
    if as_json:
        show_json(result.document)
        return
    for title, rows in result.tables:
        show_table(rows, title=title)
    for line in [*result.notes, *result.pictures]:
        print(line)  # noqa: T201


def show_json(document: Any) -> None:
    """Print a document as JSON, and nothing else.

    Raises:
        ValueError: It holds NaN or infinity, which JSON doesn't have; give None.
    """
    print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))  # noqa: T201


def show_table(rows: Sequence[Mapping[str, object]], title: str | None = None) -> None:
    """Print rows of equal keys as a table; numbers to the right, None as an empty cell.

    Long cells are folded to a terminal's width. Into a file or a pipe each row is one line, however long.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=box.SIMPLE)
    for name in rows[0] if rows else ():
        numbers = all(isinstance(row[name], int | float | None) for row in rows)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        anything = console.options.update(max_width=100_000)
        console.width = max(console.width, console.measure(table, options=anything).maximum)
    console.print(table, soft_wrap=False)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else visible(str(value))


def visible(text: str) -> str:
    r"""A line of text on which control characters show and do nothing: a file's name can hold anything.

    >>> visible("new\nline")
    'new\\nline'
    """
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)

"""Results on standard output: tables for people, or one JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rcnnzoo.cli.tables import show_line, show_table
from rcnnzoo.processes import rank

if TYPE_CHECKING:
    from rcnnzoo.results.result import Result


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]


def show(result: Result, *, as_json: bool) -> None:
    """Print a result as one JSON document, or as tables, notes and where its figures are; once for all processes."""
    if rank() != 0:
        return
    if as_json:
        show_json(result.document)
        return
    for title, rows in result.tables:
        show_table(rows, title=title)
    for line in [*result.notes, *result.pictures]:
        show_line(str(line))


def show_json(document: Any) -> None:
    r"""Print a document as JSON, and nothing else; bytes of names that are not UTF-8 as \udcXX.

    Raises:
        ValueError: It holds NaN or infinity, which JSON doesn't have; give None.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    print(text.encode("utf-8", "backslashreplace").decode())  # noqa: T201

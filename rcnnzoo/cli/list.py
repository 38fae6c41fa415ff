"""`rcnnzoo list`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcnnzoo import plugins
from rcnnzoo.cli.output import AsJson, show, show_json
from rcnnzoo.cli.tables import show_table
from rcnnzoo.errors import UnknownName
from rcnnzoo.hookspecs import KINDS


def list_names(
    kind: Annotated[
        str | None, typer.Argument(help=f"{', '.join(KINDS)}, plugins or runs.", show_default="all but runs")
    ] = None,
    folder: Annotated[Path, typer.Argument(help="With runs, the folder that holds them.")] = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """List what is installed, with the package each comes from; or the runs in a folder.

    Example: rcnnzoo list architectures
    """
    if kind == "runs":
        from rcnnzoo.results.runs import list_runs

        show(list_runs(folder), as_json=as_json)
        return
    kinds = [*KINDS, "plugins", "runs"]
    if kind is not None and kind not in kinds:
        raise UnknownName("kind", kind, kinds, "rcnnzoo list --help")
    rows = [row for row in plugins.listing() if kind in (None, row["kind"])]
    if as_json:
        show_json(rows)
    else:
        show_table(rows)

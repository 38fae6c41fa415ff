"""`rcnnzoo list`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

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
    """List what is installed, package by package; or the runs in a folder.

    Of an architecture it says whether what it is shown may change while it runs (--stimulus), and where it gets weights
    that were trained before.

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
        return
    for package in dict.fromkeys(row["package"] for row in rows):
        of_package = [row for row in rows if row["package"] == package]
        licence = plugins.licence_of(package)
        for name in dict.fromkeys(row["kind"] for row in of_package):
            title = f"{package}{f' ({licence})' if licence else ''}: {name}"
            show_table([_shown(row) for row in of_package if row["kind"] == name], title)


def _shown(row: Mapping[str, Any]) -> dict[str, object]:
    """A row for people, whose kind and package are above the table."""
    shown = {"name": row["name"], "description": row["description"]}
    if row["kind"] == "architectures":
        shown |= {
            "changing stimuli": "yes" if row["presentable"] else "no",
            "trained weights": ", ".join(row["weights"]) or None,
        }
    return shown

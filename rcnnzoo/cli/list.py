"""`rcnnzoo list`."""

from __future__ import annotations

from typing import Annotated

import typer

from rcnnzoo import plugins
from rcnnzoo.cli.output import AsJson, show_json, show_table
from rcnnzoo.errors import UnknownName
from rcnnzoo.hookspecs import KINDS


def list_names(
    kind: Annotated[str | None, typer.Argument(help=f"{', '.join(KINDS)} or plugins; else all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what is installed, with the package each comes from.

    Example: rcnnzoo list architectures
    """
    kinds = [*KINDS, "plugins"]
    if kind is not None and kind not in kinds:
        raise UnknownName("kind", kind, kinds, "rcnnzoo list --help")
    rows = [row for row in plugins.listing() if kind in (None, row["kind"])]
    if as_json:
        show_json(rows)
    else:
        show_table(rows)

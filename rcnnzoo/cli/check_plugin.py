"""`rcnnzoo check-plugin`."""

from __future__ import annotations

from typing import Annotated

import typer

from rcnnzoo.cli.output import AsJson, show_json
from rcnnzoo.cli.tables import show_table


def check_plugin(
    package: Annotated[str, typer.Argument(help="An installed package, or FILE.py.", metavar="PACKAGE")],
    as_json: AsJson = False,
) -> None:
    """Check everything that a plugin registers against the contract, and explain what breaks it.

    A warning is not a fault: it points out something that is rarely intended. `rcnnzoo --debug check-plugin` adds
    tracebacks.

    Example: rcnnzoo check-plugin rcnnzoo-behaviour
    """
    from rcnnzoo.checking.packages import check_plugin as check
    from rcnnzoo.errors import PluginError

    rows = check(package)
    shown = [{"check": row.check, "member": row.member, "outcome": row.outcome, "words": row.words} for row in rows]
    if as_json:
        show_json(shown)
    else:
        show_table(shown)
    faults = [row for row in rows if row.outcome == "fault"]
    if faults:
        causes = [row.error for row in faults if isinstance(row.error, Exception)]
        first = "; ".join(f"{row.check} ({row.member})" for row in faults[:3])
        message = f"{package}: {len(faults)} of {len(rows)} checks found a fault: {first}{'; ...' * (len(faults) > 3)}"
        raise PluginError(message) from ExceptionGroup("faults", causes) if causes else None
